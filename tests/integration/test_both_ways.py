# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a play says of its tasks, and whatever program runs it: both ways end the same."""

from __future__ import annotations

import json
import os
import socket
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import Simulator
from tests.support.beats import OLD, SECRET, connection
from tests.support.runner import TOOLS, Ran, complaints, environment, run

MODULE, INFO = "ontap.security.azure_key_vault", "ontap.security.azure_key_vault_info"
PASSWORD = 'c4nary/password+"1'
CHANGE = {"svm": "{{ svm }}", "client_secret": SECRET, "update_credentials": "always"}
NOTHING = {"svm": "{{ svm }}"}
REFUSED = {**CHANGE, "svm": "vs9"}

# Every Python of a run loads this by itself. So two hosts meet what no cluster and no option can bring about.
SITECUSTOMIZE = """
import requests
from ansible.module_utils.common.warnings import deprecate

prepare = requests.Session.prepare_request

def prepare_request(self, request):
    if "//beyond-us." in request.url:
        raise ZeroDivisionError("beyond us")
    if "//deprecated." in request.url:
        deprecate("An old thing", version="9.0.0", collection_name="ontap.security")
        request.url = request.url.replace("//deprecated.", "//")
    return prepare(self, request)

requests.Session.prepare_request = prepare_request
"""

LINEAR: list[dict[str, t.Any]] = [
    {"name": "change", MODULE: CHANGE, "notify": "handler"},
    {
        "name": "tried again",
        MODULE: REFUSED,
        "register": "tried",
        "until": "tried is succeeded or tried.attempts == 2",
        "retries": 5,
        "delay": 0,
        "failed_when": False,
    },
    {
        "name": "loop once",
        MODULE: {"svm": "{{ item }}"},
        "loop": ["vs0", "vs9"],
        "run_once": True,
        "ignore_errors": True,
    },
    {
        "name": "elsewhere",
        MODULE: NOTHING,
        "delegate_to": "localhost",
        "throttle": 1,
        "diff": False,
        "register": "judged",
        "changed_when": "judged.key_version == 'pinned'",
    },
    {"name": "deprecated", MODULE: {**NOTHING, "hostname": "deprecated.{{ ontap_hostname }}"}, "check_mode": True},
    # What listens there takes the connection and says nothing.
    {"name": "out of time", MODULE: {**CHANGE, "http_port": "{{ silent }}"}, "timeout": 2, "ignore_errors": True},
    {
        "name": "rescued",
        "block": [{"name": "fails", MODULE: REFUSED}],
        "rescue": [{"name": "rescue", "ansible.builtin.debug": {"var": "ansible_failed_result"}}],
    },
]
STRATEGY = [
    {"name": "change", MODULE: CHANGE},
    {"name": "fails", MODULE: {**NOTHING, "client_secert": SECRET}},
]


def play(way: str, name: str, tasks: list[dict[str, t.Any]], **more: t.Any) -> dict[str, t.Any]:
    options = ("hostname", "http_port", "username", "password", "ca_path")
    return {
        "name": name,
        "hosts": "clusters",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": PYTHON,
            "ontap_in_process": way == "in process",
        },
        "module_defaults": {"group/ontap.security.ontap": {name: f"{{{{ ontap_{name} }}}}" for name in options}},
        "tasks": tasks,
        **more,
    }


WAYS = ("in process", "ordinary")
PYTHON = "{{ ansible_playbook_python | quote }}"


@pytest.fixture(name="sim")
def _sim() -> Iterator[Simulator]:
    with Simulator(release="9.16.1", svms=("vs0", "vs1"), password=PASSWORD) as sim:
        for svm in ("vs0", "vs1"):
            sim.ontap.add_vault(svm, **OLD)
        yield sim


def inventory(sim: Simulator, **more: t.Any) -> str:
    login = {f"ontap_{name}": value for name, value in connection(sim).items()}
    hosts = {f"cluster{number}": {"svm": f"vs{number}"} for number in range(2)}
    return json.dumps({"clusters": {"hosts": hosts, "vars": {**login, **more}}})


