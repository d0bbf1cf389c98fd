#!/bin/sh
# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later

# Plays one of the role's scenarios; its output is of interest only when it fails.
#
#   tests/molecule.sh SCENARIO
set -eu
cd -- "$(dirname -- "$0")/.."
# molecule keeps the state of a scenario below Ansible's home, by the name of the checkout's folder. With a home for each
# run there is no state of another run or checkout, and nobody's own home is touched.
home=$(TMPDIR=/tmp mktemp -d -t ontap.security.XXXXXX)
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

export ANSIBLE_HOME="$home" NO_COLOR=1
if .venv/bin/molecule test --scenario-name "$1" --no-command-borders >"$home/log" 2>&1 </dev/null; then
    echo "molecule: $1 passed"
else
    cat "$home/log"
    echo "molecule: $1 FAILED"
    exit 1
fi
