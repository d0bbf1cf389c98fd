# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: a secret is in the request that sets it and nowhere else, at any verbosity, in no spelling."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from tests.simulator import Simulator
from tests.support.beats import CLIENT, IDENTITY, KEY, OLD, TENANT, VAULT, Outcome, connection, pkcs12, spellings
from tests.support.tasks import Task, play

PASSWORD = "c4nary/pass\\w'ord+\"1"
SECRET = 'c4nary~secret/+"2 %'
SECRET_2 = "c4nary~secret~3"
PROXY_PASSWORD = "c4nary&pa\\ss\"w'ord=4"
CERTIFICATE = pkcs12(b"c4nary certificate 5" + bytes(range(150)))
# As base64 prints it.
WRAPPED = "".join(CERTIFICATE[at : at + 76] + "\n" for at in range(0, len(CERTIFICATE), 76))
CANARIES = (PASSWORD, SECRET, SECRET_2, PROXY_PASSWORD, WRAPPED)
STAND_INS = Path(__file__).parent / "stand_ins"


def assert_silent(text: str) -> None:
    for canary in CANARIES:
        for spelling in spellings(canary):
            assert spelling not in text, f"{canary!r} as {spelling!r}"


def files_below(folder: Path) -> t.Iterator[Path]:
    for base, _folders, names in os.walk(folder):
        yield from (Path(base, name) for name in names)


@pytest.mark.parametrize("in_process", [True, False])
def test_no_secret_gets_out(tmp_path: Path, in_process: bool) -> None:
    with Simulator(release="9.16.1", svms=("vs0", "vs1", "vs2", "vs3", "vs4"), password=PASSWORD) as sim:
        for svm in ("vs1", "vs2", "vs4"):
            sim.ontap.add_vault(svm, **OLD)
        proxy = {"proxy_type": "http", "proxy_host": "p", "proxy_port": 1, "proxy_username": "u"}
        tasks = [
            Task({"svm": "vs0", **IDENTITY, **proxy, "client_secret": SECRET, "proxy_password": PROXY_PASSWORD}),
            Task({"svm": "vs1", "client_secret": SECRET_2, "update_credentials": "always"}),
            Task({"svm": "vs1", "client_secret": SECRET_2, "update_credentials": "always"}, check=True),
            Task({"svm": "vs2", "client_certificate": WRAPPED}),
            Task(
                {
                    "vaults": [
                        {"svm": "vs2", "client_certificate": WRAPPED, "update_credentials": "always"},
                        {"svm": "vs4", **proxy, "proxy_password": PROXY_PASSWORD},
                    ]
                },
                module="azure_key_vaults",
            ),
            Task({}, module="azure_key_vault_info"),
            # Failures: of the input, of the login, of ONTAP, of what stands between.
            Task({"svm": "vs9", **IDENTITY, "client_secret": SECRET}),
            Task({"svm": "vs3", **IDENTITY, "client_secret": SECRET, "client_certificate": CERTIFICATE}),
            Task({"svm": "vs3", **IDENTITY, "client_secret": SECRET, "password": "not " + PASSWORD}),
            Task({"svm": "vs3", **IDENTITY, "client_secret": SECRET, "name": "https://x.example.com/path"}),
            Task({"svm": "vs3", **IDENTITY, "client_secret": SECRET, "http_port": 1}),
            # Of the kind: a list in a list, as a forgotten flatten leaves it, and a misspelt option.
            Task({"vaults": [[{"svm": "vs3", "client_secret": SECRET}]]}, module="azure_key_vaults"),
            Task({"svm": "vs3", "client_secert": SECRET}),
        ]
        home, log = tmp_path / "home", tmp_path / "log"
        home.mkdir()
        told = {"PYTHONPATH": str(STAND_INS), "STAND_IN_LOG": str(log), "ANSIBLE_INJECT_INVOCATION": "true"}
        played = play(
            sim,
            tasks,
            arguments=["-vvvvv", "--diff"],
            env={"HOME": str(home), **told},
            in_process=in_process,
        )
        sim.ontap.refuse("create", 262197, f"The value {SECRET!r} is invalid for field client_secret ({PASSWORD})")
        task = Task({"svm": "vs3", **IDENTITY, "client_secret": SECRET})
        refused = play(sim, [task], arguments=["-vvvvv"], in_process=in_process)
        assert sim.ontap.secret("vs0", "client_secret") == SECRET
        assert sim.ontap.secret("vs0", "proxy_password") == PROXY_PASSWORD
        assert sim.ontap.secret("vs1", "client_secret") == SECRET_2
        assert sim.ontap.secret("vs2", "client_certificate") == CERTIFICATE
        assert sim.ontap.secret("vs4", "proxy_password") == PROXY_PASSWORD
    assert [outcome.failed for outcome in played.outcomes] == [False] * 6 + [True] * 7
    for run in (played, refused):
        assert_silent(run.printed)
        for outcome in run.outcomes:
            assert_silent(json.dumps(outcome.result))
            assert_silent(json.dumps([{**request, "body": None} for request in outcome.requests]))
    # The system log and the journal heard of each task whose options could be read.
    logged = log.read_text(encoding="utf-8")
    assert logged.count("Invoked with") == 2 * 11
    assert logged.count("vaults=(2)") == 2
    assert_silent(logged)
    for outcome in played.outcomes[-2:]:
        assert outcome.result["invocation"] == {"module_args": {}}
    for file in files_below(home):
        assert_silent(file.read_text(errors="replace"))
    assert_readable(played.outcomes)


def assert_readable(outcomes: list[Outcome]) -> None:
    """Identifiers and URIs are never masked: a report has to name them, and other tasks use them."""
    created = outcomes[0].result
    assert created["azure_key_vault"]["key_id"] == KEY
    assert created["diff"]["after"]["name"] == VAULT
    assert created["diff"]["after"]["client_id"] == CLIENT
    assert created["diff"]["after"]["tenant_id"] == TENANT
    assert created["diff"]["after"]["client_secret"] == "(set)"
    assert created["invocation"]["module_args"]["key_id"] == KEY


def test_results_are_clean_before_ansible_masks_them() -> None:
    """ansible-core 2.22 no longer censors results, so they must hold no secret by themselves."""
    from tests.support.beats import drive

    with Simulator(release="9.16.1", svms=("vs0",), password=PASSWORD) as sim:
        login = {**connection(sim), "password": PASSWORD}
        for options in (
            {"svm": "vs0", **IDENTITY, "client_secret": SECRET},
            {"svm": "vs0", "client_secret": SECRET_2, "update_credentials": "always"},
            {"svm": "vs0", "client_certificate": CERTIFICATE},
        ):
            for check in (True, False):
                outcome = drive(sim, options, check=check, login=login)
                assert not outcome.failed, outcome.msg
                assert_silent(json.dumps(outcome.result))
        sim.ontap.refuse("patch", 262197, f"The value {SECRET_2} is invalid, says {PASSWORD}")
        outcome = drive(sim, {"svm": "vs0", "client_secret": SECRET_2, "update_credentials": "always"}, login=login)
        assert outcome.failed
        assert_silent(json.dumps(outcome.result))


def test_a_connection_can_be_printed() -> None:
    """As somebody does who looks for a fault of theirs."""
    shown = repr(Connection("cluster1", username="admin", password=PASSWORD, secrets=(PASSWORD, SECRET)))
    assert_silent(shown + repr(Connection("cluster1", access_token=SECRET_2)))
    assert "cluster1" in shown
