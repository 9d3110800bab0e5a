{% materialization seed, default %}
  {%- set full_refresh = should_full_refresh() -%}
  {%- set existing_relation = adapter.get_relation(
    database=database, schema=schema, identifier=model['alias']) -%}
  {%- if existing_relation is not none and existing_relation.is_view -%}
    {%- do exceptions.raise_compiler_error(
      "Cannot seed to '{}', it is a view".format(existing_relation.render())) -%}
  {%- endif -%}
  {%- set target_relation = this.incorporate(type='table') -%}
  {#- a whole new table is filled beside the old one, and takes its place; what dbt's seeds do not call is
    called through the context, so that depends_on stays the same -#}
  {%- set swap = full_refresh and existing_relation is not none and adapter.type() == 'postgres' -%}
  {%- if swap -%}
    {%- set intermediate_relation = context['make_intermediate_relation'](target_relation) -%}
    {%- set backup_relation = context['make_backup_relation'](target_relation, 'table') -%}
    {%- set standing = context['load_cached_relation'] -%}
    {%- set drop = context['drop_relation_if_exists'] -%}
    {#- what an earlier run left behind would be in the way -#}
    {%- do drop(standing(intermediate_relation)) -%}
    {%- do drop(standing(backup_relation)) -%}
  {%- endif -%}
  {%- set rows = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=rows) -%}

  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

  {%- set own = this -%}
  {%- if swap -%}
    {#- the macros that make and fill the table go by this name -#}
    {%- do context.update({'this': intermediate_relation}) -%}
  {%- endif -%}
  {%- if existing_relation is none -%}
    {%- set empty_sql = create_csv_table(model, rows) -%}
  {%- else -%}
    {%- set empty_sql = reset_csv_table(model, full_refresh, existing_relation, rows) -%}
  {%- endif -%}
  {%- set code = 'CREATE' if full_refresh else 'INSERT' -%}
  {%- set count = rows.rows | length -%}
  {%- set load_sql = load_csv_rows(model, rows) -%}
  {%- call noop_statement('main', code ~ ' ' ~ count, code, count) -%}
    {{ get_csv_sql(empty_sql, load_sql) }}
  {%- endcall -%}

  {%- if swap -%}
    {%- do context.update({'this': own}) -%}
    {%- do create_indexes(intermediate_relation) -%}
    {%- do adapter.swap_relation(
      standing(existing_relation), intermediate_relation, target_relation, backup_relation) -%}
  {%- endif -%}

  {%- do apply_grants(
    target_relation, config.get('grants'), should_revoke(existing_relation, full_refresh_mode=full_refresh)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {%- if not swap and (full_refresh or existing_relation is none) -%}
    {%- do create_indexes(target_relation) -%}
  {%- endif -%}

  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do adapter.commit() -%}
  {%- if swap -%}
    {%- do drop(standing(backup_relation)) -%}
  {%- endif -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}
