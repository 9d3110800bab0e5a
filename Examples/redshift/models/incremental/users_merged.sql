{{ config(incremental_strategy='merge', unique_key='user_id', on_schema_change='sync_all_columns') }}
select user_id, count(*) as events, max(happened_at) as last_seen
{%- if var('with_kinds', false) %}, count(distinct kind) as kinds{% endif %}
from {{ ref('stg_events') }}
group by user_id
