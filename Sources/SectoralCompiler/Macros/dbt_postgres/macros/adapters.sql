{% macro postgres__create_table_as(temporary, relation, sql) -%}
  {%- set header = config.get('sql_header', none) -%}
  {%- set contract = config.get('contract') -%}
  {{ header if header is not none }}
  create {{ 'temporary' if temporary else 'unlogged' if config.get('unlogged', false) }} table {{ relation }}
  {%- if contract.enforced %}
    {{ get_assert_columns_equivalent(sql) }}
  {%- endif %}
  {%- if contract.enforced and not temporary %}
    {#- "create table as" takes no constraints: the table first, then its rows -#}
    {{ get_table_columns_and_constraints() }};
  insert into {{ relation }} (
    {{ adapter.dispatch('get_column_names', 'dbt')() }}
  )
    {%- set sql = get_select_subquery(sql) -%}
  {%- else %}
  as
  {%- endif %}
  (
    {{ sql }}
  );
{%- endmacro %}

{% macro postgres__get_create_index_sql(relation, index_dict) -%}
  {%- set index = adapter.parse_index(index_dict) -%}
  {%- set name = index.render(relation) -%}
  create {{ 'unique ' if index.unique -}} index if not exists "{{ name }}"
  on {{ relation }} {{ 'using ' ~ index.type if index.type }} ({{ index.columns | join(', ') }})
  {%- if index.include %}
  include ({{ index.include | join(', ') }})
  {%- endif -%}
  {%- if index.nulls_distinct is sameas false %}
  nulls not distinct
  {%- endif -%}
  {%- if index.with %}
  with ({% for key, value in index.with.items() %}{{ key }} = {{ value }}{{ ', ' if not loop.last }}{% endfor %})
  {%- endif -%}
  {%- if index.tablespace %}
  tablespace {{ adapter.quote(index.tablespace) }}
  {%- endif -%}
  {%- if index.where %}
  where {{ index.where }}
  {%- endif -%}
{%- endmacro %}

{% macro postgres__create_schema(relation) -%}
  {%- if relation.database -%}
    {%- do adapter.verify_database(relation.database) -%}
  {%- endif -%}
  {%- call statement('create_schema') -%}
    create schema if not exists {{ relation.without_identifier().include(database=False) }}
  {%- endcall -%}
{%- endmacro %}

{% macro postgres__drop_schema(relation) -%}
  {%- if relation.database -%}
    {%- do adapter.verify_database(relation.database) -%}
  {%- endif -%}
  {%- call statement('drop_schema') -%}
    drop schema if exists {{ relation.without_identifier().include(database=False) }} cascade
  {%- endcall -%}
{%- endmacro %}

{#- what information_schema.columns says, without most of its price -#}
{% macro postgres__get_columns_in_relation(relation) -%}
  {%- set catalog = relation.information_schema('columns') -%}
  {%- call statement('get_columns_in_relation', fetch_result=True) -%}
    select
      item.attname as column_name,
      case
        when coalesce(base.typelem, kind.typelem) <> 0 and coalesce(base.typlen, kind.typlen) = -1 then 'ARRAY'
        when coalesce(base_place.nspname, kind_place.nspname) = 'pg_catalog'
          then format_type(coalesce(base.oid, kind.oid), null)
        else 'USER-DEFINED'
      end as data_type,
      information_schema._pg_char_max_length(true_type.id, true_type.modifier) as character_maximum_length,
      information_schema._pg_numeric_precision(true_type.id, true_type.modifier) as numeric_precision,
      information_schema._pg_numeric_scale(true_type.id, true_type.modifier) as numeric_scale
    from {{ adapter.quote(catalog.database) ~ '.' if catalog.database }}pg_catalog.pg_class as owner
    join pg_catalog.pg_namespace as place on place.oid = owner.relnamespace
    join pg_catalog.pg_attribute as item
      on item.attrelid = owner.oid
      and item.attnum > 0
      and not item.attisdropped
    join pg_catalog.pg_type as kind on kind.oid = item.atttypid
    join pg_catalog.pg_namespace as kind_place on kind_place.oid = kind.typnamespace
    left join pg_catalog.pg_type as base
      on kind.typtype = 'd'
      and base.oid = kind.typbasetype
    left join pg_catalog.pg_namespace as base_place on base_place.oid = base.typnamespace
    cross join lateral (
      select
        case kind.typtype when 'd' then kind.typbasetype else item.atttypid end as id,
        case kind.typtype when 'd' then kind.typtypmod else item.atttypmod end as modifier
    ) as true_type
    where owner.relname = '{{ relation.identifier }}'
    {%- if relation.schema %}
      and place.nspname = '{{ relation.schema }}'
    {%- endif %}
      and owner.relkind in ('r', 'v', 'f', 'p')
      and not pg_is_other_temp_schema(place.oid)
      and (
        pg_has_role(owner.relowner, 'usage')
        or has_column_privilege(owner.oid, item.attnum, 'select, insert, update, references'))
    order by item.attnum
  {%- endcall -%}
  {%- do return(sql_convert_columns_in_relation(load_result('get_columns_in_relation').table)) -%}
{%- endmacro %}

{% macro postgres__list_relations_without_caching(schema_relation) -%}
  {%- set in_schema = "ilike '" ~ schema_relation.schema ~ "'" -%}
  {%- call statement('list_relations_without_caching', fetch_result=True) -%}
    select '{{ schema_relation.database }}' as database, tablename as name, schemaname as schema, 'table' as type
    from pg_tables
    where schemaname {{ in_schema }}
    union all
    select '{{ schema_relation.database }}', viewname, schemaname, 'view'
    from pg_views
    where schemaname {{ in_schema }}
    union all
    select '{{ schema_relation.database }}', matviewname, schemaname, 'materialized_view'
    from pg_matviews
    where schemaname {{ in_schema }}
    union all
    select distinct '{{ schema_relation.database }}', p.proname, n.nspname, 'function'
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname {{ in_schema }}
  {%- endcall -%}
  {%- do return(load_result('list_relations_without_caching').table) -%}
{%- endmacro %}

{% macro postgres__information_schema_name(database) -%}
  information_schema
{%- endmacro %}

{% macro postgres__list_schemas(database) -%}
  {%- if database -%}
    {%- do adapter.verify_database(database) -%}
  {%- endif -%}
  {%- call statement('list_schemas', fetch_result=True, auto_begin=False) -%}
    select distinct nspname from pg_namespace
  {%- endcall -%}
  {%- do return(load_result('list_schemas').table) -%}
{%- endmacro %}

{% macro postgres__check_schema_exists(information_schema, schema) -%}
  {%- if information_schema.database -%}
    {%- do adapter.verify_database(information_schema.database) -%}
  {%- endif -%}
  {%- call statement('check_schema_exists', fetch_result=True, auto_begin=False) -%}
    select count(*) from pg_namespace where nspname = '{{ schema }}'
  {%- endcall -%}
  {%- do return(load_result('check_schema_exists').table) -%}
{%- endmacro %}

{% macro postgres__make_relation_with_suffix(base_relation, suffix, dstring) -%}
  {%- set moment = modules.datetime.datetime.now().strftime('%H%M%S%f') if dstring else '' -%}
  {%- set ending = suffix ~ moment -%}
  {%- set limit = base_relation.relation_max_name_length() -%}
  {%- if ending | length > limit -%}
    {%- do exceptions.raise_compiler_error(
      'Relation suffix is too long (' ~ ending | length ~ ' characters). Maximum length is ' ~ limit
      ~ ' characters.') -%}
  {%- endif -%}
  {#- the name gives way to the suffix, and stays another one than its neighbours' -#}
  {%- do return(base_relation.incorporate(
    path={'identifier': adapter.name_with_suffix(base_relation.identifier, ending)})) -%}
{%- endmacro %}

{% macro postgres__make_intermediate_relation(base_relation, suffix) -%}
  {%- do return(postgres__make_relation_with_suffix(base_relation, suffix, dstring=False)) -%}
{%- endmacro %}

{% macro postgres__make_temp_relation(base_relation, suffix) -%}
  {%- set batch = model.batch if model else none -%}
  {%- set ending = suffix ~ '_' ~ batch.id if batch else suffix -%}
  {#- a temporary table has no schema of its own -#}
  {%- set named = postgres__make_relation_with_suffix(base_relation, ending, dstring=True) -%}
  {%- do return(named.incorporate(path={'schema': none, 'database': none})) -%}
{%- endmacro %}

{% macro postgres__make_backup_relation(base_relation, backup_relation_type, suffix) -%}
  {%- do return(postgres__make_relation_with_suffix(base_relation, suffix, dstring=False)
    .incorporate(type=backup_relation_type)) -%}
{%- endmacro %}

{% macro postgres_escape_comment(comment) -%}
  {%- set fence = '$dbt_comment_literal_block$' -%}
  {%- set fault = 'cannot escape a non-string: ' ~ comment if comment is not string
    else 'The string ' ~ fence ~ ' is not allowed in comments.' if fence in comment -%}
  {%- if fault -%}
    {%- do exceptions.raise_compiler_error(fault) -%}
  {%- endif -%}
  {%- do return(fence ~ comment ~ fence) -%}
{%- endmacro %}

{% macro postgres__alter_relation_comment(relation, comment) -%}
  {%- set kind = 'materialized view' if relation.is_materialized_view else relation.type -%}
  comment on {{ kind }} {{ relation.render() }} is {{ postgres_escape_comment(comment) }};
{%- endmacro %}

{% macro postgres__alter_column_comment(relation, column_dict) -%}
  {%- set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
  {%- for name, column in column_dict.items() if name in existing %}
    comment on column {{ relation.render() }}.{{ adapter.quote(name) if column['quote'] else name }} is
      {{- ' ' ~ postgres_escape_comment(column['description']) }};
  {%- endfor -%}
{%- endmacro %}

{% macro postgres__get_show_grant_sql(relation) -%}
  select grantee, privilege_type
  from {{ relation.information_schema('role_table_grants') }}
  where table_schema = '{{ relation.schema }}'
    and table_name = '{{ relation.identifier }}'
    and grantor = current_role
    and grantee != current_role
{%- endmacro %}

{% macro postgres__copy_grants() -%}
  {%- do return(False) -%}
{%- endmacro %}

{% macro postgres__get_show_indexes_sql(relation) -%}
  select
    index_class.relname as name,
    access_method.amname as method,
    index_entry.indisunique as "unique",
    string_agg(indexed.attname, ',') as column_names
  from pg_index as index_entry
  join pg_class as index_class on index_class.oid = index_entry.indexrelid
  join pg_am as access_method on access_method.oid = index_class.relam
  join pg_class as owner on owner.oid = index_entry.indrelid
  join pg_namespace as place on place.oid = owner.relnamespace
  join pg_attribute as indexed
    on indexed.attrelid = owner.oid
    and indexed.attnum = any (index_entry.indkey)
  where place.nspname = '{{ relation.schema }}'
    and owner.relname = '{{ relation.identifier }}'
    and owner.relkind in ('r', 'm')
  group by 1, 2, 3
  order by 1, 2, 3
{%- endmacro %}

{% macro postgres__get_drop_index_sql(relation, index_name) -%}
  drop index if exists "{{ relation.schema }}"."{{ index_name }}"
{%- endmacro %}
