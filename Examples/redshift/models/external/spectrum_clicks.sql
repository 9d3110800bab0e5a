-- Spectrum reads the files in S3; only a late-binding view may stand on them.
select clicked_at, page from {{ source('lake', 'clicks') }}
