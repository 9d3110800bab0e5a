{% macro get_fixture_sql(rows, column_name_to_data_types) -%}
{% set fixture_name = model.name -%}
{%- set quoted = {} -%}
{%- if column_name_to_data_types -%}
  {%- set types = column_name_to_data_types -%}
  {%- for name in types -%}
    {%- do quoted.update({name: adapter.quote(name)}) -%}
  {%- endfor -%}
{%- else -%}
  {#- the types come from the input as it stands in the database -#}
  {%- set relation = load_relation(this) or (load_relation(defer_relation) if defer_relation else none) -%}
  {%- if not relation -%}
    {%- do exceptions.raise_compiler_error(
      "Not able to get columns for unit test '" ~ fixture_name ~ "' from relation " ~ this
      ~ " because the relation doesn't exist") -%}
  {%- endif -%}
  {%- set types = {} -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do types.update({column.name | lower: column.data_type}) -%}
    {%- do quoted.update({column.name | lower: column.quoted}) -%}
  {%- endfor -%}
{%- endif -%}
{%- if not types -%}
  {%- do exceptions.raise_compiler_error(
    "Not able to get columns for unit test '" ~ fixture_name ~ "' from relation " ~ this) -%}
{%- endif %}
-- Fixture for {{ fixture_name }}
{% for row in rows -%}
  {%- do validate_fixture_rows(rows, loop.index) -%}
  {%- set given = format_row(row, types) -%}
  {%- set first_row = loop.first -%}
select {% for name, type in types.items() -%}
    {{ given[name] if name in given else safe_cast('null', type) | trim }} as {{ quoted[name] }}
    {%- if not loop.last %}, {% endif -%}
  {%- endfor %}
{%- if not loop.last %}
union all
{% endif -%}
{%- else -%}
select {% for name, type in types.items() -%}
    {{ safe_cast('null', type) | trim }} as {{ quoted[name] }}
    {%- if not loop.last %}, {% endif -%}
  {%- endfor %}
    limit 0
{%- endfor -%}
{% endmacro %}

{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -%}
  {%- for row in rows -%}
    {%- set given = format_row(row, column_name_to_data_types) -%}
    select {% for name, value in given.items() -%}
      {{ value }} as {{ column_name_to_quoted[name] }}
      {%- if not loop.last %}, {% endif -%}
    {%- endfor -%}
    {%- if not loop.last %}
union all
{% endif -%}
  {%- else -%}
    select * from dbt_internal_unit_test_actual
    limit 0
  {%- endfor -%}
{%- endmacro %}

{% macro format_row(row, column_name_to_data_types) -%}
  {%- set given = {} -%}
  {%- for name, value in row.items() -%}
    {%- set name = name | lower -%}
    {%- if name not in column_name_to_data_types -%}
      {%- set fixture = 'expected output' if model.resource_type == 'unit_test' else "'" ~ model.name ~ "'" -%}
      {%- do exceptions.raise_compiler_error(
        "Invalid column name: '" ~ name ~ "' in unit test fixture for " ~ fixture ~ ".\n"
        ~ "Accepted columns for " ~ fixture ~ " are: " ~ column_name_to_data_types.keys() | list) -%}
    {%- endif -%}
    {%- set type = column_name_to_data_types[name] -%}
    {%- if value is none -%}
      {%- set literal = 'null' -%}
    {%- elif value is string -%}
      {%- set literal = string_literal(escape_single_quotes(value)) -%}
      {#- without a length, so that nothing is cut off unseen -#}
      {%- set type = type.split('(')[0] if type.startswith('character varying') else type -%}
    {%- else -%}
      {%- set literal = value -%}
    {%- endif -%}
    {%- do given.update({name: safe_cast(literal, type)}) -%}
  {%- endfor -%}
  {%- do return(given) -%}
{%- endmacro %}

{% macro validate_fixture_rows(rows, row_number) -%}
  {{- return(adapter.dispatch('validate_fixture_rows', 'dbt')(rows, row_number)) -}}
{%- endmacro %}

{% macro default__validate_fixture_rows(rows, row_number) -%}
  {#- any row will do where a cast gives a null its type -#}
{%- endmacro %}
