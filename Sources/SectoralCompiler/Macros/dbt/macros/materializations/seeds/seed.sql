{% materialization seed, default %}
  {%- set full_refresh = should_full_refresh() -%}
  {%- set existing_relation = adapter.get_relation(
    database=database, schema=schema, identifier=model['alias']) -%}
  {%- if existing_relation is not none and existing_relation.is_view -%}
    {%- do exceptions.raise_compiler_error(
      "Cannot seed to '{}', it is a view".format(existing_relation.render())) -%}
  {%- endif -%}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set rows = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=rows) -%}

  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

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

  {%- do apply_grants(
    target_relation, config.get('grants'), should_revoke(existing_relation, full_refresh_mode=full_refresh)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {%- if full_refresh or existing_relation is none -%}
    {%- do create_indexes(target_relation) -%}
  {%- endif -%}

  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do adapter.commit() -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}
