#!/bin/sh
# Make sure that there is a browser for the tests of what people see.
# Usage: scripts/browser.sh
set -eu

for name in ${WORKFLOWS_BROWSER:+"$WORKFLOWS_BROWSER"} chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

log=.local/browser.log
mkdir -p .local
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the tests of what people see"
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 20 "$log" >&2
fi
{
    echo "The tests in tests/ui need Chromium or Chrome."
    echo "Install it (on Debian and Ubuntu: apt-get install chromium), or name it: WORKFLOWS_BROWSER=/path/to/chrome"
} >&2
exit 1
