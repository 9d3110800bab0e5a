"""Renders random templates with Jinja2 and with the `jinja` tool, and lists where they disagree.

    python differential.py path/to/jinja [--count 20000] [--seed 1] [--show 20]

Outputs must be equal; where Jinja2 raises, the kind of the error must be. Templates are made from
a grammar, so nearly all of them compile; the seed makes a run repeatable.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import warnings

import jinja2
import jinja2.sandbox

CONTEXT = {
    "s": "Hello World", "e": "", "u": "Žluťoučký 🐎 ñ", "n": 42, "z": 0, "neg": -7, "f": 2.5, "t": True, "no": False,
    "nil": None, "xs": [3, 1, 2], "ws": ["b", "A", "c", "a"], "mix": [1, "a", None, 2.5, [1], {"k": 1}],
    "d": {"b": 2, "a": 1, "C": 3}, "nest": {"l": [{"n": "x", "v": 1}, {"n": "y", "v": 2}], "k": {"q": [1, 2]}},
    "rows": [{"n": "John", "a": 30, "c": "Rome"}, {"n": "jane", "a": 25, "c": "Oslo"}, {"n": "Zed", "a": 30, "c": "oslo"}],
}
NAMES = list(CONTEXT) + ["missing", "v1", "v2", "loop", "i", "j"]
# How messages and orders of things that Python leaves open are kept out: no sets, no addresses.
FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "length", "first", "last", "list", "string", "join(',')", "join",
    "sort", "reverse", "default('d')", "default('d', true)", "int", "float", "abs", "round", "round(1)", "e", "replace('a','b')",
    "replace('l', '', 1)", "unique|list", "sum", "min", "max", "wordcount", "truncate(7)", "truncate(5, true, '..')", "indent(2)",
    "center(9)", "map('upper')|list", "map('string')|join('-')", "map(attribute='n')|list", "selectattr('a', 'gt', 26)|list|length",
    "select('odd')|list", "reject('none')|list", "batch(2)|list", "slice(2)|list", "tojson", "items|list", "dictsort", "groupby('a')",
    "format(1)", "attr('n')", "urlencode", "striptags", "sort(reverse=true)", "sort(attribute='n')", "sum(attribute='a')",
    "batch(3, 'x')|list", "wordwrap(6)", "filesizeformat", "select|list", "rejectattr('n')|list", "d", "count", "safe", "reverse|list",
    "map('length')|list", "map('int')|list", "map('default', 'x')|list", "unique(true)|list", "max(attribute='a')", "pprint", "xmlattr",
]
TESTS = [
    "defined", "undefined", "none", "number", "string", "sequence", "mapping", "iterable", "even", "odd", "divisibleby(3)", "eq(1)",
    "in([1,2])", "true", "false", "boolean", "integer", "float", "callable", "lower", "upper", "sameas(none)", "gt(1)", "ne('a')",
    "not defined", "not none", "divisibleby 2", "in xs", "lt 5",
]
METHODS = [
    "upper()", "lower()", "split()", "split('l')", "strip()", "replace('o','0')", "startswith('H')", "endswith(('d','x'))", "find('o')",
    "count('l')", "title()", "join(['a','b'])", "isdigit()", "zfill(5)", "center(9,'*')", "partition(' ')", "items()|list", "keys()|list",
    "values()|list", "get('a')", "get('q', 5)", "index(1)", "count(1)", "copy()", "append(9)", "pop()", "pop('a', 1)", "update({'z':1})",
    "format(1,2)", "rsplit(' ',1)", "splitlines()", "swapcase()", "casefold()", "ljust(4)", "lstrip('H')", "isalpha()", "capitalize()",
    "removeprefix('He')", "setdefault('m', 1)", "extend([7])", "insert(0, 5)", "rfind('l')", "expandtabs()", "n", "a", "q", "l",
]
STRINGS = ["'a'", "'abc'", "''", "'Hello'", "'%s-%s'", "'{} {}'", "'a,b,c'", "'é'", "'x y  z'", "'12'", "'3.7'", "'<b>&'", "'l'", "\"it's\"", "'a\\nb'"]
NUMBERS = ["0", "1", "2", "3", "7", "10", "-1", "2.5", "0.1", "1e3", "1e20", "100000000000000000000", "true", "none"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.loops = 0
        self.macros = 0

    def pick(self, items):
        return self.random.choice(items)

    def atom(self):
        if self.random.random() < 0.3:
            return self.pick(["s", "n", "xs", "'a'", "1", "f"])
        r = self.random.random()
        if r < 0.45:
            return self.pick(NAMES)
        if r < 0.65:
            return self.pick(STRINGS)
        return self.pick(NUMBERS)

    def expression(self, depth=3):
        if depth <= 0:
            return self.atom()
        sub = lambda: self.expression(depth - 1)
        r = self.random.random()
        if r < 0.16:
            return self.atom()
        if r < 0.28:
            return f"{sub()} {self.pick(['+', '-', '*', '/', '//', '%', '~', '+', '~'])} {sub()}"
        if r < 0.31:
            return f"({sub()}) {self.pick(['+', '-', '*', '~'])} ({sub()})"
        if r < 0.38:
            return f"{sub()} {self.pick(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'])} {sub()}"
        if r < 0.43:
            return f"{sub()} {self.pick(['and', 'or'])} {sub()}"
        if r < 0.46:
            return f"not {sub()}"
        if r < 0.62:
            return f"{self.operand(depth)}|{self.pick(FILTERS)}"
        if r < 0.68:
            return f"({self.operand(depth)} is {self.pick(TESTS)})"
        if r < 0.76:
            return f"{self.operand(depth)}.{self.pick(METHODS)}"
        if r < 0.80:
            return f"{self.pick(NAMES)}[{self.pick(['0', '1', '-1', '9', sub()])}]"
        if r < 0.84:
            return f"{self.pick(NAMES)}[{self.pick(['', '0', '1', '-2', '5'])}:{self.pick(['', '2', '-1', '9'])}{self.pick(['', ':2', ':-1', ''])}]"
        if r < 0.88:
            return "[" + ", ".join(sub() for _ in range(self.random.randint(0, 3))) + "]"
        if r < 0.90:
            return "(" + ", ".join(sub() for _ in range(self.random.randint(2, 3))) + ")"
        if r < 0.93:
            keys = self.random.sample(["'k'", "'a'", "1", "n", "'n'"], self.random.randint(0, 3))
            return "{" + ", ".join(f"{key}: {sub()}" for key in keys) + "}"
        if r < 0.96:
            return f"({sub()} if {sub()} else {sub()})"
        if r < 0.97:
            return f"({sub()} if {sub()})"
        if r < 0.98:
            return f"range({self.pick(['3', '1, 4', '5, 0, -2'])})" + self.pick(["", "|list", "|sum"])
        if r < 0.99:
            return f"{self.pick(['%s|%s', '%d', '%5.1f', '%(a)s'])!r} % {sub()}"
        return f"dict(a={sub()})"

    def operand(self, depth):
        if self.random.random() < 0.3:
            return self.pick(["s", "u", "xs", "ws", "rows", "d", "nest.l", "'a b'"])
        return self.atom() if self.random.random() < 0.6 else f"({self.expression(depth - 1)})"

    def space(self):
        return self.pick(["", "", "", " ", "\n", "  \n", "\n  ", "text", " a ", "\n\n"])

    def tag(self, body):
        left, right = self.pick(["", "", "", "-"]), self.pick(["", "", "", "-"])
        return "{%" + left + " " + body + " " + right + "%}"

    def statements(self, depth):
        return "".join(self.space() + self.statement(depth) for _ in range(self.random.randint(1, 3))) + self.space()

    def statement(self, depth):
        r = self.random.random()
        if depth <= 0 or r < 0.4:
            left, right = self.pick(["", "", "", "-"]), self.pick(["", "", "", "-"])
            return "{{" + left + " " + self.expression() + " " + right + "}}"
        if r < 0.55:
            text = self.tag(f"if {self.expression()}") + self.statements(depth - 1)
            if self.random.random() < 0.3:
                text += self.tag(f"elif {self.expression(2)}") + self.statements(depth - 1)
            if self.random.random() < 0.4:
                text += self.tag("else") + self.statements(depth - 1)
            return text + self.tag("endif")
        if r < 0.72:
            target = self.pick(["i", "j", "v1", "i, j"])
            source = self.pick(["xs", "ws", "mix", "d", "d.items()", "rows", "range(3)", "s", "[]", "[[1, 2], [3, 4]]", self.expression(2)])
            if target == "i, j":
                source = self.pick(["d.items()", "[[1, 2], [3, 4]]", "nest.items()", source])
            test = f" if {self.expression(1)}" if self.random.random() < 0.15 else ""
            body = self.statements(depth - 1)
            if self.random.random() < 0.4:
                body += "{{ loop." + self.pick(["index", "first", "last", "length", "revindex", "index0", "previtem", "depth", "cycle('a','b')", "changed(i)"]) + " }}"
            if self.random.random() < 0.15:
                body += self.tag(f"if {self.expression(1)}") + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
            text = self.tag(f"for {target} in {source}{test}") + body
            if self.random.random() < 0.2:
                text += self.tag("else") + self.statements(depth - 1)
            return text + self.tag("endfor")
        if r < 0.82:
            if self.random.random() < 0.2:
                return self.tag(f"set {self.pick(['v1', 'v2', 'n', 'i'])}") + self.statements(depth - 1) + self.tag("endset")
            return self.tag(f"set {self.pick(['v1', 'v2', 'n', 's', 'i'])} = {self.expression()}")
        if r < 0.85:
            return self.tag(f"with v1 = {self.expression(2)}, v2 = v1") + self.statements(depth - 1) + self.tag("endwith")
        if r < 0.88:
            name = self.pick(["upper", "trim", "title", "replace('a', 'b')"])
            return self.tag(f"filter {name}") + self.statements(depth - 1) + self.tag("endfilter")
        if r < 0.93:
            name = f"m{self.macros}"
            self.macros += 1
            body = self.statements(depth - 1) + self.pick(["", "", "{{ caller() if caller }}", "{{ varargs }}", "{{ kwargs }}"])
            text = self.tag(f"macro {name}({self.pick(['', 'v1', 'v1, v2=1', 'i=n, j=i'])})") + body + self.tag("endmacro")
            call = f"{name}({self.pick(['', '1', '1, 2', 'v1=3', 's, v2=n', 'zz=1', '*xs', '**d'])})"
            if self.random.random() < 0.3:
                return text + self.tag(f"call {call}") + self.statements(depth - 1) + self.tag("endcall")
            return text + "{{ " + call + " }}"
        if r < 0.95:
            return self.tag(f"do {self.pick(['xs.append(4)', 'd.update({1: 2})', 'ws.sort()', 'xs.pop()'])}")
        if r < 0.97:
            return "{% set ns = namespace(c=0) %}" + self.tag("for i in xs") + "{% set ns.c = ns.c + i %}" + self.statements(depth - 1) + self.tag("endfor") + "{{ ns.c }}"
        return self.pick(["{# note #}", "{#- note -#}", "{% raw %}{{ x }}{% endraw %}", "{%- raw -%} a {%- endraw -%}"])

    def template(self):
        return self.statements(3)


def expected(text, options, undefined):
    environment = jinja2.sandbox.SandboxedEnvironment(
        undefined=undefined, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], **options
    )
    try:
        return {"output": environment.from_string(text).render(json.loads(json.dumps(CONTEXT)))}
    except TimeoutError:
        return None
    except Exception as error:  # noqa: BLE001
        return {"error": type(error).__name__, "message": str(error)}


# Kept on purpose: known-differences.txt says why.
def is_known(case, theirs, ours):
    text = theirs.get("output", "")
    if "<built-in method" in text or " object at 0x" in text or re.search(r"\d[+-][\d.e-]+j\)", text) or "<bound method" in text:
        return True
    if "break" in case and theirs.get("error") == "SyntaxError":
        return True
    if "|e" in case or "|safe" in case or "tojson" in case or "xmlattr" in case or "striptags" in case or "&" in text:
        # Markup does not exist here: it escapes what is added to it.
        return True
    return ours.get("error", {}).get("kind") == "LimitExceeded"


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    arguments = parser.parse_args()

    def alarm(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, alarm)
    cases = []
    for index in range(arguments.count):
        maker = Maker(arguments.seed * 1_000_003 + index)
        text = maker.template()
        options = {}
        if maker.random.random() < 0.2:
            options["trim_blocks"] = True
        if maker.random.random() < 0.2:
            options["lstrip_blocks"] = True
        kind = maker.pick(["", "", "", "strict", "chainable"])
        undefined = {"strict": jinja2.StrictUndefined, "chainable": jinja2.ChainableUndefined}.get(kind, jinja2.Undefined)
        signal.alarm(5)
        try:
            theirs = expected(text, options, undefined)
        except TimeoutError:
            theirs = None
        signal.alarm(0)
        if theirs is not None:
            cases.append((text, options | ({"undefined": kind} if kind else {}), theirs))
    requests = "".join(json.dumps({"template": t, "options": o, "context": CONTEXT}) + "\n" for t, o, _ in cases)
    answers = subprocess.run([arguments.tool, "--batch"], input=requests, capture_output=True, text=True)
    lines = answers.stdout.split("\n")[:-1]
    if len(lines) != len(cases):
        print(f"the tool died at: {cases[len(lines)][0]!r}\n{answers.stderr[:1500]}")
    different = outputs = known = 0
    for (text, options, theirs), line in zip(cases, lines):
        ours = json.loads(line)
        outputs += "output" in theirs
        if "output" in theirs:
            same = ours.get("output") == theirs["output"]
        else:
            same = ours.get("error", {}).get("kind") == theirs["error"]
        if same:
            continue
        if is_known(text, theirs, ours):
            known += 1
            continue
        different += 1
        if different <= arguments.show:
            print(f"--- {text!r} {options}\n   theirs {theirs}\n   ours   {ours}")
    print(f"{len(cases)} templates ({outputs} with output): {different} differ, {known} in known ways")
    sys.exit(different != 0)


if __name__ == "__main__":
    main()
