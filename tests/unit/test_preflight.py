# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_key_vault_preflight: what would keep a configuration from working is found, and nothing is written."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import FULL, IDENTITY, OLD, Outcome, connection, drive, number
from tests.support.tasks import Task, perform

RELEASES = ["9.7", "9.8", "9.9.1", "9.10.1", "9.12.1", "9.14.1", "9.16.1", "9.18.1"]
OF_CLUSTER = ["release", "nodes", "metrocluster", "licences", "aggregates"]
OF_SVM = ["svm", "options", "cloud", "key", "key_manager", "keys", "volumes", "dns", "interfaces", "routes"]
PATHS = ["path_to_vault", "path_to_login"]
Row = dict[str, t.Any]


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> t.Iterator[Simulator]:
    with Simulator(release=request.param, svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    shared.ontap.reset()
    shared.clear_faults()
    return shared


@pytest.fixture(scope="module")
def newest_shared() -> t.Iterator[Simulator]:
    with Simulator(release="9.18.1", svms=("vs0", "vs1")) as simulator:
        yield simulator


@pytest.fixture
def newest(newest_shared: Simulator) -> Simulator:
    newest_shared.ontap.reset()
    newest_shared.clear_faults()
    return newest_shared


def release(sim: Simulator) -> tuple[int, ...]:
    return number(str(sim.ontap.profile.release))


def look(sim: Simulator, **options: t.Any) -> Outcome:
    """Look, and hold what is true of every look: it only reads, and says why and what to do of what did not pass."""
    before = sim.snapshot()
    outcome = drive(sim, {"svm": "vs0", **IDENTITY, **options}, module="azure_key_vault_preflight")
    assert not outcome.failed, outcome.msg
    assert set(outcome.methods) == {"GET"}
    assert outcome.snapshot == before
    assert outcome.changed is False
    rows = outcome.result["checks"]
    for row in rows:
        assert row["found"]
        assert bool(row["why"]) is bool(row["fix"]) is (row["verdict"] != "pass"), row
    assert len(outcome.result["lines"]) == sum(row["verdict"] != "pass" for row in rows)
    assert outcome.result["summary"] == {
        word: sum(row["verdict"] == word for row in rows) for word in ("fail", "unknown", "warn", "pass")
    }
    return outcome


def verdicts(outcome: Outcome, svm: str = "vs0") -> dict[str, str]:
    return {row["check"]: row["verdict"] for row in outcome.result["checks"] if row["svm"] in (None, svm)}


def row_of(outcome: Outcome, check: str) -> Row:
    (row,) = [row for row in outcome.result["checks"] if row["check"] == check]
    return t.cast("Row", row)


def test_a_cluster_in_good_order(sim: Simulator) -> None:
    outcome = look(sim)
    found = verdicts(outcome)
    assert list(found) == [*OF_CLUSTER, *OF_SVM, *PATHS]
    unknown = {check for check, verdict in found.items() if verdict == "unknown"}
    # Nobody tries the paths before there is a configuration, and 9.7 shows neither states of nodes nor MetroCluster.
    assert unknown == {*PATHS, *(("nodes", "metrocluster") if release(sim) < (9, 8) else ())}
    assert set(found.values()) == {"pass", "unknown"}
    assert outcome.result["verdict"] == "unknown"
    assert len(outcome.requests) <= 12
    # Both are named, since they are different.
    assert "vs0_data1 192.0.2.1 (node1)" in row_of(outcome, "path_to_vault")["found"]
    assert "v.vault.azure.net" in row_of(outcome, "path_to_vault")["found"]
    assert "node2_mgmt 198.51.100.2 (node2)" in row_of(outcome, "path_to_login")["found"]
    assert "login.microsoftonline.com" in row_of(outcome, "path_to_login")["found"]


def test_after_the_configuration_exists(sim: Simulator) -> None:
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.encrypt_volumes("vs0")
    found = verdicts(look(sim))
    assert (found["health"], found["key_manager"], found["keys"]) == ("pass", "pass", "pass")
    assert {found[path] for path in PATHS} == {"pass" if release(sim) >= (9, 8) else "unknown"}
    sim.ontap.set_azure(refusal="AADSTS7000222: expired")
    outcome = look(sim)
    if release(sim) >= (9, 8):
        assert verdicts(outcome)["health"] == "fail"
        assert "secret has expired" in row_of(outcome, "health")["fix"]
        assert {verdicts(outcome)[path] for path in PATHS} == {"unknown"}
    sim.ontap.set_azure(refusal="")
    sim.ontap.encrypt_volumes("vs0", False)
    assert row_of(look(sim), "health")["found"] == "no_encrypted_volume_yet"
    sim.ontap.set_keystore("vs0", "blocked")
    if release(sim) >= (9, 16):
        assert row_of(look(sim), "health")["found"] == "blocked"


# What is out of order, by scenes, and what it makes of a check, with words of its fix.
ORDER: list[tuple[str, list[tuple[str, tuple[t.Any, ...], dict[str, t.Any]]], str, str, str]] = [
    ("a node is down", [("set_node", ("node2",), {"reachable": False})], "nodes", "fail", "cluster show"),
    (
        "a giveback is due",
        [("set_node", ("node1",), {"state": "waiting_for_giveback"})],
        "nodes",
        "fail",
        "storage failover giveback -ofnode node1",
    ),
    ("a node is degraded", [("set_node", ("node1",), {"state": "degraded"})], "nodes", "fail", "cluster show"),
    ("MetroCluster", [("set_site", (), {"metrocluster": True})], "metrocluster", "fail", "onboard enable"),
    ("no licence", [("set_site", (), {"licences": ("nfs",)})], "licences", "warn", "VE,MT_EK_MGMT"),
    ("one licence", [("set_site", (), {"licences": ("ve",)})], "licences", "warn", "VE,MT_EK_MGMT"),
    ("NAE aggregates", [("set_site", (), {"nae_aggregates": True})], "aggregates", "warn", "encrypt-with-aggr-key"),
    (
        "NAE volumes",
        [("set_site", (), {"nae_aggregates": True}), ("set_svm", ("vs0",), {"nae_volumes": True})],
        "volumes",
        "fail",
        "volume move start -vserver vs0",
    ),
    ("stopped", [("set_svm", ("vs0",), {"state": "stopped"})], "svm", "fail", "vserver start -vserver vs0"),
    ("starting", [("set_svm", ("vs0",), {"state": "starting"})], "svm", "fail", "vserver start -vserver vs0"),
    ("a copy", [("set_svm", ("vs0",), {"subtype": "dp_destination"})], "svm", "fail", "-fields subtype"),
    ("a copy in a MetroCluster", [("set_svm", ("vs0",), {"subtype": "sync_destination"})], "svm", "fail", "subtype"),
    ("no such SVM", [("remove_svm", ("vs0",), {})], "svm", "fail", "vserver show -type data"),
    ("no DNS", [("set_svm", ("vs0",), {"name_servers": ()})], "dns", "fail", "dns create -vserver vs0"),
    ("LIF down", [("set_svm", ("vs0",), {"lif": "down"})], "interfaces", "fail", "-lif vs0_data1"),
    ("LIF disabled", [("set_svm", ("vs0",), {"lif": "disabled"})], "interfaces", "fail", "-status-admin up"),
    ("no LIF", [("set_svm", ("vs0",), {"lif": "none"})], "interfaces", "fail", "interface create -vserver vs0"),
    ("no route", [("set_svm", ("vs0",), {"routes": ()})], "routes", "fail", "route create -vserver vs0"),
    ("no default", [("set_svm", ("vs0",), {"routes": ("10.0.0.0/8",)})], "routes", "warn", "route create -vserver vs0"),
    ("onboard keys", [("add_key_manager", ("vs0", "okm"), {})], "key_manager", "fail", "onboard disable -vserver vs0"),
    ("KMIP", [("add_key_manager", ("vs0", "kmip"), {})], "key_manager", "fail", "external disable -vserver vs0"),
    (
        "keys on the cluster",
        [
            ("add_key_manager", (None, "okm"), {}),
            ("encrypt_volumes", ("vs0",), {}),
            ("set_svm", ("vs0",), {"keys_on_admin": True}),
        ],
        "keys",
        "fail",
        "-to-vserver vs0",
    ),
    ("mixed releases", [("set_node", ("node2",), {"release": "9.7"})], "release", "warn", "cluster image"),
]
# What a release does not show.
UNSEEN = {"nodes": (9, 8), "metrocluster": (9, 8), "keys": (9, 12)}


@pytest.mark.parametrize(("scenes", "check", "verdict", "fix"), [row[1:] for row in ORDER], ids=[r[0] for r in ORDER])
def test_what_is_out_of_order_is_found(
    sim: Simulator, scenes: list[tuple[str, tuple[t.Any, ...], dict[str, t.Any]]], check: str, verdict: str, fix: str
) -> None:
    good = verdicts(look(sim))
    for name, arguments, keywords in scenes:
        getattr(sim.ontap, name)(*arguments, **keywords)
    if check == "release" and release(sim) == (9, 7):
        return
    outcome = look(sim)
    found = verdicts(outcome)
    if release(sim) < UNSEEN.get(check, (0,)):
        assert found[check] == "unknown"
        return
    assert (found[check], good[check]) == (verdict, "pass")
    assert fix in row_of(outcome, check)["fix"]
    assert outcome.result["verdict"] == ("fail" if verdict == "fail" else "unknown")
    assert any(f"{check}: " in line for line in outcome.result["lines"])
    # It concerns that SVM alone.
    if check in OF_SVM and "cluster" not in check:
        other = verdicts(look(sim, svm="vs1"), "vs1")
        assert other[check] == "pass"


@pytest.mark.parametrize("kind", ["gcp", "aws", "ikp", "barbican"])
def test_key_managers_of_other_clouds(newest: Simulator, kind: str) -> None:
    newest.ontap.add_key_manager("vs0", kind)
    assert row_of(look(newest), "key_manager")["found"] == f"its key manager is {kind}"


def test_google_s_before_there_are_key_stores() -> None:
    with Simulator(release="9.9.1", svms=("vs0", "vs1")) as sim:
        sim.ontap.add_key_manager("vs0", "gcp")
        assert row_of(look(sim), "key_manager")["found"] == "its key manager is gcp"
        assert verdicts(look(sim, svm="vs1"), "vs1")["key_manager"] == "pass"


CHINA = "https://v.vault.azure.cn/"


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({}, "pass"),
        ({"oauth_host": "login.microsoftonline.com", "vault_host": "vault.azure.net"}, "pass"),
        ({"oauth_host": "LOGIN.microsoftonline.com"}, "pass"),
        ({"name": CHINA}, "fail"),
        ({"name": CHINA, "oauth_host": "login.chinacloudapi.cn"}, "fail"),
        ({"name": CHINA, "vault_host": "vault.azure.cn"}, "fail"),
        ({"name": CHINA, "oauth_host": "login.microsoftonline.com", "vault_host": "vault.azure.cn"}, "fail"),
        ({"name": CHINA, "oauth_host": "login.chinacloudapi.cn", "vault_host": "vault.azure.cn"}, "pass"),
        ({"name": CHINA, "oauth_host": "login.partner.microsoftonline.cn", "vault_host": "vault.azure.cn"}, "pass"),
        ({"name": "https://V.VAULT.usgovcloudapi.net:443"}, "fail"),
        (
            {
                "name": "https://v.vault.usgovcloudapi.net",
                "oauth_host": "login.microsoftonline.us",
                "vault_host": "vault.usgovcloudapi.net",
            },
            "pass",
        ),
        ({"oauth_host": "login.chinacloudapi.cn"}, "fail"),
        ({"vault_host": "vault.azure.cn"}, "fail"),
        ({"name": "https://vault.example.com"}, "warn"),
        ({"name": "https://v.vault.azure.net.example.com"}, "warn"),
        ({"name": "https://hsm.managedhsm.azure.net"}, "pass"),
    ],
)
def test_vault_and_login_are_of_one_cloud(newest: Simulator, options: dict[str, t.Any], verdict: str) -> None:
    name = options.get("name", IDENTITY["name"])
    key = f"{name.rstrip('/')}/keys/k1"
    outcome = look(newest, **{**options, "key_id": key})
    assert verdicts(outcome)["cloud"] == verdict
    assert verdicts(outcome)["key"] == "pass"


