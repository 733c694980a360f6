#!/bin/sh
# Make sure that there is what the tests of the deployment with Celery workers start: Redis, and hosts in namespaces.
# Usage: scripts/celery-hosts.sh
set -eu

missing=
for program in redis-server:redis-server ip:iproute2 nsenter:util-linux unshare:util-linux setpriv:util-linux; do
    command -v "${program%%:*}" >/dev/null 2>&1 || missing="$missing ${program##*:}"
done
[ -n "$missing" ] || exit 0

log=.local/celery-hosts.log
mkdir -p .local
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing for the tests with Celery workers:$missing"
    # shellcheck disable=SC2086 - several names
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 20 "$log" >&2
fi
echo "The tests in tests/celery need these packages of Debian:$missing" >&2
exit 1
