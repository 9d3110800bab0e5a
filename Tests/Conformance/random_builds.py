#!/usr/bin/env python3
"""Random small projects, built twice by dbt-core and by sectoral, and what is then in the database compared.

    random_builds.py --bin BINARY [--seed 1] [--count 20 | --seeds 3,7] [--jobs 2] [--work DIR]
    random_builds.py show SEED DIR      writes the project of one seed, and as DIR-changed the second one

A seed makes a project of sources, seeds, models of every materialization and incremental strategy,
snapshots, functions, data tests and unit tests, with contracts, indexes, hooks, grants, comments. Both tools
build it, each in a database of its own. Then rows change, and the project does (columns, types,
materializations, settings), and both build it again, sometimes with --full-refresh, sometimes
a third time as it stands. Then come some other commands: parts of the project, --empty, failing rows stored,
clone and --defer into another schema, retry, freshness, docs generate, show, an operation.

Compared after each command: the exit code; what the console says, line by line; status, message,
failures, adapter_response and compiled code of
each node in run_results.json; sources.json and catalog.json; relations with kind, columns, types, comments,
rights, constraints, indexes and view texts; every row. Times of the run itself are masked. What is ours on purpose
(docs/rebuilding.md: what hangs on a table stays) is left out: relations of nodes that were skipped or
failed, and foreign keys that dbt loses.

It reports; the folder of a seed that differs stays. Environment and server are as in random_projects.py.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import random_projects as common
from random_project import write_files

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# ---------------------------------------------------------------- the project

BASE = [("id", "integer"), ("name", "text"), ("amount", "numeric(10,2)"), ("ts", "timestamp")]
EXTRAS = [
    ("double_id", "integer", "id * 2"),
    ("label", "text", "name || '-' || id"),
    ("big", "bigint", "id * 1000"),
    ("is_even", "boolean", "id % 2 = 0"),
    ("day", "date", "ts::date"),
    ("short", "varchar(12)", "left(name, 3)"),
    ("Mixed Case", "integer", "id + 1"),
    ("part", "numeric(12,4)", "amount / 3"),
]
# Other types that a column of the name may get.
RETYPED = {
    "double_id": ("bigint", "id * 3"),
    "label": ("varchar(40)", "upper(name)"),
    "short": ("varchar(30)", "left(name, 9)"),
    "day": ("text", "ts::date::text"),
    "part": ("numeric(14,6)", "amount / 7"),
}
WORDS = ["plain words", "it's \"quoted\"", "two\nlines", "$$ dollars $x$ %s", "Größe 世界", "", "back\\slash"]
# What templates see of the warehouse.
PROBE = """
{% macro probe(names) %}
  {% for name in names %}
    {% set node = graph.nodes.values() | selectattr('name', 'equalto', name) | first %}
    {% set found = load_relation(api.Relation.create(node.database, node.schema, node.alias)) %}
    {{ log([name, found, (found and found.type) ~ '', found and found.is_view], true) }}
    {% if found %}
      {% for column in adapter.get_columns_in_relation(found) %}
        {{ log([column.name, column.data_type, column.is_string(), column.char_size, column.numeric_precision], true) }}
      {% endfor %}
      {{ log(run_query('select count(*) as n, min(1.50) as m from ' ~ found).rows[0].values(), true) }}
    {% endif %}
  {% endfor %}
{% endmacro %}
"""
PROFILE = (
    common.PROFILE
    + "    other: {{type: postgres, host: {host}, port: {port}, user: {user}, password: x, dbname: {database},"
    + " schema: other, threads: 1}}\n"
)
ROLES = ["random_builds_one", "random_builds_two"]


def quoted(name):
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name + '"'


class Source:
    """A table that is there before: rows, which change between the builds."""

    def __init__(self, rnd, name):
        self.rnd, self.name = rnd, name
        self.rows = [self.row(i) for i in range(1, rnd.randint(3, 9))]

    def row(self, i):
        rnd = self.rnd
        return [
            i,
            rnd.choice(["ant", "bee", "cat", "dog", "it's", "Ü x", "", None]),
            rnd.choice([1.5, 20, -3.25, 0, None]),
            f"2024-{rnd.randint(1, 12):02}-{rnd.randint(1, 28):02} 0{rnd.randint(0, 9)}:00:00",
        ]

    def change(self):
        rnd = self.rnd
        for row in self.rows:
            if rnd.random() < 0.35:
                row[1] = rnd.choice(["elk", "fox", None, row[1]])
            if rnd.random() < 0.35:
                row[3] = f"2025-{rnd.randint(1, 12):02}-01 12:00:00"
        self.rows = [row for row in self.rows if rnd.random() < 0.85]
        top = max([row[0] for row in self.rows], default=0)
        self.rows += [self.row(top + 1 + i) for i in range(rnd.randint(0, 3))]
        if rnd.random() < 0.1 and self.rows:
            self.rows.append(list(self.rows[0]))

    def sql(self):
        def literal(value):
            return (
                "null"
                if value is None
                else "'" + value.replace("'", "''") + "'"
                if isinstance(value, str)
                else str(value)
            )

        columns = ", ".join(f"{n} {t}" for n, t in BASE)
        lines = [
            "create schema if not exists raw;",
            f"create table if not exists raw.{self.name} ({columns});",
            f"delete from raw.{self.name};",
        ]
        for row in self.rows:
            lines.append(f"insert into raw.{self.name} values ({', '.join(map(literal, row))});")
        return "\n".join(lines)

    def csv(self):
        def cell(value):
            text = "" if value is None else str(value)
            return '"' + text.replace('"', '""') + '"' if re.search(r'[",\n]', text) else text

        return "\n".join([",".join(n for n, _ in BASE), *(",".join(map(cell, row)) for row in self.rows), ""])


class Project:
    """What a seed makes: a description that is written out as files, changed, and written again."""

    def __init__(self, seed):
        self.rnd = rnd = random.Random(seed)
        self.sources = [Source(rnd, f"src_{i}") for i in range(rnd.randint(1, 2))]
        self.seeds = [Source(rnd, f"seed_{i}") for i in range(rnd.randint(0, 2))]
        self.seed_config = {s.name: self.some_seed_config() for s in self.seeds}
        self.models, self.snapshots, self.functions, self.units, self.singular = [], [], [], [], []
        if rnd.random() < 0.25:
            self.functions.append("fn_twice")
        for i in range(rnd.randint(3, 8)):
            self.models.append(self.model(f"m{i}"))
        for i in range(rnd.randint(0, 2)):
            self.snapshots.append(self.snapshot(f"snap_{i}"))
        for i in range(rnd.randint(0, 2)):
            self.units.append(self.unit(f"unit_{i}"))
        for i in range(rnd.randint(0, 1)):
            self.singular.append((f"single_{i}", rnd.choice(self.models)["name"], rnd.choice([0, 3, 100])))
        self.extra_schema = rnd.random() < 0.5
        self.run_hooks = rnd.random() < 0.5

    def pick(self, items):
        return self.rnd.choice(items)

    def chance(self, share):
        return self.rnd.random() < share

    def some_seed_config(self):
        config = {}
        if self.chance(0.3):
            config["column_types"] = {
                "id": self.pick(["bigint", "integer"]),
                "name": self.pick(["varchar(30)", "text"]),
            }
        if self.chance(0.2):
            config["quote_columns"] = self.pick([True, False])
        self.common(config, "seed")
        return config

    def common(self, config, kind):
        """Settings of every kind of relation."""
        if self.chance(0.25):
            config["persist_docs"] = self.pick(
                [{"relation": True, "columns": True}, {"relation": True}, {"columns": True}]
            )
        if self.chance(0.25):
            config["grants"] = self.pick(
                [
                    {"select": [ROLES[0]]},
                    {"select": ROLES},
                    {"select": [ROLES[1]], "insert": [ROLES[0]]},
                    {"select": []},
                ]
            )
        if self.chance(0.2):
            config["post_hook"] = self.pick(
                [
                    "insert into {{ target.schema }}.hook_log values ('post {{ this.name }}')",
                    "analyze {{ this }}",
                    "select 1",
                    "",
                    ["select 1", "insert into {{ target.schema }}.hook_log select count(*)::text from {{ this }}"],
                    {
                        "sql": "insert into {{ target.schema }}.hook_log values ('outside')",
                        "transaction": False,
                    },
                    "comment on table {{ this }} is 'by hook'" if kind == "seed" else "select 2",
                ]
            )
        if self.chance(0.15):
            config["pre_hook"] = self.pick(
                [
                    "insert into {{ target.schema }}.hook_log values ('pre {{ this.name }}')",
                    {
                        "sql": "insert into {{ target.schema }}.hook_log values ('before')",
                        "transaction": False,
                    },
                    "{% if is_incremental() %}select 1{% endif %}" if kind == "model" else "select 1",
                ]
            )
        if self.chance(0.15):
            config["schema"] = "mart"
        if self.chance(0.1):
            config["alias"] = self.pick(["alias_", "Alias_"]) + str(self.rnd.randint(100, 999))
        if self.chance(0.05):
            config["full_refresh"] = self.pick([True, False])

    def indexes(self):
        return self.pick(
            [
                [{"columns": ["id"]}],
                [{"columns": ["id"], "unique": True}],
                [{"columns": ["name"], "type": "hash"}, {"columns": ["id", "ts"]}],
            ]
        )

    def materialization(self):
        config = {
            "materialized": self.pick(
                ["view", "table", "incremental", "incremental", "ephemeral", "materialized_view", "table"]
            )
        }
        kind = config["materialized"]
        if kind == "incremental":
            strategy = self.pick([None, "append", "delete+insert", "merge", "microbatch"])
            if strategy:
                config["incremental_strategy"] = strategy
            if strategy == "microbatch":
                config.update(event_time="ts", begin="2024-01-01", batch_size="year")
                if self.chance(0.3):
                    config["lookback"] = self.pick([0, 1, 2])
                if self.chance(0.5):
                    config["unique_key"] = "id"
            elif strategy in ("delete+insert", "merge") or self.chance(0.5):
                if self.chance(0.9):
                    config["unique_key"] = self.pick(["id", ["id"], ["id", "name"]])
            if strategy == "merge":
                if self.chance(0.3):
                    config[self.pick(["merge_exclude_columns", "merge_update_columns"])] = ["name"]
            if strategy in ("merge", "delete+insert") and self.chance(0.2):
                config["incremental_predicates"] = [
                    ("DBT_INTERNAL_DEST." if strategy == "merge" else "") + "id > 1"
                ]
            if self.chance(0.75):
                config["on_schema_change"] = self.pick(
                    ["ignore", "fail", "append_new_columns", "sync_all_columns", "sync_all_columns"]
                )
        if kind in ("table", "incremental", "materialized_view") and self.chance(0.3):
            config["indexes"] = self.indexes()
        if kind == "table" and self.chance(0.15):
            config["unlogged"] = True
        if kind == "materialized_view" and self.chance(0.5):
            config["on_configuration_change"] = self.pick(["apply", "continue", "fail"])
        return config

    def model(self, name):
        config = self.materialization()
        parents = [("ref", m["name"]) for m in self.models] + [("ref", s.name) for s in self.seeds]
        parents += [("source", s.name) for s in self.sources]
        parent = self.pick(parents[-4:] if self.chance(0.6) else parents)
        model = {
            "name": name,
            "parent": parent,
            "join": self.pick(parents) if self.chance(0.15) else None,
            "extras": [list(x) for x in self.rnd.sample(EXTRAS, self.rnd.randint(0, 3))],
            "config": config,
            "filter": self.pick(["id", "ts", "none"]),
            "call": self.chance(0.5),
            "described": self.chance(0.6),
            "tests": self.tests(),
            "contract": None,
            "twice": bool(self.functions) and self.chance(0.4),
        }
        if config["materialized"] != "ephemeral":
            self.common(config, "model")
        if config["materialized"] in ("table", "incremental", "view") and self.chance(0.25):
            self.contract(model)
        return model

    def contract(self, model):
        constraints = {}
        on_table = model["config"]["materialized"] != "view"
        if on_table and self.chance(0.7):
            constraints["id"] = self.pick(
                [
                    [{"type": "not_null"}],
                    [{"type": "primary_key"}],
                    [{"type": "not_null"}, {"type": "check", "expression": "id > 0"}],
                    [{"type": "unique"}],
                    [{"type": "check", "expression": "id > 1", "name": "above_one"}],
                ]
            )
        model["contract"] = {
            "columns": constraints,
            "model": [{"type": "unique", "columns": ["id", "ts"]}] if on_table and self.chance(0.2) else [],
        }
        if "on_schema_change" in model["config"]:
            model["config"]["on_schema_change"] = self.pick(["append_new_columns", "fail"])

    def tests(self):
        out = []
        for _ in range(self.rnd.randint(0, 2)):
            column = self.pick(["id", "name", "ts"])
            test = self.pick(
                ["not_null", "unique", {"accepted_values": {"values": ["ant", "bee", "fox"], "quote": True}}]
            )
            config = {}
            if self.chance(0.5):
                config["severity"] = "warn"
            if self.chance(0.35):
                config[self.pick(["store_failures", "store_failures"])] = True
                if self.chance(0.4):
                    config = {
                        k: v for k, v in config.items() if k != "store_failures"
                    } | {"store_failures_as": self.pick(["view", "table", "ephemeral"])}
            if self.chance(0.15):
                config["where"] = "id > 1"
            if self.chance(0.15):
                config["limit"] = 1
            if self.chance(0.15):
                config["warn_if"] = self.pick(["> 1", "!= 0"])
            if self.chance(0.1):
                config["error_if"] = self.pick(["> 3", ">= 1"])
            if self.chance(0.1):
                config["fail_calc"] = self.pick(["count(*) * 2", "coalesce(max(1), 0)"])
            out.append((column, test, config))
        return out

    def snapshot(self, name):
        config = {"unique_key": self.pick(["id", ["id"], ["id", "name"]])}
        if self.chance(0.5):
            config.update(strategy="timestamp", updated_at="ts")
        else:
            config.update(strategy="check", check_cols=self.pick(["all", ["name"], ["name", "amount"]]))
            if self.chance(0.3):
                config["updated_at"] = "ts"
        if self.chance(0.6):
            config["hard_deletes"] = self.pick(["ignore", "invalidate", "new_record", "new_record"])
        elif self.chance(0.2):
            config["invalidate_hard_deletes"] = True
        if self.chance(0.25):
            config["dbt_valid_to_current"] = "'9999-12-31'::timestamp"
        if self.chance(0.25):
            config["snapshot_meta_column_names"] = {"dbt_valid_from": "von", "dbt_scd_id": "key"}
        self.common(config, "snapshot")
        config.pop("full_refresh", None)
        of = [("source", s.name) for s in self.sources] * 2
        of += [
            ("ref", m["name"])
            for m in self.models
            if m["config"]["materialized"] not in ("ephemeral",) and not m["config"].get("alias")
        ]
        return {"name": name, "of": self.pick(of), "config": config, "block": self.chance(0.4)}

    def unit(self, name):
        model = self.pick(self.models)
        parents = [p for p in (model["parent"], model["join"]) if p]
        form = self.pick(["dict", "csv", "sql"])
        rows = [{"id": i, "name": f"n{i}"} for i in range(1, self.rnd.randint(2, 4))]
        return {
            "name": name,
            "model": model["name"],
            "parents": parents,
            "form": form,
            "rows": rows,
            "wrong": self.chance(0.2),
            "joined": model["join"] is not None,
            "incremental": model["config"]["materialized"] == "incremental",
        }

    # -- between the builds

    def change(self):
        for source in self.sources + self.seeds:
            source.change()
        for model in self.models:
            if self.chance(0.3):
                self.change_columns(model)
            if self.chance(0.15) and not model["contract"]:
                kept = {
                    k: v
                    for k, v in model["config"].items()
                    if k in ("alias", "schema", "grants", "persist_docs", "post_hook", "pre_hook")
                }
                model["config"] = self.materialization() | kept
                if model["config"]["materialized"] == "ephemeral":
                    model["config"] = {"materialized": "table"} | kept
            elif self.chance(0.1) and model["config"]["materialized"] != "ephemeral":
                self.common(model["config"], "model")
            if "indexes" in model["config"] and self.chance(0.4):
                model["config"]["indexes"] = self.indexes()
        for snapshot in self.snapshots:
            if self.chance(0.3):
                snapshot["config"]["hard_deletes"] = self.pick(["ignore", "invalidate", "new_record"])
                snapshot["config"].pop("invalidate_hard_deletes", None)

    def change_columns(self, model):
        extras = model["extras"]
        kind = self.pick(["add", "drop", "type", "order"])
        if kind == "add":
            names = {e[0] for e in extras}
            extras += [list(x) for x in EXTRAS if x[0] not in names][: self.rnd.randint(1, 2)]
        elif kind == "drop" and extras:
            extras.pop(self.rnd.randrange(len(extras)))
        elif kind == "type":
            for extra in extras:
                if extra[0] in RETYPED:
                    extra[1:] = RETYPED[extra[0]]
        else:
            extras.reverse()

    # -- files

    def call(self, parent):
        kind, name = parent
        return "{{ source('raw', '%s') }}" % name if kind == "source" else "{{ ref('%s') }}" % name

    def model_sql(self, model):
        columns = [f"a.{n}::{t} as {n}" for n, t in BASE]
        for name, kind, expression in model["extras"]:
            expression = re.sub(r"\b(id|name|ts|amount)\b", r"a.\1", expression)
            columns.append(f"({expression})::{kind} as {quoted(name)}")
        if model["twice"]:
            columns.append("{{ function('fn_twice') }}(a.id) as twice")
        text = ""
        if model["call"]:
            arguments = ", ".join(f"{k}={v!r}" for k, v in model["config"].items())
            text = "{{ config(" + arguments + ") }}\n"
        text += "select\n    " + ",\n    ".join(columns) + f"\nfrom {self.call(model['parent'])} as a"
        if model["join"]:
            text += f"\nleft join (select distinct id as other_id from {self.call(model['join'])}) as b on b.other_id = a.id"
        config = model["config"]
        if config["materialized"] == "incremental" and config.get("incremental_strategy") != "microbatch":
            if model["filter"] != "none":
                text += (
                    "\n{% if is_incremental() %}\nwhere a.COL > (select max(COL) from {{ this }})\n{% endif %}"
                ).replace("COL", model["filter"])
        return text + "\n"

    def model_entry(self, model):
        entry = {"name": model["name"]}
        if model["described"]:
            entry["description"] = self.described(model["name"])
        if not model["call"]:
            entry["config"] = dict(model["config"])
        columns = {}
        contract = model["contract"]
        if contract:
            entry.setdefault("config", {})["contract"] = {"enforced": True}
            for name, kind in BASE + [(n, t) for n, t, _ in model["extras"]]:
                columns[name] = {"name": name, "data_type": kind}
                if name != quoted(name).strip('"') or " " in name:
                    columns[name]["quote"] = True
            if model["twice"]:
                columns["twice"] = {"name": "twice", "data_type": "integer"}
            for name, constraints in contract["columns"].items():
                columns[name]["constraints"] = constraints
            if contract["model"]:
                entry["constraints"] = contract["model"]
        if model["described"]:
            columns.setdefault("id", {"name": "id"})["description"] = self.described(model["name"] + "id")
        for column, test, config in model["tests"]:
            target = columns.setdefault(column, {"name": column})
            name, arguments = (test, None) if isinstance(test, str) else next(iter(test.items()))
            body = {"arguments": arguments} if arguments else {}
            if config:
                body["config"] = config
            tests = target.setdefault("data_tests", [])
            if not any(name == t or (isinstance(t, dict) and name in t) for t in tests):
                tests.append({name: body} if body else name)
        if columns:
            entry["columns"] = list(columns.values())
        return entry

    def described(self, key):
        return random.Random(key).choice(WORDS)

    def files(self):
        files = {}
        project = {
            "name": "p",
            "profile": "p",
            "version": "1.0",
            "flags": {"require_generic_test_arguments_property": True},
            "on-run-start": ["create table if not exists {{ target.schema }}.hook_log (what text)"],
            "data_tests": {"+schema": "failures"} if self.extra_schema else {},
        }
        if self.run_hooks:
            project["on-run-end"] = [
                "insert into {{ target.schema }}.hook_log select '{{ schemas | length }} {{ results | length }}'"
            ]
        files["dbt_project.yml"] = json.dumps(project, indent=1)
        files["macros/probe.sql"] = PROBE
        for seed in self.seeds:
            files[f"seeds/{seed.name}.csv"] = seed.csv()
        properties = {
            "sources": [{"name": "raw", "tables": [self.source_entry(s) for s in self.sources]}],
            "seeds": [
                {"name": s.name, "description": self.described(s.name), "config": self.seed_config[s.name]}
                for s in self.seeds
            ],
            "models": [self.model_entry(m) for m in self.models],
            "snapshots": [],
            "unit_tests": [self.unit_entry(u) for u in self.units],
        }
        for model in self.models:
            files[f"models/{model['name']}.sql"] = self.model_sql(model)
        for snapshot in self.snapshots:
            if snapshot["block"]:
                arguments = ", ".join(f"{k}={v!r}" for k, v in snapshot["config"].items())
                files[f"snapshots/{snapshot['name']}.sql"] = (
                    "{% snapshot " + snapshot["name"] + " %}\n{{ config(" + arguments + ") }}\n"
                    f"select * from {self.call(snapshot['of'])}\n" + "{% endsnapshot %}\n"
                )
            else:
                properties["snapshots"].append(
                    {
                        "name": snapshot["name"],
                        "description": "a snapshot",
                        "relation": self.call(snapshot["of"]).strip("{} "),
                        "config": snapshot["config"],
                    }
                )
        for name, model, bound in self.singular:
            files[f"tests/{name}.sql"] = "select * from {{ ref('%s') }} where id > %d" % (model, bound)
        for name in self.functions:
            files[f"functions/{name}.sql"] = "select n * 2"
            files["functions/functions.yml"] = json.dumps(
                {
                    "functions": [
                        {
                            "name": name,
                            "arguments": [{"name": "n", "data_type": "integer"}],
                            "returns": {"data_type": "integer"},
                        }
                    ]
                }
            )
        files["models/properties.yml"] = json.dumps(
            {k: v for k, v in properties.items() if v}, indent=1, ensure_ascii=False
        )
        return files

    def source_entry(self, source):
        rnd = random.Random(source.name + str(len(self.models)))
        entry = {"name": source.name, "description": self.described(source.name)}
        if rnd.random() < 0.7:
            freshness = {"warn_after": {"count": 1, "period": rnd.choice(["minute", "hour", "day"])}}
            if rnd.random() < 0.5:
                freshness["error_after"] = {"count": rnd.choice([2, 90_000]), "period": "day"}
            if rnd.random() < 0.3:
                freshness["filter"] = "id < 1000"
            entry["config"] = {"freshness": freshness, "loaded_at_field": rnd.choice(["ts", "ts::timestamptz"])}
        return entry

    def more(self, rnd):
        """Commands for after the builds, with what each needs."""
        names = [m["name"] for m in self.models]
        one = rnd.choice(names)
        part = rnd.choice([one, one + "+", "+" + one, "1+" + one, "config.materialized:view", "resource_type:seed"])
        seeds = [s.name for s in self.seeds]
        shown = rnd.choice(
            [m["name"] for m in self.models if m["config"]["materialized"] != "materialized_view"] or names
        )
        commands = [
            (["run", "--select", part], {}),
            (["run", "--full-refresh", "--exclude", part], {}),
            (["build", "--select", part, "--full-refresh"], {}),
            (["run", "--empty"], {}),
            (["build", "--empty", "--select", part], {}),
            (["test"], {}),
            (["test", "--select", part, "--indirect-selection", rnd.choice(["cautious", "buildable", "empty"])], {}),
            (["test", "--store-failures"], {}),
            (["snapshot"], {}),
            (["seed"], {}),
            (["seed", "--full-refresh"], {}),
            (["compile", "--select", part], {}),
            (["compile", "--inline", "select * from {{ ref('%s') }}" % shown], {}),
            (["show", "--select", shown, "--limit", "-1", "--output", "json"], {"unordered": True}),
            (["show", "--inline", "select count(*) from {{ ref('%s') }}" % shown, "--output", "json"], {}),
            (["source", "freshness"], {}),
            (["docs", "generate"], {}),
            (["docs", "generate", "--select", part, "--no-compile"], {}),
            (["run-operation", "probe", "--args", json.dumps({"names": names + seeds})], {}),
            (["ls", "--output", "json"], {}),
            (["retry"], {"keeps": True}),
            (["clone", "--target", "other"], {"state": True}),
            (["build", "--target", "other", "--defer", "--select", part], {"state": True}),
            (["run", "--target", "other", "--defer", "--favor-state", "--select", part], {"state": True}),
            (["run", "--select", "state:modified+"], {"state": True}),
            (["run", "--select", "result:error+", "result:fail"], {"state": True}),
        ]
        return rnd.sample(commands, 6)

    def unit_entry(self, unit):
        def rows(items):
            if unit["form"] == "dict":
                return {"rows": items}
            if unit["form"] == "csv":
                return {
                    "format": "csv",
                    "rows": "id,name\n" + "\n".join(f"{r['id']},{r['name']}" for r in items),
                }
            nulls = ", null::numeric as amount, null::timestamp as ts"
            return {
                "format": "sql",
                "rows": " union all ".join(
                    f"select {r['id']} as id, '{r['name']}' as name{nulls}" for r in items
                ),
            }

        given, seen = [], []
        for parent in unit["parents"]:
            if parent not in seen:
                seen.append(parent)
                given.append({"input": self.call(parent).strip("{} "), **rows(unit["rows"])})
        expected = [dict(r) for r in unit["rows"]]
        if unit["wrong"]:
            expected[0]["name"] = "other"
        entry = {
            "name": unit["name"],
            "model": unit["model"],
            "given": given,
            "expect": {"rows": expected},
        }
        if unit["incremental"]:
            entry["overrides"] = {"macros": {"is_incremental": False}}
        return entry

    def sql(self):
        return "\n".join(source.sql() for source in self.sources)


# ---------------------------------------------------------------- the database

# Of functions, the blanks around their text are those of a built-in macro.
STATE = {
    "relations": """
        select n.nspname || '.' || c.relname, c.relkind::text, c.relpersistence::text,
          obj_description(c.oid, 'pg_class'), c.relacl::text,
          case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm', 'p') and {ours} order by 1""",
    "columns": """
        select n.nspname || '.' || c.relname || '.' || a.attname, row_number() over (partition by c.oid order by a.attnum),
          format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind in ('r', 'v', 'm', 'p') and {ours} order by 1""",
    "indexes": """
        select n.nspname || '.' || c.relname, array_agg(regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX .* ON', 'INDEX ON')
          order by regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX .* ON', 'INDEX ON'))::text
        from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
        where {ours} group by 1 order by 1""",
    "constraints": """
        select n.nspname || '.' || c.relname, array_agg(k.contype::text || ' ' || pg_get_constraintdef(k.oid)
          order by k.contype::text || ' ' || pg_get_constraintdef(k.oid))::text
        from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
        where k.contype <> 'f' and {ours} group by 1 order by 1""",
    "functions": """
        select n.nspname || '.' || p.proname, regexp_replace(pg_get_functiondef(p.oid), '\s+', ' ', 'g')
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {ours} order by 1""",
    "schemas": "select n.nspname, n.nspacl::text from pg_namespace n where {ours} order by 1",
}
OURS = "n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'public', 'raw') and n.nspname not like 'pg_temp%' and n.nspname not like 'pg_toast%'"


