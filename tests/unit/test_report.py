# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as data, as text, and merged."""

from __future__ import annotations

import copy
import csv
import functools
import hashlib
import io
import itertools
import json
import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

from ansible_collections.ontap.security.plugins.filter.drift_report import drift_report
from ansible_collections.ontap.security.plugins.filter.merge_drift_reports import merge_drift_reports
from ansible_collections.ontap.security.plugins.filter.render_drift_report import RENDERERS, render_drift_report
from ansible_collections.ontap.security.plugins.plugin_utils._report import formats as _report_text
from ansible_collections.ontap.security.plugins.plugin_utils._report import model as _report
from ansible_collections.ontap.security.plugins.plugin_utils._report import values
from ansible_collections.ontap.security.plugins.plugin_utils._report.groups import groups, unasked
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import rows
from ansible_collections.ontap.security.plugins.plugin_utils._report.uses import uses
from tests.support.reports import (
    FOUND,
    HOSTILE,
    KEY,
    MONDAY,
    NO_ANSWER,
    OTHER_KEY,
    REFUSED,
    TUESDAY,
    VALIDATOR,
    VAULT,
    WEDNESDAY,
    answer,
    different,
    drifted,
    fleet,
    hostile_report,
    ignoring,
    ill,
    large,
    make,
    vault,
)

# The formats for people and programs that take words; of metrics there are only numbers.
WORDED = [name for name in RENDERERS if name != "prom"]


def host(report: dict[str, t.Any], name: str = "c1") -> dict[str, t.Any]:
    return next(h for h in report["hosts"] if h["host"] == name)


def first(report: dict[str, t.Any]) -> dict[str, t.Any]:
    """The first difference of the first configuration of c1."""
    return t.cast("dict[str, t.Any]", host(report)["vaults"][0]["drift"][0])


def test_the_schema_is_one_and_names_its_version() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)
    properties = VALIDATOR.schema["properties"]
    assert properties["schema"]["const"] == _report.SCHEMA
    assert properties["schema_version"]["const"] == _report.SCHEMA_VERSION


def test_the_top_level() -> None:
    report = make({"c1": answer(vault())})
    top = ["schema", "schema_version", "collection_version", "started", "ended", "provenance", "summary", "hosts"]
    assert list(report) == top
    assert report["schema"] == "ontap.security/drift-report"
    assert report["summary"]["verdict"] == "in_sync"
    assert host(report)["vaults"][0]["credentials"] == "not_compared"
    shown = make({"c1": answer(vault("vs0", key_version="latest"), vault("vs1", key_version=None))})
    assert [entry["key_version"] for entry in host(shown)["vaults"]] == ["latest", None]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({}, "error"),
        ({"msg": "a template is wrong"}, "error"),
        ({"unreachable": True, "msg": "ssh"}, "unreachable"),
        (NO_ANSWER, "unreachable"),
        ({"msg": "bad gateway", "error": {"code": None, "http_status": 502, "method": "GET"}}, "unreachable"),
        (REFUSED, "error"),
        ({"msg": "bad input", "error": {"code": None, "http_status": None, "method": None}}, "error"),
        (answer(vault("vs0", "error", error={"msg": "no such SVM"}), msg="1 of 1 failed"), "error"),
    ],
)
def test_what_could_not_be_compared_is_never_fine(result: dict[str, t.Any], status: str) -> None:
    report = make({"c1": result, "c2": answer(vault())})
    assert host(report)["status"] == status
    assert host(report)["error"]["msg"]
    assert report["summary"]["verdict"] == "error"
    assert report["summary"]["hosts"]["in_sync"] == 1
    assert report["summary"]["coverage"]["hosts"] == 50
    assert "Everything is as described" not in render_drift_report(report, "text")


def test_what_waits_for_approval_is_listed_and_is_no_error() -> None:
    """Whether or not there is a difference to list, which a secret alone is not."""
    held = {"msg": "Could not update the configuration: request (index 7) requires approval.", "code": "262325"}
    for waiting in (
        vault("vs0", "waiting_for_approval", error=held),
        {**drifted(client_id=("one", "two")), "verdict": "waiting_for_approval", "error": held},
    ):
        report = make({"c1": answer(waiting, msg="1 of 1 configurations wait for approval")})
        assert (host(report)["status"], report["summary"]["verdict"]) == ("ok", "drift")
        assert report["summary"]["configurations"]["waiting_for_approval"] == 1
        for name in RENDERERS:
            assert "index 7" in render_drift_report(report, name) or name in ("text", "txt", "prom"), name
        assert "1 waiting for approval" in render_drift_report(report, "text")


def test_a_cluster_for_which_nothing_is_described_is_named() -> None:
    report = make({"c1": answer(), "c2": answer(vault())})
    assert report["summary"]["hosts"]["nothing_described"] == 1
    assert any("c1" in warning for warning in report["summary"]["warnings"])
    assert "not every cluster is described" in render_drift_report(report, "text")


def test_no_host_at_all_is_not_fine() -> None:
    assert make({})["summary"]["verdict"] == "error"


@pytest.mark.parametrize(
    ("field", "desired", "actual", "severity"),
    [
        ("name", "https://a.vault.azure.net", "https://b.vault.azure.net", "high"),
        ("key_id", "one", "two", "high"),
        ("tenant_id", "one", None, "high"),
        ("client_id", "one", "two", "high"),
        ("proxy_host", "one", "two", "medium"),
        ("port", 443, 8443, "medium"),
        ("proxy_host", "one", None, "medium"),
        ("vault_host", "one", "two", "medium"),
        # Where the secret is sent, and what keeps somebody else from taking it there.
        ("verify_host", True, False, "high"),
        ("verify_ip", True, None, "high"),
        ("oauth_host", "one", None, "high"),
        ("proxy_username", "Someone", "someone ", "low"),
        ("port", 443, "443", "low"),
    ],
)
def test_severities(field: str, desired: t.Any, actual: t.Any, severity: str) -> None:
    report = make({"c1": answer(drifted(**{field: (desired, actual)}))})
    assert first(report)["severity"] == severity
    assert host(report)["vaults"][0]["severity"] == severity
    assert report["summary"]["severities"][severity] == 1
    assert report["summary"]["verdict"] == "drift"


