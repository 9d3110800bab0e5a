#!/usr/bin/env python3
"""Fuzz the template engine with libFuzzer: its parser and its rendering, one after the other.

    fuzz_jinja.py [--seconds 60] [--target parser|render] [--corpus DIR] [--keep DIR]

Builds the package beside this script (Jinja) with coverage instrumentation and the address
sanitizer, and runs each target for so many seconds. Inputs begin from the templates that the
engine's tests hold; what is found on the way is kept in the corpus folder, for the next time. An
input that crashes, takes more than ten seconds or needs more than 2 GB is a fault, and is kept.
"""
import argparse
import glob
import hashlib
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(ROOT, "Tests", "SectoralJinjaTests", "Cases", "recorded")
WORDS = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{-", "-}}", "if", "elif", "else", "endif", "for",
    "in", "endfor", "recursive", "loop", "loop(", "set", "endset", "macro", "endmacro", "call", "endcall",
    "caller()", "filter", "endfilter", "with", "endwith", "do", "break", "continue", "block", "endblock",
    "extends", "include", "import", "from", "raw", "endraw", "autoescape", "is", "not", "and", "or", "~",
    "//", "**", "==", "<=", "|", "range(", "namespace(", "dict(", "cycler(", "joiner(", "self.", "super()",
    "varargs", "kwargs", ".format(", ".split(", ".join(", ".items()", ".append(", "|join", "|map(", "|sort",
    "|groupby(", "|tojson", "|int", "|float", "|round", "|batch(", "|slice(", "|default(", "|replace(",
    "|indent", "|truncate(", "|wordwrap(", "|urlize", "|striptags", "|pprint", "|xmlattr", "|attr(",
    "|format(", "|center(", "attribute=", "'%s'", "'{:>8}'", "__class__", "9223372036854775807",
]


def build(scratch):
    """The fuzzer's executable."""
    done = subprocess.run(
        ["swift", "build", "-c", "release", "--scratch-path", scratch, "--product", "JinjaFuzzer",
         "-Xswiftc", "-sanitize=fuzzer", "--sanitize", "address", "-Xswiftc", "-use-ld=lld"],
        cwd=os.path.join(HERE, "Jinja"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout)
    return os.path.join(scratch, "release", "JinjaFuzzer")


def seeds(folder):
    """The recorded templates as inputs; the first byte chooses options."""
    os.makedirs(folder, exist_ok=True)
    for name in glob.glob(f"{CASES}/*.jsonl"):
        with open(name) as file:
            for line in file:
                data = b"\x10" + json.loads(line)["template"].encode()
                if len(data) <= 2000:
                    with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as seed:
                        seed.write(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=["parser", "render"])
    parser.add_argument("--scratch", default=os.path.join(ROOT, ".build", "fuzz"))
    parser.add_argument("--corpus")
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    scratch = os.path.abspath(arguments.scratch)
    corpus = os.path.abspath(arguments.corpus or os.path.join(scratch, "corpus"))
    keep = os.path.abspath(arguments.keep or os.path.join(scratch, "faults"))
    binary = build(scratch)
    os.makedirs(keep, exist_ok=True)
    seeds(f"{corpus}/seeds")
    dictionary = f"{corpus}/words.dict"
    with open(dictionary, "w") as file:
        for word in WORDS:
            file.write('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"\n')
    failed = False
    for target in [arguments.target] if arguments.target else ["parser", "render"]:
        os.makedirs(f"{corpus}/{target}", exist_ok=True)
        before = set(os.listdir(keep))
        done = subprocess.run(
            [binary, f"-max_total_time={arguments.seconds}", "-timeout=10", "-rss_limit_mb=2048",
             "-max_len=1000", "-print_final_stats=1", "-verbosity=1", f"-dict={dictionary}",
             f"-artifact_prefix={keep}/", f"{corpus}/{target}", f"{corpus}/seeds"],
            # Not the leak checker: names are kept for the life of the process, tables that grew stay for
            # readers without locks, and values that hold each other go as in any counted world. Growth
            # shows in peak_rss_mb.
            env=dict(os.environ, JINJA_FUZZ=target, ASAN_OPTIONS="detect_leaks=0"), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        stats = [line for line in done.stdout.splitlines() if line.startswith("stat::")]
        faults = sorted(set(os.listdir(keep)) - before)
        if done.returncode != 0 or faults:
            failed = True
            print("\n".join(done.stdout.splitlines()[-60:]))
        print(f"{target}: {'FAULT ' + ', '.join(faults) if done.returncode or faults else 'no fault'}")
        print("\n".join(stats))
    if failed:
        sys.exit(f"inputs with faults are kept in {keep}")


if __name__ == "__main__":
    main()
