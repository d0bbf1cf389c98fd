# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical forms, choosing the record that is meant, queries and the health verdict: all pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health, with_volumes
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.table import COMPARED, FIELDS, SECRETS, check_value
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import KeyId, vault_uri
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault, clean_record
from ansible_collections.ontap.security.plugins.module_utils._engine.record import pick
from ansible_collections.ontap.security.plugins.module_utils._engine.search import Search
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    BlockedError,
    InputError,
    TransportError,
)

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join)
names = st.from_regex(r"[0-9A-Za-z-]{1,30}", fullmatch=True)


def mixed_case(text: str, mask: int) -> str:
    return "".join(c.upper() if mask >> i & 1 else c for i, c in enumerate(text))


@given(host=hosts, mask=st.integers(0, 2**40), slash=st.booleans(), port=st.booleans())
def test_one_vault_has_one_form(host: str, mask: int, slash: bool, port: bool) -> None:
    spelled = f"https://{mixed_case(host, mask)}{':443' if port else ''}{'/' if slash else ''}"
    assert vault_uri(spelled) == f"https://{host}"
    assert vault_uri(vault_uri(spelled)) == vault_uri(spelled)
    assert FIELDS["name"].same(spelled, f"https://{host}")


@given(host=hosts, port=st.integers(1, 65535).filter(lambda p: p != 443))
def test_another_port_is_another_vault(host: str, port: int) -> None:
    assert not FIELDS["name"].same(f"https://{host}:{port}", f"https://{host}")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("http://v.vault.azure.net/", "https"),
        ("https://", "no host"),
        ("https:///", "no host"),
        ("https:://v.vault.azure.net", "no host"),
        ("v.vault.azure.net", "https"),
        ("https://v.vault.azure.net/keys/k", "path"),
        ("https://v.vault.azure.net/?a=b", "more than"),
        ("https://user:pw@v.vault.azure.net/", "more than"),
        ("https://v.vault azure.net/", "white space"),
        ("https://v.vault.azure.net:99999/", "port"),
        ("https://v.vault.azure.net:x/", "port"),
        ("https://-v/", "host"),
        ("https://[::1", ""),
        ("", "https"),
    ],
)
def test_what_is_no_vault_is_refused_by_name(value: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"^name .*not usable") as caught:
        check_value("name", value)
    assert reason in caught.value.message.lower()
    assert "https://myvault.vault.azure.net/" in caught.value.remedy


@given(host=hosts, name=names, version=names, mask=st.integers(0, 2**30))
def test_versions_count_only_when_both_sides_name_one(host: str, name: str, version: str, mask: int) -> None:
    same = FIELDS["key_id"].same
    base = f"https://{host}/keys/{name}"
    assert same(base, f"{base}/{version}")
    assert same(f"{base}/{version}", base)
    assert same(f"{base}/{version}/", f"https://{mixed_case(host, mask)}:443/keys/{name.swapcase()}/{version.upper()}")
    assert not same(f"{base}/{version}", f"{base}/{version}0")
    assert not same(base, f"{base}0")


@pytest.mark.parametrize(
    "value",
    [
        "https://v.vault.azure.net/",
        "https://v.vault.azure.net/secrets/k",
        "https://v.vault.azure.net/keys/",
        "https://v.vault.azure.net/keys/k/v/more",
        "https://v.vault.azure.net/keys/k_1",
        "http://v.vault.azure.net/keys/k",
        "key1",
    ],
)
def test_what_is_no_key_is_refused_by_name(value: str) -> None:
    with pytest.raises(InputError, match=r"^key_id .*not usable"):
        check_value("key_id", value)


@given(value=st.text())
def test_no_text_breaks_a_comparison(value: str) -> None:
    for name in ("name", "key_id", "client_id", "proxy_host"):
        assert FIELDS[name].same(value, value)
        assert not FIELDS[name].same(value, None)
        assert not FIELDS[name].same(None, value)


def test_azure_ids_ignore_case_and_other_ids_do_not() -> None:
    same = FIELDS["client_id"].same
    assert same("AAAAAAAA-bbbb-aaaa-bbbb-aaaaaaaaaaaa", "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa")
    assert not same("Client1", "client1")


