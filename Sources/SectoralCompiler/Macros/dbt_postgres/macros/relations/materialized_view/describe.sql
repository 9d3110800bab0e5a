{% macro postgres__describe_materialized_view(relation) -%}
  {#- of what a configuration can change, only the indexes show in the database -#}
  {%- do return({'indexes': run_query(get_show_indexes_sql(relation))}) -%}
{%- endmacro %}
