{% if var('load_sample_data', true) %}
-- The source is what this seed makes; saying so lets `build` load it first.
-- depends_on: {{ ref('macro_series') }}
{% endif %}

with source as (

  select * from {{ source('raw', 'macro_series') }}

),

typed as (

  select
    series_id,
    cast(date as date) as observation_date,
    cast(value as decimal(18, 6)) as observed_value,
    cast(created_at as timestamp) as ingestion_timestamp
  from source

)

select * from typed
where observed_value is not null
  and observation_date >= cast('{{ var("start_date") }}' as date)
