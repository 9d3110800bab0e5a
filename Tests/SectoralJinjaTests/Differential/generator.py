"""Random templates, their contexts and options, from a seed.

Four of five are well-typed as far as types can tell, so that they render; the others have operands,
arguments and texts where they do not belong.
"""

import random
import re

import contexts
from grammar import CONTEXT_NAMES, PRODUCTIONS, SUPERTYPES, TERMINALS

# How tightly an expression binds.
POSTFIX, FILTERED, OPERATOR = range(3)

HOLE = re.compile(r"<(<?)([a-z_]+)>>?")


class Production:
    """A line of the grammar, cut at its holes."""

    def __init__(self, text):
        self.parts = []  # (text before, type, is bare, how loosely its filling may bind)
        position = 0
        for match in HOLE.finditer(text):
            self.parts.append((text[position:match.start()], match[2], self.is_bare(text, match), self.limit(text, match)))
            position = match.end()
        self.tail = text[position:]
        self.level = self.level_of(text)
        self.needs_loop = text.startswith("loop.")

    @staticmethod
    def is_bare(text, match):
        if match[1]:
            return True
        before, after = text[:match.start()].rstrip()[-1:], text[match.end():].lstrip()[:1]
        return before in ("", "(", "[", ",", "=", ":") and after in ("", ")", "]", ",", ":", "}")

    @staticmethod
    def limit(text, match):
        after = text[match.end():]
        if after[:1] in (".", "["):
            return POSTFIX
        return FILTERED

    @staticmethod
    def level_of(text):
        plain = re.sub(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"", "S", HOLE.sub("H", text))
        depth, outside = 0, ""
        for character in plain:
            if character in "([{":
                depth += 1
            elif character in ")]}":
                depth -= 1
            elif depth == 0:
                outside += character
        if " " in outside or outside[:1] in "-+":
            return OPERATOR
        return FILTERED if "|" in outside else POSTFIX


GRAMMAR = {
    kind: [Production(line.strip()) for line in lines.strip().splitlines()] for kind, lines in PRODUCTIONS.items()
}


def _shortest():
    """Of each type, the productions that end soonest: what is chosen once an expression is deep enough."""
    heights = {kind: 0 for kind in TERMINALS}

    def height(production):
        return 1 + max((heights.get(kind, 99) for _, kind, _, _ in production.parts), default=0)

    for _ in range(6):
        for kind, productions in GRAMMAR.items():
            heights[kind] = min([heights.get(kind, 99)] + [height(one) for one in productions if not one.needs_loop])
    return {
        kind: [one for one in productions if not one.needs_loop and height(one) <= max(1, heights[kind])] or
        [min(productions, key=height)]
        for kind, productions in GRAMMAR.items()
    }


