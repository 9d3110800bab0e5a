{% macro get_replace_sql(existing_relation, target_relation, sql) -%}
  {%- do log('Applying REPLACE to: ' ~ existing_relation) -%}
  {{- return(adapter.dispatch('get_replace_sql', 'dbt')(existing_relation, target_relation, sql)) -}}
{%- endmacro %}

{% macro default__get_replace_sql(existing_relation, target_relation, sql) -%}
  {%- set old, new = existing_relation, target_relation -%}
  {%- if old.type == new.type and old.can_be_replaced -%}
    {%- do return(
      get_replace_view_sql(new, sql) if old.is_view
      else get_replace_table_sql(new, sql) if old.is_table
      else get_replace_materialized_view_sql(new, sql) if old.is_materialized_view
      else exceptions.raise_compiler_error('`get_replace_sql` has not been implemented for: ' ~ old.type)) -%}
  {%- elif new.can_be_renamed and old.can_be_renamed -%}
    {#- the new one is built beside the old one, which goes as late as can be -#}
    {%- set steps = [
      get_create_intermediate_sql(new, sql), get_create_backup_sql(old), get_rename_intermediate_sql(new),
      get_drop_backup_sql(old)] -%}
  {%- elif new.can_be_renamed -%}
    {%- set steps = [get_create_intermediate_sql(new, sql), get_drop_sql(old), get_rename_intermediate_sql(new)] -%}
  {%- elif old.can_be_renamed -%}
    {%- set steps = [get_create_backup_sql(old), get_create_sql(new, sql), get_drop_backup_sql(old)] -%}
  {%- else -%}
    {%- set steps = [get_drop_sql(old), get_create_sql(new, sql)] -%}
  {%- endif -%}
  {{ steps | map('trim', '; \n\t') | join(';\n  ') }}
{%- endmacro %}
