# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the collection, also against the vendor's: ``make bench``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

import ansible.release

from tests.bench.measurements import MEASUREMENTS


def vendor() -> str:
    """The version of the vendor's collection."""
    collections = Path(ansible.release.__file__).parents[1] / "ansible_collections"
    manifest = json.loads((collections / "netapp/ontap/MANIFEST.json").read_text(encoding="utf-8"))
    return str(manifest["collection_info"]["version"])


def main() -> int:
    """Run all measurements; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often what is timed is repeated (default: 5)")
    rounds = parser.parse_args().rounds
    print(f"\n{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {platform.platform()}")
    print(f"Python {platform.python_version()}, ansible-core {ansible.release.__version__}, netapp.ontap {vendor()}")
    print(f"Times are medians of {rounds} rounds, in which both take turns.\n", flush=True)
    missed = 0
    for measure in MEASUREMENTS:
        for line in measure(rounds):
            verdict = f"target {line.target}: {'met' if line.met else 'MISSED'}" if line.target else ""
            print(f"{line.what:32} {line.value:38} {verdict}".rstrip(), flush=True)
            missed += not line.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