def test_key_id_parses_its_parts() -> None:
    key = KeyId.parse("https://V.vault.azure.net:443/keys/Key1/ABC/")
    assert (key.vault, key.name, key.version) == ("https://v.vault.azure.net", "key1", "abc")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "neither svm nor svm_uuid"),
        ({"scope": "svm"}, "neither svm nor svm_uuid"),
        ({"scope": "cluster", "svm": "vs0"}, "svm is given although scope is cluster"),
        ({"scope": "cluster", "svm_uuid": "u"}, "svm_uuid is given although scope is cluster"),
        ({"svm": "vs0", "svm_uuid": "u"}, "both given"),
    ],
)
def test_a_target_must_be_meant(params: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Target.of(params)


def test_a_name_of_a_cluster_s_does_nothing_in_a_message() -> None:
    """Neither does a message of ONTAP's; only an error that stands for several has lines."""
    name = "a\x1b[31m\nb\u202e"
    assert (
        str(Target("svm", name, configuration=name)) == "SVM a\\x1b[31m\\nb\\u202e, configuration a\\x1b[31m\\nb\\u202e"
    )
    error = BlockedError(name, remedy=name, meaning=f"{name}\n{name}")
    error.tried = name
    assert [char for char in error.text() if not char.isprintable()] == ["\n"] * 3
    assert "\\x1b[31m" in error.text()


def record(**more: t.Any) -> dict[str, t.Any]:
    return {"uuid": "u1", "scope": "svm", "svm": {"name": "vs0", "uuid": "s0"}, **more}


def test_an_inactive_configuration_is_never_a_substitute() -> None:
    active = Vault.of(record(uuid="a", enabled=True, configuration={"name": "default"}))
    inactive = Vault.of(record(uuid="b", enabled=False, configuration={"name": "second"}))
    assert pick((inactive, active), Target("svm", "vs0")) is active
    assert pick((inactive,), Target("svm", "vs0")) is None
    assert pick((inactive, active), Target("svm", "vs0", configuration="second")) is inactive
    assert pick((inactive, active), Target("svm", "vs0", configuration="third")) is None
    with pytest.raises(BlockedError, match="2 matching"):
        pick((active, active), Target("svm", "vs0"))


def test_a_query_value_with_operators_is_quoted() -> None:
    assert Target("svm", "vs0").query() == {"svm.name": "vs0"}
    assert Target.of({"svm_uuid": "ABC"}).query() == {"svm.uuid": "abc"}
    assert Target("svm", "vs*|!x").query() == {"svm.name": '"vs*|!x"'}
    assert Target("cluster").query() == {"scope": "cluster"}


def test_a_record_is_cleaned_of_links_secrets_and_old_spellings() -> None:
    cleaned = clean_record(
        record(
            _links={"self": {"href": "/api/x"}},
            client_secret="canary",
            proxy_password="canary",
            client_certificate="canary",
            state={"cluster_state": False, "code": 346758, "message": "m"},
            ekmip_reachability=[{"node": {"name": "n1", "_links": {}}, "reachable": True, "code": 0}],
        )
    )
    assert "canary" not in str(cleaned)
    assert "_links" not in str(cleaned)
    assert cleaned["state"] == {"available": False, "code": "346758", "message": "m"}
    assert cleaned["ekmip_reachability"][0]["code"] == "0"


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_never_compared_or_queried(name: str) -> None:
    assert name not in COMPARED
    for params in ({"filters": {name: "x"}}, {"fields": [name]}, {"order_by": [name]}):
        with pytest.raises(InputError, match=name):
            Search.of(AKV, params)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"filters": {"colour": "x"}}, "filters names 'colour'"),
        ({"fields": ["state.colour"]}, r"fields names 'state\.colour'"),
        ({"fields": ["svm.{name,colour}"]}, "colour"),
        ({"order_by": ["name up"]}, "order_by"),
        ({"max_records": 0}, "max_records"),
        ({"max_records": 10001}, "max_records"),
        ({"return_timeout": 121}, "return_timeout"),
        ({"return_timeout": -1}, "return_timeout"),
        ({"uuid": "u", "svm": "vs0"}, "uuid"),
        ({"svm": "vs0", "filters": {"svm.name": "vs1"}}, r"svm\.name"),
        ({"svm": "vs0", "scope": "cluster"}, "scope is cluster"),
    ],
)
def test_a_query_that_cannot_be_meant(params: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Search.of(AKV, params)


def test_a_query_in_yaml_becomes_one_in_ontap() -> None:
    wanted = Search.of(
        AKV,
        {
            "filters": {
                "enabled": True,
                "client_id": ["a", "b"],
                "proxy_host": None,
                "proxy_port": 80,
                "name": "https*",
            },
            "fields": ["svm.{name,uuid}", "!state", "*"],
            "order_by": ["svm.name desc", "name"],
            "max_records": 5,
            "configuration": "a*",
        },
    )
    assert wanted.query() == {
        "enabled": "true",
        "client_id": "a|b",
        "proxy_host": "null",
        "proxy_port": "80",
        "name": "https*",
        "configuration.name": '"a*"',
        "order_by": "svm.name desc,name",
        "max_records": 5,
    }


OK = {"available": True, "code": "0", "message": ""}
FRESH = {
    "available": False,
    "code": "65537551",
    "message": "The internal key is unavailable on these nodes: Node: node1. Reason: No volumes created yet for it. "
    "The status will be available after creating encrypted volumes. Node: node2. Reason: No volumes created yet for "
    "the SVM. The status will be available after creating encrypted volumes.",
}
REACHABLE = {"reachable": True, "code": "0", "message": ""}
UNREACHABLE = {"reachable": False, "code": "65537549", "message": "AADSTS7000215: invalid secret"}


def kmip(*unreachable: str) -> list[dict[str, t.Any]]:
    return [
        {"node": {"name": n}, "reachable": n not in unreachable, "code": 65537552 if n in unreachable else 0}
        for n in ("node1", "node2")
    ]


ALL_WELL = {"state": OK, "azure_reachability": REACHABLE, "ekmip_reachability": kmip()}


@pytest.mark.parametrize(
    ("fields", "verdict", "nodes"),
    [
        (ALL_WELL, "healthy", []),
        ({"state": {"cluster_state": True, "code": 0}}, "healthy", []),
        ({"state": {"code": 0}}, "healthy", []),
        ({"state": {"code": "65537551", "message": ""}}, "keys_missing", []),
        (
            {"state": FRESH, "azure_reachability": REACHABLE, "ekmip_reachability": kmip()},
            "no_encrypted_volume_yet",
            ["node1", "node2"],
        ),
        # Only the one documented sentence counts, whatever else is said about volumes.
        (
            {"state": {"available": False, "message": "no encrypted volume exists yet on nodes: node1, node2"}},
            "keys_missing",
            ["node1", "node2"],
        ),
        (
            {
                "state": {
                    "available": False,
                    "message": "Node: n1. Reason: Key not found. Node: n2. Reason: No volumes created yet for the SVM. "
                    "Wrapped KEK status will be available after creating encrypted volumes.",
                }
            },
            "keys_missing",
            ["n1"],
        ),
        (
            {
                "state": {
                    "available": False,
                    "message": "Node: n1. Reason: KEK not restored. Run restore before bringing volumes online.",
                }
            },
            "keys_missing",
            ["n1"],
        ),
        (
            {"state": {"cluster_state": False, "message": "unavailable in following nodes - node1, node2."}},
            "keys_missing",
            ["node1", "node2"],
        ),
        ({"state": OK, "azure_reachability": UNREACHABLE, "ekmip_reachability": kmip()}, "azure_unreachable", []),
        (
            {"state": OK, "azure_reachability": REACHABLE, "ekmip_reachability": kmip("node2")},
            "node_unreachable",
            ["node2"],
        ),
        ({"state": FRESH, "azure_reachability": UNREACHABLE}, "azure_unreachable", ["node1", "node2"]),
        ({"azure_reachability": REACHABLE}, "unknown", []),
        ({}, "unknown", []),
        ({"state": OK, "enabled": False}, "unknown", []),
        # A code that is not 0 speaks against the flag beside it.
        ({**ALL_WELL, "state": {**OK, "code": "65537551"}}, "keys_missing", []),
        ({**ALL_WELL, "state": {**FRESH, "available": True}}, "keys_missing", ["node1", "node2"]),
        ({**ALL_WELL, "azure_reachability": {**REACHABLE, "code": 65537549}}, "azure_unreachable", []),
        (
            {**ALL_WELL, "ekmip_reachability": [{"node": {"name": "n1"}, "reachable": True, "code": "65537552"}]},
            "node_unreachable",
            ["n1"],
        ),
        ({**ALL_WELL, "state": {**OK, "available": False}}, "keys_missing", []),
        # Silence of a release that could speak is no good news.
        ({**ALL_WELL, "azure_reachability": None}, "unknown", []),
        ({**ALL_WELL, "azure_reachability": {}}, "unknown", []),
        ({**ALL_WELL, "ekmip_reachability": []}, "unknown", []),
        ({**ALL_WELL, "ekmip_reachability": [{"node": {"name": "n1"}}]}, "unknown", ["n1"]),
        ({"state": OK, "authentication_method": "client_secret"}, "unknown", []),
        ({"state": OK, "enabled": True}, "unknown", []),
        ({**ALL_WELL, "state": {"message": "?"}}, "unknown", []),
        ({**ALL_WELL, "state": FRESH, "azure_reachability": None}, "unknown", ["node1", "node2"]),
    ],
)
def test_health(fields: dict[str, t.Any], verdict: str, nodes: list[str]) -> None:
    judged = health(Vault.of(record(**fields)))
    assert (judged.verdict, list(judged.nodes)) == (verdict, nodes)
    assert bool(judged.reasons) == (fields != ALL_WELL)
    well = verdict in ("healthy", "no_encrypted_volume_yet")
    # What nobody knows is no good news, and no bad.
    assert judged.as_result()["usable"] is (None if verdict == "unknown" else well)


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        (ALL_WELL, False),
        ({**ALL_WELL, "state": FRESH}, False),
        ({**ALL_WELL, "state": {**OK, "available": False}}, True),
        # A worse verdict hides them, and what is known of them is said all the same.
        ({**ALL_WELL, "state": {**OK, "available": False}, "azure_reachability": UNREACHABLE}, True),
        ({**ALL_WELL, "azure_reachability": UNREACHABLE}, False),
        ({**ALL_WELL, "state": FRESH, "azure_reachability": UNREACHABLE}, False),
        ({**ALL_WELL, "azure_reachability": None}, False),
        ({**ALL_WELL, "state": {"message": "?"}}, None),
        ({**ALL_WELL, "state": None}, None),
        ({**ALL_WELL, "enabled": False}, None),
    ],
)
def test_whether_keys_are_missing_is_said_whatever_else_is_wrong(
    fields: dict[str, t.Any], missing: bool | None
) -> None:
    assert health(Vault.of(record(**fields))).as_result()["keys_missing"] is missing


