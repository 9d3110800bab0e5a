"""Records what Jinja2 itself makes of the templates in topics/, one JSON line a case.

    python generate.py            rewrites recorded/*.jsonl (needs Jinja2 3.1)

A topic is a text file: cases are separated by lines of `---`; a case may begin with lines
`#: key = value` that set options (`undefined`, `trim_blocks`, …) or add a template (`template:name`).
"""

import json
import pathlib
import sys

import jinja2

HERE = pathlib.Path(__file__).parent

CONTEXT = {
    "s": "Hello World",
    "t": "  padded\ttext  ",
    "u": "Grüße, Žofie! ñandú €",
    "html": "<a href=\"x\">T&C's</a>",
    "empty": "",
    "n": 42,
    "neg": -7,
    "zero": 0,
    "big": 123456789012345678901234567890,
    "f": 3.14159,
    "half": 0.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "xs": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple"],
    "nested": [[1, 2], [3, [4, 5]], []],
    "d": {"b": 2, "a": 1, "C": 3},
    "deep": {"list": [{"name": "x", "value": 1}, {"name": "y", "value": 2}], "key": {"k": "v"}},
    "users": [
        {"name": "John", "age": 30, "city": "Rome", "tags": ["a", "b"]},
        {"name": "jane", "age": 25, "city": "Oslo", "tags": []},
        {"name": "Zed", "age": 30, "city": "oslo", "tags": ["c"]},
    ],
}

UNDEFINED = {
    "strict": jinja2.StrictUndefined,
    "chainable": jinja2.ChainableUndefined,
    "debug": jinja2.DebugUndefined,
}


def cases(path):
    for block in path.read_text().split("\n---\n"):
        options, templates, lines = {}, {}, block.split("\n")
        while lines and lines[0].startswith("#: "):
            key, _, value = lines.pop(0)[3:].partition(" = ")
            if key.startswith("template:"):
                templates[key[9:]] = json.loads(value)
            else:
                options[key] = json.loads(value)
        text = "\n".join(lines)
        if not path.name.startswith("whitespace"):
            text = text.rstrip("\n")
        yield {"template": text, "templates": templates, "options": options}


def expected(case):
    options = dict(case["options"])
    undefined = UNDEFINED.get(options.pop("undefined", ""), jinja2.Undefined)
    environment = jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.DictLoader(case["templates"]),
        undefined=undefined,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        **options,
    )
    try:
        context = json.loads(json.dumps(CONTEXT))
        return {"output": environment.from_string(case["template"]).render(context)}
    except Exception as error:  # noqa: BLE001
        return {"error": {"kind": type(error).__name__, "message": str(error)}}


def main():
    import jinja2.sandbox  # noqa: F401

    recorded = HERE / "recorded"
    recorded.mkdir(exist_ok=True)
    (recorded / "context.json").write_text(json.dumps(CONTEXT, ensure_ascii=False) + "\n")
    total = 0
    for path in sorted((HERE / "topics").glob("*.txt")):
        with open(recorded / (path.stem + ".jsonl"), "w") as out:
            for case in cases(path):
                line = {key: value for key, value in case.items() if value}
                line.setdefault("template", "")
                line.update(expected(case))
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                total += 1
    print(f"{total} cases", file=sys.stderr)


if __name__ == "__main__":
    main()
