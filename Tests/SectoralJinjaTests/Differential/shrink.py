"""Makes a request smaller while something about it holds."""

import json
import re

# Tags, words, numbers, strings, blanks and single characters.
TOKEN = re.compile(r"\{%[-+]?|[-+]?%\}|\{\{[-+]?|-?\}\}|\{#.*?#\}|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\w+|\s+|.", re.S)
# A whole tag or output.
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|[^{]+|.", re.S)


def shrunk(request, holds, attempts=1500):
    """The smallest request found for which `holds` is true; `request` itself is one."""
    best = json.loads(json.dumps(request))
    budget = [attempts]

    def accepts(**changes):
        nonlocal best
        if budget[0] <= 0:
            return False
        budget[0] -= 1
        candidate = {**best, **changes}
        if holds(candidate):
            best = candidate
            return True
        return False

    def without_parts(holder, key_changes):
        for key in list(holder()):
            accepts(**key_changes(key))

    def reduce_text(text, put):
        for pattern in (TAG, TOKEN):
            parts = pattern.findall(text)
            size = max(1, len(parts) // 2)
            while size >= 1:
                start = 0
                while start < len(parts):
                    fewer = parts[:start] + parts[start + size:]
                    if len(fewer) < len(parts) and put("".join(fewer)):
                        parts = fewer
                    else:
                        start += size
                size //= 2
            text = "".join(parts)
        return text

    size = None
    while size != len(json.dumps(best)) and budget[0] > 0:
        size = len(json.dumps(best))
        without_parts(lambda: best["options"], lambda key: {"options": {k: v for k, v in best["options"].items() if k != key}})
        without_parts(lambda: best["templates"], lambda key: {"templates": {k: v for k, v in best["templates"].items() if k != key}})
        reduce_text(best["template"], lambda text: accepts(template=text))
        for name in list(best["templates"]):
            reduce_text(best["templates"][name], lambda text: accepts(templates={**best["templates"], name: text}))
        without_parts(lambda: best["context"], lambda key: {"context": {k: v for k, v in best["context"].items() if k != key}})
        for key in list(best["context"]):
            for simpler in (1, "a", [], ["a"], {}):
                if best["context"][key] != simpler and accepts(context={**best["context"], key: simpler}):
                    break
    return best
