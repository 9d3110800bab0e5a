{% macro snapshot_merge_sql(target, source, insert_cols) -%}
  {{- return(adapter.dispatch('snapshot_merge_sql', 'dbt')(target, source, insert_cols)) -}}
{%- endmacro %}

{% macro default__snapshot_merge_sql(target, source, insert_cols) -%}
  {%- set meta = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  {%- set current = config.get('dbt_valid_to_current') -%}
  {%- set valid_to = 'DBT_INTERNAL_DEST.' ~ meta.dbt_valid_to -%}
  merge into {{ target.render() }} as DBT_INTERNAL_DEST
  using {{ source }} as DBT_INTERNAL_SOURCE
  on DBT_INTERNAL_SOURCE.{{ meta.dbt_scd_id }} = DBT_INTERNAL_DEST.{{ meta.dbt_scd_id }}
  when matched
    {%- if current %}
    and ({{ equals(valid_to, current) }} or {{ valid_to }} is null)
    {%- else %}
    and {{ valid_to }} is null
    {%- endif %}
    and DBT_INTERNAL_SOURCE.dbt_change_type in ('update', 'delete')
    then update
    set {{ meta.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ meta.dbt_valid_to }}
  when not matched
    and DBT_INTERNAL_SOURCE.dbt_change_type = 'insert'
    then insert ({{ insert_cols | join(', ') }})
    values ({{ insert_cols | join(', ') }})
{%- endmacro %}
