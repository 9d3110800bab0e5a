{% materialization test, default %}
  {%- set relations = [] -%}
  {%- set failures_sql = get_limit_subquery_sql(sql, config.get('limit')) -%}

  {%- if should_store_failures() -%}
    {%- set kept_as = config.get('store_failures_as') or 'table' -%}
    {%- if kept_as not in ('table', 'view') -%}
      {%- do exceptions.raise_compiler_error(
        "'" ~ kept_as ~ "' is not a valid value for `store_failures_as`. Accepted values are: ['ephemeral', 'table', 'view']") -%}
    {%- endif -%}
    {%- set standing = adapter.get_relation(
      database=database, schema=schema, identifier=model['alias']) -%}
    {%- set target_relation = api.Relation.create(
      database=database, schema=schema, identifier=model['alias'], type=kept_as) -%}

    {%- if standing -%}
      {%- do adapter.drop_relation(standing) -%}
    {%- endif -%}
    {%- call statement(auto_begin=True) -%}
      {{ get_create_sql(target_relation, failures_sql) }}
    {%- endcall -%}
    {%- do adapter.commit() -%}

    {%- do relations.append(target_relation) -%}
    {%- set failures_sql = 'select * from ' ~ target_relation -%}
  {%- endif -%}

  {%- call statement('main', fetch_result=True) -%}
    {{ get_test_sql(
      failures_sql, config.get('fail_calc'), config.get('warn_if'), config.get('error_if'), none) }}
  {%- endcall -%}

  {%- do return({'relations': relations}) -%}
{% endmaterialization %}
