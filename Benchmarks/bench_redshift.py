#!/usr/bin/env python3
"""Count what `sectoral` and dbt-redshift send to Redshift for the same projects: statements and commits, as
the stand-in of the testbed logs them.

    bench_redshift.py --binary .build/release/sectoral [--shared ../shared] [--dbt PATH] [--json FILE]

Both build each project twice, into a schema of their own: into nothing, and over what the first build made.
A statement is a line of the stand-in's log, whoever caused it: BEGIN and COMMIT count like others. A commit
is a transaction that changed something and was committed: by COMMIT, by TRUNCATE, or because the statement
stood alone. Transactions that only read cost no commit, and are not counted. What was built is compared row
by row, but for the columns that snapshots fill with the time and hashes of it.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from harness import executable

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PASSWORD = "Passw0rd"
# name, folder, profile, what both leave out. `sort: auto` is no setting of dbt-redshift.
PROJECTS = [("jaffle_shop", "Examples/jaffle_shop", "jaffle_shop_example", []),
            ("market", ".", "sectoral", []),
            ("features", "Examples/redshift", "redshift_features", ["events_auto"])]
CHANGES = {"create", "drop", "alter", "insert", "delete", "update", "merge", "truncate", "grant", "revoke",
           "comment", "refresh", "copy", "call", "vacuum", "analyze"}
COMMENT = re.compile(r"\A\s*/\*.*?\*/\s*", re.S)
NODE = re.compile(r'"node_id": "([^"]+)"')


class StandIn:
    """The stand-in for Redshift, with a state of its own; its packages are installed once."""

    def __init__(self, shared):
        self.script = os.path.join(shared, "testbed", "redshift", "standin.sh")
        if not os.path.exists(self.script):
            sys.exit(f"{self.script}: the testbed is not there")

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sectoral-bench-rs-")
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        packages = os.path.join(cache, "sectoral-testbed", "redshift-venv")
        wanted = os.path.join(os.path.dirname(self.script), "requirements.txt")
        if not os.path.exists(f"{packages}/requirements.txt"):
            subprocess.run([sys.executable, "-m", "venv", packages], check=True)
            subprocess.run([f"{packages}/bin/pip", "-q", "install", "--disable-pip-version-check", "-r", wanted],
                           check=True)
            shutil.copy(wanted, f"{packages}/requirements.txt")
        os.symlink(packages, f"{self.folder}/redshift-venv")
        self.port = random.randrange(20_000, 25_000, 2)
        self.do("start", "--port", str(self.port))
        self.log = f"{self.folder}/redshift/statements.jsonl"
        # dbt-redshift's driver checks the certificate.
        os.environ["SSL_CERT_FILE"] = f"{self.folder}/redshift/tls/ca.pem"
        return self

    def __exit__(self, *_):
        self.do("stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, *arguments):
        subprocess.run([self.script, *arguments], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"STANDIN_HOME": self.folder})

    def recorded(self, work):
        before = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        work()
        with open(self.log) as file:
            file.seek(before)
            return [json.loads(line) for line in file]

    def query(self, sql):
        done = subprocess.run(
            ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "awsuser",
             "dev", "-c", sql], check=True, capture_output=True, text=True,
            env=os.environ | {"PGPASSWORD": PASSWORD})
        return [line.split("|") for line in done.stdout.splitlines()]


def counted(entries, manifest):
    """(statements, commits) in all, and by the kind of node that a session served."""
    kinds = {name: node["config"].get("materialized") or node["resource_type"]
             for name, node in manifest["nodes"].items()}
    kinds |= {name: "function" for name in manifest.get("functions", {})}
    kinds |= {name: "unit test" for name in manifest.get("unit_tests", {})}
    # A connection may serve many nodes. What has no comment belongs to the node before it, and a BEGIN to the
    # node behind it.
    owners, current = {}, {}
    for index in reversed(range(len(entries))):
        entry = entries[index]
        found = NODE.search(entry["sql"])
        if found:
            current[entry["pid"]] = found.group(1)
        owners[index] = current.get(entry["pid"])
    current = {}
    for index, entry in enumerate(entries):
        found = NODE.search(entry["sql"])
        if found:
            current[entry["pid"]] = found.group(1)
        elif not entry["sql"].lower().startswith("begin"):
            owners[index] = current.get(entry["pid"], owners[index])
    counts = collections.defaultdict(lambda: [0, 0])
    state = collections.defaultdict(lambda: [False, False])     # within a transaction, which changed something
    for index, entry in enumerate(entries):
        owner = owners[index]
        count = counts["around the nodes" if owner is None else kinds.get(owner, "other")]
        count[0] += 1
        text = COMMENT.sub("", entry["sql"]).strip()
        while text.startswith("--"):
            text = text.partition("\n")[2].strip()
        word = re.match(r"\w*", text).group().lower()
        session = state[entry["pid"]]
        if entry["outcome"] not in ("accepted", "translated"):
            continue
        if word in ("begin", "start"):
            session[:] = [True, False]
        elif word in ("commit", "end"):
            count[1] += session[1]
            session[:] = [False, False]
        elif word in ("rollback", "abort"):
            session[:] = [False, False]
        elif word == "truncate":
            count[1] += 1
            session[:] = [False, False]
        elif word in CHANGES:
            if session[0]:
                session[1] = True
            else:
                count[1] += 1
    total = [sum(c[i] for c in counts.values()) for i in (0, 1)]
    return {"all": total, **counts}


def shorten(folder):
    """Two years of the market's data: the stand-in takes minutes to look at the inserts of all."""
    for path in glob.glob(f"{folder}/*.csv"):
        with open(path) as file:
            lines = file.readlines()
        with open(path, "w") as file:
            file.writelines(lines[:1] + [line for line in lines[1:] if line.split(",")[1] < "2002"])


