#!/usr/bin/env python3
"""Records what PyYAML and Python's json make of the cases below, for YAMLConformanceTests.

Run it with a Python that has PyYAML 6 built on libyaml; it rewrites the .json files beside it.
"""
import datetime
import json
import os
import random

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))


def canon(v):
    """One text per value, in which types differ."""
    if v is None:
        return "null"
    if v is True or v is False:
        return str(v).lower()
    if isinstance(v, int):
        return str(v)
    if isinstance(v, float):
        return "f" + repr(v)
    if isinstance(v, str):
        return json.dumps(v)
    if isinstance(v, (datetime.date, datetime.datetime)):
        return "d" + v.isoformat()
    if isinstance(v, (list, tuple)):
        return "[" + ",".join(canon(x) for x in v) + "]"
    if isinstance(v, set):
        v = {k: None for k in v}
    return "{" + ",".join(json.dumps(str(k)) + ":" + canon(x) for k, x in v.items()) + "}"


SCALARS = """
yes Yes YES yEs y Y no No NO n N true True TRUE tRUE false False FALSE on On ON off Off OFF oN
null Null NULL nULL ~ ~~ ''
0 1 -1 +1 -0 +0 00 012 0o14 089 09 0_9 0_7 1_000 1__0_ _1 -_1 1_ 12e3 1e3 1e+3 1E3 1.5e3 1.5e+3 1.5E-3 1.5e+ 1.e+2
0b101 0b -0b11 +0b1_0 0b12 0B1 0x1F 0xff_ff -0x1f +0xAb 0x1G 0X1 0xg 0b1_ 07_7 -017 +017
12:30:45 1:2 1:60 01:30 -1:30 +1:30:00 190:20:30 190:20:30.15 1:30.5 0:30 0:30.5 1:2:3:4 1:99 1:7 1:5_ 20:03:60 1: 1:.5
1:30._5 -190:20:30.15 0:0 12:3.
. .. ... 1. 1.0 -1.0 +1.0 .5 -.5 +.5 .5_ ._5 0.1 1_0.5_0 1.2.3 1e 1.5.5 .e+1 .5e+3 .5e3 0. -0.0 0.0 1.0e+400 1e400 1.0e-400
.inf .Inf .INF -.inf +.inf .iNF .nan .NaN .NAN -.nan inf nan NaN Infinity
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
18446744073709551616 340282366920938463463374607431768211456 0xFFFFFFFFFFFFFFFFFF -0xFFFFFFFFFFFFFFFF 0777777777777777777777777
0b1111111111111111111111111111111111111111111111111111111111111111111 999999999999:59:59 99999999999999999:59:59
0.1 3.14159265358979 1.7976931348623157e+308 123456789012345678.0 1.0e+16 1.0e+22 1.0e-5 0.0001 0.00001
2024-01-02 2024-1-2 2024-02-29 2024-12-31 20240102 2024-01 2024-01-02T 2024-01-02T03:04:05 2024-01-02t03:04:05Z
2024-01-02T3:04:05.123456789+05:30 2024-01-02T03:04:05.5-08 2024-01-02T03:04:05.-8:00 2024-1-2T1:02:03 2024-01-02T03:04
2024-01-02T03:04:05+00:00 2024-01-02T03:04:05-00:00 2024-01-02T03:04:05+5 2024-01-02T03:04:05z 2024-01-02T03:04:05+0530 2024-01-2
2024-01-02T03:04:05.000001Z 99999-01-01 202-01-01 1.2e+3_4
- -- --- -a - + = == << <<< ? : a:b a::b :a http://x.y/z a#b #a @a `a %a !a &a *a |a >a
"""

