select user_id, name, country, changed_at
from {{ ref('raw_users') }}