SHORTEST = _shortest()
# What a hole may be filled with by mistake.
WRONG = ["str", "int", "none", "strs", "danys", "undef", "any", "float", "tup", "rec", "recs", "bool"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wild = self.random.random() < 0.15
        self.names = [{kind: list(names) for kind, names in CONTEXT_NAMES.items()}]
        self.macros = []  # (name, parameter types, takes more, calls its caller)
        self.loops = 0
        self.captured = 0  # inside of what collects its text: set, filter and call blocks, macros
        self.count = 0
        self.templates = {}
        self.budget = self.random.choice([4, 8, 14])

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, probability):
        return self.random.random() < probability

    def fresh(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    # Expressions

    def known(self, kind):
        kinds = [kind] + [name for name in SUPERTYPES.get(kind, []) if name != kind]
        return [name for scope in self.names for each in kinds for name in scope.get(each, [])]

    def bind(self, kind, name):
        # A name that is assigned anew is no longer what it was.
        for each in self.names[-1]:
            self.names[-1][each] = [other for other in self.names[-1][each] if other != name]
        self.names[-1].setdefault(kind, []).append(name)

    def expression(self, kind, depth=None):
        return self.make(kind, depth or self.pick([1, 2, 2, 3, 4]))[0]

    def make(self, kind, depth):
        """An expression of the type, and how tightly it binds."""
        if self.wild and self.chance(0.07):
            kind = self.pick(WRONG)
        if kind in TERMINALS and (depth <= 0 or kind not in GRAMMAR or self.chance(0.2)):
            names = self.known(kind)
            if names and self.chance(0.6):
                return self.pick(names), POSTFIX
            text = self.pick(TERMINALS[kind])
            if text[:1] == "-":
                return text, OPERATOR
            is_number = text[:1].isdigit()
            return text, FILTERED if is_number or " " in text and text[0] == "'" and text.count("'") > 2 else POSTFIX
        if depth <= 0 or self.chance(0.25):
            names = self.known(kind)
            if names:
                return self.pick(names), POSTFIX
        choices = GRAMMAR[kind] if depth > 0 else SHORTEST[kind]
        production = self.pick(choices)
        while production.needs_loop and not self.loops:
            production = self.pick(choices)
        return self.fill(production, depth - 1), production.level

    def fill(self, production, depth):
        text = ""
        for before, kind, is_bare, limit in production.parts:
            text += before
            inner, level = self.make(kind, depth)
            text += inner if is_bare or level <= limit else f"({inner})"
        return text + production.tail

    # Text and tags

    def text(self):
        return self.pick(["", "", "", " ", "\n", "  \n", "\n  ", "text", " a ", "\n\n", "x\n", "{ }", "é", "\t", "<br>", "% }", "'"])

    def marks(self):
        left = self.pick(["", "", "", "", "-", "+"])
        right = self.pick(["", "", "", "", "-", "+"])
        return left, right

    def tag(self, body):
        left, right = self.marks()
        space = self.pick([" ", " ", " ", "", "  ", "\n"])
        if not space and (body[-1:] in "-+%" or body[:1] in "-+"):
            space = " "
        return "{%" + left + space + body + space + right + "%}"

    def output(self, expression):
        left, right = self.marks()
        # Braces that touch would close early.
        return "{{" + left + " " + expression + " " + ("-" if right else "") + "}}"

    def body(self, depth):
        # What is assigned inside does not leave it: the scope is dropped.
        self.names.append({})
        parts = [self.text() + self.statement(depth - 1) for _ in range(self.pick([1, 1, 2, 3]))]
        self.names.pop()
        return "".join(parts) + self.text()

    def collected(self, depth):
        # Jinja2 writes `include … without context` past what collects the text around it.
        self.captured += 1
        text = self.body(depth)
        self.captured -= 1
        return text

    # Statements

    def statement(self, depth):
        self.budget -= 1
        if depth <= 0 or self.budget < 0 or self.chance(0.35):
            return self.output(self.expression(self.pick(["any", "str", "str", "int", "float", "bool", "strs", "ints", "danys", "undef"])))
        return self.pick(STATEMENTS)(self, depth)

    def if_statement(self, depth):
        text = self.tag(f"if {self.expression('bool')}") + self.body(depth)
        while self.chance(0.25):
            text += self.tag(f"elif {self.expression('any', 2)}") + self.body(depth)
        if self.chance(0.5):
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endif")

    def for_statement(self, depth):
        kind, item = self.pick([("strs", "str"), ("ints", "int"), ("recs", "rec"), ("anys", "any"), ("pairs", None), ("danys", "str"),
                                ("str", "str"), ("ints", "int")])
        iterable = self.expression(kind, 2)
        if kind == "danys":
            iterable = self.pick([f"({iterable})|list", f"({iterable}).keys()|list"])
            item = "any"
        name, other = self.fresh("i"), self.fresh("j")
        self.names.append({})
        if item is None:
            target = self.pick([f"{name}, {other}", f"({name}, {other})", f"{name},{other}"])
            self.bind("any", name)
            self.bind("any", other)
        else:
            target = name
            self.bind(item, name)
        test = ""
        if self.chance(0.25):
            test = " if " + self.expression("bool", 1)
        is_recursive = kind == "recs" and self.chance(0.3)
        self.loops += 1
        body = self.collected(depth) if is_recursive else self.body(depth)
        if self.chance(0.5):
            field = self.pick(["index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0", "previtem is defined",
                               "nextitem|default('-')", "cycle('odd', 'even')", f"changed({name})", "previtem|d('-')", "cycle(1, 2, 3)"])
            body += "{{ loop." + field + " }}"
        if is_recursive:
            body += "{{ loop(" + f"[] if loop.depth > 2 else rows[:loop.depth]" + ")" + self.pick(["", "|upper", "|length"]) + " }}"
        if self.chance(0.2):
            body += self.tag(f"if {self.expression('bool', 1)}") + self.text() + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
            body += self.body(depth) if self.chance(0.5) else ""
        self.loops -= 1
        self.names.pop()
        if " if " in iterable and not self.wild:
            iterable = f"({iterable})"
        text = self.tag(f"for {target} in {iterable}{test}" + (" recursive" if is_recursive else "")) + body
        if self.chance(0.3):
            loops, self.loops = self.loops, 0
            text += self.tag("else") + (self.collected(depth) if is_recursive else self.body(depth))
            self.loops = loops
        return text + self.tag("endfor")

    def set_statement(self, depth):
        kind = self.pick(["str", "int", "float", "bool", "strs", "ints", "recs", "rec", "danys", "any", "dints"])
        name = self.pick([self.fresh("v"), self.fresh("v"), *(self.known(kind)[:8] or ["v0"])])
        text = self.tag(f"set {name} = {self.expression(kind)}")
        if self.chance(0.15):
            other = self.fresh("w")
            text = self.tag(f"set {name}, {other} = {self.expression(kind)}, {self.expression('str')}")
            self.bind("str", other)
        self.bind(kind, name)
        return text

    def set_block(self, depth):
        name = self.fresh("b")
        chain = self.pick(["", "", " | upper", " | trim", "|replace('a', 'b')|length|string", " | indent(2) | title"])
        text = self.tag(f"set {name}{chain}") + self.collected(depth) + self.tag("endset")
        self.bind("str", name)
        return text

    def namespace(self, depth):
        name = self.fresh("ns")
        text = self.tag(f"set {name} = namespace(a={self.expression('int', 2)}, s={self.expression('str', 1)})")
        item = self.fresh("i")
        text += self.tag(f"for {item} in ({self.expression('ints', 1)})")
        text += self.tag(f"set {name}.a = {name}.a + {item}")
        if self.chance(0.5):
            text += self.tag(f"set {name}.{self.pick(['s', 'new'])} = {self.expression('str', 1)} ~ {name}.s")
        if self.chance(0.2):
            text += self.tag(f"set {name}.block") + self.text() + "{{ " + name + ".a }}" + self.tag("endset")
        return text + self.tag("endfor") + "{{ " + name + self.pick([".a", "['a']", ".s", ".new|d('-')", ".zz", ".block"]) + " }}"

    def with_statement(self, depth):
        first, second = self.fresh("w"), self.fresh("w")
        head = f"with {first} = {self.expression('str', 2)}"
        if self.chance(0.6):
            head += f", {second} = {self.pick([self.expression('int', 2), 'n'])}"
        elif self.chance(0.1):
            head = "with"
        self.names.append({"str": [first]} if head != "with" else {})
        text = self.tag(head) + self.body(depth)
        self.names.pop()
        return text + self.tag("endwith")

    def filter_block(self, depth):
        chain = self.pick(["upper", "trim", "title", "replace('a', 'b')", "indent(3, true)", "lower|capitalize", "wordwrap(8)", "e", "truncate(9)",
                           "center(12)|upper", "reverse", "striptags", f"default({self.expression('str', 1)})", "urlize"])
        return self.tag(f"filter {chain}") + self.collected(depth) + self.tag("endfilter")

    def macro(self, depth):
        name = self.fresh("m")
        text, signature = self.macro_definition(name, depth)
        self.macros.append((name, *signature))
        return text + self.text() + self.macro_call(depth)

    def macro_definition(self, name, depth):
        parameters, shown = [], []
        macros, self.macros = self.macros, []
        outer_loops, self.loops = self.loops, 0
        self.names.append({})
        for _ in range(self.pick([0, 1, 1, 2, 3])):
            kind = self.pick(["str", "int", "any", "strs", "rec"])
            parameter = self.fresh("p")
            default = None
            if shown and "=" in shown[-1] or self.chance(0.4):
                default = self.expression(kind, 1)
            shown.append(parameter if default is None else f"{parameter}={default}")
            self.bind(kind, parameter)
            parameters.append((parameter, kind, default is not None))
        takes_more, takes_keywords, calls = self.chance(0.15), self.chance(0.15), self.chance(0.3)
        body = self.collected(depth)
        if takes_more:
            body += self.pick(["{{ varargs|length }}", "{{ varargs }}", "{% for v in varargs %}{{ v }}{% endfor %}"])
        if takes_keywords:
            body += self.pick(["{{ kwargs|length }}", "{{ kwargs|dictsort|list }}", "{{ kwargs.q }}"])
        takes = 0
        if calls:
            takes = self.pick([0, 0, 1])
            arguments = self.expression("str", 1) if takes else ""
            body += self.pick(["[{{ caller(" + arguments + ") }}]", "{% if caller %}{{ caller(" + arguments + ") }}{% endif %}"])
        self.names.pop()
        self.macros, self.loops = macros, outer_loops
        text = self.tag(f"macro {name}({', '.join(shown)})") + body + self.tag("endmacro")
        return text, (parameters, takes_more, takes_keywords, calls, takes)

    def macro_call(self, depth):
        name, parameters, takes_more, takes_keywords, calls, takes = self.pick(self.macros)
        arguments, is_named = [], False
        for parameter, kind, has_default in parameters:
            if has_default and self.chance(0.5) or self.wild and self.chance(0.1):
                is_named = True
                continue
            is_named = is_named or self.chance(0.3)
            value = self.expression(kind, 1)
            arguments.append(f"{parameter}={value}" if is_named else value)
        if takes_more and not is_named:
            arguments += [self.expression("any", 1), self.pick(["*xs", "*ws", "1", "*[1, 2]"])]
        if takes_keywords:
            arguments.append(self.pick(["q=1", "**{'q': 2}", "zz=none", "**d"]))
        if self.wild and self.chance(0.2):
            arguments.insert(0, self.expression("any", 1))
        call = f"{name}({', '.join(arguments)})"
        if calls:
            head = "call(given) " if takes else "call "
            self.names.append({"str": ["given"]} if takes else {})
            text = self.tag(head + call) + self.collected(depth) + self.tag("endcall")
            self.names.pop()
            return text
        if self.chance(0.1):
            return self.output(f"{name}.{self.pick(['name', 'arguments', 'catch_varargs', 'catch_kwargs', 'caller'])}")
        return self.output(call + self.pick(["", "", "|trim", "|length", " ~ 'x'"]))

    def do_statement(self, depth):
        name = self.fresh("l")
        kind, action = self.pick([
            ("ints", f".append({self.expression('int', 1)})"), ("ints", ".reverse()"), ("ints", ".sort()"), ("ints", ".sort(reverse=true)"),
            ("strs", f".extend({self.expression('strs', 1)})"), ("strs", f".insert(0, {self.expression('str', 1)})"), ("ints", ".clear()"),
            ("strs", f".insert({self.pick(['-1', '1', '99'])}, 'q')"), ("dints", f".update({self.expression('dints', 1)})"),
            ("danys", f".update(z={self.expression('any', 1)})"), ("danys", f".setdefault('q', {self.expression('any', 1)})"),
            ("dints", ".pop('a', none)"), ("danys", ".clear()"), ("danys", ".update([('y', 1)], x=2)"), ("recs", ".append(r)"),
        ])
        # A copy, so that the templates' own literals stay as they are.
        value = f"({self.expression(kind, 2)})" + (".copy()" if self.chance(0.8) else "")
        text = self.tag(f"set {name} = {value}") + self.tag(f"do {name}{action}")
        self.bind(kind, name)
        return text + self.output(name)

    def raw(self, depth):
        return self.pick(["{# note #}", "{#- note -#}", "{#+ x +#}", "{% raw %}{{ x }}{% endraw %}", "{%- raw -%} {% a %} {%- endraw -%}",
                          "{% raw -%}\n {{ }}\n{%- endraw %}", "{# {% if %} #}", "{% raw %}\n{% endraw +%}\n"])

    def autoescape(self, depth):
        return self.tag(f"autoescape {self.pick(['true', 'false', 'true'])}") + self.body(depth) + self.tag("endautoescape")

    # Other templates

    def include(self, depth):
        name = self.fresh("t")
        loops, self.loops = self.loops, 0
        self.templates[name] = self.body(1)
        self.loops = loops
        choice = self.random.random()
        if choice < 0.5:
            return self.tag(f"include '{name}'" + self.pick(["", " with context", " ignore missing"]))
        if choice < 0.65:
            return self.tag(f"include ['gone', '{name}']" + self.pick(["", " ignore missing", " with context"]))
        if choice < 0.75:
            return self.tag("include 'gone' ignore missing" + self.pick(["", " with context", "" if self.captured else " without context"]))
        if choice < 0.85 or self.captured:
            return self.tag(f"set file = '{name}'") + self.tag("include file")
        names = self.names
        self.names = [{}]
        self.templates[name] = self.body(1)
        self.names = names
        return self.tag(f"include '{name}' without context")

    def import_statement(self, depth):
        file, name, value, alias = self.fresh("t"), self.fresh("m"), self.fresh("v"), self.fresh("x")
        with_context = self.chance(0.4)
        names = self.names
        macros, self.macros = self.macros, []
        if not with_context:
            self.names = [{}]
        definition, signature = self.macro_definition(name, 1)
        text = self.tag(f"set {value} = {self.expression('str', 1)}") + definition
        if self.chance(0.2):
            text += self.tag("set _private = 1")
        self.names, self.macros = names, macros
        self.templates[file] = text
        suffix = self.pick([" with context"]) if with_context else self.pick(["", " without context"])
        if self.chance(0.5):
            shown = self.tag(f"import '{file}' as {alias}{suffix}")
            self.macros.append((f"{alias}.{name}", *signature))
            shown += self.output(f"{alias}.{value}" + self.pick(["", "|upper"]))
            if self.chance(0.1):
                shown += self.output(f"{alias}.{self.pick(['zz', '_private', 'zz|default(1)'])}")
        else:
            shown = self.tag(f"from '{file}' import {name} as {alias}, {value}{',' if not suffix and self.chance(0.1) else ''}{suffix}")
            self.macros.append((alias, *signature))
            self.bind("str", value)
        return shown + self.macro_call(depth)

    def inheritance(self):
        """The whole template extends another."""
        base, blocks = self.fresh("base"), [self.fresh("k") for _ in range(self.pick([1, 2, 3]))]
        parent = ""
        for block in blocks:
            inner = self.body(1)
            if self.chance(0.2):
                inner += self.tag(f"block {block}_in") + "inner" + self.tag("endblock")
            suffix = self.pick(["", "", " scoped", " required" if self.chance(0.2) else ""])
            if suffix == " required":
                inner = self.pick(["", " \n", "{# c #}"])
            parent += self.text() + self.tag(f"block {block}{suffix}") + inner + self.tag(self.pick(["endblock", f"endblock {block}"]))
        if self.chance(0.3):
            item = self.fresh("i")
            parent += self.tag(f"for {item} in xs") + self.tag(f"block {item}_k{self.pick([' scoped', ''])}") + "{{ " + item + " }}" + \
                self.tag("endblock") + self.tag("endfor")
        self.templates[base] = parent
        chain = base
        if self.chance(0.3):
            middle = self.fresh("base")
            self.templates[middle] = self.tag(f"extends '{base}'") + self.overrides(blocks)
            chain = middle
        head = self.pick([f"extends '{chain}'", f"extends '{chain}'", f"extends '{chain}' if t else '{base}'"])
        text = self.pick(["", "\n", "before "]) + self.tag(head)
        if self.chance(0.4):
            text += self.set_statement(1)
        return text + self.overrides(blocks) + self.text()

    def overrides(self, blocks):
        text = ""
        for block in blocks:
            if self.chance(0.6):
                inner = self.pick(["{{ super() }}", "", "", "{{ super()|upper }}", f"{{{{ self.{self.pick(blocks)}_x is defined }}}}"])
                text += self.text() + self.tag(f"block {block}{self.pick(['', '', ' scoped'])}") + self.body(1) + inner + self.tag("endblock")
        return text

    def own_block(self, depth):
        name = self.fresh("k")
        loops, self.loops = self.loops, 0
        names, self.names = self.names, self.names[:1]
        text = self.tag(f"block {name}") + self.body(1) + self.tag(self.pick(["endblock", f"endblock {name}"]))
        self.loops, self.names = loops, names
        return text + ("{{ self." + name + "() }}" if self.chance(0.3) else "")

    # Whole cases

    def damage(self, text):
        """Something that the grammar does not allow."""
        position = self.random.randrange(len(text) + 1)
        other = self.random.randrange(len(text) + 1)
        choice = self.random.random()
        if choice < 0.4:
            return text[:min(position, other, position + 8)] + text[position:]
        piece = self.pick(["{%", "%}", "{{", "}}", "{#", "#}", "'", "(", ")", "|", ".", ",", "endif", "{% endfor %}", "{% else %}", "{% nope %}", "|nope",
                           " is nope", "{% if %}", "{% set x %}", "=", "!", "&", "1a", "\\", "{% block a %}", "[", "}", " in ", " if ", "{% raw %}", "\r\n", "\0", "--"])
        return text[:position] + piece + text[position:]

    def case(self):
        """A request, as `jinja --batch` takes it."""
        if self.chance(0.1):
            text = self.inheritance()
        else:
            text = "".join(self.text() + self.statement(3) for _ in range(self.pick([1, 2, 3])))
            if self.chance(0.05):
                text += self.own_block(1)
            text += self.text()
        if self.wild and self.chance(0.3):
            text = self.damage(text)
        options = {}
        for option, probability in [("trim_blocks", 0.25), ("lstrip_blocks", 0.25), ("keep_trailing_newline", 0.2), ("autoescape", 0.04)]:
            if self.chance(probability):
                options[option] = True
        undefined = self.pick(["", "", "", "strict", "chainable", "debug"])
        if undefined:
            options["undefined"] = undefined
        context = contexts.make(self.random)
        return {"template": text, "templates": self.templates, "context": context, "options": options}


STATEMENTS = [
    Generator.if_statement, Generator.if_statement, Generator.for_statement, Generator.for_statement, Generator.for_statement,
    Generator.set_statement, Generator.set_statement, Generator.set_block, Generator.namespace, Generator.with_statement,
    Generator.filter_block, Generator.macro, Generator.macro, Generator.do_statement, Generator.raw, Generator.include,
    Generator.import_statement, Generator.autoescape,
]
