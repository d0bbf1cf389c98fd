# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role azure_key_vault decides and says, from what the modules have returned."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.ontap.security.plugins.filter.applied import applied
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Health
from tests.simulator import Simulator
from tests.support.beats import OLD, drive

HEALTHY = Health("healthy", usable=True, keys_missing=False)
LACKING = Health("keys_missing", ("the keys are not on every node",), ("node2",), usable=False, keys_missing=True)
REFUSED = Health("azure_unreachable", ("Azure refuses the credential",), usable=False, keys_missing=False)
BOTH = Health("azure_unreachable", ("Azure refuses the credential",), ("node2",), usable=False, keys_missing=True)
NOBODY_KNOWS = Health("unknown", ("ONTAP did not report the state of the keys",))
CHANGE = {"field": "client_id", "desired": "wanted", "actual": "found", "action": "update"}
DELETE = {"field": "state", "desired": "absent", "actual": "present", "action": "delete"}


def entry(svm: str | None = "vs0", health: Health | None = HEALTHY, **more: t.Any) -> dict[str, t.Any]:
    """One of ``vaults``, in sync unless something else is said."""
    return {
        "scope": "svm" if svm else "cluster",
        "svm": svm,
        "configuration": "default",
        "uuid": f"uuid of {svm}",
        "enabled": True,
        "verdict": "in_sync",
        "changed": False,
        "became": "unchanged",
        "drift": [],
        "undescribed": [],
        "error": None,
        "health": health.as_result() if health else None,
        **more,
    }


def changed(svm: str, *drift: dict[str, t.Any], became: str = "changed", **more: t.Any) -> dict[str, t.Any]:
    return entry(svm, verdict="drifted" if drift else "in_sync", changed=True, became=became, drift=list(drift), **more)


