# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in which tests run Ansible is strict, and lets nobody's settings in."""

from __future__ import annotations

import base64
import re
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.runner import complaints, environment, run

ROOT = Path(__file__).parents[2]
SECRET = 'c4nary~secret/+"2 %'


def python(folder: Path, program: str, **more: t.Any) -> t.Any:
    return run("python", "-c", program, folder=folder, **more)


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"admin:{SECRET}".encode()).decode(),
    ],
)
def test_a_secret_is_found_in_every_spelling(tmp_path: Path, spelling: str) -> None:
    assert complaints(f"before {spelling} after", [SECRET])
    for stream in ("stdout", "stderr"):
        with pytest.raises(AssertionError, match="c4nary"):
            python(tmp_path, f"import sys; print({spelling!r}, file=sys.{stream})", secrets=[SECRET])


def test_secrets_of_the_environment_are_known(tmp_path: Path) -> None:
    for name in ("ONTAP_PASSWORD", "ONTAP_ACCESS_TOKEN", "AKV_CLIENT_SECRET", "CONTROLLER_PASSWORD"):
        env = environment(tmp_path, **{name: SECRET})
        with pytest.raises(AssertionError, match="c4nary"):
            python(tmp_path, f"import os; print(os.environ[{name!r}])", env=env)


@pytest.mark.parametrize("words", ["print('[DEPRECATION WARNING]: x')", "raise ValueError", "raise SystemExit(1)"])
def test_what_must_not_happen_in_any_run(tmp_path: Path, words: str) -> None:
    with pytest.raises(AssertionError):
        python(tmp_path, words)


def test_what_may_happen(tmp_path: Path) -> None:
    assert not python(tmp_path, "print('well')").failed
    failed = python(tmp_path, "print('a\\nb\\\\nc'); raise SystemExit(2)")
    assert (failed.status, failed.failed, failed.output) == (2, True, "a b c")


def test_nobody_s_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = ("ANSIBLE_CONFIG", "AKV_CLIENT_ID", "ONTAP_HTTP_PORT", "https_proxy", "PYTHONDONTWRITEBYTECODE")
    for name in names:
        monkeypatch.setenv(name, "somebody's")
    assert "somebody's" not in environment(tmp_path).values()


def test_there_is_one_way_to_run_ansible() -> None:
    """Who starts a program otherwise needs a reason: a signal while it runs, or a program that is not Ansible."""
    others = {
        "tests/bench/measurements.py",
        "tests/demo/interruption.py",
        "tests/integration/test_awx_setup.py",
        "tests/integration/test_demo.py",
        "tests/integration/test_drift_report.py",
        "tests/integration/test_events.py",
        "tests/support/runner.py",
        "tests/unit/test_in_process.py",
        "tests/unit/test_repository.py",
        "tests/unit/simulator/test_simulator_server.py",
    }
    found = {
        str(path.relative_to(ROOT))
        for path in ROOT.glob("tests/**/*.py")
        if re.search(r"^import subprocess$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found <= others
