select
  id as customer_id,
  given_name,
  family_name
from {{ ref('raw_customers') }}
