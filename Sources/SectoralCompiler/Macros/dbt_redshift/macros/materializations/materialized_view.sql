{% macro redshift__get_materialized_view_configuration_changes(existing_relation, new_config) -%}
  {%- set standing = redshift__describe_materialized_view(existing_relation) -%}
  {%- do return(existing_relation.materialized_view_config_changeset(standing, new_config.model)) -%}
{%- endmacro %}
