#!/usr/bin/env python3
"""Load a big seed into the stand-in for Redshift: what is sent, and how long it takes.

    bench_redshift_seed.py --binary .build/release/sectoral [--shared ../shared] [--rows 1000000] [--json FILE]

Each of them twice, into nothing and over what is there: a big seed through files in S3 and one COPY, on the
stand-in of AWS, and one below the size for that by INSERTs. Of dbt-redshift's inserts only the number is told
(500 rows each), since the stand-in would take an hour. The seconds of the statements are the stand-in's, which is Python before
Postgres; a cluster's are others. What was loaded is compared by sums.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

from bench_redshift import COMMENT, PASSWORD, StandIn

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUCKET = "bench-staging"
SMALL = 20_000
DBT_BATCH = 500
SUMS = "select count(*), count(note), sum(id), sum(amount), max(day), max(name) from {}.{}"


class AWS:
    """The stand-in of AWS, with a bucket."""

    def __init__(self, shared):
        self.script = os.path.join(shared, "testbed", "aws.sh")
        self.variables = {"SECTORAL_AWS_INSTANCE": f"bench-{os.getpid()}"}

    def do(self, *arguments):
        return subprocess.run([self.script, *arguments], check=True, capture_output=True, text=True,
                              env=os.environ | self.variables).stdout

    def __enter__(self):
        self.do("start", "--auth")
        for line in self.do("env").splitlines():
            if line.startswith("export "):
                name, _, value = line[len("export "):].partition("=")
                self.variables[name] = value
        os.environ.update(self.variables)
        self.do("python", "-c", f"import boto3; boto3.client('s3').create_bucket(Bucket='{BUCKET}')")
        return self

    def __exit__(self, *_):
        self.do("stop")

    def left(self):
        return int(self.do("python", "-c", "import boto3; print(boto3.client('s3').list_objects_v2("
                           f"Bucket='{BUCKET}')['KeyCount'])"))


def write_seed(path, rows):
    """Numbers, texts with what CSV makes hard, dates, NULLs; about 60 bytes a row."""
    pick = random.Random(1)
    with open(path, "w") as file:
        file.write("id,name,amount,day,note\n")
        for row in range(rows):
            note = "" if row % 5 == 0 else '"said ""so"", and left"' if row % 7 == 0 else f"note {row % 97}"
            file.write(f"{row},name {pick.randrange(10_000)},{pick.randrange(100_000)}.{row % 100:02},"
                       f"2024-{row % 12 + 1:02}-{row % 28 + 1:02},{note}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--shared", default=os.path.join(ROOT, "..", "shared"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json")
    options = parser.parse_args()
    binary, shared = os.path.abspath(options.binary), os.path.abspath(options.shared)
    figures = []
    with AWS(shared) as aws, StandIn(shared) as standin, tempfile.TemporaryDirectory() as work:
        os.makedirs(f"{work}/seeds")
        for name, rows in (("big", options.rows), ("small", SMALL)):
            write_seed(f"{work}/seeds/{name}.csv", rows)
        with open(f"{work}/dbt_project.yml", "w") as file:
            file.write("name: seeds_of_size\nprofile: warehouse\n")
        common = {"type": "redshift", "host": "127.0.0.1", "port": standin.port, "user": "awsuser",
                  "password": PASSWORD, "dbname": "dev", "sslmode": "require", "threads": 4}
        load = {"bucket": BUCKET, "iam_role": "arn:aws:iam::123456789012:role/copy"}
        with open(f"{work}/profiles.yml", "w") as file:
            json.dump({"warehouse": {"target": "copy", "outputs": {
                "copy": common | {"schema": "by_copy", "bulk_load": load},
                "insert": common | {"schema": "by_insert"}}}}, file)

        def seed(target, name):
            done = subprocess.run([binary, "seed", "--select", name, "--target", target, "--profiles-dir", work],
                                  cwd=work, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"seed {name} by {target} failed:\n{done.stdout}{done.stderr}")
        for name, rows, ways in (("big", options.rows, ["copy"]), ("small", SMALL, ["insert"])):
            for target in ways:
                for turn in ("first", "second"):
                    start = time.time()
                    entries = standin.recorded(lambda: seed(target, name))
                    seconds = time.time() - start
                    texts = [COMMENT.sub("", e["sql"]).lstrip().lower() for e in entries]
                    figures.append({
                        "seed": name, "rows": rows, "bytes": os.path.getsize(f"{work}/seeds/{name}.csv"),
                        "by": target, "turn": turn, "statements": len(entries),
                        "copies": sum(t.startswith("copy") for t in texts),
                        "inserts": sum(t.startswith("insert") for t in texts),
                        "statement_seconds": round(sum(e["ms"] for e in entries) / 1000, 2),
                        "seconds": round(seconds, 2), "dbt_inserts": -(-rows // DBT_BATCH)})
                    found = standin.query(SUMS.format("by_" + target, name))[0]
                    if int(found[0]) != rows or int(found[2]) != rows * (rows - 1) // 2:
                        sys.exit(f"{name} by {target}: other rows came: {found}")
        if aws.left():
            sys.exit("files were left in the bucket")
    print(f"{'seed':6} {'rows':>9} {'MB':>6} {'by':7} {'turn':7} {'statements':>10} {'copies':>7} {'inserts':>8} "
          f"{'s of them':>10} {'s in all':>9} {'inserts of dbt':>15}")
    for f in figures:
        print(f"{f['seed']:6} {f['rows']:9} {f['bytes'] / 1e6:6.1f} {f['by']:7} {f['turn']:7} {f['statements']:10} "
              f"{f['copies']:7} {f['inserts']:8} {f['statement_seconds']:10.2f} {f['seconds']:9.2f} "
              f"{f['dbt_inserts']:15}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
