#!/usr/bin/env python3
"""Records what dbt-core's `state:` selects, for StateConformanceTests.

Writes a project with every kind of resource, lets dbt-core 1.11 (imported, so run this with its
Python) write its manifest, and then for each of the edits below parses the edited project and lists
it with each of the selectors against that manifest. Rewrites state.json beside this script: the
files of the project, the manifest of each starting point without the built-in macros, and for each
edit the changed files and the lines, warnings, or error of each selector.
"""
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

PROJECT = {
    "dbt_project.yml": """
name: lab
version: '1.0'
profile: lab
flags: {send_anonymous_usage_stats: false}
vars: {level: 3, tier: gold, folder: main, unused: 1}
models:
  lab:
    staging: {+tags: [stage], +materialized: view}
    marts: {+materialized: table, +meta: {owner: ann}, +persist_docs: {relation: true, columns: true}}
    rendered: {+schema: "{{ var('folder', 'main') }}", +meta: {tier: "{{ var('tier', 'gold') }}"}}
seeds: {lab: {+quote_columns: false}}
on-run-end: ["select 1"]
""",
    "profiles.yml": """
lab:
  target: t
  outputs:
    t: {type: postgres, host: h, port: 1, user: u, password: p, dbname: d, schema: s, threads: 1}
    other: {type: postgres, host: h, port: 1, user: u, password: p, dbname: d2, schema: s2, threads: 1}
""",
    "seeds/raw_a.csv": "id,name\n1,a\n",
    "seeds/raw_b.csv": "id,a_id\n1,1\n",
    "models/staging/stg_a.sql": "select * from {{ ref('raw_a') }}",
    "models/staging/stg_b.sql": "{{ config(tags=['x'], alias='stage_b') }}\nselect * from {{ ref('raw_b') }} join {{ source('src', 't1') }} using (id)",
    "models/staging/stg_c.sql": "select {{ outer_macro('id') }} from {{ source('src', 't2') }}",
    "models/staging/stg_d.sql": "select {{ other_macro() }} as v, {{ var('level') }} as level",
    "models/rendered/by_var.sql": "{{ config(materialized=var('kind', 'view'), note=var('tier')) }} select 1 as id",
    "models/rendered/by_folder.sql": "select 1 as id",
    "models/by_target.sql": "{{ config(schema=target.name) }} select '{{ var('tier') }}' as tier",
    "models/eph.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('stg_a') }}",
    "models/marts/fct.sql": "{{ config(grants={'select': ['reader']}, group='finance', post_hook='select 1') }} select * from {{ ref('eph') }} join {{ ref('stg_b') }} using (id)",
    "models/marts/dim_v1.sql": "select 1 as id, 'x' as name from {{ ref('stg_a') }}",
    "models/marts/dim_v2.sql": "select 1 as id, 'x' as name from {{ ref('dim', v=1) }}",
    "models/marts/agreed.sql": "select 1 as id, 'x' as name",
    "models/marts/agreed_view.sql": "{{ config(materialized='view') }} select 1 as id, 'x' as name",
    "models/marts/last.sql": "{{ config(materialized='incremental', unique_key='id') }} select * from {{ ref('fct') }} join {{ ref('dim') }} using (id)",
    "models/marts/schema.yml": """
groups: [{name: finance, owner: {name: x}}, {name: other, owner: {name: y}}]
models:
  - name: fct
    description: the facts
    columns:
      - name: id
        description: the key
        data_tests:
          - unique
          - not_null: {config: {severity: warn, tags: [slow]}}
          - relationships: {arguments: {to: ref('stg_a'), field: id}}
  - name: agreed
    config: {contract: {enforced: true}}
    constraints: [{type: check, expression: "id > 0", name: positive}]
    columns:
      - {name: id, data_type: integer, constraints: [{type: not_null}]}
      - {name: name, data_type: varchar(10)}
  - name: agreed_view
    config: {contract: {enforced: true}}
    columns:
      - {name: id, data_type: integer}
      - {name: name, data_type: text}
  - name: dim
    latest_version: 2
    access: public
    config: {contract: {enforced: true}}
    columns: [{name: id, data_type: integer, constraints: [{type: not_null}]}, {name: name, data_type: text}]
    versions: [{v: 1}, {v: 2}]
  - name: last
    data_tests: [{two: {arguments: {other: ref('fct')}}}]
unit_tests:
  - name: ut_last
    model: last
    given: [{input: ref('fct'), rows: [{id: 1}]}, {input: ref('dim'), rows: []}]
    expect: {rows: [{id: 1}]}
  - name: ut_csv
    model: stg_a
    given: [{input: ref('raw_a'), format: csv, fixture: rows_a}]
    expect: {rows: []}
""",
    "tests/fixtures/rows_a.csv": "id,name\n1,a\n",
    "models/staging/staging.yml": """
models:
  - name: stg_a
    description: staged a
    columns:
      - name: id
        description: "{{ doc('the_id') }}"
        data_tests: [unique]
sources:
  - name: src
    description: raw data
    config: {tags: [raw], meta: {owner: me}}
    schema: raw
    tables:
      - name: t1
        loaded_at_field: at
        config: {freshness: {warn_after: {count: 1, period: day}}}
        columns: [{name: id, data_tests: [not_null]}]
      - name: t2
        identifier: table_two
  - name: late
    schema: "{{ var('folder') }}"
    tables: [{name: t1}]
""",
    "models/docs.md": "{% docs the_id %}the key of a{% enddocs %}\n{% docs mart_id %}a key{% enddocs %}",
    "models/more.yml": """
exposures:
  - name: board
    type: dashboard
    label: Board
    owner: {name: a, email: a@b.c}
    depends_on: [ref('fct'), "source('src', 't2')"]
    description: looks
models:
  - name: spine
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
semantic_models:
  - name: sem
    model: ref('fct')
    description: meaning
    defaults: {agg_time_dimension: on_day}
    entities: [{name: id, type: primary}]
    dimensions: [{name: on_day, type: time, type_params: {time_granularity: day}}]
    measures: [{name: total, agg: sum, expr: v}]
metrics:
  - {name: met, label: met, type: simple, type_params: {measure: total}}
saved_queries:
  - name: sq
    query_params: {metrics: [met]}
""",
    "models/spine.sql": "{{ config(materialized='table') }} select 1 as day",
    "functions/f.sql": "select 1",
    "functions/f.yml": "functions: [{name: f, returns: {data_type: int}, arguments: [{name: x, data_type: int}]}]\n",
    "snapshots/old.sql": "{% snapshot snap_old %}{{ config(target_schema='x', unique_key='id', strategy='check', check_cols='all') }} select * from {{ ref('stg_a') }}{% endsnapshot %}",
    "snapshots/new.yml": "snapshots: [{name: snap_new, relation: ref('fct'), config: {unique_key: id, strategy: check, check_cols: all}}]\n",
    "analyses/an.sql": "select * from {{ ref('fct') }}",
    "tests/single.sql": "select * from {{ ref('stg_a') }} join {{ ref('stg_b') }} using (id) where false",
    "macros/two.sql": "{% test two(model, other) %} select * from {{ model }} join {{ other }} using (id) {% endtest %}",
    "macros/all.sql": "{% macro outer_macro(x) %}{{ inner_macro(x) }}{% endmacro %}\n{% macro inner_macro(x) %}{{ x }}{% endmacro %}\n{% macro other_macro() %}1{% endmacro %}\n{% macro unused_macro() %}1{% endmacro %}",
}