def connect(server, database):
    import psycopg2

    connection = psycopg2.connect(
        host=server["host"], port=server["port"], user=server["user"], password="x", dbname=database
    )
    connection.autocommit = True
    return connection


def state_of(server, database):
    """What is in the database: by kind and name."""
    out = {}
    with connect(server, database).cursor() as cursor:
        for kind, query in STATE.items():
            cursor.execute(query.replace("{ours}", OURS))
            out[kind] = {row[0]: [masked(v) for v in row[1:]] for row in cursor.fetchall()}
        for facts in out["relations"].values():  # rights, in any order
            facts[3] = sorted((facts[3] or "").strip("{}").split(","))
        out["rows"] = {}
        for name, facts in out["relations"].items():
            schema, _, relation = name.partition(".")
            cursor.execute(f'select * from "{schema}"."{relation}"')
            names = [column.name for column in cursor.description]
            rows = []
            for row in cursor.fetchall():
                cells = {n: masked(None if v is None else str(v)) for n, v in zip(names, row)}
                if "(now)" in cells.values():
                    for key in ("dbt_scd_id", "key"):
                        if key in cells:
                            cells[key] = "(hash)"
                rows.append(json.dumps(list(cells.items()), ensure_ascii=False))
            out["rows"][name] = sorted(rows)
        cursor.connection.close()
    return out


