select
  users.user_id,
  cast(users.name as varchar(60)) as name,
  cast(count(orders.order_id) as integer) as orders,
  cast(coalesce(sum(orders.amount), 0) as numeric(12, 2)) as spent
from {{ ref('users_everywhere') }} as users
left join {{ ref('orders_by_user') }} as orders on orders.user_id = users.user_id
group by 1, 2
