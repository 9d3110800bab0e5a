#!/usr/bin/env python3
"""Records what dbt-core selects, for SelectionConformanceTests.

Writes a small project with every kind of resource into a temporary directory, lets dbt-core 1.11
(imported, so run this with its Python) parse it once and list it with each of the arguments below,
and rewrites selection.json beside this script: the parts of the manifest that selection reads, the
files of the project, and for each case the lines, the warnings, or the error.
"""
import contextlib
import io
import itertools
import json
import os
import random
import shlex
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

PROJECT = {
    "dbt_project.yml": """
name: lab
version: '1.0'
profile: lab
flags: {send_anonymous_usage_stats: false}
models:
  lab:
    staging: {+tags: [stage, nightly], +materialized: view}
    marts: {+tags: mart, +materialized: table, +meta: {owner: ann, level: 2, labels: [a, b]}}
on-run-end: ["select 1"]
""",
    "packages.yml": "packages: [{local: other}]\n",
    "profiles.yml": """
lab: {target: t, outputs: {t: {type: postgres, host: h, port: 1, user: u, password: p, dbname: d, schema: s, threads: 1}}}
""",
    "seeds/raw_a.csv": "id,name\n1,a\n",
    "seeds/deep/raw_b.csv": "id,a_id\n1,1\n",
    "models/staging/stg_a.sql": "select * from {{ ref('raw_a') }}",
    "models/staging/stg_b.sql": "select * from {{ ref('raw_b') }} join {{ source('src', 't1') }} using (id)",
    "models/staging/sub/stg_c.sql": "{{ config(tags='weekly') }} select * from {{ source('src', 't2') }}",
    "models/eph.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('stg_a') }}",
    "models/blank.sql": "   \n",
    "models/with.dot.sql": "select 1 as id from {{ ref('stg_c') }}",
    "models/marts/fct.sql": "{{ config(grants={'select': ['reader', 'writer']}, group='finance', severity='x') }} select * from {{ ref('eph') }} join {{ ref('stg_b') }} using (id)",
    "models/marts/dim_v1.sql": "select * from {{ ref('stg_a') }}",
    "models/marts/dim_v2.sql": "select * from {{ ref('dim', v=1) }}",
    "models/marts/dim_v3.sql": "select * from {{ ref('dim', v=2) }} join {{ ref('stg_c') }} using (id)",
    "models/marts/last.sql": "{{ config(materialized='incremental') }} select * from {{ ref('fct') }} join {{ ref('dim') }} using (id) join {{ ref('pkg_model') }} using (id)",
    "models/marts/schema.yml": """
groups: [{name: finance, owner: {name: x}}]
models:
  - name: fct
    columns:
      - name: id
        data_tests:
          - unique
          - not_null: {config: {severity: WARN, tags: [slow]}}
          - relationships: {arguments: {to: ref('stg_a'), field: id}}
          - other.custom
  - name: dim
    latest_version: 2
    access: public
    columns: [{name: id, data_tests: [unique]}]
    versions: [{v: 1}, {v: 2}, {v: 3, config: {alias: dim_three}}]
  - name: last
    data_tests:
      - two: {arguments: {other: ref('fct')}}
unit_tests:
  - name: ut_last
    model: last
    config: {tags: unit_tag}
    given: [{input: ref('fct'), rows: []}, {input: ref('dim'), rows: []}, {input: ref('pkg_model'), rows: []}]
    expect: {rows: []}
  - name: ut_dim
    model: dim
    given: [{input: ref('stg_a'), rows: []}]
    expect: {rows: []}
    versions: {include: [1]}
""",
    "models/staging/staging.yml": """
models:
  - name: stg_a
    columns:
      - name: id
        data_tests: [unique, not_null]
  - name: stg_b
    config: {enabled: true, meta: {owner: bob, flag: true}}
    data_tests:
      - relationships: {arguments: {to: "source('src', 't1')", field: id, column_name: id}}
sources:
  - name: src
    config: {tags: [raw], meta: {owner: src_owner}}
    tables:
      - name: t1
        columns: [{name: id, data_tests: [not_null]}]
      - name: t2
        config: {tags: [t2tag]}
  - name: src_more
    tables: [{name: t1}]
""",
    "models/more.yml": """
exposures:
  - name: board
    type: dashboard
    owner: {name: a, email: a@b.c}
    depends_on: [ref('fct'), "source('src', 't2')"]
    config: {tags: [exp], meta: {owner: ann}}
models:
  - name: spine
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
semantic_models:
  - name: sem
    model: ref('fct')
    defaults: {agg_time_dimension: on_day}
    entities: [{name: id, type: primary}]
    dimensions: [{name: on_day, type: time, type_params: {time_granularity: day}}]
    measures: [{name: total, agg: sum, expr: v}]
metrics:
  - name: met
    label: met
    type: simple
    type_params: {measure: total}
    config: {group: finance, tags: [metric_tag]}
saved_queries:
  - name: sq
    query_params: {metrics: [met]}
    config: {tags: [sq_tag]}
""",
    "models/marts/secret.sql": "{{ config(access='private', group='finance') }} select 1 as id",
    "models/spine.sql": "{{ config(materialized='table') }} select 1 as day",
    "functions/f.sql": "select 1",
    "functions/f.yml": "functions: [{name: f, returns: {data_type: int}, config: {tags: [fun]}}]\n",
    "snapshots/old.sql": "{% snapshot snap_old %}{{ config(target_schema='x', unique_key='id', strategy='check', check_cols='all') }} select * from {{ ref('stg_a') }}{% endsnapshot %}",
    "snapshots/new.yml": "snapshots: [{name: snap_new, relation: ref('fct'), config: {unique_key: id, strategy: check, check_cols: all, tags: [snap]}}]\n",
    "analyses/an.sql": "select * from {{ ref('fct') }}",
    "tests/single.sql": "{{ config(tags='one') }} select * from {{ ref('stg_a') }} join {{ ref('stg_b') }} using (id) where false",
    "tests/deep/single2.sql": "select * from {{ ref('dim', v=1) }} where false",
    "macros/two.sql": "{% test two(model, other) %} select * from {{ model }} join {{ other }} using (id) {% endtest %}",
    "other/dbt_project.yml": "name: other\nversion: '1.0'\nmodels: {other: {+tags: pkg_tag}}\n",
    "other/models/pkg_model.sql": "select * from {{ source('pkg_src', 't1') }}",
    "other/models/staging/stg_p.sql": "select * from {{ ref('pkg_model') }}",
    "other/models/staging/p.yml": "models: [{name: stg_p, columns: [{name: id, data_tests: [unique, custom]}]}]\nsources: [{name: pkg_src, tables: [{name: t1}]}]\n",
    "other/macros/custom.sql": "{% test custom(model, column_name) %} select * from {{ model }} where {{ column_name }} = 0 {% endtest %}",
    "selectors.yml": """
selectors:
  - {name: text, description: d, definition: "tag:stage+"}
  - {name: short, definition: {tag: nightly}}
  - name: full
    definition: {method: tag, value: nightly, parents: true, parents_depth: 1, children: true, children_depth: 1}
  - name: at
    definition: {method: fqn, value: stg_b, childrens_parents: true}
  - name: careful
    definition: {method: tag, value: nightly, indirect_selection: cautious}
  - name: none
    definition: {method: fqn, value: stg_a, indirect_selection: empty}
  - name: union
    definition: {union: [{tag: weekly}, "stg_a", {exclude: [{method: test_name, value: unique}, "stg_c"]}]}
  - name: inter
    definition: {intersection: [{tag: stage}, {method: fqn, value: stg_a, children: true}, {exclude: [{method: config.severity, value: warn}]}]}
  - name: inherit
    definition: {union: [{method: selector, value: union}, {method: selector, value: short, exclude: ["stg_b"]}]}
  - name: inner
    definition: {method: fqn, value: stg_a, children: true, exclude: [{method: resource_type, value: test}]}
  - name: nested
    definition: {union: [{intersection: [{path: models/staging}, {package: lab}]}, {union: ["fct", {exclude: ["test_type:generic"]}]}]}
  - name: config
    definition: {method: config.materialized, value: incremental}
""",
}

