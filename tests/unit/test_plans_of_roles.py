# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles restore, rekey and awx_setup decide, from what the modules have returned."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.ontap.security.plugins.filter.awx_not_there import not_there
from ansible_collections.ontap.security.plugins.filter.awx_types import awx_types
from ansible_collections.ontap.security.plugins.filter.of_hosts import of_hosts
from ansible_collections.ontap.security.plugins.filter.rekey_plan import rekey_plan
from ansible_collections.ontap.security.plugins.filter.restore_notes import restore_notes
from ansible_collections.ontap.security.plugins.filter.restore_plan import restore_plan
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Health
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.restoring import PAUSE, dump, load, tried

HEALTHY = Health("healthy", usable=True, keys_missing=False)
LACKING = Health("keys_missing", ("the keys are not on every node",), ("node2",), usable=False, keys_missing=True)
BOTH = Health(
    "azure_unreachable",
    ("Azure refuses the credential", "the keys are not on every node"),
    usable=False,
    keys_missing=True,
)
NOBODY_KNOWS = Health("unknown", ("ONTAP did not report the state of the keys",))
KEY, OTHER = (f"https://v.vault.azure.net/keys/{name}" for name in ("key1", "key2"))


def record(svm: str | None = "vs0", health: Health = HEALTHY, **more: t.Any) -> dict[str, t.Any]:
    """As azure_key_vault_info returns it, before ONTAP 9.14.1."""
    of_svm = {"scope": "svm", "svm": {"name": svm, "uuid": "u"}} if svm else {"scope": "cluster"}
    common = {"uuid": f"uuid of {svm}", "key_id": KEY, "key_version": "latest", "health": health.as_result()}
    return {**of_svm, **common, **more}


FIFTY = [record(f"svm{number:02}") for number in range(50)]


def labels(plan: dict[str, t.Any]) -> list[str]:
    return [item["svm"] or item["scope"] for item in plan["to_restore"]]


def test_fifty_healthy_svms_are_one_line_and_nothing_to_do() -> None:
    assert restore_plan(FIFTY) == {
        "to_restore": [],
        "missing": [],
        "held": [],
        "condition": ["50 of 50 configurations can be used."],
    }


def test_what_may_lack_keys_is_restored_and_only_what_is_not_well_is_named() -> None:
    records = [
        *FIFTY[:48],
        record("svm48", LACKING),
        record("svm49", BOTH),
        record("x\x1b", NOBODY_KNOWS),
        record(None, LACKING),
        # Not in use: nobody is told.
        record("svm00", NOBODY_KNOWS, enabled=False, configuration={"name": "spare"}),
    ]
    plan = restore_plan(records)
    assert labels(plan) == ["svm48", "svm49", "x\x1b"]
    assert plan["to_restore"][0] == {"scope": "svm", "svm": "svm48", "uuid": "uuid of svm48"}
    assert plan["condition"] == [
        "SVM svm48: keys_missing: the keys are not on every node",
        "SVM svm49: azure_unreachable: Azure refuses the credential; the keys are not on every node",
        r"SVM x\x1b: unknown: ONTAP did not report the state of the keys",
        "cluster scope: keys_missing: the keys are not on every node",
        "48 of 52 configurations can be used.",
    ]
    assert labels(restore_plan(records, cluster=True)) == ["svm48", "svm49", "x\x1b", "cluster"]
    assert labels(restore_plan(records, svms=["svm49", "svm01"])) == ["svm49"]
    assert labels(restore_plan(records, svms=[], cluster=True)) == ["cluster"]
    assert labels(restore_plan(records, svms=["svm01"], force=True)) == ["svm01"]
    assert len(labels(restore_plan(records, cluster=True, force=True))) == 52


def told(*svms: str, cluster: str = "cluster1") -> dict[str, t.Any]:
    """What ansible-rulebook gives a playbook that events have led to."""
    events = [{"cluster": cluster, "event": "km.keyretrieve.failed", "svm": svm} for svm in svms]
    if len(events) == 1:
        return {"ruleset": "Keys", "rule": "Nodes lack keys", "event": events[0]}
    return {"events": {f"m_{number}": event for number, event in enumerate(events)}}


