"""What the benchmarks share: a server of their own, dbt-core in its own environment, and a run that is
measured from outside (wall and CPU seconds, peak resident set in MB)."""
import json
import os
import sys
import time


def measure():
    """In a small process of its own: run argv[4:], write wall, CPU, memory and exit code as JSON."""
    log, argv = sys.argv[2], sys.argv[3:]
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execv(argv[0], argv)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    print(json.dumps({"wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
                      "memory": usage.ru_maxrss / 1024, "code": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    measure()
    sys.exit(0)

import glob  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402

REQUIREMENTS = {"dbt-core": ["dbt-core==1.11.16", "dbt-postgres==1.11.0"],
                "rust": ["dbt==2.0.0rc196"],
                "dbt-redshift": ["dbt-core==1.11.16", "dbt-redshift==1.11.1"]}
# The market project is only parsed: its account need not exist.
ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "0", "DO_NOT_TRACK": "1", "POSTGRES_USER": "nobody",
               "DBT_ALLOW_EXPERIMENTAL_ADAPTERS": "true"}


def executable(tool):
    """dbt-core or the Rust engine in its own environment; made where it is missing or another."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    venv = os.path.join(cache, "sectoral-bench", "venv" if tool == "dbt-core" else tool)
    stamp = os.path.join(venv, "requirements.txt")
    wanted = "\n".join(REQUIREMENTS[tool])
    if not os.path.exists(stamp) or open(stamp).read() != wanted:
        print(f"installing {' '.join(REQUIREMENTS[tool])} into {venv} (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([f"{venv}/bin/pip", "install", "-q", "--disable-pip-version-check",
                        *REQUIREMENTS[tool]], check=True)
        with open(stamp, "w") as file:
            file.write(wanted)
    return f"{venv}/bin/dbt"


def memory_folder(gigabytes):
    """A folder whose files are in memory, where there is one with that much room; else None."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return None
    enough = room.f_bavail * room.f_frsize >= gigabytes << 30
    return "/dev/shm" if enough and os.access("/dev/shm", os.W_OK) else None


class Postgres:
    """An empty server of our own, on a Unix socket only, gone with the `with` block.

    `folder`: where its files go; `settings`: further settings of the server
    (`{"logging_collector": "on"}`).
    """

    def __init__(self, folder=None, **settings):
        self.parent = folder
        self.settings = {"fsync": "off"} | settings

    def __enter__(self):
        candidates = [os.path.dirname(p) for p in [shutil.which("initdb")] if p]
        candidates += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
        self.bin = next((c for c in candidates if os.path.exists(f"{c}/initdb")), None)
        if not self.bin:
            sys.exit("there is no Postgres server on this machine: run `make setup` first")
        self.folder = tempfile.mkdtemp(prefix="sectoral-bench-db-", dir=self.parent)
        # Postgres refuses to run as root.
        self.account = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.account:
            shutil.chown(self.folder, "postgres")
        self.do("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale",
                "-D", f"{self.folder}/data")
        options = "".join(f" -c {name}={value}" for name, value in self.settings.items())
        self.do("pg_ctl", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o",
                f"-h '' -k {self.folder}{options}", "start")
        return {"PGHOST": self.folder, "PGPORT": "5432", "PGUSER": "postgres",
                "PGDATABASE": "postgres"}

    def cpu(self):
        """Seconds that the server's processes have worked so far, those of closed connections
        included."""
        with open(f"{self.folder}/data/postmaster.pid") as file:
            postmaster = int(file.readline())
        ticks = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            if int(entry) == postmaster:
                ticks += sum(int(field) for field in fields[11:15])
            elif int(fields[1]) == postmaster:
                ticks += sum(int(field) for field in fields[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def __exit__(self, *_):
        self.do("pg_ctl", "-m", "immediate", "-D", f"{self.folder}/data", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, program, *arguments):
        # Its output goes to a file: a pipe would be held open by the server.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run([*self.account, f"{self.bin}/{program}", *arguments],
                                  stdout=output, stderr=output, cwd="/")
            if done.returncode != 0:
                output.seek(0)
                sys.exit(f"{program}: {output.read()}")


def run(argv, log, database, accepted=(0,)):
    """One run, measured; a run that fails ends the benchmark with what it printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    environment.update(ENVIRONMENT, **database)
    done = subprocess.run(
        [sys.executable, "-I", "-S", os.path.abspath(__file__), "--measure", log, *argv],
        env=environment, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    if result["code"] not in accepted:
        tail = "".join(open(log, errors="replace").readlines()[-20:])
        sys.exit(f"{' '.join(argv)}: exit code {result['code']}\n{tail}")
    return result


def best(results):
    return {key: min(result[key] for result in results) for key in ("wall", "cpu", "memory")}
