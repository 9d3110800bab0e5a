{{ config(dist='all', sort='user_id') }}
select user_id, name, country from {{ ref('stg_users') }}
