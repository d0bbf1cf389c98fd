# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a task runs in Ansible's own process, and that it leaves nothing behind there."""

from __future__ import annotations

import gc
import importlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import _internal, basic
from ansible.module_utils.common import warnings

from ansible_collections.ontap.security.plugins.plugin_utils import _in_process
from tests.simulator import Simulator
from tests.support.beats import FULL, OLD, connection
from tests.unit.test_documentation import MODULES

ACTIONS = "ansible_collections.ontap.security.plugins.action"
SECRET = "c4nary-secret"


def action_of(module: str) -> type[_in_process.InProcess]:
    return t.cast("type[_in_process.InProcess]", importlib.import_module(f"{ACTIONS}.{module}").ActionModule)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_an_action_for_itself(module: str) -> None:
    found = action_of(module).module
    assert found.__name__.rpartition(".")[2] == module
    assert callable(found.main)


class Templar:
    """Knows one variable."""

    def template(self, value: t.Any) -> t.Any:
        if value == "{{ lacking }}":
            raise _in_process.AnsibleError("lacking is undefined")
        return sys.executable if value == "{{ ansible_playbook_python }}" else value


def reason(variables: t.Mapping[str, t.Any] | None = None, **others: t.Any) -> str:
    """What speaks against a task with these variables, otherwise with nothing that does."""
    action = object.__new__(action_of("azure_key_vault"))
    action._templar = Templar()
    action._connection = types.SimpleNamespace(transport=others.get("transport", "local"), become=others.get("become"))
    action._task = types.SimpleNamespace(
        async_val=others.get("async_val", 0),
        environment=others.get("environment", [{}]),
        delegate_to=others.get("delegate_to"),
    )
    return next(action._against(variables or {}), "")


OTHER = "another Python is named"
REASONS: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({}, {}, ""),
    ({}, {"environment": None}, ""),
    ({}, {"environment": {}}, ""),
    ({"ontap_in_process": True}, {}, ""),
    ({"ontap_in_process": "yes"}, {}, ""),
    ({"ontap_in_process": False}, {}, "ontap_in_process is false"),
    ({"ontap_in_process": "no"}, {}, "ontap_in_process is false"),
    ({}, {"transport": "ssh"}, "its connection is not local"),
    ({}, {"become": object()}, "it becomes another user"),
    ({}, {"async_val": 5}, "it is asynchronous"),
    ({}, {"environment": [{"HTTPS_PROXY": "x"}]}, "it has an environment"),
    ({}, {"environment": {"HTTPS_PROXY": "x"}}, "it has an environment"),
    ({"ansible_python_interpreter": "auto_silent"}, {}, ""),
    ({"ansible_python_interpreter": ""}, {}, ""),
    ({"ansible_python_interpreter": sys.executable}, {}, ""),
    ({"ansible_python_interpreter": shlex.quote(sys.executable)}, {}, ""),
    ({"ansible_python_interpreter": f"'{sys.executable}'"}, {}, ""),
    ({"ansible_python_interpreter": "{{ ansible_playbook_python }}"}, {}, ""),
    ({"ansible_python_interpreter": "{{ lacking }}"}, {}, OTHER),
    ({"ansible_python_interpreter": "/no/such/python"}, {}, OTHER),
    ({"ansible_python_interpreter": f"{sys.executable} -E"}, {}, OTHER),
    ({"ansible_python_interpreter": "python3"}, {}, OTHER),
    ({"ansible_python_interpreter": "'"}, {}, OTHER),
    # The same program, but not the same environment.
    ({"ansible_python_interpreter": os.path.realpath(sys.executable)}, {}, OTHER),
    # What holds is the variable of the host that the task goes to.
    (
        {"ansible_python_interpreter": "/no/such/python", "ansible_delegated_vars": {"other": {}}},
        {"delegate_to": "other"},
        "",
    ),
    (
        {"ansible_delegated_vars": {"other": {"ansible_python_interpreter": "/no/such/python"}}},
        {"delegate_to": "other"},
        OTHER,
    ),
]


