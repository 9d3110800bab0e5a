with priced as (

  select
    symbol,
    min(price_date) as first_price_date,
    max(price_date) as last_price_date
  from {{ ref('stg_stock_prices') }}
  group by symbol

)

select
  sectors.symbol,
  sectors.company_name,
  sectors.sector_name,
  priced.first_price_date,
  priced.last_price_date
from {{ ref('sectors') }} as sectors
left join priced
  on priced.symbol = sectors.symbol