@pytest.mark.parametrize(
    ("key_id", "verdict"),
    [
        ("https://V.vault.azure.net:443/keys/k1", "pass"),
        ("https://w.vault.azure.net/keys/k1", "warn"),
        ("https://v.vault.azure.cn/keys/k1", "fail"),
    ],
)
def test_the_key_is_one_of_the_vault(newest: Simulator, key_id: str, verdict: str) -> None:
    assert verdicts(look(newest, key_id=key_id))["key"] == verdict


def test_what_exists_counts_where_nothing_is_given(newest: Simulator) -> None:
    newest.ontap.add_vault("vs0", **{**OLD, "name": CHINA})
    outcome = drive(newest, {"svm": "vs0"}, module="azure_key_vault_preflight")
    assert (verdicts(outcome)["cloud"], verdicts(outcome)["key"]) == ("fail", "fail")
    # And what is wanted comes before it: a vault cannot be changed in place.
    outcome = look(newest)
    assert verdicts(outcome)["options"] == "fail"
    assert "name" in row_of(outcome, "options")["found"]


def test_options_that_the_release_lacks(sim: Simulator) -> None:
    outcome = look(sim, oauth_host="login.microsoftonline.com", proxy_host="p.example.com")
    rows = [row for row in outcome.result["checks"] if row["check"] == "options"]
    lacking = [name for name, since in (("oauth_host", (9, 14)), ("proxy_host", (9, 8))) if release(sim) < since]
    assert [row["verdict"] for row in rows] == (["fail"] * len(lacking) or ["pass"])
    for row, name in zip(sorted(rows, key=lambda one: "proxy" in one["found"]), lacking):
        assert f"{name} needs ONTAP" in row["found"]


