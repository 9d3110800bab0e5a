select {{ 'id' if var('works', false) else 'nothing_of_that_name' }} as id from {{ ref('orders') }}
