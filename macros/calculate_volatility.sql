{#
  The annualised volatility of the last `window_days` daily returns. See macros/macros.yml.

  A window function may not stand inside another one's argument (Postgres and Redshift both refuse
  it), so the price of the day before cannot be looked up here: the query must have it as a column
  named previous_<price_column>, for which `previous_value` is the expression.
#}
{% macro calculate_volatility(price_column, window_days) -%}
  {%- set frame -%}
    (partition by symbol order by price_date rows between {{ window_days - 1 }} preceding and current row)
  {%- endset -%}
  {%- set previous = 'previous_' ~ price_column -%}
  case
    when count({{ previous }}) over {{ frame }} = {{ window_days }}
      then stddev_samp(
        cast({{ price_column }} as double precision)
          / nullif(cast({{ previous }} as double precision), 0) - 1
      ) over {{ frame }} * sqrt({{ var('trading_days_per_year') }})
  end
{%- endmacro %}
