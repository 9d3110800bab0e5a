{% macro create_columns(relation, columns) -%}
  {{- return(adapter.dispatch('create_columns', 'dbt')(relation, columns)) -}}
{%- endmacro %}

{% macro default__create_columns(relation, columns) -%}
  {%- for column in columns -%}
    {%- call statement() -%}
      alter table {{ relation.render() }} add column {{ column.quoted }} {{ column.expanded_data_type }};
    {%- endcall -%}
  {%- endfor -%}
{%- endmacro %}

{% macro post_snapshot(staging_relation) -%}
  {{- return(adapter.dispatch('post_snapshot', 'dbt')(staging_relation)) -}}
{%- endmacro %}

{% macro default__post_snapshot(staging_relation) -%}
  {#- a place for adapters that must clear the staging table away -#}
{%- endmacro %}

{% macro get_true_sql() %}
  {{ adapter.dispatch('get_true_sql', 'dbt')() }}
{% endmacro %}

{% macro default__get_true_sql() -%}
  {{ return('TRUE') }}
{%- endmacro %}

{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}
  {{- return(adapter.dispatch('snapshot_staging_table', 'dbt')(strategy, source_sql, target_relation)) -}}
{%- endmacro %}

{% macro get_snapshot_table_column_names() -%}
  {%- do return({
    'dbt_valid_to': 'dbt_valid_to',
    'dbt_valid_from': 'dbt_valid_from',
    'dbt_scd_id': 'dbt_scd_id',
    'dbt_updated_at': 'dbt_updated_at',
    'dbt_is_deleted': 'dbt_is_deleted'
  }) -%}
{%- endmacro %}

{% macro default__snapshot_staging_table(strategy, source_sql, target_relation) -%}
  {%- set meta = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  {%- set key = strategy.unique_key -%}
  {%- set keep_deletes = strategy.hard_deletes == 'new_record' -%}
  {%- set find_deletes = keep_deletes or strategy.hard_deletes == 'invalidate' -%}
  {%- set now = snapshot_get_time() -%}
  {%- set current = config.get('dbt_valid_to_current') -%}
  {%- if keep_deletes -%}
    {#- keys named in the config are columns of the query as well as dbt_unique_key -#}
    {%- set new_scd_id = snapshot_hash_arguments([meta.dbt_scd_id, now]) -%}
  {%- endif -%}

  with snapshot_query as (
    {{ source_sql }}
  ),

  snapshotted_data as (
    select *, {{ unique_key_fields(key) }}
    from {{ target_relation }}
    where
    {%- if current %}
      {%- set is_current = equals(meta.dbt_valid_to, current) %}
      ( {{ is_current }} or {{ meta.dbt_valid_to }} is null )
    {%- else %}
      {{ meta.dbt_valid_to }} is null
    {%- endif %}
  ),

  insertions_source_data as (
    select
      *,
      {{ unique_key_fields(key) }},
      {{ strategy.updated_at }} as {{ meta.dbt_updated_at }},
      {{ strategy.updated_at }} as {{ meta.dbt_valid_from }},
      {{ get_dbt_valid_to_current(strategy, meta) }},
      {{ strategy.scd_id }} as {{ meta.dbt_scd_id }}
    from snapshot_query
  ),

  updates_source_data as (
    select
      *,
      {{ unique_key_fields(key) }},
      {{ strategy.updated_at }} as {{ meta.dbt_updated_at }},
      {{ strategy.updated_at }} as {{ meta.dbt_valid_from }},
      {{ strategy.updated_at }} as {{ meta.dbt_valid_to }}
    from snapshot_query
  ),
  {%- if find_deletes %}

  deletes_source_data as (
    select *, {{ unique_key_fields(key) }}
    from snapshot_query
  ),
  {%- endif %}

  insertions as (
    select
      'insert' as dbt_change_type,
      source_data.*
      {%- if keep_deletes %},
      'False' as {{ meta.dbt_is_deleted }}
      {%- endif %}
    from insertions_source_data as source_data
    left outer join snapshotted_data
      on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(key, 'snapshotted_data') }}
      or ({{ unique_key_is_not_null(key, 'snapshotted_data') }} and (
        {{ strategy.row_changed }}
        {%- if keep_deletes %} or snapshotted_data.{{ meta.dbt_is_deleted }} = 'True'{% endif %}
      ))
  ),

  updates as (
    select
      'update' as dbt_change_type,
      source_data.*,
      snapshotted_data.{{ meta.dbt_scd_id }}
      {%- if keep_deletes %},
      snapshotted_data.{{ meta.dbt_is_deleted }}
      {%- endif %}
    from updates_source_data as source_data
    join snapshotted_data
      on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where (
      {{ strategy.row_changed }}
      {%- if keep_deletes %} or snapshotted_data.{{ meta.dbt_is_deleted }} = 'True'{% endif %}
    )
  )
  {%- if find_deletes %},

  {#- rows of the table whose key the query no longer has -#}
  deletes as (
    select
      'delete' as dbt_change_type,
      source_data.*,
      {{ now }} as {{ meta.dbt_valid_from }},
      {{ now }} as {{ meta.dbt_updated_at }},
      {{ now }} as {{ meta.dbt_valid_to }},
      snapshotted_data.{{ meta.dbt_scd_id }}
      {%- if keep_deletes %},
      snapshotted_data.{{ meta.dbt_is_deleted }}
      {%- endif %}
    from snapshotted_data
    left join deletes_source_data as source_data
      on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(key, 'source_data') }}
    {%- if keep_deletes %}
      and not (
        snapshotted_data.{{ meta.dbt_is_deleted }} = 'True'
        and
        {%- if current %}
        snapshotted_data.{{ meta.dbt_valid_to }} = {{ current }}
        {%- else %}
        snapshotted_data.{{ meta.dbt_valid_to }} is null
        {%- endif %}
      )
    {%- endif %}
  )
  {%- endif %}
  {%- if keep_deletes %}
  {%- set stored = get_list_of_column_names(get_columns_in_relation(target_relation)) %},

  {#- the last known row once more, marked as deleted -#}
  deletion_records as (
    select
      'insert' as dbt_change_type,
      {#- a column that the table does not have yet is null through the outer join -#}
      {%- for name in get_columns_in_query(source_sql) %}
      {{ 'snapshotted_data' if name in stored else 'source_data' }}.{{ adapter.quote(name) }},
      {%- endfor %}
      {%- if key is string %}
      snapshotted_data.dbt_unique_key as dbt_unique_key,
      {%- else %}
      {%- for part in key %}
      snapshotted_data.dbt_unique_key_{{ loop.index }} as dbt_unique_key_{{ loop.index }},
      {%- endfor %}
      {%- endif %}
      {{ now }} as {{ meta.dbt_valid_from }},
      {{ now }} as {{ meta.dbt_updated_at }},
      snapshotted_data.{{ meta.dbt_valid_to }} as {{ meta.dbt_valid_to }},
      {{ new_scd_id }} as {{ meta.dbt_scd_id }},
      'True' as {{ meta.dbt_is_deleted }}
    from snapshotted_data
    left join deletes_source_data as source_data
      on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(key, 'source_data') }}
      and not (
        snapshotted_data.{{ meta.dbt_is_deleted }} = 'True'
        and
        {%- if current %}
        snapshotted_data.{{ meta.dbt_valid_to }} = {{ current }}
        {%- else %}
        snapshotted_data.{{ meta.dbt_valid_to }} is null
        {%- endif %}
      )
  )
  {%- endif %}

  select * from insertions
  union all
  select * from updates
  {%- if find_deletes %}
  union all
  select * from deletes
  {%- endif %}
  {%- if keep_deletes %}
  union all
  select * from deletion_records
  {%- endif %}
{%- endmacro %}