SCHEMA = "models/marts/schema.yml"
STAGING = "models/staging/staging.yml"
MORE = "models/more.yml"
P = "dbt_project.yml"
MACROS = "macros/all.sql"


def edit(name, *changes, base=None, **options):
    """changes: (path, old, new), (path, new text), or (path, None) for a file that goes."""
    return dict(name=name, changes=list(changes), base=base or [], **options)


MORE_UNRENDERED = (P, "usage_stats: false}", "usage_stats: false, state_modified_compare_more_unrendered_values: true}")
COMPARE_VARS = (P, "usage_stats: false}", "usage_stats: false, state_modified_compare_vars: true}")

EDITS = [
    edit("nothing"),
    edit("body", ("models/staging/stg_a.sql", "select *", "select id")),
    edit("body of an ephemeral model", ("models/eph.sql", "select *", "select id")),
    edit("blank at the end", ("models/staging/stg_a.sql", "}}", "}}  ")),
    edit("new model", ("models/staging/stg_new.sql", "select * from {{ ref('stg_a') }}")),
    edit("model renamed", ("models/staging/stg_d.sql", None), ("models/staging/stg_e.sql", "select 1")),
    edit("model moved", ("models/staging/stg_d.sql", None), ("models/stg_d.sql", "select {{ other_macro() }} as v, {{ var('level') }} as level")),
    edit("model gone", ("models/staging/stg_c.sql", None)),
    edit("model disabled", ("models/staging/stg_d.sql", "select", "{{ config(enabled=false) }}select")),
    edit("seed", ("seeds/raw_a.csv", "1,a", "2,b")),
    edit("seed gets a line end", ("seeds/raw_a.csv", "1,a\n", "1,a")),
    edit("config in the file", ("models/staging/stg_b.sql", "tags=['x']", "tags=['x'], full_refresh=true")),
    edit("tags in the file", ("models/staging/stg_b.sql", "tags=['x']", "tags=['y']")),
    edit("tags in the project", (P, "[stage]", "[stage, more]")),
    edit("alias", ("models/staging/stg_b.sql", "stage_b", "stage_bb")),
    edit("schema in the file", ("models/staging/stg_b.sql", "tags=['x']", "tags=['x'], schema='more'")),
    edit("schema in the project", (P, "+materialized: view", "+materialized: view, +schema: more")),
    edit("database in the project", (P, "+materialized: view", "+materialized: view, +database: d")),
    edit("materialized in the project", (P, "+materialized: view", "+materialized: table")),
    edit("meta in the project", (P, "owner: ann", "owner: bob")),
    edit("an unknown config", (P, "+materialized: view", "+materialized: view, +whatever: 1")),
    edit("persist_docs off", (P, ", +persist_docs: {relation: true, columns: true}", "")),
    edit("persist_docs less", (P, "columns: true", "columns: false")),
    edit("description that is not kept", (STAGING, "staged a", "staged")),
    edit("description that is kept", (SCHEMA, "the facts", "facts")),
    edit("column description that is kept", (SCHEMA, "the key", "key")),
    edit("new column with a description", (SCHEMA, "      - name: id\n        description: the key", "      - {name: more, description: x}\n      - name: id\n        description: the key")),
    edit("doc block that is not kept", ("models/docs.md", "the key of a", "the key")),
    edit("grants", ("models/marts/fct.sql", "['reader']", "['reader', 'writer']")),
    edit("group", ("models/marts/fct.sql", "finance", "other")),
    edit("hook", ("models/marts/fct.sql", "select 1", "select 2")),
    edit("access", (SCHEMA, "access: public", "access: protected")),
    edit("latest version", (SCHEMA, "latest_version: 2", "latest_version: 1")),
    edit("deprecation date", (SCHEMA, "  - name: fct\n", "  - name: fct\n    deprecation_date: 2999-01-01\n")),
    edit("new version", (SCHEMA, "[{v: 1}, {v: 2}]", "[{v: 1}, {v: 2}, {v: 3}]"), ("models/marts/dim_v3.sql", "select 1 as id, 'x' as name")),
    edit("version gone", (SCHEMA, "[{v: 1}, {v: 2}]", "[{v: 2}]"), ("models/marts/dim_v1.sql", None), ("models/marts/dim_v2.sql", "select 1 as id, 'x' as name")),
    edit("inner macro", (MACROS, "%}{{ x }}{%", "%}({{ x }}){%")),
    edit("outer macro", (MACROS, "{{ inner_macro(x) }}", "{{ inner_macro(x) }} + 0")),
    edit("plain macro", (MACROS, "other_macro() %}1", "other_macro() %}2")),
    edit("unused macro", (MACROS, "unused_macro() %}1", "unused_macro() %}2")),
    edit("macro added", (MACROS, "{% macro other_macro", "{% macro third() %}{% endmacro %}\n{% macro other_macro")),
    edit("macro of the same text at another place", (MACROS, "{% macro outer_macro", "\n\n{% macro outer_macro")),
    edit("macro replaced by its text", (MACROS, "{{ inner_macro(x) }}", "{{ x }}")),
    edit("override of a built-in", ("macros/gen.sql", "{% macro generate_alias_name(custom_alias_name=none, node=none) %}{{ node.name }}_{{ node.version or 0 }}{% endmacro %}")),
    edit("override of a built-in test", ("macros/gen.sql", "{% test not_null(model, column_name) %}select * from {{ model }} where {{ column_name }} is null{% endtest %}")),
    edit("generic test's macro", ("macros/two.sql", "select *", "select id")),
    edit("generic test's severity", (SCHEMA, "severity: warn", "severity: error")),
    edit("generic test's where", (SCHEMA, "severity: warn", "severity: warn, where: id > 0")),
    edit("generic test's tags", (SCHEMA, "tags: [slow]", "tags: [quick]")),
    edit("generic test's meta", (SCHEMA, "tags: [slow]", "tags: [slow], meta: {a: 1}")),
    edit("generic test's argument", (SCHEMA, "field: id}", "field: name}")),
    edit("generic test added", (STAGING, "data_tests: [unique]", "data_tests: [unique, not_null]")),
    edit("generic tests gone", (STAGING, "        data_tests: [unique]\n", "")),
    edit("singular test", ("tests/single.sql", "select *", "select id")),
    edit("singular test's config", ("tests/single.sql", "select *", "{{ config(severity='warn') }}select *")),
    edit("unit test's rows", (SCHEMA, "rows: [{id: 1}]}, {input: ref('dim')", "rows: [{id: 2}]}, {input: ref('dim')")),
    edit("unit test's expectation", (SCHEMA, "expect: {rows: [{id: 1}]}", "expect: {rows: [{id: 3}]}")),
    edit("unit test's description", (SCHEMA, "    model: stg_a\n", "    model: stg_a\n    description: more\n")),
    edit("unit test's config", (SCHEMA, "    model: stg_a\n", "    model: stg_a\n    config: {tags: t}\n")),
    edit("unit test's overrides", (SCHEMA, "    model: stg_a\n", "    model: stg_a\n    overrides: {vars: {a: 1}}\n")),
    edit("unit test's fixture", ("tests/fixtures/rows_a.csv", "1,a", "2,a")),
    edit("unit test added", (SCHEMA, "unit_tests:\n", "unit_tests:\n  - {name: ut_more, model: stg_a, given: [], expect: {rows: []}}\n")),
    edit("source's schema", (STAGING, "    schema: raw\n", "    schema: raw2\n")),
    edit("source's database", (STAGING, "    schema: raw\n", "    schema: raw\n    database: other\n")),
    edit("source's identifier", (STAGING, "table_two", "table_2")),
    edit("source's description", (STAGING, "raw data", "data")),
    edit("source's tags", (STAGING, "[raw]", "[rawer]")),
    edit("source's meta", (STAGING, "owner: me", "owner: you")),
    edit("source's loader", (STAGING, "    schema: raw\n", "    schema: raw\n    loader: tool\n")),
    edit("source's quoting", (STAGING, "    schema: raw\n", "    schema: raw\n    quoting: {identifier: true}\n")),
    edit("source's freshness", (STAGING, "count: 1", "count: 2")),
    edit("source's loaded_at_field", (STAGING, "loaded_at_field: at", "loaded_at_field: \"at\"\n        loaded_at_query: null")),
    edit("source's other loaded_at_field", (STAGING, "loaded_at_field: at", "loaded_at_field: at2")),
    edit("source's columns", (STAGING, "columns: [{name: id, data_tests: [not_null]}]", "columns: [{name: id, description: x, data_tests: [not_null]}]")),
    edit("source table's description", (STAGING, "      - name: t2\n", "      - name: t2\n        description: more\n")),
    edit("source table's external", (STAGING, "      - name: t2\n", "      - name: t2\n        external: {location: x}\n")),
    edit("source's tables", (STAGING, "[{name: t1}]", "[{name: t1}, {name: t9}]")),
    edit("source disabled", (STAGING, "[{name: t1}]", "[{name: t1, config: {enabled: false}}]")),
    edit("exposure's description", (MORE, "looks", "look")),
    edit("exposure's owner", (MORE, "name: a,", "name: b,")),
    edit("exposure's parents", (MORE, "[ref('fct'), ", "[")),
    edit("exposure's type", (MORE, "dashboard", "notebook")),
    edit("exposure's url", (MORE, "    label: Board", "    label: Board\n    url: https://x.y")),
    edit("exposure's meta", (MORE, "    label: Board", "    label: Board\n    config: {meta: {a: 1}}")),
    edit("exposure's tags", (MORE, "    label: Board", "    label: Board\n    config: {tags: [a]}")),
    edit("metric's label", (MORE, "label: met", "label: Metric")),
    edit("metric's description", (MORE, "label: met", "label: met, description: x")),
    edit("metric's filter", (MORE, "label: met", "label: met, filter: \"{{ Dimension('id__on_day') }} > '2020-01-01'\"")),
    edit("metric's tags", (MORE, "label: met", "label: met, config: {tags: [a]}")),
    edit("semantic model's description", (MORE, "meaning", "mean")),
    edit("semantic model's measure", (MORE, "expr: v", "expr: w")),
    edit("semantic model's label", (MORE, "    description: meaning", "    description: meaning\n    label: x")),
    edit("saved query's label", (MORE, "  - name: sq\n", "  - name: sq\n    label: x\n")),
    edit("saved query's description", (MORE, "  - name: sq\n", "  - name: sq\n    description: x\n")),
    edit("saved query's tags", (MORE, "  - name: sq\n", "  - name: sq\n    config: {tags: [x]}\n")),
    edit("saved query's export", (MORE, "{metrics: [met]}\n", "{metrics: [met]}\n    exports: [{name: e, config: {export_as: table}}]\n")),
    edit("new exposure", (MORE, "exposures:\n", "exposures:\n  - {name: more, type: dashboard, owner: {name: a, email: a@b.c}, depends_on: [\"ref('fct')\"]}\n")),
    edit("new metric", (MORE, "metrics:\n", "metrics:\n  - {name: more, label: met, type: simple, type_params: {measure: total}}\n")),
    edit("new semantic model", (MORE, "semantic_models:\n", "semantic_models:\n  - {name: more, model: ref('dim'), entities: [{name: other, type: primary, expr: id}], dimensions: [{name: name, type: categorical}]}\n")),
    edit("new saved query", (MORE, "saved_queries:\n", "saved_queries:\n  - {name: more, query_params: {metrics: [met]}}\n")),
    edit("new seed", ("seeds/raw_c.csv", "id\n1\n")),
    edit("new snapshot", ("snapshots/more.yml", "snapshots: [{name: snap_more, relation: ref('stg_a'), config: {unique_key: id, strategy: check, check_cols: all}}]\n")),
    edit("new function", ("functions/g.sql", "select 1"), ("functions/g.yml", "functions: [{name: g, returns: {data_type: int}}]\n")),
    edit("new analysis", ("analyses/more.sql", "select 1")),
    edit("new singular test", ("tests/more.sql", "select * from {{ ref('stg_a') }} where false")),
    edit("new contract", (SCHEMA, "  - name: agreed\n", "  - {name: fresh, config: {contract: {enforced: true}}, columns: [{name: id, data_type: int, description: x}]}\n  - name: agreed\n"), ("models/marts/fresh.sql", "select {{ other_macro() }} as id")),
    edit("time spine", (MORE, "columns: [{name: day, granularity: day}]", "columns: [{name: day, granularity: hour}]")),
    edit("function's body", ("functions/f.sql", "1", "2")),
    edit("function's arguments", ("functions/f.yml", "data_type: int}]", "data_type: text}]")),
    edit("function's returns", ("functions/f.yml", "returns: {data_type: int}", "returns: {data_type: text}")),
    edit("snapshot's body", ("snapshots/old.sql", "select *", "select id")),
    edit("snapshot's config", ("snapshots/old.sql", "check_cols='all'", "check_cols=['id']")),
    edit("snapshot's schema", ("snapshots/old.sql", "target_schema='x'", "target_schema='y'")),
    edit("snapshot's relation", ("snapshots/new.yml", "ref('fct')", "ref('stg_a')")),
    edit("snapshot's config in yaml", ("snapshots/new.yml", "check_cols: all", "check_cols: [id]")),
    edit("analysis", ("analyses/an.sql", "select *", "select id")),
    edit("hook of the project", (P, "[\"select 1\"]", "[\"select 2\"]")),
    edit("variable in a body", (P, "level: 3", "level: 4")),
    edit("variable in configs", (P, "tier: gold", "tier: silver")),
    edit("variable in a schema", (P, "folder: main", "folder: side")),
    edit("variable on the command line", vars="{kind: table, folder: side}"),
    edit("other target", target="other"),
    edit("text of a config with the same value", ("models/rendered/by_var.sql", "var('kind', 'view')", "'view'")),
    edit("text of a config in yaml with the same value", (P, "{{ var('tier', 'gold') }}", "gold")),
    # Contracts.
    edit("contract: column's type", (SCHEMA, "data_type: varchar(10)", "data_type: integer")),
    edit("contract: column's length", (SCHEMA, "varchar(10)", "varchar(20)")),
    edit("contract: column's type in capitals", (SCHEMA, "varchar(10)", "VARCHAR(10)")),
    edit("contract: column gone", (SCHEMA, "      - {name: name, data_type: varchar(10)}\n", "")),
    edit("contract: column added", (SCHEMA, "      - {name: name, data_type: varchar(10)}\n", "      - {name: name, data_type: varchar(10)}\n      - {name: more, data_type: int}\n")),
    edit("contract: columns in another order", (SCHEMA, "      - {name: id, data_type: integer, constraints: [{type: not_null}]}\n      - {name: name, data_type: varchar(10)}\n", "      - {name: name, data_type: varchar(10)}\n      - {name: id, data_type: integer, constraints: [{type: not_null}]}\n")),
    edit("contract: column's constraint gone", (SCHEMA, "      - {name: id, data_type: integer, constraints: [{type: not_null}]}", "      - {name: id, data_type: integer}")),
    edit("contract: column's constraint added", (SCHEMA, "data_type: varchar(10)}", "data_type: varchar(10), constraints: [{type: not_null}]}")),
    edit("contract: model's constraint gone", (SCHEMA, "    constraints: [{type: check, expression: \"id > 0\", name: positive}]\n", "")),
    edit("contract: model's constraint changed", (SCHEMA, "id > 0", "id > 1")),
    edit("contract: no longer enforced", (SCHEMA, "    config: {contract: {enforced: true}}\n    constraints", "    constraints")),
    edit("contract: newly enforced", (SCHEMA, "  - name: fct\n", "  - name: fct\n    config: {contract: {enforced: true}}\n"), (SCHEMA, "        description: the key\n", "        description: the key\n        data_type: integer\n")),
    edit("contract: model gone", ("models/marts/agreed.sql", None)),
    edit("contract: model disabled", ("models/marts/agreed.sql", "select 1", "{{ config(enabled=false) }}select 1")),
    edit("contract: becomes a view", ("models/marts/agreed.sql", "select 1", "{{ config(materialized='view') }}select 1")),
    edit("contract: view becomes a table", ("models/marts/agreed_view.sql", "view", "table")),
    edit("contract: view's column gone", (SCHEMA, "      - {name: name, data_type: text}\n", "")),
    edit("contract: version's column's type", (SCHEMA, "{name: name, data_type: text}]", "{name: name, data_type: integer}]")),
    edit("contract: version's column gone", (SCHEMA, ", {name: name, data_type: text}]", "]")),
    edit("contract: version's column added", (SCHEMA, "{name: name, data_type: text}]", "{name: name, data_type: text}, {name: more, data_type: int}]")),
    edit("contract: version's constraint gone", (SCHEMA, ", constraints: [{type: not_null}]}, {name: name", "}, {name: name")),
    edit("contract: version disabled", (SCHEMA, "{v: 1}", "{v: 1, config: {enabled: false}}"), ("models/marts/dim_v2.sql", "select 1 as id, 'x' as name")),
    edit("contract: version no longer enforced", (SCHEMA, "    config: {contract: {enforced: true}}\n    columns: [{", "    columns: [{")),
    # The behaviour flags.
    edit("unrendered: nothing", base=[MORE_UNRENDERED]),
    edit("unrendered: variable in configs", (P, "tier: gold", "tier: silver"), base=[MORE_UNRENDERED]),
    edit("unrendered: variable in a schema", (P, "folder: main", "folder: side"), base=[MORE_UNRENDERED]),
    edit("unrendered: variable on the command line", base=[MORE_UNRENDERED], vars="{kind: table, folder: side}"),
    edit("unrendered: other target", base=[MORE_UNRENDERED], target="other"),
    edit("unrendered: text of a config with the same value", ("models/rendered/by_var.sql", "var('kind', 'view')", "'view'"), base=[MORE_UNRENDERED]),
    edit("unrendered: alias", ("models/staging/stg_b.sql", "stage_b", "stage_bb"), base=[MORE_UNRENDERED]),
    edit("unrendered: hook", ("models/marts/fct.sql", "select 1", "select 2"), base=[MORE_UNRENDERED]),
    edit("unrendered: source's schema", (STAGING, "var('folder')", "var('folder', 'x')"), base=[MORE_UNRENDERED]),
    edit("unrendered: flag is new", MORE_UNRENDERED),
    edit("vars: nothing", base=[COMPARE_VARS]),
    edit("vars: variable in a body", (P, "level: 3", "level: 4"), base=[COMPARE_VARS]),
    edit("vars: variable in configs", (P, "tier: gold", "tier: silver"), base=[COMPARE_VARS]),
    edit("vars: variable in a schema", (P, "folder: main", "folder: side"), base=[COMPARE_VARS]),
    edit("vars: unused variable", (P, "unused: 1", "unused: 2"), base=[COMPARE_VARS]),
    edit("vars: variable on the command line", base=[COMPARE_VARS], vars="{kind: table, level: 9}"),
    edit("vars: variable given another way", (P, "level: 3, ", ""), base=[COMPARE_VARS], vars="{level: 3}"),
]