@pytest.mark.parametrize("verdict", ["azure_unreachable", "keys_missing", "node_unreachable"])
@pytest.mark.parametrize("described", ["in_sync", "unmanaged"])
def test_azure_or_keys_out_of_reach_is_critical(verdict: str, described: str) -> None:
    looked = {"c1": answer(vault(verdict=described, health=ill(verdict)))}
    report = make(looked)
    assert report["summary"]["verdict"] == "critical"
    assert host(report)["vaults"][0]["health"]["severity"] == "critical"
    for name in WORDED:
        assert verdict in render_drift_report(report, name) or (name, described) == ("text", "unmanaged"), name
    later = make(looked, TUESDAY, previous=report)
    assert host(later)["vaults"][0]["first_seen"] == MONDAY
    excused = make(looked, ignore=ignoring(field="health") + ignoring(field="unmanaged"))
    assert excused["summary"]["verdict"] == "in_sync"


@pytest.mark.parametrize(
    "fields",
    [
        {"health": ill("healthy")},
        {"health": ill("no_encrypted_volume_yet")},
        # ONTAP reports none of these.
        {"health": ill("unknown"), "enabled": False},
    ],
)
def test_nothing_is_wrong_with_that_health(fields: dict[str, t.Any]) -> None:
    assert make({"c1": answer(vault(**fields))})["summary"]["verdict"] == "in_sync"


@pytest.mark.parametrize("enabled", [True, None])
def test_health_that_nobody_knows_is_not_fine(enabled: bool | None) -> None:
    report = make({"c1": answer(vault(health=ill("unknown"), enabled=enabled))})
    assert report["summary"]["verdict"] == "drift"
    assert host(report)["vaults"][0]["health"]["severity"] == "high"
    for name in WORDED:
        assert "unknown" in render_drift_report(report, name), name
    assert "the health of some configurations is unknown" in render_drift_report(report, "text")


def without_health(**more: t.Any) -> dict[str, t.Any]:
    found = vault(**more)
    del found["health"]
    return found


@pytest.mark.parametrize("asked", [True, False])
def test_health_that_was_not_asked_for_is_said_in_every_format(asked: bool) -> None:
    """Whether the one who makes the report knows, or only what was found does."""
    for found in (answer(without_health()), answer(without_health(verdict="unmanaged"))):
        report = make({"c1": found}, health=asked)
        assert report["summary"]["health_asked"] is False
        for name in WORDED:
            assert "ealth was not asked for" in render_drift_report(report, name), name
        assert "described, and health was not asked for" in render_drift_report(report, "text").splitlines()[0]
        assert ", and health was not asked for.**" in render_drift_report(report, "md")
        (row,) = (row for row in csv.DictReader(io.StringIO(render_drift_report(report, "csv"))) if row["host"])
        assert row["health"] == "not_asked"
    for looked in ({"c1": answer()}, {"c1": NO_ANSWER}, {}):
        text = render_drift_report(make(looked, health=False), "text")
        assert "health was not asked for" in text.splitlines()[0]
    text = render_drift_report(make({"c1": answer(vault())}), "text")
    assert "not asked" not in text


def test_the_cluster_itself_where_somebody_asked() -> None:
    found = {"cluster": {"name": "prod", "uuid": "u", "release": "9.16.1"}}
    report = make({"c1": answer(vault()), "c2": answer(vault())}, clusters={"c1": found, "c2": {"skipped": True}})
    assert host(report)["cluster"] == {"name": "prod", "uuid": "u"}
    assert host(report)["release"] == "9.16.1"
    assert host(report, "c2")["cluster"] is None
    assert not report["summary"]["warnings"]
    refused = make({"c1": answer(vault())}, clusters={"c1": REFUSED})
    assert refused["summary"]["verdict"] == "in_sync"
    assert refused["summary"]["warnings"] == ["c1: name, UUID and release could not be read: refused"]


def undescribed(**fields: t.Any) -> dict[str, t.Any]:
    return vault(undescribed=[{"field": name, "actual": actual} for name, actual in fields.items()])


@pytest.mark.parametrize(
    ("field", "actual", "severity"),
    [
        ("proxy_host", "proxy.attacker.example", "high"),
        ("oauth_host", "login.attacker.example", "high"),
        ("vault_host", "vault.attacker.example", "high"),
        ("port", 8443, "medium"),
        ("proxy_type", "http", "medium"),
        ("proxy_port", 3128, "medium"),
        ("proxy_username", "somebody", "medium"),
    ],
)
def test_what_nobody_described_is_a_finding(field: str, actual: t.Any, severity: str) -> None:
    looked = {"c1": answer(undescribed(**{field: actual}))}
    report = make(looked)
    (found,) = host(report)["vaults"][0]["undescribed"]
    assert (found["field"], found["actual"], found["severity"]) == (field, actual, severity)
    assert report["summary"]["verdict"] == "drift"
    assert report["summary"]["severities"][severity] == 1
    assert report["summary"]["hosts"]["differing"] == 1
    assert report["summary"]["configurations"]["undescribed"] == 1
    for name in WORDED:
        text = render_drift_report(report, name)
        assert "undescribed" in text, name
        assert str(actual) in text or name == "text", name
        assert "Everything is as described" not in text, name
    later = make(looked, TUESDAY, previous=report)
    assert host(later)["vaults"][0]["undescribed"][0]["first_seen"] == MONDAY
    excused = make(looked, ignore=ignoring(field=field[:4] + "*"))
    assert excused["summary"]["verdict"] == "in_sync"
    assert excused["summary"]["ignore"][0]["matches"] == 1
    # What was described until yesterday is as old as the difference that it was.
    before = make({"c1": answer(drifted(**{field: ("wanted", actual)}))})
    assert host(make(looked, TUESDAY, previous=before))["vaults"][0]["undescribed"][0]["first_seen"] == MONDAY