def built(standin, schema):
    """What stands in a schema: kinds and rows."""
    found = {}
    for name, kind in standin.query(
            f"select table_name, table_type from information_schema.tables where table_schema = '{schema}'"):
        columns = [row[0] for row in standin.query(
            f"select column_name from information_schema.columns where table_schema = '{schema}' "
            f"and table_name = '{name}'") if not row[0].startswith("dbt_")]
        names = ", ".join(f'"{c}"' for c in columns) or "*"
        found[name] = (kind, sorted(standin.query(f'select {names} from "{schema}"."{name}"')))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--dbt", help="dbt with dbt-redshift; installed where it is not given")
    parser.add_argument("--json")
    options = parser.parse_args()
    tools = {"sectoral": os.path.abspath(options.binary), "dbt": options.dbt or executable("dbt-redshift")}
    report = {}
    with StandIn(os.path.abspath(options.shared)) as standin, tempfile.TemporaryDirectory() as work:
        for user in ("user reporter password 'Rep0rter'", "group readers", "role analyst"):
            standin.query(f"create {user}")
        for name, folder, profile, left_out in PROJECTS:
            schemas = {}
            for tool, program in tools.items():
                place = os.path.join(work, f"{name}_{tool}")
                shutil.copytree(os.path.join(ROOT, folder), place, ignore=shutil.ignore_patterns(
                    ".build", ".git", "target", "logs", "Sources", "Tests", "shared", "node_modules"))
                schemas[tool] = f"{name}_{tool}"
                if name == "market":
                    shorten(os.path.join(place, "Examples", "data"))
                with open(os.path.join(place, "profiles.yml"), "w") as file:
                    json.dump({profile: {"target": "prod", "outputs": {"prod": {
                        "type": "redshift", "host": "127.0.0.1", "port": standin.port, "user": "awsuser",
                        "password": PASSWORD, "dbname": "dev", "schema": schemas[tool], "sslmode": "require",
                        "threads": 4}}}}, file)

                def build():
                    done = subprocess.run(
                        [program, "build", "--profiles-dir", place, *(["--exclude", *left_out] if left_out else [])],
                        cwd=place, capture_output=True, text=True,
                        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0"})
                    if done.returncode:
                        sys.exit(f"{tool} build of {name} failed:\n{done.stdout}{done.stderr}")
                for turn in ("first", "second"):
                    entries = standin.recorded(build)
                    with open(os.path.join(place, "target", "manifest.json")) as file:
                        report[name, turn, tool] = counted(entries, json.load(file))
            suffixes = {row[0][len(schemas["sectoral"]):] for row in standin.query(
                "select distinct table_schema from information_schema.tables "
                f"where table_schema like '{schemas['sectoral']}%'")}
            for suffix in suffixes:
                ours, theirs = (built(standin, schemas[tool] + suffix) for tool in tools)
                if ours != theirs:
                    sys.exit(f"{name}: what was built in '{suffix or 'the schema'}' differs: " + ", ".join(
                        sorted(n for n in ours.keys() | theirs.keys() if ours.get(n) != theirs.get(n))))
            print(f"{name}: both built the same")
    print(f"\n{'project':12} {'build':7} {'nodes':22} {'statements':>22} {'commits':>22}")
    print(f"{'':43} {'sectoral':>8} {'dbt':>6} {'':6} {'sectoral':>8} {'dbt':>6}")
    rows = []
    for name, *_ in PROJECTS:
        for turn in ("first", "second"):
            ours, theirs = (report[name, turn, tool] for tool in tools)
            for kind in sorted(ours.keys() | theirs.keys()):
                a, b = ours.get(kind, [0, 0]), theirs.get(kind, [0, 0])
                share = [f"{x / y:6.0%}" if y else "      " for x, y in zip(a, b)]
                rows.append({"project": name, "build": turn, "nodes": kind, "sectoral": a, "dbt": b})
                print(f"{name:12} {turn:7} {kind:22} {a[0]:8} {b[0]:6} {share[0]} {a[1]:8} {b[1]:6} {share[1]}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
