"""Measures that time grows with the input and no faster: python linear.py path/to/jinja

Each kind of input is rendered at one size and at four times that size; more than seven times the
time is reported, and the exit code is 1. Times are for reading on a quiet machine, not for CI.
"""

import subprocess
import sys
import time

# head, piece, tail, how many pieces at the smaller size
INPUTS = {
    "text": ("", "select 1, 2, 3\n", "", 200_000),
    "outputs": ("", "{{ a }} text ", "", 50_000),
    "sets": ("", "{% set a = 1 %}", "", 50_000),
    "names": ("", lambda i: f"{{% set a{i} = a{i} %}}", "", 20_000),
    "loops": ("", "{% for x in y %}{{ x }}{% endfor %}", "", 20_000),
    "macros": ("", lambda i: f"{{% macro m{i}(a, b=1) %}}{{{{ a }}}}{{% endmacro %}}", "", 10_000),
    "comments": ("", "{# x #}", "", 100_000),
    "unclosed comments": ("", "{# ", "", 200_000),
    "unclosed outputs": ("", "{{ ", "", 200_000),
    "unclosed strings": ("", "{{ 'a ", "", 100_000),
    "unclosed blocks": ("", "{% if a %}", "", 100_000),
    "wrong ends": ("", "{% endif %}", "", 50_000),
    "unknown tags": ("", "{% nope %}", "", 20_000),
    "unknown filters": ("", "{{ a|nope }}", "", 20_000),
    "braces": ("", "{ { % # } ", "", 200_000),
    "parentheses": ("{{ ", "(", " }}", 100_000),
    "operators": ("{{ 1", " + 1", " }}", 50_000),
    "concatenations": ("{{ 1", " ~ 1", " }}", 50_000),
    "filters": ("{{ 'a'", "|upper", " }}", 50_000),
    "attributes": ("{{ a", ".b", " }}", 50_000),
    "comparisons": ("{{ 1", " < 2", " }}", 50_000),
    "items": ("{{ [", "1, ", "] }}", 100_000),
    "pairs": ("{{ {", "'a': 1, ", "} }}", 50_000),
    "long string": ("{{ '", "abc ", "' | upper | replace('a', 'b') | title | wordwrap | length }}", 200_000),
    "escapes": ("{{ '", "\\n\\x41", "' | e | length }}", 100_000),
    "line ends": ("", "\r\n", "", 500_000),
}


def seconds(tool, head, piece, tail, count):
    body = "".join(piece(i) for i in range(count)) if callable(piece) else piece * count
    best = float("inf")
    for _ in range(2):
        begin = time.monotonic()
        subprocess.run([tool, "-"], input=(head + body + tail).encode(), capture_output=True, timeout=60)
        best = min(best, time.monotonic() - begin)
    return best


def main():
    tool, slow = sys.argv[1], False
    for name, (head, piece, tail, count) in INPUTS.items():
        small = seconds(tool, head, piece, tail, count)
        large = seconds(tool, head, piece, tail, count * 4)
        is_slow = large / small > 7 and large > 0.2
        slow |= is_slow
        print(f"{name:20} {small * 1000:8.1f} ms {large * 1000:9.1f} ms   x{large / small:4.1f}{'   NOT LINEAR' if is_slow else ''}", flush=True)
    sys.exit(slow)


if __name__ == "__main__":
    main()
