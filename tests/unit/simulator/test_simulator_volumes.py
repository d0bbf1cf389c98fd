# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: which SVM has encrypted ones, how many, and who may know; and what the state says of each release."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.profiles import RELEASES

VOLUMES = "/api/storage/volumes"
VAULTS = "/api/security/azure-key-vaults"
NARROW = ("narrow", "password")


def count(client: t.Any, query: str, **options: t.Any) -> int:
    return int(client.get(f"{VOLUMES}?{query}&return_records=false", **options)["num_records"])


@pytest.mark.parametrize("release", RELEASES)
def test_counts_by_svm_and_kind_of_encryption(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    client.ontap.encrypt_volumes("vs0", number=3)
    client.ontap.set_svm("vs1", nae_volumes=True)
    uuid = client.ontap.owner("vs0").uuid
    assert count(client, "svm.name=vs0&encryption.type=volume") == 3
    assert count(client, f"svm.uuid={uuid}&encryption.type=volume") == 3
    assert count(client, "svm.name=vs1&encryption.type=volume") == 0
    assert count(client, "svm.name=vs1&encryption.type=volume|aggregate") == 1
    assert count(client, "encryption.enabled=true") == 4
    assert count(client, "svm.name=vs1&encryption.type=none") == 1
    assert count(client, "svm.name=vs9") == 0
    client.ontap.encrypt_volumes(None, number=1)
    assert count(client, "encryption.type=volume") == 4
    client.ontap.encrypt_volumes("vs0", False)
    assert count(client, "svm.name=vs0&encryption.type=volume") == 0


def test_records_have_their_svm_when_asked_and_come_in_pages(newest: t.Any) -> None:
    newest.ontap.encrypt_volumes("vs0", number=5)
    url = f"{VOLUMES}?encryption.type=volume&fields=svm.name,svm.uuid&max_records=2"
    owners, pages = [], 0
    while url:
        page = newest.get(url)
        owners += [record["svm"] for record in page["records"]]
        url, pages = page["_links"].get("next", {}).get("href"), pages + 1
    assert (pages, [owner["name"] for owner in owners]) == (3, ["vs0"] * 5)
    assert {owner["uuid"] for owner in owners} == {newest.ontap.owner("vs0").uuid}
    # Encryption is expensive, and so only there when it is named.
    (record, *_others) = newest.get(f"{VOLUMES}?fields=*&encryption.type=volume")["records"]
    assert "encryption" not in record
    named = newest.get(f"{VOLUMES}/{record['uuid']}?fields=encryption")
    assert named["encryption"] == {"enabled": True, "type": "volume", "state": "encrypted"}
    assert newest.code("GET", f"{VOLUMES}/{record['svm']['uuid']}") == "4"
    assert newest.code("GET", f"{VOLUMES}?encryption.kind=volume") == "262179"
    assert newest.code("GET", f"{VOLUMES}?encryption.type=some") == "262197"


def test_a_tunnel_shows_the_volumes_of_its_svm(newest: t.Any) -> None:
    for svm in ("vs0", "vs1", None):
        newest.ontap.encrypt_volumes(svm)
    assert count(newest, "encryption.type=volume", headers={"X-Dot-SVM-Name": "vs1"}) == 2


def test_a_narrow_login_sees_its_part_of_the_api(newest: t.Any) -> None:
    newest.ontap.add_user(*NARROW, paths=[VAULTS])
    newest.ontap.add_user("reader", "password", "readonly")
    uuid = newest.create()
    for path, code in (
        (VAULTS, ""),
        (f"{VAULTS}/{uuid}", ""),
        (f"{VAULTS}-of-others", "6"),
        (VOLUMES, "6"),
        ("/api/svm/svms", "6"),
    ):
        response = newest("GET", path, auth=NARROW)
        assert (response.status_code == 403) == bool(code), path
        assert newest.code("GET", path, auth=NARROW) == code
    assert newest.code("PATCH", f"{VAULTS}/{uuid}", auth=NARROW, json={"client_secret": "x"}) == ""
    assert newest.code("GET", VOLUMES, auth=("reader", "password")) == ""


@pytest.mark.parametrize("release", RELEASES)
def test_the_state_speaks_as_its_release_does(cluster: t.Any, release: str) -> None:
    client = cluster(release)
    uuid = client.create()

    def message() -> str:
        return str(client.get(f"{VAULTS}/{uuid}?fields=state")["state"]["message"])

    if release in ("9.7", "9.8"):
        assert message() == "AKV key protection is unavailable in following nodes - node1, node2."
    else:
        assert message().count("will be available after creating encrypted volumes.") == 2
        assert "Node: node1. Reason: No volumes created yet for the SVM." in message()
    client.ontap.encrypt_volumes("vs0")
    client.ontap.lose_keys("node2")
    assert "available after" not in message()
    assert "node2" in message()
    assert "node1" not in message()
