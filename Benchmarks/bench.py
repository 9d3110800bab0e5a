#!/usr/bin/env python3
"""Time `sectoral parse` and `compile` beside dbt-core's and dbt's Rust engine's, on the same machine
in the same minutes, and print how the figures stand to what they should be.

    bench.py --binary .build/release/sectoral [--shared ../shared] [--sizes 1000,5000,10000]
             [--dbt PATH | --without-dbt] [--without-rust] [--json FILE]

The projects come from shared/bench/gen_project.py. dbt-core and the Rust engine (`dbt` 2.0) are
installed from PyPI, each into an environment of its own (in the user's cache folder, once). All tools
get the same arguments and start without a target folder each time. `compile` asks the database which
incremental models exist; all ask the same empty Postgres, which the benchmark starts for itself.
Runs alternate, so that a busy moment of the machine meets every tool; the best of the runs counts.
More than 1,000 models take dbt-core minutes, more than 5,000 the Rust engine: such runs are left out
unless BENCH_FULL=1. Where the Rust engine cannot load its Postgres driver it compiles all models
but the incremental ones, and ends with an error; it is measured all the same.

Wall and CPU are seconds, memory is the peak resident set in MB (the measuring process itself shows
as about 9 MB, so less than that cannot be seen).
"""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

from harness import Postgres, best, executable, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# What each size should reach: seconds, parts of dbt-core's time, parts of the Rust engine's, MB.
GOALS = {1000: {"parse": (None, 100, 12), "compile": (None, 100, 12), "memory": 80},
         5000: {"parse": (1.0, None, 14), "compile": (None, None, 18), "memory": 300},
         10000: {"parse": (None, None, None), "compile": (None, None, None), "memory": 600}}


