{{ config(bind=true) }}
select user_id, name from {{ ref('raw_users') }}
