# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys on nodes, Azure, credentials and keystores: what the scenes bring about, and what mends it."""

from __future__ import annotations

import typing as t

import pytest

VAULTS = "/api/security/azure-key-vaults"
STORES = "/api/security/key-stores"
KEY = "https://v.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
KEY_2 = "https://v.vault.azure.net/keys/key2/b8e619fd8f234db3b0b95c59540e2a75"
CERTIFICATE = "MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglcMIIJWDCC"
HEALTH = "state,azure_reachability,ekmip_reachability"
FINE = {"message": "", "code": "0"}


def health(client: t.Any, svm: str | None = "vs0") -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", client.get(f"{VAULTS}/{client.ontap.store(svm).uuid}?fields={HEALTH}"))


def path(client: t.Any, svm: str | None = "vs0") -> str:
    return f"{VAULTS}/{client.ontap.store(svm).uuid}"


@pytest.fixture
def healthy(newest: t.Any) -> t.Any:
    """A cluster whose vs0 has a vault, encrypted volumes and keys everywhere."""
    newest.ontap.add_vault("vs0", key_id=KEY)
    newest.ontap.encrypt_volumes("vs0")
    return newest


def test_a_fresh_svm_is_unavailable_without_a_fault(newest: t.Any) -> None:
    newest.ontap.add_vault("vs0")
    found = health(newest)
    assert (found["state"]["available"], found["state"]["code"]) == (False, "65537551")
    assert found["state"]["message"].count("No volumes created yet for the SVM.") == 2
    assert found["azure_reachability"] == {"reachable": True, **FINE}


def test_healthy(healthy: t.Any) -> None:
    found = health(healthy)
    assert found["state"] == {"available": True, **FINE}
    assert found["azure_reachability"] == {"reachable": True, **FINE}
    assert all(entry["reachable"] for entry in found["ekmip_reachability"])


def test_inactive_configurations_have_no_health(newest: t.Any) -> None:
    uuid = newest.ontap.add_vault("vs0", enabled=False, configuration="second")
    record = newest.get(f"{VAULTS}/{uuid}?fields=**")
    assert not record.keys() & set(HEALTH.split(","))
    assert (record["enabled"], record["configuration"]["name"]) == (False, "second")


def test_restore_brings_lost_keys_back(healthy: t.Any) -> None:
    before = healthy.sim.snapshot()["keys"]
    healthy.ontap.lose_keys("node2", "vs0")
    state = health(healthy)["state"]
    assert (state["available"], state["code"]) == (False, "65537551")
    assert "node2" in state["message"]
    assert "node1" not in state["message"]
    assert healthy("POST", f"{path(healthy)}/restore").status_code == 201
    assert health(healthy)["state"]["available"] is True
    assert healthy.sim.snapshot()["keys"] == before


def test_a_replaced_node_needs_a_restore(healthy: t.Any) -> None:
    old = healthy.ontap.node("node1").uuid
    assert healthy.ontap.replace_node("node1") != old
    assert health(healthy)["state"]["available"] is False
    healthy("POST", f"{path(healthy)}/restore").raise_for_status()
    assert health(healthy)["state"]["available"] is True


def test_an_unreachable_node(healthy: t.Any) -> None:
    healthy.ontap.set_node("node1", reachable=False)
    found = health(healthy)
    assert found["state"]["available"] is False
    assert found["azure_reachability"]["code"] == "65537549"
    assert [entry["code"] for entry in found["ekmip_reachability"]] == ["65537552", "0"]
    assert healthy.code("POST", f"{path(healthy)}/restore") == "65537515"
    healthy.ontap.set_node("node1", reachable=True)
    assert health(healthy)["state"]["available"] is True


def test_kmip_server_and_network_of_one_node(healthy: t.Any) -> None:
    healthy.ontap.set_node("node2", kmip_server=False, reaches_azure=False)
    found = health(healthy)
    assert [entry["reachable"] for entry in found["ekmip_reachability"]] == [True, False]
    assert "node2" in found["azure_reachability"]["message"]
    assert found["state"]["available"] is True


def test_encrypted_volumes_come_and_go(healthy: t.Any) -> None:
    healthy.ontap.encrypt_volumes("vs0", False)
    assert health(healthy)["state"]["available"] is False
    assert healthy.sim.snapshot()["keys"] == {"node1": [], "node2": []}


