-- What was paid in all is the same before and after the joins.
select payments.amount as paid, orders.amount as in_orders
from (select sum(amount) as amount from {{ ref('stg_payments') }}) as payments
cross join (select sum(total_amount) as amount from {{ ref('orders') }}) as orders
where payments.amount <> orders.amount
