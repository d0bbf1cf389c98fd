# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter vault_entries: what wins over what, and that no message shows a secret."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from jinja2 import StrictUndefined

from ansible_collections.ontap.security.plugins.filter.vault_entries import FilterModule
from tests.awx.extra_vars import OMITTED

vault_entries = FilterModule().filters()["vault_entries"]

CLIENT, OTHER = "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa", "bbbbbbbb-cccc-bbbb-cccc-bbbbbbbbbbbb"
CREDENTIALS = {CLIENT: {"client_secret": "of the application", "proxy_password": "of the proxy"}}


def one(entry: dict[str, t.Any], **others: t.Any) -> dict[str, t.Any]:
    (merged,) = vault_entries([entry], **others)
    return t.cast("dict[str, t.Any]", merged)


def test_nothing_gives_nothing() -> None:
    assert vault_entries([]) == []
    assert vault_entries([], cluster={}, defaults={"name": "v"}, credentials=CREDENTIALS) == []


def test_an_entry_wins_over_the_defaults() -> None:
    merged = one({"svm": "vs0", "name": "own", "proxy_host": ""}, defaults={"name": "v", "port": 1, "proxy_host": "p"})
    assert merged == {"svm": "vs0", "name": "own", "port": 1, "proxy_host": ""}


def test_the_cluster_comes_first_and_has_its_scope() -> None:
    entries = vault_entries([{"svm": "vs0"}], cluster={"state": "present"}, defaults={"name": "v"})
    assert entries == [{"scope": "cluster", "state": "present", "name": "v"}, {"svm": "vs0", "name": "v"}]


@pytest.mark.parametrize(
    ("entry", "defaults"),
    [
        ({"client_id": CLIENT}, {}),
        ({"client_id": CLIENT.upper()}, {}),
        ({}, {"client_id": CLIENT}),
        ({"client_id": CLIENT}, {"client_id": OTHER}),
        ({"client_secret": ""}, {"client_id": CLIENT}),
        ({}, {"client_id": CLIENT, "client_secret": "the default"}),
        ({}, {"client_id": CLIENT, "client_certificate": "the default"}),
    ],
)
def test_a_credential_is_found_by_client_id(entry: dict[str, t.Any], defaults: dict[str, t.Any]) -> None:
    merged = one(entry, defaults=defaults, credentials=CREDENTIALS)
    assert merged["client_secret"] == "of the application"
    assert merged["proxy_password"] == "of the proxy"
    assert "client_certificate" not in merged


@pytest.mark.parametrize("name", ["client_secret", "client_certificate"])
def test_the_entry_s_own_credential_wins(name: str) -> None:
    merged = one({"client_id": CLIENT, name: "own"}, defaults={"client_secret": "the default"}, credentials=CREDENTIALS)
    assert {key: merged.get(key) for key in ("client_secret", "client_certificate") if key in merged} == {name: "own"}
    assert merged["proxy_password"] == "of the proxy"


def test_both_credentials_of_one_entry_stay_for_the_module_to_refuse() -> None:
    both = {"client_secret": "s", "client_certificate": "c"}
    assert one(both) == both


def test_the_credential_of_the_defaults_is_for_their_application() -> None:
    defaults = {"client_id": CLIENT, "client_secret": "d", "proxy_password": "p"}
    assert one({"client_id": CLIENT.upper()}, defaults=defaults)["client_secret"] == "d"
    assert one({"client_id": OTHER}, defaults=defaults) == {"client_id": OTHER, "proxy_password": "p"}


def test_without_a_credential_there_is_none() -> None:
    assert one({"client_id": OTHER}, credentials=CREDENTIALS) == {"client_id": OTHER}
    assert one({"client_id": OTHER}, defaults={"client_secret": "d"}, credentials=CREDENTIALS) == {
        "client_id": OTHER,
        "client_secret": "d",
    }
    assert one({}, credentials={"None": {"client_secret": "s"}}) == {}


