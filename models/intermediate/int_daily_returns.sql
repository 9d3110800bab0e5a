select
  symbol,
  price_date,
  {{ previous_value('price_date') }} as previous_price_date,
  close_price,
  adjusted_close,
  {{ previous_value('adjusted_close') }} as previous_adjusted_close,
  volume,
  {{ calculate_daily_return('adjusted_close') }} as daily_return
from {{ ref('stg_stock_prices') }}
