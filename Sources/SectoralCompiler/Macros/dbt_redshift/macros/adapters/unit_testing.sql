{% macro redshift__validate_fixture_rows(rows, row_number) -%}
  {#- the first row of a union decides the types: a null there would have none that fits -#}
  {%- if rows is not none and rows and row_number == 1 -%}
    {%- for name, value in rows[0].items() if value is none -%}
      {%- do exceptions.raise_compiler_error(
        "When 'unit_test' is run on Redshift, the first row of a fixture has to give every one of its columns a value: '"
        ~ name ~ "' is null") -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
