#!/usr/bin/env python3
"""Time what the server does for incremental models: dbt-core's statements beside sectoral's.

    bench_incremental.py --binary .build/release/sectoral [--rows 1000000] [--batch 100000] [--rounds 3]
                         [--dbt PATH] [--json FILE] [--verbose]

One table of ROWS rows and one batch of BATCH rows, half of which the table has. Six models take the batch
in: by `delete+insert` and by `merge`; with a key of one column that has an index, with a key of two columns
of which the first has an index, and with one that has none. For each run the database is copied from the
same template, so every run meets the same table. What counts is the CPU time that the server logged for the
statements of the model (log_statement_stats), in seconds, its parts being those of more than a hundredth
(--verbose): the tools' own time is no part of it, and other work on the machine disturbs it little. The
tools run in turn, the best of the rounds counts, and the tables that they leave are compared row by row. A
third column is sectoral with `meta: {sectoral: {staging: plain}}`, which is dbt's way.
"""
import argparse
import collections
import glob
import json
import os
import re
import sys
import tempfile

from bench_run import Server
from harness import executable, run

KEYS = {"one_key_indexed": ("id", [["id"]]),
        "two_keys_first_indexed": (["customer_id", "day"], [["customer_id"]]),
        "one_key": ("id", [])}
STRATEGIES = ["delete+insert", "merge"]
USAGE = re.compile(r"([\d.]+) s user, ([\d.]+) s system")
NODE = re.compile(r'"node_id": "model\.\w+\.(\w+)"')
# Keys of the batch: every second one is new.
ROW = """select
  n as id,
  (n % 5000)::int as customer_id,
  date '2020-01-01' + (n / 5000)::int as day,
  md5(n::text) as payload,
  {amount} as amount
from {numbers}
"""


def model(key, indexes, strategy, rows, batch, plain):
    """The text of a model whose first run makes the table and whose second run takes the batch in."""
    settings = {"materialized": "incremental", "incremental_strategy": strategy, "unique_key": key,
                "indexes": [{"columns": columns} for columns in indexes]}
    if plain:
        settings["meta"] = {"sectoral": {"staging": "plain"}}
    words = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    first = ROW.format(amount="1", numbers=f"generate_series(1, {rows}) as s(n)")
    step = 2 * rows // batch
    # Spread over the table, and as many behind its end.
    numbers = (f"(select n * {step} from generate_series(1, {batch // 2}) as a(n) union all "
               f"select {rows} + n from generate_series(1, {batch - batch // 2}) as b(n)) as s(n)")
    second = ROW.format(amount="2", numbers=numbers)
    return (f"{{{{ config({words}) }}}}\n{{% if is_incremental() %}}\n{second}"
            f"{{% else %}}\n{first}{{% endif %}}\n")


def project(folder, options, plain):
    os.makedirs(f"{folder}/models")
    with open(f"{folder}/dbt_project.yml", "w") as file:
        file.write("name: bench\nversion: '1.0'\nprofile: bench\n")
    with open(f"{folder}/profiles.yml", "w") as file:
        file.write("""bench:
  target: dev
  outputs:
    dev: {type: postgres, host: "{{ env_var('PGHOST') }}", port: 5432, user: postgres, password: x,
          dbname: "{{ env_var('PGDATABASE') }}", schema: bench, threads: 1}
""")
    for name, (key, indexes) in KEYS.items():
        for strategy in STRATEGIES:
            with open(f"{folder}/models/{strategy.replace('+', '_')}_{name}.sql", "w") as file:
                file.write(model(key, indexes, strategy, options.rows, options.batch, plain))


def spent(server, database, work, verbose):
    """CPU seconds that the server spent on the statements of each model."""
    marks = {path: os.path.getsize(path) for path in server.logs()}
    work()
    times = collections.defaultdict(float)
    models = {}
    for path in server.logs():
        with open(path) as file:
            file.seek(marks.get(path, 0))
            for line in file:
                entry = json.loads(line)
                if entry.get("dbname") != database or entry.get("message") != "QUERY STATISTICS":
                    continue
                text = entry.get("statement", "")
                # What has no comment, as BEGIN and COMMIT, belongs to what came before.
                if found := NODE.search(text):
                    models[entry["session_id"]] = found.group(1)
                model = models.get(entry["session_id"])
                user, system = USAGE.search(entry["detail"]).groups()
                times[model] += float(user) + float(system)
                if verbose and float(user) + float(system) > 0.01:
                    print(f"  {model}: {float(user) + float(system):.3f} "
                          f"{' '.join(NODE.sub('', text).split())[:200]}", file=sys.stderr)
    return times


def digest(server, database, name):
    return server.psql("-c", f"select count(*), sum(amount), md5(string_agg(id || ' ' || amount, ',' "
                             f"order by id)) from bench.{name}", database=database).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dbt")
    parser.add_argument("--json")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    dbt = options.dbt or executable("dbt-core")
    binary = os.path.abspath(options.binary)
    names = [f"{strategy.replace('+', '_')}_{key}" for key in KEYS for strategy in STRATEGIES]
    with tempfile.TemporaryDirectory() as work, Server() as server:
        tools = {"dbt-core": dbt, "sectoral": binary, "plain": binary}
        folders = {tool: f"{work}/{tool}" for tool in tools}
        for tool, folder in folders.items():
            project(folder, options, tool == "plain")

        def build(tool, environment):
            folder = folders[tool]
            result = run([tools[tool], "run", "--project-dir", folder, "--profiles-dir", folder],
                         f"{work}/{tool}.log", environment)
            return result

        template = server.database("template_of_bench")
        build("sectoral", template)
        server.psql("-c", "vacuum analyze", database="template_of_bench")
        server.psql("-c", "alter system set log_statement_stats = on")
        server.psql("-c", "select pg_reload_conf()")
        figures = {tool: {} for tool in tools}
        digests = {}
        for _ in range(options.rounds):
            for tool in tools:
                environment = server.database("bench", template="template_of_bench")
                times = spent(server, "bench", lambda: build(tool, environment),
                              options.verbose)
                for name in names:
                    figures[tool][name] = min(times[name], figures[tool].get(name, 1e9))
                    found = digest(server, "bench", name)
                    if digests.setdefault(name, found) != found:
                        sys.exit(f"{name}: {tool} left other rows: {found}, {digests[name]}")
    print(f"{options.rows:,} rows, a batch of {options.batch:,}; CPU seconds of the server, best "
          f"of {options.rounds}\n")
    print(f"{'':40}{'dbt-core':>10}{'sectoral':>10}{'plain':>10}{'ratio':>8}")
    for name in names:
        row = [figures[tool][name] for tool in tools]
        print(f"{name:40}" + "".join(f"{value:10.2f}" for value in row) + f"{row[0] / row[1]:8.1f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
