# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules make of credentials of AWX, by way of the variables and files that the credential types inject."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from tests.awx import credential_types
from tests.simulator import Simulator
from tests.support.beats import CLIENT, IDENTITY, OLD, TENANT, Outcome, pkcs12
from tests.support.runner import complaints
from tests.support.tasks import Task, perform

ONTAP, AZURE = (
    {item["name"]: item for item in credential_types.load()}[name]
    for name in ("NetApp ONTAP", "Azure application for ONTAP")
)
PASSWORD = 'c4nary/password+"1'
SECRET = 'c4nary~secret/+"2 %'
TOKEN = "c4nary.token.3"
CERTIFICATE = pkcs12(b"c4nary certificate 4 " + b"x" * 80)
APPLICATION = {"client_id": CLIENT, "tenant_id": TENANT, "client_secret": SECRET}


@pytest.fixture(scope="module")
def cluster() -> t.Iterator[Simulator]:
    with Simulator(release="9.16.1", svms=("vs0", "vs1"), password=PASSWORD) as simulator:
        yield simulator


@pytest.fixture
def sim(cluster: Simulator) -> Simulator:
    """What is described is missing for one SVM, and differs for another."""
    cluster.ontap.reset()
    cluster.ontap.add_vault("vs1", **{**OLD, "client_id": "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa"})
    return cluster


def login_of(sim: Simulator) -> dict[str, str]:
    """The inputs of a credential of type NetApp ONTAP."""
    return {
        "username": sim.username,
        "password": PASSWORD,
        "ca_certificate": Path(sim.ca_path).read_text(encoding="utf-8"),
        "validate_certs": "true",
    }


def apply(sim: Simulator, folder: Path, login: t.Mapping[str, str], application: t.Mapping[str, str]) -> Outcome:
    """Do what is described, with the two credentials, and see that neither is in the result."""
    environment: dict[str, str] = {}
    for kind, inputs in ((ONTAP, login), (AZURE, application)):
        environment |= credential_types.inject(kind, inputs, folder).environment
    described = {"vaults": [{"svm": svm, **IDENTITY} for svm in ("vs0", "vs1")]}
    where = {"hostname": sim.host, "http_port": sim.port}
    task = Task(described, module="azure_key_vaults", environment=environment)
    (outcome,) = perform(sim, [task], defaults=where)
    key = Path(sim.key_path).read_text(encoding="utf-8").splitlines()[1:-1]
    assert not complaints(json.dumps(outcome.result), (PASSWORD, SECRET, TOKEN, CERTIFICATE, sim.token, *key))
    return outcome


@pytest.mark.parametrize("kind", ["password", "certificate", "token"])
def test_credentials(sim: Simulator, tmp_path: Path, kind: str) -> None:
    """Log in to ONTAP in each way, and to Azure with a secret or a certificate."""
    login, application = login_of(sim), dict(APPLICATION)
    if kind != "password":
        login = {name: value for name, value in login.items() if name not in ("username", "password")}
        del application["client_secret"]
        application["client_certificate"] = "\n".join(re.findall(".{1,64}", CERTIFICATE))
    if kind == "token":
        login["access_token"] = sim.token
    elif kind == "certificate":
        # Pasted without the last line break.
        login["client_certificate"] = Path(sim.cert_path).read_text(encoding="utf-8").strip()
        login["client_key"] = Path(sim.key_path).read_text(encoding="utf-8").strip()
    done = apply(sim, tmp_path, login, application)
    assert not done.failed, done.msg
    stored, expected = ("client_secret", SECRET) if kind == "password" else ("client_certificate", CERTIFICATE)
    assert [sim.ontap.secret(svm, stored) for svm in ("vs0", "vs1")] == [expected] * 2


BAD: list[tuple[str, dict[str, t.Any], tuple[str, ...]]] = [
    (
        "password and token",
        {"login": {"access_token": TOKEN}},
        ("more than one login", "ONTAP_PASSWORD", "ONTAP_ACCESS_TOKEN"),
    ),
    ("an empty login", {"login": None}, ("no login is given", "ONTAP_USERNAME", "ONTAP_CERT_FILEPATH")),
    ("no CA file", {"login": {"ca_certificate": "not a certificate"}}, ("ca_path (ONTAP_CA_PATH)", "PEM")),
    ("no certificate", {"login": {"password": "", "client_certificate": "nothing"}}, ("ONTAP_CERT_FILEPATH",)),
    ("a word for a boolean", {"login": {"validate_certs": "perhaps"}}, ("validate_certs (ONTAP_VALIDATE_CERTS)",)),
    ("an empty application", {"application": {}}, ("AKV_CLIENT_ID", "AKV_CLIENT_SECRET")),
    (
        "PEM",
        {"application": {"client_certificate": "-----BEGIN X-----"}},
        ("client_certificate (AKV_CLIENT_CERTIFICATE)",),
    ),
    (
        "two credentials",
        {"application": {**APPLICATION, "client_certificate": CERTIFICATE}},
        ("AKV_CLIENT_SECRET", "AKV_CLIENT_CERTIFICATE"),
    ),
]


@pytest.mark.parametrize(("given", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_credentials(sim: Simulator, tmp_path: Path, given: dict[str, t.Any], words: tuple[str, ...]) -> None:
    sim.ontap.change_vault("vs1", client_id=CLIENT)
    changed = given.get("login", {})
    login = {} if changed is None else {**login_of(sim), **changed}
    failed = apply(sim, tmp_path, login, given.get("application", APPLICATION))
    assert failed.failed
    assert not failed.writes
    for word in words:
        assert word in json.dumps(failed.result), failed.msg
