#!/usr/bin/env python3
"""What dbt-core makes of small projects, recorded, and compared with what sectoral makes of them.

    language_cases.py record [CASE...]             needs dbt-core (run it with its venv's python)
    language_cases.py compare --bin BINARY [CASE...]

A case is a file `Language/NAME.case`: lines `== path` begin a file of the project, and what stands
before the first says what the case shows. `record` parses each with dbt-core and writes
`Language/NAME.json`: the parts of the manifest that a project can influence, semantic_manifest.json
where there is anything in it, the names of warnings, the first line of the error. Values that are
null or empty are left out of a record; `compare --exact` keeps them, and so needs dbt-core too.

LanguageCaseTests reads the same files. To record again (after a new dbt-core, or for a new case):

    VENV/bin/python Tests/Conformance/language_cases.py record NAME

where VENV is the environment that conformance/compile_diff makes for itself.
"""
import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "Language")
SECTIONS = ["nodes", "sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled",
            "parent_map", "child_map", "group_map", "saved_queries", "semantic_models",
            "unit_tests", "functions"]
PROFILE = """p:
  target: dev
  outputs:
    dev: {type: postgres, host: localhost, port: 1, user: u, password: x, dbname: d, schema: s}
"""
INTERNAL = ("macro.dbt.", "macro.dbt_postgres.", "macro.dbt_redshift.", "doc.dbt.")
# Different in every run, or on every machine.
DROPPED = {"created_at", "root_path", "macro_sql"}


def read_case(path):
    files, name = {}, None
    for line in open(path, encoding="utf-8", newline=""):
        if line.startswith("== "):
            name = line[3:].strip()
            files[name] = []
        elif name:
            files[name].append(line)
    files = {name: "".join(lines) for name, lines in files.items()}
    files.setdefault("dbt_project.yml", "name: p\nprofile: p\nversion: '1.0'\n")
    return files


def lay_out(path, folder):
    for name, text in read_case(path).items():
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    os.makedirs(os.path.join(folder, "profiles"), exist_ok=True)
    with open(os.path.join(folder, "profiles", "profiles.yml"), "w", encoding="utf-8") as file:
        file.write(PROFILE)


def is_empty(value):
    return value is None or value == "" or value == [] or value == {}


def cleaned(value, exact):
    if isinstance(value, dict):
        if isinstance(value.get("columns"), dict):  # their order counts
            value = {**value, "columns": list(value["columns"].values())}
            for column in value["columns"]:  # dbt's are those of a set
                column["tags"] = column["config"]["tags"] = sorted(column["tags"])
        items = {k: cleaned(v, exact) for k, v in value.items() if k not in DROPPED}
        return items if exact else {k: v for k, v in items.items() if not is_empty(v)}
    if isinstance(value, list):
        return [cleaned(v, exact) for v in value]
    return value


def manifest_parts(manifest, exact):
    parts = {}
    for section in SECTIONS:
        part = {k: v for k, v in manifest.get(section, {}).items() if not k.startswith(INTERNAL)}
        part = cleaned(part, exact)
        if section == "nodes":
            for node in part.values():
                # dbt lists macros in the order of a static search as well: a set.
                macros = node.get("depends_on", {}).get("macros")
                if macros:
                    # Where there is no such macro, dbt has null.
                    macros[:] = sorted(name for name in macros if name)
        if section == "group_map":
            # dbt's order is that in which it gave versioned models their ids.
            part = {name: sorted(members) for name, members in part.items()}
        if part:
            parts[section] = part
    return parts


def result(folder, warnings, error, exact):
    out = {}
    target = os.path.join(folder, "target")
    if error:
        out["error"] = error
    else:
        with open(os.path.join(target, "manifest.json"), encoding="utf-8") as file:
            out["manifest"] = manifest_parts(json.load(file), exact)
        with open(os.path.join(target, "semantic_manifest.json"), encoding="utf-8") as file:
            semantic = json.load(file)
        if any(semantic[key] for key in ("semantic_models", "metrics", "saved_queries")) or any(
                semantic["project_configuration"].get(key)
                for key in ("time_spines", "time_spine_table_configurations")):
            out["semantic_manifest"] = cleaned(semantic, exact)
    if warnings:
        out["warnings"] = sorted(warnings)
    return out