def masked(value):
    return "(now)" if isinstance(value, str) and re.match(r"202[6-9]-|20[3-9]\d-", value) else value


# ---------------------------------------------------------------- comparison


def results_of(folder, database, words):
    path = os.path.join(folder, "target", "run_results.json")
    try:
        with open(path, encoding="utf-8") as f:
            results = json.load(f)["results"]
    except FileNotFoundError:
        return {}
    out = {}
    for result in results:
        out[result["unique_id"]] = {
            "status": result["status"],
            "message": message(result["message"], database),
            "failures": result["failures"],
            "adapter_response": result["adapter_response"],
            "compiled": compiled(result, database, words),
            "batches": len((result.get("batch_results") or {}).get("successful") or []),
            "relation": (result.get("relation_name") or "").replace(database, "DB"),
        }
    return out


def compiled(result, database, words):
    text = (result.get("compiled_code") or "").replace(database, "DB")
    # What `show` puts around a query has other blanks.
    return common.even(text) if words[0] == "show" else text


def artifacts_of(folder, database):
    """sources.json and catalog.json, without the times of the run."""

    def read(name):
        try:
            with open(os.path.join(folder, "target", name), encoding="utf-8") as f:
                return json.loads(f.read().replace(database, "DB"))
        except FileNotFoundError:
            return {}

    out = {"sources": {}, "catalog": {}}
    for result in read("sources.json").get("results", []):
        for key in ("execution_time", "thread_id", "timing", "snapshotted_at", "max_loaded_at_time_ago_in_s"):
            result.pop(key, None)
        out["sources"][result.pop("unique_id")] = result
    catalog = read("catalog.json")
    for part in ("nodes", "sources"):
        out["catalog"].update(catalog.get(part, {}))
    out["catalog"]["errors"] = catalog.get("errors")
    return out


