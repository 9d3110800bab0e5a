"""Records what Python and Jinja2 make of the expressions in topics/, for RecordedCaseTests.swift.

    python record.py [--tool PATH]      Python 3.11 with jinja2 and pytz, run by hand

A line of a topic is an expression, shown as `str` and as `repr`; a line that begins with `{` is a
whole template. `#` begins a comment. With --tool the recorded answers are compared with those of
`PATH --batch`, and what differs is printed.
"""

import argparse
import datetime
import decimal
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import warnings

import jinja2.sandbox
import pytz

HERE = pathlib.Path(__file__).parent
# What dbt puts into `modules`.
MODULES = {
    "datetime": (datetime, ["date", "datetime", "time", "timedelta", "tzinfo"]),
    "pytz": (
        pytz,
        "timezone utc country_timezones country_names AmbiguousTimeError InvalidTimeError "
        "NonExistentTimeError UnknownTimeZoneError all_timezones all_timezones_set "
        "common_timezones common_timezones_set BaseTzInfo FixedOffset".split(),
    ),
    "re": (re, re.__all__),
    "itertools": (
        itertools,
        "count cycle repeat accumulate chain compress islice starmap tee zip_longest product "
        "permutations combinations combinations_with_replacement".split(),
    ),
}
PRELUDE = (
    "{% set dt = modules.datetime %}{% set date = dt.date %}{% set datetime = dt.datetime %}"
    "{% set time = dt.time %}{% set timedelta = dt.timedelta %}{% set pytz = modules.pytz %}"
    "{% set re = modules.re %}{% set it = modules.itertools %}{% set D = Decimal %}"
    "{% set ny = pytz.timezone('America/New_York') %}"
    "{% set x = datetime(2024, 7, 1, 12, 34, 56, 789) %}"
)


def template(line):
    body = line if line.startswith("{") else "{% set r = " + line + " %}{{ r }} ~ {{ [r] }}"
    return PRELUDE + body


def context():
    modules = {
        name: {member: getattr(module, member) for member in members}
        for name, (module, members) in MODULES.items()
    }
    return {"modules": modules, "Decimal": decimal.Decimal}


def kind(error):
    return "re.error" if isinstance(error, re.error) else type(error).__name__


def oracle(text):
    environment = jinja2.sandbox.SandboxedEnvironment(
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]
    )
    try:
        return {"output": environment.from_string(text).render(context())}
    except Exception as error:  # noqa: BLE001
        return {"error": {"kind": kind(error), "message": str(error)}}


def lines(topic):
    for line in topic.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


class Tool:
    def __init__(self, path):
        self.path = path
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.path, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, text):
        request = {"template": text, "options": {"modules": True}}
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            self.start()
            return {"error": {"kind": "Crash", "message": ""}}
        answer = json.loads(line)
        if "error" in answer:
            return {"error": {key: answer["error"][key] for key in ("kind", "message")}}
        return answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool")
    parser.add_argument("--messages", action="store_true", help="show messages that differ as well")
    parser.add_argument("--topic", default="*")
    options = parser.parse_args()
    os.environ["TZ"] = "UTC"
    time.tzset()
    warnings.simplefilter("ignore")
    tool = Tool(options.tool) if options.tool else None
    total = differing = 0
    (HERE / "recorded").mkdir(exist_ok=True)
    for topic in sorted((HERE / "topics").glob(options.topic + ".txt")):
        recorded = []
        for line in lines(topic):
            answer = oracle(template(line))
            recorded.append(json.dumps({"case": line, **answer}, ensure_ascii=False))
            total += 1
            if not tool:
                continue
            ours = tool.ask(template(line))
            same = ours == answer
            if not same and not options.messages and "error" in ours and "error" in answer:
                same = ours["error"]["kind"] == answer["error"]["kind"]
            if not same:
                differing += 1
                print(f"{topic.stem}: {line}\n   python: {shown(answer)}\n   ours:   {shown(ours)}")
        text = "\n".join(recorded) + "\n"
        (HERE / "recorded" / (topic.stem + ".jsonl")).write_text(text, encoding="utf-8")
    print(f"{total} cases" + (f", {differing} differ" if tool else ""), file=sys.stderr)


def shown(answer):
    if "output" in answer:
        return repr(answer["output"])
    return f"{answer['error']['kind']}: {answer['error']['message']}"


if __name__ == "__main__":
    main()
