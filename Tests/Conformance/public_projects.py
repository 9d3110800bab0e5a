#!/usr/bin/env python3
"""Compares what sectoral makes of public dbt projects with what dbt-core makes of them.

    public_projects.py --binary .build/release/sectoral [--shared ../shared]
                       [--only NAME ...] [--commands parse,compile,redshift,build] [--list]
                       [--commands standin,standin-build]
                       [--git TEMPLATE] [--work DIR] [--report DIR]

The projects stand in public_projects.json. They and the packages they name are cloned with git into
a work folder, and never committed. Packages come from git too, at the newest tag that their version
ranges allow, so that no registry is asked. TEMPLATE is where a repository lies, with {owner} and
{name} in it (default https://github.com/{owner}/{name}); a folder of mirrors does as well.

parse      the manifest after `parse`, for Postgres
compile    the manifest after `compile`, and each node's SQL; a server is asked where models ask it
redshift   the same for Redshift, without a server
build      `build` in a scratch database, once by each tool: every status and relation too
standin    the manifest and each node's SQL after `compile` on the stand-in for Redshift of SHARED/testbed
standin-build  `build` there, once by each tool: every node's status, and every relation's rows

compile and build want a Postgres on which a database may be made: POSTGRES_HOST, POSTGRES_PORT,
POSTGRES_USER, POSTGRES_PASSWORD. Where none is named, both are left out.

A project that dbt-core 1.11 itself refuses is shown as `refused`, with its words, and counts as
neither equal nor different.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def git(*arguments, **options):
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True,
                          **options).stdout


sys.path.insert(0, os.path.join(ROOT, "Benchmarks"))
from bench_redshift import PASSWORD, StandIn, built  # noqa: E402
from harness import executable  # noqa: E402


class Repositories:
    """Clones by owner and name; a version of one is a work tree of its own."""

    def __init__(self, work, template):
        self.work, self.template = work, template

    def clone(self, repository):
        owner, name = repository.split("/")
        folder = os.path.join(self.work, "repositories", f"{owner}+{name}")
        if not os.path.isdir(folder):
            git("clone", "-q", self.template.format(owner=owner, name=name), folder)
        return folder

    def tags(self, repository):
        return git("tag", cwd=self.clone(repository)).split()

    def tree(self, repository, revision):
        """A folder with the files of `revision` (none: the newest)."""
        clone = self.clone(repository)
        if not revision:
            return clone
        folder = f"{clone}@{re.sub('[^A-Za-z0-9.]', '-', revision)}"
        if not os.path.isdir(folder):
            git("worktree", "add", "-q", "--detach", folder, revision, cwd=clone)
        return folder


def version(text):
    """A tag as a number to sort by; none where it is no released version."""
    found = re.fullmatch(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def allows(condition, candidate):
    found = re.fullmatch(r"(>=|<=|>|<|=|==)?\s*v?(\d+)\.(\d+)(?:\.(\d+))?\S*", condition.strip())
    if not found:
        return True
    bound = tuple(int(part or 0) for part in found.groups()[1:])
    return {">=": candidate >= bound, "<=": candidate <= bound, ">": candidate > bound,
            "<": candidate < bound}.get(found.group(1), candidate == bound)


class Packages:
    """Puts the packages of a project, and those of its packages, into `dbt_packages`."""

    def __init__(self, repositories, known):
        self.repositories, self.known = repositories, known

    def repository(self, package):
        """`owner/name` of a registry as a repository."""
        if package in self.known:
            return self.known[package]
        owner, name = package.split("/")
        return f"{owner}/dbt_{name}" if owner == "fivetran" else f"{owner}/{name.replace('_', '-')}"

    def revision(self, repository, conditions):
        tags = {version(tag): tag for tag in self.repositories.tags(repository) if version(tag)}
        fitting = [v for v in tags if all(allows(c, v) for c in conditions)]
        # Where no tag fits, the ranges contradict each other, or the tags are words.
        return tags[max(fitting)] if fitting else None

    def wanted(self, folder):
        """What a project's files name: (kind, place, conditions or revision, subdirectory)."""
        import yaml
        for name in ("packages.yml", "dependencies.yml"):
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                continue
            text = re.sub(r"\{[%#].*?[%#]\}", "", open(path).read(), flags=re.S)
            for entry in (yaml.safe_load(text) or {}).get("packages") or []:
                if "local" in entry:
                    yield "local", os.path.normpath(os.path.join(folder, entry["local"])), None, ""
                elif "package" in entry:
                    conditions = entry.get("version", [])
                    if not isinstance(conditions, list):
                        conditions = [str(conditions)]
                    conditions = [c for text in conditions for c in str(text).split(",")]
                    yield "package", self.repository(entry["package"].strip()), conditions, ""
                elif "git" in entry:
                    place = re.sub(r"\.git$|^git@[^:]*:|^[a-z]+://[^/]*/", "", entry["git"].strip())
                    place = re.sub(r"\.git$", "", place)
                    yield "git", self.known.get(place, place), entry.get("revision"), entry.get(
                        "subdirectory", "")

    def install(self, folder):
        import yaml
        into = os.path.join(folder, "dbt_packages")
        shutil.rmtree(into, ignore_errors=True)
        os.makedirs(into)
        conditions, installed, queue = {}, {}, list(self.wanted(folder))
        while queue:
            kind, place, limits, below = queue.pop(0)
            if kind == "package":
                conditions.setdefault(place, []).extend(limits)
                tree = self.repositories.tree(place, self.revision(place, conditions[place]))
            elif kind == "git":
                tags = self.repositories.tags(place)
                known = limits if limits in tags or re.fullmatch("[0-9a-f]{40}", limits or "") else None
                tree = os.path.join(self.repositories.tree(place, known), below)
            else:
                tree = place
            project = yaml.safe_load(open(os.path.join(tree, "dbt_project.yml")))
            name = project["name"]
            if installed.get(name) in (tree, None) or kind == "package":
                if installed.get(name) == tree:
                    continue
                installed[name] = tree
                link = os.path.join(into, name)
                if os.path.lexists(link):
                    os.unlink(link) if os.path.islink(link) else shutil.rmtree(link)
                if kind == "local":
                    # As dbt does: what changes there is seen at once.
                    os.symlink(tree, link)
                else:
                    shutil.copytree(tree, link, symlinks=True, ignore=shutil.ignore_patterns(
                        ".git", "target", "logs", "dbt_packages"))
                queue.extend(self.wanted(tree))


