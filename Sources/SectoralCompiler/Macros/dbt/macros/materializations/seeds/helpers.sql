{% macro create_csv_table(model, agate_table) -%}
  {{- return(adapter.dispatch('create_csv_table', 'dbt')(model, agate_table)) -}}
{%- endmacro %}

{% macro default__create_csv_table(model, agate_table) -%}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- set quoted = model['config'].get('quote_columns', none) -%}
  {%- set columns = [] -%}
  {%- for name in agate_table.column_names -%}
    {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
    {%- do columns.append(adapter.quote_seed_column(name | string, quoted) ~ ' ' ~ type) -%}
  {%- endfor -%}
  {%- set text -%}
    create table {{ this.render() }} ({{ columns | join(', ') }})
  {%- endset -%}
  {%- call statement('_') -%}
    {{ text }}
  {%- endcall -%}
  {%- do return(text) -%}
{%- endmacro %}

{% macro reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
  {{- return(adapter.dispatch('reset_csv_table', 'dbt')(model, full_refresh, old_relation, agate_table)) -}}
{%- endmacro %}

{% macro default__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
  {%- if full_refresh -%}
    {%- if this.identifier == old_relation.identifier -%}
      {%- do adapter.drop_relation(old_relation) -%}
    {%- endif -%}
    {%- do return(create_csv_table(model, agate_table)) -%}
  {%- endif -%}
  {%- if adapter.type() == 'redshift' -%}
    {#- TRUNCATE ends the transaction there: should the rows that follow be refused, the old ones were lost -#}
    {%- set text = 'delete from ' ~ old_relation.render() -%}
    {%- do adapter.execute(text, auto_begin=True, may_wait=True) -%}
    {%- do return(text) -%}
  {%- endif -%}
  {%- do adapter.truncate_relation(old_relation) -%}
  {%- do return('truncate table ' ~ old_relation.render()) -%}
{%- endmacro %}

{% macro get_csv_sql(create_or_truncate_sql, insert_sql) -%}
  {{- return(adapter.dispatch('get_csv_sql', 'dbt')(create_or_truncate_sql, insert_sql)) -}}
{%- endmacro %}

{% macro default__get_csv_sql(create_or_truncate_sql, insert_sql) %}
    {# the record of what a seed did; it is not run as one text #}
    {{ create_or_truncate_sql }};
    -- dbt seed --
    {{ insert_sql }}
{% endmacro %}

{% macro get_binding_char() -%}
  {{- return(adapter.dispatch('get_binding_char', 'dbt')()) -}}
{%- endmacro %}

{% macro default__get_binding_char() -%}
  {%- do return('%s') -%}
{%- endmacro %}

{% macro get_batch_size() -%}
  {{- return(adapter.dispatch('get_batch_size', 'dbt')()) -}}
{%- endmacro %}

{% macro default__get_batch_size() -%}
  {%- do return(10000) -%}
{%- endmacro %}

{% macro get_seed_column_quoted_csv(model, column_names) -%}
  {%- set quoted = model['config'].get('quote_columns', none) -%}
  {%- set names = [] -%}
  {%- for name in column_names -%}
    {%- do names.append(adapter.quote_seed_column(name, quoted)) -%}
  {%- endfor -%}
  {%- do return(names | join(', ')) -%}
{%- endmacro %}

{% macro load_csv_rows(model, agate_table) -%}
  {{- return(adapter.dispatch('load_csv_rows', 'dbt')(model, agate_table)) -}}
{%- endmacro %}

{% macro default__load_csv_rows(model, agate_table) -%}
  {%- set columns = get_seed_column_quoted_csv(model, agate_table.column_names) -%}
  {%- if adapter.type() == 'postgres' -%}
    {#- one COPY for the whole file -#}
    {%- if agate_table.rows | length == 0 -%}
      {%- do return('') -%}
    {%- endif -%}
    {%- do adapter.copy_csv_rows(this, agate_table, columns) -%}
    {%- do return('copy ' ~ this.render() ~ ' (' ~ columns ~ ') from stdin') -%}
  {%- endif -%}

  {%- set mark = get_binding_char() -%}
  {%- set texts = [] -%}
  {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
    {%- set values = [] -%}
    {%- for row in rows -%}
      {%- do values.extend(row) -%}
    {%- endfor -%}
    {%- set one_row = '(' ~ ([mark] * agate_table.column_names | length) | join(',') ~ ')' -%}
    {%- set text = 'insert into ' ~ this.render() ~ ' (' ~ columns ~ ') values '
      ~ ([one_row] * rows | length) | join(',') -%}
    {%- do adapter.add_query(text, bindings=values, abridge_sql_log=True) -%}
    {%- do texts.append(text) -%}
  {%- endfor -%}
  {%- do return(texts | first | default('', true)) -%}
{%- endmacro %}
