#!/usr/bin/env python3
"""What dbt-core does and says when it runs small projects, beside what sectoral does and says.

    command_cases.py --bin BINARY [--dbt DBT] [--show] [CASE...]

A case is a file `Commands/NAME.case`: lines `== path` begin a file of the project, lines `$ ...` are
commands (without the tool's name), run in their order, each tool in a database of its own on one
throwaway server. `{state}` in a command is a copy of target/ as it was when a line `$ ! keep` came;
`$ ! sql ...` runs SQL in both databases; `$ ! write PATH TEXT` writes a file; `$ ! env NAME=VALUE`
sets a variable for what follows.

Compared for each command: exit code; what is printed (times, ids and folders evened out); the events
of the JSON log with their names, levels and fields; run_results.json, sources.json and catalog.json
where a command wrote them. dbt-core is taken from the environment that the benchmarks make.

It reports; not all that differs is wrong: our errors have places and advice, tables are rebuilt without
dropping what hangs on them, and where dbt-core crashes there is a message.
"""
import argparse
import difflib
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "Benchmarks"))
from harness import Postgres, executable  # noqa: E402

CASES = os.path.join(HERE, "Commands")
PROJECT = "name: p\nprofile: p\nversion: '1.0'\nflags: {send_anonymous_usage_stats: false}\n"
PROFILE = """p:
  target: dev
  outputs:
    dev: &dev {{type: postgres, host: {host}, port: 5432, user: postgres, password: x, dbname: {db}, schema: s, threads: 1}}
    other: {{<<: *dev, schema: other}}
    broken: {{<<: *dev, port: 5433}}
"""
# Events that say what a tool does inside itself, or that come once for each statement: not compared.
INNER = re.compile(
    r"^(SendingEvent|TrackingInitializeFailure|SendEventFailure|FlushEvents.*|PartialParsing.*|"
    r"UnableToPartialParse|StateCheck.*|Parse(Cmd|Perf).*|SystemCouldNotWrite|CacheAction|CacheDumpGraph|"
    r"SchemaCreation|SchemaDrop|CacheMiss|ListRelations|ColTypeChange|AdapterEvent.*|"
    r"NewConnection.*|Connection(Used|LeftOpen.*|Closed.*|Reused)|Rollback.*|SQL.*|AdapterImportError|"
    r"AdapterRegistered|PluginLoadError|CodeExecution.*|Timing.*|FinishedRunningStats_|"
    r"WritingInjectedSQL.*|MergedFromState|BuildingCatalog_|DisableTracking|FinishedCleanPaths_|"
    r"ConstraintNot.*_|ResourceReport|MainReportArgs|ArtifactWritten|"
    r"PublicationArtifact.*|SeedIncreased|MainTrackingUserState|RegistryProgress.*|HooksRunning_|"
    r"System(ExecutingCmd|StdOut|StdErr)|TargetNotConfigured_|DebugCmd.*Args|EndRunResult_|InternalDeprecation.*|DatabaseErrorRunningHook_)$")
# Fields whose values are one tool's own, or another in each run.
DROPPED = {"args", "log_version", "elapsed_time", "node_started_at", "node_finished_at", "elapsed", "execution_time",
           "duration", "completed_at", "execution", "version", "dbt_version", "fal_key", "thread",
           "stat_line", "exc_info", "exc", "flat_graph", "python_version", "os", "path"}


def read_case(path):
    """The project's files and the steps, each a list of words."""
    files, steps, name = {}, [], None
    for line in open(path, encoding="utf-8"):
        if line.startswith("== "):
            name = line[3:].strip()
            files[name] = []
        elif line.startswith("$ "):
            steps.append(line[2:].strip())
        elif name is not None:
            files[name].append(line)
    files = {name: "".join(lines) for name, lines in files.items()}
    files.setdefault("dbt_project.yml", PROJECT)
    return files, steps