@pytest.mark.parametrize(("variables", "others", "expected"), REASONS)
def test_what_speaks_against_it(variables: dict[str, t.Any], others: dict[str, t.Any], expected: str) -> None:
    assert reason(variables, **others) == expected


def test_another_name_of_the_same_python_is_it(tmp_path: Path) -> None:
    for name in ("python", "python3"):
        (tmp_path / name).symlink_to(sys.executable)
    (tmp_path / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    assert _in_process.is_same_python(str(tmp_path / "python"), str(tmp_path / "elsewhere/python3"))
    assert not _in_process.is_same_python(str(tmp_path / "python"), sys.executable)


def test_what_the_machine_has_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_in_process, "REQUESTS_IMPORT_ERROR", ImportError())
    assert reason() == "requests cannot be imported here"
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert reason() == "macOS lets no fork ask for its proxies"
    monkeypatch.undo()
    monkeypatch.setattr(_in_process.constants, "DEFAULT_KEEP_REMOTE_FILES", True)
    assert reason() == "its files are to be kept"


def test_the_switch_has_to_be_one() -> None:
    with pytest.raises(_in_process.AnsibleError) as caught:
        reason({"ontap_in_process": [SECRET]})
    assert str(caught.value) == "ontap_in_process is a list, and must be a boolean"


def called(module: str, options: t.Mapping[str, t.Any], folder: Path) -> dict[str, t.Any]:
    built, _path = _in_process.packed({**options, "_ansible_inject_invocation": True}, "x")
    found = _in_process.called(action_of(module).module.main, built.b_module_data, str(folder))
    return {**found, **json.loads(found["stdout"])}


