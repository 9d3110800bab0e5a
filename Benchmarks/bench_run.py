#!/usr/bin/env python3
"""Time `sectoral run`, `test` and `seed` beside what the server alone needs for the same statements, and
beside dbt-core, on a server of their own.

    bench_run.py --binary .build/release/sectoral [--shared ../shared] [--models 1000] [--rounds 5]
                 [--rows 1000000] [--dbt PATH | --without-dbt] [--without-seed] [--json FILE]

The project comes from shared/bench/gen_project.py. `run` is timed twice: into schemas that do not exist,
and over what the first run made. The server itself records once what it was sent (log_statement), message
by message; a small libpq program (replay.c) sends the same messages on four connections, node after node
as the graph allows, and its time is the floor. dbt-core 1.11.16 runs the same project on the same server;
its runs but the first find a parsed project, ours never does.

All files are in memory where there is room: the floor is what the server computes, not what a disk that
was busy a moment ago adds to it.

Runs alternate, so that a busy moment of the machine meets all; the best of the runs counts. Wall and CPU
are seconds, memory the peak resident set in MB; the server's CPU is of all its processes. Where other
work disturbs the wall, the CPU columns say more.
"""
import argparse
import collections
import glob
import json
import os
import platform
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from harness import Postgres, executable, memory_folder, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
THREADS = 4
# What a statement may not be split in, and what splits it.
SQL_PARTS = re.compile(
    r"""'(?:[^'\\]|''|\\.)*'|"[^"]*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/|(;)""", re.S)
NODE = re.compile(r'"node_id": "([^"]+)"')
# Lines of dbt.log: a statement, an answer.
LINE = re.compile(r"(\d\d):(\d\d):(\d\d\.\d+) \[debug\] \[[^]]*\]: (On \S+: |SQL status: )")


class Server(Postgres):
    """The benchmark's server, and what is done to it between the measured runs."""

    def __init__(self, folder=None):
        super().__init__(folder, logging_collector="on", log_destination="jsonlog",
                         log_rotation_size="0", log_file_mode="0644", max_connections="60")

    def __enter__(self):
        self.environment = super().__enter__()
        self.client = shutil.which("psql") or f"{self.bin}/psql"
        return self

    def psql(self, *arguments, database="postgres", **options):
        return subprocess.run(
            [self.client, "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-d",
             database, *arguments], check=True, capture_output=True, text=True, **options).stdout

    def database(self, name, template=None):
        """Makes a database anew; returns what a tool's environment says about it."""
        self.psql("-c", f"drop database if exists {name} with (force)")
        self.psql("-c", f"create database {name}" + (f" template {template}" if template else ""))
        return self.environment | {"PGDATABASE": name}

    def recorded(self, name, work):
        """The messages that the database gets while `work` runs: (process, text), in order."""
        marks = {path: os.path.getsize(path) for path in self.logs()}
        self.psql("-c", f"alter database {name} set log_statement = 'all'")
        work()
        self.psql("-c", f"alter database {name} reset log_statement")
        messages = []
        for path in self.logs():
            with open(path) as file:
                file.seek(marks.get(path, 0))
                for line in file:
                    entry = json.loads(line)
                    kind, _, text = entry.get("message", "").partition(": ")
                    if entry.get("dbname") != name:
                        continue
                    if kind == "statement":
                        messages.append((entry["pid"], text))
                    elif kind.startswith("execute"):
                        sys.exit(f"replay.c sends strings alone, and was given: {entry['message']}")
        return messages

    def logs(self):
        return sorted(glob.glob(f"{self.folder}/data/log/*.json"))


def statements(text):
    """How many statements a message holds."""
    count = code = 0
    last = 0
    for match in SQL_PARTS.finditer(text):
        code += bool(text[last:match.start()].strip())
        last = match.end()
        if match.group(2):
            count += bool(code)
            code = 0
        elif not match.group().startswith(("--", "/*")):
            code = 1
    return count + bool(code or text[last:].strip())


def outside(log, wall):
    """The part of a run's wall time, in seconds, in which no statement was under way."""
    with open(log) as file:
        moments = [int(h) * 3600 + int(m) * 60 + float(s) for h, m, s, _ in LINE.findall(file.read())]
    return wall - (moments[-1] - moments[0]) % 86400


