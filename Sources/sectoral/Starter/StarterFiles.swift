/// The files of a new project: a shop's customers and orders, from CSV to a tested table.
enum StarterFiles {
  static func all(project: String) -> [(path: String, text: String)] {
    [
      ("dbt_project.yml", projectFile(project)),
      ("README.md", readme(project)),
      (".gitignore", "target/\nlogs/\ndbt_packages/\n"),
      ("seeds/raw_customers.csv", customers),
      ("seeds/raw_orders.csv", orders),
      ("seeds/seeds.yml", seedProperties),
      ("models/staging/stg_customers.sql", stagingCustomers),
      ("models/staging/stg_orders.sql", stagingOrders),
      ("models/staging/staging.yml", stagingProperties),
      ("models/customer_orders.sql", customerOrders),
      ("models/models.yml", modelProperties),
      ("tests/no_negative_amounts.sql", singularTest),
      ("macros/cents_to_units.sql", macro),
    ]
  }

  private static func projectFile(_ name: String) -> String {
    """
    name: \(name)
    version: "1.0.0"

    # The connection: a profile of this name in profiles.yml, here or in ~/.dbt.
    # As long as there is none, a private Postgres server is used.
    profile: \(name)

    models:
      \(name):
        +materialized: table
        staging:
          +materialized: view

    clean-targets: [target, dbt_packages]

    """
  }

  private static func readme(_ name: String) -> String {
    """
    # \(name)

        sectoral build                           # load seeds, build models, run tests
        sectoral show --select customer_orders   # look at a result
        sectoral ls                              # what there is
        sectoral db psql                         # the database by hand

    - `seeds/` holds CSV files that become tables,
    - `models/staging/` renames and types them (views),
    - `models/` holds what people ask for (tables),
    - `tests/` holds queries that must return no rows.

    ## Another database

    Write a `profiles.yml` here or in `~/.dbt`; keep secrets in environment variables:

        \(name):
          target: dev
          outputs:
            dev:
              type: postgres
              host: localhost
              port: 5432
              user: "{{ env_var('PGUSER') }}"
              password: "{{ env_var('DBT_ENV_SECRET_PGPASSWORD') }}"
              dbname: analytics
              schema: \(name)
              threads: 4

    `sectoral debug` then says whether it works.

    """
  }

  private static let customers = """
    id,first_name,last_name,signed_up_on
    1,Ada,Osei,2024-01-04
    2,Bruno,Lindqvist,2024-01-19
    3,Chiara,Nakamura,2024-02-02
    4,Dmitri,Farouk,2024-02-27
    5,Elena,Mbeki,2024-03-11

    """

  private static let orders = """
    id,customer_id,ordered_on,amount_cents,status
    1,1,2024-02-01,2450,completed
    2,1,2024-02-15,1200,completed
    3,2,2024-02-20,990,returned
    4,3,2024-03-01,15800,completed
    5,3,2024-03-09,4000,completed
    6,4,2024-03-10,700,placed
    7,1,2024-03-18,3300,placed

    """

  private static let seedProperties = """
    seeds:
      - name: raw_customers
        config:
          column_types: {signed_up_on: date}
      - name: raw_orders
        config:
          column_types: {ordered_on: date}

    """

  private static let stagingCustomers = """
    select
        id as customer_id,
        first_name || ' ' || last_name as customer_name,
        signed_up_on
    from {{ ref('raw_customers') }}

    """

  private static let stagingOrders = """
    select
        id as order_id,
        customer_id,
        ordered_on,
        {{ cents_to_units('amount_cents') }} as amount,
        status
    from {{ ref('raw_orders') }}

    """

  private static let stagingProperties = """
    models:
      - name: stg_customers
        description: One row per customer.
        columns:
          - name: customer_id
            data_tests: [unique, not_null]
      - name: stg_orders
        description: One row per order, amounts in currency units.
        columns:
          - name: order_id
            data_tests: [unique, not_null]
          - name: customer_id
            data_tests:
              - relationships:
                  arguments: {to: ref('stg_customers'), field: customer_id}
          - name: status
            data_tests:
              - accepted_values:
                  arguments: {values: [placed, completed, returned]}

    """

  private static let customerOrders = """
    with orders as (

        select
            customer_id,
            count(*) as order_count,
            sum(amount) as total_amount,
            min(ordered_on) as first_ordered_on,
            max(ordered_on) as last_ordered_on
        from {{ ref('stg_orders') }}
        where status <> 'returned'
        group by customer_id

    )

    select
        customers.customer_id,
        customers.customer_name,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.total_amount, 0) as total_amount,
        orders.first_ordered_on,
        orders.last_ordered_on
    from {{ ref('stg_customers') }} as customers
    left join orders on orders.customer_id = customers.customer_id

    """

  private static let modelProperties = """
    models:
      - name: customer_orders
        description: What each customer ordered, returned orders left out.
        columns:
          - name: customer_id
            data_tests: [unique, not_null]
          - name: total_amount
            description: In currency units.
            data_tests: [not_null]

    """

  private static let singularTest = """
    -- Fails with the orders that cost less than nothing.
    select order_id, amount
    from {{ ref('stg_orders') }}
    where amount < 0

    """

  private static let macro = """
    {% macro cents_to_units(column) -%}
        round({{ column }} / 100.0, 2)
    {%- endmacro %}

    """
}
