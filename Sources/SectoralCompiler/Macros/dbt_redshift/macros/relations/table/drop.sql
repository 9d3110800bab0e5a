{% macro redshift__drop_table(relation) -%}
  drop table if exists {{ relation.render() }}{{ ' cascade' if not redshift__drop_without_cascade() }}
{%- endmacro %}
