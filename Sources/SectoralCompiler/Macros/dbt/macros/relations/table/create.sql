{% macro get_create_table_as_sql(temporary, relation, sql) -%}
  {{- return(adapter.dispatch('get_create_table_as_sql', 'dbt')(temporary, relation, sql)) -}}
{%- endmacro %}

{% macro default__get_create_table_as_sql(temporary, relation, sql) -%}
  {%- do return(create_table_as(temporary, relation, sql)) -%}
{%- endmacro %}

{% macro create_table_as(temporary, relation, compiled_code, language='sql') -%}
  {%- if language == 'sql' -%}
    {%- do return(adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code)) -%}
  {%- elif language == 'python' -%}
    {#- the older signature has no language; only adapters with python models take one -#}
    {%- do return(adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code, language)) -%}
  {%- else -%}
    {%- do exceptions.raise_compiler_error('create_table_as() takes sql or python, not ' ~ language) -%}
  {%- endif -%}
{%- endmacro %}

{% macro default__create_table_as(temporary, relation, sql) -%}
  {%- set shown = not temporary -%}
  {%- set selected = sql -%}
  {%- set definition = '' -%}
  {%- if config.get('contract').enforced and not temporary -%}
    {%- set definition = get_assert_columns_equivalent(sql) ~ get_table_columns_and_constraints() -%}
    {%- set selected = get_select_subquery(sql) -%}
  {%- endif -%}
  {{ config.get('sql_header', none) or '' }}
  create {{ 'temporary' if temporary }} table {{ relation.include(database=shown, schema=shown) }} {{ definition }}
  as (
    {{ selected }}
  );
{%- endmacro %}

{% macro default__get_column_names() -%}
  {%- set user_columns = model.get('columns') or {} -%}
  {%- for column in user_columns.values() -%}
    {{ adapter.quote(column['name']) if column.get('quote') else column['name'] }}
    {%- if not loop.last %}, {% endif -%}
  {%- endfor -%}
{%- endmacro %}

{% macro get_select_subquery(sql) -%}
  {{- return(adapter.dispatch('get_select_subquery', 'dbt')(sql)) -}}
{%- endmacro %}

{% macro default__get_select_subquery(sql) -%}
  select {{ adapter.dispatch('get_column_names', 'dbt')() }}
  from (
    {{ sql }}
  ) as model_subq
{%- endmacro %}
