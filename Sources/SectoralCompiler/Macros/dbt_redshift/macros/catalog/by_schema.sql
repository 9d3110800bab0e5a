{% macro redshift__get_catalog(information_schema, schemas) -%}
  {%- set database = information_schema.database -%}
  {%- if redshift__use_show_apis() -%}
    {%- set catalog = _redshift__get_base_catalog_by_schema_show(database, schemas) -%}
  {%- else -%}
    {%- do adapter.verify_database(database) -%}
    {%- set catalog = _redshift__get_base_catalog_by_schema(database, schemas) -%}
  {%- endif -%}
  {%- if redshift__can_select_from('svv_table_info') -%}
    {%- set figures = _redshift__get_extended_catalog_by_schema(schemas) -%}
    {%- set catalog = catalog.join(figures, ['table_schema', 'table_name']) -%}
  {%- else -%}
    {%- do redshift__no_svv_table_info_warning() -%}
  {%- endif -%}
  {%- do return(catalog.exclude(['table_schema2', 'table_name2'])) -%}
{%- endmacro %}

{% macro _redshift__get_base_catalog_by_schema(database, schemas) -%}
  {%- call statement('base_catalog', fetch_result=True) -%}
    select '{{ database }}' as table_database, described.*, owned.table_owner
    from (
      {{ _redshift__get_late_binding_by_schema_sql(schemas) }}
      union all
      {{ _redshift__get_early_binding_by_schema_sql(database, schemas) }}
    ) as described
    join (
      {{ redshift__get_table_owners_sql() }}
    ) as owned using (table_schema, table_name)
    order by described.column_index
  {%- endcall -%}
  {%- do return(load_result('base_catalog').table) -%}
{%- endmacro %}

{% macro _redshift__get_late_binding_by_schema_sql(schemas) -%}
  {{ redshift__get_late_binding_sql() }}
  where (
    {%- for schema in schemas %}
    {{ 'or ' if not loop.first }}upper(table_schema) = upper('{{ schema }}')
    {%- endfor %}
  )
{%- endmacro %}

{% macro _redshift__get_early_binding_by_schema_sql(database, schemas) -%}
  {{ redshift__get_early_binding_sql(database) }}
    and (
      {%- for schema in schemas %}
      {{ 'or ' if not loop.first }}upper(place.nspname) = upper('{{ schema }}')
      {%- endfor %}
    )
{%- endmacro %}

{% macro _redshift__get_base_catalog_by_schema_show(database, schemas) -%}
  {%- set wanted = [] -%}
  {%- for schema in schemas -%}
    {%- do wanted.append("schema_name = lower('" ~ schema ~ "')") -%}
  {%- endfor -%}
  {%- do return(_redshift__get_base_catalog_show(database, schemas, '(' ~ wanted | join(' or ') ~ ')')) -%}
{%- endmacro %}

{% macro _redshift__get_extended_catalog_by_schema(schemas) -%}
  {%- call statement('extended_catalog', fetch_result=True) -%}
    {{ redshift__get_extended_catalog_sql() }}
    where (
      {%- for schema in schemas %}
      {{ 'or ' if not loop.first }}upper("schema") = upper('{{ schema }}')
      {%- endfor %}
    )
  {%- endcall -%}
  {%- do return(load_result('extended_catalog').table) -%}
{%- endmacro %}
