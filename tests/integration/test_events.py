# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks under the real ansible-rulebook: what a cluster tells leads to what it should, once, and to no more."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import signal
import ssl
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.simulator import Simulator
from tests.simulator.server import default_ca
from tests.support.events import free_port
from tests.support.runner import complaints, environment

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-events/bin"
SECRET = "a-secret-part-of-the-path"
# Only so that nothing hangs for ever: Java and Ansible take their time to start.
PATIENCE = 280

pytestmark = [
    pytest.mark.skipif(
        not (TOOLS / "ansible-rulebook").exists() or shutil.which("java") is None,
        reason="!!! ansible-rulebook or Java 17 is not installed: the rulebooks have NOT BEEN CHECKED. "
        "See tests/setup.sh events",
    ),
    pytest.mark.timeout(4 * PATIENCE),
]


@dataclass
class Running:
    """A rulebook that runs, and what it prints."""

    sim: Simulator
    process: subprocess.Popen[bytes]
    output: Path
    pages: Path

    @property
    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def until(self, condition: t.Callable[[], t.Any]) -> None:
        """Wait for something to become true; fails where the rulebook ends, or it takes too long."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.1)

    def page(self) -> str:
        """The page on the cluster; empty as long as there is none."""
        path = self.pages / "cluster1.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def writes(self) -> list[str]:
        found = [request for request in self.sim.requests if request["method"] != "GET"]
        return [str(request["path"]) for request in found if "/support/ems/" not in request["path"]]


@contextlib.contextmanager
def running(rulebook: str, folder: Path, **variables: t.Any) -> t.Iterator[Running]:
    """Run a rulebook of the collection, as installed, against one simulated cluster with keys on its nodes."""
    pages, output = folder / "pages", folder / "output"
    pages.mkdir()
    with Simulator(svms=("vs0",)) as sim, output.open("wb") as file:
        sim.ontap.add_vault("vs0")
        sim.ontap.encrypt_volumes("vs0")
        address = {"ansible_host": sim.host, "ontap_http_port": sim.port, "diagnose_dir": str(pages)}
        (folder / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"cluster1": address}}}))
        cluster = {"name": "cluster1", "hostname": sim.host, "http_port": sim.port}
        given = {"ontap_clusters": [cluster], "ems_state_dir": str(folder / "state")}
        (folder / "vars.yml").write_text(json.dumps({**given, **variables}))
        env = environment(
            folder,
            ONTAP_USERNAME=sim.username,
            ONTAP_PASSWORD=sim.password,
            ONTAP_CA_PATH=sim.ca_path,
            ONTAP_EMS_SECRET=SECRET,
        )
        process = subprocess.Popen(
            [str(TOOLS / "ansible-rulebook"), "-r", rulebook, "-i", "inventory.yml", "--vars", "vars.yml", "-v"],
            # It starts ansible-galaxy and ansible-playbook by name.
            env={**env, "PATH": f"{TOOLS}:{env['PATH']}"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        run = Running(sim, process, output, pages)
        try:
            # The first look: from here on, everything is told.
            run.until((folder / "state/cluster1.json").exists)
            yield run
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        wrong = complaints(run.printed, [sim.password, SECRET])
        assert not wrong, f"{wrong}: {run.printed}"


def wire(sim: Simulator, port: int) -> None:
    """Tell the cluster where to post its events about keys."""
    patterns = ("ekmip.akv.*", "*.veto.kmgr.keysmissing", "km.*")
    rules = [
        {"index": index, "type": "include", "message_criteria": {"name_pattern": pattern}}
        for index, pattern in enumerate(patterns, 1)
    ]
    address = f"https://127.0.0.1:{port}/ontap/{SECRET}/cluster1"
    eda = {"name": "eda", "type": "rest_api", "destination": address, "filters": [{"name": "keys"}]}
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, sim.ca_path, (sim.username, sim.password)
        for path, body in (("filters", {"name": "keys", "rules": rules}), ("destinations", eda)):
            answer = session.post(f"{sim.url}/api/support/ems/{path}", json=body, timeout=30)
            assert answer.status_code == 201, answer.text
        # As a person would try it: this sends an event.
        tried = session.get(f"{sim.url}/api/support/ems/destinations/eda?fields=connectivity", timeout=30).json()
    assert tried["connectivity"]["state"] == "success", tried


def flood(port: int, number: int) -> None:
    """Post the same notification again and again, and what is none."""
    context = ssl.create_default_context()
    default_ca().configure_trust(context)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    veto = b"<netapp><message-name>gb.sfo.veto.kmgr.keysmissing</message-name></netapp>"
    for index in range(number):
        body = b"<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>" if index % 10 == 0 else veto
        connection.request("POST", f"/ontap/{SECRET}/cluster1", body)
        assert connection.getresponse().read() == b"<result>OK</result>"
    connection.close()


def test_a_node_without_keys_gets_them_back_by_one_run_whatever_comes_in(tmp_path: Path) -> None:
    port = free_port()
    certificate = default_ca().issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    given = {"ems_host": "127.0.0.1", "ems_port": port, "ems_certfile": str(tmp_path / "server.pem")}
    # The logs are read no more after the first look: what follows is what was posted.
    with running("ontap.security.keys_webhook", tmp_path, **given, ems_interval=3600, auto_restore=True) as run:
        wire(run.sim, port)
        run.sim.ontap.lose_keys("node1")
        flood(port, 1000)
        # The page of the run that restores, and not yet of what comes next.
        run.until(lambda: "1 of 1 configurations can be used." in run.page())
        run.sim.ontap.raise_event("ekmip.akv.keyExpired", "vs0")
        # One thing at a time: what came before is over when this is on the page.
        run.until(lambda: "Give the key in Azure a new version" in run.page())
        assert [path.rpartition("/")[2] for path in run.writes] == ["restore"]
        assert run.printed.count("PLAY [Restore keys") == 1
        # By the event without a name with which the way was tried, unless it came with others, and by the last one.
        assert run.printed.count("PLAY [Say what is wrong") in (1, 2)
        assert "1 of 1 configurations can be used." in run.page()
        assert len(run.sim.ontap.store("vs0").keys_on) == 2


# What it wires is held without a rulebook's engine by tests/unit/test_rulebooks.py.
@pytest.mark.thorough
def test_without_leave_nothing_is_changed_and_a_page_says_what_to_do(tmp_path: Path) -> None:
    with running("ontap.security.keys", tmp_path, ems_interval=5) as run:
        run.sim.ontap.lose_keys("node1")
        run.until(lambda: "Restore keys: ansible-playbook" in run.page())
        assert "km.keyretrieve.failed" in run.page()
        assert run.writes == []
        assert "PLAY [Restore keys" not in run.printed