# What is ours on purpose (docs/compatibility.md), or a summary of the rest.
UNCOMPARED = {"Note", "DeprecationsSummary", "MainEncounteredError", "GenericExceptionOnRun", "RunResultFailure"}


def said_by(events, database, folder, needs):
    """What a user reads, in any order: times and counters are masked."""
    lines = []
    for level, name, text in events:
        if level == "debug" or name in UNCOMPARED or not text.strip():
            continue
        if "has the types of an earlier file" in text or "Not able to get columns" in text or text.strip().startswith("PARTIAL SUCCESS"):
            continue
        text = message(text.replace(folder, "FOLDER"), database)
        text = re.sub(r"\.{2,}", "..", text)
        text = re.sub(r"\d+:\d+:\d+|\d+(\.\d+)? seconds?|\d+(\.\d+)?s\b|\bin \d+ hours?[^.]*", "TIME", text)
        text = re.sub(r"\b\d+ of \d+\b", "N of N", text)
        text = re.sub(r"=[^ ]*\d+\.\d+\.\d+", "=VERSION", text)
        if needs.get("unordered") and name == "ShowNode":
            text = "".join(sorted(text))
        lines.append((name, text[:600]))
    return lines


def left_out(results, project):
    """What is another on purpose: unit tests beside one that failed, whose order is a hash's in dbt, and
    materialized views, which dbt drops with the table below them."""
    failed = {
        name.split(".")[2]
        for name, result in results.items()
        if name.startswith("unit_test.") and result["status"] in ("fail", "error")
    }
    views = {m["name"] for m in project.models if m["config"]["materialized"] == "materialized_view"}
    return [
        name
        for name in results
        if name.startswith("unit_test.")
        and name.split(".")[2] in failed
        or name.startswith("model.")
        and name.split(".")[2] in views
    ]


