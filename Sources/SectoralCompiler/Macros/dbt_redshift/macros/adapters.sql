{% macro dist(dist) -%}
  {%- if dist is not none -%}
    {%- if dist is not string -%}
      {%- do exceptions.raise_compiler_error(
        "The 'dist' config is one column, or one of all, even and auto, and not " ~ tojson(dist)
        ~ ': Redshift distributes a table by a single column.') -%}
    {%- endif -%}
    {%- set dist = dist.strip().lower() -%}
    {%- if dist in ('all', 'even') -%}
      diststyle {{ dist }}
    {%- elif dist != 'auto' -%}
      diststyle key distkey ({{ dist }})
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{% macro sort(sort_type, sort) -%}
  {#- "auto" is what Redshift does where nothing is said -#}
  {%- if sort is not none and sort != 'auto' -%}
    {{ sort_type or 'compound' }} sortkey({{ sort if sort is string else sort | join(',') }})
  {%- endif -%}
{%- endmacro %}

{% macro redshift__create_table_as(temporary, relation, sql) -%}
  {%- set header = config.get('sql_header', none) -%}
  {%- set contract = config.get('contract') -%}
  {%- set dist_key = config.get('dist', validator=validation.any[str]) -%}
  {%- set sort_type = config.get('sort_type', validator=validation.any['compound', 'interleaved']) -%}
  {%- set sort_keys = config.get('sort', validator=validation.any[list, str]) -%}
  {%- set storage -%}
    {%- if config.get('backup') == false %} backup no{% endif %}
    {{ dist(dist_key) }}
    {{ sort(sort_type, sort_keys) }}
  {%- endset -%}
  {{ header if header is not none }}
  create {{ 'temporary' if temporary }} table {{ relation.include(database=(not temporary), schema=(not temporary)) }}
  {%- if contract.enforced %}
    {{ get_assert_columns_equivalent(sql) }}
    {#- "create table as" takes no constraints: the table first, then its rows -#}
    {{ get_table_columns_and_constraints() }}
    {{ storage }};
  insert into {{ relation.include(database=(not temporary), schema=(not temporary)) }}
  (
    {{ get_select_subquery(sql) }}
  );
  {%- else %}
    {{ storage }}
  as (
    {{ sql }}
  );
  {%- endif -%}
{%- endmacro %}

{% macro redshift__create_view_as(relation, sql) -%}
  {%- set header = config.get('sql_header', none) -%}
  {%- set contract = config.get('contract') -%}
  {{ header if header is not none }}
  create view {{ relation }}
  {%- if contract.enforced %}
    {{ get_assert_columns_equivalent(sql) }}
  {%- endif %} as (
    {{ sql }}
  ) {{ 'with no schema binding' if config.get('bind', default=True) == false }};
{%- endmacro %}

{% macro redshift__create_schema(relation) -%}
  {%- if redshift__use_show_apis() -%}
    {#- a schema of another database is reached by its full name -#}
    {%- call statement('create_schema') -%}
      create schema if not exists {{ relation.without_identifier() }}
    {%- endcall -%}
  {%- else -%}
    {%- do postgres__create_schema(relation) -%}
  {%- endif -%}
{%- endmacro %}

{% macro redshift__drop_schema(relation) -%}
  {%- if redshift__use_show_apis() -%}
    {%- call statement('drop_schema') -%}
      drop schema if exists {{ relation.without_identifier() }} cascade
    {%- endcall -%}
  {%- else -%}
    {%- do postgres__drop_schema(relation) -%}
  {%- endif -%}
{%- endmacro %}

{% macro redshift__get_columns_in_relation(relation) -%}
  {#- SHOW knows nothing of temporary tables: they have no schema -#}
  {%- if redshift__use_show_apis() and relation.database and relation.schema -%}
    {%- do return(redshift__get_columns_in_relation_show(relation)) -%}
  {%- endif -%}
  {%- do return(redshift__get_columns_in_relation_legacy(relation)) -%}
{%- endmacro %}

{% macro redshift__get_columns_in_relation_show(relation) -%}
  {%- call statement('get_columns_in_relation', fetch_result=True) -%}
    show columns from table {{ adapter.quote(relation.database) }}.{{ adapter.quote(relation.schema) }}.{{ adapter.quote(relation.identifier) }}
  {%- endcall -%}
  {%- set columns = [] -%}
  {#- columns that were dropped leave a mark behind -#}
  {%- for row in load_result('get_columns_in_relation').table if 'pg.dropped.' not in row['column_name'] -%}
    {%- do columns.append(api.Column(
      row['column_name'], row['data_type'], row['character_maximum_length'],
      row['numeric_precision'], row['numeric_scale'])) -%}
  {%- endfor -%}
  {%- do return(columns) -%}
{%- endmacro %}

{% macro redshift__get_columns_in_relation_legacy(relation) -%}
  {#- Three places know columns. One has the parts of a type in columns of their own; views without schema
      binding and external tables give the type as text, which is taken apart here. -#}
  {%- call statement('get_columns_in_relation', fetch_result=True) -%}
    with spelt as (
      select ordinal_position, table_schema, column_name, lower(spelling) as spelling
      from pg_get_late_binding_view_cols()
        late_binding(
          table_schema name,
          table_name name,
          column_name name,
          spelling varchar,
          ordinal_position int
        )
      where table_name = '{{ relation.identifier }}'
      union all
      select columnnum, schemaname, columnname, lower(external_type)
      from svv_external_columns
      where tablename = '{{ relation.identifier }}'
    ),
    split as (
      select
        ordinal_position,
        table_schema,
        column_name,
        trim(split_part(spelling, '(', 1)) as type_name,
        trim(split_part(split_part(split_part(spelling, '(', 2), ')', 1), ',', 1)) as first_number,
        trim(split_part(split_part(split_part(spelling, '(', 2), ')', 1), ',', 2)) as second_number
      from spelt
    )
    select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale
    from (
      select
        ordinal_position, table_schema, column_name, data_type,
        character_maximum_length, numeric_precision, numeric_scale
      from information_schema.columns
      where table_name = '{{ relation.identifier }}'
      union all
      select
        ordinal_position,
        table_schema,
        column_name,
        case type_name
          when 'varchar' then 'character varying'
          when 'string' then 'character varying'
          when 'decimal' then 'numeric'
          else type_name
        end,
        case
          when type_name in ('character varying', 'varchar', 'character', 'char')
            then cast(nullif(first_number, '') as int)
        end,
        case when type_name in ('numeric', 'decimal') then cast(nullif(first_number, '') as int) end,
        case when type_name in ('numeric', 'decimal') then cast(nullif(second_number, '') as int) end
      from split
    ) as described
    {%- if relation.schema %}
    where table_schema = '{{ relation.schema }}'
    {%- endif %}
    order by ordinal_position
  {%- endcall -%}
  {%- do return(sql_convert_columns_in_relation(load_result('get_columns_in_relation').table)) -%}
{%- endmacro %}

{% macro redshift__list_relations_without_caching(schema_relation) -%}
  {%- if redshift__use_show_apis() -%}
    {%- call statement('list_relations_without_caching', fetch_result=True) -%}
      show tables from schema {{ adapter.quote(schema_relation.database) }}.{{ adapter.quote(schema_relation.schema) }}
    {%- endcall -%}
    {%- set tables = adapter.transform_show_tables_for_list_relations(
      load_result('list_relations_without_caching').table) -%}
    {%- do return(adapter.combine_show_tables_and_function_relations(
      tables, list_function_relations_without_caching(schema_relation))) -%}
  {%- endif -%}
  {%- call statement('list_relations_without_caching', fetch_result=True) -%}
    select
      listed.table_catalog as database,
      listed.table_name as name,
      listed.table_schema as schema,
      {#- a materialized view is listed as a view; its text gives it away -#}
      case
        when listed.table_type = 'BASE TABLE' then 'table'
        when viewed.view_definition ilike '%create materialized view%' then 'materialized_view'
        else 'view'
      end as type
    from information_schema.tables as listed
    left join information_schema.views as viewed
      on viewed.table_schema = listed.table_schema
      and viewed.table_name = listed.table_name
    where listed.table_schema ilike '{{ schema_relation.schema }}'
      and listed.table_type in ('BASE TABLE', 'VIEW')
    union all
    select distinct '{{ schema_relation.database }}', routine.proname, place.nspname, 'function'
    from pg_proc as routine
    join pg_namespace as place on place.oid = routine.pronamespace
    where place.nspname ilike '{{ schema_relation.schema }}'
  {%- endcall -%}
  {%- do return(load_result('list_relations_without_caching').table) -%}
{%- endmacro %}

{% macro redshift__list_function_relations_without_caching(schema_relation) -%}
  {%- call statement('list_function_relations_without_caching', fetch_result=True) -%}
    select distinct
      database_name as database,
      function_name as name,
      schema_name as schema,
      'function' as type
    from svv_redshift_functions
    where database_name ilike '{{ schema_relation.database }}'
      and schema_name ilike '{{ schema_relation.schema }}'
  {%- endcall -%}
  {%- do return(load_result('list_function_relations_without_caching').table) -%}
{%- endmacro %}

{% macro redshift__information_schema_name(database) -%}
  {%- do return(postgres__information_schema_name(database)) -%}
{%- endmacro %}

{% macro redshift__list_schemas(database) -%}
  {%- if redshift__use_show_apis() -%}
    {%- call statement('list_schemas', fetch_result=True, auto_begin=False) -%}
      {#- some callers give the name in quotes -#}
      show schemas from database {{ database if database.startswith('"') else adapter.quote(database) }}
    {%- endcall -%}
    {%- do return(load_result('list_schemas').table.select(['schema_name'])) -%}
  {%- endif -%}
  {%- do return(postgres__list_schemas(database)) -%}
{%- endmacro %}

{% macro redshift__check_schema_exists(information_schema, schema) -%}
  {%- if redshift__use_show_apis() -%}
    {%- call statement('check_schema_exists', fetch_result=True, auto_begin=False) -%}
      show schemas from database {{ adapter.quote(information_schema.database) }} like '{{ schema }}'
    {%- endcall -%}
    {#- `_` and `%` of a name stand for other characters there -#}
    {%- set found = [] -%}
    {%- for row in load_result('check_schema_exists').table if row['schema_name'] | lower == schema | lower -%}
      {%- do found.append(row) -%}
    {%- endfor -%}
    {%- do return([[found | length]]) -%}
  {%- endif -%}
  {%- do return(postgres__check_schema_exists(information_schema, schema)) -%}
{%- endmacro %}

{% macro redshift__persist_docs(relation, model, for_relation, for_columns) -%}
  {#- the columns of a view without schema binding cannot be commented on -#}
  {%- set unbound = relation.is_view and config.get('bind', default=True) == false -%}
  {%- set about_relation = for_relation and config.persist_relation_docs() and model.description -%}
  {%- set about_columns = for_columns and config.persist_column_docs() and model.columns and not unbound -%}
  {%- if about_relation or about_columns -%}
    {#- one look at what is there: a comment that stands is not written again -#}
    {%- set look -%}
      select cast(field.attname as varchar(127)) as name, coalesce(note.description, '') as said
      from pg_class as described
      join pg_namespace as place on place.oid = described.relnamespace
      join pg_attribute as field on field.attrelid = described.oid
      left join pg_description as note
        on note.objoid = described.oid and note.objsubid = field.attnum
      where lower(place.nspname) = lower('{{ relation.schema }}') and lower(described.relname) = lower('{{ relation.identifier }}')
        and field.attnum > 0
        and not field.attisdropped
      union all
      select '', coalesce(note.description, '')
      from pg_class as described
      join pg_namespace as place on place.oid = described.relnamespace
      left join pg_description as note
        on note.objoid = described.oid and note.objsubid = 0
      where lower(place.nspname) = lower('{{ relation.schema }}') and lower(described.relname) = lower('{{ relation.identifier }}')
    {%- endset -%}
    {%- set standing = {} -%}
    {%- for row in run_query(look).rows -%}
      {%- do standing.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {%- if about_relation and standing.get('') != model.description -%}
      {%- do adapter.execute(
        alter_relation_comment(relation, model.description), auto_begin=True, may_wait=True) -%}
    {%- endif -%}
    {%- if about_columns -%}
      {%- set existing = standing.keys() | reject('equalto', '') | list -%}
      {%- set documented = validate_doc_columns(relation, model.columns, existing) -%}
      {%- set changed = {} -%}
      {%- for name, column in documented.items() -%}
        {%- if standing.get(name, standing.get(name | lower)) != column.get('description', '') -%}
          {%- do changed.update({name: column}) -%}
        {%- endif -%}
      {%- endfor -%}
      {%- set text = alter_column_comment(relation, changed) if changed else '' -%}
      {%- if text and text | trim -%}
        {%- do adapter.execute(text, auto_begin=True, may_wait=True) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{% macro escape_comment(comment) -%}
  {%- set fence = '$dbt_comment_literal_block$' -%}
  {%- set fault = 'cannot escape a non-string: ' ~ comment if comment is not string
    else 'The string ' ~ fence ~ ' is not allowed in comments.' if fence in comment -%}
  {%- if fault -%}
    {%- do exceptions.raise_compiler_error(fault) -%}
  {%- endif -%}
  {%- do return(fence ~ comment ~ fence) -%}
{%- endmacro %}

{% macro redshift__alter_relation_comment(relation, comment) -%}
  {#- to Redshift a materialized view is a view here -#}
  {%- set kind = 'view' if relation.is_materialized_view else relation.type -%}
  comment on {{ kind }} {{ relation }} is {{ escape_comment(comment) }};
{%- endmacro %}

{% macro redshift__alter_column_comment(relation, column_dict) -%}
  {%- do return(postgres__alter_column_comment(relation, column_dict)) -%}
{%- endmacro %}

{% macro redshift__alter_column_type(relation, column_name, new_column_type) -%}
  {#- The length of a varchar or varbyte is the one thing that Redshift changes without a copy, but only where no
      transaction is open: every statement on its own, as these two settings say. -#}
  {%- set alone = adapter.behavior.redshift_skip_autocommit_transaction_statements.no_warn
    and target.get('autocommit', true) -%}
  {%- if alone and (new_column_type | lower | trim).startswith(('varchar', 'character varying', 'varbyte')) -%}
    {%- call statement('alter_column_type') -%}
      alter table {{ relation.render() }} alter column {{ adapter.quote(column_name) }} type {{ new_column_type }}
    {%- endcall -%}
  {%- else -%}
    {%- do default__alter_column_type(relation, column_name, new_column_type) -%}
  {%- endif -%}
{%- endmacro %}

{% macro redshift__alter_relation_add_remove_columns(relation, add_columns, remove_columns) -%}
  {#- one column per statement is all that Redshift takes -#}
  {%- for column in add_columns or [] -%}
    {%- do run_query(
      'alter ' ~ relation.type ~ ' ' ~ relation ~ ' add column ' ~ column.quoted ~ ' ' ~ column.expanded_data_type) -%}
  {%- endfor -%}
  {%- for column in remove_columns or [] -%}
    {%- do run_query('alter ' ~ relation.type ~ ' ' ~ relation ~ ' drop column ' ~ column.quoted) -%}
  {%- endfor -%}
{%- endmacro %}

{% macro redshift__show_tables_from_schema(database, schema) -%}
  {%- call statement('show_tables_from_schema', fetch_result=True) -%}
    show tables from schema {{ adapter.quote(database) }}.{{ adapter.quote(schema) }}
  {%- endcall -%}
  {%- do return(load_result('show_tables_from_schema')) -%}
{%- endmacro %}
