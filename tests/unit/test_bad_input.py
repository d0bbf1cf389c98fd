# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of every kind: one clear message with cause and remedy, and nothing sent that could change anything."""

from __future__ import annotations

import base64
import socket
import typing as t
from pathlib import Path

import pytest
import trustme

from tests.simulator import Simulator
from tests.support.beats import CERTIFICATE, FULL, IDENTITY, KEY, OLD, SECRET, VAULT, Outcome, connection
from tests.support.tasks import Task, perform


@pytest.fixture(scope="module")
def sim() -> t.Iterator[Simulator]:
    with Simulator(release="9.12.1", svms=("vs0", "vs1")) as simulator:
        simulator.ontap.add_vault("vs1", **OLD)
        yield simulator


def assert_refused(outcome: Outcome, *words: str, requests: int | None = None) -> None:
    assert outcome.failed, outcome.result
    assert not outcome.changed
    assert not outcome.writes
    for word in words:
        assert word in outcome.msg, outcome.msg
    assert outcome.result["error"]["remedy"], outcome.msg
    if requests is not None:
        assert len(outcome.requests) == requests, outcome.methods


NEW = {"svm": "vs0", **FULL}
TWICE = base64.b64encode(CERTIFICATE.encode()).decode()
UNTRIED = {"client_secret": SECRET, "update_credentials": "when_unreachable", "skip_verification": True}
# Options, what the message must say, and how many requests it takes to know.
OPTIONS: list[tuple[dict[str, t.Any], tuple[str, ...], int]] = [
    (FULL, ("neither svm nor svm_uuid", "scope: cluster"), 0),
    ({"scope": "cluster", **NEW}, ("svm is given although scope is cluster",), 0),
    ({**NEW, "svm_uuid": "u"}, ("svm and svm_uuid are both given",), 0),
    ({**NEW, "client_certificate": CERTIFICATE}, ("client_secret and client_certificate are both given",), 0),
    ({**NEW, "name": "http://v.vault.azure.net/"}, ("name", "https://"), 0),
    ({**NEW, "name": "https://"}, ("name", "no host"), 0),
    ({**NEW, "name": KEY}, ("name", "path"), 0),
    ({**NEW, "key_id": VAULT}, ("key_id", "/keys/<name>"), 0),
    ({**NEW, "key_id": KEY.replace("https", "http")}, ("key_id", "https://"), 0),
    ({**NEW, "key_id": KEY + "/x/y"}, ("key_id",), 0),
    ({**NEW, "proxy_port": 0}, ("proxy_port", "65535"), 0),
    ({**NEW, "proxy_host": "http://proxy:80"}, ("proxy_host",), 0),
    (
        {**NEW, "client_certificate": "-----BEGIN CERTIFICATE-----", "client_secret": ""},
        ("client_certificate", "PKCS12"),
        0,
    ),
    ({**NEW, "client_secret": f"{SECRET}\n"}, ("client_secret", "line break"), 0),
    ({**NEW, "client_secret": "$encrypted$"}, ("client_secret is not usable", "AWX"), 0),
    ({**NEW, "client_secret": [SECRET]}, ("client_secret is a list, and must be text",), 0),
    ({**NEW, "proxy_password": 42798}, ("proxy_password is a number, and must be text", "quotes"), 0),
    ({**NEW, "client_secret": "", "client_certificate": TWICE}, ("client_certificate is not usable", "twice"), 0),
    ({"svm": "vs1", **UNTRIED}, ("when_unreachable together with skip_verification",), 0),
    ({**NEW, "wait_timeout": -1}, ("wait_timeout",), 0),
    ({"svm": "vs1", "update_credentials": "always"}, ("update_credentials is always", "AKV_CLIENT_SECRET"), 0),
    ({"svm": "vs0", **IDENTITY}, ("client_secret or client_certificate",), 1),
    ({**NEW, "oauth_host": "h", "port": 1}, ("oauth_host", "port", "9.14.1", "9.12.1"), 2),
    ({"svm": "vs1", "verify_host": True}, ("verify_host", "9.14.1", "9.12.1"), 2),
    ({**NEW, "skip_verification": True}, ("skip_verification", "9.16.1", "9.12.1"), 2),
    ({**NEW, "configuration": "second"}, ("configuration", "9.14.1", "9.12.1"), 2),
    (
        {"svm": "vs1", "name": "https://other.vault.azure.net/"},
        ("https://other.vault.azure.net/", VAULT, "in place"),
        1,
    ),
    ({"svm": "vs9", **FULL}, ("SVM vs9 does not exist",), 2),
]


