{% materialization materialized_view, default %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type=this.MaterializedView) -%}
  {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
  {%- set backup_relation = make_backup_relation(
    target_relation, target_relation.MaterializedView if existing_relation is none else existing_relation.type) -%}

  {%- do materialized_view_setup(backup_relation, intermediate_relation, pre_hooks) -%}

  {%- set build_sql = materialized_view_get_build_sql(
    existing_relation, target_relation, backup_relation, intermediate_relation) -%}
  {%- if build_sql == '' -%}
    {%- do materialized_view_execute_no_op(target_relation) -%}
  {%- else -%}
    {%- do materialized_view_execute_build_sql(
      build_sql, existing_relation, target_relation, post_hooks) -%}
  {%- endif -%}

  {%- do materialized_view_teardown(backup_relation, intermediate_relation, post_hooks) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}

{% macro materialized_view_setup(backup_relation, intermediate_relation, pre_hooks) -%}
  {%- do drop_relation_if_exists(load_cached_relation(backup_relation)) -%}
  {%- do drop_relation_if_exists(load_cached_relation(intermediate_relation)) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
{%- endmacro %}

{% macro materialized_view_teardown(backup_relation, intermediate_relation, post_hooks) -%}
  {#- a replacement may have left either of them behind -#}
  {%- for leftover in [backup_relation, intermediate_relation] -%}
    {%- do drop_relation_if_exists(adapter.get_relation(
      database=leftover.database, schema=leftover.schema, identifier=leftover.identifier)) -%}
  {%- endfor -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}
{%- endmacro %}

{% macro materialized_view_get_build_sql(existing_relation, target_relation, backup_relation, intermediate_relation) -%}
  {%- if existing_relation is none -%}
    {%- do return(get_create_materialized_view_as_sql(target_relation, sql)) -%}
  {%- elif should_full_refresh() or not existing_relation.is_materialized_view -%}
    {%- do return(get_replace_sql(existing_relation, target_relation, sql)) -%}
  {%- endif -%}

  {%- set changes = get_materialized_view_configuration_changes(existing_relation, config) -%}
  {%- set on_change = config.get('on_configuration_change') -%}
  {%- if changes.is_missing -%}
    {#- what it read was dropped meanwhile, and it went along -#}
    {%- do return(get_create_materialized_view_as_sql(target_relation, sql)) -%}
  {%- elif changes is none -%}
    {%- do return(refresh_materialized_view(target_relation)) -%}
  {%- elif on_change == 'apply' -%}
    {%- do return(get_alter_materialized_view_as_sql(
      target_relation, changes, sql, existing_relation, backup_relation, intermediate_relation)) -%}
  {%- elif on_change == 'continue' -%}
    {%- do exceptions.warn(
      'Configuration changes were identified and `on_configuration_change` was set to `continue` for `'
      ~ target_relation.render() ~ '`') -%}
    {%- do return('') -%}
  {%- elif on_change == 'fail' -%}
    {%- do exceptions.raise_fail_fast_error(
      'Configuration changes were identified and `on_configuration_change` was set to `fail` for `'
      ~ target_relation.render() ~ '`') -%}
  {%- endif -%}
  {%- do exceptions.raise_compiler_error('Unexpected configuration scenario: `' ~ on_change ~ '`') -%}
{%- endmacro %}

{% macro materialized_view_execute_no_op(target_relation) -%}
  {%- do store_raw_result(
    name='main', message='skip ' ~ target_relation.render(), code='skip', rows_affected='-1') -%}
{%- endmacro %}

{% macro materialized_view_execute_build_sql(build_sql, existing_relation, target_relation, post_hooks) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

  {%- call statement(name='main') -%}
    {{ build_sql }}
  {%- endcall -%}

  {%- do apply_grants(
    target_relation, config.get('grants'), should_revoke(existing_relation, full_refresh_mode=True)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do adapter.commit() -%}
{%- endmacro %}
