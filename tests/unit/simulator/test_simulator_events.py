# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event log: what raises which event, how it is read, and to whom and in which form it is posted."""

from __future__ import annotations

import http.server
import ssl
import threading
import typing as t
import xml.etree.ElementTree as ET

import pytest

from tests.simulator.profiles import RELEASES
from tests.simulator.server import default_ca

EVENTS = "/api/support/ems/events"
DESTINATIONS = "/api/support/ems/destinations"
FILTERS = "/api/support/ems/filters"
AKV = {"name": "akv", "rules": [{"index": 1, "type": "include", "message_criteria": {"name_pattern": "ekmip.akv.*"}}]}


def names(client: t.Any, query: str = "") -> list[str]:
    records = client.get(f"{EVENTS}?fields=*&order_by=time{query}")["records"]
    return [record["message"]["name"] for record in records]


@pytest.fixture
def tells(newest: t.Any) -> t.Any:
    newest.ontap.add_vault("vs0")
    newest.ontap.encrypt_volumes("vs0")
    return newest


def test_trouble_with_azure_is_told_when_it_begins_and_when_it_ends(tells: t.Any) -> None:
    tells.ontap.set_azure(reachable=False)
    tells.ontap.set_azure(reachable=False)
    (record,) = tells.get(f"{EVENTS}?fields=*")["records"]
    assert record["message"] == {"name": "ekmip.akv.notAvailable", "severity": "alert"}
    assert {one["name"]: one["value"] for one in record["parameters"]} == {
        "svm": "vs0",
        "configName": "default",
        "name": "https://mykeyvault.vault.azure.net/",
    }
    assert 'SVM: "vs0", configuration name: "default"' in record["log_message"]
    assert (record["node"]["name"], record["index"]) == ("node1", 1)
    tells.ontap.set_azure(reachable=True)
    tells.ontap.set_keystore("vs0", "blocked")
    tells.ontap.set_keystore("vs0", "active")
    wanted = ["notAvailable", "available", "volOffline", "volOnline"]
    assert names(tells) == [f"ekmip.akv.{name}" for name in wanted]


def test_a_write_that_mends_is_told_as_well(tells: t.Any) -> None:
    tells.ontap.set_azure(valid_secrets=["better"])
    uuid = tells.ontap.store("vs0").uuid
    assert tells("PATCH", f"/api/security/azure-key-vaults/{uuid}", json={"client_secret": "better"}).ok
    assert names(tells) == ["ekmip.akv.notAvailable", "ekmip.akv.available"]


def test_a_node_that_lost_its_keys_says_so_and_its_partner_refuses_the_giveback(tells: t.Any) -> None:
    tells.ontap.lose_keys("node2")
    found = tells.get(f"{EVENTS}?fields=*")["records"]
    told = {record["message"]["name"]: (record["node"]["name"], record["parameters"][0]) for record in found}
    assert told["km.keyretrieve.failed"] == ("node2", {"name": "node", "value": "node2"})
    assert told["gb.sfo.veto.kmgr.keysmissing"] == ("node1", {"name": "aggr", "value": "node2_aggr1"})
    tells.ontap.encrypt_volumes("vs0", False)
    assert len(names(tells)) == 2


