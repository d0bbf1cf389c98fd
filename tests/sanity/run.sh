#!/bin/sh
# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs ansible-test sanity on the collection as users get it: built, and unpacked where ansible-test wants it. That is
# outside any repository, because in a folder that git ignores it skips everything and is content.
set -eu
cd -- "$(dirname -- "$0")/../.."
tests/setup.sh packages shellcheck
tests/setup.sh pythons
cache=$(cd .cache && pwd -P)
venv=$(cd .venv && pwd -P)
log=$cache/sanity.log
work=$(TMPDIR=/tmp mktemp -d -t ontap.security.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# ansible-test keeps environments and downloads under HOME. Here it gets one of its own: nobody's home is touched, and
# the second run is fast. It hides most of the environment from pip, so pip's settings go along as a file.
mkdir -p "$cache/ansible-test/.config/pip" "$cache/ansible-test/.pip"
ln -sfn "$HOME/.config/pip/pip.conf" "$cache/ansible-test/.pip/pip.conf"
pip_setting() { [ -z "$2" ] || echo "$1 = $2"; }
{
    echo '[global]'
    pip_setting quiet 2
    pip_setting cert "${PIP_CERT:-}"
    pip_setting index-url "${PIP_INDEX_URL:-}"
    pip_setting proxy "${PIP_PROXY:-${HTTPS_PROXY:-}}"
} >"$cache/ansible-test/.config/pip/pip.conf"
export HOME="$cache/ansible-test"

# On PATH, plain interpreters: it tries every Python it knows, and a shim is no Python.
export PATH="$venv/bin:$cache/pythons:/usr/local/bin:/usr/bin:/bin"

# It would download pip's installer from outside the package registry; the pip that comes with Python does as well.
mkdir -p "$HOME/.ansible/test/cache"
sed -n "s/.*pip='\([0-9.]*\)'.*/\1/p" "$venv"/lib/python*/site-packages/ansible_test/_internal/python_requirements.py |
    tr . _ | while read -r version; do
    echo "import ensurepip; ensurepip.bootstrap()" >"$HOME/.ansible/test/cache/get_pip_$version.py"
done

ansible-galaxy collection build --output-path "$work" >"$log" 2>&1 || { cat "$log"; exit 1; }
copy=$work/ansible_collections/ontap/security
mkdir -p "$copy"
tar -xzf "$work"/ontap-security-*.tar.gz -C "$copy"

# The exit code leaves the pipe as a file, because the pipe's own is tee's.
{ (cd "$copy" && ansible-test sanity --color no "$@" </dev/null) && touch "$work/passed"; } 2>&1 | tee "$log"

# To ansible-test, a test that cannot run is only a warning, and nothing to test is a success.
warnings=$(grep '^WARNING' "$log" | grep -v 'Reviewing previous\|Using locale' | sort -u)
if [ "$warnings" ]; then
    printf '%s\n' '!!! NOT EVERYTHING WAS CHECKED:' "$warnings" | sed 's/^WARNING: /!!!   /'
fi
if [ ! -e "$work/passed" ] || grep -q 'All targets skipped' "$log"; then
    echo 'sanity: FAILED'
    exit 1
fi
echo "sanity: $(grep -c '^Running sanity test' "$log") tests passed"
