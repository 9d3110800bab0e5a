{% macro redshift__get_late_binding_sql() -%}
  select
    unbound.table_schema,
    unbound.table_name,
    'LATE BINDING VIEW'::varchar as table_type,
    null::text as table_comment,
    unbound.column_name,
    unbound.column_index,
    unbound.column_type,
    null::text as column_comment
  from pg_get_late_binding_view_cols()
    unbound(
      table_schema name,
      table_name name,
      column_name name,
      column_type varchar,
      column_index int
    )
{%- endmacro %}

{% macro redshift__get_early_binding_sql(database) -%}
  select
    place.nspname as table_schema,
    relation.relname as table_name,
    case
      when relation.relkind <> 'v' then 'BASE TABLE'
      when refreshed.table_name is null then 'VIEW'
      else 'MATERIALIZED VIEW'
    end as table_type,
    about_relation.description as table_comment,
    field.attname as column_name,
    field.attnum as column_index,
    format_type(field.atttypid, field.atttypmod) as column_type,
    about_field.description as column_comment
  from pg_class as relation
  join pg_namespace as place on place.oid = relation.relnamespace
  join pg_attribute as field on field.attrelid = relation.oid
  left join pg_description as about_relation
    on about_relation.objoid = relation.oid and about_relation.objsubid = 0
  left join pg_description as about_field
    on about_field.objoid = relation.oid and about_field.objsubid = field.attnum
  left join information_schema.views as refreshed
    on refreshed.table_catalog = '{{ database }}'
    and refreshed.table_schema = place.nspname
    and refreshed.table_name = relation.relname
    and refreshed.view_definition ilike '%create materialized view%'
  where relation.relkind in ('r', 'p', 'f', 'v')
    and field.attnum > 0
    and not field.attisdropped
{%- endmacro %}

{% macro redshift__get_table_owners_sql() -%}
  select schemaname as table_schema, tablename as table_name, tableowner as table_owner
  from pg_tables
  union all
  select schemaname, viewname, viewowner
  from pg_views
{%- endmacro %}

{% macro redshift__get_extended_catalog_sql() -%}
  {#- [key, label, value, description, when it is shown] of each figure in svv_table_info -#}
  {%- set figures = [
    ['encoded', 'Encoded', 'encoded',
      'Indicates whether any column in the table has compression encoding defined.', 'true'],
    ['diststyle', 'Dist Style', 'diststyle',
      'Distribution style or distribution key column, if key distribution is defined.', 'true'],
    ['sortkey1', 'Sort Key 1', "case when sortkey1 like 'INTERLEAVED%' then 'INTERLEAVED'::text else sortkey1 end",
      'First column in the sort key.', '(sortkey1 is not null)'],
    ['max_varchar', 'Max Varchar', 'max_varchar',
      'Size of the largest column that uses a VARCHAR data type.', 'true'],
    ['sortkey1_enc', 'Sort Key 1 Encoding', 'sortkey1_enc',
      'Compression encoding of the first column in the sort key.', 'false'],
    ['sortkey_num', '# Sort Keys', 'sortkey_num',
      'Number of columns defined as sort keys.', '(sortkey_num > 0)'],
    ['size', 'Approximate Size', 'size * 1000000',
      'Approximate size of the table, calculated from a count of 1MB blocks', 'true'],
    ['pct_used', 'Disk Utilization', 'pct_used / 100.0',
      'Percent of available space that is used by the table.', 'true'],
    ['unsorted', 'Unsorted %', 'unsorted / 100.0',
      'Percent of unsorted rows in the table.', '(unsorted is not null)'],
    ['stats_off', 'Stats Off', 'stats_off',
      'Number that indicates how stale the table statistics are; 0 is current, 100 is out of date.', 'true'],
    ['rows', 'Approximate Row Count', 'tbl_rows',
      'Approximate number of rows in the table. This value includes rows marked for deletion, but not yet vacuumed.', 'true'],
    ['skew_sortkey1', 'Sort Key Skew', 'skew_sortkey1',
      'Ratio of the size of the largest non-sort key column to the size of the first column of the sort key.',
      '(skew_sortkey1 is not null)'],
    ['skew_rows', 'Skew Rows', 'skew_rows',
      'Ratio of the number of rows in the slice with the most rows to the number of rows in the slice with the fewest rows.',
      '(skew_rows is not null)']
  ] -%}
  select
    "schema" as table_schema,
    "table" as table_name
    {%- for key, label, value, description, shown in figures %},
    '{{ label }}'::text as "stats:{{ key }}:label",
    {{ value }} as "stats:{{ key }}:value",
    '{{ description }}'::text as "stats:{{ key }}:description",
    {{ shown }} as "stats:{{ key }}:include"
    {%- endfor %}
  from svv_table_info
{%- endmacro %}

{% macro _redshift__get_base_catalog_show(database, schemas, columns_filter) -%}
  {#- SHOW TABLES takes one schema at a time; the columns of all come from one view -#}
  {%- set tables = [] -%}
  {%- for schema in schemas -%}
    {%- call statement('show_tables', fetch_result=True) -%}
      show tables from schema {{ adapter.quote(database) }}.{{ adapter.quote(schema) }}
    {%- endcall -%}
    {%- do tables.append(load_result('show_tables').table) -%}
  {%- endfor -%}
  {%- call statement('svv_columns', fetch_result=True) -%}
    select
      database_name,
      schema_name,
      table_name,
      column_name,
      ordinal_position,
      data_type,
      remarks
    from svv_redshift_columns
    where database_name = '{{ database }}'
      and {{ columns_filter }}
    order by schema_name, table_name, ordinal_position
  {%- endcall -%}
  {%- do return(adapter.build_catalog_from_show_tables_and_svv_columns(
    tables, load_result('svv_columns').table)) -%}
{%- endmacro %}

{% macro redshift__can_select_from(table_name) -%}
  {%- call statement('has_table_privilege', fetch_result=True) -%}
    select has_table_privilege(current_user, '{{ table_name }}', 'SELECT') as can_select
  {%- endcall -%}
  {%- do return(load_result('has_table_privilege').table[0]['can_select']) -%}
{%- endmacro %}

{% macro redshift__no_svv_table_info_warning() -%}
  {%- do log(
    'Warning: The database user "' ~ target.user ~ '" has insufficient permissions to query the "svv_table_info"'
    ~ ' table. The catalog comes without the figures about tables. Ask an administrator of the cluster for'
    ~ ' `grant select on svv_table_info to ' ~ target.user ~ '`.', info=True) -%}
{%- endmacro %}