class Recording:
    """What was sent for each node, and which nodes it had to wait for."""

    def __init__(self, messages, manifest):
        jobs = []           # (node id or None, [text])
        current = {}        # process -> job
        waiting = collections.defaultdict(list)
        for process, text in messages:
            nodes = NODE.findall(text)
            if not nodes and re.fullmatch(r"\s*begin\s*;?\s*", text, re.I):
                # The driver's BEGIN comes before the first statement that says whose it is.
                waiting[process].append(text)
                continue
            name = nodes[0] if nodes else None
            job = current.get(process)
            if job is None or (nodes and job[0] != name) or (not nodes and "/*" in text[:3] and job[0]):
                job = (name, [])
                jobs.append(job)
                current[process] = job
            job[1].extend(waiting.pop(process, []))
            job[1].append(text)
        merged = {}
        for name, texts in jobs:
            merged.setdefault(name or len(merged), []).extend(texts)
        self.names = list(merged)
        self.texts = list(merged.values())
        self.parents = manifest["parent_map"]
        self.index = {name: i for i, name in enumerate(self.names)}
        self.nodes = sum(isinstance(name, str) for name in self.names)

    def dependencies(self, name):
        if not isinstance(name, str):
            # What is sent around the nodes waits for all before it.
            return list(range(self.index[name]))
        before = [self.index[n] for n in self.names[:self.index[name]] if not isinstance(n, str)]
        found, stack, seen = set(before[:1]), list(self.parents.get(name, [])), set()
        while stack:
            parent = stack.pop()
            if parent in seen:
                continue
            seen.add(parent)
            if parent in self.index:
                found.add(self.index[parent])
            else:
                stack += self.parents.get(parent, [])
        return sorted(found)

    def write(self, path):
        with open(path, "wb") as file:
            def numbers(*values):
                file.write(struct.pack(f"={len(values)}I", *values))
            numbers(len(self.names))
            for name, texts in zip(self.names, self.texts):
                needs = self.dependencies(name)
                numbers(len(needs), *needs, len(texts))
                for text in texts:
                    data = text.encode()
                    numbers(len(data))
                    file.write(data)

    def counts(self):
        """Round trips and statements for each node, and those around the nodes."""
        trips = sum(len(t) for n, t in zip(self.names, self.texts) if isinstance(n, str))
        parts = sum(statements(m) for n, t in zip(self.names, self.texts) if isinstance(n, str)
                    for m in t)
        around = sum(len(t) for n, t in zip(self.names, self.texts) if not isinstance(n, str))
        return trips / max(1, self.nodes), parts / max(1, self.nodes), around


