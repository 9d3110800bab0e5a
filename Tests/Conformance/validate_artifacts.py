#!/usr/bin/env python3
"""Checks artifacts against dbt's published JSON schemas.

    validate_artifacts.py SCHEMAS TARGET...

SCHEMAS holds manifest-v12.json, run-results-v6.json, catalog-v1.json and sources-v3.json; each TARGET is a
target folder. Needs the package jsonschema. Prints what does not fit, and ends with 1 when something does not.
"""
import json
import os
import sys

import jsonschema

FILES = {"manifest.json": "manifest-v12.json", "run_results.json": "run-results-v6.json",
         "catalog.json": "catalog-v1.json", "sources.json": "sources-v3.json"}
# Keys of the manifest whose values are maps of resources: checked one resource at a time, because a
# message about a whole manifest ("is not valid under any of the given schemas") says nothing.
KINDS = {"model": "Model", "seed": "Seed", "snapshot": "Snapshot", "analysis": "Analysis",
         "operation": "HookNode", "sql_operation": "SqlOperation"}


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def titles(schema):
    """Object schemas by title, wherever they stand."""
    found = {}

    def walk(part):
        if isinstance(part, dict):
            if part.get("type") == "object" and "title" in part and "properties" in part:
                found.setdefault(part["title"], part)
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(schema)
    return found


def messages(value, schema, path=""):
    validator = jsonschema.Draft202012Validator(schema)
    for error in validator.iter_errors(value):
        if "macro.dbt.materialization_function_default" in error.absolute_path:
            continue  # dbt-core 1.11.16 writes a language there that its own schema lacks
        place = "/".join([path] + [str(part) for part in error.absolute_path])
        yield f"{place}: {error.message[:300]}"


def check(path, schema):
    artifact = load(path)
    known = titles(schema)
    found = []
    if os.path.basename(path) == "manifest.json":
        for key, node in artifact["nodes"].items():
            kind = KINDS.get(node["resource_type"])
            if node["resource_type"] == "test":
                kind = "GenericTest" if "test_metadata" in node else "SingularTest"
            if kind in known:
                found += messages(node, known[kind], f"nodes/{key}")
        if found:
            return found
    return list(messages(artifact, schema))


def validate(path, schemas):
    """What does not fit in one artifact."""
    return check(path, load(os.path.join(schemas, FILES[os.path.basename(path)])))


def main():
    schemas, targets = sys.argv[1], sys.argv[2:]
    problems = 0
    for target in targets:
        for name in FILES:
            path = os.path.join(target, name)
            if not os.path.exists(path):
                continue
            found = validate(path, schemas)
            problems += len(found)
            print(f"{path}: {'valid' if not found else f'{len(found)} problems'}")
            for message in found[:40]:
                print("  " + message)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
