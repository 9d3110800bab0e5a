-- Neither the raw prices nor those of the indices hold a symbol twice on one day.
{% if var('load_sample_data', true) %}
-- The sources are what these seeds make; saying so lets `build` load them first.
-- depends_on: {{ ref('stock_prices') }}
-- depends_on: {{ ref('market_indices') }}
{% endif %}

select 'stock_prices' as table_name, symbol, date as price_date, count(*) as occurrences
from {{ source('raw', 'stock_prices') }}
group by symbol, date
having count(*) > 1

union all

select 'market_indices' as table_name, index_symbol as symbol, date as price_date, count(*) as occurrences
from {{ source('raw', 'market_indices') }}
group by index_symbol, date
having count(*) > 1