def launched(sim: Simulator, folder: Path, way: str, silent: int) -> tuple[Ran, dict[t.Any, t.Any]]:
    """The plays under ansible-runner, and every event's result by play, task, host and kind of event."""
    handlers = [{"name": "handler", INFO: {"filters": {"svm.name": "{{ svm }}"}}}]
    plays = [
        play(way, "linear", LINEAR, handlers=handlers),
        play(way, "free", STRATEGY, strategy="ansible.builtin.free", ignore_errors=True),
        play(way, "pinned", STRATEGY, strategy="ansible.builtin.host_pinned", ignore_errors=True),
    ]
    for name, text in (
        ("project/play.yml", json.dumps(plays)),
        ("inventory/hosts.json", inventory(sim, silent=silent)),
        ("site/sitecustomize.py", SITECUSTOMIZE),
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    more = {
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "site"),
        # Said in results, and not on the screen.
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_PIPELINING": "true",
    }
    ran = run(
        "ansible-runner",
        *("run", str(folder), "-p", "play.yml", "--ident", "job", "--cmdline=-vvvvv --diff"),
        folder=folder,
        env=environment(folder, **more),
        clusters={"cluster": sim},
    )
    found: dict[t.Any, t.Any] = {}
    for path in (folder / "artifacts/job/job_events").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not complaints(text, [PASSWORD, SECRET])
        event = json.loads(text)
        data = event.get("event_data", {})
        if "res" in data:
            key = (data["play"], data["task"], data["host"], event["event"], data.get("ignore_errors"))
            found.setdefault(key, []).append(data["res"])
    return ran, found


def test_keywords_and_strategies(sim: Simulator, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        runs = {way: launched(sim, tmp_path / way.replace(" ", "-"), way, silent.getsockname()[1]) for way in WAYS}
    (ran, here), (other, there) = runs["in process"], runs["ordinary"]
    assert here.keys() == there.keys()
    for key, results in here.items():
        for one, two in zip(results, there[key], strict=True):
            for result in (one, two):
                result.pop("job", None)
            assert one == two, key
    assert {"free", "pinned"} < {play for play, *_more in here}
    ((beyond_time,),) = [results for key, results in here.items() if key[1:3] == ("out of time", "cluster0")]
    assert beyond_time["msg"] == "Task failed: Timed out after 2 second(s)."
    ((old,),) = [results for key, results in here.items() if key[1:3] == ("deprecated", "cluster0")]
    assert [one["msg"] for one in old["deprecations"]] == ["An old thing"]
    assert {key[1] for key in here} >= {task["name"] for task in LINEAR if "block" not in task} | {"handler", "rescue"}
    assert sorted(ran.methods["cluster"]) == sorted(other.methods["cluster"])
    assert "runs in Ansible's process" in ran.printed
    assert "runs in Ansible's process" not in other.printed


def test_ad_hoc_and_beyond_us(sim: Simulator, tmp_path: Path) -> None:
    """One host is as it should be, and the other one meets a bug."""
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    (tmp_path / "hosts.json").write_text(inventory(sim, ansible_connection="local", ansible_python_interpreter=PYTHON))
    options = {
        **connection(sim),
        "svm": "{{ svm }}",
        "hostname": "{{ ontap_hostname if svm == 'vs0' else 'beyond-us.example' }}",
    }
    printed = []
    for way in WAYS:
        ran = run(
            "ansible",
            *("-i", "hosts.json", "clusters", "-m", MODULE, "-a", json.dumps(options)),
            *("-e", json.dumps({"ontap_in_process": way == "in process"})),
            folder=tmp_path,
            env=environment(tmp_path, PYTHONPATH=str(tmp_path)),
            clusters={"cluster": sim},
        )
        assert ran.failed
        assert ran.methods == {"cluster": ["GET"]}
        printed.append((sorted(ran.stdout.splitlines()), sorted(ran.stderr.splitlines())))
    assert printed[0] == printed[1]
    assert "Task failed: Module failed: beyond us" in str(printed[0])


@pytest.mark.thorough
def test_step_and_debugger(sim: Simulator, tmp_path: Path) -> None:
    """Yes to the first task, and no to the second; the third fails, and in the debugger its mistake is mended."""
    tasks = [
        {"name": "wanted", MODULE: CHANGE},
        {"name": "unwanted", MODULE: CHANGE},
        {"name": "wrong", MODULE: REFUSED, "debugger": "on_failed"},
    ]
    typed = "y\nn\ny\np task_vars['svm']\np result._result['error']['code']\ntask.args['svm'] = 'vs0'\nredo\n"
    (tmp_path / "hosts.json").write_text(inventory(sim))
    printed = []
    for way in WAYS:
        (tmp_path / "play.yml").write_text(json.dumps([play(way, "step", tasks)]))
        ran = run(
            "ansible-playbook",
            *("-i", "hosts.json", "--limit", "cluster0", "--step", "play.yml"),
            folder=tmp_path,
            clusters={"cluster": sim},
            typed=typed,
        )
        assert not ran.failed, ran.printed
        assert len(ran.writes) == 2
        assert ran.stdout.count("[cluster0] TASK: wrong (debug)> ") == 4
        printed.append((ran.stdout, ran.stderr))
    assert printed[0] == printed[1]
