{% materialization snapshot, default %}
  {%- set grant_config = config.get('grants') -%}
  {%- set name = model['alias'] -%}
  {%- set strategy_name = config.get('strategy') -%}
  {%- set found, target_relation = get_or_create_relation(
    database=model.database, schema=model.schema, identifier=name, type='table') -%}
  {%- if not target_relation.is_table -%}
    {%- do exceptions.relation_wrong_type(target_relation, 'table') -%}
  {%- endif -%}

  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

  {%- set strategy = strategy_dispatch(strategy_name)(
    model, 'snapshotted_data', 'source_data', model['config'], found) -%}

  {%- if not found -%}
    {%- set select_sql = build_snapshot_table(strategy, model['compiled_code']) -%}
    {%- set build_sql = create_table_as(False, target_relation, select_sql) -%}
  {%- else -%}
    {%- set meta = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- do adapter.assert_valid_snapshot_target_given_strategy(target_relation, meta, strategy) -%}
    {%- set select_sql = snapshot_staging_table(strategy, sql, target_relation) -%}
    {%- set staging_table = build_snapshot_staging_table(strategy, sql, target_relation) -%}

    {%- do adapter.expand_target_column_types(
      from_relation=staging_table, to_relation=target_relation) -%}

    {#- the columns that only serve the comparison stay out of the table -#}
    {%- set helpers = ['dbt_change_type', 'dbt_unique_key'] -%}
    {%- if strategy.unique_key is not string -%}
      {%- for part in strategy.unique_key -%}
        {%- do helpers.append('dbt_unique_key_' ~ loop.index) -%}
      {%- endfor -%}
    {%- endif -%}
    {%- set missing = adapter.get_missing_columns(staging_table, target_relation)
      | rejectattr('name', 'in', helpers + ['DBT_CHANGE_TYPE', 'DBT_UNIQUE_KEY']) | list -%}
    {%- do create_columns(target_relation, missing) -%}

    {%- set quoted = [] -%}
    {%- for column in adapter.get_columns_in_relation(staging_table)
      if column.name not in helpers + ['DBT_CHANGE_TYPE', 'DBT_UNIQUE_KEY'] -%}
      {%- do quoted.append(adapter.quote(column.name)) -%}
    {%- endfor -%}
    {%- set build_sql = snapshot_merge_sql(
      target=target_relation, source=staging_table, insert_cols=quoted) -%}
  {%- endif -%}

  {%- do check_time_data_types(select_sql) -%}

  {%- call statement('main') -%}
    {{ build_sql }}
  {%- endcall -%}

  {%- do apply_grants(
    target_relation, grant_config, should_revoke(found, full_refresh_mode=False)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {%- if not found -%}
    {%- do create_indexes(target_relation) -%}
  {%- endif -%}

  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do adapter.commit() -%}
  {%- if staging_table is defined -%}
    {%- do post_snapshot(staging_table) -%}
  {%- endif -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}
