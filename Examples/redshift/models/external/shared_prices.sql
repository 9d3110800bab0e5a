-- A data share of another cluster is a database here: its tables have names of three parts.
select symbol, price from {{ source('market_share', 'prices') }}
