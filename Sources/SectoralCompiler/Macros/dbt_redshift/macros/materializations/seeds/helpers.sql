{% macro redshift__create_csv_table(model, agate_table) -%}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- set quoted = model['config'].get('quote_columns', none) -%}
  {%- set columns = [] -%}
  {%- for name in agate_table.column_names -%}
    {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
    {%- do columns.append(adapter.quote_seed_column(name | string, quoted) ~ ' ' ~ type) -%}
  {%- endfor -%}
  {%- set text -%}
    create table {{ this.render() }} ({{ columns | join(', ') }}) {{ dist(config.get('dist', validator=validation.any[str])) }}
  {%- endset -%}
  {%- call statement('_') -%}
    {{ text }}
  {%- endcall -%}
  {%- do return(text) -%}
{%- endmacro %}

{% macro redshift__load_csv_rows(model, agate_table) -%}
  {#- by files in S3, or in as few statements as the server's limit allows -#}
  {%- set columns = get_seed_column_quoted_csv(model, agate_table.column_names) -%}
  {%- do return(adapter.load_seed_rows(this, agate_table, columns)) -%}
{%- endmacro %}

{% macro redshift__get_batch_size() -%}
  {%- do return(500) -%}
{%- endmacro %}
