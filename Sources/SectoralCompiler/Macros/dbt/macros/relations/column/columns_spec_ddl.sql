{% macro get_table_columns_and_constraints() -%}
  {{- return(adapter.dispatch('get_table_columns_and_constraints', 'dbt')()) -}}
{%- endmacro %}

{% macro default__get_table_columns_and_constraints() -%}
  {%- do return(table_columns_and_constraints()) -%}
{%- endmacro %}

{% macro table_columns_and_constraints() -%}
  {%- set parts = adapter.render_raw_columns_constraints(raw_columns=model['columns'])
    + adapter.render_raw_model_constraints(raw_constraints=model['constraints']) -%}
  (
    {{ parts | join(',\n    ') }}
  )
{%- endmacro %}

{% macro get_assert_columns_equivalent(sql) -%}
  {{- return(adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql)) -}}
{%- endmacro %}

{% macro default__get_assert_columns_equivalent(sql) -%}
  {%- do return(assert_columns_equivalent(sql)) -%}
{%- endmacro %}

{% macro assert_columns_equivalent(sql) -%}
  {%- set described = model['columns'] -%}
  {%- if not described -%}
    {%- do exceptions.raise_contract_error([], []) -%}
  {%- endif -%}
  {#- neither query returns rows: the database only says what their columns are -#}
  {%- set actual = format_columns(get_column_schema_from_query(sql, config.get('sql_header', none))) -%}
  {%- set promised = format_columns(get_column_schema_from_query(get_empty_schema_sql(described))) -%}
  {%- if actual | length != promised | length -%}
    {%- do exceptions.raise_contract_error(promised, actual) -%}
  {%- endif -%}
  {#- names are compared as they are written, and types as 'format_column' writes them -#}
  {%- set types = {} -%}
  {%- for column in promised -%}{%- do types.update({column.name: column.formatted}) -%}{%- endfor -%}
  {%- for column in actual if types.get(column.name) != column.formatted -%}
    {%- do exceptions.raise_contract_error(promised, actual) -%}
  {%- endfor -%}
{%- endmacro %}

{% macro format_columns(columns) -%}
  {%- set rows = [] -%}
  {%- for column in columns -%}
    {%- do rows.append(adapter.dispatch('format_column', 'dbt')(column)) -%}
  {%- endfor -%}
  {%- do return(rows) -%}
{%- endmacro %}

{% macro default__format_column(column) -%}
  {%- set type = column.dtype -%}
  {%- do return({
    'name': column.name,
    'data_type': type,
    'formatted': column.column.lower() ~ ' ' ~ type
  }) -%}
{%- endmacro %}
