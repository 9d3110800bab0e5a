{%- set payment_methods = ['card', 'bank_transfer', 'voucher', 'gift_card'] -%}

with order_payments as (

  select
    order_id,
    {% for method in payment_methods -%}
    sum(case when payment_method = '{{ method }}' then amount else 0 end) as {{ method }}_amount,
    {% endfor -%}
    sum(amount) as total_amount
  from {{ ref('stg_payments') }}
  group by order_id

)

select
  orders.order_id,
  orders.customer_id,
  orders.order_date,
  orders.order_status,
  {%- for method in payment_methods %}
  coalesce(order_payments.{{ method }}_amount, 0) as {{ method }}_amount,
  {%- endfor %}
  coalesce(order_payments.total_amount, 0) as total_amount
from {{ ref('stg_orders') }} as orders
left join order_payments
  on order_payments.order_id = orders.order_id
