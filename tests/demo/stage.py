# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo plays on: two simulated clusters, a work folder, ansible-playbook, and the terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import textwrap
import typing as t
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml

from tests.demo.interruption import Interruption
from tests.simulator import Simulator
from tests.support.runner import TOOLS, complaints, environment

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
READS = frozenset({"GET", "HEAD", "OPTIONS"})
WIDTH = 100

# The simulated clusters want this login. Nothing writes it, or the secret, anywhere: see Stage.play.
USERNAME = "demo"
PASSWORD = "password-of-the-demo"
CLIENT_SECRET = "azure-secret-of-the-demo"
SETTINGS = {
    "ONTAP_USERNAME": USERNAME,
    "ONTAP_PASSWORD": PASSWORD,
    "AKV_CLIENT_SECRET": CLIENT_SECRET,
    "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
}

INVENTORY = """\
---
# One host for each cluster. ansible_host is the cluster management LIF, or its name.
ontap:
  hosts:
{hosts}
  vars:
    # The certificate authority that signed the clusters' certificates.
    ontap_ca_path: "{{{{ inventory_dir }}}}/ca.pem"
"""
HOST = """\
    {name}:
      ansible_host: {host}
      ontap_http_port: {port}  # a real cluster's is 443
"""


class Stopped(Exception):
    """Somebody asked the demo to stop."""


class Failed(Exception):
    """A chapter did not go as it should; ``output`` is what ansible-playbook said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Run:
    """One run of ansible-playbook: what it printed, and the requests that reached the clusters."""

    output: str
    requests: list[dict[str, t.Any]]

    @property
    def reads(self) -> int:
        return len(self.requests) - len(self.writes)

    @property
    def writes(self) -> list[dict[str, t.Any]]:
        return [request for request in self.requests if request["method"] not in READS]

    @property
    def changed(self) -> list[str]:
        """What Ansible calls changed, as it names it: ``changed: [cluster1] => (item=vs0)``."""
        return re.findall(r"^changed: .*$", self.output, re.MULTILINE)

    def diff(self, of: str) -> list[str]:
        """The lines that --diff printed for one configuration."""
        # Two clusters at once: Ansible may print something of the other one between a diff and the task's result.
        found = re.search(rf"^--- before: \S+: {of}\n(?:[-+@ ].*\n)*", self.output, re.MULTILINE)
        if found is None:
            raise Failed(f"There should be a diff of {of}.", self.output)
        return found[0].rstrip().splitlines()

    def messages(self) -> list[str]:
        """What the debug tasks printed, with the host before it where it does not say so itself."""
        found = re.findall(r"^ok: \[(\S+)\] .*=> *\n((?:  +.*\n)+)", self.output, re.MULTILINE)
        said = [(host, str(yaml.safe_load(result)["msg"])) for host, result in found]
        return sorted(message if message.startswith(f"{host}:") else f"{host}  {message}" for host, message in said)

    @property
    def count(self) -> str:
        """How many requests it took."""
        return f"{_number(self.reads, 'read')}, {_number(len(self.writes), 'write')}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


class Stage:
    """Simulated clusters and a folder to work in, for the time of a ``with`` statement. The folder stays."""

    def __init__(self, folder: Path, interruption: Interruption) -> None:
        self.folder = folder
        self.clusters = [
            Simulator(release, name=name, username=USERNAME, password=PASSWORD)
            for name, release in (("cluster1", "9.12.1"), ("cluster2", "9.16.1"))
        ]
        self._interruption = interruption
        self._running = contextlib.ExitStack()
        self._logs = 0
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Stage:
        (self.folder / "logs").mkdir(parents=True)
        with contextlib.ExitStack() as running:
            for cluster in self.clusters:
                running.enter_context(cluster)
            self._running = running.pop_all()
        shutil.copy(self.clusters[0].ca_path, self.folder / "ca.pem")
        hosts = "".join(HOST.format(name=c.ontap.cluster.name, host=c.host, port=c.port) for c in self.clusters)
        shutil.copytree(HERE / "group_vars", self.folder / "group_vars")
        (self.folder / "inventory.yml").write_text(INVENTORY.format(hosts=hosts.rstrip("\n")), encoding="utf-8")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._running.close()

    def check_stopped(self) -> None:
        """Raise ``Stopped`` when somebody asked for it."""
        if self._interruption.signal is not None:
            raise Stopped

    # --- what happens

    def play(self, playbook: str, *options: str) -> Run:
        """Run a playbook, of the collection or a file of the demo, against both clusters. Raises ``Failed``."""
        path = shown(HERE / playbook) if playbook.endswith(".yml") else playbook
        command = ["ansible-playbook", path, "-i", shown(self.folder / "inventory.yml"), *options]
        self.line(f"$ {shlex.join(command)}", "dim")
        self._logs += 1
        log = (
            self.folder
            / "logs"
            / f"{self._logs}-{playbook.removesuffix('.yml')}{''.join(o for o in options if o[:2] == '--')}.log"
        )
        for cluster in self.clusters:
            cluster.clear()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, log.open("wb") as output:
            status = self._interruption.run(
                [str(TOOLS / command[0]), *command[1:]],
                env=environment(Path(scratch), **SETTINGS, TMPDIR=scratch),
                cwd=PROJECT,
                stdout=output,
                stderr=output,
            )
        self.check_stopped()
        run = Run(
            log.read_text(encoding="utf-8", errors="replace"),
            [request for cluster in self.clusters for request in cluster.requests],
        )
        if status != 0:
            raise Failed(f"ansible-playbook ended with status {status}.", run.output)
        if wrong := complaints(run.output, (PASSWORD, CLIENT_SECRET)):
            raise Failed(f"ansible-playbook printed {', '.join(wrong)}.", run.output)
        return run

    def patch(self, cluster: Simulator, path: str, body: t.Mapping[str, t.Any]) -> None:
        """Change something on a cluster past Ansible."""
        self.line(f"PATCH https://{cluster.ontap.cluster.name}{path}", "dim")
        for name, value in body.items():
            self.line(f"      {name}: {value}", "dim")
        session = requests.Session()
        session.trust_env = False
        answer = session.patch(
            cluster.url + path,
            json=dict(body),
            auth=(USERNAME, PASSWORD),
            verify=str(self.folder / "ca.pem"),
            timeout=60,
        )
        if not answer.ok:
            raise Failed(f"The cluster answered HTTP {answer.status_code}.", answer.text)

    # --- what is shown

    def title(self, text: str) -> None:
        print()
        self.line(text, "bold", indent=0)

    def say(self, text: str) -> None:
        """Print a paragraph."""
        print(textwrap.indent(textwrap.fill(" ".join(text.split()), WIDTH), "  "), flush=True)

    def show(self, lines: t.Iterable[str]) -> None:
        """Print lines of a program's output, those of a diff in colour."""
        for line in lines:
            self.line(line, {"+": "green", "-": "red"}.get(line[:1], ""), indent=6)

    def line(self, text: str, style: str = "", indent: int = 4) -> None:
        codes = {"bold": "1", "dim": "2", "red": "31", "green": "32"}
        code = codes.get(style) if self._colour else None
        print(" " * indent + (f"\033[{code}m{text}\033[0m" if code else text), flush=True)


def shown(path: Path) -> str:
    """A path as one would type it in the checkout."""
    return os.path.relpath(path, PROJECT) if path.is_relative_to(PROJECT) else str(path)


def expect(condition: object, message: str, run: Run) -> None:
    """Raise ``Failed`` when a run did not do what the story tells."""
    if not condition:
        raise Failed(f"{message} Requests: {run.count}.", run.output)
