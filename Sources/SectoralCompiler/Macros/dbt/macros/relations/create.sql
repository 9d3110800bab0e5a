{% macro get_create_sql(relation, sql) -%}
  {%- do log('Applying CREATE to: ' ~ relation) -%}
  {{- return(adapter.dispatch('get_create_sql', 'dbt')(relation, sql)) -}}
{%- endmacro %}

{% macro default__get_create_sql(relation, sql) -%}
  {%- do return(
    get_create_view_as_sql(relation, sql) if relation.is_view
    else get_create_table_as_sql(False, relation, sql) if relation.is_table
    else get_create_materialized_view_as_sql(relation, sql) if relation.is_materialized_view
    else exceptions.raise_compiler_error('`get_create_sql` has not been implemented for: ' ~ relation.type)) -%}
{%- endmacro %}
