{% macro postgres__get_catalog_relations(information_schema, relations) -%}
  {%- set database = information_schema.database -%}
  {%- do adapter.verify_database(database) -%}
  {%- call statement('catalog', fetch_result=True) -%}
    select
      '{{ database }}' as table_database,
      place.nspname as table_schema,
      relation.relname as table_name,
      case relation.relkind
        when 'm' then 'MATERIALIZED VIEW'
        when 'v' then 'VIEW'
        else 'BASE TABLE'
      end as table_type,
      obj_description(relation.oid, 'pg_class') as table_comment,
      field.attname as column_name,
      field.attnum as column_index,
      format_type(field.atttypid, field.atttypmod) as column_type,
      col_description(relation.oid, field.attnum) as column_comment,
      pg_get_userbyid(relation.relowner) as table_owner
    from pg_class as relation
    join pg_namespace as place on place.oid = relation.relnamespace
    join pg_attribute as field on field.attrelid = relation.oid
    where relation.relkind in ('r', 'p', 'f', 'v', 'm')
      {#- temporary tables are no part of a catalog -#}
      and relation.relpersistence in ('p', 'u')
      and field.attnum > 0
      and not field.attisdropped
      and (
        {%- for wanted in relations %}
        {{ 'or ' if not loop.first }}(
          {%- if not wanted.schema %}
            {%- do exceptions.raise_compiler_error(
              '`get_catalog_relations` requires a list of relations, each with a schema') %}
          {%- endif -%}
          upper(place.nspname) = upper('{{ wanted.schema }}')
          {%- if wanted.identifier %} and upper(relation.relname) = upper('{{ wanted.identifier }}'){% endif -%}
        )
        {%- endfor %}
      )
    order by place.nspname, relation.relname, field.attnum
  {%- endcall -%}
  {%- do return(load_result('catalog').table) -%}
{%- endmacro %}

{% macro postgres__get_catalog(information_schema, schemas) -%}
  {%- set relations = [] -%}
  {%- for schema in schemas -%}
    {%- do relations.append({'schema': schema}) -%}
  {%- endfor -%}
  {%- do return(postgres__get_catalog_relations(information_schema, relations)) -%}
{%- endmacro %}
