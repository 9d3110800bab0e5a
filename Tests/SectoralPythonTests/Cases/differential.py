"""Random dates, formats and expressions, as Python has them and as `jinja --batch --modules` does.

    python differential.py TOOL [--count 4000] [--seed 1] [--only KIND] [--show 20]

The same seed makes the same cases. Outputs must be equal; where Python raises, the kind of the
error must be. Ends with 1 when something disagreed.
"""

import argparse
import collections
import os
import random
import signal
import sys
import time
import warnings

import record

ZONES = [
    "America/New_York", "Europe/London", "Europe/Zurich", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Etc/GMT+5", "UTC",
    "Europe/Dublin", "America/St_Johns", "Asia/Tehran", "Pacific/Auckland", "US/Pacific", "Africa/Cairo",
]
DIRECTIVES = "aAbBcdHIjmMpSUwWxXyYzZ%GVuf"
FORMAT_ONLY = "CDeFghklnPrRstT"


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def year(self):
        return self.r.choice([1, 1000, 1899, 1900, 1970, 2000, 2023, 2024, 2037, 9999, self.r.randint(1902, 2037)])

    def date(self):
        return f"date({self.year()}, {self.r.randint(1, 12)}, {self.r.choice([1, 28, self.r.randint(1, 31)])})"

    def datetime(self, year=None):
        r = self.r
        parts = [year or self.year(), r.randint(1, 12), r.randint(1, 29)]
        for limit in (24, 60, 60, 1000000)[: r.randint(0, 4)]:
            parts.append(r.choice([0, limit - 1, r.randrange(limit)]))
        return f"datetime({', '.join(map(str, parts))})"

    def delta(self):
        r = self.r
        units = r.sample(["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"], r.randint(0, 3))
        number = lambda: r.choice([r.randint(-5, 5), r.randint(-100000, 100000), round(r.uniform(-100, 100), r.randint(0, 6))])
        return f"timedelta({', '.join(f'{unit}={number()}' for unit in units)})"

    def arithmetic(self):
        r = self.r
        value = lambda: r.choice([self.date, self.datetime, self.delta, self.delta, lambda: str(r.choice([2, 3, -7, 0.1, 1.5]))])()
        return f"{value()} {r.choice(['+', '-', '-', '*', '/', '//', '%', '<', '==', '>='])} {value()}"

    def method(self):
        r = self.r
        return r.choice([
            lambda: f"{self.datetime()}.{r.choice(['isoformat()', 'date()', 'time()', 'weekday()', 'isocalendar()', 'toordinal()', 'timetuple()', 'ctime()', 'timestamp()'])}",
            lambda: f"{self.datetime()}.isoformat(timespec='{r.choice(['hours', 'minutes', 'seconds', 'milliseconds', 'microseconds'])}')",
            lambda: f"{self.datetime()}.replace({r.choice(['year', 'month', 'day', 'hour', 'minute', 'second'])}={r.randint(0, 70)})",
            lambda: f"{self.delta()}.total_seconds()",
            lambda: f"datetime.fromtimestamp({r.choice([r.randint(-10**10, 10**10), r.uniform(-10**9, 2 * 10**9)])}, pytz.utc)",
            lambda: f"date.fromisocalendar({self.year()}, {r.randint(0, 54)}, {r.randint(0, 8)})",
        ])()

    def strftime(self):
        r = self.r
        parts = []
        for _ in range(r.randint(1, 5)):
            letter = r.choice(DIRECTIVES + FORMAT_ONLY)
            flag = "" if letter in "zZfs" else r.choice(["", "", "", "-", "_", "0", "^", "#", "5", "_4", "012", "^9", "-3"])
            parts.append("%" + flag + letter)
        text = r.choice([" ", "-", "", "T"]).join(parts)
        value = r.choice([self.datetime, self.datetime, self.date, lambda: f"{self.zone()}.localize({self.datetime(2024)})"])()
        return f"{value}.strftime({text!r})"

    def strptime(self):
        r = self.r
        letters = r.sample(DIRECTIVES.replace("%", ""), r.randint(1, 5))
        text = r.choice([" ", "-", "", "/", "  "]).join("%" + letter for letter in letters)
        # A text that the format makes, sometimes damaged.
        import datetime

        moment = datetime.datetime(
            r.choice([1900, 1999, 2000, 2024, r.randint(1000, 9999)]), r.randint(1, 12), r.randint(1, 28),
            r.randrange(24), r.randrange(60), r.randrange(60), r.choice([0, 5, 120000, 999999]),
            r.choice([None, datetime.timezone.utc, datetime.timezone(datetime.timedelta(minutes=r.randint(-1400, 1400)))]),
        )
        written = moment.strftime(text)
        if r.random() < 0.4 and written:
            place = r.randrange(len(written))
            written = written[:place] + r.choice(["", " ", "0", "9", "x", "-"]) + written[place + r.randint(0, 1):]
        return f"datetime.strptime({written!r}, {text!r})"

    def iso(self):
        r = self.r
        import datetime

        moment = datetime.datetime(
            2024, r.randint(1, 12), r.randint(1, 28), r.randrange(24), r.randrange(60), r.randrange(60),
            r.choice([0, 5, 120000, 999999]),
            r.choice([None, datetime.timezone.utc, datetime.timezone(datetime.timedelta(minutes=r.randint(-1400, 1400)))]),
        )
        text = moment.isoformat(r.choice("T _-5"), r.choice(["auto", "hours", "minutes", "milliseconds"]))
        if r.random() < 0.4:
            text = text.replace("-", "", r.randint(0, 2)).replace(":", "", r.randint(0, 3))
        if r.random() < 0.3:
            week = moment.strftime("%G-W%V-%u")
            text = r.choice([week, week.replace("-", ""), week[:-2]]) + text[10:]
        for _ in range(r.choice([0, 0, 1, 2])):
            place = r.randrange(len(text) + 1)
            text = text[:place] + r.choice(["", "0", ":", "Z", "+", "-", "W", " ", ".", ","]) + text[place + r.randint(0, 1):]
        return f"{r.choice(['datetime', 'datetime', 'date', 'time'])}.fromisoformat({text!r})"

    def zone(self):
        return f"pytz.timezone('{self.r.choice(ZONES)}')"

    def pytz(self):
        r = self.r
        # Around the changes of the clock.
        month, day = r.choice([(3, 10), (3, 31), (11, 3), (10, 27), (4, 7), (10, 6), (r.randint(1, 12), r.randint(1, 28))])
        at = f"datetime({r.choice([2024, 2024, r.randint(1975, 2036)])}, {month}, {day}, {r.randint(0, 4)}, {r.choice([0, 15, 30, 59])})"
        is_dst = r.choice(["", "", ", is_dst=true", ", is_dst=none"])
        return r.choice([
            f"{self.zone()}.localize({at}{is_dst})",
            f"{self.zone()}.localize({at}).dst()",
            f"pytz.utc.localize({at}).astimezone({self.zone()})",
            f"{self.zone()}.localize({at}).astimezone({self.zone()})",
            f"ny.normalize(ny.localize({at}) + {self.delta()})",
            f"{self.zone()}.localize({at}) - {self.zone()}.localize({at})",
        ])

    ATOMS = [
        "a", "b", "c", ".", r"\d", r"\w", r"\s", r"\W", "[ab]", "[^a]", "[a-c0-2]", r"\b", "^", "$", "(?:ab)", "(a)", "(b|c)",
        "(?P<n%d>a)", "(?=b)", "(?!a)", "(?<=a)", "(?<!b)", "é", r"\.", "(a*)", "(?i:A)", r"\1", " ", "-", r"[\w-]", r"[^\s]", r"\Z", r"\A",
        "(", ")", "[", "*", "{", r"\q", "(?>a*)", "",
    ]

    def pattern(self):
        r = self.r
        out = ""
        for index in range(r.randint(1, 5)):
            atom = r.choice(self.ATOMS[:-8] if r.random() < 0.95 else self.ATOMS)
            out += (atom % index if "%d" in atom else atom) + r.choice(["", "", "", "*", "+", "?", "{2}", "{,2}", "{1,}", "*?", "+?", "++"])
            if r.random() < 0.12:
                out += "|"
        return out

    def subject(self):
        return "".join(self.r.choice("aaabbbccAB012 -.é\n_x") for _ in range(self.r.randint(0, 12)))

    def regex(self):
        r = self.r
        pattern, text = self.pattern(), self.subject()
        flags = r.choice(["", "", "", ", flags=re.I", ", flags=re.M", ", flags=re.S", ", flags=re.A", ", flags=2 + 8"])
        replacement = r.choice(["x", "", r"<\g<0>>", r"\1", r"[\g<1>]", r"\n", "-"])
        return r.choice([
            lambda: f"re.search({pattern!r}, {text!r}{flags})",
            lambda: f"re.match({pattern!r}, {text!r}{flags})",
            lambda: f"re.fullmatch({pattern!r}, {text!r}{flags})",
            lambda: f"re.findall({pattern!r}, {text!r}{flags})",
            lambda: f"re.split({pattern!r}, {text!r}{flags})",
            lambda: f"re.sub({pattern!r}, {replacement!r}, {text!r}{flags})",
            lambda: f"re.subn({pattern!r}, {replacement!r}, {text!r}, count={r.randint(0, 3)}{flags})",
            lambda: f"re.search({pattern!r}, {text!r}{flags}).groups()",
            lambda: f"re.search({pattern!r}, {text!r}{flags}).lastindex",
            lambda: f"re.search({pattern!r}, {text!r}{flags}).span()",
        ])()

    def decimal(self):
        r = self.r
        number = lambda: "D('" + r.choice(["", "-"]) + r.choice([
            str(r.randint(0, 10)), f"{r.randint(0, 10**6)}.{r.randint(0, 999):03}", f"{r.randint(1, 9)}E{r.randint(-12, 12)}",
            f"0.{r.randint(0, 10**30):030}", str(r.randint(0, 10**30)),
        ]) + "')"
        return r.choice([
            lambda: f"{number()} {r.choice(['+', '-', '*', '/', '//', '%', '<', '=='])} {r.choice([number, lambda: str(r.randint(-9, 9))])()}",
            lambda: f"{number()} ** {r.randint(-5, 20)}",
            lambda: f"'{{:{r.choice(['', '>12', '<12', '+', '012'])}{r.choice(['', ','])}{r.choice(['', '.2', '.0', '.5'])}{r.choice(['f', 'e', 'g', '%', '', 'E'])}}}'.format({number()})",
            lambda: f"{number()}.quantize(D('{r.choice(['1', '0.01', '0.00001', '1E+2'])}'), rounding='ROUND_{r.choice(['UP', 'DOWN', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN', 'CEILING', 'FLOOR', '05UP'])}')",
            lambda: f"{number()} | round({r.randint(0, 3)})",
            lambda: f"{number()}.normalize()",
            lambda: f"{number()} | int",
            lambda: f"{number()}.sqrt()",
            lambda: f"D({r.choice([r.uniform(-5, 5), r.randint(-5, 5), 1e22, 1e-9])})",
        ])()

    KINDS = ["arithmetic", "method", "strftime", "strptime", "iso", "pytz", "regex", "decimal"]


class TooLong(Exception):
    pass


def alarm(*_):
    raise TooLong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, alarm)
    tool = record.Tool(options.tool)
    differing = collections.Counter()
    shown = collections.Counter()
    for index in range(options.count):
        generator = Generator(f"{options.seed}:{index}")
        kind = options.only or Generator.KINDS[index % len(Generator.KINDS)]
        line = getattr(generator, kind)()
        # Jinja reads fewer escapes in its strings than Python writes.
        text = record.template(line)
        signal.alarm(5)
        try:
            theirs = record.oracle(text)
        except TooLong:
            continue
        finally:
            signal.alarm(0)
        ours = tool.ask(text)
        same = ours == theirs
        if "error" in ours and "error" in theirs:
            same = ours["error"]["kind"] == theirs["error"]["kind"]
        if not same:
            differing[kind] += 1
            if shown[kind] < options.show:
                shown[kind] += 1
                print(f"{kind} #{index}: {line}\n   python: {record.shown(theirs)}\n   ours:   {record.shown(ours)}")
    print(f"{options.count} cases, {differing.total()} differ {dict(differing)}", file=sys.stderr)
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