def test_the_worst_undescribed_setting_comes_first() -> None:
    report = make({"c1": answer(undescribed(port=1, proxy_host="p", oauth_host="o"))})
    found = host(report)["vaults"][0]["undescribed"]
    assert [setting["field"] for setting in found] == ["oauth_host", "proxy_host", "port"]
    assert host(report)["vaults"][0]["severity"] == "high"


def test_first_seen_is_carried_over() -> None:
    monday = make({"c1": answer(drifted())})
    assert first(monday)["first_seen"] == MONDAY
    changed = drifted(client_id=("wanted", "something else"), port=(1, 2))
    tuesday = make({"c1": answer(changed)}, TUESDAY, previous=json.dumps(monday))
    assert {d["field"]: d["first_seen"] for d in host(tuesday)["vaults"][0]["drift"]} == {
        "client_id": MONDAY,
        "port": TUESDAY,
    }
    assert host(tuesday)["vaults"][0]["first_seen"] == MONDAY
    # It was mended in between.
    mended = make({"c1": answer(vault())}, TUESDAY, previous=monday)
    assert first(make({"c1": answer(drifted())}, WEDNESDAY, previous=mended))["first_seen"] == WEDNESDAY


@pytest.mark.parametrize("result", [NO_ANSWER, {}, answer(vault("vs0", "error", error={"msg": "x"}), msg="x")])
def test_first_seen_survives_a_night_without_an_answer(result: dict[str, t.Any]) -> None:
    monday = make({"c1": answer(drifted())})
    tuesday = make({"c1": result}, TUESDAY, previous=monday)
    assert host(tuesday)["remembered"][0]["field"] == "client_id"
    assert first(make({"c1": answer(drifted())}, WEDNESDAY, previous=tuesday))["first_seen"] == MONDAY


@pytest.mark.parametrize("previous", ["", None, "not JSON", "{}", "[]", '{"schema": "other"}', {"schema_version": 2}])
def test_a_previous_report_that_cannot_be_used_is_no_obstacle(previous: t.Any) -> None:
    report = make({"c1": answer(drifted())}, previous=previous)
    assert first(report)["first_seen"] == MONDAY
    assert bool(report["summary"]["warnings"]) == bool(previous)


@pytest.mark.parametrize(
    ("patterns", "ignored"),
    [
        ({}, True),
        ({"host": "c*", "svm": "vs?", "field": "client_*"}, True),
        ({"host": "other"}, False),
        ({"svm": "vs1"}, False),
        ({"field": "port"}, False),
    ],
)
def test_exceptions(patterns: dict[str, str], ignored: bool) -> None:
    report = make({"c1": answer(drifted())}, ignore=ignoring(**patterns))
    assert first(report)["ignored"] is ignored
    assert report["summary"]["verdict"] == ("in_sync" if ignored else "drift")
    assert report["summary"]["configurations"]["drifted"] == 1
    assert report["summary"]["configurations"]["ignored"] == int(ignored)
    assert report["summary"]["ignore"][0]["matches"] == int(ignored)
    if ignored:
        for name in ("html", "md", "csv", "xml"):
            assert "CHG-1" in render_drift_report(report, name), name


def test_an_exception_holds_through_its_last_day() -> None:
    day = {"c1": answer(drifted())}
    assert first(make(day, TUESDAY, ignore=ignoring()))["ignored"]
    late = make(day, WEDNESDAY, ignore=ignoring())
    assert not first(late)["ignored"]
    assert first(late)["ignore"] == {"reason": "CHG-1", "expires": "2026-03-03", "expired": True}
    assert late["summary"]["ignore"][0]["expired"]
    assert late["summary"]["verdict"] == "drift"
    assert "expired" in render_drift_report(late, "md")


@pytest.mark.parametrize(
    "ignore", ["host: c1", {"host": "c1"}, [5], [None], [[]], ignoring(hosts="c2"), [{}, *ignoring(host="c2")]]
)
def test_exceptions_of_another_form_cover_nothing(ignore: t.Any) -> None:
    report = make({"c1": answer(drifted())}, ignore=ignore)
    assert not first(report)["ignored"]
    assert "Exception 1" in report["summary"]["warnings"][0]


@pytest.mark.parametrize("entry", [{"expires": "soon"}, {"expires": ""}, {"reason": " "}, {"svm": False}, {"host": 83}])
def test_an_exception_that_cannot_be_understood_covers_nothing(entry: dict[str, t.Any]) -> None:
    report = make({"c1": answer(drifted())}, ignore=ignoring(**entry))
    assert not first(report)["ignored"]
    assert "Exception 1" in report["summary"]["warnings"][0]


@pytest.mark.parametrize(
    ("patterns", "now", "note"),
    [
        ({"svm": "vs1"}, MONDAY, "An exception matches nothing: host *, svm vs1, field *: CHG-1"),
        ({"host": "c7"}, MONDAY, "An exception matches nothing: host c7, svm *, field *: CHG-1"),
        ({}, WEDNESDAY, "An exception expired on 2026-03-03: host *, svm *, field *: CHG-1"),
        (
            {"field": "port"},
            WEDNESDAY,
            "An exception expired on 2026-03-03 and matches nothing: host *, svm *, field port: CHG-1",
        ),
    ],
)
def test_an_exception_of_no_use_is_said_in_every_format(patterns: dict[str, str], now: str, note: str) -> None:
    report = make({"c1": answer(drifted())}, now, ignore=ignoring(**patterns))
    assert report["summary"]["warnings"] == [note]
    for name in WORDED:
        text = render_drift_report(report, name)
        assert (note if name != "md" else note[:20]) in text, name
    assert merge_drift_reports([report])["summary"]["warnings"] == [note]


def test_exceptions_of_use_are_no_note() -> None:
    looked = {"c1": answer(drifted()), "c2": NO_ANSWER}
    # Two that cover the same are both of use: without one, the other would be needed.
    report = make(looked, ignore=ignoring() + ignoring(field="client_id"))
    assert report["summary"]["warnings"] == []
    assert [entry["matches"] for entry in report["summary"]["ignore"]] == [1, 1]
    # Nobody can tell of one whose cluster did not answer.
    (note,) = make(looked, ignore=ignoring(host="c2"))["summary"]["warnings"]
    assert note.startswith("An exception matches nothing, but 1 of its clusters could not be compared: host c2")


