{% macro redshift__drop_view(relation) -%}
  drop view if exists {{ relation.render() }}{{ ' cascade' if not redshift__drop_without_cascade() }}
{%- endmacro %}
