{% macro noted() %}{% do log('noted', info=true) %}{% endmacro %}
