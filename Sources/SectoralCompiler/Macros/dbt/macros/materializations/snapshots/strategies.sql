{% macro strategy_dispatch(name) -%}
  {%- if '.' in name -%}
    {%- set package, short_name = name.split('.', 1) -%}
  {%- else -%}
    {%- set package, short_name = none, name -%}
  {%- endif -%}
  {%- set scope = context if package is none else context.get(package, {}) -%}
  {%- set found = scope.get('snapshot_' ~ short_name ~ '_strategy') -%}
  {%- if not found -%}
    {%- do exceptions.raise_compiler_error(
      "The specified strategy macro '{}' was not found in package '{}'".format(short_name, package)) -%}
  {%- endif -%}
  {%- do return(found) -%}
{%- endmacro %}

{% macro snapshot_hash_arguments(args) -%}
  {{- return(adapter.dispatch('snapshot_hash_arguments', 'dbt')(args)) -}}
{%- endmacro %}

{% macro default__snapshot_hash_arguments(args) -%}
  md5({%- for argument in args -%}
    coalesce(cast({{ argument }} as varchar ), '')
    {%- if not loop.last %}
         || '|' || {% endif -%}
  {%- endfor -%}
  {%- if args %}
        {% endif -%})
{%- endmacro %}

{% macro snapshot_timestamp_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) -%}
  {#- the dictionary given here knows only what the node's file says; config knows the rest -#}
  {%- set key = config.get('unique_key') -%}
  {%- set updated_at = config.get('updated_at') -%}
  {%- set meta = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
  {%- do return({
    'unique_key': key,
    'updated_at': updated_at,
    'row_changed':
      '(' ~ snapshotted_rel ~ '.' ~ meta.dbt_valid_from ~ ' < ' ~ current_rel ~ '.' ~ updated_at ~ ')',
    'scd_id': snapshot_hash_arguments((key if key is iterable and key is not string else [key]) + [updated_at]),
    'invalidate_hard_deletes': hard_deletes == 'invalidate',
    'hard_deletes': hard_deletes
  }) -%}
{%- endmacro %}

{% macro snapshot_string_as_time(timestamp) -%}
  {{- return(adapter.dispatch('snapshot_string_as_time', 'dbt')(timestamp)) -}}
{%- endmacro %}

{% macro default__snapshot_string_as_time(timestamp) -%}
  {%- do exceptions.raise_not_implemented(
    'snapshot_string_as_time macro not implemented for adapter ' ~ adapter.type()) -%}
{%- endmacro %}

{% macro snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) -%}
  {%- if not target_exists -%}
    {#- nothing to compare with yet -#}
    {%- do return([false, []]) -%}
  {%- endif -%}
  {%- if check_cols_config == 'all' -%}
    {%- set query_columns = get_columns_in_query(node['compiled_code']) -%}
  {%- elif check_cols_config is iterable and check_cols_config | length > 0 -%}
    {#- asking the database gives the names as it spells them -#}
    {%- set query_columns = get_columns_in_query(
      'select ' ~ check_cols_config | join(', ') ~ ' from (' ~ node['compiled_code'] ~ '\n) subq') -%}
  {%- else -%}
    {%- do exceptions.raise_compiler_error("Invalid value for 'check_cols': " ~ check_cols_config) -%}
  {%- endif -%}
  {%- set relation = api.Relation.create(
    database=node.database, schema=node.schema, identifier=node.alias) -%}
  {%- set stored = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
  {%- set compared = [] -%}
  {%- for name in query_columns if name | lower in stored -%}
    {%- do compared.append(adapter.quote(name)) -%}
  {%- endfor -%}
  {%- do return([compared | length < query_columns | length, compared]) -%}
{%- endmacro %}

{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) -%}
  {%- set key = config.get('unique_key') -%}
  {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
  {%- set updated_at = config.get('updated_at') or snapshot_get_time() -%}
  {%- set added, compared = snapshot_check_all_get_existing_columns(
    node, target_exists, config.get('check_cols')) -%}
  {%- set changes = [] -%}
  {%- if added -%}
    {#- a column that the table lacks: every row counts as changed -#}
    {%- do changes.append(get_true_sql()) -%}
  {%- else -%}
    {%- for name in compared -%}
      {%- set old, new = snapshotted_rel ~ '.' ~ name, current_rel ~ '.' ~ name -%}
      {%- do changes.append(
        old ~ ' != ' ~ new
        ~ ' or (((' ~ old ~ ' is null) and not (' ~ new ~ ' is null))'
        ~ ' or ((not ' ~ old ~ ' is null) and (' ~ new ~ ' is null)))') -%}
    {%- endfor -%}
  {%- endif -%}
  {%- do return({
    'unique_key': key,
    'updated_at': updated_at,
    'row_changed': '(' ~ changes | join(' or ') ~ ')',
    'scd_id': snapshot_hash_arguments((key if key is iterable and key is not string else [key]) + [updated_at]),
    'invalidate_hard_deletes': hard_deletes == 'invalidate',
    'hard_deletes': hard_deletes
  }) -%}
{%- endmacro %}
