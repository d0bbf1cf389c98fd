# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report as data, as text, and merged."""

from __future__ import annotations

import copy
import csv
import io
import itertools
import json
import re
import typing as t
from xml.etree import ElementTree

import jsonschema
import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.filter.drift_report import drift_report
from ansible_collections.ontap.security.plugins.filter.merge_drift_reports import merge_drift_reports
from ansible_collections.ontap.security.plugins.filter.render_drift_report import RENDERERS, render_drift_report
from ansible_collections.ontap.security.plugins.module_utils import _report, _report_text
from tests.reports import (
    MONDAY,
    NO_ANSWER,
    REFUSED,
    TUESDAY,
    VALIDATOR,
    WEDNESDAY,
    answer,
    drifted,
    hostile_report,
    ignoring,
    make,
    vault,
)


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
    assert list(report) == ["schema", "schema_version", "collection_version", "started", "ended", "summary", "hosts"]
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
        ("verify_host", True, False, "medium"),
        ("oauth_host", "one", None, "medium"),
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


def health_of(verdict: str, **more: t.Any) -> dict[str, t.Any]:
    record = {"uuid": "uuid of vs0", "health": {"verdict": verdict, "reasons": ["why"], "nodes": ["n1"]}}
    return {"c1": {"azure_key_vaults": [record], **more}}


@pytest.mark.parametrize("verdict", ["azure_unreachable", "keys_missing", "node_unreachable"])
def test_azure_or_keys_out_of_reach_is_critical(verdict: str) -> None:
    cluster = {"name": "prod", "uuid": "u", "release": "9.16.1"}
    report = make({"c1": answer(vault())}, health=health_of(verdict, cluster=cluster))
    assert report["summary"]["verdict"] == "critical"
    assert host(report)["vaults"][0]["health"]["severity"] == "critical"
    assert host(report)["cluster"] == {"name": "prod", "uuid": "u"}
    assert host(report)["release"] == "9.16.1"
    for name in ("html", "md", "csv", "xml"):
        assert verdict in render_drift_report(report, name), name
    later = make({"c1": answer(vault())}, TUESDAY, health=health_of(verdict), previous=report)
    assert host(later)["vaults"][0]["first_seen"] == MONDAY


@pytest.mark.parametrize("verdict", ["healthy", "no_encrypted_volume_yet"])
def test_nothing_is_wrong_with_that_health(verdict: str) -> None:
    assert make({"c1": answer(vault())}, health=health_of(verdict))["summary"]["verdict"] == "in_sync"


def test_health_that_could_not_be_read_is_not_fine() -> None:
    for missing in ({}, REFUSED):
        report = make({"c1": answer(vault())}, health={"c1": missing})
        assert host(report)["status"] == "error"
        assert len(host(report)["vaults"]) == 1


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


@pytest.mark.parametrize("entry", [{"expires": "soon"}, {"expires": ""}, {"reason": " "}])
def test_an_exception_that_cannot_be_understood_covers_nothing(entry: dict[str, str]) -> None:
    report = make({"c1": answer(drifted())}, ignore=ignoring(**entry))
    assert not first(report)["ignored"]
    assert "Exception 1" in report["summary"]["warnings"][0]


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
    for name in RENDERERS:
        earlier, later = render_drift_report(one, name), render_drift_report(two, name)
        assert earlier.replace(MONDAY[:10], TUESDAY[:10]) == later.replace(MONDAY[:10], TUESDAY[:10]), name


def test_a_secret_that_should_not_be_there_is_left_out() -> None:
    report = make({"c1": answer(drifted(client_secret=("S3CRET-1", "S3CRET-2")), invocation={"password": "S3CRET-3"})})
    assert "S3CRET" not in json.dumps(report)


# --- formats


def test_csv_holds_no_formula_and_all_values() -> None:
    text = render_drift_report(hostile_report(), "csv")
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(table[0]) == list(_report_text.COLUMNS)
    assert {len(row) for row in table} == {len(_report_text.COLUMNS)}
    for row in table:
        for cell in row.values():
            assert not re.match(r"[\s\x00]*[=+\-@\uff1d]", cell), cell
    assert sum("=cmd|" in row["desired"] for row in table) == 1


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
    for name in RENDERERS:
        assert "c4" in render_drift_report(merged, name), name


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