class Tool:
    """One tool in a folder and a database of its own."""

    def __init__(self, name, binary, work, files, server):
        self.name, self.binary = name, binary
        self.folder = os.path.join(work, name, "project")
        self.database = "db_" + name
        self.server = server
        self.environment = os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
                                         "NO_COLOR": "1", "DBT_USE_COLORS": "false", "DBT_PARTIAL_PARSE": "false",
                                         "DBT_VERSION_CHECK": "false", "DBT_LOG_CACHE_EVENTS": "false"}
        for key in ("POSTGRES_HOST", "POSTGRES_USER", "PGHOST"):
            self.environment.pop(key, None)
        for path, text in files.items():
            self.write(path, text)
        if "profiles.yml" not in files:
            self.write("profiles.yml", PROFILE.format(host=server, db=self.database))
        self.sql(f"create database {self.database}", "postgres")

    def write(self, path, text):
        target = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)

    def sql(self, text, database=None):
        subprocess.run(["psql", "-q", "-h", self.server, "-U", "postgres", "-d",
                        database or self.database, "-v", "ON_ERROR_STOP=1", "-c", text], check=True)

    def run(self, step):
        """The observations of one step, as a dict of named texts."""
        kind, _, rest = step.partition(" ")
        if kind == "!":
            return self.order(rest)
        target = os.path.join(self.folder, "target")
        for name in ("run_results", "sources", "catalog"):
            path = os.path.join(target, name + ".json")
            if os.path.exists(path) and not step.startswith("retry"):
                os.remove(path)
        log = os.path.join(self.folder, "logs", "dbt.log")
        if os.path.exists(log):
            os.remove(log)
        words = [word.replace("{state}", os.path.join(self.folder, "state"))
                 for word in shlex.split(step)]
        done = subprocess.run([self.binary, *words, "--log-format-file", "json"], cwd=self.folder,
                              env=self.environment, capture_output=True, text=True, timeout=600)
        seen = {"exit": str(done.returncode), "stdout": self.even(done.stdout),
                "stderr": self.even(done.stderr)}
        seen["events"] = self.events(log)
        for name in ("run_results", "sources", "catalog"):
            path = os.path.join(target, name + ".json")
            if os.path.exists(path):
                seen[name] = self.even(json.dumps(artifact(name, json.load(open(path))), indent=1,
                                                  sort_keys=True))
        return seen

    def order(self, order):
        verb, _, rest = order.partition(" ")
        if verb == "keep":
            shutil.rmtree(os.path.join(self.folder, "state"), ignore_errors=True)
            shutil.copytree(os.path.join(self.folder, "target"), os.path.join(self.folder, "state"))
        elif verb == "sql":
            self.sql(rest)
        elif verb == "write":
            path, _, text = rest.partition(" ")
            self.write(path, text.replace("\\n", "\n") + "\n")
        elif verb == "env":
            name, _, value = rest.partition("=")
            self.environment[name] = value
        elif verb == "remove":
            os.remove(os.path.join(self.folder, rest))
        else:
            sys.exit(f"unknown order: {order}")
        return {}

    def even(self, text):
        """Text without what is another in each run, and without what only one tool says."""
        text = text.replace(os.path.realpath(self.folder), "<project>").replace(self.folder, "<project>")
        text = text.replace(self.database, "<db>").replace(self.server, "<server>")
        for pattern, even in EVENED:
            text = pattern.sub(even, text)
        lines = [line.rstrip() for line in text.split("\n") if not OWN_LINE.search(line)]
        return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip("\n")

    def events(self, log):
        lines = []
        if not os.path.exists(log):
            return "(no log)"
        for line in open(log, encoding="utf-8"):
            try:
                event = json.loads(line)
            except ValueError:
                lines.append(("", "not JSON: " + line))
                continue
            info, data = event["info"], event["data"]
            # What built-in macros note for themselves is theirs.
            own = info["name"] == "JinjaLogDebug" and re.match(r"\s*$|Applying ", info["msg"])
            if own or INNER.match(info["name"]):
                continue
            head = f"{info['name']} {info['code']} {info['level']}"
            # What led to an error is Python's calls there, and macros' here.
            said = "" if info["name"] == "LogDebugStackTrace" else self.even(info["msg"])
            text = [f"{head}: {said}"]
            text += [f"    {self.even(text)}" for text in fields(data)]
            extra = set(info) - {"category", "code", "extra", "invocation_id", "level", "msg", "name",
                                 "pid", "thread", "ts"}
            text += [f"    info has {name}" for name in sorted(extra)]
            # Nodes may come in another order: each with its own events.
            node = data.get("node_info", {}).get("unique_id") or data.get("unique_id", "")
            lines.append((node, "\n".join(text)))
        return "\n".join(text for _, text in sorted(lines, key=lambda line: line[0]))