def state() -> list[t.Any]:
    """All that a task could leave in a process for the next one in it, or for a fork."""
    gc.collect()
    return [
        {file for file in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{file}")},
        [one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() != -1],
        threading.enumerate(),
        os.getcwd(),
        dict(os.environ),
        (sys.stdout, sys.stderr),
        (basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE, basic._PARSED_MODULE_ARGS),
        (dict(warnings._global_warnings), dict(warnings._global_deprecations)),
        _internal.is_controller,
    ]


def test_nothing_is_left_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Simulator(release="9.16.1", svms=("vs0", "vs1")) as sim:
        for svm in ("vs0", "vs1"):
            sim.ontap.add_vault(svm, **OLD)
        login = connection(sim)
        before = state()
        warned = {"svm": "vs0", "vserver": "vs0", "client_secret": SECRET, "update_credentials": "always"}
        here = called("azure_key_vault", {**login, **warned}, tmp_path)
        assert here["changed"]
        assert len(here["warnings"]) == 1
        # With threads.
        entries = [{"svm": svm, "client_secret": SECRET, "update_credentials": "always"} for svm in ("vs0", "vs1")]
        assert called("azure_key_vaults", {**login, "vaults": entries}, tmp_path)["changed"]
        # A later task knows nothing of the first one's warnings, nor takes its secrets out of what it says.
        unwarned = called("azure_key_vault_info", {**login, "filters": {"svm.name": SECRET}}, tmp_path)
        assert "warnings" not in unwarned
        assert unwarned["invocation"]["module_args"]["filters"] == {"svm.name": SECRET}
        refused = called("azure_key_vault", {**login, "client_secert": SECRET}, tmp_path)
        assert (refused["rc"], refused["failed"]) == (1, True)
        after = state()
    for one, other in zip(before, after):
        assert one == other
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_ours_is_a_result_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def main() -> None:
        basic._PARSED_MODULE_ARGS = {"password": SECRET}
        raise KeyError("beyond us")

    before = state()
    ended = _in_process.called(main, b"{}", str(tmp_path))
    assert ended["rc"] == 1
    assert "beyond us" in ended["stdout"]
    assert SECRET not in str(ended)
    assert state() == before


class EndOfTimeError(BaseException):
    """As Ansible's, which is no ``Exception`` either."""


@pytest.mark.parametrize("module", ["azure_key_vault", "azure_key_vaults"])
def test_nothing_is_sent_after_the_end_of_a_tasks_time(module: str, tmp_path: Path) -> None:
    """Ansible ends it by a signal. Without that each create is followed by a change, and by the next create."""

    def end(_signal: int, _frame: object) -> t.NoReturn:
        raise EndOfTimeError

    svms = [f"vs{number}" for number in range(6)]
    with Simulator(release="9.16.1", svms=svms) as sim:
        sim.fault(method="POST", kind="delay", seconds=1.0, times=None)
        entries = [{"svm": svm, **FULL, "verify_host": False} for svm in svms]
        options: dict[str, t.Any] = (
            {"vaults": entries, "concurrency": 2} if module == "azure_key_vaults" else entries[0]
        )

        def writes() -> list[str]:
            return [request["method"] for request in sim.requests if request["method"] != "GET"]

        def watch() -> None:
            while len(writes()) < options.get("concurrency", 1):
                time.sleep(0.01)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

        before = state()
        handler = signal.signal(signal.SIGALRM, end)
        watcher = threading.Thread(target=watch, daemon=True)
        try:
            watcher.start()
            with pytest.raises(EndOfTimeError):
                called(module, {**connection(sim), **options}, tmp_path)
        finally:
            signal.signal(signal.SIGALRM, handler)
        watcher.join()
        assert state()[2:] == before[2:]
        assert writes() == ["POST"] * options.get("concurrency", 1)


def test_paths_are_those_beside_the_playbook(tmp_path: Path) -> None:
    seen = []
    _in_process.called(lambda: seen.append(os.getcwd()), b"{}", str(tmp_path))
    assert seen == [str(tmp_path)]


# What Ansible's first process does, and a fork of it for each task.
FIRST_AND_FORKS = """
import json, os, sys, threading
from ansible_collections.ontap.security.plugins.action.azure_key_vault import ActionModule
from ansible_collections.ontap.security.plugins.plugin_utils._in_process import called, packed

def sockets():
    files = [f"/proc/self/fd/{file}" for file in os.listdir("/proc/self/fd")]
    return [link for link in map(os.readlink, filter(os.path.lexists, files)) if link.startswith("socket:")]

built, _path = packed(json.load(sys.stdin), "x")
inherited = set(sys.modules)
for _task in range(3):
    assert threading.active_count() == 1 and not sockets()
    if not os.fork():
        status = called(ActionModule.module.main, built.b_module_data, "/")["rc"]
        added = [name for name in set(sys.modules) - inherited if not name.startswith(("ansible.", "encodings."))]
        print(status, added, flush=True)
        os._exit(0)
    os.wait()
"""


def test_forks_share_what_is_loaded_and_no_connection() -> None:
    with Simulator(release="9.16.1", svms=("vs0",)) as sim:
        sim.ontap.add_vault("vs0", **OLD)
        options = {**connection(sim), "svm": "vs0", "client_secret": SECRET, "update_credentials": "always"}
        sim.clear()
        finished = subprocess.run(
            [sys.executable, "-c", FIRST_AND_FORKS],
            input=json.dumps(options),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (finished.stdout.splitlines(), finished.stderr) == (["0 []"] * 3, "")
        changes = [request["connection"] for request in sim.requests if request["method"] == "PATCH"]
    assert len(set(changes)) == len(changes) == 3


TEMPLATE_IN_A_FORK = """
import os, sys
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

init_plugin_loader([])
from ansible_collections.ontap.security.plugins.action import azure_key_vaults

inherited = set(sys.modules)
if not os.fork():
    template = trust_as_template("{{ [] | ontap.security.vault_entries | length | int is defined }}")
    print(Templar(loader=DataLoader(), variables={}).template(template))
    print([name for name in sys.modules if ".plugins.filter." in name and name not in inherited], flush=True)
    os._exit(0)
os.wait()
"""


def test_forks_share_what_templates_need() -> None:
    finished = subprocess.run([sys.executable, "-c", TEMPLATE_IN_A_FORK], capture_output=True, text=True, check=False)
    assert (finished.stdout.splitlines(), finished.stderr) == (["True", "[]"], "")
