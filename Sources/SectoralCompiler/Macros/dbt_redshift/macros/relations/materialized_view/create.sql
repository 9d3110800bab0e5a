{% macro redshift__get_create_materialized_view_as_sql(relation, sql) -%}
  {%- set described = relation.from_config(config.model) -%}
  create materialized view {{ described.path }}
    backup {{ 'yes' if described.backup else 'no' }}
    diststyle {{ described.dist.diststyle }}
    {{ 'distkey (' ~ described.dist.distkey ~ ')' if described.dist.distkey }}
    {{ 'sortkey (' ~ described.sort.sortkey | join(',') ~ ')' if described.sort.sortkey }}
    auto refresh {{ 'yes' if described.autorefresh else 'no' }}
  as (
    {{ described.query }}
  )
{%- endmacro %}
