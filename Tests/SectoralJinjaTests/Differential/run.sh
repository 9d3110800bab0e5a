#!/usr/bin/env bash
# Compares the `jinja` tool with Jinja2 itself on random templates.
#
#   run.sh TOOL [ARGUMENT...]     arguments as differential.py takes them
#
# Jinja2 comes from PyPI, once, into an environment under the user's cache.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tool=$(realpath "$1")
shift
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
stamp=$(cat "$here/requirements.txt" - <<< "$version" | sha256sum | cut -c1-12)
environment=${XDG_CACHE_HOME:-$HOME/.cache}/sectoral-differential/$stamp
if [ ! -e "$environment/ready" ]; then
  rm -rf "$environment"
  mkdir -p "$(dirname "$environment")"
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" || {
    echo "differential: Jinja2 could not be installed; pip needs an index of Python packages once" >&2
    exit 2
  }
  touch "$environment/ready"
fi
[ "$version" = 3.11 ] || echo "differential: Python $version; the engine follows 3.11" >&2
exec "$environment/bin/python" "$here/${SCRIPT:-differential.py}" "$tool" "$@"
