{% macro generate_latest_version_pointer_alias(custom_alias_name=None, node=None) -%}
  {{- return(adapter.dispatch('generate_latest_version_pointer_alias', 'dbt')(custom_alias_name, node)) -}}
{%- endmacro %}

{% macro default__generate_latest_version_pointer_alias(custom_alias_name=None, node=None) -%}
  {{ custom_alias_name | trim if custom_alias_name else node.name }}
{%- endmacro %}