# Several edits at once, chosen once and for all.
import random

_rng = random.Random(5)
_plain = [e for e in EDITS if not e["base"] and not e["name"].startswith("contract") and len(e) == 3 and e["name"] != "model gone"]
for _number in range(25):
    _parts = _rng.sample(_plain, _rng.choice([2, 3, 4]))
    EDITS.append(edit(f"mixed {_number}: " + "; ".join(p["name"] for p in _parts), *[c for p in _parts for c in p["changes"]], lenient=True))

SELECTORS = [
    "state:new", "state:old", "state:modified", "state:unmodified", "state:modified.body", "state:modified.configs", "state:modified.relation", "state:modified.persisted_descriptions", "state:modified.macros", "state:modified.contract",
]
SHORT = ["state:modified", "state:modified.configs", "state:modified.relation", "state:unmodified"]
# Of the first edit alone: what the methods do with words they do not know.
ODD = ["state:nope", "state:modified.nope", "state:mod*", "state:", "state:modified+", "+state:new"]


def apply(files, changes, lenient=False):
    files = dict(files)
    for change in changes:
        path = change[0]
        if len(change) == 2:
            if change[1] is None:
                files.pop(path, None)
            else:
                files[path] = change[1]
            continue
        if change[1] not in files.get(path, ""):
            if lenient:
                continue
            raise SystemExit(f"{path} does not hold {change[1]!r}")
        files[path] = files[path].replace(change[1], change[2], 1)
    return files


