# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends, and what waits for Azure, in the drift report."""

from __future__ import annotations

import csv
import io
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ontap.security.plugins.filter.merge_drift_reports import merge_drift_reports
from ansible_collections.ontap.security.plugins.filter.render_drift_report import RENDERERS, render_drift_report
from ansible_collections.ontap.security.plugins.plugin_utils._report.expiry import days_of, next_ends, urgent
from tests.support.reports import HOSTILE, MONDAY, TUESDAY, VALIDATOR, answer, drifted, ill, make, vault

# MONDAY is 2026-03-02.
DUE = [
    ("2026-03-01", -1, "critical"),
    ("2026-03-02", 0, "high"),
    ("2026-03-09", 7, "high"),
    ("2026-03-10", 8, "medium"),
    ("2026-04-01", 30, "medium"),
    ("2026-04-02", 31, "low"),
    ("2026-05-01", 60, "low"),
    ("2026-05-02", 61, None),
]


def ending(credential: str | None = None, key: str | None = None, svm: str = "vs0", **more: t.Any) -> dict[str, t.Any]:
    found = {"credential": credential, "credential_from": credential and "expires", "key": key, "key_from": "expires"}
    return vault(svm, expiry=found, **more)


def entry(report: dict[str, t.Any], number: int = 0) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", report["hosts"][0]["vaults"][0]["expiry"][number])


@pytest.mark.parametrize(("ends", "left", "severity"), DUE)
@pytest.mark.parametrize("what", ["expires", "key_expires"])
def test_the_days_that_are_left_say_how_bad_it_is(what: str, ends: str, left: int, severity: str | None) -> None:
    found = ending(ends) if what == "expires" else ending(key=ends)
    report = make({"c1": answer(found)})
    VALIDATOR.validate(report)
    judged = entry(report)
    assert (judged["field"], judged["ends"], judged["days_left"], judged["severity"]) == (what, ends, left, severity)
    # Counted by drift_report_fail_on, which goes by the verdict.
    verdict = {"critical": "critical", None: "in_sync"}.get(severity, "drift")
    assert report["summary"]["verdict"] == verdict
    assert sum(report["summary"]["severities"].values()) == (severity is not None)
    text = render_drift_report(report, "text")
    assert ("has ended" in text) is (severity == "critical")
    assert ("ends soon" in text) is (severity in ("high", "medium", "low"))


def test_days_are_a_choice() -> None:
    looked = {"c1": answer(ending("2026-03-12"))}
    assert entry(make(looked, expiry_days=[100, 50, 10]))["severity"] == "high"
    assert entry(make(looked, expiry_days="20, 5, 1"))["severity"] == "low"
    assert entry(make(looked, expiry_days="5,4,3"))["severity"] is None
    assert days_of("60 30 7") == (60, 30, 7)
    for wrong in ("", "soon", [60, 30], [7, 30, 60], [60, 30, -1], None, 60):
        with pytest.raises(AnsibleFilterError, match="three whole numbers"):
            make(looked, expiry_days=wrong)


def test_what_nobody_has_said_is_no_finding_and_said() -> None:
    report = make({"c1": answer(vault(), ending())})
    assert [one["expiry"] for one in report["hosts"][0]["vaults"]] == [[], []]
    assert report["summary"]["verdict"] == "in_sync"
    assert "Nobody has said when credentials and keys end" in render_drift_report(report, "html")


def test_an_exception_covers_an_end_and_its_age_is_kept() -> None:
    looked = {"c1": answer(ending("2026-03-05"))}
    before = make(looked)
    after = make(looked, TUESDAY, previous=before)
    assert (entry(after)["first_seen"], entry(after)["new"]) == (MONDAY, False)
    ignore = [{"field": "expires", "reason": "ordered", "expires": "2026-12-31"}]
    covered = make(looked, ignore=ignore)
    assert entry(covered)["ignored"] is True
    assert covered["summary"]["verdict"] == "in_sync"
    merged = merge_drift_reports([before, make({"c2": answer(ending("2026-03-01"))})])
    assert merged["summary"]["verdict"] == "critical"


