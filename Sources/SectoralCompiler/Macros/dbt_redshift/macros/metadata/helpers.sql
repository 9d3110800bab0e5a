{% macro redshift__use_show_apis() -%}
  {%- do return(adapter.use_show_apis()) -%}
{%- endmacro %}

{% macro redshift__use_grants_extended() -%}
  {%- do return(adapter.use_grants_extended()) -%}
{%- endmacro %}

{% macro redshift__drop_without_cascade() -%}
  {%- do return(adapter.drop_without_cascade()) -%}
{%- endmacro %}