def test_of_slices_an_exception_needs_to_match_in_one() -> None:
    parts = [make({name: answer(drifted())}, ignore=ignoring(host="c1")) for name in ("c1", "c2")]
    assert [len(part["summary"]["warnings"]) for part in parts] == [0, 1]
    assert merge_drift_reports(parts)["summary"]["warnings"] == []


def test_exceptions_for_what_has_no_field() -> None:
    unmanaged = {"c1": answer(vault(None), vault("vs9", "unmanaged"))}
    assert make(unmanaged)["summary"]["severities"]["medium"] == 1
    report = make(unmanaged, ignore=ignoring(field="unmanaged"))
    assert report["summary"]["verdict"] == "in_sync"
    assert host(report)["vaults"][1]["ignored"]
    cluster = {"c1": answer(vault(None, "drifted", drift={"port": (1, 2)}))}
    assert make(cluster, ignore=ignoring(svm="(cluster)"))["summary"]["verdict"] == "in_sync"
    failed = {"c1": answer(vault("vs0", "error", error={"msg": "x"}), msg="x")}
    assert make(failed, ignore=ignoring())["summary"]["verdict"] == "error"


def test_the_order_does_not_depend_on_the_order_of_the_answers() -> None:
    vaults = [vault("vs1"), drifted("vs0", port=(1, 2), client_id=(1, 2)), vault(None)]
    texts = {
        drift_report({name: answer(*order) for name in names}, started=MONDAY, ended=MONDAY)
        for order in itertools.permutations(vaults)
        for names in (("a", "b"), ("b", "a"))
    }
    assert len(texts) == 1
    report = json.loads(texts.pop())
    assert [v["svm"] for v in report["hosts"][0]["vaults"]] == [None, "vs0", "vs1"]
    assert [d["field"] for d in report["hosts"][0]["vaults"][1]["drift"]] == ["client_id", "port"]


def test_two_reports_of_the_same_state_differ_only_in_their_times() -> None:
    looked = {"c1": answer(drifted(), vault("vs1")), "c2": NO_ANSWER}
    one = make(looked)
    two = make(looked, TUESDAY, previous=one)
    for report in (one, two):
        report["summary"].update(since_last=None, trend=[])
    for name in WORDED:
        earlier, later = (
            render_drift_report(report, name).replace(_report.digest(report), "digest") for report in (one, two)
        )
        assert earlier.replace(MONDAY[:10], TUESDAY[:10]) == later.replace(MONDAY[:10], TUESDAY[:10]), name


def test_a_secret_that_should_not_be_there_is_left_out() -> None:
    report = make({"c1": answer(drifted(client_secret=("S3CRET-1", "S3CRET-2")), invocation={"password": "S3CRET-3"})})
    assert "S3CRET" not in json.dumps(report)


def test_a_verdict_that_is_new_is_taken_as_it_is() -> None:
    """As of a later azure_key_vaults, whose requests may have to wait for somebody."""
    waiting = vault("vs0", "put_off", drift={"client_id": ("wanted", "found")})
    report = make({"c1": answer(waiting, vault("vs1", "put_off"))})
    assert report["summary"]["configurations"]["put_off"] == 2
    assert report["summary"]["configurations"]["total"] == 2
    assert report["summary"]["verdict"] == "drift"
    assert report["summary"]["standings"]["high"] == 2
    for name in WORDED:
        assert re.search("put.off", render_drift_report(report, name)), name


# --- since last time


def test_what_is_new_still_open_and_gone() -> None:
    monday = make({"c1": answer(drifted("vs0"), drifted("vs1"), vault("vs2"))})
    tuesday = make({"c1": answer(drifted("vs0"), vault("vs1"), drifted("vs2"))}, TUESDAY, previous=monday)
    assert monday["summary"]["since_last"] is None
    assert not host(monday)["vaults"][0]["drift"][0]["new"]
    since = tuesday["summary"]["since_last"]
    (gone,) = since["gone"]
    assert {**since, "gone": 1} == {"gone": 1, "ended": MONDAY, "new": 1, "still_open": 1, "not_known": 0}
    assert (gone["host"], gone["svm"], gone["field"], gone["first_seen"]) == ("c1", "vs1", "client_id", MONDAY)
    assert [entry["drift"][0]["new"] if entry["drift"] else None for entry in host(tuesday)["vaults"]] == [
        False,
        None,
        True,
    ]
    assert "1 new, 1 still open, 1 gone since 2026-03-02" in render_drift_report(tuesday, "txt")


@pytest.mark.parametrize(
    ("looked", "health"),
    [
        ({"c1": NO_ANSWER}, True),
        ({"c1": {}}, True),
        ({"c1": answer(vault("vs0", "error", error={"msg": "x"}), msg="x")}, True),
        ({"other": answer(vault())}, True),
        # Nobody asked for health.
        ({"c1": answer({key: value for key, value in vault().items() if key != "health"})}, False),
    ],
    ids=["no answer", "failed before", "not this one", "limited", "without health"],
)
def test_where_nobody_looked_nothing_is_gone(looked: dict[str, t.Any], health: bool) -> None:
    monday = make({"c1": answer(vault(health=ill("keys_missing")))})
    tuesday = make(looked, TUESDAY, previous=monday, health=health)
    since = tuesday["summary"]["since_last"]
    assert (since["gone"], since["not_known"], since["new"]) == ([], 1, 0)
    if "c1" in looked:
        # Nor is it new once somebody looks again.
        again = make({"c1": answer(vault(health=ill("keys_missing")))}, WEDNESDAY, previous=tuesday)
        assert again["summary"]["since_last"]["new"] == 0
        assert host(again)["vaults"][0]["health"]["first_seen"] == MONDAY