def test_what_is_not_given_is_not_passed(newest: Simulator) -> None:
    outcome = drive(newest, {"svm": "vs0"}, module="azure_key_vault_preflight")
    found = verdicts(outcome)
    assert found["given"] == "unknown"
    assert not {"cloud", "key"} & set(found)
    assert "name, key_id, client_id, tenant_id" in row_of(outcome, "given")["found"]


def test_dns_behind_a_proxy(newest: Simulator) -> None:
    newest.ontap.set_svm("vs0", name_servers=())
    assert verdicts(look(newest, proxy_host="p.example.com"))["dns"] == "fail"
    outcome = look(newest, proxy_host="192.0.2.7")
    assert verdicts(outcome)["dns"] == "warn"
    assert "by the proxy 192.0.2.7" in row_of(outcome, "path_to_vault")["found"]


# --- what the login may not see

ALL = [
    "/api/security/azure-key-vaults",
    "/api/cluster",
    "/api/svm/svms",
    "/api/security/key-stores",
    "/api/security/key-managers",
    "/api/security/gcp-kms",
    "/api/name-services/dns",
    "/api/network/ip/interfaces",
    "/api/network/ip/routes",
    "/api/storage/volumes",
    "/api/storage/aggregates",
]
HIDDEN = {
    "/api/svm/svms": {"svm"},
    "/api/security/key-stores": {"key_manager"},
    "/api/name-services/dns": {"dns"},
    "/api/network/ip/interfaces": {"interfaces"},
    "/api/network/ip/routes": {"routes"},
    "/api/storage/aggregates": {"aggregates"},
    "/api/cluster": {"release", "nodes", "metrocluster", "licences", "options"},
}


