"""Prints the expressions of base-context.txt (or FILE) by run-operation, with dbt and a tool.

    python record_base_context.py PROJECT [--tool PATH] [--file FILE] [--record FILE.jsonl]

Python of an environment with dbt-core and dbt-postgres; PROJECT is an empty folder, in which a
project is made. A database is not asked: profiles point to one that need not answer.
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
MARK = "<<<"


def make(folder, lines):
    (folder / "macros").mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text(
        "name: probes\nversion: '1.0.0'\nprofile: probes\n"
        "vars:\n  given: value\n  number: 5\n  list: [1, two]\n  templated: \"{{ 1 + 1 }}\"\n"
        "flags:\n  send_anonymous_usage_stats: false\n"
    )
    (folder / "profiles.yml").write_text(
        "probes:\n  target: dev\n  outputs:\n    dev:\n      type: postgres\n      host: localhost\n"
        f"      port: {os.environ.get('PROBE_PORT', '5544')}\n      user: postgres\n      password: p\n"
        f"      dbname: {os.environ.get('PROBE_DB', 'postgres')}\n      schema: probes\n      threads: 2\n"
    )
    macros = []
    # A line that begins with `!` stands before each of the others.
    prelude = "".join(line[1:] for line in lines if line.startswith("!"))
    for index, line in enumerate(lines):
        if line.startswith("!"):
            continue
        body = line if line.startswith("{%") else "{% set r = " + line + " %}{{ print('" + MARK + "' ~ r ~ '|' ~ [r]) }}"
        macros.append("{% macro probe_" + str(index) + "() %}" + prelude + body + "{% endmacro %}")
    (folder / "macros" / "probes.sql").write_text("\n".join(macros) + "\n")


def outcome(text, failed):
    found = [part for part in text.split(MARK)[1:]]
    if found and not failed:
        return {"output": found[-1].rstrip("\n")}
    return {"error": True}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=pathlib.Path)
    parser.add_argument("--tool")
    parser.add_argument("--file", type=pathlib.Path, default=HERE / "base-context.txt")
    parser.add_argument("--record", type=pathlib.Path)
    options = parser.parse_args()
    lines = [line for line in options.file.read_text().splitlines() if line and not line.startswith("#")]
    make(options.project, lines)
    os.environ.update(PGCTX_SET="set", PGCTX_NUMBER="5", DBT_ENV_SECRET_X="hidden-words", DBT_ENV_CUSTOM_ENV_TEAM="data")
    os.chdir(options.project)
    cached = options.record and options.record.exists() and {
        entry["case"]: entry for entry in map(json.loads, options.record.read_text().splitlines())
    }
    recorded = []
    for index, line in enumerate(lines):
        if line.startswith("!"):
            continue
        theirs = cached and cached.get(line)
        if not theirs:
            from dbt.cli.main import dbtRunner

            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                result = dbtRunner().invoke(["--quiet", "run-operation", f"probe_{index}"])
            theirs = {"case": line, **outcome(out.getvalue(), not result.success)}
        recorded.append(theirs)
        if options.tool:
            run = subprocess.run(
                [options.tool, "--quiet", "run-operation", f"probe_{index}"], capture_output=True, text=True
            )
            ours = outcome(run.stdout, run.returncode != 0)
            if {key: theirs[key] for key in ours if key in theirs} != ours:
                said = "" if "output" in ours else "  " + (run.stdout + run.stderr).replace("\n", " ")[:300]
                print(f"{line}\n   dbt:  {theirs.get('output', 'error')!r}\n   ours: {ours.get('output', 'error')!r}{said}")
    if options.record:
        options.record.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in recorded))


if __name__ == "__main__":
    main()
