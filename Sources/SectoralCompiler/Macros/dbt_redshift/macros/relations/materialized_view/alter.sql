{% macro redshift__get_alter_materialized_view_as_sql(relation, configuration_changes, sql, existing_relation, backup_relation, intermediate_relation) -%}
  {%- if configuration_changes.requires_full_refresh -%}
    {{ get_replace_sql(existing_relation, relation, sql) }}
  {%- elif configuration_changes.autorefresh -%}
    {#- the one thing that can be switched on a standing materialized view -#}
    {%- do log('Applying UPDATE AUTOREFRESH to: ' ~ relation) -%}
    alter materialized view {{ relation }} auto refresh {{ 'yes' if configuration_changes.autorefresh.context else 'no' }}
  {%- endif -%}
{%- endmacro %}