@pytest.mark.parametrize("path", [*HIDDEN, None], ids=str)
def test_what_the_login_may_not_see_is_unknown(newest: Simulator, path: str | None) -> None:
    paths = [one for one in ALL if one != path] if path else ALL[:1]
    newest.ontap.add_user("narrow", "password", "readonly", paths=paths)
    login = {**connection(newest), "username": "narrow", "password": "password"}
    options = {"svm": "vs0", **IDENTITY, "oauth_host": "login.microsoftonline.com"}
    outcome = drive(newest, options, module="azure_key_vault_preflight", login=login)
    assert not outcome.failed, outcome.msg
    found = verdicts(outcome)
    hidden = HIDDEN[path] if path else {*set().union(*HIDDEN.values()), "keys", "volumes"}
    assert {check for check, verdict in found.items() if verdict != "pass"} == {*hidden, *PATHS}
    assert {found[check] for check in hidden} == {"unknown"}


def test_keys_that_the_login_may_not_see(newest: Simulator) -> None:
    newest.ontap.add_key_manager(None, "okm")
    newest.ontap.encrypt_volumes("vs0")
    newest.ontap.set_svm("vs0", keys_on_admin=True)
    for paths, wanted in (
        (ALL, "fail"),
        ([one for one in ALL if "key-managers" not in one], "unknown"),
        ([one for one in ALL if "key-managers" not in one and "volumes" not in one], "unknown"),
    ):
        newest.ontap.add_user("narrow", "password", "readonly", paths=paths)
        login = {**connection(newest), "username": "narrow", "password": "password"}
        outcome = drive(newest, {"svm": "vs0", **IDENTITY}, module="azure_key_vault_preflight", login=login)
        assert verdicts(outcome)["keys"] == wanted
        outcome = drive(newest, {"svm": "vs1", **IDENTITY}, module="azure_key_vault_preflight", login=login)
        # Without an encrypted volume there is no key of one.
        assert verdicts(outcome, "vs1")["keys"] == ("unknown" if "/api/storage/volumes" not in paths else "pass")


