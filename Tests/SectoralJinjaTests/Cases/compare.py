"""Compares the recorded cases with what the `jinja` tool answers.

    python compare.py path/to/jinja [topic...]
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent / "recorded"


def main():
    tool, topics = sys.argv[1], sys.argv[2:]
    context = json.loads((HERE / "context.json").read_text())
    bad = total = 0
    for path in sorted(HERE.glob("*.jsonl")):
        if topics and path.stem not in topics:
            continue
        cases = [json.loads(line) for line in path.read_text().splitlines()]
        requests = "".join(
            json.dumps({key: case[key] for key in ("template", "templates", "options") if key in case}
                       | {"context": context}) + "\n"
            for case in cases
        )
        answers = subprocess.run([tool, "--batch"], input=requests, capture_output=True, text=True)
        lines = answers.stdout.splitlines()
        if len(lines) != len(cases):
            print(f"{path.stem}: {len(lines)} answers to {len(cases)} cases", answers.stderr[-2000:])
        for case, line in zip(cases, lines):
            answer = json.loads(line)
            total += 1
            if "output" in case:
                same = answer.get("output") == case["output"]
            else:
                same = answer.get("error", {}).get("kind") == case["error"]["kind"]
                if same and path.stem != "syntax" and answer["error"]["message"] != case["error"]["message"]:
                    print("MESSAGE", repr(case["template"]), "\n   theirs", case["error"]["message"], "\n   ours  ", answer["error"]["message"])
            if not same:
                bad += 1
                print(f"{path.stem}: {case['template']!r}\n   theirs {case.get('output', case.get('error'))!r}\n   ours   {answer.get('output', answer.get('error'))!r}")
    print(f"{total} cases, {bad} differ")


if __name__ == "__main__":
    main()