def message(text, database):
    """The first lines of a message: places and advice are ours, the path of the compiled file dbt's."""
    if text is None:
        return None
    text = text.replace(database, "DB")
    text = re.sub(r"\n\s*(-->|compiled code at|CONTEXT: COPY|> in macro|LINE \d|\^|\||=|\d+ \|)[\s\S]*$", "", text)
    text = re.split(r"\n+\s*> in macro|are out of sync!", text)[0]  # what follows is in our own words
    text = re.sub(r"__dbt_\w+", "__dbt_X", text)
    text = re.sub(r'"[0-9a-f]{32}"', '"HASH"', text)  # an index, by the time
    return common.even(text)[:400]


def compare_seed(seed, binary, work, server):
    project = Project(seed)
    rnd = random.Random(seed + 0.25)
    home = os.path.join(work, str(seed))
    shutil.rmtree(home, ignore_errors=True)
    databases = {who: f"random_builds_{os.getpid()}_{who}" for who in ("dbt", "our")}
    found, figures = [], {"nodes": 0, "failed": 0, "relations": 0}
    with connect(server, server["database"]).cursor() as cursor:
        for database in databases.values():
            cursor.execute(f"drop database if exists {database} with (force)")
            cursor.execute(f"create database {database}")
    try:
        steps = [(["build"], {}), (["build"], {})]
        if rnd.random() < 0.3:
            steps[1][0].append("--full-refresh")
        if rnd.random() < 0.3:
            steps.append((["build"], {}))
        for number, (words, needs) in enumerate(steps + project.more(rnd)):
            if number == 1:
                project.change()
            found = [
                (f"{words[0]}: {kind}", f"command {number + 1}, {' '.join(words)}: {detail}")
                for kind, detail in compare_step(project, words, needs, home, binary, databases, server, figures)
            ]
            if found:
                break
    finally:
        with connect(server, server["database"]).cursor() as cursor:
            for database in databases.values():
                cursor.execute(f"drop database if exists {database} with (force)")
    if not found:
        shutil.rmtree(home, ignore_errors=True)
    return found, figures