def test_a_login_that_is_refused_is_no_answer(newest: Simulator) -> None:
    login = {**connection(newest), "password": "wrong"}
    assert drive(newest, {"svm": "vs0", **IDENTITY}, module="azure_key_vault_preflight", login=login).failed
    newest.ontap.add_user("blind", "password", "readonly", paths=["/api/cluster"])
    login = {**connection(newest), "username": "blind", "password": "password"}
    assert drive(newest, {"svm": "vs0", **IDENTITY}, module="azure_key_vault_preflight", login=login).failed


# --- many


@pytest.mark.parametrize("own", [None, "okm"])
@pytest.mark.parametrize("number_of_svms", [2, 200])
def test_requests_do_not_grow_with_svms(number_of_svms: int, own: str | None) -> None:
    svms = tuple(f"svm{index}" for index in range(number_of_svms))
    with Simulator(release="9.16.1", svms=svms) as sim:
        if own:
            sim.ontap.add_key_manager(None, own)
        for svm in svms[: number_of_svms // 2]:
            sim.ontap.add_vault(svm, **OLD)
        sim.ontap.set_site(nae_aggregates=True)
        sim.ontap.set_svm(svms[1], lif="down")
        entries = [{"svm": svm, **FULL} for svm in svms]
        outcome = drive(sim, {"vaults": entries}, module="azure_key_vault_preflight")
        assert not outcome.failed, outcome.msg
        assert len(outcome.requests) <= 12, [request["path"] for request in outcome.requests]
        assert set(outcome.methods) == {"GET"}
        down = [
            row["svm"] for row in outcome.result["checks"] if row["check"] == "interfaces" and row["verdict"] != "pass"
        ]
        assert down == [svms[1]]
        assert len({row["svm"] for row in outcome.result["checks"]}) == number_of_svms + 1
        # A clean record: nothing of a credential.
        assert FULL["client_secret"] not in str(outcome.result)


def test_only_what_is_missing(sim: Simulator) -> None:
    entries = [{"svm": "vs0", **FULL}, {"svm": "vs1", **FULL}]
    sim.ontap.add_vault("vs0", **OLD)
    sim.ontap.set_svm("vs0", lif="down")
    module = "azure_key_vault_preflight"
    outcome = drive(sim, {"vaults": entries, "only_missing": True}, module=module)
    assert {row["svm"] for row in outcome.result["checks"]} == {None, "vs1"}
    sim.ontap.add_vault("vs1", **OLD)
    outcome = drive(sim, {"vaults": [*entries, {"svm": "vs9", "state": "absent"}], "only_missing": True}, module=module)
    assert (outcome.methods, outcome.result["checks"], outcome.result["verdict"]) == (["GET"], [], "pass")


def test_entries_by_uuid_absent_and_of_the_cluster(newest: Simulator) -> None:
    uuid = newest.ontap.owner("vs1").uuid
    newest.ontap.set_svm("vs1", routes=())
    entries = [{"svm_uuid": uuid.upper(), **FULL}, {"svm": "vs0", "state": "absent"}, {"scope": "cluster", **FULL}]
    outcome = drive(newest, {"vaults": entries}, module="azure_key_vault_preflight")
    assert not outcome.failed, outcome.msg
    assert {row["svm"] for row in outcome.result["checks"]} == {None, "vs1"}
    assert verdicts(outcome, "vs1")["routes"] == "fail"
    assert [r["verdict"] for r in outcome.result["checks"] if r["check"] == "scope"] == ["warn"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "neither svm nor svm_uuid"),
        ({"vaults": [{"svm": "vs0"}], "svm": "vs1"}, "vaults is given together with svm"),
        ({"vaults": [{"svm": "vs0"}, {"svm": "vs0"}]}, "already described"),
        ({"vaults": [{"svm": "vs0", "key_id": "x"}]}, "vaults[0] (svm vs0): key_id is not usable"),
    ],
)
def test_what_cannot_be_meant(newest: Simulator, options: dict[str, t.Any], words: str) -> None:
    (outcome,) = perform(newest, [Task(options, module="azure_key_vault_preflight")])
    assert outcome.failed
    assert words in outcome.msg
    assert outcome.requests == []


