{{ config(
  incremental_strategy='microbatch', event_time='happened_at', batch_size='year', begin='2024-01-01', lookback=1
) }}
select event_id, kind, happened_at from {{ ref('stg_events') }}
