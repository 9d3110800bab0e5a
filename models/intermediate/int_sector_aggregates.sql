select
  sectors.sector_name,
  daily_returns.price_date,
  min(daily_returns.previous_price_date) as previous_price_date,
  count(*) as symbols,
  avg(daily_returns.daily_return) as daily_return,
  sum(daily_returns.close_price * daily_returns.volume) as traded_value
from {{ ref('int_daily_returns') }} as daily_returns
inner join {{ ref('dim_sectors') }} as sectors
  on sectors.symbol = daily_returns.symbol
where daily_returns.daily_return is not null
group by sectors.sector_name, daily_returns.price_date
