{% macro postgres__datediff(first_date, second_date, datepart) -%}
  {#- unit: [the unit it is counted from, how many of it that unit holds, how its own part is read] -#}
  {%- set finer = {
    'quarter': ['year', 4, "date_part('quarter', ({})::date)"],
    'month': ['year', 12, "date_part('month', ({})::date)"],
    'hour': ['day', 24, "date_part('hour', ({})::timestamp)"],
    'minute': ['hour', 60, "date_part('minute', ({})::timestamp)"],
    'second': ['minute', 60, "floor(date_part('second', ({})::timestamp))"],
    'millisecond': ['minute', 60000, "floor(date_part('millisecond', ({})::timestamp))"],
    'microsecond': ['minute', 60000000, "floor(date_part('microsecond', ({})::timestamp))"]
  } -%}
  {% if datepart == 'year' %}
        (date_part('year', ({{ second_date }})::date) - date_part('year', ({{ first_date }})::date))
    {% elif datepart == 'day' %}
        (({{ second_date }})::date - ({{ first_date }})::date)
    {% elif datepart == 'week' %}
        ({{ datediff(first_date, second_date, 'day') }} / 7 + case
            when date_part('dow', ({{ first_date }})::timestamp) <= date_part('dow', ({{ second_date }})::timestamp) then
                case when {{ first_date }} <= {{ second_date }} then 0 else -1 end
            else
                case when {{ first_date }} <= {{ second_date }} then 1 else 0 end
        end)
    {% elif datepart in finer %}
      {%- set whole, factor, part = finer[datepart] %}
        ({{ datediff(first_date, second_date, whole) }} * {{ factor }} + {{ part.format(second_date) }} - {{ part.format(first_date) }})
    {% else %}
      {%- do exceptions.raise_compiler_error(
        'Unsupported datepart for macro datediff in postgres: {!r}'.format(datepart)) -%}
    {% endif %}
{%- endmacro %}
