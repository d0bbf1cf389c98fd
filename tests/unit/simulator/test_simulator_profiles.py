# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each release has the fields, paths, parameters and forms that its reference documents, and no others."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import RELEASES

VAULTS = "/api/security/azure-key-vaults"
KEY = "https://v.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
KEY_2 = "https://v.vault.azure.net/keys/key2/b8e619fd8f234db3b0b95c59540e2a75"
CERTIFICATE = "MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglcMIIJWDCC"

# R: GET returns it, C: POST takes it, M: PATCH takes it. The columns are RELEASES without 9.11.1, which is as 9.12.1.
# From the official clients of the releases, with the correction that read-only fields were not marked up to 9.13.1,
# and that PATCH of 9.7 takes the secret alone.
MATRIX = """
uuid                   R   R   R   R   R   R   R   R   R   R   R
name                   RC  RC  RC  RC  RC  RC  RC  RC  RC  RC  RC
key_id                 RC  RCM RCM RCM RC  RC  RC  RC  RC  RC  RC
client_id              RC  RC  RCM RCM RCM RCM RCM RCM RCM RCM RCM
tenant_id              RC  RC  RCM RCM RCM RCM RCM RCM RCM RCM RCM
client_secret          CM  CM  CM  CM  CM  CM  CM  CM  CM  CM  CM
client_certificate     -   -   -   CM  CM  CM  CM  CM  CM  CM  CM
authentication_method  -   -   -   R   R   R   R   R   R   R   R
scope                  R   R   R   R   R   R   R   R   R   R   R
svm                    RC  RC  RC  RC  RC  RC  RC  RC  RC  RC  RC
configuration          -   -   -   -   -   -   RC  RC  RC  RC  RC
enabled                -   -   -   -   -   -   R   R   R   R   R
oauth_host             -   -   -   -   -   -   RCM RCM RCM RCM RCM
port                   -   -   -   -   -   -   RCM RCM RCM RCM RCM
vault_host             -   -   -   -   -   -   RCM RCM RCM RCM RCM
verify_host            -   -   -   -   -   -   RM  RM  RM  RM  RM
verify_ip              -   -   -   -   -   -   RM  RM  RM  RM  RM
proxy_type             -   RCM RCM RCM RCM RCM RCM RCM RCM RCM RCM
proxy_host             -   RCM RCM RCM RCM RCM RCM RCM RCM RCM RCM
proxy_port             -   RCM RCM RCM RCM RCM RCM RCM RCM RCM RCM
proxy_username         -   RCM RCM RCM RCM RCM RCM RCM RCM RCM RCM
proxy_password         -   CM  CM  CM  CM  CM  CM  CM  CM  CM  CM
skip_verification      -   -   -   -   -   -   -   -   RCM RCM RCM
state                  R   R   R   R   R   R   R   R   R   R   R
azure_reachability     -   R   R   R   R   R   R   R   R   R   R
ekmip_reachability     -   R   R   R   R   R   R   R   R   R   R
"""
COLUMNS = [release for release in RELEASES if release != "9.11.1"]
ACCESS = {
    (COLUMNS[number], words[0]): words[1 + number]
    for words in (line.split() for line in MATRIX.strip().splitlines())
    for number in range(len(COLUMNS))
}
SAMPLES: dict[str, t.Any] = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "name": "https://other.vault.azure.net",
    "key_id": KEY_2,
    "client_certificate": CERTIFICATE,
    "authentication_method": "certificate",
    "scope": "svm",
    "svm": {"name": "vs0"},
    "configuration": {"name": "second"},
    "enabled": True,
    "port": 8443,
    "proxy_type": "https",
    "proxy_port": 3128,
    "verify_host": True,
    "verify_ip": True,
    "skip_verification": True,
    "state": {"message": "x"},
    "azure_reachability": {"reachable": True},
    "ekmip_reachability": {"reachable": True},
}


def access(release: str, field: str) -> str:
    return ACCESS[("9.12.1" if release == "9.11.1" else release, field)]


