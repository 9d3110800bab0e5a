{{ config(dist='auto', sort='auto') }}
select kind, count(*) as events from {{ ref('stg_events') }} group by kind
