{{ config(materialized='ephemeral') }}
select id, customer from {{ ref('a_view') }}