# dbt-core's: adapters, Python, partial parsing, the macros above an error. Ours: places and advice.
OWN_LINE = re.compile(
    r"Registered adapter: |python (version|path): |os info: |project directory: |partial parsing|"
    r"^ *> (in|called by) (macro|model|test|snapshot|operation)|^ *--> |^ *\d* \|( |$)|^ *= (hint|note): |"
    r"^ +\^+$|^ *= in macro |Applying (DROP|CREATE|ALTER) |^\s*$")
EVENED = [(re.compile(pattern), even) for pattern, even in [
    (r"\\n  > in macro (?:[^\"\\\\]|\\\\n)*", ""), (r'"(?:dbt|sectoral) (\w)', r'"TOOL \1'),
    (r"`(?:dbt|sectoral) ", "`TOOL "), (r" \(\d+\.\d\ds\)", ""), (r"(\\n| |\n)+\"", '"'),
    (r"(?:\\n *)+", r"\\n"), (r"LINE \d+: (\.\.\.)?\s*", "LINE N: "), (r"-{10,}", "----"), (r"(= -?\d+)\.0$", r"\1"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00|\+00)?", "<time>"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "<clock>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"\b\d+ minutes? and \d+\.\d+ seconds?", "N seconds"), (r"\b(\d+ hours? )?(\d+ minutes? )?(and )?\d+\.\d\d seconds?", "N seconds"),
    (r"\bin \d+\.\d\ds", "in Ns"), (r"\d+ data macros?|\d+ macros", "N macros"),
    (r"dbt=1\.\d+\.\d+\S*|sectoral=\S+", "TOOL"),
    (r"<db>_sectoral", "<db>"), (r"\b0x[0-9a-f]+", "0x"), (r"__dbt_tmp\d+", "__dbt_tmpN")]]


def fields(value, path=""):
    """`a.b = value` for each leaf, in the order of names."""
    if isinstance(value, dict):
        for name in sorted(value):
            if name not in DROPPED:
                yield from fields(value[name], f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from fields(item, f"{path}[{index}]")
    else:
        yield f"{path} = {json.dumps(value)}"


def artifact(name, content):
    """The parts of an artifact that are the same in each run."""
    content.pop("metadata", None)
    content.pop("elapsed_time", None)
    content.pop("args", None)
    if name == "run_results":
        for result in content["results"]:
            result.pop("execution_time", None)
            result["timing"] = [step["name"] for step in result["timing"]]
        content["results"].sort(key=lambda result: result["unique_id"])
    if name == "sources":
        for result in content["results"]:
            for key in ("max_loaded_at_time_ago_in_s", "execution_time"):
                result.pop(key, None)
            result["timing"] = [step["name"] for step in result.get("timing", [])]
    return content


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", required=True)
    parser.add_argument("--dbt")
    parser.add_argument("--show", action="store_true", help="print what both said, not only what differs")
    parser.add_argument("--only", default="", help="parts to compare: exit,stdout,events,...")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    binaries = {"dbt": options.dbt or executable("dbt-core"), "sectoral": os.path.realpath(options.bin)}
    parts = set(options.only.split(",")) - {""}
    names = options.cases or sorted(os.path.basename(path)[:-5] for path in glob.glob(f"{CASES}/*.case"))
    differing = 0
    with Postgres() as server:
        for case in names:
            files, steps = read_case(os.path.join(CASES, case + ".case"))
            with tempfile.TemporaryDirectory() as work:
                subprocess.run(["psql", "-q", "-h", server["PGHOST"], "-U", "postgres", "-c",
                                "drop database if exists db_dbt", "-c",
                                "drop database if exists db_sectoral"], check=True,
                               stderr=subprocess.DEVNULL)
                tools = [Tool(name, binary, work, files, server["PGHOST"])
                         for name, binary in binaries.items()]
                for step in steps:
                    theirs, ours = (tool.run(step) for tool in tools)
                    for part in theirs.keys() | ours.keys():
                        if parts and part not in parts:
                            continue
                        a, b = theirs.get(part, "(none)"), ours.get(part, "(none)")
                        if options.show:
                            print(f"-- {case}: {step}: {part}\n{b}")
                        if a != b:
                            differing += 1
                            print(f"\n== {case}: {step}: {part} differs (- dbt-core, + sectoral)")
                            print("\n".join(list(difflib.unified_diff(
                                a.splitlines(), b.splitlines(), lineterm="", n=2))[2:]))
    print(f"\n{len(names)} cases, {differing} differences")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
