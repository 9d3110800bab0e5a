#!/usr/bin/env python3
"""Time SectoralJinja beside MiniJinja (Rust) and Jinja2, and count what each allocates.

    bench.py --binary .build/release/JinjaBenchmark [--rounds 15] [--json FILE] [TEMPLATE...]

Both others come from PyPI, into an environment of their own (in the user's cache folder, once). All
get the templates of this folder and one context, and their outputs must be equal before anything is
timed. Times are CPU time of the process that works (microseconds, the median of the rounds); in each
round the engines take turns, so that a busy moment of the machine meets all of them; ratios are
medians of the rounds' own ratios. `both` is a compilation and a render of its result in one go.

What would be unfair to MiniJinja is taken out. Its Python package wraps a context anew for each
render, and asks Python for every list and attribute. So it is timed in two ways, and the lower time
counts: with the context as Python objects, less what a render of an empty template with the same
context costs; and with the context as constants at the top of the template, which it folds while
compiling, less what a template of those constants alone costs. Functions of the host are macros,
which no engine has to leave its language for.

Allocations are counted in a run apart from the timed ones (allocations.c), per compilation and per
render, with Python's own pools switched off; for MiniJinja likewise the lower of the two ways.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REQUIREMENTS = ["jinja2==3.1.6", "minijinja==3.0.5"]
TEMPLATES = ["macros", "loops", "strings", "model"]
WHATS = ["compile", "render", "both"]
# Nanoseconds that one batch should take.
BATCH = 20_000_000

CONTEXT = {
    "columns": [f"c{i}" for i in range(10)],
    "tables": ["orders", "customers", "payments"],
    "suffix": "_suffix",
    "rows": [
        {"name": f"row {i}", "value": i, "active": i % 3 == 0, "tags": ["a", "b", "c"][: i % 4]}
        for i in range(100)
    ],
    "names": [f"column_name_{i}" for i in range(50)] + [f"other_{i}" for i in range(50)],
    "target": {"name": "dev"},
    "this": '"db"."schema"."orders"',
}


def environment():
    """A Python with both engines; made where it is missing or of other versions."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    venv = os.path.join(cache, "sectoral-bench", "jinja-venv")
    stamp = os.path.join(venv, "requirements.txt")
    wanted = "\n".join(REQUIREMENTS)
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        print(f"installing {' '.join(REQUIREMENTS)} into {venv} (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([f"{venv}/bin/pip", "install", "-q", "--disable-pip-version-check",
                        *REQUIREMENTS], check=True)
        with open(stamp, "w") as file:
            file.write(wanted)
    return f"{venv}/bin/python"


class Python:
    """An engine in this process: subclasses say what is done once."""

    def measure(self, what, repetitions):
        import time
        do = getattr(self, what)
        before = allocations()
        start = time.process_time_ns()
        for _ in range(repetitions):
            do()
        return time.process_time_ns() - start, allocations() - before


class Jinja2(Python):
    name = "jinja2"

    def __init__(self, text, context):
        import jinja2
        self.environment = jinja2.Environment()
        self.text, self.context = text, context
        self.compiled = self.environment.from_string(text)

    def output(self):
        return self.compiled.render(self.context)

    def compile(self):
        return self.environment.from_string(self.text)

    def render(self):
        self.compiled.render(self.context)

    def both(self):
        self.compile().render(self.context)


class MiniJinja(Python):
    """`subtrahend`: a template whose costs are not the engine's."""
    name = "minijinja"

    def __init__(self, text, context, subtrahend):
        import minijinja
        self.environment = minijinja.Environment(pycompat=True)
        self.text, self.context = text, context
        self.environment.add_template("t", text)
        self.rest = None if subtrahend is None else MiniJinja(subtrahend, context, None)

    def output(self):
        return self.environment.render_template("t", **self.context)

    def compile(self):
        self.environment.add_template("t", self.text)

    def render(self):
        self.environment.render_template("t", **self.context)

    def both(self):
        self.environment.add_template("t", self.text)
        self.environment.render_template("t", **self.context)

    def measure(self, what, repetitions):
        time, count = super().measure(what, repetitions)
        if self.rest:
            rest_time, rest_count = self.rest.measure(what, repetitions)
            time, count = time - rest_time, count - rest_count
        return time, count


class Ours:
    name = "sectoral"

    def __init__(self, binary, preload=None):
        variables = dict(os.environ)
        if preload:
            variables["LD_PRELOAD"] = preload
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=variables)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the benchmark's process ended")
        return json.loads(line)

    def load(self, text, context):
        self.text = self.ask({"template": text, "context": context})["output"]

    def output(self):
        return self.text

    def measure(self, what, repetitions):
        answer = self.ask({"measure": what, "repetitions": repetitions})
        return answer["nanoseconds"], answer["allocations"] or 0

    def end(self):
        self.process.stdin.close()
        self.process.wait()


