# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one simulated cluster until it is told to stop: ``python -m tests.simulator --help``."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import threading
import typing as t

from tests.simulator.profiles import RELEASES
from tests.simulator.server import PASSWORD, USERNAME, Simulator, load_ca


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    result = argparse.ArgumentParser(prog="python -m tests.simulator", description="A simulated ONTAP cluster.")
    result.add_argument("--port", type=int, default=8443, help="0 takes a free one (default: %(default)s)")
    result.add_argument("--release", choices=RELEASES, default="9.16.1", help="(default: %(default)s)")
    result.add_argument("--svms", type=names, default=("vs0", "vs1"), help="names, separated by commas")
    result.add_argument("--nodes", type=names, default=("node1", "node2"), help="names, separated by commas")
    result.add_argument("--name", default="cluster1", help="the cluster's name (default: %(default)s)")
    result.add_argument("--ca-dir", type=pathlib.Path, help="folder that keeps the certificate authority")
    result.add_argument("--ready-file", type=pathlib.Path, help="file that is written when the server is ready: JSON")
    result.add_argument("--username", default=USERNAME, help="(default: %(default)s)")
    result.add_argument("--password", default=PASSWORD, help="(default: %(default)s)")
    return result


def names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Run the simulator until SIGINT or SIGTERM; returns the exit status."""
    options = parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_ignored: stop.set())
    simulator = Simulator(
        options.release,
        options.svms,
        options.nodes,
        options.name,
        options.port,
        load_ca(options.ca_dir) if options.ca_dir else None,
        username=options.username,
        password=options.password,
    )
    with simulator:
        announce(simulator)
        if options.ready_file:
            write_whole(options.ready_file, json.dumps({**simulator.info(), "pid": os.getpid()}))
        stop.wait()
    return 0


def announce(simulator: Simulator) -> None:
    """Print how to reach the cluster."""
    info = simulator.info()
    print(f"ONTAP {info['release']} (simulated) at {info['url']}")
    print(f"  CA file      {info['ca_path']}")
    print(f"  login        {info['username']} / {info['password']}")
    print(f"  SVMs         {', '.join(info['svms'])}")
    print(
        f"  try          curl --cacert {info['ca_path']} -u {info['username']}:{info['password']} "
        f"'{info['url']}/api/security/azure-key-vaults?fields=*'",
        flush=True,
    )


def write_whole(path: pathlib.Path, content: str) -> None:
    """Write a file that others wait for: it appears with all its content, readable by its owner only."""
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(content, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    raise SystemExit(main())