def profiles(folder, project, schema, standin=None):
    """A profile for Postgres and one for Redshift under the name that the project asks for."""
    import yaml
    name = project.get("profile", project["name"])
    environment = os.environ.get
    postgres = {"type": "postgres", "host": environment("POSTGRES_HOST", "localhost"),
                "port": int(environment("POSTGRES_PORT", "5432")),
                "user": environment("POSTGRES_USER", "nobody"),
                "password": environment("POSTGRES_PASSWORD", "none"),
                "dbname": environment("POSTGRES_DATABASE", "conformance_scratch"),
                "schema": schema, "threads": 4}
    redshift = {"type": "redshift", "host": "127.0.0.1", "port": standin.port if standin else 5439,
                "user": "awsuser", "password": PASSWORD, "dbname": "dev", "schema": schema, "threads": 4}
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "profiles.yml"), "w") as file:
        outputs = {"postgres": postgres, "redshift": redshift}
        yaml.safe_dump({name: {"target": "postgres", "outputs": outputs}}, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/sectoral"))
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--only", nargs="*", default=[], help="only the projects with these names")
    parser.add_argument("--commands", default="parse,compile,redshift,build")
    parser.add_argument("--git", default="https://github.com/{owner}/{name}")
    parser.add_argument("--work", help="where clones and results are kept (default: the cache)")
    parser.add_argument("--report", help="a folder for the differences (default: below --work)")
    parser.add_argument("--reuse", action="store_true",
                        help="keep dbt-core's earlier results and the clones as they are")
    parser.add_argument("--list", action="store_true", help="name the projects, and end")
    options = parser.parse_args()

    with open(os.path.join(HERE, "public_projects.json")) as file:
        data = json.load(file)
    chosen = [p for p in data["projects"]
              if not options.only or any(word == p["name"] for word in options.only)]
    if options.list:
        for project in chosen:
            print(f"{project['name']:40}{project['repository']} {project.get('folder', '')}")
        return
    harness = os.path.abspath(os.path.join(options.shared, "conformance", "compile_diff"))
    if not os.path.exists(os.path.join(harness, "compare.py")):
        sys.exit(f"there is no {harness}: set SECTORAL_SHARED to the folder with conformance/")
    sys.path.insert(0, harness)
    import runs
    runs.reexec_in_venv()

    binary = os.path.abspath(options.binary)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    work = os.path.abspath(options.work or os.path.join(cache, "sectoral-public-projects"))
    report = os.path.abspath(options.report or os.path.join(work, "reports"))
    os.makedirs(report, exist_ok=True)
    repositories = Repositories(work, options.git)
    packages = Packages(repositories, data["packages"])
    server = bool(os.environ.get("POSTGRES_HOST") and os.environ.get("POSTGRES_USER"))
    tally = {"equal": 0, "different": 0, "refused": 0}
    wants_standin = any(command.startswith("standin") for command in options.commands.split(","))
    with StandIn(os.path.abspath(options.shared)) if wants_standin else contextlib.nullcontext() as standin:
        for project in chosen:
            for result in compare(project, options, harness, binary, work, report, repositories, packages,
                                  server, standin):
                tally[result] += 1
    print(", ".join(f"{count} {words}" for words, count in tally.items()))
    sys.exit(1 if tally["different"] else 0)


def compare(project, options, harness, binary, work, report, repositories, packages, server, standin):
    import yaml
    name = project["name"]
    tree = repositories.tree(project["repository"], project.get("revision"))
    folder = os.path.join(tree, project.get("folder", ""))
    for path, text in project.get("files", {}).items():
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        with open(os.path.join(folder, path), "w") as file:
            file.write(text)
    if not (options.reuse and os.path.isdir(os.path.join(folder, "dbt_packages"))):
        packages.install(folder)
    definition = yaml.safe_load(open(os.path.join(folder, "dbt_project.yml")))
    if "profile" not in definition:
        # A package names none, and dbt wants one of whatever is run.
        definition["profile"] = definition["name"]
        with open(os.path.join(folder, "dbt_project.yml"), "a") as file:
            file.write(f"\nprofile: {definition['name']}\n")
    schema = project.get("schema", "conformance")
    place = os.path.join(work, "profiles", name)
    profiles(place, definition, schema, standin)
    outcome = []
    for command in options.commands.split(","):
        if command in project.get("without", {}) or (command in ("compile", "build") and not server):
            continue
        if command == "standin-build":
            result, text = judge_build(project, definition, standin, binary, report, folder)
        else:
            result, text = judge(command, project, options, harness, binary, work, report, folder, place)
        if command == "redshift" and re.search(r"^oracle: compile exits [^0]", text, re.M):
            # Some model asks the warehouse while it is compiled: what was read can still be compared.
            result, text = judge("redshift-parse", project, options, harness, binary, work, report,
                                 folder, place)
        if command == "standin" and re.search(r"^oracle: compile exits [^0]", text, re.M):
            # dbt-core stops where a model asks for a relation that is not built, and leaves the rest as it was.
            result, text = "refused", "dbt-core's own compile fails here: see standin-build"
        outcome.append(result)
        last = text.splitlines()[-1] if text else "nothing was printed"
        print(f"{result:10}{name} {command}: {last[:200]}", flush=True)
    return outcome


def judge(command, project, options, harness, binary, work, report, folder, place):
    """One comparison: `equal`, `different` or `refused`, and what the harness said."""
    name = project["name"]
    verb = {"redshift": "compile", "redshift-parse": "parse", "standin": "compile"}.get(command, command)
    arguments = [sys.executable, os.path.join(harness, "compare.py"), "--bin", binary,
                 "--project-dir", folder, "--profiles-dir", place,
                 "--target", "redshift" if command.startswith(("redshift", "standin")) else "postgres",
                 "--command", verb, "--out", os.path.join(work, "out", f"{name}-{command}"),
                 "--report", os.path.join(report, f"{name}-{command}.txt")]
    arguments += ["--offline"] if command == "redshift" else []
    arguments += ["--reuse"] if options.reuse else []
    arguments += ["--twice"] if project.get("twice") and "redshift" not in command else []
    arguments += ["--vars", json.dumps(project["vars"])] if "vars" in project else []
    done = subprocess.run(arguments, env={**os.environ, **project.get("environment", {})},
                          capture_output=True, text=True)
    text = (done.stdout + done.stderr).strip()
    with open(os.path.join(report, f"{name}-{command}.log"), "w") as file:
        file.write(text + "\n")
    if done.returncode == 0:
        return "equal", text
    return ("refused" if "dbt-core itself makes no manifest" in text else "different"), text


def judge_build(project, definition, standin, binary, report, folder):
    """`build` on the stand-in by each tool, in schemas of its own: statuses and rows."""
    name = project["name"]
    found, said = {}, []
    for tool, program in (("dbt", executable("dbt-redshift")), ("sectoral", binary)):
        schema = f"{re.sub('[^a-z0-9]', '_', name.lower())}_{tool}"
        place = os.path.join(report, "profiles", schema)
        profiles(place, definition, schema, standin)
        arguments = [program, "build", "--profiles-dir", place, "--target", "redshift", "--project-dir", folder]
        arguments += ["--vars", json.dumps(project["vars"])] if "vars" in project else []
        results = os.path.join(folder, "target", "run_results.json")
        if os.path.exists(results):
            os.remove(results)
        done = subprocess.run(arguments, capture_output=True, text=True, cwd=folder,
                              env={**os.environ, **project.get("environment", {}),
                                   "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"})
        with open(os.path.join(report, f"{name}-standin-build-{tool}.log"), "w") as file:
            file.write(done.stdout + done.stderr)
        if not os.path.exists(results):
            if tool == "dbt":
                return "refused", f"dbt-core builds nothing: {(done.stdout + done.stderr).strip()[-300:]}"
            return "different", f"{tool} build exits {done.returncode} and writes no results"
        with open(results) as file:
            statuses = {row["unique_id"]: row["status"] for row in json.load(file)["results"]}
        rows = {}
        for (place,) in standin.query("select distinct table_schema from information_schema.tables "
                                      f"where table_schema like '{schema}%'"):
            for relation, (kind, content) in built(standin, place).items():
                # Some models hold the names of what they were made of.
                rows[place[len(schema):], relation] = kind, [
                    [cell.replace(schema, "SCHEMA") for cell in row] for row in content]
        found[tool] = statuses, rows
    ours, theirs = found["sectoral"], found["dbt"]
    for what, a, b in (("status", ours[0], theirs[0]), ("relation", ours[1], theirs[1])):
        said += [f"{what} of {key}: {str(a.get(key))[:200]} and {str(b.get(key))[:200]}"
                 for key in sorted(a.keys() | b.keys(), key=str) if a.get(key) != b.get(key)]
    said.append(f"{len(theirs[0])} results, {len(theirs[1])} relations: {len(said)} differ")
    with open(os.path.join(report, f"{name}-standin-build.txt"), "w") as file:
        file.write("\n".join(said) + "\n")
    return ("different" if len(said) > 1 else "equal"), "\n".join(said)


if __name__ == "__main__":
    main()