def test_nothing_given_is_changed() -> None:
    entry, defaults = {"svm": "vs0", "client_id": CLIENT}, {"name": "v", "client_secret": "d"}
    one(entry, cluster={}, defaults=defaults, credentials=CREDENTIALS)
    assert (entry, defaults) == ({"svm": "vs0", "client_id": CLIENT}, {"name": "v", "client_secret": "d"})
    assert CREDENTIALS == {CLIENT: {"client_secret": "of the application", "proxy_password": "of the proxy"}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"svms": [["hidden"]]}, "azure_key_vault_svms: entry 0 is a list"),
        ({"svms": [[{"svm": "vs0", "client_secret": "hidden"}]]}, "azure_key_vault_svms: entry 0 is a list"),
        (
            {"svms": [{"svm": "vs0"}, "hidden", 5, None]},
            "entry 1 is text, and must be a dictionary; azure_key_vault_svms: entry 2 is a number",
        ),
        ({"svms": "hidden"}, "azure_key_vault_svms is text, and must be a list of dictionaries"),
        ({"svms": {"svm": "hidden"}}, "azure_key_vault_svms is a dictionary"),
        ({"svms": [{"svm": "vs0", "secret": "hidden"}]}, "azure_key_vault_svms.secret is no option here (entry 0)"),
        ({"svms": [{"svm": "vs0", "client_secret": ["hidden"]}]}, "azure_key_vault_svms.client_secret is a list"),
        ({"svms": [{"svm": "vs0", "client_secret": datetime.date(2026, 1, 1)}]}, "svms.client_secret is a date"),
        ({"svms": [{"svm": ["hidden"]}]}, "azure_key_vault_svms.svm is a list"),
        ({"svms": [{"svm": False}]}, "svm of azure_key_vault_svms, entry 0 is false"),
        ({"svms": [{"svm": "vs0", "port": "hidden"}]}, "azure_key_vault_svms.port is text"),
        ({"svms": [{"svm": "vs0", "state": "hidden"}]}, "svms.state must be one of: present, absent (entry 0)"),
        (
            {"svms": [{"svm": "vs0", "client_secret:hidden": None}]},
            "azure_key_vault_svms.client_secret... is no option",
        ),
        ({"defaults": ["hidden"]}, "azure_key_vault_defaults is a list, and must be a dictionary"),
        ({"defaults": "hidden"}, "azure_key_vault_defaults is text"),
        ({"defaults": {"client_secert": "hidden"}}, "azure_key_vault_defaults.client_secert is no option"),
        ({"defaults": {"svm": "hidden"}}, "azure_key_vault_defaults.svm is no option"),
        (
            {"defaults": {"proxy_password": {"value": "hidden"}}},
            "azure_key_vault_defaults.proxy_password is a dictionary",
        ),
        ({"cluster": ["hidden"]}, "azure_key_vault_cluster is a list"),
        ({"cluster": {"client_secret": 42798}}, "azure_key_vault_cluster.client_secret is a number"),
        ({"credentials": ["hidden"]}, "azure_key_vault_credentials is a list"),
        ({"credentials": "hidden"}, "azure_key_vault_credentials is text"),
        (
            {"credentials": {CLIENT: {"client_secret": ["hidden"]}}},
            f"client_id {CLIENT} cannot be used: azure_key_vault_c",
        ),
        ({"credentials": {CLIENT: {"client_secret": 42798}}}, "azure_key_vault_credentials.client_secret is a number"),
        ({"credentials": {"hidden ~": {}}}, "The credentials of client_id (a name of 8 characters) are not"),
        (
            {"svms": ["hidden"], "cluster": "hidden", "defaults": "hidden", "credentials": "hidden"},
            "azure_key_vault_cluster is text, and must be a dictionary; azure_key_vault_defaults is text, and must be "
            "a dictionary; azure_key_vault_credentials is text, and must be a dictionary; azure_key_vault_svms: e",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_without_showing_it(given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        vault_entries(**{"svms": [], **given})
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "42798" not in str(caught.value)


@pytest.mark.parametrize("name", ["svms", "cluster", "defaults", "credentials"])
def test_what_is_undefined_is_not_asked_for_anything(name: str) -> None:
    """Older releases of Ansible would show the value around it, as here."""
    undefined = StrictUndefined("{'client_secret': 'hidden', 'key_id': '{{ nope }}'}: 'nope' is undefined")
    for given in (undefined, [{"svm": undefined}]) if name == "svms" else (undefined, {"key_id": undefined}):
        with pytest.raises(
            AnsibleFilterError, match=f"azure_key_vault_{name}.* is undefined, in whole or in part"
        ) as caught:
            vault_entries(**{"svms": [], name: given})
        assert "hidden" not in str(caught.value)
    for option in ("port", "verify_host", "state", "client_secret"):
        with pytest.raises(AnsibleFilterError, match=rf"svms.*{option} is undefined, in whole or in part"):
            one({"svm": "vs0", option: undefined})


def test_what_takes_an_option_away_is_no_mistake() -> None:
    nothing = {"port": "", "state": "", "verify_host": None, "proxy_type": OMITTED[0]}
    assert one({"svm": "vs0", **nothing}, defaults=nothing, cluster={}, credentials={})["svm"] == "vs0"
    assert vault_entries([], cluster=None, defaults="", credentials=None) == []


@pytest.mark.parametrize("value", ["hidden", ["hidden"], None, {}, {"hidden": "x"}, {"secret": "hidden"}])
def test_what_is_no_credential_is_refused_without_showing_it(value: t.Any) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        one({"client_id": CLIENT}, credentials={CLIENT: value})
    assert CLIENT in str(caught.value)
    assert "client_secret" in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("omitted", OMITTED, ids=["2.16", "2.19"])
def test_what_is_omitted_counts_as_not_given(omitted: object) -> None:
    """At any depth, and in each part: what is beneath it is not taken away."""
    defaults = {"client_id": CLIENT, "key_id": "k", "port": 1, "proxy_host": omitted, "client_secret": omitted}
    entry = {"svm": "vs0", "key_id": omitted, "client_id": omitted, "port": omitted, "proxy_password": omitted}
    expected = {"svm": "vs0", "key_id": "k", "client_id": CLIENT, "port": 1}
    assert one(entry, defaults=defaults) == expected
    assert one(entry, defaults=defaults, credentials=CREDENTIALS) == {**expected, **CREDENTIALS[CLIENT]}
    assert one({"svm": "vs0", "client_secret": omitted}, defaults={"client_secret": "d"})["client_secret"] == "d"
    # The credential of the defaults is not sent for another application because its ID is omitted.
    other = {CLIENT: {"client_secret": omitted, "proxy_password": "p"}, OTHER: omitted}
    assert one(entry, defaults=defaults, credentials=other) == {**expected, "proxy_password": "p"}
    assert one({"client_id": OTHER}, defaults={**defaults, "client_secret": "d"}, credentials=other) == {
        "client_id": OTHER,
        "key_id": "k",
        "port": 1,
    }
    assert one({"client_id": CLIENT}, credentials={CLIENT: {"client_secret": omitted}}) == {"client_id": CLIENT}
    # Whole entries, and whole parts.
    assert vault_entries(
        [omitted, {"svm": "vs0"}, omitted], cluster=omitted, defaults=omitted, credentials=omitted
    ) == [{"svm": "vs0"}]
    assert vault_entries(omitted, cluster={"state": omitted}) == []
    assert vault_entries([], cluster={"state": "present", "key_id": omitted}, defaults={"key_id": "k"}) == [
        {"scope": "cluster", "state": "present", "key_id": "k"}
    ]


def test_nothing_at_all() -> None:
    """As answers of a survey that was left empty, and variables of a file with nothing behind the name."""
    for nothing in (None, "", " "):
        assert vault_entries(nothing, cluster=nothing, defaults=nothing, credentials=nothing) == []


@pytest.mark.parametrize("lost", [False, True, 83, 1.5, datetime.date(2026, 1, 1)], ids=repr)
def test_a_name_that_yaml_has_read_as_something_else_is_refused(lost: object) -> None:
    for svms, defaults, where in (
        ([{"svm": "vs0"}, {"svm": lost}], {}, "svm of azure_key_vault_svms, entry 1"),
        ([{"svm": "vs0"}], {"proxy_username": lost}, "proxy_username of azure_key_vault_svms, entry 0"),
    ):
        with pytest.raises(AnsibleFilterError, match=f"^{where} is .* what was written is lost"):
            vault_entries(svms, defaults=defaults)
    with pytest.raises(AnsibleFilterError, match="^configuration of azure_key_vault_cluster is "):
        vault_entries([], cluster={"configuration": lost})
    # A number where a number is meant, and a text in quotes.
    assert one({"svm": "no", "port": 443, "verify_ip": False}) == {"svm": "no", "port": 443, "verify_ip": False}


@pytest.mark.parametrize(
    ("svms", "others"),
    [
        (["hidden"], {}),
        ([["hidden"]], {}),
        ("hidden", {}),
        ({"svm": "hidden"}, {}),
        (7, {}),
        ([], {"cluster": "hidden"}),
        ([], {"defaults": ["hidden"]}),
        ([], {"credentials": ["hidden"]}),
        ([{"svm": ["hidden"]}], {}),
        ([{"client_id": {"hidden": 1}}], {}),
    ],
)
def test_what_is_no_entry_is_refused_without_showing_it(svms: t.Any, others: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        vault_entries(svms, **others)
    assert "hidden" not in str(caught.value)


def test_what_all_have_in_common_is_taken_away_by_an_empty_text() -> None:
    """As where all SVMs move to another vault, and the configuration before is to go."""
    shared = {"configuration": "west", "enabled": True}
    entries = vault_entries(
        [{"svm": "vs0"}, {"svm": "vs0", "configuration": "default", "state": "absent", "enabled": ""}], defaults=shared
    )
    assert [entry["enabled"] for entry in entries] == [True, ""]
