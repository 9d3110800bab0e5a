{% macro redshift__validate_fixture_rows(rows, row_number) -%}
  {#- the first row of a union decides the types: a null there would have none that fits -#}
  {%- if rows is not none and rows and row_number == 1 -%}
    {%- for name, value in rows[0].items() if value is none -%}
      {%- do exceptions.raise_compiler_error(
        "Unit test fixture " ~ ("expected output" if model.resource_type == 'unit_test' else "'" ~ model.name ~ "'")
        ~ " in " ~ model.name ~ " does not have any row free of null values, which may cause type mismatch errors"
        ~ " during unit test execution. Its first row has to give every column a value: '" ~ name ~ "' is null.") -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
