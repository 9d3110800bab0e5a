{# The change of a price since the row before, as a fraction. See macros/macros.yml. #}
{% macro calculate_daily_return(price_column) -%}
  cast({{ price_column }} as double precision)
    / nullif(cast({{ previous_value(price_column) }} as double precision), 0) - 1
{%- endmacro %}


{# The value of a column on the symbol's trading day before. #}
{% macro previous_value(column) -%}
  lag({{ column }}) over (partition by symbol order by price_date)
{%- endmacro %}