def test_what_is_ignored_is_neither_new_nor_gone() -> None:
    monday = make({"c1": answer(drifted("vs0")), "c2": answer(vault("vs0"))}, ignore=ignoring(expires="2026-12-31"))
    looked = {"c1": answer(vault("vs0")), "c2": answer(drifted("vs0"))}
    tuesday = make(looked, TUESDAY, previous=monday, ignore=ignoring(expires="2026-12-31"))
    since = tuesday["summary"]["since_last"]
    assert (since["new"], since["still_open"], since["gone"]) == (0, 0, [])


def test_the_trend_goes_over_the_reports_that_are_kept() -> None:
    report = None
    for day in range(1, 7):
        now = f"2026-03-{day:02}T01:00:00Z"
        report = make({"c1": answer(*(drifted(f"vs{n}") for n in range(day)))}, now, previous=report, keep=4)
    assert report
    assert [point["ended"][8:10] for point in report["summary"]["trend"]] == ["03", "04", "05", "06"]
    assert [point["high"] for point in report["summary"]["trend"]] == [3, 4, 5, 6]
    assert len(make({"c1": NO_ANSWER}, previous=report, keep=0)["summary"]["trend"]) == 1


def test_a_merged_report_compares_with_the_merged_one_before() -> None:
    before = merge_drift_reports([make({"c1": answer(drifted()), "c2": answer(drifted())})])
    # The part itself has seen nothing before, and one of another night has.
    part = make({"c1": answer(drifted("vs9"))}, TUESDAY, previous=make({"c1": answer(vault("vs9"))}))
    assert host(part)["vaults"][0]["new"]
    merged = merge_drift_reports([part], hosts=["c1", "c2"], previous=before, provenance={"user": "x"})
    VALIDATOR.validate(merged)
    since = merged["summary"]["since_last"]
    assert (since["new"], since["not_known"], len(since["gone"])) == (1, 1, 1)
    assert merged["provenance"]["user"] == "x"
    assert not host(merge_drift_reports([part]))["vaults"][0]["new"]


def test_how_a_report_was_made() -> None:
    groups = {"all": ["c1", "c2"], "ungrouped": ["c2"], "europe": ["c1"], "prod": ["c1"]}
    given = {"revision": "3f1c-dirty", "user": "ops", "limit": "", "password": "S3CRET"}
    report = make({"c1": answer(vault()), "c2": answer(vault())}, groups=groups, provenance=given)
    assert [one["groups"] for one in report["hosts"]] == [["europe", "prod"], []]
    nothing = dict.fromkeys(("limit", "job", "ansible_core"))
    assert report["provenance"] == {"revision": "3f1c-dirty", "user": "ops", **nothing}
    text = json.dumps(report)
    page = render_drift_report(text, "html")
    assert "3f1c-dirty" in page
    # Of the very text that was given.
    assert hashlib.sha256(text.encode()).hexdigest() in page


# --- causes


def test_identical_findings_are_one_group() -> None:
    report = make({"c1": answer(*(drifted(f"vs{n}") for n in range(20)), drifted("vs20", client_id=("wanted", "x")))})
    (group,) = groups(rows(report))
    assert [len(case.members) for case in group.cases] == [20, 1]
    assert len(group.members) == 21


def test_a_missing_configuration_is_one_kind_whatever_it_lacks() -> None:
    wanted = {"name": ("v", None), "key_id": ("k", None), "client_id": ("c", None)}
    report = make({"c1": answer(*(vault(f"vs{n}", "missing", drift=wanted, health=None) for n in range(3)))})
    (group,) = groups(rows(report))
    assert group.kind.name == "missing"
    assert group.members == ("vs0", "vs1", "vs2")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (REFUSED["error"], "Login refused"),
        ({"http_status": 403, "message": "not authorized for that command"}, "The login may not read this"),
        ({"message": "no connection to c1 port 443 (Connection refused)"}, "No connection: Connection refused"),
        ({"message": "SVM svm-gone does not exist."}, "SVM svm-gone does not exist."),
        ({"msg": "a template is wrong"}, "A template is wrong"),
        ({}, "The task failed without a message."),
    ],
)
def test_what_could_not_be_asked_has_a_cause(error: dict[str, t.Any], cause: str) -> None:
    report = make({"c1": {"msg": error.get("msg"), "error": error}})
    ((one,),) = unasked(report)
    assert one.cause == cause
    for name in ("html", "md", "txt", "text"):
        assert cause.lower() in render_drift_report(report, name).replace("\\", "").lower(), name


def test_a_configuration_that_could_not_be_asked_is_no_difference() -> None:
    """Neither is what was not found of it: nobody knows."""
    wanted = {"client_id": ("wanted", None)}
    failed = vault("gone", "error", drift=wanted, error={"msg": "SVM gone does not exist"})
    report = make({"c1": answer(failed, drifted(), msg="1 of 2 configurations failed")})
    assert [group.members for group in groups(rows(report))] == [("vs0",)]
    ((one,),) = unasked(report)
    assert (one.cause, one.where) == ("SVM gone does not exist", "gone")
    markdown = render_drift_report(report, "md")
    assert "gone" not in markdown.partition("## Differences")[2]
    assert report["summary"]["standings"]["not_compared"] == 1
    assert sum(report["summary"]["severities"].values()) == 1
    assert "1 of 2" not in render_drift_report(report, "text")


def test_what_is_known_of_its_health_counts() -> None:
    failed = vault("gone", "error", drift={"client_id": (1, 2)}, error={"msg": "x"}, health=ill("keys_missing"))
    report = make({"c1": answer(failed, msg="1 of 1 failed")})
    assert report["summary"]["verdict"] == "critical"
    assert report["summary"]["standings"]["critical"] == 1
    assert [group.kind.name for group in groups(rows(report))] == ["health-keys_missing"]
    assert 'severity="critical",kind="health"} 1' in render_drift_report(report, "prom")


def test_the_terminal_says_the_cause_uncut() -> None:
    reason = "the certificate of the cluster is signed by nobody that is trusted here, " * 3 + "which is the end"
    text = render_drift_report(make({"c1": {"msg": reason, "error": {"message": reason, "method": "GET"}}}), "text")
    assert reason[1:] in text