THREE = [record("vs0", LACKING), record("vs1", LACKING), record("vs2", LACKING), record("off", LACKING, enabled=False)]


@pytest.mark.parametrize(
    ("events", "restored"),
    [
        (told("vs1"), ["vs1"]),
        (told("vs1", "vs0"), ["vs0", "vs1"]),
        # A veto names none, and so it may be about any.
        (told(""), ["vs0", "vs1", "vs2"]),
        (told("vs1", ""), ["vs0", "vs1", "vs2"]),
        # An event is believed no further than what is there.
        (told("off"), ["vs0", "vs1", "vs2"]),
        (told("vs1", "cluster1"), ["vs0", "vs1", "vs2"]),
        (told("vs1", cluster="cluster2"), ["vs0", "vs1", "vs2"]),
    ],
)
def test_events_narrow_a_restore_to_the_svms_that_they_name(events: dict[str, t.Any], restored: list[str]) -> None:
    plan = restore_plan(THREE, events=events, host="cluster1")
    assert (labels(plan), plan["missing"], plan["held"]) == (restored, [], [])


def test_of_several_clusters_each_has_its_own_events() -> None:
    both = {"events": {"m_0": told("vs0")["event"], "m_1": told("vs2", cluster="cluster2")["event"]}}
    assert labels(restore_plan(THREE, events=both, host="cluster1")) == ["vs0"]
    assert labels(restore_plan(THREE, events=both, host="cluster2")) == ["vs2"]


def restored(plan: dict[str, t.Any], *in_vain: str, sent: bool = True) -> list[dict[str, t.Any]]:
    """What the loop over the plan returned."""
    actions = [{"method": "POST", "outcome": "done"}] if sent else []
    return [{"item": one, "failed": one["svm"] in in_vain, "actions": actions} for one in plan["to_restore"]]


def test_what_was_restored_in_vain_is_not_restored_again_by_events() -> None:
    first = restore_plan(THREE, events=told(""), host="cluster1")
    notes = restore_notes(restored(first, "vs1"))
    again = restore_plan(THREE, events=told(""), host="cluster1", notes=notes)
    # What helped may be needed again: a node may have booted again.
    assert labels(again) == ["vs0", "vs2"]
    (held,) = again["held"]
    assert held.startswith("SVM vs1: not restored again, because the restore at ")
    # A run about another SVM, or about none, forgets nothing.
    assert restore_notes(restored(again), notes) == restore_notes([], notes) == notes
    # A person may at any time.
    assert labels(restore_plan(THREE, notes=notes)) == ["vs0", "vs1", "vs2"]


def test_where_nothing_was_sent_nothing_was_in_vain() -> None:
    plan = restore_plan(THREE, events=told("vs1"), host="cluster1")
    assert restore_notes(restored(plan, "vs1", sent=False)) == restore_notes([])


def test_a_restore_that_helps_ends_the_pause_and_so_does_time() -> None:
    began = datetime.datetime(2026, 1, 1, 3, 0, tzinfo=datetime.timezone.utc)
    result = {"item": {"uuid": "u"}, "failed": True, "actions": [{}]}
    notes = dump(tried({}, [result], began))
    assert load(notes, began + PAUSE - datetime.timedelta(seconds=1)) == {"u": began}
    assert load(notes, began + PAUSE) == {}
    # A clock that was put back holds nothing up.
    assert load(notes, began - datetime.timedelta(seconds=1)) == {}
    assert tried({"u": began}, [{**result, "failed": False}], began) == {}


@pytest.mark.parametrize("notes", ["", "{", "[]", "1", '{"u": 1}', '{"u": "soon"}', '{"u": "2026-01-01T00:00:00"}'])
def test_notes_that_cannot_be_read_hold_nothing_up(notes: str) -> None:
    assert load(notes, datetime.datetime.now(datetime.timezone.utc)) == {}