FRAGMENTS = [
    "2024-01-02 03:04:05", "2024-01-02  03:04:05 +01:00", "2024-01-02 03:04:05 Z", "2024-01-02\t03:04:05",
    "a b", "a: b", "a # comment", "'it''s'", '"a\\tb\\u00e9\\x41\\e"', '"a\\\n  b"', "'a\n\n  b'", "''", '""',
    "'1'", '"yes"', "!!str 1", "!!str yes", "!!str", "!!str ''", "!!int '12'", "!!int 0x1F", "!!int 012", "!!int abc",
    "!!int 1.5", "!!float 1", "!!float 1e3", "!!float abc", "!!float .inf", "!!bool yes", "!!bool 'On'", "!!bool maybe", "!!null x",
    "!!timestamp 2024-01-02", "!!timestamp '2024-01-02 1:02:03'", "!!timestamp x", "! 12", "! '12'", "!foo bar", "!!python/none x",
    "!!binary aGk=", "!!seq [1]", "!!map {a: 1}", "!!set {a}", "!!omap [a: 1, b: 2]", "!!pairs [a: 1, a: 2]",
    "!!merge x", "!<tag:yaml.org,2002:int> 3", "!!seq {a: 1}",
    "2024-13-01", "2024-02-30", "0000-01-01", "2023-02-29", "2024-01-01T25:00:00", "2024-01-01T01:60:00", "2024-01-01T01:02:03+24:00",
    "0x_", "0b_", "é", "日本語: ü", "\U0001F600", "[a, b, ]", "[]", "{}", "{a, b: c, 'd': }", "{a: 1, a: 2}", "[a: 1]", "[[], {}]", "{{ x }}", "{? [a] : b}",
    "[a, b", "{a: b", "'a", '"a', "[a, b]]", "{a: {b: [c, {d: e}]}}", "a, b", "*x", "&x a", "&x", "[&x a, *x]", "[*x, &x a]", "&x [*x]",
    "{{ var('x') }}", "{{ var(\"x\") }}", "{% if x %}a{% endif %}", "\"{{ x }}\"", "'{{ var(\"x\") }}'",
]

DOCUMENTS = [
    "", "\n", "# only a comment\n", "---\n", "---\na: 1\n", "a: 1\n---\nb: 2\n", "---\n---\n", "a: 1\n...\n", "%YAML 1.1\n---\na: 1\n", "%YAML 2.0\n---\na: 1\n",
    "\ufeffa: 1\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r",
    "a: 1\nb: 2\na: 3\n", "1: a\n2: b\n1.0: c\n", "true: a\nnull: b\n2024-01-02: c\n1.5: d\n~: e\n0x10: f\n",
    "2024-01-02 03:04:05: x\n2024-01-02T03:04:05.5Z: y\n",
    "? a\n: b\n? c\n", "? [a, b]\n: c\n", "? {a: b}\n: c\n", "[a, b]: c\n",
    "a:\n- 1\n- 2\nb:\n  - 3\n", "- - 1\n  - 2\n-\n  - 3\n", "-\n- a\n-\n", "a:\nb:\n", "- a: 1\n  b: 2\n- c\n",
    "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n  c: 4\n", "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  <<: [*x, *y]\n  c: 3\n",
    "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  c: 0\n  <<: *x\n  <<: *y\n  a: 9\n", "a: {<<: 1}\n", "a: {<<: [1]}\n", "a: {<<: []}\n", "'<<': {a: 1}\n",
    "<<: {a: 1}\nb: 2\n", "a: <<\n", "a: =\n", "=: a\n", "<<: {<<: {a: 1, b: 1}, b: 2}\nc: 3\n", "a: &a\n  <<: {b: 1}\nc: *a\n", "!!merge x: {a: 1}\n",
    "a: |\n  one\n   two\n\n  three\n\n\nb: >\n  one\n  two\n\n  three\n   four\nc: |-\n  x\nd: |+\n  x\n\ne: >-\n  x\n  y\n", "a: |2\n   x\n", "a: |\n", "a: >\n\n  x\n",
    "a: one\n  two\n\n  three\nb: 'one\n  two'\n", "a: b: c\n", "a: b\n c: d\n", "a:\n  b: 1\n c: 2\n", "a: 1\n  b: 2\n", "- a\nb: c\n", "a\nb: c\n",
    "\ta: 1\n", "a:\n\tb: 1\n", "a: b\n\tc: d\n", "a:\tb\n", "a: [1,\n\t2]\n", "a: 'x\nb: y\n", "a: \"x\nb: y\n", "a: \"\\q\"\n", "a: \"\\u12\"\n", "a: @b\n", "a: `b\n", "a: %b\n", "%a: b\n",
    "a: *b\n", "a: &b 1\nc: &b 2\nd: *b\n", "a: & b\n", "a: * b\n", "a: |x\n  b\n", "a: !<x\n", "!!bad!tag a\n", "a: [1, 2\nb: 3\n", "a: {b: 1\nc: 2\n", "a: ]\n", "a: }\n", "a: b]\n", "a: ,\n",
    "a: \x01\n", "a: \x7f\n", "a: \x85b\n", "a: b\u2028c\n", "a: \ufffe\n",
    "version: 2\nmodels:\n  - name: m\n    description: \"{{ doc('x') }}\"\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n      - name: s\n        tests:\n          - accepted_values:\n              values: ['a', b, 1]\n          - relationships: {to: ref('x'), field: id}\n",
    "models:\n  p:\n    +materialized: view\n    staging:\n      +tags: [a, b]\n      +schema: \"{{ var('s') }}\"\n",
    "anchors:\n  - &c {a: 1}\nmodels:\n  - *c\n  - *c\n", "a: &a [1, *a]\n", "a: [&x 1, *x, &x 2, *x]\n", "é: [ü, {日: 本}]\nz: 'ß'\nq: *nope\n",
]