VALUES = [
    "stg_a", "stg_b", "fct", "dim", "last", "dim.v1", "dim_v1", "dim_v2", "dim.v9", "lab", "staging", "lab.staging", "lab.staging.stg_a", "staging.sub", "lab.*", "stg_*", "*", "stg_?", "stg_[ab]", "stg_[!ab]", "lab.staging.*", "lab.*.stg_a", "*.stg_a", "lab.st*", "dim*", "d*m", "*.v1", "dim.v*",
    "with.dot", "with", "with.*", "lab.with.dot", "dot", "other", "other.staging", "pkg_model", "other.pkg_*", "raw_a", "deep", "snap_old", "old", "old.snap_old", "snap_new", "an", "analysis.an", "single", "single2", "deep.single2", "unique_stg_a_id", "*unique*", "lab.marts.relationships*", "blank", "eph", "board", "met", "sem", "sq", "ut_last", "last.ut_last", "ut_dim", "ut_dim_v1", "f", "hooks", "lab-on-run-end-0", "nope", "lab.nope", "FCT", "src", "t1", "lab.marts.dim.v1", "marts.dim", "lab.marts.dim", "[", "stg_[", "a[]b",
    "fqn:stg_a", "fqn:*", "fqn:lab.*",
    "tag:stage", "tag:nightly", "tag:mart", "tag:st*", "tag:slow", "tag:raw", "tag:t2tag", "tag:exp", "tag:metric_tag", "tag:snap", "tag:unit_tag", "tag:pkg_tag", "tag:fun", "tag:sq_tag", "tag:nope", "tag:*",
    "source:src", "source:src.t1", "source:lab.src.t1", "source:*", "source:src*", "source:*.t1", "source:*.*.t1", "source:other.*", "source:other.*.*", "source:pkg_src", "source:a.b.c.d", "source:nope",
    "path:models/staging", "path:models/staging/", "path:models/staging/stg_a.sql", "path:models/staging/*.sql", "path:models/**/*.sql", "path:models/*", "path:models", "path:models/staging/staging.yml", "path:models/more.yml", "path:seeds", "path:tests", "path:analyses", "path:snapshots", "path:nope", "path:./models/staging", "path:models/st*", "path:**/stg_a.sql", "path:**", "path:*.yml", "path:models/**", "path:dbt_packages/other/models", "path:other", "path:functions", "path:models/marts/schema.yml", "path:models/pkg_model.sql",
    "models/staging", "models/staging/stg_a.sql", "./models/staging/stg_a.sql", "models/marts/*", "seeds/*.csv", "staging/stg_a.sql",
    "file:stg_a.sql", "file:stg_a", "file:stg_*", "file:*.csv", "file:schema.yml", "file:staging", "file:nope", "stg_a.sql", "STG_A.SQL", "raw_a.csv", "*.sql", "fct.py", "dim_v1.sql", "with.dot.sql",
    "package:lab", "package:other", "package:this", "package:o*", "package:nope",
    "config.materialized:view", "config.materialized:table", "config.materialized:incremental", "config.materialized:*", "config.enabled:true", "config.enabled:TRUE", "config.enabled:false", "config.severity:warn", "config.severity:WARN", "config.severity:error", "config.meta.owner:ann", "config.meta.owner:src_owner", "config.meta.flag:true", "config.meta.level:2", "config.meta.labels:a", "config.meta.nope:x", "config.meta:x", "config.grants.select:reader", "config.tags:stage", "config.nope:x", "config:x", "config.group:finance", "config.schema:x", "config.unique_key:id", "config.check_cols:all",
    "resource_type:model", "resource_type:test", "resource_type:source", "resource_type:unit_test", "resource_type:seed", "resource_type:snapshot", "resource_type:exposure", "resource_type:metric", "resource_type:semantic_model", "resource_type:saved_query", "resource_type:analysis", "resource_type:operation", "resource_type:function", "resource_type:nope", "resource_type:mod*", "resource_type:macro",
    "test_type:generic", "test_type:schema", "test_type:singular", "test_type:data", "test_type:unit", "test_type:nope",
    "test_name:unique", "test_name:not_null", "test_name:custom", "test_name:two", "test_name:*", "test_name:u*", "test_name:single", "test_name:ut_last", "test_name:other.custom",
    "exposure:board", "exposure:*", "exposure:lab.board", "exposure:lab.*", "exposure:a.b.c", "metric:met", "metric:*", "semantic_model:sem", "semantic_model:*", "saved_query:sq", "saved_query:*", "unit_test:ut_last", "unit_test:*", "unit_test:lab.ut*", "exposure:nope",
    "group:finance", "group:fin*", "group:nope", "access:private", "access:public", "access:protected", "access:nope", "version:latest", "version:prerelease", "version:old", "version:none", "version:nope",
    "state:new", "result:error", "source_status:fresher", "nope:x", "tag.x:stage", "fqn.x:stg_a", "a:b:c", "unknown.method:x", ":x", "tag:", "fqn:", "", "+", "@", "++", "1", "2+",
]