class Bench:
    def __init__(self, tools, work, database):
        self.tools = tools
        self.work = work
        self.database = database
        self.rows = []
        self.runs = 0

    def time(self, label, arguments, rounds, repeats):
        """Run each tool in turn, `rounds` times; the tool named `repeats` several times a round."""
        results = {tool: [] for tool in self.tools}
        for _ in range(rounds):
            for tool, binary in self.tools.items():
                for _ in range(repeats.get(tool, 0)):
                    # A new folder each time, removed in the end: for a minute after files were
                    # deleted, ext4 tries their places one by one for each file that is made.
                    self.runs += 1
                    out = os.path.join(self.work, "out", str(self.runs))
                    os.makedirs(out)
                    argv = [binary] + [a.replace("{out}", out) for a in arguments]
                    log = os.path.join(self.work, f"{tool}.log")
                    accepted = (0, 1) if tool == "rust" else (0,)
                    results[tool].append(run(argv, log, self.database, accepted))
        row = {"what": label} | {t: best(r) for t, r in results.items() if r}
        self.rows.append(row)
        print(self.line(row), flush=True)

    HEADER = (f"{'':27}{'sectoral':>8}{'':>14}  {'dbt-core':>8}{'':>14}  {'Rust engine':>11}{'':>11}"
              f"  {'times as fast as':>16}\n" + f"{'':27}" + f"{'wall':>8}{'CPU':>8}{'MB':>6}  " * 3
              + f"{'dbt-core':>8}{'Rust':>7}")

    @staticmethod
    def line(row):
        def cells(result):
            if not result:
                return f"{'-':>8}{'-':>8}{'-':>6}"
            return f"{result['wall']:8.3f}{result['cpu']:8.3f}{result['memory']:6.0f}"

        def ratio(tool):
            return f"{row[tool]['wall'] / row['sectoral']['wall']:.0f}" if tool in row else ""
        return (f"{row['what']:27}{cells(row['sectoral'])}  {cells(row.get('dbt-core'))}  "
                f"{cells(row.get('rust'))}  {ratio('dbt-core'):>8}{ratio('rust'):>7}").rstrip()

    def table(self, sizes):
        """The figures beside the goals, as the project states them."""
        rows = {row["what"]: row for row in self.rows}
        print("\n| models | parse | compile | peak memory |\n|---|---|---|---|")
        for size in sizes:
            cells, memory = [], 0
            for command in ("parse", "compile"):
                row = rows[f"{command}, {size:,} models"]
                ours = row["sectoral"]
                memory = max(memory, ours["memory"])
                seconds, core, rust = GOALS.get(size, {}).get(command, (None, None, None))
                words = [f"{ours['wall']:.2f} s" + (f" (goal {seconds:g})" if seconds else "")]
                for tool, name, goal in (("dbt-core", "dbt-core's", core),
                                         ("rust", "the Rust engine's", rust)):
                    if tool in row:
                        part = row[tool]["wall"] / ours["wall"]
                        words.append(f"1/{part:.0f} of {name}" + (f" (goal 1/{goal})" if goal else ""))
                smaller = rows.get(f"{command}, {size // 2:,} models")
                if smaller:
                    growth = ours["wall"] / smaller["sectoral"]["wall"]
                    words.append(f"{growth:.1f} times half the size (goal 2)")
                cells.append(", ".join(words))
            goal = GOALS.get(size, {}).get("memory")
            cells.append(f"{memory:.0f} MB" + (f" (goal {goal})" if goal else ""))
            print(f"| {size:,} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/sectoral"))
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--sizes", default="1000,5000,10000")
    parser.add_argument("--dbt", help="use this dbt instead of installing one")
    parser.add_argument("--without-dbt", action="store_true", help="leave dbt-core out")
    parser.add_argument("--without-rust", action="store_true", help="leave the Rust engine out")
    parser.add_argument("--json", help="write the figures there as well")
    options = parser.parse_args()

    binary = os.path.abspath(options.binary)
    if not os.access(binary, os.X_OK):
        sys.exit(f"there is no executable at {binary}: run `make release` first")
    generator = os.path.join(options.shared, "bench", "gen_project.py")
    sizes = [int(size) for size in options.sizes.split(",") if size]
    if sizes and not os.path.exists(generator):
        sys.exit(f"there is no {generator}: set SECTORAL_SHARED to the folder that holds bench/")
    tools = {"sectoral": binary}
    if not options.without_dbt:
        tools["dbt-core"] = (os.path.abspath(options.dbt) if options.dbt
                             else executable("dbt-core"))
    if not options.without_rust:
        tools["rust"] = executable("rust")

    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; seconds, MB; "
          f"best of several runs")
    print(Bench.HEADER)
    with tempfile.TemporaryDirectory(prefix="sectoral-bench-") as work, Postgres() as database:
        bench = Bench(tools, work, database)
        bench.time("--version", ["--version"], 3, {"sectoral": 10, "dbt-core": 1, "rust": 1})
        common = ["--target-path", "{out}/target", "--log-path", "{out}/logs"]
        bench.time("parse, market project",
                   ["parse", "--no-partial-parse", "--project-dir", ROOT, "--profiles-dir",
                    os.path.join(ROOT, "profiles"), "--target", "dev", *common],
                   3, {"sectoral": 5, "dbt-core": 1})
        for size in sizes:
            project = os.path.join(work, f"project-{size}")
            subprocess.run([sys.executable, generator, project, "--models", str(size)], check=True,
                           stdout=subprocess.DEVNULL)
            place = ["--project-dir", project, "--profiles-dir", project, *common]
            full = os.environ.get("BENCH_FULL") == "1"
            repeats = {"sectoral": 3, "dbt-core": 1 if full or size <= 1000 else 0,
                       "rust": 1 if full or size <= 5000 else 0}
            rounds = 3 if size <= 100 else 2
            bench.time(f"parse, {size:,} models", ["parse", "--no-partial-parse", *place],
                       rounds, repeats)
            bench.time(f"compile, {size:,} models",
                       ["compile", "--no-partial-parse", "--quiet", *place], rounds, repeats)
        bench.table(sizes)
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"machine": platform.platform(), "cores": os.cpu_count(),
                           "rows": bench.rows}, file, indent=2)


main()