COUNTER = None


def allocations():
    return COUNTER() if COUNTER else 0


def constants(context):
    """The context as the beginning of a template."""
    return "".join(f"{{% set {name} = {value!r} %}}" for name, value in context.items())


def engines(name, ours):
    with open(f"{HERE}/templates/{name}.jinja") as file:
        text = file.read()
    used = {key: value for key, value in CONTEXT.items() if key in text}
    ours.load(text, used)
    beginning = constants(used)
    result = [ours, MiniJinja(text, used, ""), MiniJinja(beginning + text, {}, beginning),
              Jinja2(text, used)]
    wanted = result[-1].output()
    for engine in result[:-1]:
        if engine.output() != wanted:
            sys.exit(f"{name}: the output of {engine.name} is not Jinja2's")
    return result


def repetitions(engine, what):
    """As many as fill a batch."""
    once = max(1, engine.measure(what, 1)[0], engine.measure(what, 1)[0])
    some = max(1, BATCH // 10 // once)
    return max(1, BATCH * some // max(1, engine.measure(what, some)[0]))


def timed(binary, names, rounds):
    ours = Ours(binary)
    table = {}
    for name in names:
        group = engines(name, ours)
        for what in WHATS:
            counts = [repetitions(engine, what) for engine in group]
            samples = [[] for _ in group]
            for _ in range(rounds):
                for index, engine in enumerate(group):
                    samples[index].append(engine.measure(what, counts[index])[0] / counts[index])
            mini = [min(pair) for pair in zip(samples[1], samples[2])]
            table[name, what] = {
                "sectoral": statistics.median(samples[0]),
                "minijinja": statistics.median(mini),
                "jinja2": statistics.median(samples[3]),
                "minijinja with wrapped context": statistics.median(samples[1]),
                "minijinja with constants": statistics.median(samples[2]),
                "of minijinja": statistics.median(a / b for a, b in zip(samples[0], mini)),
                "jinja2 over": statistics.median(b / a for a, b in zip(samples[0], samples[3])),
            }
    ours.end()
    return table


def counted(binary, names, library):
    """In a process with the library preloaded: allocations by template and what was done."""
    global COUNTER
    import ctypes
    COUNTER = ctypes.CDLL(library).allocation_count
    COUNTER.restype = ctypes.c_long
    ours = Ours(binary, library)
    result = {}
    for name in names:
        group = engines(name, ours)
        for what in WHATS:
            counts = [engine.measure(what, 20) for engine in group] and [
                round(engine.measure(what, 20)[1] / 20) for engine in group]
            result[f"{name} {what}"] = [counts[0], min(counts[1:3]), counts[3]]
    ours.end()
    return result


def count(arguments, names):
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/allocations.so"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", library,
                        f"{HERE}/allocations.c"], check=True)
        variables = dict(os.environ, LD_PRELOAD=library, PYTHONMALLOC="malloc")
        answer = subprocess.run(
            [sys.executable, os.path.abspath(__file__), "--binary", arguments.binary, "--count",
             library, *names], env=variables, check=True, capture_output=True, text=True)
        return json.loads(answer.stdout)


def main():
    import argparse
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/JinjaBenchmark"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", help="write the figures to a file, too")
    parser.add_argument("--count", help=argparse.SUPPRESS)
    parser.add_argument("templates", nargs="*", default=TEMPLATES)
    arguments = parser.parse_args()
    names = arguments.templates
    if arguments.count:
        print(json.dumps(counted(arguments.binary, names, arguments.count)))
        return
    try:
        import minijinja  # noqa: F401
        import jinja2  # noqa: F401
    except ImportError:
        python = environment()
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    times = timed(arguments.binary, names, arguments.rounds)
    numbers = count(arguments, names)
    print(f"{'':16}{'microseconds of CPU':^36}  {'times':^20}  {'allocations':^30}")
    print(f"{'template':9}{'':7}{'sectoral':>12}{'minijinja':>12}{'jinja2':>12}"
          f"  {'of minijinja':>12}{'jinja2':>8}  {'sectoral':>10}{'minijinja':>10}{'jinja2':>10}")
    for (name, what), row in times.items():
        ours, mini, python = numbers[f"{name} {what}"]
        print(f"{name:9}{what:7}{row['sectoral'] / 1000:12.1f}{row['minijinja'] / 1000:12.1f}"
              f"{row['jinja2'] / 1000:12.1f}  {row['of minijinja']:12.2f}{row['jinja2 over']:7.1f}x"
              f"  {ours:10}{mini:10}{python:10}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump([{"template": name, "what": what, **row,
                        "allocations": dict(zip(["sectoral", "minijinja", "jinja2"],
                                                numbers[f"{name} {what}"]))}
                       for (name, what), row in times.items()], file, indent=2)


if __name__ == "__main__":
    main()