OPERATORS = [
    "+{}", "{}+", "+{}+", "1+{}", "{}+1", "2+{}", "{}+2", "1+{}+1", "0+{}", "{}+0", "@{}", "@{}+", "+@{}", "@+{}", "@1+{}", "{}+1+", "99+{}+99",
]

EXTRA = [
    "", "--select stg_a stg_b", "--select 'stg_a stg_b'", "--select stg_a,stg_b", "--select stg_a+,fct", "--select +last,tag:stage", "--select 'stg_a+,tag:mart stg_c'", "--select tag:mart,nope", "--select nope --select nada", "--select 'a  b'", "--select 'stg_a '", "--select stg_a, --exclude nope",
    "--exclude stg_a", "--exclude stg_a+", "--exclude tag:stage --select +last", "--select stg_a --exclude test_name:unique", "--exclude nope", "--exclude resource_type:test", "--select fct --exclude stg_a", "--select fct+ --exclude +dim", "--select stg_a --exclude stg_a", "--exclude '*'", "--select +fct --exclude source:*",
    "--resource-type model", "--resource-type test", "--resource-type source", "--resource-type all", "--resource-type default", "--resource-type unit_test", "--resource-type model --resource-type seed", "--resource-type analysis", "--exclude-resource-type test", "--exclude-resource-type test unit_test", "--resource-type model --select stg_a+", "--models stg_a+", "--resource-type function", "--resource-type test --select fct", "--resource-type exposure", "--resource-type metric", "--resource-type saved_query", "--resource-type semantic_model", "--resource-type snapshot", "--resource-type test --exclude-resource-type test",
]

