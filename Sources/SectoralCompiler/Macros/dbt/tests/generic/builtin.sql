{% test unique(model, column_name) %}
    {% set query = adapter.dispatch('test_unique', 'dbt') %}
    {{ query(model, column_name) }}
{% endtest %}

{% test not_null(model, column_name) %}
    {% set query = adapter.dispatch('test_not_null', 'dbt') %}
    {{ query(model, column_name) }}
{% endtest %}

{% test accepted_values(model, column_name, values, quote=True) %}
    {% set query = adapter.dispatch('test_accepted_values', 'dbt') %}
    {{ query(model, column_name, values, quote) }}
{% endtest %}

{% test relationships(model, column_name, to, field) %}
    {% set query = adapter.dispatch('test_relationships', 'dbt') %}
    {{ query(model, column_name, to, field) }}
{% endtest %}