def test_options(sim: Simulator) -> None:
    tasks = [Task(options, check=check) for options, _words, _requests in OPTIONS for check in (True, False)]
    outcomes = perform(sim, tasks)
    for index, (_options, words, requests) in enumerate(OPTIONS):
        predicted, done = outcomes[2 * index : 2 * index + 2]
        assert_refused(predicted, *words, requests=requests)
        assert_refused(done, *words, requests=requests)
        # What check mode foretells is what happens.
        assert predicted.msg == done.msg
        assert SECRET not in str(predicted.result)


def test_a_key_of_another_vault_is_a_warning(sim: Simulator) -> None:
    task = Task({**NEW, "key_id": "https://hsm.managedhsm.azure.net/keys/k"}, check=True)
    (predicted,) = perform(sim, [task])
    assert not predicted.failed
    assert any("another vault" in warning for warning in predicted.result["warnings"])


def test_logins(sim: Simulator) -> None:
    host = {name: value for name, value in connection(sim).items() if name not in ("username", "password")}
    full = connection(sim)
    rows: list[tuple[dict[str, t.Any], tuple[str, ...], int]] = [
        (host, ("no login", "username", "access_token", "cert_filepath"), 0),
        ({**host, "username": "admin"}, ("only username",), 0),
        ({**host, "username": "admin", "password": "wrong-one\n"}, ("password (ONTAP_PASSWORD)", "line break"), 0),
        ({**host, "password": "wrong-one"}, ("password is given without username",), 0),
        ({**full, "access_token": "abc"}, ("more than one login", "password", "access_token"), 0),
        ({**full, "cert_filepath": str(sim.cert_path)}, ("more than one login", "cert_filepath"), 0),
        ({**host, "key_filepath": str(sim.key_path)}, ("key_filepath is given without cert_filepath",), 0),
        ({**host, "cert_filepath": "/nowhere.pem"}, ("cert_filepath", "/nowhere.pem"), 0),
        ({**host, "cert_filepath": str(sim.ca_path)}, ("cert_filepath", "private key"), 0),
        ({**host, "access_token": "Bearer abc"}, ("access_token", "white space"), 0),
        # Twice, because a LIF on its way to another node may refuse a good login once.
        ({**full, "password": "wrong-one"}, ("did not accept the login", "username and password"), 2),
        ({**host, "access_token": "abc"}, ("ONTAP",), 2),
        ({**full, "hostname": "https://127.0.0.1"}, ("hostname", "http_port"), 0),
        ({**full, "http_port": 0}, ("http_port",), 0),
        ({**full, "request_timeout": 0}, ("request_timeout",), 0),
    ]
    outcomes = perform(sim, [Task({**NEW, **row}) for row, _words, _requests in rows], defaults={})
    for outcome, (_row, words, requests) in zip(outcomes, rows):
        assert_refused(outcome, *words, requests=requests)
        assert "wrong-one" not in outcome.msg


