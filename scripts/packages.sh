#!/bin/sh
# Make sure that there are programs that tests start, from packages of Debian.
# Usage: scripts/packages.sh required|optional PURPOSE PROGRAM:PACKAGE...
# Without the right to install them, 'required' fails; after 'optional' the tests that need them are skipped.
set -eu

need=$1
purpose=$2
shift 2
missing=
for each in "$@"; do
    command -v "${each%%:*}" >/dev/null 2>&1 || missing="$missing ${each##*:}"
done
[ -n "$missing" ] || exit 0

log=.local/packages.log
mkdir -p .local
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing for $purpose:$missing"
    # The runlevel of one user: packages start no services.
    # shellcheck disable=SC2086 - several names
    if { apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 20 "$log" >&2
fi
echo "These packages of Debian are missing for $purpose:$missing" >&2
[ "$need" = optional ]
