-- Every day but a symbol's first has a return, and the first has none.
select
  performance.symbol,
  performance.price_date,
  performance.daily_return
from {{ ref('fact_daily_performance') }} as performance
inner join {{ ref('dim_sectors') }} as sectors
  on sectors.symbol = performance.symbol
where (performance.daily_return is null and performance.price_date <> sectors.first_price_date)
  or (performance.daily_return is not null and performance.price_date = sectors.first_price_date)
