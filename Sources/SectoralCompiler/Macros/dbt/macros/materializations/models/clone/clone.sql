{% materialization clone, default %}
  {%- if not defer_relation -%}
    {#- the state does not have this one: nothing to clone -#}
    {%- do log('No relation found in state manifest for ' ~ model.unique_id, info=True) -%}
    {%- do return({'relations': []}) -%}
  {%- endif -%}

  {%- set existing_relation = load_cached_relation(this) -%}
  {%- if existing_relation and not flags.FULL_REFRESH -%}
    {%- do log('Relation ' ~ existing_relation ~ ' already exists', info=True) -%}
    {%- do return({'relations': [existing_relation]}) -%}
  {%- endif -%}

  {#- a view that reads itself would take its rows with it -#}
  {%- if existing_relation and existing_relation.render() == defer_relation.render() -%}
    {%- do log('The state has the relation in this same place: skipping clone for relation ' ~ existing_relation, info=True) -%}
    {%- do return({'relations': [existing_relation]}) -%}
  {%- endif -%}

  {%- set other = load_cached_relation(defer_relation) -%}
  {%- if can_clone_table() and other and other.type == 'table' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- if existing_relation is not none and not existing_relation.is_table -%}
      {%- do log('Dropping relation ' ~ existing_relation.render() ~ ' because it is of type ' ~ existing_relation.type) -%}
      {%- do drop_relation_if_exists(existing_relation) -%}
    {%- endif -%}
    {%- call statement('main') -%}
      {{ create_or_replace_clone(target_relation, defer_relation) }}
    {%- endcall -%}
    {%- do apply_grants(
      target_relation, config.get('grants'), should_revoke(existing_relation, full_refresh_mode=True)) -%}
    {%- do persist_docs(target_relation, model) -%}
    {%- do return({'relations': [target_relation]}) -%}
  {%- endif -%}

  {#- without table clones, a view that reads the other's relation: built as any view is -#}
  {%- set target_relation = this.incorporate(type='view') -%}
  {%- set build = context['materialization_view_' ~ adapter.type()]
    or context['materialization_view_default'] -%}
  {%- do return(build()) -%}
{% endmaterialization %}
