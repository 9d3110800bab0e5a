{% macro is_incremental() -%}
  {%- if not execute -%}
    {%- do return(False) -%}
  {%- endif -%}
  {%- set standing = adapter.get_relation(this.database, this.schema, this.table) -%}
  {%- do return(
    standing is not none
    and standing.type == 'table'
    and model.config.materialized == 'incremental'
    and not should_full_refresh()) -%}
{%- endmacro %}