LISTED = "AKV key protection is unavailable in following nodes - node1, node2."
NOT_RESTORED = "Node: node1. Reason: KEK not restored. Run restore before bringing volumes online."


@pytest.mark.parametrize(
    ("message", "nodes"),
    [
        (FRESH["message"], ["node1", "node2"]),
        (LISTED, ["node1", "node2"]),
        (NOT_RESTORED, ["node1"]),
        ("", []),
    ],
)
@pytest.mark.parametrize(("number", "verdict"), [(0, "no_encrypted_volume_yet"), (1, "keys_missing")])
@pytest.mark.parametrize("state", [{"available": False}, {"cluster_state": False, "code": 1}, {"code": "65537551"}])
def test_the_number_of_encrypted_volumes_decides(
    message: str, nodes: list[str], number: int, verdict: str, state: dict[str, t.Any]
) -> None:
    fields = {**ALL_WELL, "state": {**state, "message": message}}
    judged = health(replace(Vault.of(record(**fields)), encrypted_volumes=number))
    assert (judged.verdict, list(judged.nodes)) == (verdict, nodes)


def test_no_number_makes_a_contradiction_well() -> None:
    fields = {**ALL_WELL, "state": {**OK, "code": "65537551"}}
    judged = health(replace(Vault.of(record(**fields)), encrypted_volumes=0))
    assert judged.verdict == "keys_missing"
    assert "although available is true" in judged.reasons[0]


