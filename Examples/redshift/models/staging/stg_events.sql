select event_id, user_id, kind, amount, happened_at, trunc(happened_at) as happened_on
from {{ ref('raw_events') }}
where happened_at < dateadd(day, 1, cast('{{ var("until") }}' as date))
