#!/bin/sh
# Make or refresh the virtual environment of this working copy.
# Usage: scripts/environment.sh EXTRAS    (for example: local,dev)
set -eu

extras=$1
venv=${VENV:-.venv}
log=.local/install.log
mkdir -p .local

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    found=
    for python in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
        if usable "$python"; then
            found=$python
            break
        fi
    done
    if [ -z "$found" ]; then
        {
            echo "No Python 3.11 or newer with the modules venv and ensurepip was found."
            echo "Tried: ${PYTHON:-} python3.13 python3.12 python3.11 python3 python"
            echo "Install one (on Debian and Ubuntu: apt-get install python3 python3-venv),"
            echo "or name it: make PYTHON=/path/to/python3 ..."
        } >&2
        exit 1
    fi
    echo "Making $venv with $("$found" --version)"
    rm -rf "$venv"
    "$found" -m venv "$venv"
fi

echo "Installing airflow-workflow-provider[$extras] into $venv (a few minutes the first time)"
if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
        --constraint constraints.txt --editable ".[$extras]" >"$log" 2>&1; then
    grep -v 'is ignored: ' "$log" | tail -n 40 >&2
    echo "The installation failed; the whole log is in $log" >&2
    exit 1
fi
