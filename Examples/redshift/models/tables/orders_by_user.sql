{{ config(dist='user_id', sort=['happened_on', 'order_id'], backup=false) }}
select order_id, user_id, amount, happened_on from {{ ref('stg_orders') }}
