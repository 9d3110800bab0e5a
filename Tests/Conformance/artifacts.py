#!/usr/bin/env python3
"""Run a project that has everything, and check what is written against dbt's published JSON schemas.

    artifacts.py --binary .build/release/sectoral --schemas ../shared/spec/schemas

The project (Tests/Conformance/Artifacts) has each materialization, kind of test and resource; some of it fails,
and some of it warns. After each command the four artifacts are checked that it writes, and which statuses
they hold. Needs the package jsonschema.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Benchmarks"))
from harness import Postgres  # noqa: E402
from validate_artifacts import validate  # noqa: E402

EVERY = {"manifest.json", "run_results.json"}
# Command, exit code, what it writes, and statuses that must be among those written.
STEPS = [
    (["build"], 1, EVERY, {"success", "error", "skipped", "pass", "fail", "partial success"}),
    (["retry", "--vars", "{works: true}"], 1, EVERY, {"success", "fail"}),
    (["seed", "--full-refresh"], 0, EVERY, {"success"}),
    (["run", "--full-refresh", "--vars", "{works: true}"], 0, EVERY, {"success"}),
    (["test"], 1, EVERY, {"pass", "fail", "warn"}),
    (["snapshot"], 0, EVERY, {"success"}),
    (["compile"], 0, EVERY, {"success"}),
    (["show", "--select", "a_table"], 0, EVERY, {"success"}),
    (["run-operation", "noted"], 0, {"manifest.json", "run_results.json"}, {"success"}),
    (["docs", "generate"], 0, EVERY | {"catalog.json"}, {"success"}),
    (["source", "freshness"], 1, {"manifest.json", "sources.json"}, {"pass", "warn"}),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--schemas", required=True)
    options = parser.parse_args()
    problems = []
    with tempfile.TemporaryDirectory() as work, Postgres() as database:
        project = shutil.copytree(os.path.join(HERE, "Artifacts"), f"{work}/project")
        for command, code, written, statuses in STEPS:
            name = " ".join(command)
            target = f"{work}/target"
            for artifact in written - {"run_results.json"}:
                if os.path.exists(f"{target}/{artifact}"):
                    os.remove(f"{target}/{artifact}")
            done = subprocess.run(
                [os.path.abspath(options.binary), *command, "--target-path", target,
                 "--profiles-dir", project, "--project-dir", project],
                env=os.environ | database, capture_output=True, text=True)
            if done.returncode != code:
                problems.append(f"{name}: exit code {done.returncode}, not {code}\n{done.stdout}"
                                f"{done.stderr}")
                continue
            found = set()
            for artifact in sorted(written):
                path = f"{target}/{artifact}"
                if not os.path.exists(path):
                    problems.append(f"{name}: {artifact} was not written")
                    continue
                problems += [f"{name}: {artifact}: {message}"
                             for message in validate(path, options.schemas)]
                if artifact in ("run_results.json", "sources.json"):
                    with open(path, encoding="utf-8") as file:
                        found |= {result["status"] for result in json.load(file)["results"]}
            if missing := statuses - found:
                problems.append(f"{name}: no result is {', '.join(sorted(missing))}")
            print(f"{name}: {', '.join(sorted(written))}; {', '.join(sorted(found))}")
    for problem in problems:
        print("problem:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
