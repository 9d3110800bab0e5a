#!/usr/bin/env python3
"""Random small projects, made by dbt-core and by sectoral, and compared in everything that is written.

    random_projects.py --bin BINARY [--seed 1] [--count 50 | --seeds 3,7] [--jobs 2] [--broken] [--work DIR]
    random_projects.py show SEED DIR [broken]      writes the project of one seed

A seed makes one project out of many features at once: settings at every level and in every form,
versions, sources, tests, snapshots, packages, the semantic layer, odd YAML and odd bytes. Both tools
parse and compile it; compared are exit codes, warnings by name and words, every key of every node of
manifest.json, semantic_manifest.json, the compiled SQL byte for byte. Then the project is edited a
little, and `ls` is compared under random selections, `state:` among them, with dbt's earlier manifest
as the state. `--broken` puts a slip or two into each project: then it is mostly the verdicts that are
compared.

It reports, grouped by where in the manifest the difference is; the project of a seed that differs stays
in the work folder. Not all that differs is wrong (docs/compatibility.md), and what dbt draws from sets
differs from run to run: macros a node depends on, tags of columns, sources of a model that is not
rendered, members of groups are compared without their order. Warnings of unknown keys at the top of
properties are ours alone.

dbt-core is taken from the environment that the benchmarks make, and a server from POSTGRES_HOST,
POSTGRES_PORT and POSTGRES_USER; without them one is started.
"""

import argparse
import collections
import difflib
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

from random_project import changed, project_of, selections, write_files

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# ---------------------------------------------------------------- the tools

SECTIONS = [
    "nodes",
    "sources",
    "macros",
    "docs",
    "exposures",
    "metrics",
    "groups",
    "selectors",
    "disabled",
    "parent_map",
    "child_map",
    "group_map",
    "saved_queries",
    "semantic_models",
    "unit_tests",
    "functions",
]
PROFILE = """p:
  target: dev
  outputs:
    dev: {{type: postgres, host: {host}, port: {port}, user: {user}, password: x, dbname: {database}, schema: {schema}, threads: 1}}
"""
INTERNAL = ("macro.dbt.", "macro.dbt_postgres.", "macro.dbt_redshift.", "doc.dbt.")
DROPPED = {"created_at", "root_path"}  # different in every run, or on every machine
# A summary of the others, notes, and what sectoral alone warns of.
UNNAMED = {"DeprecationsSummary", "Note", "CustomTopLevelKeyDeprecation"}
ENVIRONMENT = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_PARTIAL_PARSE": "false",
    "DBT_VERSION_CHECK": "false",
    "DBT_USE_COLORS": "false",
    "NO_COLOR": "1",
    "DBT_LOG_CACHE_EVENTS": "false",
}