def result(*vaults: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {"changed": any(vault["changed"] for vault in vaults), "vaults": list(vaults), **more}


def restoring(found: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """What a loop over ``to_restore`` registers."""
    diff = {"before": {"keys_missing_on": ["node2"]}, "after": {"keys_missing_on": []}}
    return {"results": [{"changed": True, "diff": diff, **more, "item": item} for item in found["to_restore"]]}


@pytest.mark.parametrize(("check", "wanted"), [(False, "changed"), (True, "to change")])
def test_what_differs_is_named_and_the_rest_is_counted(check: bool, wanted: str) -> None:
    fine = [entry(f"svm{number:02}") for number in range(48)]
    other = {**CHANGE, "field": "key_id"}
    both = [changed("svm03", CHANGE), changed("svm20", other, CHANGE)]
    said = applied(result(*both, *fine), check_mode=check)["summary"]
    assert said == f"48 in sync; 2 {wanted}: svm03 (client_id), svm20 (key_id, client_id)"


def test_every_kind_is_in_the_summary() -> None:
    vaults = [
        entry(None, verdict="missing", changed=True, became="created"),
        changed("vs1", CHANGE, CHANGE),
        changed("vs2"),
        changed("vs3", DELETE, became="removed"),
        entry("vs4", LACKING),
        entry("vs5", verdict="unmanaged", configuration="spare", enabled=False),
        entry("vs6", undescribed=[{"field": "proxy_host", "actual": "p"}, {"field": "port", "actual": 1}]),
        entry("no\x1bwhere", None, verdict="error", became="failed", error={"msg": "no"}, uuid=None, enabled=None),
    ]
    found = applied(result(*vaults))
    assert applied(result(*vaults), restoring(found))["summary"] == (
        "2 in sync; 1 created: cluster scope; 2 changed: vs1 (client_id), vs2 (credentials); 1 removed: vs3; "
        "1 restored: vs4; 1 unmanaged: vs5/spare; 1 with undescribed settings: vs6 (proxy_host, port); "
        r"1 failed: no\x1bwhere"
    )
    # What is removed although nobody described it is no longer unmanaged.
    stranger = changed("vs5", DELETE, became="removed")
    assert applied(result({**stranger, "verdict": "unmanaged"}))["summary"] == "1 removed: vs5"
    assert applied(result())["summary"] == "nothing to manage"


def test_keys_are_restored_where_nobody_knows_that_they_are_there() -> None:
    vaults = [
        entry("vs0"),
        entry("vs1", LACKING),
        entry("vs2", REFUSED),
        entry("vs3", BOTH),
        entry("vs4", NOBODY_KNOWS),
        # Not in use, to go, and nobody's.
        entry("vs5", LACKING, enabled=False),
        changed("vs6", DELETE, health=LACKING),
        entry("vs7", LACKING, verdict="unmanaged"),
        entry("vs8", LACKING, verdict="error", became="failed", error={"msg": "no"}),
        entry(None, LACKING),
        entry("vs9", None),
    ]
    found = applied(result(*vaults))["to_restore"]
    assert [item["svm"] for item in found] == ["vs1", "vs3", "vs4", "vs8", ""]
    assert found[0] == {"scope": "svm", "svm": "vs1", "uuid": "uuid of vs1"}
    assert (found[4]["scope"], found[4]["svm"]) == ("cluster", "")


@pytest.mark.parametrize("times", [1, None])
def test_health_that_could_not_be_read_is_no_reason_to_restore_nothing(times: int | None) -> None:
    """Volumes tell whether keys are missing, and cannot be read: for once, or ever."""
    with Simulator(release="9.16.1", svms=("vs0", "vs1")) as sim:
        for svm in ("vs0", "vs1"):
            sim.ontap.add_vault(svm, **OLD)
            sim.ontap.encrypt_volumes(svm)
        sim.ontap.lose_keys("node2", "vs1")
        sim.ontap.lose_keys("node2", "vs0")
        sim.fault(method="GET", path="storage/volumes", kind="error", status=500, code=4, times=times)
        looked = drive(sim, {"vaults": [{"svm": "vs0"}, {"svm": "vs1"}], "health": True}, module="azure_key_vaults")
        found = applied(looked.result)
        assert [item["svm"] for item in found["to_restore"]] == ["vs0", "vs1"]
        assert len(found["unusable"]) == 2
        for item in found["to_restore"]:
            done = drive(sim, {"svm": item["svm"]}, module="azure_key_vault_restore")
            assert (done.changed, done.failed) == (times is not None, times is None), done.msg


def test_only_what_is_known_to_be_usable_is_well() -> None:
    vaults = [
        entry("vs0"),
        entry("vs1", NOBODY_KNOWS),
        entry("vs2", REFUSED),
        entry("vs3", LACKING),
        entry("vs4", BOTH),
    ]
    found = applied(result(*vaults))
    assert found["unusable"] == [
        "SVM vs1: unknown: ONTAP did not report the state of the keys",
        "SVM vs2: azure_unreachable: Azure refuses the credential",
        "SVM vs3: keys_missing: the keys are not on every node",
        "SVM vs4: azure_unreachable: Azure refuses the credential",
    ]
    # Keys that have been restored are no longer missing; what else is wrong still is.
    mended = applied(result(*vaults), restoring(found))["unusable"]
    assert [line[:7] for line in mended] == ["SVM vs1", "SVM vs2", "SVM vs4"]
    for vain in ({"changed": False}, {"failed": True}):
        assert applied(result(*vaults), restoring(found, **vain))["unusable"] == found["unusable"]
    # A new secret may be what helps.
    sent = changed("vs2", health=REFUSED)
    assert applied(result(sent), check_mode=True)["unusable"] == []
    assert len(applied(result(sent))["unusable"]) == 1
    # Nobody asked, or there is nothing.
    unasked = {name: value for name, value in entry().items() if name != "health"}
    assert applied(result(unasked, entry("vs1", None)))["unusable"] == []


def test_every_difference_is_a_line() -> None:
    vaults = [
        changed("vs0", {**CHANGE, "actual": None}, {**CHANGE, "field": "name", "actual": "x\x1b\ny"}),
        changed("vs1"),
        entry("vs2", LACKING),
        entry("vs3"),
        entry(None, verdict="blocked", became="failed", error={"msg": "no"}, drift=[CHANGE]),
    ]
    found = applied(result(*vaults), check_mode=True)
    assert applied(result(*vaults), restoring(found), check_mode=True)["differences"] == [
        "SVM vs0: client_id: desired wanted, actual nothing",
        r"SVM vs0: name: desired wanted, actual x\x1b\ny",
        "SVM vs1: credentials: would be sent again",
        "cluster scope: client_id: desired wanted, actual found",
        "SVM vs2: keys: desired on every node, actual missing on node2",
    ]
    assert applied(result(entry()), check_mode=True)["differences"] == []


@pytest.mark.parametrize("returned", [{"msg": "refused"}, {"msg": "refused", "vaults": [], "error": {"code": "4"}}])
def test_a_failure_is_what_the_module_says(returned: dict[str, t.Any]) -> None:
    assert applied(returned)["failure"] == "refused"
    assert applied(result(msg="A note."))["failure"] == ""