def test_the_log_of_a_node_that_is_away_cannot_be_read(tells: t.Any) -> None:
    tells.ontap.raise_event("ekmip.akv.keyExpired", "vs0", "node2", keyId="k")
    tells.ontap.set_node("node2", reachable=False)
    assert "ekmip.akv.keyExpired" not in names(tells)
    tells.ontap.set_node("node2", reachable=True)
    assert "ekmip.akv.keyExpired" in names(tells)


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_knows_its_events(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    client.ontap.add_vault("vs0")
    client.ontap.set_keystore("vs0", "blocked")
    client.ontap.set_keystore("vs0", "active")
    since = RELEASES.index(release)
    known = [since >= RELEASES.index(first) for first in ("9.10.1", "9.13.1")]
    wanted = ["ekmip.akv.volOffline", "ekmip.akv.volOnline"]
    assert names(client) == [name for name, is_known in zip(wanted, known, strict=True) if is_known]
    assert client.code("POST", FILTERS, json=AKV) == ("" if known[0] else "983101")


def test_events_are_found_by_name_and_by_moment_and_come_in_pages(tells: t.Any) -> None:
    tells.ontap.set_azure(reachable=False)
    tells.ontap.clock.advance(3600)
    tells.ontap.set_azure(reachable=True)
    tells.ontap.raise_event("monitor.globalStatus.ok")
    assert len(names(tells)) == 3
    assert len(names(tells, "&message.name=ekmip.akv.*|km.*")) == 2
    late = tells.get(f"{EVENTS}?fields=time&message.name=ekmip.akv.available")["records"][0]["time"]
    # Another offset is the same moment.
    other = late.replace("+00:00", "Z")
    for moment in (late, other):
        assert names(tells, f"&message.name=ekmip.*&time=>={moment.replace('+', '%2B')}") == ["ekmip.akv.available"]
    assert tells.code("GET", f"{EVENTS}?time=>=yesterday") == "262197"
    url, found = f"{EVENTS}?fields=index&max_records=2&order_by=time", []
    while url:
        page = tells.get(url)
        found += [record["index"] for record in page["records"]]
        url = page["_links"].get("next", {}).get("href")
    assert found == [1, 2, 3]


class Receiver(http.server.ThreadingHTTPServer):
    """An HTTPS server that keeps what is posted to it, and who the client's certificate says it is."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.clients: list[t.Any] = []
        self.arrived = threading.Semaphore(0)
        super().__init__(("127.0.0.1", 0), _Keep)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        default_ca().issue_cert("127.0.0.1").configure_cert(context)
        default_ca().configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_address[1]}/ontap/cluster1"


class _Keep(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.clients.append(t.cast(ssl.SSLSocket, self.connection).getpeercert())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.release()

    def log_message(self, *_arguments: t.Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> t.Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def wire(client: t.Any, receiver: Receiver, **more: t.Any) -> None:
    assert client("POST", FILTERS, json=AKV).status_code == 201
    body = {"name": "eda", "type": "rest_api", "destination": receiver.url, "filters": [{"name": "akv"}], **more}
    assert client("POST", DESTINATIONS, json=body).status_code == 201


@pytest.mark.parametrize(
    ("switches", "root"),
    [
        ({}, "netapp"),
        ({"ems_namespace": True}, "{http://www.netapp.com/filer/admin}netapp"),
        ({"ems_prefix": True}, "{http://www.netapp.com/filer/admin}netapp"),
        ({"ems_sparse": True}, "netapp"),
    ],
)
def test_what_a_filter_includes_is_posted_as_xml(
    tells: t.Any, receiver: Receiver, switches: dict[str, bool], root: str
) -> None:
    tells.ontap.switch(**switches)
    wire(tells, receiver)
    tells.ontap.raise_event("monitor.globalStatus.ok")
    tells.ontap.raise_event("ekmip.akv.volOffline", "vs0", configName='<"&>')
    assert receiver.arrived.acquire(timeout=20)
    document = ET.fromstring(receiver.bodies[0])
    assert document.tag == root
    texts = {element.tag.rpartition("}")[2]: element.text for element in document[0]}
    assert texts["severity"] == "alert"
    assert '<"&>' in str(texts["event"])
    assert texts.get("message-name") == (None if switches.get("ems_sparse") else "ekmip.akv.volOffline")
    assert len(receiver.bodies) == 1


def test_connectivity_sends_an_event_and_says_what_came_of_it(tells: t.Any, receiver: Receiver) -> None:
    pair = {"ca": "trustme", "serial_number": "1"}
    wire(tells, receiver, certificate=pair)
    shown = tells.get(f"{DESTINATIONS}/eda?fields=*")
    assert shown["certificate"] == pair
    assert "connectivity" not in shown
    assert tells.get(f"{DESTINATIONS}/eda?fields=connectivity")["connectivity"]["state"] == "success"
    assert receiver.clients[0]["subject"]
    assert tells("PATCH", f"{DESTINATIONS}/eda", json={"destination": "https://127.0.0.1:1/"}).ok
    tried = tells.get(f"{DESTINATIONS}/eda?fields=connectivity")["connectivity"]
    assert (tried["state"], tried["errors"][0]["message"]["code"]) == ("fail", "983171")
    assert [status for _name, status in tells.sim.posts if status != 200] == [tells.sim.posts[-1][1]]


def test_filters_and_destinations_are_checked(tells: t.Any) -> None:
    post = {"name": "eda", "type": "rest_api", "destination": "https://h/"}
    rule = {"index": 1, "type": "include"}
    for path, body, code in (
        (DESTINATIONS, {**post, "filters": [{"name": "akv"}]}, "983107"),
        (DESTINATIONS, {**post, "destination": "ftp://h/"}, "983129"),
        (DESTINATIONS, {**post, "destination": "https:///"}, "983130"),
        (DESTINATIONS, {**post, "certificate": {"ca": "c"}}, "983144"),
        (
            DESTINATIONS,
            {**post, "destination": "http://h/", "certificate": {"ca": "c", "serial_number": "1"}},
            "983145",
        ),
        (DESTINATIONS, {**post, "name": "-"}, "983179"),
        (DESTINATIONS, {**post, "type": "pigeon"}, "262197"),
        (DESTINATIONS, {**post, "token": "x"}, "262179"),
        (FILTERS, {"name": "no", "rules": [{**rule, "message_criteria": {"name_pattern": "no.such.*"}}]}, "983101"),
        (
            FILTERS,
            {"name": "no", "rules": [{**rule, "message_criteria": {"name_pattern": "km.*", "severities": "debug"}}]},
            "983155",
        ),
    ):
        assert tells.code("POST", path, json=body) == code, body
    assert tells("POST", FILTERS, json=AKV).status_code == 201
    assert tells.code("POST", FILTERS, json=AKV) == "1"
    assert tells("POST", DESTINATIONS, json={**post, "filters": [{"name": "akv"}]}).status_code == 201
    assert tells.code("DELETE", f"{FILTERS}/akv") == "983124"
    assert tells.code("DELETE", f"{FILTERS}/important-events") == "983113"
    assert tells("DELETE", f"{DESTINATIONS}/eda").ok
    assert tells("DELETE", f"{FILTERS}/akv").ok
    assert tells.code("GET", f"{FILTERS}/akv") == "4"


def test_the_first_rule_that_matches_decides_and_important_events_lack_errors(tells: t.Any, receiver: Receiver) -> None:
    first = {"index": 1, "type": "exclude", "message_criteria": {"name_pattern": "ekmip.akv.keyExpired"}}
    rules = [{**AKV["rules"][0], "index": 2}, first]  # type: ignore[index]
    assert tells("POST", FILTERS, json={"name": "akv", "rules": rules}).ok
    body = {"name": "eda", "type": "rest_api", "destination": receiver.url, "filters": [{"name": "akv"}]}
    assert tells("POST", DESTINATIONS, json=body).ok
    other = {**body, "name": "loud", "filters": [{"name": "important-events"}]}
    assert tells("POST", DESTINATIONS, json=other).ok
    tells.ontap.raise_event("ekmip.akv.keyExpired", "vs0")
    tells.ontap.raise_event("ekmip.akv.available", "vs0")
    tells.ontap.raise_event("ekmip.akv.notAvailable", "vs0")
    assert all(receiver.arrived.acquire(timeout=20) for _number in range(3))
    assert len(receiver.bodies) == 3
