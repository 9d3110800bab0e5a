{% macro redshift__get_catalog_relations(information_schema, relations) -%}
  {%- set database = information_schema.database -%}
  {%- if redshift__use_show_apis() -%}
    {%- set catalog = _redshift__get_base_catalog_by_relation_show(database, relations) -%}
  {%- else -%}
    {%- do adapter.verify_database(database) -%}
    {%- set catalog = _redshift__get_base_catalog_by_relation(database, relations) -%}
  {%- endif -%}
  {%- if redshift__can_select_from('svv_table_info') -%}
    {%- set figures = _redshift__get_extended_catalog_by_relation(relations) -%}
    {%- set catalog = catalog.join(figures, ['table_schema', 'table_name']) -%}
  {%- else -%}
    {%- do redshift__no_svv_table_info_warning() -%}
  {%- endif -%}
  {%- do return(catalog.exclude(['table_schema2', 'table_name2'])) -%}
{%- endmacro %}

{% macro _redshift__get_base_catalog_by_relation(database, relations) -%}
  {%- call statement('base_catalog', fetch_result=True) -%}
    select '{{ database }}' as table_database, described.*, owned.table_owner
    from (
      {{ _redshift__get_late_binding_by_relation_sql(relations) }}
      union all
      {{ _redshift__get_early_binding_by_relation_sql(database, relations) }}
    ) as described
    join (
      {{ redshift__get_table_owners_sql() }}
    ) as owned using (table_schema, table_name)
    order by described.column_index
  {%- endcall -%}
  {%- do return(load_result('base_catalog').table) -%}
{%- endmacro %}

{% macro _redshift__get_late_binding_by_relation_sql(relations) -%}
  {{ redshift__get_late_binding_sql() }}
  where (
    {%- for relation in relations %}
    {{ 'or ' if not loop.first }}(upper(table_schema) = upper('{{ relation.schema }}') and upper(table_name) = upper('{{ relation.identifier }}'))
    {%- endfor %}
  )
{%- endmacro %}

{% macro _redshift__get_early_binding_by_relation_sql(database, relations) -%}
  {{ redshift__get_early_binding_sql(database) }}
    and (
      {%- for relation in relations %}
      {{ 'or ' if not loop.first }}(upper(place.nspname) = upper('{{ relation.schema }}') and upper(relation.relname) = upper('{{ relation.identifier }}'))
      {%- endfor %}
    )
{%- endmacro %}

{% macro _redshift__get_base_catalog_by_relation_show(database, relations) -%}
  {%- set wanted = [] -%}
  {%- for relation in relations -%}
    {%- do wanted.append(
      "(schema_name = lower('" ~ relation.schema ~ "') and table_name = lower('" ~ relation.identifier ~ "'))") -%}
  {%- endfor -%}
  {%- do return(_redshift__get_base_catalog_show(
    database, relations | map(attribute='schema') | unique | list, '(' ~ wanted | join(' or ') ~ ')')) -%}
{%- endmacro %}

{% macro _redshift__get_extended_catalog_by_relation(relations) -%}
  {%- call statement('extended_catalog', fetch_result=True) -%}
    {{ redshift__get_extended_catalog_sql() }}
    where (
      {%- for relation in relations %}
      {{ 'or ' if not loop.first }}(upper("schema") = upper('{{ relation.schema }}') and upper("table") = upper('{{ relation.identifier }}'))
      {%- endfor %}
    )
  {%- endcall -%}
  {%- do return(load_result('extended_catalog').table) -%}
{%- endmacro %}