MODES = ["eager", "cautious", "buildable", "empty"]

INDIRECT = [
    "--select stg_a", "--select stg_b", "--select stg_a stg_b", "--select fct", "--select fct stg_a", "--select fct,tag:mart", "--select +fct", "--select last", "--select last fct", "--select last+", "--select stg_a+", "--select 1+fct", "--select tag:stage", "--select source:src.t1", "--select source:src.t1 stg_b", "--select stg_b+1", "--select stg_a fct --exclude stg_a", "--select stg_a+ --exclude fct", "--exclude stg_a", "--exclude fct", "--exclude stg_a stg_b", "--select test_name:relationships", "--select fct test_name:unique", "--select @stg_b", "--select stg_a,test_name:unique", "--select 'stg_a+,+fct'", "--select dim.v1", "--select path:models/staging", "--select stg_b --exclude source:src.t1", "--select tag:stage --exclude stg_b", "--select last fct --exclude test_name:two", "--select ut_last", "--exclude tag:mart",
]

OUTPUTS = ["--output name", "--output path", "--output selector", "--output json", "--output json --output-keys name resource_type", "--output json --output-keys name config.materialized depends_on.nodes version nope", "--output json --output-keys alias,name", "--output json --output-keys meta fqn description config.meta.owner source_name", "--output name --resource-type all", "--output path --resource-type all", "--output json --resource-type all --select stg_a+"]


