with sector_returns as (

  select
    sector_name,
    cast(extract(year from price_date) as integer) as price_year,
    price_date,
    previous_price_date,
    symbols,
    daily_return,
    exp(sum(ln(1 + daily_return)) over (
      partition by sector_name, cast(extract(year from price_date) as integer) order by price_date
      rows between unbounded preceding and current row
    )) as growth
  from {{ ref('int_sector_aggregates') }}

),

drawdowns as (

  -- The year starts at a growth of 1, which is a peak like any other.
  select
    sector_name,
    price_year,
    price_date,
    previous_price_date,
    symbols,
    daily_return,
    growth / greatest(1, max(growth) over (
      partition by sector_name, price_year order by price_date
      rows between unbounded preceding and current row
    )) - 1 as drawdown
  from sector_returns

),

benchmark_returns as (

  select
    price_date,
    {{ calculate_daily_return('adjusted_close') }} as daily_return
  from {{ ref('stg_market_indices') }}
  where symbol = '{{ var("benchmark_symbol") }}'

),

consumer_prices as (

  select
    observation_date,
    observed_value
  from {{ ref('stg_macro_series') }}
  where series_id = 'CPILFESL'

),

by_year as (

  select
    drawdowns.sector_name,
    drawdowns.price_year,
    max(drawdowns.symbols) as symbols,
    count(*) as trading_days,
    min(drawdowns.previous_price_date) as base_date,
    max(drawdowns.price_date) as last_price_date,
    {{ compounded_return('drawdowns.daily_return') }} as total_return,
    {{ compounded_return('benchmark_returns.daily_return') }} as benchmark_return,
    {{ annualised_volatility('drawdowns.daily_return') }} as annualised_volatility,
    {{ maximum_drawdown('drawdowns.drawdown') }} as max_drawdown,
    max(drawdowns.daily_return) as best_day_return,
    min(drawdowns.daily_return) as worst_day_return
  from drawdowns
  left join benchmark_returns
    on benchmark_returns.price_date = drawdowns.price_date
  group by drawdowns.sector_name, drawdowns.price_year

)

select
  by_year.sector_name,
  by_year.price_year,
  by_year.symbols,
  by_year.trading_days,
  by_year.base_date,
  by_year.last_price_date,
  cast(by_year.total_return as decimal(12, 6)) as total_return,
  cast(by_year.benchmark_return as decimal(12, 6)) as benchmark_return,
  cast(by_year.total_return - by_year.benchmark_return as decimal(12, 6)) as excess_return,
  cast(
    (1 + by_year.total_return)
      * cast(base_prices.observed_value as double precision)
      / cast(last_prices.observed_value as double precision) - 1
    as decimal(12, 6)
  ) as real_return,
  cast(by_year.annualised_volatility as decimal(12, 6)) as annualised_volatility,
  cast(by_year.max_drawdown as decimal(12, 6)) as max_drawdown,
  cast(by_year.best_day_return as decimal(12, 6)) as best_day_return,
  cast(by_year.worst_day_return as decimal(12, 6)) as worst_day_return
from by_year
left join consumer_prices as base_prices
  on base_prices.observation_date = cast(date_trunc('month', by_year.base_date) as date)
left join consumer_prices as last_prices
  on last_prices.observation_date = cast(date_trunc('month', by_year.last_price_date) as date)
order by by_year.sector_name, by_year.price_year
