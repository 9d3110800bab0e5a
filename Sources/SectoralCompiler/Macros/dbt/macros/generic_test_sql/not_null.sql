{% macro default__test_not_null(model, column_name) %}

{# stored failures keep whole rows, so that they can be looked at #}

select {{ '*' if should_store_failures() else column_name }}
from {{ model }}
where {{ column_name }} is null

{% endmacro %}