class Volumes:
    """A client that has an answer for /storage/volumes, and notes what it was asked."""

    def __init__(self, *records: t.Any, number: t.Any = 0) -> None:
        self.found, self.number = list(records), number
        self.asked: list[dict[str, t.Any]] = []

    def get(self, path: str, query: dict[str, t.Any]) -> dict[str, t.Any]:
        assert (path, query.pop("return_records")) == ("/api/storage/volumes", False)
        self.asked.append(query)
        return {"num_records": self.number}

    def records(self, _path: str, query: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        self.asked.append(query)
        return self.found


def unavailable(number: int, **more: t.Any) -> Vault:
    svm = {"name": f"vs{number}", "uuid": f"s{number}"}
    return Vault.of(record(**{"uuid": f"u{number}", "svm": svm, "state": {"available": False}, **more}))


def numbers(client: Volumes, *vaults: Vault) -> list[int | None]:
    return [vault.encrypted_volumes for vault in with_volumes(t.cast(t.Any, client), vaults)]


def test_volumes_are_counted_only_where_keys_are_unavailable() -> None:
    client = Volumes(number=3)
    known = [unavailable(0, state=state) for state in (OK, {**FRESH, "available": True}, {}, None)]
    assert numbers(client, *known, unavailable(1, enabled=False), unavailable(2, svm={})) == [None] * 6
    assert client.asked == []
    assert numbers(client, *known, unavailable(1)) == [None] * 4 + [3]
    assert client.asked.pop() == {"svm.name": "vs1", "encryption.type": "volume"}
    assert numbers(client, unavailable(1, svm={"uuid": "S9"})) == [3]
    assert client.asked.pop() == {"svm.uuid": "s9", "encryption.type": "volume"}
    assert numbers(client, unavailable(1, svm={"name": "a*b"})) == [3]
    assert client.asked.pop()["svm.name"] == '"a*b"'
    cluster = unavailable(7, scope="cluster", svm=None)
    assert numbers(client, cluster) == [None]
    assert client.asked.pop() == {"encryption.type": "volume|aggregate"}
    assert numbers(Volumes(number=0), cluster) == [0]
    with pytest.raises(TransportError, match="num_records"):
        numbers(Volumes(number=None), unavailable(1))


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([], [0, 0, 0]),
        ([{"svm": {"name": "vs1", "uuid": "S1"}}] * 2, [0, 2, None]),
        ([{"svm": {"uuid": "s0"}}, {"svm": {"name": "vs1"}}, {"svm": {"name": "vs8"}}], [1, 1, None]),
        ([{"svm": {"name": "vs0"}, "encryption": {"type": "aggregate"}}], [0, 0, None]),
        # Nobody knows whose these are.
        ([{"svm": {"name": "vs0"}}, {}], [None, None, None]),
        ([{"svm": None}], [None, None, None]),
        ([{"svm": {}}], [None, None, None]),
    ],
)
def test_volumes_of_several_svms_are_told_apart(records: list[dict[str, t.Any]], found: list[int | None]) -> None:
    client = Volumes(*records)
    assert numbers(client, unavailable(0), unavailable(1), unavailable(7, scope="cluster", svm=None)) == found
    assert len(client.asked) == 1


