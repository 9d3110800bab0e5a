{{ config(dist='country', sort=['country'], auto_refresh=true, backup=false) }}
select users.country, sum(orders.amount) as spent
from {{ ref('orders_by_user') }} as orders
join {{ ref('users_everywhere') }} as users on users.user_id = orders.user_id
group by users.country
