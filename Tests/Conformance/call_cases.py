#!/usr/bin/env python3
"""What dbt-core answers to command lines, recorded, and compared with what sectoral answers.

    call_cases.py record [CASE...]                 needs dbt-core (run it with its venv's python)
    call_cases.py compare --bin BINARY [CASE...]

A case is a file `Calls/NAME.case`: lines `== path` begin a file of the project, and what stands before
the first says what the case shows. Lines `$ ...` are commands, run in their order: variables of the
environment (`NAME=value`), then words as a shell reads them. `$? ...` is a command of which only the exit
code and the error's kind count, since our errors have other words. Orders between them: `$ ! keep` copies target/ to state/,
`$ ! write PATH TEXT`, `$ ! remove PATH`; `$ ! files` tells what stands in target/, and clears it; `$ ! results` tells
what run_results.json says of each node. Where a case has the order `$ ! database`, its commands find an
empty database of Postgres (PGHOST, PGPORT and PGUSER say where, for recording); else none answers.

`record` writes `Calls/NAME.json`: for each command its exit code and the lines on stdout and stderr,
without times, counts of macros, and what only one tool says. CallCaseTests reads the same files.
"""
import argparse
import difflib
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "Calls")
PROJECT = "name: p\nprofile: p\nversion: '1.0'\n"
PROFILE = """p:
  target: dev
  outputs:
    dev: &dev {{type: postgres, host: {host}, port: {port}, user: {user}, password: x, dbname: {database}, schema: s, threads: 1}}
    other: {{<<: *dev, schema: other}}
"""
ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0", "DBT_USE_COLORS": "0", "NO_COLOR": "1",
               "DBT_VERSION_CHECK": "0"}
# What only one of the tools says (places and advice are ours), or what is another in each run.
OWN_LINE = re.compile(
    r"^Running with |^Registered adapter|partial parsing|^\s*$|^Found \d+|^Concurrency: |^Finished running "
    r"|^Performance info|^Usage: |^Try '|^ +(=|-->|\d* *\||\^)")
