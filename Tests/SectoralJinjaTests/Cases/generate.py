"""Records what Jinja2 itself makes of the templates in topics/, one JSON line a case.

    SCRIPT=../Cases/generate.py Differential/run.sh TOOL       rewrites recorded/*.jsonl

Ends with 1 when a filter, test, method, global or tag has no case.

A topic is a text file: cases are separated by lines of `---`; a case may begin with lines
`#: key = value` that set options (`undefined`, `trim_blocks`, …) or add a template (`template:name`).
"""

import json
import pathlib
import re
import sys

import jinja2

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "Differential"))
import oracle  # noqa: E402

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

# Callables that the context adds: the cases for sets have no other way to make one.
CALLABLES = {"set": set}


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


def unmentioned(texts):
    """Filters, tests, methods, globals and tags of Jinja2 and Python that no case mentions."""
    mentioned = set(re.findall(r"\w+|[!=<>]=|[<>]", texts))
    names = {
        "filter": jinja2.filters.FILTERS, "test": jinja2.tests.TESTS, "global": jinja2.defaults.DEFAULT_NAMESPACE,
        "tag": ["for", "if", "block", "extends", "print", "macro", "include", "from", "import", "set", "with", "autoescape",
                "call", "filter", "raw", "do", "break", "continue"],
        "method": [name for kind in (str, list, tuple, dict, set, int, float) for name in dir(kind) if name[0] != "_"],
    }
    # known-differences.txt has the bytes; lipsum's text is random.
    mentioned |= {"lipsum", "to_bytes", "from_bytes", "fromhex"}
    return sorted({f"{kind} {name}" for kind in names for name in names[kind] if name not in mentioned})


def main():
    recorded = HERE / "recorded"
    recorded.mkdir(exist_ok=True)
    (recorded / "context.json").write_text(json.dumps(CONTEXT, ensure_ascii=False) + "\n")
    total = 0
    for path in sorted((HERE / "topics").glob("*.txt")):
        with open(recorded / (path.stem + ".jsonl"), "w") as out:
            for case in cases(path):
                line = {key: value for key, value in case.items() if value}
                line.setdefault("template", "")
                line.update(oracle.render(case | {"context": CONTEXT | CALLABLES}))
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                total += 1
    print(f"{total} cases", file=sys.stderr)
    texts = "".join(path.read_text() for path in (HERE / "topics").glob("*.txt"))
    missing = unmentioned(texts)
    if missing:
        sys.exit(f"no case for: {', '.join(missing)}")


if __name__ == "__main__":
    main()
