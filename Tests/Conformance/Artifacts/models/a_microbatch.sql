{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', event_time='at',
  batch_size='year', begin='2024-01-01') }}
select *, {{ '1' if var('works', false) else '1 / (amount - 20)' }} as quotient from {{ ref('orders') }}
