select
  sector_name,
  price_year,
  total_return,
  benchmark_return,
  real_return,
  max_drawdown
from {{ ref('sector_performance_summary') }}
order by sector_name, price_year