def dbt_runs(folder, commands, answer):
    """Runs commands with dbt-core in a child that has it loaded; `parse` first, its manifest serves the rest."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        with open(answer, encoding="utf-8") as f:
            return json.load(f)
    try:
        os.environ.update(ENVIRONMENT)
        os.chdir(folder)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        from dbt.cli.main import dbtRunner

        out, manifest = [], None
        for words, after in commands:
            events = []
            run = dbtRunner(
                manifest=manifest,
                callbacks=[lambda e: events.append([e.info.level, e.info.name, e.info.msg])],
            ).invoke(list(words))
            error = None if run.success else str(run.exception or "")
            lines = [*map(str, run.result)] if words[0] == "ls" and isinstance(run.result, list) else []
            if words[0] == "parse":
                manifest = run.result if run.success else None
            out.append(
                {
                    "error": error,
                    "code": 0 if run.success else (2 if run.exception else 1),
                    "events": events,
                    "lines": lines,
                }
            )
            keep(folder, after)
            if words[0] == "parse" and not run.success:
                break
        with open(answer, "w", encoding="utf-8") as f:
            json.dump(out, f)
    except BaseException as problem:
        with open(answer, "w", encoding="utf-8") as f:
            json.dump([{"error": f"harness: {problem!r}", "code": 99, "events": [], "lines": []}], f)
    os._exit(0)


def keep(folder, after):
    if after:
        shutil.rmtree(after, ignore_errors=True)
        target = os.path.join(folder, "target")
        if os.path.isdir(target):
            shutil.copytree(target, after)


def our_runs(binary, folder, commands):
    out = []
    for words, after in commands:
        done = subprocess.run(
            [binary, *words, "--log-format", "json"],
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        events, lines = [], []
        for line in done.stdout.split("\n"):
            try:
                e = json.loads(line)
                info = e["info"]
            except (ValueError, KeyError, TypeError):
                continue
            if info["name"] == "PrintEvent":
                lines.append(info["msg"])
            events.append([info["level"], info["name"], info["msg"]])
        error = None
        if done.returncode:
            error = "\n".join(m for level, _, m in events if level == "error") or done.stderr or "?"
        out.append({"error": error, "code": done.returncode, "events": events, "lines": lines})
        keep(folder, after)
        if words[0] == "parse" and done.returncode:
            break
    return out


# ---------------------------------------------------------------- comparison


def cleaned(value):
    if isinstance(value, dict):
        if isinstance(value.get("columns"), dict):
            value = {**value, "columns": list(value["columns"].values())}
            for c in value["columns"]:  # dbt's are those of a set
                if isinstance(c.get("tags"), list):
                    c["tags"] = c["config"]["tags"] = sorted(c["tags"])
        return {k: cleaned(v) for k, v in value.items() if k not in DROPPED}
    if isinstance(value, list):
        return [cleaned(v) for v in value]
    return value


def manifest_parts(path):
    try:
        with open(path, encoding="utf-8") as f:
            manifest = json.load(f)
    except FileNotFoundError:
        return None
    parts = {}
    for section in SECTIONS:
        part = {k: v for k, v in (manifest.get(section) or {}).items() if not k.startswith(INTERNAL)}
        for k, v in part.items():
            if (
                isinstance(v, dict)
                and isinstance(v.get("depends_on"), dict)
                and v["depends_on"].get("macros")
            ):
                v["depends_on"]["macros"] = sorted(v["depends_on"]["macros"])
            if isinstance(v, dict) and isinstance(v.get("sources"), list) and section == "nodes":
                v["sources"].sort()  # of a set in models that dbt reads without rendering
                (
                    v["depends_on"]["nodes"].sort()
                    if v.get("depends_on") and v["depends_on"].get("nodes")
                    else None
                )
            if isinstance(v, dict) and v.get("language") == "python":
                v.pop("compiled_code", None)  # the code that follows the model is in words of our own
        part = cleaned(part)
        if section == "group_map":
            part = {k: sorted(v) for k, v in part.items()}
        parts[section] = part
    return parts


def differences(one, two):
    found = []

    def walk(a, b, path):
        if isinstance(a, dict) and isinstance(b, dict):
            for k in list(a) + [k for k in b if k not in a]:
                if k not in b:
                    found.append((path + [k], a[k], "(missing)"))
                elif k not in a:
                    found.append((path + [k], "(missing)", b[k]))
                else:
                    walk(a[k], b[k], path + [k])
        elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            for i, (x, y) in enumerate(zip(a, b)):
                walk(x, y, path + [str(i)])
        elif (a != b or type(a) is not type(b)) and not (a != a and b != b):
            found.append((path, a, b))

    walk(one, two, [])
    return found


def files_below(folder):
    out = {}
    for base, _, names in os.walk(folder):
        for n in names:
            p = os.path.join(base, n)
            with open(p, "rb") as f:
                out[os.path.relpath(p, folder)] = f.read().decode("utf-8", "replace")
    return out


def warnings(events):
    return sorted(n for level, n, _ in events if level == "warn" and n not in UNNAMED)


def criteria(events):
    """The warnings that a selection earns; those of reading the project are compared by themselves."""
    return [name for name in warnings(events) if name.startswith("NoNode")]


def even(text):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"\s+", " ", text)
    return text.strip()


def kind_of(path):
    """The signature of a difference: where it is, without the names."""
    out = [path[0]]
    if len(path) > 1 and path[0] in ("manifest", "compiled-manifest"):
        out = path[:2]
        if len(path) > 2:
            out.append(path[2].split(".")[0])
        out += [x for x in path[3:7] if not x.isdigit()]
    return "/".join(out)


def compare_seed(
    seed, binary, work, broken, server, keep_all=False, selecting=True, files=None, cli_vars=None
):
    """All differences of one seed: [(signature, detail)], and some figures."""
    if files is None:
        files, cli_vars = project_of(seed, broken)
    home = os.path.join(work, f"{seed}{'b' if broken else ''}")
    shutil.rmtree(home, ignore_errors=True)
    folder = os.path.join(home, "project")
    write_files(files, folder)
    os.makedirs(os.path.join(home, "profiles"), exist_ok=True)
    with open(os.path.join(home, "profiles", "profiles.yml"), "w", encoding="utf-8") as f:
        f.write(PROFILE.format(**server))
    common = ["--project-dir", folder, "--profiles-dir", os.path.join(home, "profiles")]
    if cli_vars:
        common += ["--vars", json.dumps(cli_vars)]
    names = {}
    for who in ("dbt", "ours"):
        names[who] = [
            ([*w, *common], os.path.join(home, who + "-" + w[0]))
            for w in (["parse", "--no-partial-parse", "--show-all-deprecations"], ["compile"])
        ]
    results = {"dbt": dbt_runs(folder, names["dbt"], os.path.join(home, "answer.json"))}
    for junk in ("target", "logs"):
        shutil.rmtree(os.path.join(folder, junk), ignore_errors=True)
    results["ours"] = our_runs(binary, folder, names["ours"])
    found = []
    figures = {"refused": int(results["dbt"][0]["code"] != 0), "nodes": 0, "selections": 0}
    for step, what in enumerate(["parse", "compile"]):
        if any(len(results[w]) <= step for w in results):
            break
        a, b = results["dbt"][step], results["ours"][step]
        if (a["code"] != 0) != (b["code"] != 0):
            found.append(
                (f"{what}-verdict", f"dbt {a['code']} {a['error']}\n      ours {b['code']} {b['error']}")
            )
            continue
        if a["code"]:
            first = lambda t: re.sub(r"\W+", " ", even(t or "").replace(folder + "/", ""))  # noqa: E731
            x, y = first(a["error"]), first(b["error"])
            words = set(x.lower().split())
            share = len(words & set(y.lower().split())) / (len(words) or 1)
            if share < 0.45:
                found.append((f"{what}-words", f"dbt {a['error']}\n      ours {b['error']}"))
        elif what == "parse":
            x, y = warnings(a["events"]), warnings(b["events"])
            if x != y:
                cx, cy = collections.Counter(x), collections.Counter(y)
                found.append(
                    (
                        "warnings " + ",".join(sorted(set((cx - cy) + (cy - cx)))),
                        f"dbt more {dict(cx - cy)} ours more {dict(cy - cx)}\n      "
                        + "\n      ".join(
                            f"{w} {n}: {even(m)[:300]}"
                            for w, r in (("dbt", a), ("ours", b))
                            for level, n, m in r["events"]
                            if level == "warn" and n in set((cx - cy) + (cy - cx))
                        ),
                    )
                )
            else:
                mx, my = (
                    sorted(even(m) for level, n, m in r["events"] if level == "warn" and n not in UNNAMED)
                    for r in (a, b)
                )
                for p, q in zip(mx, my):
                    if p != q and not p.startswith(q[:60]):
                        found.append(("warning-text", f"dbt  {p[:400]}\n      ours {q[:400]}"))
        if a["code"]:
            figures["why"] = f"{what}: {(a['error'] or '').strip()[:400]}"
        if what == "parse" and not a["code"]:
            x, y = (
                manifest_parts(os.path.join(home, w + "-parse", "manifest.json")) for w in ("dbt", "ours")
            )
            figures["nodes"] += sum(len(v) for v in x.values())
            for path, p, q in differences(x, y):
                found.append(
                    (
                        kind_of(["manifest", *path]),
                        f"{'/'.join(path)}\n      dbt  {short(p)}\n      ours {short(q)}",
                    )
                )
            x, y = (
                json.load(open(os.path.join(home, w + "-parse", "semantic_manifest.json"), encoding="utf-8"))
                for w in ("dbt", "ours")
            )
            for z in (x, y):
                for k in ("metrics", "semantic_models", "saved_queries"):
                    z[k].sort(key=lambda v: v["name"])
            for path, p, q in differences(x, y):
                found.append(
                    (
                        "semantic/" + "/".join(z for z in path[:4] if not z.isdigit()),
                        f"{'/'.join(path)}\n      dbt  {short(p)}\n      ours {short(q)}",
                    )
                )
        if what == "compile":
            x, y = (files_below(os.path.join(home, w + "-compile", "compiled")) for w in ("dbt", "ours"))
            if a["code"]:
                x = {k: v for k, v in x.items() if k in y}
                y = {k: v for k, v in y.items() if k in x}
            for path, p, q in differences(x, y):
                if path[-1].endswith(".py"):
                    continue
                found.append(("compiled", f"{'/'.join(path)}\n{text_difference(p, q)}"))
            if not a["code"]:
                x, y = (
                    manifest_parts(os.path.join(home, w + "-compile", "manifest.json"))
                    for w in ("dbt", "ours")
                )
                seen = {sig.replace("manifest", "compiled-manifest", 1) for sig, _ in found}
                for path, p, q in differences(x, y):
                    if kind_of(["compiled-manifest", *path]) in seen:
                        continue
                    found.append(
                        (
                            kind_of(["compiled-manifest", *path]),
                            f"{'/'.join(path)}\n      dbt  {short(p)}\n      ours {short(q)}",
                        )
                    )
    if results["dbt"][0]["code"] == 0 == results["ours"][0]["code"] and selecting:
        found += compare_selections(seed, binary, home, folder, files, common, figures)
    if not found and not keep_all:
        shutil.rmtree(home, ignore_errors=True)
    return found, figures


def compare_selections(seed, binary, home, folder, files, common, figures):
    """`ls` with random selections on the project after a change, its earlier manifest by dbt being the state."""
    rnd = random.Random(seed + 0.5)
    state = os.path.join(home, "dbt-parse")
    after = changed(rnd, files)
    for path in files:
        if path not in after:
            os.remove(os.path.join(folder, path))
    write_files(after, folder)
    shutil.rmtree(os.path.join(folder, "target"), ignore_errors=True)
    first = our_runs(binary, folder, [(["parse", *common], os.path.join(home, "ours-changed"))])
    try:
        with open(os.path.join(home, "ours-changed", "manifest.json"), encoding="utf-8") as f:
            manifest = json.load(f)
    except FileNotFoundError:
        manifest = {}
    if first[0]["code"]:
        manifest = {}
    args = selections(rnd, manifest, 12)
    commands = [(["parse", "--no-partial-parse", *common], None)] + [
        (["ls", *a, "--state", state, *common], None) for a in args
    ]
    theirs = dbt_runs(folder, commands, os.path.join(home, "answer2.json"))
    if theirs[0]["code"] or first[0]["code"]:
        if (theirs[0]["code"] != 0) != (first[0]["code"] != 0):
            return [("changed-verdict", f"dbt {theirs[0]['error']}\n      ours {first[0]['error']}")]
        return []
    ours = our_runs(binary, folder, commands[1:])
    found = []
    for a, x, y in zip(args, theirs[1:], ours):
        figures["selections"] += 1
        text = " ".join(a)
        if (x["code"] != 0) != (y["code"] != 0):
            found.append(
                (
                    "selection-verdict",
                    f"ls {text}\n      dbt {x['code']} {x['error']}\n      ours {y['code']} {y['error']}",
                )
            )
            continue
        p, q = selected(x["lines"]), selected(y["lines"])
        if p != q:
            more = lambda u, v: [z[:200] for z in u if z not in v][:8]  # noqa: E731
            sig = "selection-order" if sorted(p) == sorted(q) else "selection"
            found.append(
                (
                    sig + (" state" if "state:" in text else ""),
                    f"ls {text}\n      dbt alone  {more(p, q)}\n      ours alone {more(q, p)}",
                )
            )
        elif criteria(x["events"]) != criteria(y["events"]):
            found.append(
                (
                    "selection-warnings",
                    f"ls {text}\n      dbt {criteria(x['events'])} ours {criteria(y['events'])}",
                )
            )
    return found


def selected(lines):
    """Lines of `ls`; sets within them sorted."""
    out = []
    for line in lines:
        if line.startswith("{"):
            v = json.loads(line)
            for k in ("tags",):
                if isinstance(v.get(k), list):
                    v[k] = sorted(v[k])
            if isinstance(v.get("depends_on"), dict):
                v["depends_on"] = {k: sorted(x) for k, x in v["depends_on"].items() if x}
            v.pop("config", None)
            line = json.dumps(v, sort_keys=True, ensure_ascii=False)
        out.append(line)
    return out


def short(v):
    t = json.dumps(v, ensure_ascii=False)
    return t if len(t) < 300 else t[:300] + "…"


def text_difference(a, b):
    if "(missing)" in (a, b):
        return f"      {'dbt' if a == '(missing)' else 'ours'} has none"
    return "\n".join(
        "      " + repr(x)
        for x in list(difflib.unified_diff(a.split("\n"), b.split("\n"), "dbt", "ours", n=0, lineterm=""))[
            2:12
        ]
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seeds", help="these alone, with commas between")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--work", help="a folder that is kept (default: a temporary one, kept too)")
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--why", action="store_true", help="say why dbt refuses what it refuses")
    parser.add_argument("--all", action="store_true", help="show all differences, not two of a kind")
    options = parser.parse_args()
    return with_server(options, run)


def with_server(options, run):
    """What `run` answers, in dbt-core's environment and with a server."""
    sys.path.insert(0, os.path.join(ROOT, "Benchmarks"))
    from harness import Postgres, executable

    python = os.path.join(os.path.dirname(executable("dbt-core")), "python")
    # dbt is loaded into this process; sets in the order of one run after the other.
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
        os.execve(python, [python, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    if "POSTGRES_HOST" in os.environ:
        return run(options, server_of(os.environ))
    with Postgres() as names:
        return run(
            options, {"host": names["PGHOST"], "port": 5432, "user": "postgres", "database": "postgres"}
        )


def server_of(names):
    return {
        "host": names["POSTGRES_HOST"],
        "port": names.get("POSTGRES_PORT", "5432"),
        "user": names.get("POSTGRES_USER", "postgres"),
        "database": names.get("POSTGRES_DATABASE", "postgres"),
    }


def run(options, server):
    import dbt.adapters.postgres  # noqa: F401, loaded once for all projects
    import dbt.cli.main  # noqa: F401

    server = {**server, "schema": "random_projects"}
    work = options.work or tempfile.mkdtemp(prefix="random-projects-")
    return report(
        options,
        work,
        guarded,
        lambda seed: (seed, os.path.abspath(options.bin), work, options.broken, server),
    )


def report(options, work, compare, arguments):
    """Compares all seeds, some at a time, and prints what differs by its kind; the exit code."""
    started = time.time()
    groups = {}
    total = collections.Counter(projects=0, differ=0)
    seeds = (
        [int(seed) for seed in options.seeds.split(",")]
        if options.seeds
        else range(options.seed, options.seed + options.count)
    )
    with multiprocessing.get_context("fork").Pool(options.jobs, maxtasksperchild=50) as pool:
        for seed, task in [(seed, pool.apply_async(compare, arguments(seed))) for seed in seeds]:
            found, figures = task.get()
            if getattr(options, "why", False) and figures.get("why"):
                print(f"[{seed}] {figures['why']}")
            total.update({"projects": 1, "differ": bool(found)})
            total.update({key: value for key, value in figures.items() if key != "why"})
            for signature, detail in found:
                groups.setdefault(signature, []).append((seed, detail))
    for signature, items in sorted(groups.items(), key=lambda item: -len(item[1])):
        print(f"## {signature}: {len(items)} in seeds {sorted({s for s, _ in items})[:12]}")
        for seed, detail in items if options.all else items[:2]:
            print(f"  [{seed}] {detail[:3000]}")
    print(", ".join(f"{key} {value}" for key, value in total.items()), f"in {time.time() - started:.0f} s")
    print(f"what differs is kept in {work}" if groups else "all equal")
    return 1 if groups else 0


def guarded(*arguments):
    try:
        return compare_seed(*arguments)
    except Exception:  # noqa: BLE001, told as a difference
        return [("harness", traceback.format_exc())], {"refused": 0, "nodes": 0, "selections": 0}


if __name__ == "__main__":
    if sys.argv[1:2] == ["show"]:
        files, variables = project_of(int(sys.argv[2]), len(sys.argv) > 4)
        write_files(files, sys.argv[3])
        print(json.dumps(variables))
    else:
        sys.exit(main())
