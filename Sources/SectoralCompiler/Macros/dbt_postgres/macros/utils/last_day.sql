{% macro postgres__last_day(date, datepart) -%}
  {%- if datepart == 'quarter' -%}
    -- postgres dateadd does not support quarter interval.
    cast(
        {{ dateadd('day', '-1', dateadd('month', '3', date_trunc(datepart, date))) }}
        as date)
  {%- else -%}
    {{ default_last_day(date, datepart) }}
  {%- endif -%}
{%- endmacro %}
