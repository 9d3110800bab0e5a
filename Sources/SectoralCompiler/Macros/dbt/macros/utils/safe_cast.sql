{% macro safe_cast(field, type) -%}
  {{- return(adapter.dispatch('safe_cast', 'dbt')(field, type)) -}}
{%- endmacro %}

{% macro default__safe_cast(field, type) %}
    {# most databases have no cast that gives null instead of failing #}
    cast({{ field }} as {{ type }})
{% endmacro %}
