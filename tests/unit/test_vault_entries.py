# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter vault_entries: what wins over what, and that no message shows a secret."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.filter.vault_entries import FilterModule

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


@pytest.mark.parametrize("value", ["hidden", ["hidden"], None, {}, {"hidden": "x"}, {"secret": "hidden"}])
def test_what_is_no_credential_is_refused_without_showing_it(value: t.Any) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        one({"client_id": CLIENT}, credentials={CLIENT: value})
    assert CLIENT in str(caught.value)
    assert "client_secret" in str(caught.value)
    assert "hidden" not in str(caught.value)
