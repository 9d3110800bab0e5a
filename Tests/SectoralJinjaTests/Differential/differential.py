"""Renders random templates with Jinja2 and with the `jinja` tool, and shows where they disagree.

    python differential.py TOOL [--count 20000] [--seed 1] [--case SEED] [--show 10]

Outputs must be equal; where Jinja2 raises, the kind of the error must be. What disagrees is made
smaller until nothing more can be left out, and printed as a request for `jinja --batch`. Templates
whose disagreement known-differences.txt describes are counted, not shown. The same seed makes the
same templates; --case shows one of them. Ends with 1 when something disagreed.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import time
import warnings

import oracle
from generator import Generator
from shrink import shrunk

KNOWN = pathlib.Path(__file__).parents[1] / "Cases" / "known-differences.txt"
# Where an object has no text of its own, Python prints its address.
ADDRESS = re.compile(r"\bat\s+0x[0-9a-f]+", re.IGNORECASE)


class Tool:
    """A running `jinja --batch`, started anew should it end."""

    def __init__(self, path):
        self.path = path
        self.process = None

    def ask(self, request):
        if self.process is None:
            self.process = subprocess.Popen(
                [self.path, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.process = None
        return {"error": {"kind": "Crash", "message": f"the tool ended with {code}"}}


def known_patterns():
    """Regular expressions for what Jinja2 says where this engine says otherwise on purpose."""
    lines = [line.strip() for line in KNOWN.read_text(encoding="utf-8").splitlines()]
    return [re.compile(line.removeprefix("#~ ")) for line in lines if line.startswith("#~ ")]


def shown(answer):
    """The answer as a text to search in, and to show."""
    if "output" in answer:
        return "output: " + answer["output"]
    prefix = "compiling: " if answer.get("compiling") else ""
    return f"{prefix}{answer['error']['kind']}: {answer['error']['message']}"


def verdict(request, tool, patterns):
    """(same | known | unspecified | slow | different, Jinja2's answer, ours)"""
    theirs = oracle.render(request)
    if theirs is None:
        return "slow", None, None
    ours = tool.ask(request)
    if "output" in theirs:
        if theirs.get("output") == ours.get("output"):
            return "same", theirs, ours
        if ADDRESS.search(theirs["output"]):
            return "unspecified", theirs, ours
    elif theirs["error"]["kind"] == ours.get("error", {}).get("kind"):
        return "same", theirs, ours
    if any(pattern.search(shown(theirs)) for pattern in patterns):
        return "known", theirs, ours
    return "different", theirs, ours


# How many disagreements a worker makes smaller; the others are counted only.
SHRUNK = 40

# One of each worker.
_tool = None
_patterns = []
_shrunk = 0


def start(path):
    global _tool, _patterns
    warnings.simplefilter("ignore")
    _tool = Tool(path)
    _patterns = known_patterns()


def check(seed):
    request = Generator(seed).case()
    result, theirs, ours = verdict(request, _tool, _patterns)
    kind = "output" if theirs and "output" in theirs else theirs["error"]["kind"] if theirs else "slow"
    if result != "different":
        return seed, result, kind, None

    global _shrunk
    _shrunk += 1
    if _shrunk > SHRUNK:
        return seed, result, kind, None

    def outcome(answer):
        return "output" if "output" in answer else answer["error"]["kind"]

    def differs(candidate):
        found, their_answer, our_answer = verdict(candidate, _tool, _patterns)
        # The same two kinds of outcome: another disagreement is another case.
        return found == "different" and (outcome(their_answer), outcome(our_answer)) == (outcome(theirs), outcome(ours))

    small = shrunk(request, differs)
    _, theirs, ours = verdict(small, _tool, _patterns)
    return seed, result, kind, (small, theirs, ours)


def report(seed, small, theirs, ours):
    print(f"--- seed {seed}\n{json.dumps(small, ensure_ascii=False)}")
    print(f"    Jinja2: {shown(theirs)!r}\n    ours:   {shown(ours)!r}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--count", type=int, default=20_000, help="how many templates (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which templates (default: %(default)s)")
    parser.add_argument("--case", type=int, help="render the template of this seed, as a report shows it, and nothing else")
    parser.add_argument("--show", type=int, default=10, help="how many disagreements to print (default: %(default)s)")
    arguments = parser.parse_args()

    if arguments.case is not None:
        start(arguments.tool)
        request = Generator(arguments.case).case()
        result, theirs, ours = verdict(request, _tool, _patterns)
        print(result)
        report(arguments.case, request, theirs, ours)
        sys.exit(result == "different")

    begin = time.monotonic()
    first = arguments.seed * 1_000_000
    results, kinds = collections.Counter(), collections.Counter()
    seen = set()
    with multiprocessing.Pool(os.cpu_count(), start, [arguments.tool]) as pool:
        for seed, result, kind, found in pool.imap_unordered(check, range(first, first + arguments.count), 50):
            results[result] += 1
            kinds[kind] += 1
            if found is None:
                continue
            small, theirs, ours = found
            # Many templates fall over the same thing.
            key = (small["template"], shown(theirs)[:40])
            if key not in seen and len(seen) < arguments.show:
                report(seed, small, theirs, ours)
            seen.add(key)

    rendered = 100 * kinds["output"] / arguments.count
    errors = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common() if kind != "output")
    print(f"{arguments.count} templates in {time.monotonic() - begin:.0f} s, {rendered:.1f} % of them rendered; errors: {errors}")
    print(f"{results['same']} agree, {results['different']} differ, {results['known']} differ in known ways, "
          f"{results['unspecified']} print addresses, {results['slow']} took too long")
    sys.exit(results["different"] != 0)


if __name__ == "__main__":
    main()
