select kind, count(*) as events from {{ ref('events_even') }} group by kind
