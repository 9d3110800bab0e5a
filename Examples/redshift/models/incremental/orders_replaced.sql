{{ config(incremental_strategy='delete+insert', unique_key='order_id', dist='user_id', sort='happened_at') }}
select order_id, user_id, amount, happened_at from {{ ref('stg_orders') }}
