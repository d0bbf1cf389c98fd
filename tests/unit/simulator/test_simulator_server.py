# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server around the cluster: logins, faults, the log, the control interface, the command line, many at once."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import typing as t

import pytest
import requests
import trustme

from tests.simulator import Simulator
from tests.simulator.server import load_ca

VAULTS = "/api/security/azure-key-vaults"
BODY = {
    "svm": {"name": "vs0"},
    "client_id": "c",
    "tenant_id": "t",
    "name": "https://v.vault.azure.net",
    "key_id": "https://v.vault.azure.net/keys/key1",
    "client_secret": "canary-secret",
}


def plain(client: t.Any, path: str, **options: t.Any) -> requests.Response:
    """Send a request on a connection of its own, without the session's login."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(client.sim.url + path, verify=client.sim.ca_path, timeout=30, **options)


# --- login


def test_no_login(newest: t.Any) -> None:
    response = plain(newest, VAULTS)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "6691623")
    assert response.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "header", ["Basic YWRtaW46d3Jvbmc=", "Basic bm9ib2R5Ong=", "Basic !", "Bearer wrong", "Digest x", "Basic"]
)
def test_wrong_logins(newest: t.Any, header: str) -> None:
    assert plain(newest, VAULTS, headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize(("release", "status"), [("9.13.1", 401), ("9.14.1", 200)])
def test_bearer_token(cluster: t.Any, release: str, status: int) -> None:
    client = cluster(release)
    headers = {"Authorization": f"Bearer {client.sim.token}"}
    assert plain(client, VAULTS, headers=headers).status_code == status


def test_client_certificate(newest: t.Any, tmp_path: pathlib.Path) -> None:
    assert plain(newest, VAULTS, cert=(newest.sim.cert_path, newest.sim.key_path)).status_code == 200
    stranger = newest.sim.issue_login("stranger", str(tmp_path))
    assert plain(newest, VAULTS, cert=stranger).status_code == 401


def test_a_certificate_of_another_authority_is_refused(newest: t.Any, tmp_path: pathlib.Path) -> None:
    certificate = trustme.CA().issue_cert("admin@example.com", common_name="admin")
    path = tmp_path / "other.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
    with pytest.raises(requests.exceptions.ConnectionError):
        plain(newest, VAULTS, cert=str(path))


def test_roles(newest: t.Any) -> None:
    newest.ontap.add_user("reader", "password", "readonly")
    newest.ontap.add_user("nobody", "password", "none")
    reader, nobody = ("reader", "password"), ("nobody", "password")
    assert newest("GET", VAULTS, auth=reader).status_code == 200
    response = newest("POST", VAULTS, json=BODY, auth=reader)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "6")
    assert newest("GET", VAULTS, auth=nobody).status_code == 403
    with pytest.raises(ValueError, match="role"):
        newest.ontap.add_user("x", "y", "boss")


# --- faults


def test_error_fault(newest: t.Any) -> None:
    newest.sim.fault("POST", "azure-key-vaults", kind="error", status=409, code=65537500, message="no")
    assert newest("GET", VAULTS).status_code == 200
    response = newest("POST", VAULTS, json=BODY)
    assert (response.status_code, response.json()) == (409, {"error": {"message": "no", "code": "65537500"}})
    assert newest("POST", VAULTS, json=BODY).status_code == 201


def test_reset_before_the_effect(newest: t.Any) -> None:
    newest.sim.fault(kind="reset_before")
    with pytest.raises(requests.exceptions.ConnectionError):
        newest("POST", VAULTS, json=BODY)
    assert newest.sim.snapshot()["key_stores"] == {}
    assert [entry["status"] for entry in newest.sim.requests] == [None]


def test_reset_after_the_effect(newest: t.Any) -> None:
    newest.sim.fault("POST", kind="reset_after")
    with pytest.raises(requests.exceptions.ConnectionError):
        newest("POST", VAULTS, json=BODY)
    assert len(newest.sim.snapshot()["key_stores"]) == 1


def test_truncated_answers(newest: t.Any) -> None:
    newest.sim.fault(kind="truncate")
    with pytest.raises(requests.exceptions.RequestException):
        newest("GET", VAULTS)
    newest.sim.fault(kind="truncate", valid_length=True)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        newest("GET", VAULTS).json()


@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [
        ({"kind": "status", "status": 503}, 503, ""),
        ({"kind": "empty"}, 200, ""),
        ({"kind": "garbage"}, 200, "not json"),
        ({"kind": "html"}, 502, "<html>"),
        ({"kind": "html", "status": 200}, 200, "<html>"),
        ({"kind": "retry_after", "status": 429, "seconds": 3}, 429, "262160"),
        ({"kind": "retry_after", "seconds": 3}, 503, '"8"'),
        ({"kind": "body", "content": '{"records": null}'}, 200, '{"records": null}'),
        ({"kind": "body", "content": "no", "status": 418, "headers": {"Content-Type": "text/plain"}}, 418, "no"),
    ],
)
def test_answers_instead(newest: t.Any, fault: dict[str, t.Any], status: int, content: str) -> None:
    newest.sim.fault(**fault)
    response = newest("POST", VAULTS, json=BODY)
    assert response.status_code == status
    assert content in response.text
    assert newest.sim.snapshot()["key_stores"] == {}
    assert response.headers.get("Retry-After") == ("3" if fault["kind"] == "retry_after" else None)
    newest.sim.fault(**fault, after=True)
    newest("POST", VAULTS, json=BODY)
    assert len(newest.sim.snapshot()["key_stores"]) == 1


def test_redirect(newest: t.Any) -> None:
    newest.sim.fault(kind="redirect", location="https://elsewhere.example/")
    response = newest("GET", VAULTS, allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (302, "https://elsewhere.example/")


def test_an_answer_that_trickles_in(newest: t.Any) -> None:
    newest.sim.fault(kind="trickle", seconds=0.001)
    assert newest("POST", f"{VAULTS}?return_records=true", json=BODY).json()["num_records"] == 1


def test_an_answer_without_an_end(newest: t.Any) -> None:
    newest.sim.fault(kind="endless")
    with newest("POST", f"{VAULTS}?return_records=true", json=BODY, stream=True) as response:
        assert len(response.raw.read(2_000_000)) == 2_000_000
    assert len(newest.sim.snapshot()["key_stores"]) == 1


def test_a_list_without_an_end(newest: t.Any) -> None:
    newest.create()
    newest.sim.fault(kind="pages", times=None)
    seen, path = set(), VAULTS
    for _page in range(5):
        body = newest.get(path)
        path = body["_links"]["next"]["href"]
        seen |= {path, *(record["uuid"] for record in body["records"])}
    assert len(seen) == 10


@pytest.mark.parametrize("after", [False, True])
def test_delay(newest: t.Any, after: bool) -> None:
    newest.sim.fault(kind="delay", seconds=0.5, after=after)
    with pytest.raises(requests.exceptions.ReadTimeout):
        newest.session.post(newest.sim.url + VAULTS, json=BODY, timeout=0.1)
    # The cluster goes on without the caller, as a slow one does.
    while newest.sim.requests[0]["status"] is None:
        time.sleep(0.01)
    assert len(newest.sim.snapshot()["key_stores"]) == 1


def test_fault_times(newest: t.Any) -> None:
    newest.sim.fault(kind="status", status=503, times=2)
    newest.sim.fault(path="key-stores", kind="status", status=500, times=None)
    assert [newest("GET", VAULTS).status_code for _again in range(3)] == [503, 503, 200]
    assert [newest("GET", "/api/security/key-stores").status_code for _again in range(3)] == [500, 500, 500]
    newest.sim.clear_faults()
    assert newest("GET", "/api/security/key-stores").status_code == 200
    with pytest.raises(ValueError, match="fault"):
        newest.sim.fault(kind="earthquake")


# --- log, guard, snapshot


def test_log(newest: t.Any) -> None:
    newest("POST", f"{VAULTS}?return_records=true", json={**BODY, "proxy_password": "canary-two"})
    newest("GET", f"{VAULTS}?fields=*&client_secret=canary-three")
    newest("PATCH", f"{VAULTS}/x", data="no json")
    create, read, change = newest.sim.requests
    assert (create["method"], create["path"], create["status"]) == ("POST", VAULTS, 201)
    assert create["query"] == {"return_records": "true"}
    assert create["body"] == {**BODY, "client_secret": "(set)", "proxy_password": "(set)"}
    assert create["headers"]["authorization"] == "Basic"
    assert create["connection"] == read["connection"]
    assert (read["query"], read["status"]) == ({"fields": "*", "client_secret": "(set)"}, 400)
    assert change["body"] == "no json"
    assert "canary" not in json.dumps(newest.sim.requests)
    plain(newest, VAULTS)
    assert newest.sim.requests[-1]["connection"] != read["connection"]
    newest.sim.clear()
    assert newest.sim.requests == []


def test_the_guard_refuses_writes(newest: t.Any) -> None:
    newest.sim.refuse_writes = True
    response = newest("POST", VAULTS, json=BODY)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "6")
    assert newest("GET", VAULTS).status_code == 200
    newest.sim.refuse_writes = False
    assert newest("POST", VAULTS, json=BODY).status_code == 201


def test_snapshots_are_equal_when_nothing_was_written(newest: t.Any) -> None:
    newest.ontap.add_vault("vs0")
    before = newest.sim.snapshot()
    for path in (VAULTS, f"{VAULTS}?fields=**", "/api/cluster/jobs", "/api/security/key-stores?fields=*"):
        newest.get(path)
    assert newest.sim.snapshot() == before
    assert json.loads(json.dumps(before)) == before


def test_a_mistake_of_the_simulator_is_an_error_500(newest: t.Any, capfd: t.Any) -> None:
    newest.ontap.users = None
    assert newest("GET", VAULTS).json()["error"]["code"] == "262145"
    assert "Traceback" in capfd.readouterr().err


# --- control


def test_control(newest: t.Any) -> None:
    def control(method: str, path: str, **sent: t.Any) -> t.Any:
        response = newest.session.request(method, f"{newest.sim.url}/control/{path}", json=sent or None, auth=("", ""))
        return response.json()

    assert control("GET", "info")["release"] == "9.18.1"
    done = control("POST", "scene", add_vault={"svm": "vs0"}, encrypt_volumes=[{"svm": "vs0"}, {"svm": "vs1"}])
    assert newest.get(f"{VAULTS}/{done['add_vault']}?fields=state")["state"]["available"] is True
    assert done["encrypt_volumes"] == [None, None]
    assert "one of" in control("POST", "scene", dance={})["error"]
    assert "no SVM" in control("POST", "scene", encrypt_volumes={"svm": "nowhere"})["error"]
    assert "error" in control("POST", "scene", encrypt_volumes={"planet": "x"})
    # What would show a secret is no scene.
    assert "error" in control("POST", "scene", secret={"vault": "vs0", "name": "client_secret"})
    assert control("GET", "snapshot") == newest.sim.snapshot()

    control("POST", "faults", kind="status", status=503)
    assert newest("GET", VAULTS).status_code == 503
    control("POST", "faults", kind="status", status=503, times=None)
    control("DELETE", "faults")
    assert newest("GET", VAULTS).status_code == 200
    assert "error" in control("POST", "faults", kind="earthquake")

    control("PUT", "guard", refuse_writes=True)
    assert newest("POST", VAULTS, json=BODY).status_code == 403
    control("PUT", "guard", refuse_writes=False)

    before = newest.ontap.clock.now()
    assert control("POST", "advance", seconds=1000)["now"] >= before + 1000
    assert "error" in control("POST", "advance", seconds=-1)

    assert [entry["path"].startswith("/api") for entry in control("GET", "requests")] == [True] * 4
    assert control("DELETE", "requests") == []
    assert newest.sim.requests == []


# --- processes


def test_many_in_one_process(tmp_path: pathlib.Path) -> None:
    ca = trustme.CA()
    with Simulator(name="east", ca=ca) as east, Simulator(release="9.7", name="west", svms=["w"], ca=ca) as west:
        assert east.port != west.port
        found = {}
        with requests.Session() as session:
            session.trust_env = False
            for sim in (east, west):
                login = (sim.username, sim.password)
                answer = session.get(f"{sim.url}/api/cluster", verify=east.ca_path, auth=login, timeout=30)
                found[sim.port] = answer.json()["name"]
        assert list(found.values()) == ["east", "west"]
        folder = pathlib.Path(east.ca_path).parent
        assert folder.is_dir()
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", east.port)) != 0


def test_a_kept_authority_is_used_again(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "ca"
    first, second = load_ca(folder), load_ca(folder)
    assert first.cert_pem.bytes() == second.cert_pem.bytes() == (folder / "ca.pem").read_bytes()
    assert (folder / "ca.key").stat().st_mode & 0o077 == 0


def test_a_port_that_is_taken(newest: t.Any) -> None:
    with pytest.raises(OSError, match="in use"):
        Simulator(port=newest.sim.port).__enter__()
    with pytest.raises(ValueError, match="unknown ONTAP release"):
        Simulator(release="9.99.1")


def test_reset_repeats_itself(newest: t.Any) -> None:
    before = newest.sim.snapshot()
    first = newest.ontap.add_vault("vs0")
    newest.sim.fault(kind="status", status=500)
    newest.sim.refuse_writes = True
    newest.sim.reset()
    assert newest.sim.snapshot() == before
    assert newest("POST", VAULTS, json=BODY).headers["Location"].endswith(first)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_line(tmp_path: pathlib.Path, number: signal.Signals) -> None:
    ready, folder = tmp_path / "ready.json", tmp_path / "ca"
    command = [sys.executable, "-m", "tests.simulator", "--port", "0", "--release", "9.7", "--svms", "a,b"]
    command += ["--nodes", "n1", "--name", "demo", "--ca-dir", str(folder), "--ready-file", str(ready)]
    command += ["--username", "tester", "--password", "pass word"]
    root = pathlib.Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        info = json.loads(ready.read_text(encoding="utf-8"))
        assert (info["pid"], info["release"], list(info["svms"])) == (process.pid, "9.7", ["a", "b"])
        assert ready.stat().st_mode & 0o077 == 0
        with requests.Session() as session:
            session.trust_env = False
            login = ("tester", "pass word")
            answer = session.get(f"{info['url']}/api/cluster", verify=str(folder / "ca.pem"), auth=login, timeout=30)
        assert answer.json()["name"] == "demo"
        process.send_signal(number)
        output, _errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    for part in (info["url"], "9.7", info["ca_path"], "tester", "curl"):
        assert part in output
    assert not pathlib.Path(info["ca_path"]).exists()