def with_dbt(path, exact):
    """Parses in a child process that has dbt-core loaded already."""
    import dbt.adapters.postgres  # noqa: F401, loaded once for all
    import dbt.cli.main  # noqa: F401

    around = tempfile.mkdtemp(prefix="case")  # cases may have files beside their project
    folder = os.path.join(around, "project")
    answer = os.path.join(folder, "answer.json")
    lay_out(path, folder)
    pid = os.fork()
    if pid == 0:
        try:
            dbtRunner = dbt.cli.main.dbtRunner
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 1)
            os.dup2(devnull, 2)
            warnings = []

            def note(event):
                if event.info.level == "warn" or event.info.name == "SemanticValidationFailure":
                    warnings.append([event.info.name, event.info.msg])

            run = dbtRunner(callbacks=[note]).invoke(
                ["parse", "--no-partial-parse", "--show-all-deprecations",
                 "--project-dir", folder, "--profiles-dir", os.path.join(folder, "profiles")])
            error = None if run.success else str(run.exception)
            with open(answer, "w", encoding="utf-8") as file:
                json.dump([warnings, error], file)
        except BaseException as problem:  # the parent reports it
            with open(answer, "w", encoding="utf-8") as file:
                json.dump([[], f"harness: {problem!r}"], file)
        os._exit(0)
    os.waitpid(pid, 0)
    with open(answer, encoding="utf-8") as file:
        warnings, error = json.load(file)
    if error:
        error = error.replace(folder + "/", "")
    out = result(folder, sorted({name for name, _ in warnings} - UNNAMED), error, exact)
    out["_messages"] = [f"{name}: {message}" for name, message in warnings]
    shutil.rmtree(around)
    return out


# The summary of deprecations counts the others.
UNNAMED = {"DeprecationsSummary", "Note"}


def with_binary(binary, path, exact):
    around = tempfile.mkdtemp(prefix="case")
    folder = os.path.join(around, "project")
    lay_out(path, folder)
    run = subprocess.run(
        [binary, "parse", "--log-format", "json", "--project-dir", folder, "--profiles-dir",
         os.path.join(folder, "profiles"), "--show-all-deprecations"],
        capture_output=True, text=True, cwd=folder, check=False)
    warnings, errors = set(), []
    for line in run.stdout.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event["info"]["level"] == "warn":
            warnings.add(event["info"]["name"])
        if event["info"]["level"] == "error":
            errors.append(event["info"]["msg"])
    error = None
    if run.returncode != 0:
        error = "\n".join(errors) or run.stderr or f"exit {run.returncode}"
    out = result(folder, sorted(warnings - UNNAMED), error, exact)
    shutil.rmtree(around)
    return out


def chosen(names):
    known = sorted(f[:-5] for f in os.listdir(CASES) if f.endswith(".case"))
    if not names:
        return known
    return [k for k in known if any(k == n or k.startswith(n) for n in names)]


def write(value):
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def differences(expected, actual):
    """Paths at which two values differ."""
    found = []

    def walk(one, two, path):
        if isinstance(one, dict) and isinstance(two, dict):
            for key in list(one) + [k for k in two if k not in one]:
                if key not in two:
                    found.append(f"{path}/{key}: missing, is {short(one[key])}")
                elif key not in one:
                    found.append(f"{path}/{key}: extra, is {short(two[key])}")
                else:
                    walk(one[key], two[key], f"{path}/{key}")
        elif one != two or type(one) is not type(two):
            found.append(f"{path}:\n    dbt  {short(one)}\n    ours {short(two)}")

    walk(expected, actual, "")
    return found


def short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 400 else text[:400] + "…"


def main():
    global CASES
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["record", "compare", "show"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--bin")
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--exact", action="store_true")
    options = parser.parse_intermixed_args()
    CASES = options.cases
    failed = 0
    for name in chosen(options.names):
        path = os.path.join(CASES, name + ".case")
        record = os.path.join(CASES, name + ".json")
        if options.action in ("record", "show"):
            value = with_dbt(path, options.exact)
            messages = value.pop("_messages")
            if options.action == "record":
                if value.get("error", "").startswith("harness"):
                    sys.exit(f"{name}: {value['error']}")
                if "error" in value:  # what follows names folders and times
                    value["error"] = value["error"].splitlines()[0]
                with open(record, "w", encoding="utf-8") as file:
                    file.write(write(value))
                print(name, "error" if "error" in value else "ok", *value.get("warnings", []))
            else:
                print(f"== {name}")
                for message in messages:
                    print("  " + message)
                print(value.get("error") or "")
                if not options.names or len(options.names) > 1:
                    continue
                print(write(value.get("manifest")))
                print(write(value.get("semantic_manifest")))
            continue
        if options.exact:
            expected = with_dbt(path, True)
            messages = expected.pop("_messages")
        else:
            with open(record, encoding="utf-8") as file:
                expected = json.load(file)
            messages = []
        actual = with_binary(os.path.abspath(options.bin), path, options.exact)
        if "error" in expected and "error" in actual:
            print(f"== {name}: both refuse\n  dbt:  {expected['error']}\n  ours: {actual['error']}")
            continue
        found = differences(expected, actual)
        print(f"== {name}: {'equal' if not found else len(found)}")
        for line in found[:80]:
            print("  " + line)
        if any("/warnings" in line for line in found):
            for message in messages:
                print("  dbt says " + message)
        failed += bool(found)
    if options.action == "compare":
        print(f"{failed} differ")
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
