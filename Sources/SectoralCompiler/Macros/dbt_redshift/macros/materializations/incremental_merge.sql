{% macro redshift__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=None) -%}
  {%- set matches = _update_predicates(target, incremental_predicates) -%}
  {%- if not unique_key -%}
    {%- do matches.append('FALSE') -%}
  {%- else -%}
    {%- for key in ([unique_key] if unique_key is string else unique_key) -%}
      {%- do matches.append('DBT_INTERNAL_SOURCE.' ~ key ~ ' = ' ~ target ~ '.' ~ key) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- set updated = get_merge_update_columns(
    config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
  {%- set header = config.get('sql_header', none) -%}
  {{ header if header is not none }}
  merge into {{ target }}
  using {{ source }} as DBT_INTERNAL_SOURCE
  on ({{ matches | join(') and (') }})
  {%- if unique_key %}
  when matched then update set
    {%- for column in updated %}
    {{ column }} = DBT_INTERNAL_SOURCE.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
  {%- endif %}
  when not matched then insert (
    {{ dest_columns | map(attribute='quoted') | join(', ') }}
  )
  values (
    {%- for column in dest_columns %}
    DBT_INTERNAL_SOURCE.{{ column.quoted }}{{ ',' if not loop.last }}
    {%- endfor %}
  )
{%- endmacro %}

{% macro redshift__get_incremental_microbatch_sql(arg_dict) -%}
  {%- set target = arg_dict['target_relation'] -%}
  {%- set window = (arg_dict['incremental_predicates'] or []) | list -%}
  {%- set batch = model.batch -%}
  {%- if not batch -%}
    {%- do exceptions.raise_compiler_error(
      'The rows of a batch are replaced by its start and end, and this is no run of a batch.') -%}
  {%- endif -%}
  {%- if batch.event_time_start -%}
    {%- do window.append(
      model.config.event_time ~ " >= TIMESTAMP '" ~ batch.event_time_start ~ "'") -%}
  {%- endif -%}
  {%- if batch.event_time_end -%}
    {%- do window.append(
      model.config.event_time ~ " < TIMESTAMP '" ~ batch.event_time_end ~ "'") -%}
  {%- endif -%}
  {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
  delete from {{ target }}
  where (
    {{ window | join('\n    and ') }}
  );

  insert into {{ target }} ({{ columns }})
  (
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
  )
{%- endmacro %}

{% macro _update_predicates(target, incremental_predicates) -%}
  {#- these statements give the target no other name -#}
  {%- set predicates = [] -%}
  {%- for predicate in incremental_predicates or [] -%}
    {%- do predicates.append(
      predicate | replace('DBT_INTERNAL_DEST.', target ~ '.') | replace('dbt_internal_dest.', target ~ '.')
      if predicate is string else predicate) -%}
  {%- endfor -%}
  {%- do return(predicates) -%}
{%- endmacro %}