def test_azure_refuses_the_secret_until_a_right_one_comes(healthy: t.Any) -> None:
    healthy.ontap.set_azure(valid_secrets=["right"])
    assert health(healthy)["azure_reachability"]["code"] == "65537549"
    assert "refused" in health(healthy)["azure_reachability"]["message"]
    assert healthy.code("POST", f"{path(healthy)}/restore") == "65537515"
    assert healthy.code("POST", f"{path(healthy)}/rekey-internal") == "65537549"
    assert healthy.code("PATCH", path(healthy), json={"client_secret": "wrong"}) == "65537540"
    unchecked = {"client_secret": "wrong", "skip_verification": True}
    assert healthy.code("PATCH", path(healthy), json=unchecked) == ""
    assert healthy.ontap.secret("vs0", "client_secret") == "wrong"
    assert healthy.code("PATCH", path(healthy), json={"client_secret": "right"}) == ""
    assert health(healthy)["azure_reachability"]["reachable"] is True
    healthy.ontap.set_azure(any_secret=True, reachable=False)
    assert health(healthy)["azure_reachability"]["reachable"] is False
    healthy.ontap.set_azure(reachable=True)
    assert health(healthy)["azure_reachability"]["reachable"] is True


def test_before_9161_new_credentials_are_stored_unseen(cluster: t.Any) -> None:
    client = cluster("9.15.1")
    client.ontap.add_vault("vs0")
    client.ontap.set_azure(valid_secrets=["right"])
    assert client.code("PATCH", path(client), json={"client_secret": "wrong"}) == ""


def test_the_authentication_method_follows_the_credential(newest: t.Any) -> None:
    newest.ontap.add_vault("vs0")
    assert newest.get(path(newest))["authentication_method"] == "client_secret"
    newest("PATCH", path(newest), json={"client_certificate": CERTIFICATE}).raise_for_status()
    assert newest.get(path(newest))["authentication_method"] == "certificate"
    assert newest.ontap.secret("vs0", "client_secret") is None
    newest("PATCH", path(newest), json={"client_secret": "s"}).raise_for_status()
    assert newest.get(path(newest))["authentication_method"] == "client_secret"


def test_secrets_are_never_shown(newest: t.Any) -> None:
    secrets = {"client_secret": "canary-one", "proxy_password": "canary-two"}
    newest.ontap.add_vault("vs0", **secrets)
    newest.ontap.add_vault("vs1", client_certificate=CERTIFICATE)
    shown = newest("GET", f"{VAULTS}?fields=**").text + str(newest.sim.snapshot()) + str(newest.ontap.jobs.snapshot())
    for secret in (*secrets.values(), CERTIFICATE):
        assert secret not in shown
    before = newest.sim.snapshot()
    newest.ontap.change_vault("vs0", client_secret="canary-three")
    assert newest.sim.snapshot() != before


def test_proxy_is_set_and_cleared(newest: t.Any) -> None:
    newest.ontap.add_vault("vs0")
    assert "proxy_host" not in newest.get(path(newest))
    proxy = {"proxy_type": "https", "proxy_host": "p", "proxy_port": 3128, "proxy_username": "u"}
    newest("PATCH", path(newest), json={**proxy, "proxy_password": "secret"}).raise_for_status()
    assert newest.get(path(newest)).items() >= proxy.items()
    cleared = dict.fromkeys([*proxy, "proxy_password"])
    newest("PATCH", path(newest), json=cleared).raise_for_status()
    assert not newest.get(path(newest)).keys() & proxy.keys()
    assert newest.ontap.secret("vs0", "proxy_password") is None


@pytest.mark.parametrize(("release", "code"), [("9.8", ""), ("9.10.1", ""), ("9.11.1", "262203")])
def test_key_id_by_patch(cluster: t.Any, release: str, code: str) -> None:
    client = cluster(release)
    client.ontap.add_vault("vs0", key_id=KEY)
    assert client.code("PATCH", path(client), json={"key_id": KEY_2, "client_secret": "s"}) == code
    assert client.ontap.store("vs0").settings["key_id"] == (KEY if code else KEY_2)


def test_rekey_external(healthy: t.Any) -> None:
    url = f"{path(healthy)}/rekey-external"
    assert healthy.code("POST", url, json={"key_id": KEY}) == ""
    assert healthy.code("POST", url, json={"key_id": KEY_2}) == ""
    assert healthy.get(path(healthy))["key_id"] == KEY_2
    assert healthy.code("POST", url) == "262212"
    assert healthy.code("POST", url, json={"key_id": "no key"}) == "65537523"
    assert healthy.code("POST", url, json={"key_id": KEY, "name": "x"}) == "262179"
    healthy.ontap.set_azure(keys=[KEY_2])
    assert healthy.code("POST", url, json={"key_id": KEY}) == "65537549"


