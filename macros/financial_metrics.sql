{#
  Measures of return and risk, as SQL expressions that Postgres and Redshift both take. Redshift has
  neither corr nor covar_pop nor regr_slope, so these are spelt out in averages.

  Those that say "window" stand beside other columns and need the columns symbol and price_date; the
  others are aggregates over the rows of a group. Returns are fractions: 0.01 is one per cent.
#}

{# Window: the growth of a price since the symbol's first day. #}
{% macro calculate_cumulative_return(price_column) -%}
  cast({{ price_column }} as double precision)
    / nullif(cast(first_value({{ price_column }}) over (
        partition by symbol order by price_date
        rows between unbounded preceding and current row
      ) as double precision), 0) - 1
{%- endmacro %}


{# Window: how far a price lies below its highest so far; 0 on a day of a new high. #}
{% macro calculate_drawdown(price_column) -%}
  cast({{ price_column }} as double precision)
    / nullif(cast(max({{ price_column }}) over (
        partition by symbol order by price_date
        rows between unbounded preceding and current row
      ) as double precision), 0) - 1
{%- endmacro %}


{# Aggregate: the deepest of the drawdowns, a number from -1 to 0. #}
{% macro maximum_drawdown(drawdown_column) -%}
  min({{ drawdown_column }})
{%- endmacro %}


{# Aggregate: daily returns compounded. #}
{% macro compounded_return(return_column) -%}
  exp(sum(ln(1 + {{ return_column }}))) - 1
{%- endmacro %}


{# Aggregate: the sample standard deviation of daily returns, scaled to a year. #}
{% macro annualised_volatility(return_column) -%}
  stddev_samp({{ return_column }}) * sqrt({{ var('trading_days_per_year') }})
{%- endmacro %}


{# Aggregate: mean return above the risk-free rate (a year's, as a fraction) per unit of volatility. #}
{% macro sharpe_ratio(return_column, risk_free_rate) -%}
  (avg({{ return_column }}) - cast({{ risk_free_rate }} as double precision) / {{ var('trading_days_per_year') }})
    / nullif(stddev_samp({{ return_column }}), 0) * sqrt({{ var('trading_days_per_year') }})
{%- endmacro %}


{# Aggregate: covariance over rows where both returns are known (the caller's filter). #}
{% macro covariance(first_column, second_column) -%}
  (avg({{ first_column }} * {{ second_column }}) - avg({{ first_column }}) * avg({{ second_column }}))
{%- endmacro %}


{# Aggregate: how much the first return moves with each unit of the benchmark's. #}
{% macro beta(return_column, benchmark_column) -%}
  {{ covariance(return_column, benchmark_column) }}
    / nullif({{ covariance(benchmark_column, benchmark_column) }}, 0)
{%- endmacro %}


{# Aggregate: Pearson's correlation. #}
{% macro correlation(first_column, second_column) -%}
  {{ covariance(first_column, second_column) }}
    / nullif(stddev_pop({{ first_column }}) * stddev_pop({{ second_column }}), 0)
{%- endmacro %}


{# Aggregate: the one-day loss that was exceeded on (1 - confidence) of the days, as a positive number. #}
{% macro value_at_risk(return_column, confidence) -%}
  -1 * percentile_cont({{ (1 - confidence) | round(4) }}) within group (order by {{ return_column }})
{%- endmacro %}