@given(text=st.text())
def test_text_alone_makes_nothing_well(text: str) -> None:
    """Whatever ONTAP says, in whatever words, where the number of volumes is not known."""
    state = {"available": False, "message": text}
    assert health(Vault.of(record(**{**ALL_WELL, "state": state}))).verdict == "keys_missing"


# Undescribed settings


@pytest.mark.parametrize(
    ("actual", "given", "found"),
    [
        ({"proxy_host": "p.example.com", "proxy_type": "http"}, {}, ["proxy_type", "proxy_host"]),
        ({"proxy_host": "p.example.com"}, {"proxy_host": "other.example.com"}, []),
        ({"proxy_host": "p.example.com", "proxy_port": 3128}, {"proxy_host": "p.example.com"}, ["proxy_port"]),
        ({"proxy_host": "", "proxy_port": 0, "proxy_username": None}, {}, []),
        ({"oauth_host": "LOGIN.microsoftonline.com", "vault_host": "vault.azure.net", "port": 443}, {}, []),
        ({"oauth_host": "login.microsoftonline.us", "port": 8443}, {}, ["oauth_host", "port"]),
        ({"vault_host": "vault.attacker.example"}, {"oauth_host": "login.microsoftonline.com"}, ["vault_host"]),
        ({"vault_host": "vault.azure.cn"}, {"vault_host": "vault.azure.cn"}, []),
        ({"verify_host": False, "verify_ip": True, "skip_verification": True}, {}, []),
    ],
)
def test_undescribed_settings(actual: dict[str, t.Any], given: dict[str, t.Any], found: list[str]) -> None:
    current = Vault.of(record(**actual))
    wanted = Desired.of({"svm": "vs0", **given})
    assert wanted.undescribed(current) == [{"field": name, "actual": actual[name]} for name in found]
    assert wanted.undescribed(None) == []
    assert Desired.of({"svm": "vs0", "state": "absent"}).undescribed(current) == []
