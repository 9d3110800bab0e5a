with order_history as (

  select
    customer_id,
    min(order_date) as first_order_date,
    max(order_date) as latest_order_date,
    count(*) as order_count,
    sum(total_amount) as lifetime_value
  from {{ ref('orders') }}
  group by customer_id

)

select
  customers.customer_id,
  customers.given_name,
  customers.family_name,
  order_history.first_order_date,
  order_history.latest_order_date,
  coalesce(order_history.order_count, 0) as order_count,
  coalesce(order_history.lifetime_value, 0) as lifetime_value
from {{ ref('stg_customers') }} as customers
left join order_history
  on order_history.customer_id = customers.customer_id
