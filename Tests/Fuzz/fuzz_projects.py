#!/usr/bin/env python3
"""Parse damaged copies of the repository's projects, and see that the tool ends as it should.

    fuzz_projects.py --binary .build/release/sectoral [--runs 300] [--seed 1] [--keep DIR]

Each run copies a project, damages one or two of its text files, and runs `sectoral parse`. Whatever
the damage, the tool must end by itself within the time, with exit code 0, 1 or 2; a signal, another
code or a time-out is a fault. The damaged project of a fault is kept, and the seed makes it again.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARTS = ["dbt_project.yml", "models", "macros", "seeds", "tests", "profiles"]
FRAGMENTS = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{% if %}", "{% endif %}", "{% for x in %}", "{% macro m( %}",
    "{{ ref('nothing') }}", "{{ ref() }}", "{{ source('a') }}", "{{ config(materialized=1) }}",
    "{{ config(", "{{ m() ", "{{ 1 / 0 }}", "{{ [][1] }}", "{{ 'a' * 1000000000 }}", "{{ x.y.z }}",
    "{{ range(10**9) | list }}", "{% set a = a %}", "{{ self() }}", "{% raw %}", "{{ ''.__class__ }}",
    "{% call %}", "{% do %}", "{{ 9 ** 9 ** 9 }}", "{% block b %}", "{{ '%s' % () }}", "{{ -}}", "\t",
    ": ", "- ", "  - ", "? [a, b]\n", "&a ", "*a", "<<: *b\n", "!!python/object:x ", "[", "]", "{", "}",
    "'", '"', "|", ">", "#", "---\n", "...\n", "\0", "\ufeff", "\r\n", "\u2028", "\U0001f600", "null",
    "{a: {a: {a: {a: 1}}}}", "1e999", "0x", "99999999999999999999", ".nan", "2024-13-45",
]


def damage(data, rnd):
    """One change to the bytes of a file."""
    at = rnd.randint(0, len(data))
    to = min(len(data), at + rnd.choice([1, 2, 8, 40, 400]))
    match rnd.randrange(7):
        case 0:
            return data[:at] + rnd.choice(FRAGMENTS).encode() + data[at:]
        case 1:
            return data[:at] + data[to:]
        case 2:
            return data[:at] + data[at:to] * rnd.choice([2, 3, 50]) + data[to:]
        case 3:
            return data[:at] + bytes([rnd.randrange(256)]) + data[at + 1:]
        case 4:
            return data[:at]
        case 5:
            lines = data.split(b"\n")
            line = rnd.randrange(len(lines))
            lines[line] = rnd.choice([b"  ", b"\t", b" "]) + lines[line]
            return b"\n".join(lines)
        case _:
            return data[:at] + rnd.choice(["{{ ", "(", "[", "{", "- ", "not "]).encode() * 3000 + data[at:]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/sectoral"))
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="time for one run")
    parser.add_argument("--keep", default=os.path.join(tempfile.gettempdir(), "sectoral-fuzz"))
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    if not os.access(binary, os.X_OK):
        sys.exit(f"there is no executable at {binary}: run `make release` first")

    projects = [ROOT, os.path.join(ROOT, "Examples", "jaffle_shop")]
    codes, faults = {}, 0
    with tempfile.TemporaryDirectory(prefix="sectoral-fuzz-") as work:
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": work, "LANG": "C.UTF-8"}
        for number in range(options.seed, options.seed + options.runs):
            rnd = random.Random(number)
            project = os.path.join(work, "project")
            shutil.rmtree(project, ignore_errors=True)
            os.makedirs(project)
            source = rnd.choice(projects)
            for part in PARTS:
                path = os.path.join(source, part)
                if os.path.isdir(path):
                    shutil.copytree(path, os.path.join(project, part))
                elif os.path.exists(path):
                    shutil.copy(path, project)
            if source == ROOT:
                shutil.copytree(os.path.join(ROOT, "Examples", "data"),
                                os.path.join(project, "Examples", "data"))
            # Seeds are data, of which parse reads nothing but the name; they only take time.
            files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(project)
                           for name in names if not name.endswith(".csv"))
            for path in rnd.sample(files, rnd.choice([1, 1, 2])):
                with open(path, "rb") as file:
                    data = file.read()
                for _ in range(rnd.choice([1, 1, 1, 3])):
                    data = damage(data, rnd)
                with open(path, "wb") as file:
                    file.write(data)
            try:
                done = subprocess.run([binary, "parse"], cwd=project, env=environment,
                                      capture_output=True, timeout=options.seconds)
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = "time-out"
            codes[code] = codes.get(code, 0) + 1
            if code not in (0, 1, 2):
                faults += 1
                kept = os.path.join(options.keep, str(number))
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(project, kept)
                print(f"seed {number}: {code}; kept in {kept}", flush=True)
    print(f"{options.runs} runs, {faults} faults; exit codes " +
          ", ".join(f"{code}: {count}" for code, count in sorted(codes.items(), key=str)))
    sys.exit(1 if faults else 0)


main()
