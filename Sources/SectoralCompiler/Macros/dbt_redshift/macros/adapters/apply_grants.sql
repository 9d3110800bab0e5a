{% macro redshift__normalize_grants_dict(grants_dict) -%}
  {#- a grantee without a prefix is a user -#}
  {%- set normal = {} -%}
  {%- for privilege, grantees in grants_dict.items() -%}
    {%- set named = [] -%}
    {%- for grantee in grantees -%}
      {%- do named.append(grantee if grantee.startswith(('user:', 'group:', 'role:')) else 'user:' ~ grantee) -%}
    {%- endfor -%}
    {%- do normal.update({privilege: named}) -%}
  {%- endfor -%}
  {%- do return(normal) -%}
{%- endmacro %}

{% macro redshift__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- if redshift__use_grants_extended() and grant_config -%}
    {%- do return(default__apply_grants(
      relation, redshift__normalize_grants_dict(grant_config), should_revoke)) -%}
  {%- endif -%}
  {%- do return(default__apply_grants(relation, grant_config, should_revoke)) -%}
{%- endmacro %}

{% macro redshift__get_show_grant_sql(relation) -%}
  {%- if redshift__use_show_apis() -%}
    show grants on table {{ adapter.quote(relation.database) }}.{{ adapter.quote(relation.schema) }}.{{ adapter.quote(relation.identifier) }}
  {%- elif redshift__use_grants_extended() -%}
    select
      identity_name,
      identity_type,
      privilege_type
    from svv_relation_privileges
    where namespace_name = '{{ relation.schema }}'
      and relation_name = '{{ relation.identifier }}'
      and not (identity_type = 'user' and identity_name = current_user)
  {%- else -%}
    select
      grantee.usename as grantee,
      privilege.privilege_type
    from pg_user as grantee
    cross join (
      {%- for privilege in ['select', 'insert', 'update', 'delete', 'references'] %}
      {{ 'union all ' if not loop.first }}select '{{ privilege }}' as privilege_type
      {%- endfor %}
    ) as privilege
    where has_table_privilege(grantee.usename, '{{ relation }}', privilege.privilege_type)
      and grantee.usename != current_user
      and not grantee.usesuper
  {%- endif -%}
{%- endmacro %}

{% macro redshift__format_grantees(grantees) -%}
  {%- set words = [] -%}
  {%- for grantee in grantees -%}
    {%- set kind, _, name = grantee.partition(':') -%}
    {%- if name and kind == 'user' -%}
      {%- do words.append(name) -%}
    {%- elif name and kind in ('group', 'role') -%}
      {%- do words.append(kind | upper ~ ' ' ~ name) -%}
    {%- else -%}
      {%- do words.append(grantee) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do return(words) -%}
{%- endmacro %}

{% macro redshift__get_grant_sql(relation, privilege, grantees) -%}
  {%- if redshift__use_grants_extended() -%}
    grant {{ privilege }} on {{ relation }} to {{ redshift__format_grantees(grantees) | join(', ') }}
  {%- else -%}
    {{ default__get_grant_sql(relation, privilege, grantees) }}
  {%- endif -%}
{%- endmacro %}

{% macro redshift__get_revoke_sql(relation, privilege, grantees) -%}
  {%- if redshift__use_grants_extended() -%}
    revoke {{ privilege }} on {{ relation }} from {{ redshift__format_grantees(grantees) | join(', ') }}
  {%- else -%}
    {{ default__get_revoke_sql(relation, privilege, grantees) }}
  {%- endif -%}
{%- endmacro %}