{% macro build_snapshot_table(strategy, sql) -%}
  {{- return(adapter.dispatch('build_snapshot_table', 'dbt')(strategy, sql)) -}}
{%- endmacro %}

{% macro default__build_snapshot_table(strategy, sql) -%}
  {%- set meta = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  {%- set added = [
    strategy.scd_id ~ ' as ' ~ meta.dbt_scd_id,
    strategy.updated_at ~ ' as ' ~ meta.dbt_updated_at,
    strategy.updated_at ~ ' as ' ~ meta.dbt_valid_from,
    get_dbt_valid_to_current(strategy, meta)
  ] -%}
  {%- if strategy.hard_deletes == 'new_record' -%}
    {%- do added.append("'False' as " ~ meta.dbt_is_deleted) -%}
  {%- endif -%}
  select
    *,
    {{ added | join(',\n    ') }}
  from (
    {{ sql }}
  ) sbq
{%- endmacro %}

{% macro build_snapshot_staging_table(strategy, sql, target_relation) -%}
  {%- set temp_relation = make_temp_relation(target_relation) -%}
  {%- set select = snapshot_staging_table(strategy, sql, target_relation) -%}
  {%- call statement('build_snapshot_staging_relation') -%}
    {{ create_table_as(True, temp_relation, select) }}
  {%- endcall -%}
  {%- do return(temp_relation) -%}
{%- endmacro %}

{% macro get_updated_at_column_data_type(snapshot_sql) -%}
  {%- set name = (config.get('snapshot_table_column_names') or {}).get('dbt_updated_at', 'dbt_updated_at') -%}
  {%- for column in get_column_schema_from_query(snapshot_sql) if column.column == name -%}
    {%- do return(column.dtype) -%}
  {%- endfor -%}
  {%- do return(none) -%}
{%- endmacro %}

{% macro check_time_data_types(sql) -%}
  {%- set of_rows = get_updated_at_column_data_type(sql) -%}
  {%- set of_clock = get_snapshot_get_time_data_type() -%}
  {%- if of_rows is not none and of_clock is not none and of_rows != of_clock -%}
    {%- do exceptions.warn_snapshot_timestamp_data_types(of_clock, of_rows) -%}
  {%- endif -%}
{%- endmacro %}

{% macro get_dbt_valid_to_current(strategy, columns) %}
  {# "nullif(x, x)" is a null that has the type of x #}
  coalesce(nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}), {{ config.get('dbt_valid_to_current') or 'null' }})
  as {{ columns.dbt_valid_to }}
{% endmacro %}

{% macro unique_key_fields(unique_key) %}
    {% if unique_key is string %}
        {{ unique_key }} as dbt_unique_key
    {% else %}
        {% for part in unique_key %}
            {{ part }} as dbt_unique_key_{{ loop.index }}{{ ' ,' if not loop.last }}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro unique_key_join_on(unique_key, identifier, from_identifier) %}
    {% if unique_key is string %}
        {{ identifier }}.dbt_unique_key = {{ from_identifier }}.dbt_unique_key
    {% else %}
        {% for part in unique_key %}
          {% set name = '.dbt_unique_key_' ~ loop.index %}
          {{ equals(identifier ~ name, from_identifier ~ name) }}{{ ' and' if not loop.last }}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro unique_key_is_null(unique_key, identifier) %}
    {% if unique_key is string %}
        {{ identifier }}.dbt_unique_key is null
    {% else %}
        {{ identifier }}.dbt_unique_key_1 is null
    {% endif %}
{% endmacro %}

{% macro unique_key_is_not_null(unique_key, identifier) %}
    {% if unique_key is string %}
        {{ identifier }}.dbt_unique_key is not null
    {% else %}
        {{ identifier }}.dbt_unique_key_1 is not null
    {% endif %}
{% endmacro %}
