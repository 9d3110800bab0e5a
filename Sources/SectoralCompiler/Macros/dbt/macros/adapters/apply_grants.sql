{% macro copy_grants() -%}
  {{- return(adapter.dispatch('copy_grants', 'dbt')()) -}}
{%- endmacro %}

{% macro default__copy_grants() -%}
  {%- do return(True) -%}
{%- endmacro %}

{% macro support_multiple_grantees_per_dcl_statement() -%}
  {{- return(adapter.dispatch('support_multiple_grantees_per_dcl_statement', 'dbt')()) -}}
{%- endmacro %}

{% macro default__support_multiple_grantees_per_dcl_statement() -%}
  {%- do return(True) -%}
{%- endmacro %}

{% macro should_revoke(existing_relation, full_refresh_mode=True) -%}
  {%- if not existing_relation -%}
    {#- a new relation starts without grants -#}
    {%- do return(False) -%}
  {%- elif full_refresh_mode -%}
    {%- do return(copy_grants()) -%}
  {%- else -%}
    {%- do return(True) -%}
  {%- endif -%}
{%- endmacro %}

{% macro get_show_grant_sql(relation) -%}
  {{- return(adapter.dispatch('get_show_grant_sql', 'dbt')(relation)) -}}
{%- endmacro %}

{% macro default__get_show_grant_sql(relation) -%}
  show grants on {{ relation.render() }}
{%- endmacro %}

{% macro get_grant_sql(relation, privilege, grantees) -%}
  {{- return(adapter.dispatch('get_grant_sql', 'dbt')(relation, privilege, grantees)) -}}
{%- endmacro %}

{% macro default__get_grant_sql(relation, privilege, grantees) -%}
  grant {{ privilege }} on {{ relation.render() }} to {{ grantees | join(', ') }}
{%- endmacro %}

{% macro get_revoke_sql(relation, privilege, grantees) -%}
  {{- return(adapter.dispatch('get_revoke_sql', 'dbt')(relation, privilege, grantees)) -}}
{%- endmacro %}

{% macro default__get_revoke_sql(relation, privilege, grantees) -%}
  revoke {{ privilege }} on {{ relation.render() }} from {{ grantees | map('tojson') | join(', ') }}
{%- endmacro %}

{% macro get_dcl_statement_list(relation, grant_config, get_dcl_macro) -%}
  {{- return(adapter.dispatch('get_dcl_statement_list', 'dbt')(relation, grant_config, get_dcl_macro)) -}}
{%- endmacro %}

{% macro default__get_dcl_statement_list(relation, grant_config, get_dcl_macro) -%}
  {%- set together = support_multiple_grantees_per_dcl_statement() -%}
  {%- set texts = [] -%}
  {%- for privilege, grantees in grant_config.items() if grantees -%}
    {%- for group in ([grantees] if together else grantees | batch(1)) -%}
      {%- do texts.append(get_dcl_macro(relation, privilege, group)) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do return(texts) -%}
{%- endmacro %}

{% macro call_dcl_statements(dcl_statement_list) -%}
  {{- return(adapter.dispatch('call_dcl_statements', 'dbt')(dcl_statement_list)) -}}
{%- endmacro %}

{% macro default__call_dcl_statements(dcl_statement_list) -%}
  {%- call statement('grants') -%}
    {%- for text in dcl_statement_list %}
      {{ text }};
    {%- endfor -%}
  {%- endcall -%}
{%- endmacro %}

{% macro apply_grants(relation, grant_config, should_revoke) -%}
  {{- return(adapter.dispatch('apply_grants', 'dbt')(relation, grant_config, should_revoke)) -}}
{%- endmacro %}

{% macro default__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- if grant_config -%}
    {%- set to_grant, to_revoke = grant_config, {} -%}
    {%- if should_revoke -%}
      {#- the relation kept what it had: only the difference is sent -#}
      {%- set standing = adapter.standardize_grants_dict(run_query(get_show_grant_sql(relation))) -%}
      {%- set to_grant = diff_of_two_dicts(grant_config, standing) -%}
      {%- set to_revoke = diff_of_two_dicts(standing, grant_config) -%}
    {%- endif -%}
    {%- if to_grant or to_revoke -%}
      {%- set texts = get_dcl_statement_list(relation, to_revoke, get_revoke_sql)
        + get_dcl_statement_list(relation, to_grant, get_grant_sql) -%}
      {%- if texts -%}
        {%- do call_dcl_statements(texts) -%}
      {%- endif -%}
    {%- else -%}
      {%- do log('On ' ~ relation.render() ~ ': All grants are in place, no revocation or granting needed.') -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}