def compare_step(project, words, needs, home, binary, databases, server, figures):
    codes, results, states, said, artifacts = {}, {}, {}, {}, {}
    files = project.files()
    errors = {}
    for who, database in databases.items():
        folder = os.path.join(home, who)
        if needs.get("state") and os.path.isdir(os.path.join(folder, "target")):
            shutil.rmtree(os.path.join(folder, "state"), ignore_errors=True)
            shutil.copytree(os.path.join(folder, "target"), os.path.join(folder, "state"))
        for part in ("models", "seeds", "snapshots", *([] if needs.get("keeps") else ["target"])):
            shutil.rmtree(os.path.join(folder, part), ignore_errors=True)
        write_files(files, folder)
        names = {**server, "schema": "main", "database": database}
        write_files({"profiles.yml": PROFILE.format(**names)}, folder)
        connection = connect(server, database)
        with connection.cursor() as cursor:
            cursor.execute(project.sql())
        connection.close()
        command = [*words, "--project-dir", folder, "--profiles-dir", folder]
        if needs.get("state"):
            command += ["--state", os.path.join(folder, "state")]
        run = (
            common.dbt_runs(folder, [(command, None)], os.path.join(home, "answer.json"))
            if who == "dbt"
            else common.our_runs(binary, folder, [(command, None)])
        )[0]
        codes[who], errors[who] = run["code"], run["error"]
        results[who] = results_of(folder, database, words)
        artifacts[who] = artifacts_of(folder, database)
        said[who] = said_by(run["events"] + [["print", "", line] for line in run["lines"]], database, folder, needs)
        states[who] = state_of(server, database)
    found = []
    # dbt asks the tests of what it shows as well, and shows nothing where one cannot be asked.
    if words[0] == "show" and codes["dbt"] and not codes["our"]:
        return found
    if codes["dbt"] != codes["our"]:
        found.append(("exit code", f"dbt {codes['dbt']} {errors['dbt']}\n      ours {codes['our']} {errors['our']}"))
    if codes["dbt"] == 2 == codes["our"]:
        return found
    figures["nodes"] += len(results["dbt"])
    figures["failed"] += sum(r["status"] in ("error", "fail") for r in results["dbt"].values())
    figures["relations"] += len(states["dbt"]["relations"])
    for test in left_out(results["dbt"], project):
        for result in results.values():
            result.pop(test, None)
    for line in sorted(set(said["dbt"]) ^ set(said["our"])):
        ours, theirs = said["our"].count(line), said["dbt"].count(line)
        found.append((f"says/{line[0]}", f"dbt {theirs} times, ours {ours}: {line}"))
    for path, a, b in common.differences(artifacts["dbt"], artifacts["our"]):
        kind = "/".join([path[0], *path[2:4]])
        found.append((kind, f"{'/'.join(path)}\n      dbt  {common.short(a)}\n      ours {common.short(b)}"))
    for path, a, b in common.differences(results["dbt"], results["our"]):
        # `show` asks only for what it prints.
        if words[0] == "show" and path[1:2] == ["adapter_response"]:
            continue
        kind = "/".join(["result", path[0].split(".")[0], *path[1:3]])
        if path[-1] == "compiled":
            found.append((kind, f"{path[0]}\n{common.text_difference(a, b)}"))
        else:
            found.append((kind, f"{'/'.join(path)}\n      dbt  {common.short(a)}\n      ours {common.short(b)}"))
    # What a failed node's relation is like is ours: it stays as it was.
    done = {
        r["relation"].replace('"', "").partition(".")[2]
        for r in results["dbt"].values()
        if r["status"] in ("error", "skipped") and r["relation"]
    }
    # Views outside of the project's own (clones), and materialized ones, dbt drops with the table below.
    ours, theirs = states["our"]["relations"], states["dbt"]["relations"]
    done |= {name for name, facts in ours.items() if facts[0] in "mv" and name not in theirs}
    text = json.dumps(states["our"]).replace(databases["our"], databases["dbt"])
    for path, a, b in common.differences(states["dbt"], json.loads(text)):
        if any(path[1] == name or path[1].startswith(name + ".") for name in done):
            continue
        found.append(
            (
                f"database/{path[0]}" + ("" if len(path) < 3 else "/" + path[2]),
                f"{'/'.join(path)}\n      dbt  {common.short(a)}\n      ours {common.short(b)}",
            )
        )
    return found


