{% materialization incremental, default %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set temp_relation = make_temp_relation(target_relation) -%}
  {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
  {%- set backup_relation = make_backup_relation(
    target_relation, 'table' if existing_relation is none else existing_relation.type) -%}

  {#- what is not a table cannot be added to -#}
  {%- set rebuild = should_full_refresh() or (existing_relation is not none
    and (existing_relation.is_view or existing_relation.is_materialized_view)) -%}
  {%- set update = existing_relation is not none and not rebuild -%}
  {%- set swap = existing_relation is not none and rebuild -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(
    config.get('on_schema_change'), default='ignore') -%}
  {#- a strategy that does not exist is told at once, not with the second run -#}
  {%- set strategy = adapter.get_incremental_strategy_macro(
    context, config.get('incremental_strategy') or 'default') -%}

  {#- what an earlier run left behind would be in the way -#}
  {%- do drop_relation_if_exists(load_cached_relation(intermediate_relation)) -%}
  {%- do drop_relation_if_exists(load_cached_relation(backup_relation)) -%}

  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

  {%- if update -%}
    {%- set temp_sql = get_create_table_as_sql(True, temp_relation, sql) -%}
    {%- if adapter.type() == 'redshift' -%}
      {#- a part of the transaction, which is one commit less -#}
      {%- call statement('create_temp_table') -%}
        {{ temp_sql }}
      {%- endcall -%}
    {%- else -%}
      {%- do run_query(temp_sql) -%}
      {%- do adapter.prepare_staging(temp_relation, config.get('unique_key')) -%}
    {%- endif -%}
    {%- if not config.get('contract').enforced -%}
      {%- do adapter.expand_target_column_types(
        from_relation=temp_relation, to_relation=target_relation) -%}
    {%- endif -%}
    {%- set columns = process_schema_changes(on_schema_change, temp_relation, existing_relation)
      or adapter.get_columns_in_relation(existing_relation) -%}
    {%- set build_sql = strategy({
      'target_relation': target_relation,
      'temp_relation': temp_relation,
      'unique_key': config.get('unique_key'),
      'dest_columns': columns,
      'incremental_predicates': config.get('predicates', none) or config.get('incremental_predicates', none)
    }) -%}
  {%- else -%}
    {%- set build_sql = get_create_table_as_sql(
      False, intermediate_relation if swap else target_relation, sql) -%}
  {%- endif -%}

  {%- call statement('main') -%}
    {{ build_sql }}
  {%- endcall -%}

  {%- if not update -%}
    {%- do create_indexes(intermediate_relation if swap else target_relation) -%}
  {%- endif -%}
  {%- if swap -%}
    {%- do adapter.swap_relation(
      existing_relation, intermediate_relation, target_relation, backup_relation) -%}
  {%- endif -%}

  {%- do apply_grants(
    target_relation, config.get('grants'), should_revoke(existing_relation, full_refresh_mode=rebuild)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do adapter.commit() -%}

  {%- if swap -%}
    {%- do drop_relation_if_exists(load_cached_relation(backup_relation)) -%}
  {%- endif -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}
