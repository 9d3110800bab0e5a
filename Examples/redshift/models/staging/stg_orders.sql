-- A late-binding view on a late-binding view.
select event_id as order_id, user_id, amount, happened_at, happened_on
from {{ ref('stg_events') }}
where kind = 'order'
