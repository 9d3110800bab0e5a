{{ config(incremental_strategy='append') }}
select event_id, kind, happened_at from {{ ref('stg_events') }}
{% if is_incremental() %}
where happened_at > (select max(happened_at) from {{ this }})
{% endif %}