def test_an_end_is_known_of_what_could_not_be_compared() -> None:
    failed = ending("2026-03-01", verdict="error", error={"msg": "no"})
    report = make({"c1": answer(failed, msg="1 of 1 configurations failed")})
    assert report["summary"]["severities"]["critical"] == 1


@pytest.mark.parametrize("format_", RENDERERS)
def test_every_format_has_it(format_: str) -> None:
    report = make({"c1": answer(ending("2026-03-05", "2027-01-01"), drifted("vs1"))})
    text = render_drift_report(report, format_)
    assert format_ == "prom" or "2026-03-05" in text or format_ in ("text", "txt")


def test_files_have_columns_for_both() -> None:
    report = make({"c1": answer(ending("2026-03-05", "2027-01-01"))})
    (row,) = csv.DictReader(io.StringIO(render_drift_report(report, "csv")))
    assert (row["verdict"], row["field"], row["severity"]) == ("expiring", "expires", "high")
    assert (row["credential_expires"], row["key_expires"]) == ("2026-03-05", "2027-01-01")


def test_what_expires_next_comes_first_and_once() -> None:
    found = {"found": {"name": "v", "key_id": "k", "client_id": "app", "tenant_id": "t"}}
    report = make(
        {
            "c1": answer(
                ending("2026-06-01", svm="vs0", **found), ending("2026-06-01", "2026-03-05", svm="vs1", **found)
            ),
            "c2": answer(ending("2026-06-01", svm="vs0", **found)),
        }
    )
    ends = next_ends(report)
    assert [(one.ends, one.what, one.whose) for one in ends] == [
        ("2026-03-05", "key", "k"),
        ("2026-06-01", "credential", "app"),
    ]
    assert ends[1].where == {"c1": ["vs0", "vs1"], "c2": ["vs0"]}
    page = render_drift_report(report, "html")
    assert page.index("2026-03-05") < page.index("3 configurations on 2 clusters")


# --- volumes that wait for Azure


def waits(volumes: str = "going_offline", **more: t.Any) -> dict[str, t.Any]:
    clock = {
        "since": "2026-03-02T00:30:00+00:00",
        "since_from": "event",
        "encrypted_volumes": 2,
        "volumes": volumes,
        "offline_at": "2026-03-02T01:30:00+00:00",
        "safe_to_reboot": False,
        "said": "Azure has not been reached for a while.",
        **more,
    }
    return vault(health={**ill("azure_unreachable"), "clock": clock})


def test_the_headline_says_what_is_about_to_go_offline() -> None:
    report = make({"c1": answer(waits()), "c2": answer(waits("offline")), "c3": answer(waits("none"))})
    VALIDATOR.validate(report)
    said = urgent(report)
    assert "encrypted volumes of 1 configuration are offline" in said
    assert "go offline, the first at 2026-03-02T01:30:00+00:00" in said
    assert "do not reboot nodes there" in said
    for format_ in ("html", "md", "txt", "text"):
        assert "the first at 2026-03-02T01:30:00+00:00" in render_drift_report(report, format_), format_
    for format_ in ("html", "md", "csv", "json"):
        assert "Azure has not been reached for a while." in render_drift_report(report, format_), format_
    assert urgent(make({"c1": answer(vault())})) == ""


def test_where_the_log_does_not_say_since_when_the_report_does() -> None:
    looked = {"c1": answer(waits(since=None, since_from=None, offline_at=None))}
    before = make(looked)
    after = make(looked, TUESDAY, previous=before)
    clock = after["hosts"][0]["vaults"][0]["health"]["clock"]
    assert (clock["since"], clock["since_from"], clock["offline_at"]) == (MONDAY, "report", None)
    assert make({"c1": answer(waits())})["hosts"][0]["vaults"][0]["health"]["clock"]["since_from"] == "event"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_cluster_says_is_harmless(text: str) -> None:
    report = make({"c1": answer(waits(said=text, offline_at=text), ending(text, text, svm="vs1"))})
    assert entry(make({"c1": answer(ending("2026-03-05"))}))["due"] == "high"
    for format_ in RENDERERS:
        shown = render_drift_report(report, format_)
        assert "<script>alert(1)</script>" not in shown or format_ not in ("html", "md", "xml")
