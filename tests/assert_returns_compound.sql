-- Daily returns compounded give the cumulative return of the last day: no day is lost or doubled.
with compounded as (

  select
    symbol,
    max(price_date) as last_price_date,
    {{ compounded_return('daily_return') }} as compounded_return
  from {{ ref('fact_daily_performance') }}
  group by symbol

)

select
  compounded.symbol,
  compounded.compounded_return,
  performance.cumulative_return
from compounded
inner join {{ ref('fact_daily_performance') }} as performance
  on performance.symbol = compounded.symbol
  and performance.price_date = compounded.last_price_date
where abs(compounded.compounded_return - performance.cumulative_return)
  > 0.000000001 * (1 + performance.cumulative_return)
