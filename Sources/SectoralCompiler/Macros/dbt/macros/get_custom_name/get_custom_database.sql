{% macro generate_database_name(custom_database_name=None, node=None) -%}
  {{- return(adapter.dispatch('generate_database_name', 'dbt')(custom_database_name, node)) -}}
{%- endmacro %}

{% macro default__generate_database_name(custom_database_name=None, node=None) -%}
  {{ custom_database_name if custom_database_name is not none else target.database }}
{%- endmacro %}
