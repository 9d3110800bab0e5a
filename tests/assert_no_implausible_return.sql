-- More than a quarter gained or lost in a day is rare, and more often a missed split than news. The
-- sample holds one that is real: AAPL fell by half on 2000-09-29, after a profit warning.
{{ config(severity='warn', warn_if='> 1') }}

select symbol, price_date, close_price, daily_return
from {{ ref('fact_daily_performance') }}
where abs(daily_return) > 0.25
