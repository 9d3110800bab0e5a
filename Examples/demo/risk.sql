select
  symbol,
  annualised_volatility as volatility,
  max_drawdown,
  sharpe_ratio,
  beta,
  value_at_risk_95
from {{ ref('risk_metrics') }}
order by symbol
