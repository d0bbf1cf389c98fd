# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo tells its whole story, keeps its secrets, and leaves nothing running."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import uuid
from pathlib import Path

import pytest

from tests.demo.stage import CLIENT_SECRET, PASSWORD, PROJECT, USERNAME
from tests.demo.story import CHAPTERS

# Only so that a hanging demo does not hang the tests for ever.
TIMEOUT = 600

SECRETS = [PASSWORD, CLIENT_SECRET, base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()]


class Demo(t.NamedTuple):
    """A running demo: its process, the folder it keeps, one for temporary files, and what marks its children."""

    process: subprocess.Popen[str]
    folder: Path
    temporary: Path
    mark: str


@pytest.fixture
def demo(tmp_path: Path) -> t.Iterator[Demo]:
    folder, mark = tmp_path / "demo", uuid.uuid4().hex
    # Ansible makes sockets in the temporary folder, and the path of a socket has to be short.
    with (
        tempfile.TemporaryDirectory() as temporary,
        subprocess.Popen(
            [sys.executable, "-m", "tests.demo", "--folder", str(folder)],
            cwd=PROJECT,
            # Settings for real clusters must not reach the demo: nothing answers at these addresses.
            env={
                **os.environ,
                "TMPDIR": temporary,
                "DEMO_MARK": mark,
                "ONTAP_HTTP_PORT": "1",
                "HTTPS_PROXY": "http://127.0.0.1:1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        yield Demo(process, folder, Path(temporary), mark)
        process.kill()


def relatives(mark: str) -> list[str]:
    """The processes that have inherited the mark, wherever they have gone."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"DEMO_MARK={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            # gone meanwhile, or somebody else's
            continue
    return found


def assert_nothing_is_left(demo: Demo) -> None:
    assert not list(demo.temporary.iterdir())
    # A process that was told to end may need a moment.
    deadline = time.monotonic() + TIMEOUT
    while left := relatives(demo.mark):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_tells_its_story(demo: Demo) -> None:
    output, _errors = demo.process.communicate(timeout=TIMEOUT)
    assert demo.process.returncode == 0, output

    for number, (headline, _chapter) in enumerate(CHAPTERS, 1):
        assert f"\n{number}. {headline}\n" in output
    for line in (
        "cluster1: 3 to create",
        "Requests that reached the clusters: 8 reads, 0 writes.",
        "Requests: 13 reads, 6 writes",
        "-    proxy_host: proxy.elsewhere.example",
        "+    proxy_host: proxy.example.com",
        "+    client_secret: (set)",
        "fields: client_id, client_secret, proxy_host",
        "cluster1  vs0: healthy",
        "cluster1  vs1: no_encrypted_volume_yet",
        "cluster2  vs0: keys_missing",
    ):
        assert line in output
    assert "that broke off. Requests: 5 reads, 0 writes." in " ".join(output.split())
    assert "\033" not in output, "colours are for terminals"
    assert str(demo.folder / "inventory.yml") in output

    kept = {path: path.read_text(encoding="utf-8") for path in demo.folder.rglob("*") if path.is_file()}
    assert {path.name for path in kept} >= {"inventory.yml", "ca.pem", "1-ontap.security.apply--check--diff.log"}
    for secret in SECRETS:
        assert secret not in output
        assert not [path for path, text in kept.items() if secret in text]
    assert_nothing_is_left(demo)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes through /proc")
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)],
    ids=lambda number: number.name,
)
def test_stops_when_asked_to(demo: Demo, number: signal.Signals) -> None:
    assert demo.process.stdout is not None
    told = ""
    while "$ ansible-playbook" not in told:
        line = demo.process.stdout.readline()
        assert line, told
        told += line
    # In the middle: Ansible has a process for a task.
    deadline = time.monotonic() + TIMEOUT
    while sum("ansible-playbook" in command for command in relatives(demo.mark)) < 2:
        assert demo.process.poll() is None, told + demo.process.stdout.read()
        assert time.monotonic() < deadline

    demo.process.send_signal(number)
    rest, _errors = demo.process.communicate(timeout=TIMEOUT)
    assert demo.process.returncode == 128 + number, told + rest
    assert "Stopped. Nothing is left running." in rest
    assert "Traceback" not in told + rest
    assert_nothing_is_left(demo)