@pytest.mark.parametrize("release", RELEASES)
def test_readable_fields(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    settings = {
        name: value
        for name, value in {"oauth_host": "login.example", "proxy_host": "proxy.example", "verify_ip": False}.items()
        if "R" in access(release, name)
    }
    client.ontap.add_vault("vs0", **settings)
    everything = client.get(f"{VAULTS}?fields=**")["records"][0]
    for field in {name for _release, name in ACCESS}:
        code = client.code("GET", f"{VAULTS}?fields={field}")
        found = access(release, field)
        assert code == ("" if "R" in found else "262249" if found != "-" else "262197"), field
        if field in everything:
            assert "R" in found, field
    assert everything["_links"]["self"]["href"] == f"{VAULTS}/{everything['uuid']}"


@pytest.mark.parametrize("release", RELEASES)
def test_fields_of_create(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    for field in {name for _release, name in ACCESS}:
        found = access(release, field)
        body = {"svm": {"name": "vs0"}, "client_id": "c", "tenant_id": "t", "name": "https://v.vault.azure.net"}
        body |= {"key_id": KEY, "client_secret": "s", field: SAMPLES.get(field, "text")}
        if field == "client_certificate":
            del body["client_secret"]
        path = f"{VAULTS}?create_inactive=true" if field == "configuration" and found != "-" else VAULTS
        expected = "" if "C" in found else "262196" if found != "-" else "262179"
        assert client.code("POST", path, json=body) == expected, field
        client.sim.reset()


@pytest.mark.parametrize("release", RELEASES)
def test_fields_of_patch(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    for field in {name for _release, name in ACCESS}:
        uuid = client.ontap.add_vault("vs0")
        found = access(release, field)
        body = {field: SAMPLES.get(field, "text")}
        if release in ("9.7", "9.8") or field == "skip_verification":
            body["client_secret"] = "new"
        expected = "" if "M" in found else "262203" if found != "-" else "262179"
        assert client.code("PATCH", f"{VAULTS}/{uuid}", json=body) == expected, field
        client.sim.reset()


# First and last release of each path and parameter.
LAST = RELEASES[-1]
PATHS = [
    ("POST", "{vault}/restore", "9.7", LAST),
    ("POST", "{vault}/rekey-internal", "9.8", LAST),
    ("POST", "{vault}/rekey_internal", "9.8", "9.10.1"),
    ("POST", "{vault}/rekey-external", "9.11.1", LAST),
    ("GET", "/api/security/key-stores", "9.10.1", LAST),
    ("GET", "/api/security/key-stores/{uuid}", "9.14.1", LAST),
    ("GET", "/api/security/key-managers", "9.7", LAST),
    ("GET", "/api/security/key-managers/{uuid}/keys/{node}/key-ids", "9.11.1", LAST),
    ("POST", "/api/security/key-managers/{uuid}/migrate", "9.7", LAST),
    ("GET", "/api/cluster", "9.7", LAST),
    ("GET", "/api/cluster/nodes", "9.7", LAST),
    ("GET", "/api/cluster/jobs", "9.7", LAST),
    ("GET", "/api/svm/svms", "9.7", LAST),
]
PARAMETERS = [
    ("PATCH", "{vault}?return_timeout=5", "9.9.1", LAST),
    ("DELETE", "{vault}?return_timeout=5", "9.17.1", LAST),
    ("POST", f"{VAULTS}?return_timeout=5", "9.18.1", LAST),
    ("POST", f"{VAULTS}?create_inactive=false", "9.14.1", LAST),
    ("GET", f"{VAULTS}?state.cluster_state=true", "9.7", "9.8"),
    ("GET", f"{VAULTS}?state.available=true", "9.9.1", LAST),
    ("GET", f"{VAULTS}?azure_reachability.code=0", "9.8", LAST),
    ("GET", f"{VAULTS}?ekmip_reachability.node.name=node1", "9.8", LAST),
    ("GET", f"{VAULTS}?proxy_port=1", "9.8", LAST),
    ("GET", f"{VAULTS}?authentication_method=certificate", "9.10.1", LAST),
    ("GET", f"{VAULTS}?enabled=true", "9.14.1", LAST),
    ("GET", f"{VAULTS}?configuration.name=default", "9.14.1", LAST),
    ("GET", f"{VAULTS}?skip_verification=true", "9.16.1", LAST),
    ("GET", "/api/security/key-managers?scope=cluster", "9.7", LAST),
    ("GET", "/api/security/key-managers?enabled=true", "9.16.1", LAST),
    ("GET", "/api/cluster/nodes?state=up", "9.8", LAST),
    ("GET", "/api/security/key-stores?type=akv", "9.10.1", LAST),
    ("GET", "/api/security/key-stores?enabled=true", "9.14.1", LAST),
    ("GET", "/api/security/key-stores?state=active", "9.16.1", LAST),
]


def between(release: str, first: str, last: str) -> bool:
    return RELEASES.index(first) <= RELEASES.index(release) <= RELEASES.index(last)


@pytest.mark.parametrize("release", RELEASES)
def test_paths(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    uuid = client.ontap.add_vault("vs0")
    client.ontap.encrypt_volumes("vs0")
    for method, path, first, last in PATHS:
        full = path.format(vault=f"{VAULTS}/{uuid}", uuid=uuid, node=client.ontap.nodes[0].uuid)
        response = client(method, full, json={"key_id": KEY} if "rekey-external" in path else None)
        missing = response.status_code == 404 and response.json()["error"]["code"] == "3"
        assert missing is not between(release, first, last), path


@pytest.mark.parametrize("release", RELEASES)
def test_parameters(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    for method, path, first, last in PARAMETERS:
        if path.startswith("/api/security/key-stores") and not between(release, "9.10.1", LAST):
            continue
        uuid = client.ontap.add_vault("vs0")
        code = client.code(method, path.format(vault=f"{VAULTS}/{uuid}"), json={} if method == "PATCH" else None)
        assert (code == "262179") is not between(release, first, last), path
        client.sim.reset()


@pytest.mark.parametrize("release", RELEASES)
def test_forms(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    uuid = client.ontap.add_vault("vs0", key_id=KEY)
    record = client.get(f"{VAULTS}/{uuid}?fields=**")
    flag = "cluster_state" if release in ("9.7", "9.8") else "available"
    code: int | str = 65537551 if between(release, "9.7", "9.10.1") else "65537551"
    assert (record["state"][flag], record["state"]["code"]) == (False, code)
    hidden = between(release, "9.8", "9.12.1")
    assert record["key_id"] == (KEY.rpartition("/")[0] if hidden else KEY)
    assert ("state" in client.get(f"{VAULTS}/{uuid}?fields=*")) is (release == "9.7")
    shown = client.get(VAULTS)["records"][0].keys()
    named = {"configuration"} if between(release, "9.14.1", LAST) else set()
    assert shown == {"uuid", "name", "svm", "_links"} | named
    identity = client.get(f"{VAULTS}?fields=client_id")["records"][0].keys()
    assert identity == {"uuid", "name", "client_id", "_links"} | named


@pytest.mark.parametrize("release", RELEASES)
def test_cluster_record(cluster: t.Any, release: str) -> None:
    version = cluster(release).get("/api/cluster")["version"]
    numbers = [int(part) for part in release.split(".")] + [0]
    assert [version["generation"], version["major"], version["minor"]] == numbers[:3]
    assert version["full"].startswith(f"NetApp Release {release}:")


@pytest.mark.parametrize("release", RELEASES[3:])
def test_keystore_form(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    uuid = client.ontap.add_vault("vs0")
    (record,) = client.get("/api/security/key-stores?fields=**")["records"]
    nested = between(release, "9.10.1", "9.12.1")
    assert (record["keystore"]["type"] if nested else record["type"]) == "akv"
    assert (record["uuid"], record["location"], record["svm"]["name"]) == (uuid, "external", "vs0")
    assert ("enabled" in record) is between(release, "9.14.1", LAST)
    assert ("state" in record) is between(release, "9.16.1", LAST)
    assert ("location" in client.get("/api/security/key-stores?fields=*")["records"][0]) is not nested
