{% macro postgres__get_replace_table_sql(relation, sql) -%}
  {%- set header = config.get('sql_header', none) -%}
  {%- set contract = config.get('contract') -%}
  {{ header if header is not none }}
  create or replace table {{ relation.render() }}
  {%- if contract.enforced %}
    {{ get_assert_columns_equivalent(sql) }}
    {{ get_table_columns_and_constraints() }}
    {%- set sql = get_select_subquery(sql) -%}
  {%- endif %}
  as (
    {{ sql }}
  );
{%- endmacro %}