class Bench:
    def __init__(self, server, work, options):
        self.server = server
        self.work = work
        self.options = options
        self.best = {}       # (what, who) -> figures
        self.counts = {}

    def measure(self, what, who, argv, environment, accepted=(0,), log=None):
        before = self.server.cpu()
        result = run(argv, os.path.join(self.work, "output.log"), environment, accepted)
        self.settle()
        if log:
            result["outside"] = outside(log, result["wall"])
        result["server"] = self.server.cpu() - before
        best = self.best.setdefault((what, who), result)
        for key, value in result.items():
            best[key] = min(best[key], value)
        if self.options.verbose:
            print(f"  {what}, {who}: {result}", file=sys.stderr, flush=True)
        return result

    def settle(self):
        """Waits until the server's ends of the connections are gone: their time counts from then."""
        for _ in range(200):
            if self.server.psql("-c", "select count(*) from pg_stat_activity where backend_type = "
                                "'client backend' and pid <> pg_backend_pid()").strip() == "0":
                return
            time.sleep(0.02)

    def tool(self, project, out, command):
        place = ["--project-dir", project, "--profiles-dir", project, "--target-path",
                 f"{out}/target", "--log-path", f"{out}/logs"]
        return [*command, *place, "--threads", str(THREADS)]

    # -- run and test

    def statements(self, binary, dbt):
        server, options = self.server, self.options
        project = os.path.join(self.work, "project")
        generator = os.path.join(options.shared, "bench", "gen_project.py")
        subprocess.run([sys.executable, generator, project, "--models", str(options.models)],
                       check=True, stdout=subprocess.DEVNULL)
        replay = os.path.join(self.work, "replay")
        subprocess.run(["gcc", "-O2", "-o", replay, os.path.join(HERE, "replay.c"), "-l:libpq.so.5",
                        "-lpthread"], check=True)
        server.database("raw")
        server.psql("-f", f"{project}/raw.sql", database="raw")
        phases = [("run, first", "run", True), ("run, again", "run", False), ("test", "test", False)]

        # Recorded in runs that are not measured, for the log costs time.
        out = os.path.join(self.work, "out")
        environment = server.database("ours", "raw")
        for what, command, _ in phases:
            shutil.rmtree(out, ignore_errors=True)
            argv = self.tool(project, out, [binary, command])
            messages = server.recorded("ours", lambda: run(
                argv, os.path.join(self.work, "output.log"), environment))
            with open(f"{out}/target/manifest.json") as file:
                recording = Recording(messages, json.load(file))
            recording.write(os.path.join(self.work, f"{command}-{what}.replay"))
            self.counts[what] = recording.counts()

        for round_ in range(options.rounds):
            for who in ("sectoral", "floor"):
                environment = server.database("ours", "raw")
                for what, command, _ in phases:
                    shutil.rmtree(out, ignore_errors=True)
                    os.makedirs(out)
                    log = None
                    if who == "sectoral":
                        argv = self.tool(project, out, [binary, command])
                        log = f"{out}/logs/dbt.log"
                    else:
                        argv = [replay, f"host={server.folder} dbname=ours user=postgres",
                                str(THREADS), os.path.join(self.work, f"{command}-{what}.replay")]
                    self.measure(what, who, argv, environment, log=log)
        if dbt:
            out = os.path.join(self.work, "dbt-out")
            environment = server.database("dbt", "raw")
            for what, command, _ in phases:
                self.measure(what, "dbt-core", self.tool(project, out, [dbt, command]), environment)
        server.psql("-c", "drop database if exists ours with (force)")
        for what, _, _ in phases:
            self.print(what)

    HEADER = (f"{'':12}{'':10}{'wall':>8}{'CPU':>8}{'server':>8}{'MB':>6}{'':>3}"
              f"{'of the floor':>13}{'outside':>9}{'client share':>14}{'round trips':>13}{'statements':>12}")

    def print(self, what):
        floor = self.best[what, "floor"]
        for who in ("sectoral", "floor", "dbt-core"):
            figures = self.best.get((what, who))
            if not figures:
                continue
            line = (f"{what if who == 'sectoral' else '':12}{who:10}{figures['wall']:8.3f}"
                    f"{figures['cpu']:8.3f}{figures['server']:8.3f}{figures['memory']:6.0f}{'':>3}"
                    f"{figures['wall'] / floor['wall']:13.2f}"
                    f"{figures.get('outside', 0):9.3f}"
                    f"{figures['cpu'] / (figures['cpu'] + figures['server']):14.0%}")
            if who == "sectoral":
                trips, parts, around = self.counts[what]
                line += f"{trips:13.2f}{parts:12.2f}   (and {around} around the nodes)"
            if who == "dbt-core":
                ours = self.best[what, "sectoral"]
                line += f"   {figures['wall'] / ours['wall']:.1f} times as long as sectoral"
            print(line, flush=True)

    # -- seed

    def seed(self, binary):
        server, options = self.server, self.options
        project = os.path.join(self.work, "seeds")
        os.makedirs(f"{project}/seeds")
        with open(f"{project}/dbt_project.yml", "w") as file:
            file.write("name: bench\nversion: '1.0'\nprofile: bench\n")
        with open(f"{project}/profiles.yml", "w") as file:
            file.write(f"bench: {{target: dev, outputs: {{dev: {{type: postgres, host: {server.folder}, "
                       "port: 5432, user: postgres, password: x, dbname: seeds, schema: bench}}}\n")
        path = f"{project}/seeds/rows.csv"
        write_rows(path, options.rows)
        size = os.path.getsize(path) / 1e6
        out = os.path.join(self.work, "out")
        environment = server.database("seeds")
        load = os.path.join(self.work, "load.sql")
        with open(load, "w") as file:
            file.write(f"create table public.rows ({COLUMN_TYPES});\n"
                       f"\\copy public.rows from '{path}' with (format csv, header)\n")
        what = f"seed, {options.rows:,} rows of 10 columns, {size:.0f} MB"
        for _ in range(options.rounds):
            shutil.rmtree(out, ignore_errors=True)
            os.makedirs(out)
            server.psql("-c", "drop schema if exists bench cascade", database="seeds")
            self.measure(what, "sectoral", self.tool(project, out, [binary, "seed"]), environment)
            server.psql("-c", "drop table if exists public.rows", database="seeds")
            self.measure(what, "floor", [server.client, "-qX", "-h", server.folder, "-U",
                                         "postgres", "-d", "seeds", "-f", load], environment)
        same = "select count(*) from (table bench.rows except all table public.rows) as d"
        count = server.psql("-c", same, database="seeds").strip()
        if count != "0":
            sys.exit(f"the seed differs from what psql loaded in {count} rows")
        ours, floor = self.best[what, "sectoral"], self.best[what, "floor"]
        print(f"\n{what}")
        print(f"{'':12}{'':10}{'wall':>8}{'CPU':>8}{'server':>8}{'MB':>6}")
        for name, figures in (("sectoral", ours), ("psql", floor)):
            print(f"{'':12}{name:10}{figures['wall']:8.3f}{figures['cpu']:8.3f}"
                  f"{figures['server']:8.3f}{figures['memory']:6.0f}")
        print(f"{'':12}{ours['wall'] / floor['wall']:.2f} times psql's \\copy")


