{% macro redshift__scalar_function_create_replace_signature_sql(target_relation) -%}
  CREATE OR REPLACE FUNCTION {{ target_relation.render() }} ({{ formatted_scalar_function_args_sql() }})
  RETURNS {{ model.returns.data_type }}
  {{ scalar_function_volatility_sql() }}
  AS
{%- endmacro %}

{% macro redshift__formatted_scalar_function_args_sql() -%}
  {#- arguments have no names in a SQL function: its body calls them $1, $2 -#}
  {{ model.arguments | map(attribute='data_type') | join(', ') }}
{%- endmacro %}

{% macro redshift__scalar_function_volatility_sql() -%}
  {%- set volatility = model.config.get('volatility') -%}
  {%- set words = {'deterministic': 'IMMUTABLE', 'stable': 'STABLE', 'non-deterministic': 'VOLATILE'} -%}
  {%- if volatility in words -%}
    {{ words[volatility] }}
  {%- else -%}
    {#- Redshift does not do without -#}
    {%- if volatility is not none and volatility is defined -%}
      {%- do unsupported_volatility_warning(volatility) -%}
    {%- endif -%}
    VOLATILE
  {%- endif -%}
{%- endmacro %}