def test_rekey_internal_is_seen_in_the_snapshot_only(healthy: t.Any) -> None:
    record, before = healthy.get(f"{path(healthy)}?fields=**"), healthy.sim.snapshot()
    healthy("POST", f"{path(healthy)}/rekey-internal").raise_for_status()
    assert healthy.get(f"{path(healthy)}?fields=**") == record
    assert healthy.sim.snapshot()["key_stores"] != before["key_stores"]


def test_keys_on_the_admin_svm_until_they_are_migrated(newest: t.Any) -> None:
    newest.ontap.set_svm("vs0", keys_on_admin=True)
    own, admin = newest.ontap.add_vault("vs0"), newest.ontap.add_key_manager(None, "kmip")
    assert newest.code("PATCH", path(newest), json={"client_secret": "x"}) == "65537547"
    response = newest("POST", f"/api/security/key-managers/{admin}/migrate", json={"uuid": own})
    assert response.status_code == 201
    assert newest.code("PATCH", path(newest), json={"client_secret": "x"}) == ""
    newest.ontap.encrypt_volumes("vs0")
    newest("POST", f"/api/security/key-managers/{own}/migrate", json={"uuid": admin}).raise_for_status()
    assert newest.code("PATCH", path(newest), json={"client_secret": "x"}) == "65537547"


# --- keystores


def test_switching_between_configurations(healthy: t.Any) -> None:
    old = healthy.ontap.store("vs0").uuid
    new = healthy.ontap.add_vault("vs0", enabled=False, configuration="second", key_id=KEY_2)
    healthy.ontap.set_duration("key-stores-patch", 60)
    response = healthy("PATCH", f"{STORES}/{new}", json={"enabled": True})
    assert response.status_code == 202
    assert healthy.get(f"{STORES}/{old}")["state"] == "switching"
    assert healthy.code("POST", f"{VAULTS}/{old}/rekey-internal") == "65537610"
    assert healthy.code("DELETE", f"{STORES}/{new}") == "65539593"
    healthy.ontap.clock.advance(60)
    records = {record["uuid"]: record for record in healthy.get(f"{STORES}?fields=*")["records"]}
    assert (records[old]["enabled"], records[new]["enabled"]) == (False, True)
    assert (records[old].get("state"), records[new]["state"]) == (None, "active")
    assert records[old]["configuration"] == {"uuid": old, "name": "default"}
    assert health(healthy)["state"]["available"] is True
    assert healthy.code("DELETE", f"{STORES}/{old}") == ""
    assert healthy("PATCH", f"{STORES}/{new}", json={"enabled": True}).json()["error"]["code"] == "65539218"


def test_an_interrupted_switch_is_repeated(healthy: t.Any) -> None:
    new = healthy.ontap.add_vault("vs0", enabled=False, configuration="second")
    healthy.ontap.set_keystore("vs0", "switching")
    assert healthy.code("POST", f"{path(healthy)}/rekey-external", json={"key_id": KEY_2}) == "65537610"
    response = healthy("PATCH", f"{STORES}/{new}", json={"enabled": True})
    assert (response.status_code, "job" in response.json()) == (200, True)
    assert healthy.ontap.store("vs0").uuid == new
    assert healthy.code("POST", f"{path(healthy)}/rekey-external", json={"key_id": KEY_2}) == ""


def test_an_inactive_configuration_through_its_life(newest: t.Any) -> None:
    sent = {"svm": {"name": "vs0"}, "client_id": "c", "tenant_id": "t", "name": "https://v.vault.azure.net"}
    sent |= {"key_id": KEY, "client_secret": "s", "configuration": {"name": "second"}}
    response = newest("POST", f"{VAULTS}?create_inactive=true&return_records=true", json=sent)
    (record,) = response.json()["records"]
    assert record["configuration"] == {"name": "second"}
    url = f"{VAULTS}/{record['uuid']}"
    assert newest.code("DELETE", url) == "65537120"
    assert newest.code("PATCH", url, json={"client_id": "other"}) == ""
    assert newest.code("PATCH", f"{STORES}/{record['uuid']}", json={"enabled": True}) == ""
    assert newest.get(url)["enabled"] is True
    assert newest.code("POST", f"{VAULTS}?create_inactive=true", json=sent) == "65537589"
    assert newest.code("DELETE", f"{STORES}/{record['uuid']}") == "65538905"
    assert newest.code("DELETE", url) == ""