DUMPS = [
    None, True, False, 0, -1, 10**30, 1.5, 1e16, 1e-5, 1e300, 2.0, float("inf"), float("-inf"), float("nan"), "", " ", "a", " a", "a ", "a b", "yes", "No", "null", "~", "1", "1.5", "0x1", "2024-01-02", "1:30", "=", "<<",
    "a: b", "a:b", "a:", ":a", ":", "- a", "-a", "-", "--", "---", "--- a", "...", "?", "? a", "?a", "#a", "a #b", "a#b", "a, b", "[a]", "{a}", "a]", "a}", "!a", "&a", "*a", "|", ">", "'", "it's", "'a'", "\"", "a\"b", "\"a\"", "%a", "@a", "`a`", "a\\b",
    "a\nb", "a\n", "\na", "a\n\nb", "a \nb", "a\n b", "\n", "a\tb", "\ta", "a\rb", "\x00", "\x07\x1b", "é", "日本", "\U0001F600", "\u2028", "\x85", "\xa0", "\x7f", "\ufeff", "a\nb\nc: d\n", "it's\nmine",
    "word " * 30, "word " * 30 + "end", "x" * 200, "a  b " * 30, "é" + " word" * 40, "it's " * 40, "w\n" + "word " * 40, "#" + "word " * 40, "é" * 100, "tab\t" * 40, "a: " * 50,
    [], {}, [[]], [{}], {"a": []}, {"a": {}}, [1, 2], [[1, 2], [3]], [[[1]]], {"a": 1, "b": [1, 2], "c": {"d": [3, {"e": 4}]}}, [{"a": 1, "b": 2}, {"c": [1]}], [{"a": {"b": {"c": [[], {}, [1]]}}}],
    {"": 1}, {"a b": 1, "a: b": 2, "yes": 3, "1": 4, "é": 5, "- a": 6}, {"a\nb": 1}, {"x" * 122: 1}, {"x" * 123: 1}, {"é" * 122: 1}, {"x" * 128: 1}, {"x" * 130: {"y": [1]}}, {"a " * 60: 1}, {"k" * 100: "word " * 20},
    {"a": "word " * 30}, {"a": ["word " * 30, "it's " * 30]}, {"a": "x\ny"}, {"a": ["x\ny\n"]}, {"a": ""}, {"a": None}, [None, "", []], {"b": 1, "a": 2, "B": 3},
    {"models": [{"name": "m", "columns": [{"name": "id", "tests": ["unique"]}]}]}, {"k": {"x" * 128: [1, {"y": 2}]}}, [{"": [1]}],
    {"x" * 128: "a\nb"}, {"a": datetime.date(2024, 1, 2), "b": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "c": datetime.datetime(2024, 1, 2, 3, 4, 5, 500)},
]

