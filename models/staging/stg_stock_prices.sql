{% if var('load_sample_data', true) %}
-- The source is what this seed makes; saying so lets `build` load it first.
-- depends_on: {{ ref('stock_prices') }}
{% endif %}

with source as (

  select * from {{ source('raw', 'stock_prices') }}

),

typed as (

  select
    symbol,
    cast(date as date) as price_date,
    cast(open_price as decimal(10, 2)) as open_price,
    cast(high_price as decimal(10, 2)) as high_price,
    cast(low_price as decimal(10, 2)) as low_price,
    cast(close_price as decimal(10, 2)) as close_price,
    cast(adjusted_close as decimal(18, 8)) as adjusted_close,
    cast(volume as bigint) as volume,
    cast(created_at as timestamp) as ingestion_timestamp
  from source

)

select * from typed
where close_price > 0
  and volume > 0
  and price_date >= cast('{{ var("start_date") }}' as date)