# ---------------------------------------------------------------- the command


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seeds", help="these alone, with commas between")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--work", help="a folder that is kept (default: a temporary one, kept too)")
    parser.add_argument("--all", action="store_true", help="show all differences, not two of a kind")
    options = parser.parse_args()
    common.with_server(options, run)


def run(options, server):
    import dbt.adapters.postgres  # noqa: F401, loaded once for all projects
    import dbt.cli.main  # noqa: F401

    with connect(server, server["database"]).cursor() as cursor:
        for role in ROLES:
            cursor.execute("select 1 from pg_roles where rolname = %s", [role])
            if not cursor.fetchall():
                cursor.execute(f"create role {role}")
    work = options.work or tempfile.mkdtemp(prefix="random-builds-")
    return common.report(
        options,
        work,
        guarded,
        lambda seed: (seed, os.path.abspath(options.bin), work, server),
    )


def guarded(*arguments):
    try:
        return compare_seed(*arguments)
    except Exception:  # noqa: BLE001, told as a difference
        return [("harness", traceback.format_exc())], {}


if __name__ == "__main__":
    if sys.argv[1:2] == ["show"]:
        shown = Project(int(sys.argv[2]))
        for folder in (sys.argv[3], sys.argv[3] + "-changed"):
            write_files({**shown.files(), "sources.sql": shown.sql()}, folder)
            shown.change()
    else:
        sys.exit(main())
