-- The tables hold what the views show.
select 1 as wrong
where (select count(*) from {{ ref('orders_by_user') }}) <> (select count(*) from {{ ref('stg_orders') }})
  or (select sum({{ function('cents') }}(amount)) from {{ ref('orders_replaced') }})
    <> (select sum({{ function('cents') }}(amount)) from {{ ref('stg_orders') }})