def test_options_that_ansible_refuses(sim: Simulator) -> None:
    """It says which option; that its value came from the environment, or could, only the module knows."""
    full = connection(sim)
    rows: list[tuple[dict[str, t.Any], dict[str, str], tuple[str, ...]]] = [
        (
            {"hostname": ""},
            {},
            ("missing required arguments: hostname", "hostname can also be given as ONTAP_HOSTNAME"),
        ),
        ({"http_port": ""}, {"ONTAP_HTTP_PORT": "abc"}, ("http_port", "come http_port (ONTAP_HTTP_PORT)")),
        ({}, {"ONTAP_VALIDATE_CERTS": "perhaps"}, ("boolean", "validate_certs (ONTAP_VALIDATE_CERTS)")),
    ]
    tasks = [Task({**NEW, **full, **given}, environment=environment) for given, environment, _words in rows]
    for outcome, (_given, _environment, words) in zip(perform(sim, tasks, defaults={}), rows):
        assert (outcome.failed, outcome.requests) == (True, [])
        for word in words:
            assert word in outcome.msg


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_does_not_answer_as_ontap(sim: Simulator, tmp_path: Path) -> None:
    other_ca, no_ca = tmp_path / "other.pem", tmp_path / "no.pem"
    trustme.CA().cert_pem.write_to_path(str(other_ca))
    no_ca.write_text("not a certificate")
    full = connection(sim)
    rows: list[tuple[dict[str, t.Any], tuple[str, ...]]] = [
        ({"hostname": "no-such-host.invalid"}, ("does not resolve", "ONTAP_HOSTNAME")),
        ({"http_port": closed_port()}, ("127.0.0.1", "refused", "http_port")),
        ({"ca_path": str(other_ca)}, ("not trusted", str(other_ca), "ca_path")),
        ({"ca_path": ""}, ("not trusted", "certifi", "ca_path")),
        ({"ca_path": str(no_ca)}, ("ca_path", str(no_ca), "PEM")),
        ({"ca_path": "/nowhere.pem"}, ("ca_path", "/nowhere.pem")),
    ]
    outcomes = perform(sim, [Task({**NEW, **full, **row}) for row, _words in rows], defaults={})
    for outcome, (_row, words) in zip(outcomes, rows):
        assert_refused(outcome, *words, requests=0)
    # A private CA in the environment of requests is not asked, in neither direction.
    misleading = {"REQUESTS_CA_BUNDLE": str(sim.ca_path), "CURL_CA_BUNDLE": str(sim.ca_path)}
    (untrusted,) = perform(sim, [Task({**NEW, **full, "ca_path": ""}, environment=misleading)], defaults={})
    assert_refused(untrusted, "not trusted", requests=0)
    (trusted, unchecked) = perform(
        sim,
        [
            Task({**NEW, **full}, check=True, environment={"REQUESTS_CA_BUNDLE": str(other_ca)}),
            Task(
                {**NEW, **full, "validate_certs": False},
                check=True,
                environment={"REQUESTS_CA_BUNDLE": str(other_ca)},
            ),
        ],
        defaults={},
    )
    assert not trusted.failed, trusted.msg
    assert not unchecked.failed, unchecked.msg


def test_proxy_and_netrc(sim: Simulator, tmp_path: Path) -> None:
    """HTTPS_PROXY is honoured on purpose and NO_PROXY too; a .netrc never replaces the login."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    dead = f"http://127.0.0.1:{closed_port()}"
    through, past, netrc, garbage, certificate = perform(
        sim,
        [
            Task(NEW, check=True, environment={"HTTPS_PROXY": dead, "NO_PROXY": ""}),
            Task(NEW, check=True, environment={"HTTPS_PROXY": dead, "NO_PROXY": "127.0.0.1"}),
            Task(NEW, check=True, environment={"NETRC": str(tmp_path / ".netrc"), "HOME": str(tmp_path)}),
            Task(NEW, check=True, environment={"HTTPS_PROXY": "garbage://x", "NO_PROXY": ""}),
            # What is given beats what happens to be in the environment.
            Task(
                {"svm": "vs0", **IDENTITY, "client_certificate": CERTIFICATE},
                check=True,
                environment={"AKV_CLIENT_SECRET": "ambient-secret"},
            ),
        ],
    )
    assert_refused(through, "proxy", "HTTPS_PROXY", requests=0)
    assert not past.failed, past.msg
    assert not netrc.failed, netrc.msg
    assert_refused(garbage, "HTTPS_PROXY", requests=0)
    assert not certificate.failed, certificate.msg
    assert "client_certificate" in certificate.result["actions"][0]["fields"]


def test_broken_answers(sim: Simulator) -> None:
    """A proxy's page, JSON cut in half: with no traceback at any verbosity."""
    for fault in ({"kind": "html", "status": 200}, {"kind": "html", "status": 403}, {"kind": "truncate"}):
        sim.fault(method="GET", times=None, **fault)
        (outcome,) = perform(sim, [Task(NEW)])
        sim.clear_faults()
        assert_refused(outcome, "proxy")
        assert "<html" not in outcome.msg