def test_the_module_in_ansible(newest: Simulator) -> None:
    around = {"AKV_CLIENT_ID": FULL["client_id"], "AKV_CLIENT_SECRET": FULL["client_secret"]}
    tasks = [
        Task({"svm": "vs0", **IDENTITY}, module="azure_key_vault_preflight"),
        Task({"vaults": [{"svm": "vs0", **IDENTITY}]}, module="azure_key_vault_preflight", environment=around),
        Task({"vaults": []}, check=True, module="azure_key_vault_preflight"),
    ]
    one, listed, none = perform(newest, tasks)
    for outcome in (one, listed, none):
        assert not outcome.failed, outcome.msg
    assert one.result["checks"] == listed.result["checks"]
    assert [row["check"] for row in none.result["checks"]] == OF_CLUSTER


def test_a_create_that_is_refused_points_here(newest: Simulator) -> None:
    newest.ontap.refuse("create", 65537506)
    for options, module in (
        ({"svm": "vs0", **FULL}, "azure_key_vault"),
        ({"vaults": [{"svm": "vs0", **FULL}]}, "azure_key_vaults"),
    ):
        outcome = drive(newest, options, module=module)
        assert outcome.failed
        assert "azure_key_vault_preflight" in outcome.result["error"]["remedy"]
        assert "azure_key_vault_preflight" in outcome.msg
    # What is no create does not.
    newest.ontap.allow()
    newest.ontap.add_vault("vs0", **OLD)
    newest.ontap.refuse("patch", 65537540)
    outcome = drive(newest, {"svm": "vs0", **FULL, "update_credentials": "always"})
    assert outcome.failed
    assert "preflight" not in outcome.result["error"]["remedy"]
