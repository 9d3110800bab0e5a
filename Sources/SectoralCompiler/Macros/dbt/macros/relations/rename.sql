{% macro get_rename_sql(relation, new_name) -%}
  {%- do log('Applying RENAME to: ' ~ relation) -%}
  {{- return(adapter.dispatch('get_rename_sql', 'dbt')(relation, new_name)) -}}
{%- endmacro %}

{% macro default__get_rename_sql(relation, new_name) -%}
  {%- do return(
    get_rename_view_sql(relation, new_name) if relation.is_view
    else get_rename_table_sql(relation, new_name) if relation.is_table
    else get_rename_materialized_view_sql(relation, new_name) if relation.is_materialized_view
    else exceptions.raise_compiler_error('`get_rename_sql` has not been implemented for: ' ~ relation.type)) -%}
{%- endmacro %}

{% macro rename_relation(from_relation, to_relation) -%}
  {{- return(adapter.dispatch('rename_relation', 'dbt')(from_relation, to_relation)) -}}
{%- endmacro %}

{% macro default__rename_relation(from_relation, to_relation) -%}
  {%- set new_name = adapter.quote_as_configured(to_relation.identifier, 'identifier') -%}
  {%- call statement('rename_relation') -%}
    alter table {{ from_relation.render() }} rename to {{ new_name }}
  {%- endcall -%}
{%- endmacro %}
