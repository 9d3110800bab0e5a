{# Whom the grants of this project are given to: `run-operation create_grantees` makes them. #}
{% macro create_grantees() %}
  {% do run_query("create user reporter password 'Rep0rter'") %}
  {% do run_query("create group readers") %}
  {% do run_query("create role analyst") %}
{% endmacro %}