JSON_VALUES = [x for x in DUMPS if "datetime" not in repr(x)] + ["\ud7ff", "a/b", "\x1f", "12345678\"", "1234567é", "12345678\\", "1234567\x7f"]

JSON_TEXTS = [
    "", " ", "1", " 1 ", "-1", "+1", "01", "-", "1.", ".5", "1.5", "-0", "-0.0", "1e5", "1E+5", "1e-5", "1e", "1.5e3", "1e400", "12345678901234567890", "null", "nul", "true", "True", "NaN", "Infinity", "-Infinity", "nan",
    '""', '"a"', '"a', '"\\n\\t\\"\\\\\\/\\b\\f\\r"', '"\\u00e9\\ud83d\\ude00"', '"\\u12"', '"\\uzzzz"', '"\\x"', '"\n"', '"\\', "'a'", "[]", "[1]", "[1,]", "[1 2]", "[", "[1", "[1,", "{}", '{"a":1}', '{"a":1,}', '{"a"}', '{"a":}', "{a:1}", "{", '{"a', '{"a":1', '{"a":1,"a":2}',
    '{"b":1,"a":[{"c":null}]}', "1 2", "[1] x", "// c", '{"a":1 "b":2}', "[\n1,\n  x]", '"é\u2028"', "\t\r\n[ 1 , 2 ]", "[true,false,null]", '{"a": {"b": [1, 2.0, "3"]}}', "\x0c1",
]


def load(text):
    try:
        return {"yaml": text, "value": canon(yaml.load(text, Loader=yaml.CSafeLoader))}
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        return {"yaml": text, "error": getattr(e, "problem", None) or "", "line": mark.line + 1 if mark else None, "column": mark.column + 1 if mark else None}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return {"yaml": text, "error": "", "line": None, "column": None}


def rows(name, items):
    with open(os.path.join(HERE, name), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(x) for x in items) + "\n]\n")


def generated(rng):
    """Small documents put together at random."""
    def value(depth):
        kind = rng.random()
        if depth > 3 or kind < 0.55:
            return rng.choice(SCALARS.split() + FRAGMENTS)
        if kind < 0.75:
            return "[" + ", ".join(value(depth + 1) for _ in range(rng.randrange(4))) + "]"
        return "{" + ", ".join(f"k{i}: " + value(depth + 1) for i in range(rng.randrange(4))) + "}"
    lines, indent = [], 0
    for i in range(rng.randrange(1, 8)):
        lines.append(" " * indent + rng.choice(["", "", "- "]) + f"key{i}: " + rng.choice([value(0), value(0), ""]))
        indent = max(0, indent + rng.choice([-2, 0, 0, 2, 1]))
    return "\n".join(lines) + "\n"


def main():
    rng = random.Random(7)
    cases = [load(d) for d in DOCUMENTS]
    cases += [load("a: " + s) for s in SCALARS.split()]
    cases += [load("a: " + s) for s in FRAGMENTS]
    cases += [load("[" + s + "]") for s in SCALARS.split()]
    cases += [load(generated(rng)) for _ in range(400)]
    rows("load.json", cases)
    rows("dump.json", [{"value": json_of(v), "text": yaml.safe_dump(v, sort_keys=False), "sorted": yaml.safe_dump(v)} for v in DUMPS])
    rows("json_write.json", [{"value": json_of(v), "text": json.dumps(v), "sorted": json.dumps(v, sort_keys=True), "unicode": json.dumps(v, ensure_ascii=False)} for v in JSON_VALUES])
    parsed = []
    for text in JSON_TEXTS:
        try:
            parsed.append({"text": text, "value": canon(json.loads(text))})
        except ValueError as e:
            parsed.append({"text": text, "error": str(e)})
    rows("json_parse.json", parsed)


def json_of(v):
    """The value as JSON in which floats and dates are wrapped, so that they survive."""
    if isinstance(v, float):
        return {"$float": repr(v)}
    if isinstance(v, (datetime.date, datetime.datetime)):
        return {"$date": v.isoformat()}
    if isinstance(v, list):
        return [json_of(x) for x in v]
    if isinstance(v, dict):
        return {k: json_of(x) for k, x in v.items()}
    return v


main()
