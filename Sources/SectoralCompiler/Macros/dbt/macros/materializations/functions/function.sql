{% materialization function, default, supported_languages=['sql', 'python', 'javascript'] %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type=this.Function) -%}

  {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
  {%- do run_hooks(pre_hooks, inside_transaction=True) -%}

  {#- a kind of function in a language is known by the macro that has both in its name -#}
  {%- set name = model.config.get('type') ~ '_function_' ~ model.language -%}
  {%- set build_macro = adapter.dispatch(name, 'dbt') -%}
  {%- do function_execute_build_sql(build_macro(target_relation), existing_relation, target_relation) -%}

  {%- do run_hooks(post_hooks, inside_transaction=True) -%}
  {%- do run_hooks(post_hooks, inside_transaction=False) -%}

  {%- do return({'relations': [target_relation]}) -%}
{% endmaterialization %}