def write(root, files):
    for name in os.listdir(root):
        path = os.path.join(root, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)


NODE_KEYS = {"compiled", "compiled_code", "compiled_path", "build_path", "extra_ctes", "extra_ctes_injected", "created_at", "root_path", "refs", "sources", "metrics", "docs", "doc_blocks", "language", "functions", "checksum_"}


def pruned(manifest):
    for key in ["docs", "parent_map", "child_map", "group_map", "selectors"]:
        manifest[key] = {}
    manifest["macros"] = {k: {f: v[f] for f in ["name", "unique_id", "package_name", "macro_sql", "depends_on", "resource_type"]} for k, v in manifest["macros"].items() if v["package_name"] == "lab"}
    for section in ["nodes", "sources"]:
        for node in manifest[section].values():
            for key in NODE_KEYS:
                if key in node and key != "checksum":
                    del node[key]
    return manifest


def difference(base, manifest):
    """What of a manifest is not as in the base: section to id to resource, or to null where it is gone."""
    found = {}
    for section, resources in manifest.items():
        if section == "metadata":
            continue
        changed = {k: v for k, v in resources.items() if base[section].get(k) != v}
        changed.update({k: None for k in base[section] if k not in resources})
        if changed:
            found[section] = changed
    return found


def main():
    from dbt.cli.main import dbtRunner
    from dbt_common.events.event_manager_client import cleanup_event_logger

    def quiet(runner, args):
        # Every runner adds its callbacks to the others': without this each call is slower.
        cleanup_event_logger()
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            return runner.invoke(args)

    only = sys.argv[1:]
    bases, rows = {}, []
    with tempfile.TemporaryDirectory() as top:
        root, state = os.path.join(top, "p"), os.path.join(top, "s")
        os.mkdir(root)
        os.mkdir(state)
        os.chdir(root)
        where = ["--project-dir", root, "--profiles-dir", root, "--no-partial-parse"]
        for item in EDITS:
            if only and not any(o in item["name"] for o in only):
                continue
            files = apply(PROJECT, item["base"])
            key = json.dumps(item["base"])
            if key not in bases:
                write(root, files)
                parsed = quiet(dbtRunner(), ["parse"] + where)
                assert parsed.success, (item, parsed.exception)
                with open("target/manifest.json") as f:
                    bases[key] = (len(bases), json.load(f))
            with open(os.path.join(state, "manifest.json"), "w") as f:
                json.dump(bases[key][1], f)
            write(root, apply(files, item["changes"], item.get("lenient", False)))
            more = []
            if "vars" in item:
                more += ["--vars", item["vars"]]
            if "target" in item:
                more += ["--target", item["target"]]
            parsed = quiet(dbtRunner(), ["parse"] + where + more)
            row = {"name": item["name"], "base": bases[key][0], "changes": item["changes"], "lenient": item.get("lenient", False)}
            for k in ["vars", "target"]:
                if k in item:
                    row[k] = item[k]
            if not parsed.success:
                print(item["name"], "does not parse:", parsed.exception, file=sys.stderr)
                continue
            with open("target/manifest.json") as f:
                row["manifest"] = difference(pruned(json.loads(json.dumps(bases[key][1]))), pruned(json.load(f)))
            cases = []
            selectors = SELECTORS if not item.get("lenient") else SHORT
            if item["name"] == "nothing":
                selectors = selectors + ODD
            for selector in selectors:
                warnings = []

                def callback(event):
                    if event.info.name in ("UnversionedBreakingChange", "NoNodesForSelectionCriteria"):
                        warnings.append(event.info.name + ": " + event.info.msg)

                result = quiet(dbtRunner(manifest=parsed.result, callbacks=[callback]), ["--quiet", "ls", "--output", "json", "--output-keys", "unique_id", "--resource-type", "all", "--select", selector, "--state", state] + where + more)
                case = {"select": selector}
                if result.exception is not None:
                    case["error"] = str(result.exception)
                else:
                    case["ids"] = [json.loads(line)["unique_id"] for line in result.result or []]
                warnings = sorted(set(w for w in warnings if not w.startswith("NoNodes")))
                if warnings:
                    case["warnings"] = warnings
                cases.append(case)
            row["cases"] = cases
            rows.append(row)
            print(item["name"], {c["select"][6:]: c.get("error") or len(c["ids"]) for c in cases}, file=sys.stderr, flush=True)
    if only:
        print(json.dumps(rows, indent=1))
        return
    with open(os.path.join(HERE, "state.json"), "w") as f:
        f.write('{"files": ' + json.dumps(PROJECT) + ',\n"bases": [\n')
        f.write(",\n".join(json.dumps({"changes": json.loads(k), "manifest": pruned(m)}) for k, (_, m) in bases.items()))
        f.write('],\n"edits": [\n')
        f.write(",\n".join(json.dumps(r) for r in rows))
        f.write("\n]}\n")
    print(len(rows), "edits", file=sys.stderr)


main()
