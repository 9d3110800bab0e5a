"""Times the templates of this folder: this engine, MiniJinja and Jinja2 (both from PyPI), in one run.

    python measure.py path/to/jinja
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import jinja2
import minijinja

HERE = pathlib.Path(__file__).parent
CONTEXT = json.loads((HERE / "context.json").read_text())
CONTEXT["rows"] = [
    {"name": f"row {i}", "value": i, "active": i % 3 == 0, "tags": ["a", "b", "c"][: i % 4]} for i in range(100)
]
CONTEXT["names"] = [f"column_name_{i}" for i in range(50)] + [f"other_{i}" for i in range(50)]
CONTEXT["target"] = {"name": "dev"}
CONTEXT["this"] = '"db"."schema"."orders"'

# The host's functions, as macros: the same work for all three.
HOST = """{%- macro config() %}{{ kwargs and '' }}{% endmacro %}{% macro ref(name) %}"db"."schema"."{{ name }}"{% endmacro %}
{%- macro is_incremental() %}{% endmacro %}{% macro var(name, default) %}{{ default }}{% endmacro -%}
"""


def best(body, repetitions):
    times = []
    for _ in range(5):
        start = time.perf_counter_ns()
        for _ in range(repetitions):
            body()
        times.append((time.perf_counter_ns() - start) / repetitions)
    return min(times)


def main():
    tool = sys.argv[1]
    print(f"{'template':10} {'':8} {'compile':>10} {'render':>10} {'both':>10}   us")
    for path in sorted(HERE.glob("*.jinja")):
        text = path.read_text()
        if path.stem == "model":
            text = HOST.replace("kwargs and ''", "''").replace("config()", "config(materialized, unique_key, tags)") + text
        with tempfile.TemporaryDirectory() as folder:
            template = pathlib.Path(folder) / "t"
            context = pathlib.Path(folder) / "c.json"
            template.write_text(text)
            context.write_text(json.dumps(CONTEXT))
            answer = subprocess.run(
                [tool, str(template), "--context", str(context), "--measure", "300"], capture_output=True, text=True
            )
            ours = json.loads(answer.stdout or answer.stderr)
            shown = subprocess.run(
                [tool, str(template), "--context", str(context)], capture_output=True, text=True
            ).stdout
        python = jinja2.Environment()
        compiled = python.from_string(text)
        theirs = {
            "compile": best(lambda: python.from_string(text), 3) / 1,
            "render": best(lambda: compiled.render(CONTEXT), 30),
        }
        if shown != compiled.render(CONTEXT):
            print(f"{path.stem}: the output differs from Jinja2's")
        rust = minijinja.Environment(pycompat=True)
        def compile_rust():
            rust.add_template("t", text)

        # What it costs to hand the context over to Rust is not the engine's.
        rust.add_template("empty", "x")
        handing = best(lambda: rust.render_template("empty", **CONTEXT), 100)
        try:
            compile_rust()
            mini = {
                "compile": best(compile_rust, 300),
                "render": best(lambda: rust.render_template("t", **CONTEXT), 100) - handing,
            }
        except Exception as error:  # noqa: BLE001
            mini = {"compile": 0, "render": 0}
            print("minijinja:", error)
        for name, times in (("ours", ours), ("minijinja", mini), ("jinja2", theirs)):
            both = times["compile"] + times["render"]
            print(
                f"{path.stem:10} {name:9} {times['compile'] / 1000:10.1f} {times['render'] / 1000:10.1f} {both / 1000:10.1f}"
            )


if __name__ == "__main__":
    main()
