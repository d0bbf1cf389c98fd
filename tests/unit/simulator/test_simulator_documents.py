# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that the ONTAP references of 9.7 and 9.9.1 show works as written, and answers in the shape they show."""

from __future__ import annotations

import base64
import http.client
import json
import shlex
import ssl
import typing as t

import pytest

VAULT = "85619643-9a06-11ea-8d52-005056bbeba5"
SVM = "4f7abf4c-9a07-11ea-8d52-005056bbeba5"
NAME = "https://mykeyvault.azure.vault.net/"
KEY = "https://keyvault-test.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
CREATED = {"uuid", "client_id", "tenant_id", "name", "key_id", "_links"}

# As published, but for the vault and key URLs, which the text of 9.9.1 has lost.
CREATE_CLUSTER = (
    """curl -X POST 'https://<mgmt-ip>/api/security/azure-key-vaults?return_records=true' """
    """-H 'accept: application/hal+json' -d "{ \\"client_id\\": \\"client1\\", \\"tenant_id\\": \\"tenant1\\", """
    f"""\\"name\\": \\"{NAME}\\", \\"key_id\\": \\"{KEY}\\", \\"client_secret\\" : \\"myclientPwd\\" }}\""""
)
CREATE_SVM = (
    """curl -X POST 'https://<mgmt-ip>/api/security/azure-key-vaults?return_records=true' """
    f"""-H 'accept: application/hal+json' -d "{{ \\"svm\\": {{ \\"uuid\\": \\"{SVM}\\" }}, """
    """\\"client_id\\": \\"client1\\", \\"tenant_id\\": \\"tenant1\\", """
    f"""\\"name\\": \\"{NAME}\\", \\"key_id\\": \\"{KEY}\\", \\"client_secret\\" : \\"myclientPwd\\" }}\""""
)
LIST = "curl -X GET 'https://<mgmt-ip>/api/security/azure-key-vaults?fields=*'"
GET = f"curl -X GET 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}?fields=*'"
HEALTH = (
    f"curl -X GET 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}"
    """?fields=state,azure_reachability,ekmip_reachability"'"""
)
PATCH_97 = (
    f"curl -X PATCH 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}' -d '"
    """{"client_secret": "newSecret"}'"""
)
PATCH_991 = (
    f"curl -X PATCH 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}' -d "
    """"{ \\"client_secret\\": \\"newSecret\\" }\""""
)
DELETE = f"curl -X DELETE 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}'"
RESTORE = f"curl -X POST 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}/restore'"
REKEY = f"curl -X POST 'https://<mgmt-ip>/api/security/azure-key-vaults/{VAULT}/rekey-internal'"
BOTH = pytest.mark.parametrize("release", ["9.7", "9.9.1"])


class Sent(t.NamedTuple):
    """What came back."""

    status: int
    headers: t.Mapping[str, str]
    body: t.Any


def send(client: t.Any, command: str) -> Sent:
    """Send what curl would, byte for byte: also a quote in the URL, and the form type for what is JSON."""
    words = shlex.split(command)
    assert words[:2] == ["curl", "-X"]
    method, url, *rest = words[2:]
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    login = base64.b64encode(f"{client.sim.username}:{client.sim.password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Accept": "*/*"}
    if "-H" in options:
        name, _colon, value = options["-H"].partition(": ")
        headers[name.title()] = value
    if "-d" in options:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    context = ssl.create_default_context(cafile=client.sim.ca_path)
    connection = http.client.HTTPSConnection(client.sim.host, client.sim.port, context=context, timeout=30)
    try:
        connection.request(method, url.removeprefix("https://<mgmt-ip>"), options.get("-d"), headers)
        response = connection.getresponse()
        return Sent(response.status, dict(response.getheaders()), json.loads(response.read()))
    finally:
        connection.close()


@BOTH
@pytest.mark.parametrize(("command", "scope"), [(CREATE_CLUSTER, "cluster"), (CREATE_SVM, "svm")])
def test_create(cluster: t.Any, release: str, command: str, scope: str) -> None:
    client = cluster(release)
    client.ontap.add_svm("vs9", SVM)
    status, headers, body = send(client, command)
    assert status == 201
    assert body["num_records"] == 1
    (record,) = body["records"]
    assert record.keys() == CREATED | ({"svm"} if scope == "svm" else set())
    assert record.get("svm") == ({"uuid": SVM, "name": "vs9"} if scope == "svm" else None)
    assert record["_links"]["self"]["href"] == headers["location"] == f"/api/security/azure-key-vaults/{record['uuid']}"
    assert client.ontap.secret(record["uuid"], "client_secret") == "myclientPwd"


