select * from {{ ref('a_failure') }}