class Marked(str):
    """What Ansible makes of a text that comes from a cluster, in which nothing may be taken for a template."""


def test_items_of_loops_hold_no_text_that_was_made_of_a_cluster_s() -> None:
    (item,) = restore_plan([record(Marked("{{ x }}"), LACKING, uuid=Marked("{{ y }}"), scope=Marked("{{ z }}"))])[
        "to_restore"
    ]
    assert isinstance(item["svm"], Marked)
    assert isinstance(item["uuid"], Marked)
    assert item["scope"] == "svm"


def test_what_is_asked_for_and_not_there_is_named() -> None:
    records = [record("vs0"), record("vs1", enabled=False), record("vs2", enabled=True)]
    assert restore_plan(records, svms=["vs0", "vs1", "vs2", "vs3"])["missing"] == ["vs1", "vs3"]
    assert restore_plan(records, cluster=True)["missing"] == ["the cluster scope"]
    assert restore_plan([*records, record(None)], cluster=True)["missing"] == []
    assert restore_plan(records)["missing"] == []
    assert rekey_plan(records, svms=["vs0", "vs1", "vs2", "vs3"])["missing"] == ["vs1", "vs3"]


@pytest.mark.parametrize("health", [LACKING, BOTH, NOBODY_KNOWS])
def test_no_key_is_replaced_beside_what_is_not_known_to_be_usable(health: Health) -> None:
    records = [record("vs0"), record("vs1", health), record("vs2", health)]
    plan = rekey_plan(records, svms=["vs0", "vs1"])
    assert plan["ill"] == ["vs1"]
    assert plan["condition"][1].startswith(f"SVM vs1: {health.verdict}: ")
    assert rekey_plan(records, svms=["vs0"])["ill"] == []
    assert rekey_plan([record("vs0", Health("no_encrypted_volume_yet", usable=True))], svms=["vs0"])["ill"] == []


def test_keys_are_told_with_their_users_where_these_differ() -> None:
    names = [one["svm"]["name"] for one in FIFTY]
    assert rekey_plan(FIFTY, svms=names)["condition"] == [
        f"{KEY}, version latest: 50 SVMs",
        "50 of 50 configurations can be used.",
    ]
    mixed = [record("vs0"), record("vs1", key_id=OTHER, key_version="pinned"), record("vs2")]
    assert rekey_plan(mixed, svms=["vs0", "vs1", "vs2"])["condition"][:2] == [
        f"{KEY}, version latest: vs0, vs2",
        f"{OTHER}, version pinned: vs1",
    ]


def test_credential_types_that_are_in_use_stay_as_they_are() -> None:
    types = [{"name": "new"}, {"name": "same"}, {"name": "other"}]
    new, same, other = ({"item": one} for one in types)
    compared = [{**new, "failed": False}, {**same, "id": 1}, {**other, "id": 2, "failed": True}]
    found = awx_types(types, compared)
    assert found == {"to_make": types[:2], "refused": ["other"], "unknown": []}
    # AWX has not answered.
    assert awx_types(types, [{**new, "failed": True}])["unknown"] == ["new"]


def test_what_awx_does_not_have_yet_has_no_id() -> None:
    skipped, there = {"skipped": True}, {"id": 1}
    assert not_there([there, {"results": [there, there]}, {}]) == []
    assert not_there([there, skipped, {"results": [there, skipped]}, {"results": []}]) == [skipped, skipped]


def test_what_a_host_does_not_have_has_a_default() -> None:
    hostvars = {"c1": {"found": {"vaults": []}}, "c2": {}, "c3": {"found": 1}}
    assert of_hosts(hostvars, ["c1", "c2"], "found") == {"c1": {"vaults": []}, "c2": {}}
    assert of_hosts(hostvars, ["c2"], "found", default="now") == {"c2": "now"}
