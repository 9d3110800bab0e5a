{% macro get_create_view_as_sql(relation, sql) -%}
  {{- return(adapter.dispatch('get_create_view_as_sql', 'dbt')(relation, sql)) -}}
{%- endmacro %}

{% macro default__get_create_view_as_sql(relation, sql) -%}
  {%- do return(create_view_as(relation, sql)) -%}
{%- endmacro %}

{% macro create_view_as(relation, sql) -%}
  {{- return(adapter.dispatch('create_view_as', 'dbt')(relation, sql)) -}}
{%- endmacro %}

{% macro default__create_view_as(relation, sql) -%}
  {%- set header = config.get('sql_header', none) -%}
  {%- set contract = config.get('contract') -%}
  {{ header if header is not none }}
  create view {{ relation.render() }}
  {%- if contract.enforced %}
    {{ get_assert_columns_equivalent(sql) }}
  {%- endif %}
  as (
    {{ sql }}
  );
{%- endmacro %}