def cases():
    for value in VALUES:
        yield ["--select", value]
        yield ["--resource-type", "all", "--select", value]
    for value in ["stg_a", "fct", "dim.v2", "source:src.t1", "tag:stage", "exposure:board", "ut_last", "met", "f", "nope"]:
        for operator in OPERATORS:
            yield ["--select", operator.format(value)]
    for line in EXTRA:
        yield shlex.split(line)
    for mode in MODES:
        for line in INDIRECT:
            yield ["--indirect-selection", mode] + shlex.split(line)
    for line in OUTPUTS:
        yield shlex.split(line)
    for name in ["text", "short", "full", "at", "careful", "none", "union", "inter", "inherit", "inner", "nested", "config", "nope"]:
        yield ["--selector", name]
        yield ["--selector", name, "--indirect-selection", "cautious"]
    yield ["--selector", "short", "--select", "fct"]
    rng = random.Random(11)
    words = [v for v in VALUES if v and "state" not in v and "result" not in v and "nope" not in v]
    for _ in range(250):
        args = ["--indirect-selection", rng.choice(MODES)]
        def element():
            parts = []
            for _ in range(rng.choice([1, 1, 1, 2])):
                value = rng.choice(words)
                if rng.random() < 0.5:
                    value = rng.choice(OPERATORS[:11]).format(value)
                parts.append(value)
            return ",".join(parts)
        args += ["--select"] + [element() for _ in range(rng.choice([1, 1, 2, 3]))]
        if rng.random() < 0.5:
            args += ["--exclude"] + [element() for _ in range(rng.choice([1, 2]))]
        yield args


KEEP = ["unique_id", "resource_type", "name", "package_name", "fqn", "alias", "version", "latest_version", "original_file_path", "path", "patch_path", "tags", "config", "raw_code", "source_name", "identifier", "test_metadata", "access", "depends_on", "group", "model"]


def main():
    from dbt.cli.main import dbtRunner
    with tempfile.TemporaryDirectory() as root:
        for path, text in PROJECT.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as f:
                f.write(text if path.endswith(".csv") else text.lstrip("\n"))
        os.chdir(root)
        where = ["--project-dir", root, "--profiles-dir", root]
        deps = dbtRunner().invoke(["deps"] + where)
        assert deps.success, deps.exception
        parsed = dbtRunner().invoke(["parse"] + where)
        assert parsed.success, parsed.exception
        manifest = parsed.result
        with open(os.path.join(root, "target", "manifest.json")) as f:
            written = json.load(f)
        pruned = {}
        for key in ["nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests", "functions"]:
            pruned[key] = [{k: v for k, v in n.items() if k in KEEP} for n in written[key].values()]
        layouts = {k: list(v) for k, v in itertools.chain(written["nodes"].items())}
        files = sorted(os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs)
        files = [f for f in files if not f.startswith(("target", "logs"))]
        rows = []
        for args in cases():
            warnings = []
            def callback(event):
                if event.info.name == "NoNodesForSelectionCriteria":
                    warnings.append(event.data.spec_raw)
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                result = dbtRunner(manifest=manifest, callbacks=[callback]).invoke(["--quiet", "ls"] + args + where)
            row = {"args": args}
            if result.exception is not None:
                row["error"] = str(result.exception)
            else:
                row["lines"] = list(result.result or [])
            if warnings:
                row["warnings"] = warnings
            rows.append(row)
    with open(os.path.join(HERE, "selection.json"), "w") as f:
        f.write('{"manifest": ' + json.dumps(pruned) + ',\n"files": ' + json.dumps(files) + ',\n"selectors": ' + json.dumps(PROJECT["selectors.yml"]) + ',\n"normalised": ' + json.dumps(written["selectors"]) + ',\n"cases": [\n')
        f.write(",\n".join(json.dumps(r) for r in rows))
        f.write("\n]}\n")
    print(len(rows), "cases", file=sys.stderr)


main()
