# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's health monitor of key managers: release gates, ranges and codes."""

from __future__ import annotations

import typing as t

import pytest

from tests.unit.simulator.conftest import Client

PATH = "/api/security/key-manager-configs"
Fresh = t.Callable[[str], Client]


@pytest.mark.parametrize(
    ("release", "known"),
    [
        ("9.9.1", None),
        ("9.10.1", {"health_monitor_polling_interval"}),
        ("9.11.1", {"health_monitor_polling_interval", "cloud_kms_retry_count"}),
        ("9.14.1", {"health_monitor_polling_interval", "cloud_kms_retry_count"}),
        ("9.15.1", {"health_monitor_polling_interval", "cloud_kms_retry_count", "health_monitor_policy"}),
    ],
)
def test_each_release_has_its_fields(cluster: Fresh, release: str, known: set[str] | None) -> None:
    client = cluster(release)
    if known is None:
        assert client.code("GET", PATH) == "3"
        return
    assert client.get(PATH, params={"fields": "**"}).keys() - {"_links"} == known | {"cc_mode_enabled"}
    for field in ("cloud_kms_retry_count", "health_monitor_policy"):
        assert (client.code("GET", PATH, params={"fields": field}) == "") is (field in known)
    client.ontap.add_vault("vs0")
    assert client.code("PATCH", PATH, json={"health_monitor_polling_interval": 20}) == ""
    for body in ({"cloud_kms_retry_count": 5}, {"health_monitor_policy": {"akv": {"enabled": False}}}):
        assert client.code("PATCH", PATH, json=body) == ("" if set(body) <= known else "262179")


def test_barbican_comes_later(cluster: Fresh) -> None:
    body = {"health_monitor_policy": {"barbican": {"enabled": False}}}
    assert cluster("9.16.1").code("PATCH", PATH, json=body) == "262179"
    assert cluster("9.17.1").code("PATCH", PATH, json=body) == ""


def test_what_is_set_is_shown_and_the_rest_stays(newest: Client) -> None:
    newest.ontap.add_vault("vs0")
    body = {"health_monitor_polling_interval": 30, "health_monitor_policy": {"akv": {"manage_volume_offline": False}}}
    assert newest("PATCH", PATH, json=body).json() == {}
    shown = newest.get(PATH, params={"fields": "*,health_monitor_policy"})
    assert (shown["health_monitor_polling_interval"], shown["cloud_kms_retry_count"]) == (30, 3)
    assert shown["health_monitor_policy"]["akv"] == {"enabled": True, "manage_volume_offline": False}
    assert shown["health_monitor_policy"]["kmip"] == {"enabled": True, "manage_volume_offline": True}


@pytest.mark.parametrize(
    "body",
    [
        {"health_monitor_polling_interval": 14},
        {"health_monitor_polling_interval": 31},
        {"health_monitor_polling_interval": "20"},
        {"cloud_kms_retry_count": 11},
        {"health_monitor_policy": {"akv": {"enabled": "false"}}},
        {"cloud_kms_retry_count": None},
    ],
)
def test_values_have_types_and_ranges(newest: Client, body: dict[str, t.Any]) -> None:
    newest.ontap.add_vault("vs0")
    before = newest.sim.snapshot()
    assert newest.code("PATCH", PATH, json=body) == "262197"
    assert newest.sim.snapshot() == before


def test_codes(cluster: Fresh) -> None:
    newest = cluster("9.18.1")
    interval = {"health_monitor_polling_interval": 20}
    assert newest.code("PATCH", PATH, json={}) == "262190"
    assert newest.code("PATCH", PATH, json=interval) == "65537304"
    newest.ontap.add_key_manager(None, "okm")
    assert newest.code("PATCH", PATH, json=interval) == "65537304"
    newest.ontap.add_vault("vs0")
    assert newest.code("PATCH", PATH, json=interval) == ""
    newest.ontap.switch(cloud_is_no_external_manager=True)
    assert newest.code("PATCH", PATH, json=interval) == "65537304"
    for version, body, code in (
        ("9.9.1", interval, "65537303"),
        ("9.10.1", {"cloud_kms_retry_count": 5}, "65538404"),
        ("9.14.1", {"health_monitor_policy": {"akv": {"enabled": False}}}, "65539303"),
    ):
        newest.ontap.set_site(effective_version=version)
        assert newest.code("PATCH", PATH, json=body) == code
    assert newest.code("PATCH", PATH, json=interval, headers={"X-Dot-SVM-Name": "vs0"}) == "6"
