# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key managers, whose keys they hold, and their migration; and writes that other administrators have to approve."""

from __future__ import annotations

import typing as t

from tests.unit.simulator.conftest import BODY, VAULTS

MANAGERS = "/api/security/key-managers"
KEY_OF_VS0 = "key_user=vs0&key_type=vek&return_records=false"


def keys(client: t.Any, uuid: str, query: str = KEY_OF_VS0) -> t.Any:
    return client.get(f"{MANAGERS}/{uuid}/keys/{client.ontap.nodes[0].uuid}/key-ids?{query}")


def test_onboard_and_kmip_key_managers_are_listed_and_clouds_are_not(newest: t.Any) -> None:
    newest.ontap.add_vault("vs0")
    admin = newest.ontap.add_key_manager(None, "okm")
    inactive = newest.ontap.add_key_manager(None, "kmip", enabled=False)
    own = newest.ontap.add_key_manager("vs1", "kmip")
    found = {one["uuid"]: one for one in newest.get(f"{MANAGERS}?fields=*")["records"]}
    assert {uuid: (one["scope"], one["enabled"]) for uuid, one in found.items()} == {
        admin: ("cluster", True),
        inactive: ("cluster", False),
        own: ("svm", True),
    }
    assert found[admin]["onboard"] == {"enabled": True}
    assert found[own]["external"]["servers"][0]["server"]
    assert newest.get(f"{MANAGERS}?scope=svm")["num_records"] == 1
    assert newest.get(f"{MANAGERS}/{own}?fields=svm")["svm"]["name"] == "vs1"


def test_the_admins_key_manager_names_the_svm_that_uses_a_key(newest: t.Any) -> None:
    admin, own = newest.ontap.add_key_manager(None, "okm"), newest.ontap.add_vault("vs0")
    for svm, number in (("vs0", 3), ("vs1", 2)):
        newest.ontap.encrypt_volumes(svm, number=number)
        newest.ontap.set_svm(svm, keys_on_admin=True)
    assert keys(newest, admin) == {"num_records": 3}
    shown = keys(newest, admin, "fields=*&key_type=vek")["records"]
    assert sorted(one["key_user"] for one in shown) == ["vs0"] * 3 + ["vs1"] * 2
    assert {(one["key_store"], one["key_store_type"], one["svm"]["name"]) for one in shown} == {
        ("onboard", "okm", newest.ontap.cluster.name)
    }
    # A key besides wraps those of each SVM.
    assert keys(newest, admin, "return_records=false")["num_records"] == 7
    newest.ontap.set_svm("vs0", keys_on_admin=1)
    assert (keys(newest, admin)["num_records"], keys(newest, own)["num_records"]) == (1, 2)


def test_key_ids_of_what_is_no_key_manager_or_of_a_node_that_is_down(newest: t.Any) -> None:
    admin = newest.ontap.add_key_manager(None, "okm")
    node = newest.ontap.nodes[0].uuid
    assert newest.code("GET", f"{MANAGERS}/no-such-uuid/keys/{node}/key-ids") == "65537125"
    assert newest.code("GET", f"{MANAGERS}/{admin}/keys/no-such-node/key-ids") == "4"
    newest.ontap.set_node("node1", reachable=False)
    assert newest.code("GET", f"{MANAGERS}/{admin}/keys/{node}/key-ids") == "393271"
    shown = newest.get("/api/cluster/nodes?fields=state")["records"]
    assert sorted((one["name"], one["state"]) for one in shown) == [("node1", "down"), ("node2", "up")]


def test_whose_keys_they_are_is_told_from_9_12_on(cluster: t.Any) -> None:
    old = cluster("9.11.1")
    admin = old.ontap.add_key_manager(None, "okm")
    path = f"{MANAGERS}/{admin}/keys/{old.ontap.nodes[0].uuid}/key-ids"
    assert old.code("GET", path) == ""
    assert old.code("GET", f"{path}?key_user=vs0") == "262179"
    assert old.code("GET", f"{path}?fields=key_type") == "262197"


def test_a_key_store_is_mixed_while_keys_are_on_the_admins(newest: t.Any) -> None:
    admin, own = newest.ontap.add_key_manager(None, "okm"), newest.ontap.add_vault("vs0")
    newest.ontap.encrypt_volumes("vs0", number=3)
    newest.ontap.set_svm("vs0", keys_on_admin=True, leaves=1)
    state = f"/api/security/key-stores/{own}?fields=state"
    assert newest.get(state)["state"] == "mixed"
    for left in (1, 0):
        newest("POST", f"{MANAGERS}/{admin}/migrate", json={"uuid": own}).raise_for_status()
        assert (keys(newest, admin)["num_records"], newest.get(state)["state"]) == (left, "mixed" if left else "active")
    # What is on the admin's is no reason to keep the configuration.
    assert newest.code("DELETE", f"{VAULTS}/{own}") == "65536867"
    newest("POST", f"{MANAGERS}/{own}/migrate", json={"uuid": admin}).raise_for_status()
    assert keys(newest, admin)["num_records"] == 3
    assert newest.code("DELETE", f"{VAULTS}/{own}") == ""


def test_a_migration_is_between_the_admins_and_an_svms(newest: t.Any) -> None:
    pair = [newest.ontap.add_vault(svm) for svm in ("vs0", "vs1")]
    assert newest.code("POST", f"{MANAGERS}/{pair[0]}/migrate", json={"uuid": pair[1]}) == "65536886"


def test_the_job_of_a_migration_names_its_svm_or_none(newest: t.Any) -> None:
    admin, own = newest.ontap.add_key_manager(None, "okm"), newest.ontap.add_vault("vs0")
    newest.ontap.set_duration("migrate", 60)
    for named in (True, False):
        newest.ontap.switch(migrate_names_svm=named)
        job = newest("POST", f"{MANAGERS}/{admin}/migrate", json={"uuid": own}).json()["job"]["uuid"]
        shown = newest.get(f"/api/cluster/jobs/{job}")
        assert shown["description"] == f"POST {MANAGERS}/{admin}/migrate"
        assert shown.get("svm", {}).get("name") == ("vs0" if named else None)


def test_a_write_waits_until_others_approve_it(newest: t.Any) -> None:
    newest.ontap.require_approval("create")
    before = newest.sim.snapshot()["key_stores"]
    for _time in range(2):
        response = newest("POST", VAULTS, json=BODY)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, "262325")
        assert "(index 1)" in error["message"]
    assert newest.sim.snapshot()["key_stores"] == before
    # Another request is another one to approve.
    assert "(index 2)" in newest("POST", VAULTS, json={**BODY, "client_id": "other"}).json()["error"]["message"]
    newest.ontap.approve(1)
    assert newest.code("POST", VAULTS, json=BODY) == ""
    # An approval is for one time.
    assert newest.code("POST", VAULTS, json=BODY) == "262325"


def test_an_approval_expires(newest: t.Any) -> None:
    newest.ontap.require_approval("create")
    assert newest.code("POST", VAULTS, json=BODY) == "262325"
    newest.ontap.approve(1)
    newest.ontap.clock.advance(3600)
    assert "(index 2)" in newest("POST", VAULTS, json=BODY).json()["error"]["message"]
