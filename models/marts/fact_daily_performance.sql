with daily_returns as (

  select * from {{ ref('int_daily_returns') }}

),

measured as (

  select
    symbol,
    price_date,
    close_price,
    daily_return,
    {{ calculate_volatility('adjusted_close', 30) }} as volatility_30d,
    {{ calculate_cumulative_return('adjusted_close') }} as cumulative_return
  from daily_returns

)

select
  measured.symbol,
  sectors.sector_name,
  measured.price_date,
  measured.close_price,
  measured.daily_return,
  measured.volatility_30d,
  measured.cumulative_return
from measured
inner join {{ ref('dim_sectors') }} as sectors
  on sectors.symbol = measured.symbol
