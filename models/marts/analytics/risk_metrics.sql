with daily_returns as (

  select
    symbol,
    price_date,
    daily_return,
    {{ calculate_drawdown('adjusted_close') }} as drawdown
  from {{ ref('int_daily_returns') }}

),

benchmark_returns as (

  select
    price_date,
    {{ calculate_daily_return('adjusted_close') }} as daily_return
  from {{ ref('stg_market_indices') }}
  where symbol = '{{ var("benchmark_symbol") }}'

),

own_risk as (

  select
    symbol,
    count(daily_return) as observations,
    min(price_date) as first_price_date,
    max(price_date) as last_price_date,
    {{ annualised_volatility('daily_return') }} as annualised_volatility,
    {{ maximum_drawdown('drawdown') }} as max_drawdown,
    {{ sharpe_ratio('daily_return', var('risk_free_rate')) }} as sharpe_ratio
  from daily_returns
  group by symbol

),

tail_risk as (

  select
    symbol,
    {{ value_at_risk('daily_return', 0.95) }} as value_at_risk_95
  from daily_returns
  where daily_return is not null
  group by symbol

),

market_risk as (

  select
    daily_returns.symbol,
    {{ beta('daily_returns.daily_return', 'benchmark_returns.daily_return') }} as beta
  from daily_returns
  inner join benchmark_returns
    on benchmark_returns.price_date = daily_returns.price_date
  where daily_returns.daily_return is not null
    and benchmark_returns.daily_return is not null
  group by daily_returns.symbol

)

select
  own_risk.symbol,
  sectors.sector_name,
  own_risk.observations,
  own_risk.first_price_date,
  own_risk.last_price_date,
  cast(own_risk.annualised_volatility as decimal(12, 6)) as annualised_volatility,
  cast(own_risk.max_drawdown as decimal(12, 6)) as max_drawdown,
  cast(own_risk.sharpe_ratio as decimal(12, 6)) as sharpe_ratio,
  cast(market_risk.beta as decimal(12, 6)) as beta,
  cast(tail_risk.value_at_risk_95 as decimal(12, 6)) as value_at_risk_95
from own_risk
inner join {{ ref('dim_sectors') }} as sectors
  on sectors.symbol = own_risk.symbol
left join market_risk
  on market_risk.symbol = own_risk.symbol
left join tail_risk
  on tail_risk.symbol = own_risk.symbol
order by own_risk.symbol
