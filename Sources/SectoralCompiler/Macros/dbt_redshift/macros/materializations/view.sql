{% materialization view, adapter='redshift' %}
  {%- set target_relation = this.incorporate(type='view') -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
  {%- set backup_relation = make_backup_relation(
    target_relation, 'view' if existing_relation is none else existing_relation.type) -%}
  {%- set leftovers = [
    load_cached_relation(intermediate_relation), load_cached_relation(backup_relation)] -%}

  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
  {%- for leftover in leftovers -%}
    {%- do drop_relation_if_exists(leftover) -%}
  {%- endfor -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

  {#- a drop with cascade may have taken the old relation away in the meantime -#}
  {%- set standing = load_cached_relation(existing_relation) if existing_relation is not none else none -%}
  {#- where nothing stands, nobody sees it before it is finished -#}
  {%- set built_relation = target_relation if existing_relation is none else intermediate_relation -%}
  {%- set create_sql = get_create_view_as_sql(built_relation, sql) -%}
  {%- set replaced = none -%}
  {%- if standing is not none and standing.is_view and not config.get('contract').enforced -%}
    {%- set replace_sql = get_create_view_as_sql(target_relation, sql) -%}
    {%- set replaced = adapter.replace_view(
      standing, target_relation, replace_sql, intermediate_relation, create_sql, backup_relation) -%}
  {%- endif -%}

  {%- if replaced is not none -%}
    {%- do adapter.announce_main('sql') -%}
    {%- do write(replace_sql) -%}
    {%- do store_result('main', response=replaced) -%}
  {%- else -%}
    {%- call statement('main') -%}
      {{ create_sql }}
    {%- endcall -%}
    {%- if existing_relation is not none -%}
      {%- do adapter.swap_relation(standing, intermediate_relation, target_relation, backup_relation) -%}
    {%- endif -%}
  {%- endif -%}

  {#- a view that changed in its place has the grants of before -#}
  {%- set is_new = existing_relation is none or not existing_relation.is_view -%}
  {%- do apply_grants(
    target_relation, config.get('grants'), should_revoke(existing_relation, full_refresh_mode=is_new)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do adapter.commit() -%}

  {%- do drop_relation_if_exists(load_cached_relation(backup_relation)) -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}
