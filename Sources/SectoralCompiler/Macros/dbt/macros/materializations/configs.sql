{% macro set_sql_header(config) -%}
  {%- do config.set('sql_header', caller()) -%}
{%- endmacro %}

{% macro should_full_refresh() -%}
  {%- set wanted = config.get('full_refresh') -%}
  {%- do return(flags.FULL_REFRESH if wanted is none else wanted) -%}
{%- endmacro %}

{% macro should_store_failures() -%}
  {%- set wanted = config.get('store_failures') -%}
  {%- do return(flags.STORE_FAILURES if wanted is none else wanted) -%}
{%- endmacro %}