@BOTH
def test_read_all(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    client.ontap.add_vault("vs0")
    client.ontap.add_vault(None)
    status, _headers, body = send(client, LIST)
    assert (status, body["num_records"]) == (200, 2)
    assert body["_links"] == {"self": {"href": "/api/security/azure-key-vaults?fields=*"}}
    standard = CREATED | {"scope"} | ({"state"} if release == "9.7" else set())
    shapes = {record["scope"]: record.keys() for record in body["records"]}
    assert shapes == {"svm": standard | {"svm"}, "cluster": standard}


@BOTH
def test_read_one(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    client.ontap.add_vault(None, uuid=VAULT)
    client.ontap.encrypt_volumes(None)
    status, _headers, record = send(client, GET)
    assert (status, record["uuid"], record["scope"]) == (200, VAULT, "cluster")
    if release == "9.7":
        assert record["state"] == {"cluster_state": True, "message": "", "code": 0}
    else:
        assert "state" not in record


def test_read_health(cluster: t.Any) -> None:
    client = cluster("9.9.1")
    client.ontap.add_vault("vs0", uuid=VAULT)
    client.ontap.encrypt_volumes("vs0")
    for flag in ("available", "cluster_state"):
        # The schema of 9.9.1 has the one, its example the other.
        client.ontap.switch(legacy_state_flag=flag == "cluster_state")
        status, _headers, record = send(client, HEALTH)
        assert status == 200
        assert record.keys() == {"uuid", "name", "state", "azure_reachability", "ekmip_reachability", "_links"}
        assert record["state"] == {flag: True, "message": "", "code": 0}
        assert record["azure_reachability"] == {"reachable": True, "message": "", "code": 0}
        assert [entry["node"]["name"] for entry in record["ekmip_reachability"]] == ["node1", "node2"]
        for entry in record["ekmip_reachability"]:
            href = f"/api/cluster/nodes/{entry['node']['uuid']}"
            assert entry["node"]["_links"] == {"self": {"href": href}}
            assert (entry["reachable"], entry["message"], entry["code"]) == (True, "", 0)


@pytest.mark.parametrize(("release", "command"), [("9.7", PATCH_97), ("9.9.1", PATCH_991)])
def test_change_secret(cluster: t.Any, release: str, command: str) -> None:
    client = cluster(release)
    client.ontap.add_vault("vs0", uuid=VAULT)
    assert (send(client, command).status, client.ontap.secret(VAULT, "client_secret")) == (200, "newSecret")


@BOTH
def test_delete(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    client.ontap.add_vault("vs0", uuid=VAULT)
    assert send(client, DELETE).status == 200
    assert client.sim.snapshot()["key_stores"] == {}


@pytest.mark.parametrize(("release", "command"), [("9.7", RESTORE), ("9.9.1", RESTORE), ("9.9.1", REKEY)])
def test_actions(cluster: t.Any, release: str, command: str) -> None:
    client = cluster(release)
    client.ontap.add_vault("vs0", uuid=VAULT)
    client.ontap.encrypt_volumes("vs0")
    status, _headers, body = send(client, command)
    job = body["job"]
    assert (status, job["_links"]) == (202, {"self": {"href": f"/api/cluster/jobs/{job['uuid']}"}})
    assert client.get(f"/api/cluster/jobs/{job['uuid']}")["state"] == "success"


def test_rekey_is_not_in_97(cluster: t.Any) -> None:
    client = cluster("9.7")
    client.ontap.add_vault("vs0", uuid=VAULT)
    assert send(client, REKEY).status == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"key_id={KEY}", 1),
        ("svm.uuid={svm}", 1),
        ("svm.name=vs0", 1),
        ("client_id=other", 1),
        ("tenant_id=tenant1", 2),
        ("uuid=" + VAULT, 1),
        (f"name={NAME}", 1),
        ("state.message=*unavailable*", 1),
        ("state.cluster_state=true", 1),
        ("state.code=0", 1),
        ("scope=cluster", 1),
        ("fields=name,state", 2),
        ("max_records=1", 1),
        ("return_timeout=15", 2),
        ("return_records=false", 2),
        ("order_by=client_id desc,uuid", 2),
    ],
)
def test_every_query_parameter_of_97(cluster: t.Any, query: str, found: int) -> None:
    client = cluster("9.7")
    client.ontap.add_vault("vs0", uuid=VAULT, key_id=KEY, name=NAME)
    client.ontap.add_vault(None, client_id="other")
    client.ontap.encrypt_volumes("vs0")
    body = client.get(f"/api/security/azure-key-vaults?{query.format(svm=client.ontap.owner('vs0').uuid)}")
    assert body["num_records"] == found
    assert len(body.get("records", [])) == (0 if "return_records" in query else found)
