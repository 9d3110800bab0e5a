{{ config(materialized='table') }}
select id, customer::text as customer from {{ ref('orders') }}
