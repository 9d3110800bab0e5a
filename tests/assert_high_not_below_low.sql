-- A day's highest price is no lower than its lowest, and it opened and closed between the two.
select symbol, price_date, open_price, high_price, low_price, close_price
from {{ ref('stg_stock_prices') }}
where high_price < low_price
  or open_price not between low_price and high_price
  or close_price not between low_price and high_price
