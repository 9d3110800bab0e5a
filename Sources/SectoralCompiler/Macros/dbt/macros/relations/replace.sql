{% macro get_replace_sql(existing_relation, target_relation, sql) -%}
  {{- return(adapter.dispatch('get_replace_sql', 'dbt')(existing_relation, target_relation, sql)) -}}
{%- endmacro %}

{% macro default__get_replace_sql(existing_relation, target_relation, sql) -%}
  {%- if existing_relation.type == target_relation.type and existing_relation.can_be_replaced -%}
    {%- if existing_relation.is_view -%}
      {{ get_replace_view_sql(target_relation, sql) }}
    {%- elif existing_relation.is_table -%}
      {{ get_replace_table_sql(target_relation, sql) }}
    {%- elif existing_relation.is_materialized_view -%}
      {{ get_replace_materialized_view_sql(target_relation, sql) }}
    {%- else -%}
      {%- do exceptions.raise_compiler_error(
        '`get_replace_sql` has not been implemented for: ' ~ existing_relation.type) -%}
    {%- endif -%}
  {%- elif target_relation.can_be_renamed -%}
    {#- the new one is built beside the old one, which goes as late as can be -#}
    {{ get_create_intermediate_sql(target_relation, sql) }};
    {%- if existing_relation.can_be_renamed %}
    {{ get_create_backup_sql(existing_relation) }};
    {{ get_rename_intermediate_sql(target_relation) }};
    {{ get_drop_backup_sql(existing_relation) }}
    {%- else %}
    {{ get_drop_sql(existing_relation) }};
    {{ get_rename_intermediate_sql(target_relation) }}
    {%- endif -%}
  {%- elif existing_relation.can_be_renamed -%}
    {{ get_create_backup_sql(existing_relation) }};
    {{ get_create_sql(target_relation, sql) }};
    {{ get_drop_backup_sql(existing_relation) }}
  {%- else -%}
    {{ get_drop_sql(existing_relation) }};
    {{ get_create_sql(target_relation, sql) }}
  {%- endif -%}
{%- endmacro %}
