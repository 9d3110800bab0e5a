{% macro get_drop_sql(relation) -%}
  {%- do log('Applying DROP to: ' ~ relation) -%}
  {{- return(adapter.dispatch('get_drop_sql', 'dbt')(relation)) -}}
{%- endmacro %}

{% macro default__get_drop_sql(relation) -%}
  {%- do return(
    drop_view(relation) if relation.is_view
    else drop_table(relation) if relation.is_table
    else drop_materialized_view(relation) if relation.is_materialized_view
    else 'drop ' ~ relation.type ~ ' if exists ' ~ relation.render() ~ ' cascade') -%}
{%- endmacro %}

{% macro drop_relation(relation) -%}
  {{- return(adapter.dispatch('drop_relation', 'dbt')(relation)) -}}
{%- endmacro %}

{% macro default__drop_relation(relation) -%}
  {%- call statement('drop_relation', auto_begin=False) -%}
    {{ get_drop_sql(relation) }}
  {%- endcall -%}
{%- endmacro %}

{% macro drop_relation_if_exists(relation) -%}
  {%- if relation is not none -%}
    {%- do adapter.drop_relation(relation) -%}
  {%- endif -%}
{%- endmacro %}