EVENED = [(re.compile(pattern), even) for pattern, even in [
    (r"\bin \d+\.\d\ds", "in Ns"), (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID"), (r'"pid": \d+', '"pid": N'), (r"^( *)-{20,}$", r"\1----")]]
# Of the files in target/: dbt's own, and its page of documentation.
UNLISTED = {"partial_parse.msgpack", "perf_info.json", "graph.gpickle", "graph_summary.json", "index.html"}
CLOCK = re.compile(r"\d\d:\d\d:\d\d  ?")


def read_case(path):
    """The files of the project, and the steps, each with the words before it."""
    files, steps, name = {}, [], None
    for line in open(path, encoding="utf-8", newline=""):
        step = re.match(r"(\$\??) (.*)", line)
        if line.startswith("== "):
            name = line[3:].strip()
            files[name] = []
        elif step:
            steps.append((step[1], step[2].strip()))
        elif name:
            files[name].append(line)
    files = {name: "".join(lines) for name, lines in files.items()}
    files.setdefault("dbt_project.yml", PROJECT)
    return files, steps


def write(folder, name, text):
    target = os.path.join(folder, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def command(step):
    """The variables and the words of one command."""
    variables = {}
    words = shlex.split(step)
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return variables, words


def order(folder, text):
    verb, _, rest = text.partition(" ")
    if verb == "keep":
        shutil.rmtree(os.path.join(folder, "state"), ignore_errors=True)
        shutil.copytree(os.path.join(folder, "target"), os.path.join(folder, "state"))
    elif verb == "write":
        path, _, content = rest.partition(" ")
        write(folder, path, content.replace("\\n", "\n") + "\n")
    elif verb == "remove":
        os.remove(os.path.join(folder, rest))
    elif verb != "database":
        sys.exit(f"unknown order: {text}")


def files_of(target):
    """The files of a target folder, which is cleared but for what dbt keeps for the next parse."""
    found = []
    for place, _, names in os.walk(target):
        for name in names:
            path = os.path.join(place, name)
            if name not in UNLISTED:
                found.append(os.path.relpath(path, target))
                os.remove(path)
    return sorted(found)


def results_of(target, database):
    """What stands in run_results.json, a line for each node, but for times and the text of errors."""
    path = os.path.join(target, "run_results.json")
    if not os.path.exists(path):
        return ["(none)"]
    with open(path, encoding="utf-8") as file:
        results = json.load(file)["results"]
    lines = []
    for result in results:
        facts = {
            "status": result["status"],
            "message": result["message"] and result["message"].strip().split("\n")[0],
            "failures": result["failures"],
            "adapter_response": result["adapter_response"],
            "compiled": result["compiled"],
            "relation_name": result["relation_name"],
            "timing": [step["name"] for step in result["timing"]],
            "thread_id": result["thread_id"],
        }
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
        lines.append(f"{result['unique_id']}: {text.replace(database or '-', 'DATABASE')}")
    return sorted(lines)


def even(text, folder, database):
    """The lines that both tools say; of a deprecation, whose words are each tool's own, one line."""
    text = text.replace(os.path.realpath(folder), "PROJECT").replace(folder, "PROJECT")
    text = text.replace(database, "DATABASE") if database else text
    lines, told = [], False
    for line in text.split("\n"):
        stamp = CLOCK.match(line)
        if stamp:
            line = line[stamp.end():]
            told = line.startswith("[WARNING]") and line.endswith("]: Deprecated functionality")
            if told:
                lines.append("(deprecation)")
        if told:
            if line.startswith("- "):
                lines.append(line)
            continue
        for pattern, replacement in EVENED:
            line = pattern.sub(replacement, line)
        if not OWN_LINE.search(line):
            lines.append(line.rstrip())
    return lines


def psql(database, text):
    subprocess.run(["psql", "-q", "-d", database, "-c", text], check=True, stderr=subprocess.DEVNULL)


def answers(path, run):
    """What each command of a case answers, as a list of rows."""
    files, steps = read_case(path)
    around = tempfile.mkdtemp(prefix="case")
    folder = os.path.join(around, "project")
    database = f"calls_{os.getpid()}" if ("$", "! database") in steps else None
    where = {"host": "127.0.0.1", "port": 1, "user": "u", "database": "d"}
    if database:
        where = {"host": os.environ["PGHOST"], "port": os.environ.get("PGPORT", 5432),
                 "user": os.environ.get("PGUSER", "postgres"), "database": database}
        psql("postgres", f"create database {database}")
    for name, text in {"profiles.yml": PROFILE.format(**where), **files}.items():
        write(folder, name, text)
    rows = []
    try:
        for kind, step in steps:
            if step == "! files":
                rows.append({"command": step, "out": files_of(os.path.join(folder, "target"))})
                continue
            if step == "! results":
                rows.append({"command": step, "out": results_of(os.path.join(folder, "target"), database)})
                continue
            if step.startswith("! "):
                order(folder, step[2:])
                continue
            variables, words = command(step)
            code, out, err = run(words, folder, {**os.environ, **ENVIRONMENT, **variables})
            row = {"command": step, "exit": code, "out": even(out, folder, database), "err": even(err, folder, database)}
            if kind == "$?" and not os.environ.get("CALLS_ALL"):
                row = {"command": step, "exit": code}
            rows.append({key: value for key, value in row.items() if value != []})
    finally:
        shutil.rmtree(around)
        if database:
            psql("postgres", f"drop database {database} with (force)")
    return rows


def with_dbt(words, folder, environment):
    """Runs a command in a child process that has dbt-core loaded already."""
    import dbt.cli.main
    warm()
    with tempfile.TemporaryDirectory() as place:
        outputs = [os.path.join(place, name) for name in ("out", "err")]
        pid = os.fork()
        if pid == 0:
            for number, name in enumerate(outputs, 1):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            sys.argv = ["dbt", *words]
            code = 99
            try:
                dbt.cli.main.cli()
                code = 0
            except SystemExit as end:
                code = end.code or 0
            except BaseException as problem:
                print("crash:", repr(problem), file=sys.stderr)
                code = 1
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), *(open(name, encoding="utf-8").read() for name in outputs)


@functools.cache
def warm():
    """What every command would load anew is loaded before the first.

    Without a model: dbt's quick parser has threads, which a fork does not take along.
    """
    import dbt.cli.main
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "dbt_project.yml", PROJECT)
        write(folder, "profiles.yml", PROFILE.format(host="h", port=1, user="u", database="d"))
        write(folder, "models/m.yml", "")
        dbt.cli.main.dbtRunner().invoke(["-q", "parse", "--project-dir", folder, "--profiles-dir", folder])


def with_binary(binary):
    def run(words, folder, environment):
        done = subprocess.run([binary, *words], cwd=folder, env=environment, capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr
    return run


def main():
    global CASES
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("action", choices=["record", "compare", "show"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--bin")
    parser.add_argument("--cases", default=CASES)
    options = parser.parse_intermixed_args()
    CASES = options.cases
    known = sorted(name[:-5] for name in os.listdir(CASES) if name.endswith(".case"))
    differing = 0
    for name in [known_name for known_name in known
                 if not options.names or known_name in options.names]:
        path, record = (os.path.join(CASES, name + end) for end in (".case", ".json"))
        if options.action == "compare":
            with open(record, encoding="utf-8") as file:
                expected = json.load(file)
            for theirs, ours in zip(expected, answers(path, with_binary(os.path.abspath(options.bin)))):
                if theirs == ours:
                    continue
                differing += 1
                print(f"== {name}: {ours['command']}: exit {theirs.get('exit')}, ours {ours.get('exit')}")
                for part in ("out", "err"):
                    print("\n".join(list(difflib.unified_diff(
                        theirs.get(part, []), ours.get(part, []), lineterm="", n=1))[2:]))
            continue
        rows = answers(path, with_dbt)
        text = "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
        if options.action == "show":
            print(text)
        else:
            with open(record, "w", encoding="utf-8") as file:
                file.write(text)
            print(name, len(rows), flush=True)
    if options.action == "compare":
        print(f"{differing} differ")
        sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
