{{ config(dist='even', sort_type='interleaved', sort=['user_id', 'kind']) }}
select event_id, user_id, kind, happened_at from {{ ref('stg_events') }}
