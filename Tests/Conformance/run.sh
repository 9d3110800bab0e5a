#!/usr/bin/env bash
# Compares what sectoral makes of the repository's projects with what dbt-core makes of them.
#
#   run.sh BINARY SHARED      SHARED holds conformance/compile_diff
#
# Compiles without a database, for Postgres and for Redshift. Where POSTGRES_HOST and POSTGRES_USER
# name a server on which a scratch database may be made, the projects are built there as well, and
# every relation is compared.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$(realpath "$1")
compare=$2/conformance/compile_diff/compare.py
if [ ! -f "$compare" ]; then
  echo "there is no $compare: set SECTORAL_SHARED to the folder that holds conformance/" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

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

server=
if [ -n "${POSTGRES_HOST:-}" ] && [ -n "${POSTGRES_USER:-}" ]; then server=yes; fi
# Not connected to where nothing but offline compiling is asked for.
export POSTGRES_USER=${POSTGRES_USER:-nobody}
export REDSHIFT_HOST=${REDSHIFT_HOST:-localhost} REDSHIFT_USER=${REDSHIFT_USER:-nobody}
export REDSHIFT_PASSWORD=${REDSHIFT_PASSWORD:-none} REDSHIFT_DATABASE=${REDSHIFT_DATABASE:-dev}

market=(--project-dir "$root" --profiles-dir "$root/profiles")
jaffle=(--project-dir "$root/Examples/jaffle_shop" --profiles-dir "$work/profiles" --target dev)
compare "market project, Postgres" "${market[@]}" --target dev --offline
compare "market project, Redshift" "${market[@]}" --target prod --offline
compare "jaffle_shop, Postgres" "${jaffle[@]}" --offline
if [ -n "$server" ]; then
  compare "market project, built" "${market[@]}" --target dev --command build
  compare "jaffle_shop, built" "${jaffle[@]}" --command build
fi
exit $failed