def test_each_configuration_counts_once_by_the_worst_known_of_it() -> None:
    worse = vault("vs0", "drifted", drift={"client_id": (1, 2), "port": (1, 2)}, health=ill("keys_missing"))
    found = answer(worse, drifted("vs1", port=(1, 2)), vault("vs2"), vault("vs3", health=None))
    standings = make({"c1": found})["summary"]["standings"]
    known = {"critical": 1, "medium": 1, "well": 1, "health_unknown": 1}
    assert standings == {**dict.fromkeys(standings, 0), **known}


@pytest.mark.parametrize(
    ("one", "other", "parts", "said"),
    [
        (KEY, OTHER_KEY, ["version"], "Version differs; vault and key are the same"),
        (KEY, KEY.replace("payments", "other"), ["vault"], "Vault differs; key and version are the same"),
        (KEY, KEY.rpartition("/")[0], ["version"], "Version differs; vault and key are the same"),
        (KEY, KEY.upper(), [], ""),
        (VAULT, "https://other.vault.azure.net", ["vault"], "Vault differs"),
        ("proxy.example.com", "proxy-old.example.com", [""], ""),
        ("8443", "443", [""], ""),
        ("", KEY, [], ""),
        ("x", KEY, ["", ""], ""),
    ],
)
def test_the_part_that_differs_is_marked(one: str, other: str, parts: list[str], said: str) -> None:
    wanted, found = values.compared(one, other)
    assert "".join(part.text for part in wanted) == one
    assert "".join(part.text for part in found) == other
    marked = [part.name for part in (*wanted, *found) if part.differs]
    assert sorted(set(marked)) == sorted(set(parts))
    assert values.said(wanted, found) == said


@given(st.text(max_size=30), st.text(max_size=30))
def test_parts_are_the_value_to_the_letter(one: str, other: str) -> None:
    for text, parts in zip((one, other), values.compared(one, other)):
        assert "".join(part.text for part in parts) == text


def test_who_uses_a_key() -> None:
    upper = {**FOUND, "key_id": KEY.upper().replace("HTTPS", "https")}
    moved = vault("vs2", "drifted", drift={"key_id": (KEY, OTHER_KEY)}, found={**FOUND, "key_id": OTHER_KEY})
    report = make({"c1": answer(vault("vs0", found=FOUND), vault("vs1", found=upper), moved), "c2": NO_ANSWER})
    (use,) = uses(report, "key_id")
    assert use.value == KEY.rpartition("/")[0].lower()
    assert use.versions == {
        OTHER_KEY.rpartition("/")[2]: {"c1": ["vs2"]},
        KEY.rpartition("/")[2]: {"c1": ["vs0", "vs1"]},
    }
    assert use.strange == {("c1", "vs2")}


@pytest.mark.parametrize(("clusters", "most"), [(30, 300_000), (200, 2_000_000)])
def test_the_page_is_small(clusters: int, most: int) -> None:
    """Whether there is much of one cause, or no two configurations differ in the same."""
    for looked in (fleet(clusters), different(clusters)):
        assert len(render_drift_report(large(looked), "html").encode()) < most


# --- formats


def test_metrics_are_read_by_what_others_wrote() -> None:
    report = make(fleet(), TUESDAY, previous=make(fleet()))
    for text in (render_drift_report(report, "prom"), render_drift_report(hostile_report(), "prom")):
        modern = list(openmetrics.text_string_to_metric_families(text))
        # node_exporter's collector reads the older form.
        older = list(prometheus.text_string_to_metric_families(text))
        assert [family.name for family in modern] == [family.name for family in older]
        assert {family.type for family in modern} == {"gauge"}
    found = {
        (sample.name.removeprefix("ontap_security_drift_"), *sorted(sample.labels.values())): sample.value
        for family in openmetrics.text_string_to_metric_families(render_drift_report(report, "prom"))
        for sample in family.samples
    }
    assert found["findings", "client_id", "high", "sgp-nas01"] == 20
    assert found["findings", "critical", "fra-nas02", "health"] == 1
    assert found["clusters_not_compared",] == 4
    assert found["cluster_compared", "sgp-nas03"] == 0
    assert found["report_timestamp_seconds",] == _report.time_of(TUESDAY).timestamp()
    assert found["findings_since_last", "still_open"] > 0
    assert sum(number for (name, *_labels), number in found.items() if name == "configurations") == 540


FILES = Path(__file__).parents[2] / "roles" / "drift_report" / "files"
NAME = re.compile(r"ontap_security_drift_\w+")


@functools.cache
def series() -> dict[str, set[str]]:
    """The metrics of a report in which there is something of each, with their labels."""
    report = make(fleet(), TUESDAY, previous=make(fleet()))
    families = openmetrics.text_string_to_metric_families(render_drift_report(report, "prom"))
    return {family.name: {label for sample in family.samples for label in sample.labels} for family in families}


def expressions() -> list[str]:
    """What the alert rules and the dashboard ask Prometheus."""
    rules = yaml.safe_load((FILES / "prometheus-alerts.yml").read_text(encoding="utf-8"))
    board = json.loads((FILES / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return [
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
        *(variable["definition"] for variable in board["templating"]["list"] if variable["type"] == "query"),
    ]


@pytest.mark.parametrize("expression", expressions())
def test_rules_and_dashboard_ask_for_what_there_is(expression: str) -> None:
    known = series()
    names = NAME.findall(expression)
    assert names
    assert set(names) <= set(known)
    labels = set(re.findall(r"(\w+)=~?\"", expression))
    labels |= {label.strip() for found in re.findall(r"by \(([\w, ]+)\)", expression) for label in found.split(",")}
    assert labels <= set().union(*(known[name] for name in names))


def test_the_dashboard_loads() -> None:
    """What Grafana needs of it: panels that have a place of their own and a data source that there is."""
    board = json.loads((FILES / "grafana-dashboard.json").read_text(encoding="utf-8"))
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(board)
    # Whoever loads it is not asked for what only an export for sharing has.
    assert not {"__inputs", "id"} & set(board)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _y in cells) < 24
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert "datasource" in {variable["name"] for variable in board["templating"]["list"]}


def test_recipes_are_playbooks() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "drift_reports.rst").read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", guide)
    sending = yaml.safe_load(next(block for block in blocks if "community.general.mail" in block))
    tasks = {key for task in sending[1]["tasks"] for key in task if "." in key}
    assert {"community.general.mail", "ansible.builtin.uri", "amazon.aws.s3_object"} <= tasks
    (chat,) = (task for task in sending[1]["tasks"] if "ansible.builtin.uri" in task)
    assert chat["no_log"] is True