def test_default_is_taken_while_an_inactive_configuration_has_the_name(newest: t.Any) -> None:
    newest.ontap.add_vault("vs0", enabled=False, configuration="default")
    sent = {"svm": {"name": "vs0"}, "client_id": "c", "tenant_id": "t", "name": "https://v.vault.azure.net"}
    sent |= {"key_id": KEY, "client_secret": "s"}
    assert newest.code("POST", VAULTS, json=sent) == "65537589"


def test_keystores_of_the_cluster(cluster: t.Any) -> None:
    for release, enable, delete in (("9.15.1", "65539513", "65539521"), ("9.16.1", "", "65538905")):
        client = cluster(release)
        uuid = client.ontap.add_vault(None, enabled=False, configuration="second")
        assert client.code("PATCH", f"{STORES}/{uuid}", json={"enabled": True}) == enable
        assert client.code("DELETE", f"{STORES}/{uuid}") == delete
    gcp = client.ontap.add_key_manager(None, "gcp", enabled=False)
    assert client.code("PATCH", f"{STORES}/{gcp}", json={"enabled": True}) == "65539514"
    assert client.code("DELETE", f"{STORES}/{gcp}") == "65539522"
    kmip = client.ontap.add_key_manager(None, "kmip", enabled=False)
    assert client.code("PATCH", f"{STORES}/{kmip}", json={"enabled": True}) == "65539515"
    assert client.code("DELETE", f"{STORES}/{kmip}") == "65538907"


def test_other_key_managers_are_keystores_but_no_vaults(newest: t.Any) -> None:
    newest.ontap.add_key_manager("vs0", "okm")
    assert newest.get(VAULTS)["num_records"] == 0
    (record,) = newest.get(f"{STORES}?fields=*&type=okm")["records"]
    assert (record["location"], record["state"], record["scope"]) == ("onboard", "active", "svm")
    with pytest.raises(ValueError, match="already"):
        newest.ontap.add_vault("vs0")


def test_blocked_keystore(healthy: t.Any) -> None:
    healthy.ontap.set_keystore("vs0", "blocked")
    assert "blocked" in health(healthy)["state"]["message"]


def test_svms_and_vaults_behind_our_back(healthy: t.Any) -> None:
    healthy.ontap.add_svm("vs2")
    assert [svm["name"] for svm in healthy.get("/api/svm/svms?order_by=name")["records"]] == ["vs0", "vs1", "vs2"]
    healthy.ontap.change_vault("vs0", client_id="drifted", proxy_host="p")
    assert healthy.get(path(healthy)).items() >= {"client_id": "drifted", "proxy_host": "p"}.items()
    healthy.ontap.change_vault("vs0", proxy_host=None)
    assert "proxy_host" not in healthy.get(path(healthy))
    with pytest.raises(ValueError, match="no field"):
        healthy.ontap.change_vault("vs0", nonsense=1)
    healthy.ontap.remove_svm("vs0")
    assert healthy.get(VAULTS)["num_records"] == 0
    with pytest.raises(KeyError):
        healthy.ontap.store("vs0")


@pytest.mark.parametrize("release", ["9.14.1", "9.16.1", "9.18.1"])
@pytest.mark.parametrize("shown", ["old", "new", "both", "none"])
def test_a_switch_that_broke_off(cluster: t.Any, release: str, shown: str) -> None:
    client = cluster(release)
    client.ontap.encrypt_volumes("vs0")
    old = client.ontap.add_vault("vs0")
    new = client.ontap.add_vault("vs0", enabled=False, configuration="second")
    client.ontap.interrupt_switch("vs0", "second", shown)
    stores = {store["uuid"]: store for store in client.get(f"{STORES}?fields=*")["records"]}
    assert (stores[old]["enabled"], stores[new]["enabled"]) == (shown in ("old", "both"), shown in ("new", "both"))
    states = {store.get("state") for store in stores.values()}
    assert states == ({"switching"} if release != "9.14.1" else {None})
    # Until it is complete, nothing is rotated and nothing goes.
    if shown in ("old", "both"):
        assert client.code("POST", f"{VAULTS}/{old}/rekey-internal") == "65537610"
    assert client.code("DELETE", f"{STORES}/{old}") == "65539593"
    assert client.code("PATCH", f"{STORES}/{new}", json={"enabled": True}) == ""
    assert client.ontap.store("vs0").uuid == new
    assert client.code("PATCH", f"{STORES}/{new}", json={"enabled": True}) == "65539218"
    assert client.code("DELETE", f"{STORES}/{old}") == ""
    with pytest.raises(ValueError, match="old, new, both or none"):
        client.ontap.interrupt_switch("vs0", "second", "neither")
