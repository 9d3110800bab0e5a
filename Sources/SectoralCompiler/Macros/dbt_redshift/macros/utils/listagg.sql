{% macro redshift__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {%- set within = 'within group (' ~ order_by_clause ~ ')' if order_by_clause else '' -%}
  {%- if limit_num -%}
    {#- no function cuts a list: a pattern of that many items does -#}
    {%- set literal = delimiter_text.startswith("'") and delimiter_text.endswith("'") -%}
    {%- set pattern -%}
      {%- for character in (delimiter_text[1:-1] if literal else delimiter_text) -%}
        {{ '\\\\' if character in '.^$*+?{}[]\\|()' }}{{ character }}
      {%- endfor -%}
    {%- endset -%}
    {{ '\n    ' * 2 }}{{ '\n        ' * 14 }}
    regexp_substr(
        listagg(
            {{ measure }},
            {{ delimiter_text }}
            )
            {{ within }}
        ,'([^{{ pattern }}]+{{ pattern }}){1,{{ limit_num - 1 }}}[^{{ pattern }}]+'
        )
  {%- else %}
    listagg(
        {{ measure }},
        {{ delimiter_text }}
        )
        {{ within }}
    {%- endif -%}
{%- endmacro %}
