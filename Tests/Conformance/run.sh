#!/usr/bin/env bash
# Compares what sectoral makes of the repository's projects with what dbt-core makes of them.
#
#   run.sh BINARY SHARED      SHARED holds conformance/compile_diff and conformance/adapter_suite
#
# Compiles without a database, for Postgres and for Redshift, and on the stand-in for Redshift where
# SHARED has it (testbed/redshift); builds on Postgres, and compares every relation; runs dbt's public
# adapter tests; checks what is written against dbt's schemas. The builds go to a scratch database on the server that
# POSTGRES_HOST and POSTGRES_USER name, and where they are not set to a server that is started here
# and gone afterwards.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$(realpath "$1")
compare=$2/conformance/compile_diff/compare.py
if [ ! -f "$compare" ]; then
  echo "there is no $compare: set SECTORAL_SHARED to the folder that holds conformance/" >&2
  exit 2
fi
work=$(mktemp -d)
server=
testbed=$2/testbed/redshift/standin.sh
standin=
finish() {
  [ -z "$standin" ] || STANDIN_HOME=$standin "$testbed" stop
  [ -z "$server" ] || as_postgres "$server/pg_ctl" -m immediate -D "$work/postgres/data" stop >/dev/null
  rm -rf "$work"
}
trap finish EXIT

# Postgres refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

start_server() {
  local programs
  programs=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
  mkdir "$work/postgres"
  if [ "$(id -u)" -eq 0 ]; then chmod 755 "$work" && chown postgres "$work/postgres"; fi
  as_postgres "$programs/initdb" --no-sync -A trust -U postgres -E UTF8 --no-locale \
    -D "$work/postgres/data" >/dev/null
  # It listens on a socket alone; the folder stands for the host.
  as_postgres "$programs/pg_ctl" -w -D "$work/postgres/data" -l "$work/postgres/log" \
    -o "-h '' -k $work/postgres -c fsync=off" start >/dev/null
  server=$programs
  export POSTGRES_HOST=$work/postgres POSTGRES_USER=postgres POSTGRES_PASSWORD=unused \
    POSTGRES_DATABASE=postgres
}

# The example has no profile, which is its point; dbt-core needs one.
mkdir "$work/profiles"
cat > "$work/profiles/profiles.yml" <<'YAML'
jaffle_shop_example:
  target: dev
  outputs:
    dev:
      type: postgres
      host: "{{ env_var('POSTGRES_HOST', 'localhost') }}"
      port: "{{ env_var('POSTGRES_PORT', '5432') | as_number }}"
      user: "{{ env_var('POSTGRES_USER') }}"
      password: "{{ env_var('POSTGRES_PASSWORD', '') }}"
      dbname: "{{ env_var('POSTGRES_DATABASE', 'postgres') }}"
      schema: jaffle_shop
      threads: 4
    prod: &prod
      type: redshift
      host: "{{ env_var('REDSHIFT_HOST') }}"
      port: 5439
      user: "{{ env_var('REDSHIFT_USER') }}"
      password: "{{ env_var('REDSHIFT_PASSWORD') }}"
      dbname: "{{ env_var('REDSHIFT_DATABASE') }}"
      schema: jaffle_shop
      ra3_node: true
      threads: 4
    standin: &standin
      type: redshift
      host: 127.0.0.1
      port: "{{ env_var('STANDIN_PORT', '5439') | as_number }}"
      user: awsuser
      password: Passw0rd
      dbname: dev
      schema: conformance
      threads: 4
redshift_features:
  target: prod
  outputs: {prod: *prod, standin: *standin}
sectoral:
  target: standin
  outputs: {standin: *standin}
YAML

failed=0
compare() {
  printf '\n== %s\n' "$1"
  shift
  python3 "$compare" --bin "$binary" --out "$work/out" --report "$work/report.txt" "$@" || {
    failed=1
    head -60 "$work/report.txt" 2>/dev/null || true
  }
}

if [ -z "${POSTGRES_HOST:-}" ] || [ -z "${POSTGRES_USER:-}" ]; then start_server; fi
# Compiled for, never connected to.
export REDSHIFT_HOST=${REDSHIFT_HOST:-localhost} REDSHIFT_USER=${REDSHIFT_USER:-nobody}
export REDSHIFT_PASSWORD=${REDSHIFT_PASSWORD:-none} REDSHIFT_DATABASE=${REDSHIFT_DATABASE:-dev}

market=(--project-dir "$root" --profiles-dir "$root/profiles")
jaffle=(--project-dir "$root/Examples/jaffle_shop" --profiles-dir "$work/profiles" --target)
features=(--project-dir "$root/Examples/redshift" --profiles-dir "$work/profiles" --target prod)
compare "market project, Postgres" "${market[@]}" --target dev --offline
compare "market project, Redshift" "${market[@]}" --target prod --offline
compare "jaffle_shop, Postgres" "${jaffle[@]}" dev --offline
compare "jaffle_shop, Redshift" "${jaffle[@]}" prod --offline
compare "Redshift's settings" "${features[@]}" --vars '{has_external: true}' --command parse
if [ -x "$testbed" ]; then
  standin=$work/standin
  mkdir "$standin" && chmod 755 "$work" "$standin"
  export STANDIN_PORT=$((RANDOM % 2500 * 2 + 20000))
  STANDIN_HOME=$standin TMPDIR=/tmp "$testbed" start --port "$STANDIN_PORT" >/dev/null
  # dbt-redshift's driver checks the certificate.
  export SSL_CERT_FILE=$standin/redshift/tls/ca.pem
  asked=(--profiles-dir "$work/profiles" --target standin)
  compare "market project, on Redshift's stand-in" --project-dir "$root" "${asked[@]}"
  compare "jaffle_shop, on Redshift's stand-in" --project-dir "$root/Examples/jaffle_shop" "${asked[@]}"
  compare "Redshift's settings, on its stand-in" --project-dir "$root/Examples/redshift" "${asked[@]}"
  unset SSL_CERT_FILE
else
  echo "there is no $testbed: nothing is compiled on Redshift's stand-in"
fi
compare "market project, built" "${market[@]}" --target dev --command build
compare "jaffle_shop, built" "${jaffle[@]}" dev --command build

printf '\n== adapter suite\n'
# A copy: tests write beside their files, which only root may where the folder is for reading.
cp -r --no-preserve=mode "$2/conformance/adapter_suite" "$work/adapter_suite"
bash "$work/adapter_suite/run.sh" --bin "$binary" --results "$work/suite.json" || {
  failed=1
  python3 - "$work/suite.json" <<'PYTHON'
import json, sys
for test in json.load(open(sys.argv[1]))["failed"]:
    print("failed:", test)
PYTHON
}

printf '\n== artifacts, by their schemas\n'
# dbt-core needs jsonschema as well.
dbt=$(cd "$root/Benchmarks" && python3 -c 'from harness import executable; print(executable("dbt-core"))')
"$(dirname "$dbt")/python" "$root/Tests/Conformance/artifacts.py" --binary "$binary" \
  --schemas "$2/spec/schemas" || failed=1
exit $failed