COLUMN_TYPES = ("id integer, customer_id integer, status text, amount float8, ordered_on date, "
                "created_at timestamp without time zone, is_open boolean, note text, quantity integer, "
                "ratio float8")


def write_rows(path, count):
    """A seed whose columns are of all the types that are inferred, with nulls and quotes in it."""
    random.seed(7)
    words = ["placed", "shipped", "completed", "returned"]
    notes = ["", "plain", "with blanks in it", '"a, quoted"', '"and ""doubled"" quotes"', "Zürich"]
    with open(path, "w") as file:
        file.write("id,customer_id,status,amount,ordered_on,created_at,is_open,note,quantity,ratio\n")
        for i in range(count):
            n = random.getrandbits(40)
            day = f"20{n % 25:02}-{n % 12 + 1:02}-{n % 28 + 1:02}"
            amount = f"{n % 100000 / 100}" if n % 50 else ""
            file.write(f"{i},{n % 100003},{words[n % 4]},{amount},{day},{day} {n % 24:02}:"
                       f"{n % 60:02}:{n // 64 % 60:02},{'true' if n % 3 else 'false'},"
                       f"{notes[n % 6]},{n % 17},{n % 1000003 / 1000}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/sectoral"))
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the seed")
    parser.add_argument("--dbt", help="use this dbt instead of installing one")
    parser.add_argument("--without-dbt", action="store_true", help="leave dbt-core out")
    parser.add_argument("--without-seed", action="store_true")
    parser.add_argument("--without-statements", action="store_true", help="the seed alone")
    parser.add_argument("--verbose", action="store_true", help="every run's figures on stderr")
    parser.add_argument("--json", help="write the figures there as well")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    if not os.access(binary, os.X_OK):
        sys.exit(f"there is no executable at {binary}: run `make release` first")
    dbt = None
    if not options.without_dbt and not options.without_statements:
        dbt = os.path.abspath(options.dbt) if options.dbt else executable("dbt-core")
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {THREADS} threads; "
          f"seconds, MB; best of {options.rounds} runs (dbt-core: of one)")
    # In memory where that can be, the server's files as well: a file system that was busy a moment ago
    # takes longer to make files than either tool takes to fill them, and ext4 looks twice at the place
    # of a file that was removed lately, which doubles the time of whoever comes after a `drop`.
    memory = memory_folder(gigabytes=8)
    with (tempfile.TemporaryDirectory(prefix="sectoral-bench-", dir=memory) as work,
          Server(memory) as server):
        bench = Bench(server, work, options)
        if not options.without_statements:
            print(Bench.HEADER)
            bench.statements(binary, dbt)
        if not options.without_seed:
            bench.seed(binary)
        if options.json:
            figures = [{"what": what, "who": who} | values
                       for (what, who), values in bench.best.items()]
            with open(options.json, "w") as file:
                json.dump({"machine": platform.platform(), "cores": os.cpu_count(),
                           "figures": figures, "round trips": bench.counts}, file, indent=2)


if __name__ == "__main__":
    main()
