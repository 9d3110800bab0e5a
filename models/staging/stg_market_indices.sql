{% if var('load_sample_data', true) %}
-- The source is what this seed makes; saying so lets `build` load it first.
-- depends_on: {{ ref('market_indices') }}
{% endif %}

with source as (

  select * from {{ source('raw', 'market_indices') }}

),

typed as (

  -- "open" is a reserved word of Redshift, hence the quotes.
  select
    index_symbol as symbol,
    cast(date as date) as price_date,
    cast("open" as decimal(10, 2)) as open_price,
    cast(high as decimal(10, 2)) as high_price,
    cast(low as decimal(10, 2)) as low_price,
    cast("close" as decimal(10, 2)) as close_price,
    cast(adjusted_close as decimal(18, 8)) as adjusted_close,
    cast(volume as bigint) as volume,
    cast(created_at as timestamp) as ingestion_timestamp
  from source

)

select * from typed
where close_price > 0
  and price_date >= cast('{{ var("start_date") }}' as date)
