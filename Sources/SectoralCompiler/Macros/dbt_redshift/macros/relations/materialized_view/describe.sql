{% macro redshift__describe_materialized_view(relation) -%}
  {#- where the rows lie, and whether they are refreshed -#}
  {%- set storage = run_query(
    "select info.database, info.schema, info.table, info.diststyle, info.sortkey1, mv.autorefresh"
    ~ " from svv_table_info as info"
    ~ " left join svv_mv_info as mv"
    ~ " on mv.database_name = info.database and mv.schema_name = info.schema and mv.name = info.table"
    ~ " where info.database ilike '" ~ relation.database ~ "'"
    ~ " and info.schema ilike '" ~ relation.schema ~ "'"
    ~ " and info.table ilike '" ~ relation.identifier ~ "'") -%}
  {%- set columns = run_query(
    "select a.attname as column,"
    ~ " a.attisdistkey as is_dist_key, a.attsortkeyord as sort_key_position"
    ~ " from pg_class as c"
    ~ " join pg_namespace as n on n.oid = c.relnamespace"
    ~ " join pg_attribute as a on a.attrelid = c.oid"
    ~ " where n.nspname ilike '" ~ relation.schema ~ "'"
    ~ " and c.relname ~* '^mv_tbl__" ~ relation.identifier ~ "__[0-9]+$'"
    ~ " and a.attnum > 0") -%}
  {%- set query = run_query(
    "select definition from pg_views where schemaname ilike '" ~ relation.schema
    ~ "' and viewname ilike '" ~ relation.identifier ~ "'") -%}
  {%- do return({'materialized_view': storage, 'query': query, 'columns': columns}) -%}
{%- endmacro %}
