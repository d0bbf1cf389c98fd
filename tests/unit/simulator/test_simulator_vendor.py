# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetApp's own Python client works against the simulator, unchanged and over TLS."""

from __future__ import annotations

import importlib
import typing as t

import pytest

# Its types are incomplete, so it is used untyped.
netapp_ontap: t.Any = importlib.import_module("netapp_ontap")
resources: t.Any = importlib.import_module("netapp_ontap.resources")
AzureKeyVault = resources.AzureKeyVault
HostConnection = netapp_ontap.HostConnection
NetAppRestError = netapp_ontap.NetAppRestError

KEY = "https://v.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
KEY_2 = "https://v.vault.azure.net/keys/key2/b8e619fd8f234db3b0b95c59540e2a75"


@pytest.fixture(params=["9.12.1", "9.14.1", "9.18.1"])
def client(cluster: t.Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Any]:
    """A cluster, with the vendor's client connected to it."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    found = cluster(request.param)
    sim = found.sim
    with HostConnection(sim.host, sim.username, sim.password, verify=sim.ca_path, port=sim.port) as connection:
        yield found
        connection.session.close()


def make(svm: str, **fields: t.Any) -> t.Any:
    resource = AzureKeyVault()
    resource.svm = {"name": svm}
    resource.client_id, resource.tenant_id = "client1", "tenant1"
    resource.name, resource.key_id = "https://v.vault.azure.net/", KEY
    resource.client_secret = "first"
    for name, value in fields.items():
        setattr(resource, name, value)
    return resource


def shown_key(client: t.Any, key: str) -> str:
    return key.rpartition("/")[0] if client.ontap.profile.release == "9.12.1" else key


def test_a_life(client: t.Any) -> None:
    resource = make("vs0")
    resource.post(hydrate=True)
    assert (resource.scope, resource.svm.name, resource.key_id) == ("svm", "vs0", shown_key(client, KEY))
    assert client.ontap.secret(resource.uuid, "client_secret") == "first"

    found = AzureKeyVault.find(**{"svm.name": "vs0"})
    assert found.uuid == resource.uuid
    assert AzureKeyVault.find(**{"svm.name": "vs1"}) is None

    found.client_secret = "second"
    found.proxy_type, found.proxy_host, found.proxy_port = "http", "proxy.example", 3128
    found.patch(hydrate=True)
    assert (found.proxy_host, found.proxy_port) == ("proxy.example", 3128)
    assert client.ontap.secret(resource.uuid, "client_secret") == "second"

    client.ontap.encrypt_volumes("vs0")
    client.ontap.lose_keys("node1")
    found.get(fields="state,azure_reachability,ekmip_reachability")
    assert (found.state.available, found.azure_reachability.reachable) == (False, True)
    assert [entry.node.name for entry in found.ekmip_reachability] == ["node1", "node2"]
    assert not found.restore().is_err
    found.get(fields="state")
    assert (found.state.available, found.state.code) == (True, "0")

    assert not found.rekey_internal().is_err
    assert client.ontap.store("vs0").internal_key == 2
    assert not found.rekey_external(body={"key_id": KEY_2}).is_err
    found.get()
    assert found.key_id == shown_key(client, KEY_2)

    with pytest.raises(NetAppRestError, match="encrypted volumes"):
        found.delete()
    client.ontap.encrypt_volumes("vs0", False)
    assert not found.delete().is_err
    assert AzureKeyVault.count_collection() == 0


def test_paging(client: t.Any) -> None:
    for number in range(5):
        svm = f"svm{number}"
        client.ontap.add_svm(svm)
        client.ontap.add_vault(svm, client_id=f"client{number}")
    assert AzureKeyVault.count_collection() == 5
    client.sim.clear()
    found = list(AzureKeyVault.get_collection(fields="client_id,svm.name", order_by="client_id desc", max_records=2))
    assert [(vault.client_id, vault.svm.name) for vault in found] == [
        (f"client{n}", f"svm{n}") for n in (4, 3, 2, 1, 0)
    ]
    assert len(client.sim.requests) == 3
    assert len(list(AzureKeyVault.get_collection(max_records=2, client_id="client1|client2"))) == 2


def test_slow_jobs(client: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # While the client waits between two questions about a job, time goes on for the cluster only.
    monkeypatch.setattr("netapp_ontap.utils.time.sleep", client.ontap.clock.advance)
    for operation in ("create", "patch", "restore"):
        client.ontap.set_duration(operation, 12)
    resource = make("vs0")
    resource.post(hydrate=True)
    resource.client_secret = "second"
    resource.patch()
    assert not resource.restore().is_err
    assert client.ontap.secret(resource.uuid, "client_secret") == "second"


def test_failed_job(client: t.Any) -> None:
    uuid = client.ontap.add_vault("vs0")
    client.ontap.force_status("restore", 202)
    client.ontap.plan_job("restore", "failure", 65537515)
    with pytest.raises(NetAppRestError, match="could not be restored"):
        AzureKeyVault(uuid=uuid).restore()
    (job,) = resources.Job.get_collection(fields="*")
    assert (job.state, job.error.code) == ("failure", "65537515")


def test_errors(client: t.Any) -> None:
    client.ontap.add_vault("vs0")
    with pytest.raises(NetAppRestError) as caught:
        make("vs0").post()
    assert caught.value.response_body["error"]["code"] == "65537500"
    with pytest.raises(NetAppRestError) as caught:
        AzureKeyVault(uuid="no-such-uuid").get()
    assert caught.value.http_err_response.http_response.status_code == 404


def test_cluster_and_svms(client: t.Any) -> None:
    cluster = resources.Cluster()
    cluster.get(fields="version")
    assert cluster.version.full.startswith(f"NetApp Release {client.ontap.profile.release}:")
    assert {svm.name for svm in resources.Svm.get_collection()} == {"vs0", "vs1"}


@pytest.mark.parametrize("client", ["9.14.1", "9.18.1"], indirect=True)
def test_configurations(client: t.Any) -> None:
    make("vs0").post()
    second = make("vs0", configuration={"name": "second"}, key_id=KEY_2)
    second.post(hydrate=True, create_inactive=True)
    assert (second.configuration.name, second.enabled) == ("second", False)
    store = resources.SecurityKeystore(uuid=second.uuid)
    store.enabled = True
    store.patch()
    assert {s.configuration.name: s.enabled for s in resources.SecurityKeystore.get_collection(fields="*")} == {
        "default": False,
        "second": True,
    }
    old = resources.SecurityKeystore.find(enabled="false")
    assert not old.delete().is_err


def test_login_by_certificate_and_token(cluster: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    sim = cluster("9.18.1").sim
    logins: list[dict[str, t.Any]] = [
        {"cert": sim.cert_path, "key": sim.key_path},
        {"headers": {"Authorization": f"Bearer {sim.token}"}},
    ]
    for login in logins:
        with HostConnection(sim.host, verify=sim.ca_path, port=sim.port, **login) as connection:
            assert AzureKeyVault.count_collection() == 0
            connection.session.close()
