{% macro redshift__get_relation_last_modified(information_schema, relations) -%}
  {%- call statement('last_modified', fetch_result=True) -%}
    select
      place.nspname as schema,
      stored.relname as identifier,
      max(written.start_time) as last_modified,
      {{ current_timestamp() }} as snapshotted_at
    from sys_query_detail as written
    join pg_class as stored on stored.oid = written.table_id
    join pg_namespace as place on place.oid = stored.relnamespace
    where written.step_name = 'insert'
      and (
        {%- for relation in relations %}
        {{ 'or ' if not loop.first -}}
        (upper(place.nspname) = upper('{{ relation.schema }}') and upper(stored.relname) = upper('{{ relation.identifier }}'))
        {%- endfor %}
      )
    group by 1, 2, 4
  {%- endcall -%}
  {%- do return(load_result('last_modified')) -%}
{%- endmacro %}
