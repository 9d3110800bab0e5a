with sector_returns as (

  select
    sector_name,
    price_date,
    daily_return
  from {{ ref('int_sector_aggregates') }}

),

index_returns as (

  select
    symbol,
    price_date,
    {{ calculate_daily_return('adjusted_close') }} as daily_return
  from {{ ref('stg_market_indices') }}

),

oil_prices as (

  select
    series_id as symbol,
    observation_date as price_date,
    observed_value
  from {{ ref('stg_macro_series') }}
  where series_id = 'DCOILWTICO'

),

oil_returns as (

  select
    symbol,
    price_date,
    {{ calculate_daily_return('observed_value') }} as daily_return
  from oil_prices

),

counterparts as (

  select 'sector' as counterpart_kind, sector_name as counterpart, price_date, daily_return
  from sector_returns

  union all

  select 'index' as counterpart_kind, symbol as counterpart, price_date, daily_return
  from index_returns

  union all

  select 'commodity' as counterpart_kind, symbol as counterpart, price_date, daily_return
  from oil_returns

),

pairs as (

  -- A pair of sectors is taken once, in alphabetical order.
  select
    sector_returns.sector_name,
    counterparts.counterpart_kind,
    counterparts.counterpart,
    cast(extract(year from sector_returns.price_date) as integer) as price_year,
    sector_returns.daily_return as sector_return,
    counterparts.daily_return as counterpart_return
  from sector_returns
  inner join counterparts
    on counterparts.price_date = sector_returns.price_date
  where counterparts.daily_return is not null
    and (counterparts.counterpart_kind <> 'sector' or sector_returns.sector_name < counterparts.counterpart)

)

select
  sector_name,
  counterpart_kind,
  counterpart,
  price_year,
  count(*) as observations,
  cast({{ correlation('sector_return', 'counterpart_return') }} as decimal(12, 6)) as correlation
from pairs
group by sector_name, counterpart_kind, counterpart, price_year
having count(*) >= 20
order by sector_name, counterpart_kind, counterpart, price_year