def test_no_label_is_a_value_of_a_cluster() -> None:
    text = render_drift_report(make({"c1": answer(drifted(**{HOSTILE[0]: ("S3CRET", "S3CRET")}))}), "prom")
    assert 'kind="other"' in text
    assert "S3CRET" not in text
    assert "script" not in text


def test_a_message_is_short_and_names_every_kind() -> None:
    for report in (make(fleet()), large(fleet(200)), hostile_report(), make({})):
        lines = render_drift_report(report, "txt").splitlines()
        assert len(lines) <= 20
        assert max(map(len, lines)) < 300
    text = render_drift_report(make(fleet()), "txt")
    for said in (
        "Login refused (sgp-nas03, sgp-nas04)",
        "20 configurations (sgp-nas01)",
        "does not exist",
        "proxy_host",
    ):
        assert said in text


def test_junit_is_read_by_what_others_wrote(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(render_drift_report(make(fleet()), "xml"), encoding="utf-8")
    read = junitparser.JUnitXml.fromfile(str(path))
    assert read.tests == sum(1 for suite in read for _case in suite)
    (case,) = (case for suite in read for case in suite if suite.name == "fra-nas02" and case.name == "svm03")
    # As described, and ill: not the first of these.
    assert case.result[0].message.startswith("keys_missing (critical)")


def test_csv_holds_no_formula_and_all_values() -> None:
    text = render_drift_report(hostile_report(), "csv")
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(table[0]) == list(_report_text.COLUMNS)
    assert {len(row) for row in table} == {len(_report_text.COLUMNS)}
    for row in table:
        for cell in row.values():
            assert not re.match(r"[\s\x00]*[=+\-@\uff1d]", cell), cell
    assert sum("=cmd|" in row["desired"] for row in table) == 1


@pytest.mark.parametrize("name", ["html", "md", "csv", "xml", "prom", "txt", "text"])
def test_nothing_acts_that_should_be_seen(name: str) -> None:
    """Escape sequences, control characters, signs that turn the direction of writing."""
    text = render_drift_report(hostile_report(), name)
    # A narrow blank is the page's own.
    assert not [char for char in text if not char.isprintable() and char not in "\r\n\u202f"]
    # A message is cut before it has them all.
    for spelled in () if name == "txt" else ("\\x1b[31m", "\\x00", "\\x9b31m", "\\u202etxt.exe"):
        assert spelled.replace("\\", "\\\\").replace("[", "\\[") in text or spelled in text, spelled
    # No line is a cluster's.
    assert not re.search(r"^[\s>]*(=1|# not a heading)", text, re.MULTILINE)


def test_csv_has_one_row_a_field() -> None:
    looked = {"c1": answer(drifted(port=(1, 2), client_id=(1, 2)), vault("vs1")), "c2": NO_ANSWER}
    table = list(csv.DictReader(io.StringIO(render_drift_report(make(looked), "csv"), newline="")))
    assert [(row["host"], row["svm"], row["field"]) for row in table] == [
        ("c1", "vs0", "client_id"),
        ("c1", "vs0", "port"),
        ("c1", "vs1", ""),
        ("c2", "", ""),
    ]


def test_junit_is_xml_and_counts() -> None:
    root = ElementTree.fromstring(render_drift_report(hostile_report(), "xml"))
    assert int(root.attrib["tests"]) == len(root.findall("./testsuite/testcase"))
    for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(root.attrib[plural]) == len(root.findall(f"./testsuite/testcase/{kind}")) > 0
    assert not root.findall(".//script")


def test_markdown_tables_hold_together() -> None:
    text = render_drift_report(hostile_report(), "md")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table
    outside = re.sub(r"`[^`]*`", "", text)
    assert not re.search(r"<|@everyone|(?<!\\)\]\(http", outside)


def test_markdown_stays_short() -> None:
    many = {f"c{n:04}": answer(drifted()) for n in range(1000)}
    text = render_drift_report(make(many), "md")
    assert len(text.splitlines()) < 250
    assert "800 more rows" in text


def test_the_terminal_shows_the_first_notes() -> None:
    stale = [entry for n in range(9) for entry in ignoring(svm=f"gone{n}")]
    lines = render_drift_report(make({"c1": answer(vault())}, ignore=stale), "text").splitlines()
    assert sum(line.startswith("Note: An exception matches nothing") for line in lines) == 5
    assert lines[-1] == "... and 4 more notes in the files"


def test_the_terminal_gets_no_more_than_a_screen() -> None:
    many = {f"c{n:04}": answer(drifted()) for n in range(1000)}
    lines = render_drift_report(make(many), "text").splitlines()
    assert len(lines) < 30
    assert "... and 980 more" in lines
    for line in render_drift_report(hostile_report(), "text").splitlines():
        assert line.isprintable()
        assert len(line) < 120


def test_no_template_hides_in_the_json() -> None:
    text = drift_report({"c1": answer(drifted("{{{ x }}", port=("{% a %}", "{# b #}")))}, started=MONDAY, ended=MONDAY)
    assert not re.search(r"\{[{%#]", text)
    assert json.loads(text)["hosts"][0]["vaults"][0]["svm"] == "{{{ x }}"


@pytest.mark.parametrize(
    "given", ["", "x", "{}", {"schema": _report.SCHEMA}, {"schema": _report.SCHEMA, "schema_version": 1}]
)
def test_rendering_something_else_is_said(given: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="cannot be rendered"):
        render_drift_report(given, "md")
    with pytest.raises(AnsibleFilterError, match="not pdf"):
        render_drift_report(given, "pdf")


# --- merging


def test_merging() -> None:
    one = make({"c1": answer(vault()), "c2": NO_ANSWER}, MONDAY)
    two = make({"c3": answer(drifted())}, TUESDAY, ignore=ignoring(host="c3"))
    merged = merge_drift_reports([json.dumps(two), one], hosts=["c1", "c2", "c3", "c4"])
    VALIDATOR.validate(merged)
    assert [(h["host"], h["status"]) for h in merged["hosts"]] == [
        ("c1", "ok"),
        ("c2", "unreachable"),
        ("c3", "ok"),
        ("c4", "error"),
    ]
    assert merged["summary"]["not_covered"] == ["c4"]
    assert merged["summary"]["hosts"]["asked"] == 4
    assert merged["summary"]["verdict"] == "error"
    assert (merged["started"], merged["ended"]) == (MONDAY, TUESDAY)
    assert merged["summary"]["ignore"][0]["matches"] == 1
    for name in WORDED:
        assert "c4" in render_drift_report(merged, name), name


# What earlier versions wrote: one cluster that differs, one that does not.
DATA = Path(__file__).parent / "data"
FIRST_VERSION, SECOND_VERSION = DATA / "drift-report-1.json", DATA / "drift-report-2.json"


@pytest.mark.parametrize("path", [FIRST_VERSION, SECOND_VERSION], ids=lambda path: path.stem)
def test_a_report_of_a_version_before_counts_as_the_last_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    report = make({"c1": answer(drifted()), "c2": answer(drifted())}, WEDNESDAY, previous=text)
    assert first(report)["first_seen"] == MONDAY
    assert report["summary"]["warnings"] == []
    since = report["summary"]["since_last"]
    assert (since["ended"], since["new"], since["still_open"]) == (MONDAY, 1, 1)
    assert [point["ended"] for point in report["summary"]["trend"]] == [MONDAY, WEDNESDAY]
    VALIDATOR.validate(_report.load(text))
    for name in RENDERERS:
        assert render_drift_report(text, name), name


def test_reports_of_both_versions_merge() -> None:
    old = FIRST_VERSION.read_text(encoding="utf-8")
    merged = merge_drift_reports([old, make({"c3": answer(undescribed(port=1))}, TUESDAY)])
    VALIDATOR.validate(merged)
    assert [(h["host"], h["status"], h["health_asked"]) for h in merged["hosts"]] == [
        ("c1", "ok", True),
        ("c2", "ok", True),
        ("c3", "ok", True),
    ]
    assert merged["summary"]["severities"] == {"critical": 0, "high": 1, "medium": 1, "low": 0}
    assert merged["summary"]["warnings"] == ["An exception matches nothing: host gone, svm *, field *: CHG-1"]
    for name in WORDED:
        assert "c1" in render_drift_report(old, name), name


def test_a_part_without_health_is_said_of_the_whole() -> None:
    parts = [make({"c1": answer(vault()), "c2": answer(vault())}), make({"c3": answer(without_health())})]
    merged = merge_drift_reports(parts)
    assert merged["summary"]["health_asked"] is False
    line = render_drift_report(merged, "text").splitlines()[0]
    assert line == "Everything is as described, and health was not asked for on 1 cluster."
    (note,) = merged["summary"]["warnings"]
    assert note.startswith("Health was not asked for on 1 cluster, so")
    # A slice that had no clusters did not ask for it either.
    assert merge_drift_reports([parts[0], make({}, health=False)])["summary"]["health_asked"] is False


@pytest.mark.parametrize("broken", [{"hosts": [{}]}, {"hosts": [5]}, {"hosts": [{"vaults": [{}]}]}])
def test_a_report_of_the_version_before_that_is_none_is_said(broken: dict[str, t.Any]) -> None:
    report = {"schema": _report.SCHEMA, "schema_version": 1, "summary": {}, **broken}
    with pytest.raises(AnsibleFilterError, match="something in it is missing"):
        merge_drift_reports([report])


def test_merging_one_report_changes_nothing() -> None:
    looked = {"c1": answer(drifted(), vault("vs1", "unmanaged")), "c2": NO_ANSWER, "c3": answer()}
    report = make(looked, ignore=ignoring(field="unmanaged"))
    assert merge_drift_reports([report]) == report
    assert merge_drift_reports([report, copy.deepcopy(report)])["hosts"] == report["hosts"]


def test_of_a_host_in_two_reports_the_later_answer_counts() -> None:
    monday = make({"c1": answer(drifted())}, MONDAY)
    tuesday = make({"c1": answer(drifted())}, TUESDAY)
    assert first(merge_drift_reports([tuesday, monday]))["first_seen"] == MONDAY
    gone = make({"c1": NO_ANSWER}, WEDNESDAY)
    assert host(merge_drift_reports([gone, monday]))["status"] == "unreachable"


def test_merging_carries_ages_over_from_the_merged_report_before() -> None:
    before = merge_drift_reports([make({name: answer(drifted()) for name in ("c1", "c2", "c3")})])
    parts = [make({"c1": answer(drifted()), "c2": NO_ANSWER}, TUESDAY)]
    merged = merge_drift_reports(parts, hosts=["c1", "c2", "c3"], previous=json.dumps(before))
    VALIDATOR.validate(merged)
    assert first(merged)["first_seen"] == MONDAY
    for name in ("c2", "c3"):
        assert host(merged, name)["remembered"][0]["first_seen"] == MONDAY
    assert first(merge_drift_reports(parts))["first_seen"] == TUESDAY
    broken = merge_drift_reports(parts, previous="no report")
    assert first(broken)["first_seen"] == TUESDAY
    assert "The previous report cannot be used" in broken["summary"]["warnings"][0]


@pytest.mark.parametrize("given", [[], "text", {}, ["{}"], [{"schema": _report.SCHEMA, "schema_version": 99}]])
def test_merging_something_else_is_said(given: t.Any) -> None:
    with pytest.raises(AnsibleFilterError):
        merge_drift_reports(given)
