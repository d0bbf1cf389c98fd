# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which tests, demo and benchmark run Ansible's programs: without anybody's settings, and strictly."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulator import Simulator
from tests.support.beats import CERTIFICATE, OLD, SECRET, WRITES, Outcome, spellings

TOOLS = Path(sys.executable).parent
# What would change a run, and what makes every start of Ansible compile all of it again.
_OTHERS = ("AKV_", "ANSIBLE_", "CONTROLLER_", "JUNIT_", "ONTAP_", "TOWER_", "PYTHONDONTWRITEBYTECODE")
_PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
_SECRET = re.compile("CERTIFICATE$|PASSWORD|SECRET|TOKEN")
# Parts of an encoded secret that are shorter may be anything.
_SHORTEST = 8


@dataclass(frozen=True)
class Ran:
    """One run: its exit status, what it printed, the folder it ran in, and what reached each simulated cluster.

    ``outcomes``: what each task did, where somebody watched.
    """

    status: int
    stdout: str
    stderr: str
    folder: Path
    reached: t.Mapping[str, list[dict[str, t.Any]]] = field(default_factory=dict)
    outcomes: t.Sequence[Outcome] = ()

    @property
    def failed(self) -> bool:
        return self.status != 0

    @property
    def printed(self) -> str:
        return self.stdout + self.stderr

    @property
    def output(self) -> str:
        """What it printed, on one line; older releases of Ansible show a line break as an escape."""
        return " ".join(self.printed.replace("\\n", " ").split())

    @property
    def requests(self) -> list[dict[str, t.Any]]:
        return [request for requests in self.reached.values() for request in requests]

    @property
    def writes(self) -> list[str]:
        """The last part of the path of each request that could change something."""
        return [request["path"].rpartition("/")[2] for request in self.requests if request["method"] in WRITES]

    @property
    def methods(self) -> dict[str, list[str]]:
        """The methods of the requests, by cluster."""
        return {name: [request["method"] for request in requests] for name, requests in self.reached.items()}

    @property
    def changed(self) -> int:
        """How many changes the recap counts."""
        return sum(map(int, re.findall(r"\bchanged=(\d+)", self.output)))


def environment(folder: Path, **more: str) -> dict[str, str]:
    """This process's environment without settings of other people, and with ``folder`` for all that Ansible writes."""
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_OTHERS) and name.upper() not in _PROXIES
        },
        "ANSIBLE_HOME": str(folder),
        "ANSIBLE_LOCAL_TEMP": str(folder),
        "ANSIBLE_REMOTE_TEMP": str(folder),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        **more,
    }


def run(
    program: str,
    *arguments: str,
    folder: Path,
    env: t.Mapping[str, str] | None = None,
    clusters: t.Mapping[str, Simulator] | None = None,
    secrets: t.Iterable[str] = (),
    tools: Path = TOOLS,
    typed: str = "",
) -> Ran:
    """Run a program in ``folder`` to its end, and see that it printed nothing that it must not print.

    It reads what was ``typed`` before it was started.

    ``env`` is its whole environment, by default ``environment(folder)``. ``secrets`` are those that are not in its
    environment, nor the passwords of ``clusters``, nor those of the sample values.
    """
    env = environment(folder) if env is None else env
    clusters = clusters or {}
    for sim in clusters.values():
        sim.clear()
    finished = subprocess.run(
        [str(tools / program), *arguments],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        input=typed,
        # Only so that nothing hangs for ever.
        timeout=600,
        check=False,
    )
    known = [value for name, value in env.items() if _SECRET.search(name) and name.startswith(_OTHERS)]
    known += [sim.password for sim in clusters.values()]
    reached = {name: list(sim.requests) for name, sim in clusters.items()}
    ran = Ran(finished.returncode, finished.stdout, finished.stderr, folder, reached)
    wrong = complaints(ran.printed, [*known, *secrets, SECRET, OLD["client_secret"], CERTIFICATE])
    # An error of Ansible's own has other numbers.
    if ran.status not in (0, 2, 4):
        wrong.append(f"status {ran.status}")
    assert not wrong, f"{', '.join(wrong)}:\n{ran.printed}"
    return ran


def ansible_playbook(playbook: str, *arguments: str, folder: Path, **more: t.Any) -> Ran:
    """Run a playbook: see ``run``."""
    return run("ansible-playbook", playbook, *arguments, folder=folder, **more)


@functools.cache
def _spelled(secret: str) -> frozenset[str]:
    return frozenset(spelling for spelling in spellings(secret) if len(spelling) >= _SHORTEST)


def complaints(text: str, secrets: t.Iterable[str]) -> list[str]:
    """What is wrong with something that was printed: a secret in any spelling, a traceback, a deprecation."""
    found = [words for words in ("Traceback", "DEPRECATION") if words in text]
    return found + [
        f"{secret!r} as {spelling!r}" for secret in secrets for spelling in _spelled(secret) if spelling in text
    ]
