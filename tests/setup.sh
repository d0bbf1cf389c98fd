#!/bin/sh
# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes a machine ready, and returns at once where it is ready already.
#
#   tests/setup.sh VENV REQUIREMENTS    a virtual environment that knows this checkout as ontap.security
#   tests/setup.sh cores                .venv-2.16 and .venv-2.19, with older releases of ansible-core, where they can be had
#   tests/setup.sh events               .venv-events with ansible-rulebook, where it and Java can be had
#   tests/setup.sh packages NAME...     Debian packages, where that is allowed
#   tests/setup.sh pythons              one link for each working Python, in .cache/pythons
set -eu
cd -- "$(dirname -- "$0")/.."
project=$(pwd -P)

say() { printf '%s\n' "$*" >&2; }

# Before 2.19, ansible-core puts the path of its Python unquoted into command lines, so what is installed has to live in
# a path without a space. Where the checkout has one, .cache is a link to a temporary folder; environments lie in .cache.
make_cache() {
    [ -d .cache ] && return
    rm -f .cache
    case $project in
        *[[:space:]]*) ln -s "$(TMPDIR=/tmp mktemp -d -t ontap.security.XXXXXX)" .cache ;;
        *) mkdir .cache ;;
    esac
}

# A Python counts when it runs and can make an environment: a pyenv shim may do neither, Debian's lacks ensurepip
# until python3-venv is there. Behind shims, the versions they stand for are tried as well.
find_python() { (
    IFS=:
    for dir in $PATH; do
        for python in "$dir/python$1" "$dir/../versions/$1".*/bin/"python$1"; do
            if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 </dev/null; then
                # In an active environment this is the Python behind it, so that none rests on another.
                "$python" -c 'import os, sys; print(os.path.realpath(sys.executable))'
                return
            fi
        done
    done
    return 1
) }

find_any_python() {
    for version in 3.12 3.11 3.13 3.10; do
        find_python "$version" && return
    done
    return 1
}

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_install() {
    apt="apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends -y"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # the options are separate words
    $apt "$@" >&2 </dev/null || { apt-get -qq update >&2 </dev/null && $apt "$@" >&2 </dev/null; }
}

# The collection awx.awx, which PyPI has only as a part of the package ansible, of which nothing else is needed.
make_awx() {
    [ -d .cache/awx ] && return
    say "Fetching the collection awx.awx, once"
    rm -rf .cache/awx.new
    # That the package itself wants a newer Python is no concern of its modules.
    "$1" -m pip download -qq --disable-pip-version-check --no-deps --only-binary :all: --ignore-requires-python \
        --dest .cache/awx.new 'ansible==11.*' </dev/null
    "$1" - .cache/awx.new/ansible-*.whl .cache/awx.new <<'END'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith("ansible_collections/awx/awx/")])
END
    rm .cache/awx.new/ansible-*.whl
    mv .cache/awx.new .cache/awx
}

make_venv() {
    venv=$1
    requirements=$2
    # Compares what the environment was made from, the folder included: a moved checkout gets a new one.
    wanted=$(printf '%s\n' "$project" "${PYTHON:-}"; cat requirements*.txt tests/setup.sh | cksum)
    stamp=$venv/.made-from-$requirements
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return

    python=${PYTHON:-$(find_any_python || { can_apt && apt_install python3-venv && find_any_python; } || true)}
    "${python:-false}" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
        say "No Python 3.10 or newer with the modules venv and ensurepip was found. Name one: PYTHON=/path make ..."
        exit 1
    }
    say "Setting up $venv from $requirements with $python"
    make_cache
    home=$(cd .cache && pwd -P)/${venv#.}
    rm -rf "$venv"
    ln -s "$home" "$venv"
    # Adds to an environment that is there already, unless it was made by another Python or in another place.
    grep -qxF "$project $python" "$home/.made-by" 2>/dev/null || "$python" -m venv --clear "$home"
    echo "$project $python" >"$home/.made-by"
    # Twice quiet: a mirror in somebody's pip.conf that lacks a package is no concern of ours. Errors are still shown.
    "$home/bin/python" -m pip install -qq --disable-pip-version-check --no-compile -r "$requirements" </dev/null
    site=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    for collections in "$site/ansible_collections" .cache/mypy/ansible_collections; do
        mkdir -p "$collections/ontap"
        ln -sfn "$project" "$collections/ontap/security"
    done
    if [ "$requirements" = requirements-dev.txt ]; then
        make_awx "$home/bin/python"
        ln -sfn "$(cd .cache && pwd -P)/awx/ansible_collections/awx" "$site/ansible_collections/awx"
    fi
    printf '%s\n' "$wanted" >"$stamp"
}

make_core() {
    core=$1
    shift
    for version; do
        python=$(find_python "$version") || continue
        PYTHON=$python tests/setup.sh ".venv-$core" "requirements-$core.txt" && return
    done
    say "!!! NOT INSTALLED: ansible-core $core (needs Python $*). The checks that want it are SKIPPED."
}

make_pythons() {
    make_cache
    mkdir -p .cache/pythons
    for version in 3.9 3.10 3.11 3.12 3.13 3.14; do
        python=$(find_python "$version") || continue
        ln -sf "$python" ".cache/pythons/python$version"
    done
}

# ansible-rulebook loads a Java of 17 or newer into its own process.
has_java() {
    version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

make_events() {
    if has_java || { can_apt && apt_install openjdk-17-jre-headless && has_java; }; then
        tests/setup.sh .venv-events requirements-events.txt && return
    fi
    say "!!! NOT INSTALLED: ansible-rulebook (needs Java 17). The checks that want it are SKIPPED."
}

install_packages() {
    for package; do
        command -v "$package" >/dev/null && continue
        can_apt && apt_install "$package" && continue
        say "!!! NOT INSTALLED: $package (needs root and apt-get). The checks that want it are SKIPPED."
    done
}

case $1 in
    # Each with the Pythons that it supports.
    cores) make_core 2.16 3.12 3.11 3.10; make_core 2.19 3.12 3.11 3.13 ;;
    events) make_events ;;
    packages) shift; install_packages "$@" ;;
    pythons) make_pythons ;;
    *) make_venv "$@" ;;
esac
