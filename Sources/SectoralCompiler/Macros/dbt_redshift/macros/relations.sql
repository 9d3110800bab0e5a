{% macro redshift__get_relations() -%}
  {%- call statement('relations', fetch_result=True) -%}
    select distinct
      dependent_schema.nspname as dependent_schema,
      dependent.relname as dependent_name,
      referenced_schema.nspname as referenced_schema,
      referenced.relname as referenced_name
    from pg_depend as link
    join pg_rewrite as rule on rule.oid = link.objid
    join pg_class as dependent on dependent.oid = rule.ev_class
    join pg_namespace as dependent_schema on dependent_schema.oid = dependent.relnamespace
    join pg_class as referenced on referenced.oid = link.refobjid
    join pg_namespace as referenced_schema on referenced_schema.oid = referenced.relnamespace
    where link.deptype = 'n'
      and dependent.oid <> referenced.oid
      and dependent_schema.nspname not in ('pg_catalog', 'information_schema', 'pg_internal')
      and referenced_schema.nspname not in ('pg_catalog', 'information_schema', 'pg_internal')
    order by 1, 2, 3, 4
  {%- endcall -%}
  {%- do return(load_result('relations').table) -%}
{%- endmacro %}
