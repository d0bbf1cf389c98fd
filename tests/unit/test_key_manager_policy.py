# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module key_manager_policy, against simulated clusters of each release."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.simulator import Simulator
from tests.support.beats import Outcome, assert_four_beats, drive, number
from tests.support.tasks import Task, perform

RELEASES = ["9.9.1", *(f"9.{family}.1" for family in range(10, 19))]
PATH = "/api/security/key-manager-configs"
# Option, its value, its field, and the first release that has it. The simulator's own values are others.
SETTINGS: list[tuple[dict[str, t.Any], str, str]] = [
    ({"polling_interval": 30}, "health_monitor_polling_interval", "9.10.1"),
    ({"retry_count": 0}, "cloud_kms_retry_count", "9.11.1"),
    ({"akv": {"enabled": False}}, "health_monitor_policy.akv.enabled", "9.15.1"),
    ({"akv": {"manage_volume_offline": False}}, "health_monitor_policy.akv.manage_volume_offline", "9.15.1"),
]
OPTIONS = ["polling_interval", "retry_count", "akv.enabled", "akv.manage_volume_offline"]
EVERYTHING: dict[str, t.Any] = {
    "polling_interval": 20,
    "retry_count": 10,
    "akv": {"enabled": False, "manage_volume_offline": False},
}
Cluster = t.Callable[[str], Simulator]


@pytest.fixture(scope="module")
def clusters() -> t.Iterator[Cluster]:
    """One simulated cluster a release, with an Azure key vault."""
    started: dict[str, Simulator] = {}
    with contextlib.ExitStack() as stack:

        def of(release: str) -> Simulator:
            if release not in started:
                started[release] = stack.enter_context(Simulator(release=release))
            started[release].reset()
            started[release].ontap.add_vault("vs0")
            return started[release]

        yield of


@pytest.fixture
def sim(clusters: Cluster) -> Simulator:
    return clusters("9.16.1")


def policy(sim: Simulator, options: dict[str, t.Any], *, check: bool = False) -> Outcome:
    return drive(sim, options, check=check, module="key_manager_policy")


def four_beats(sim: Simulator, options: dict[str, t.Any], *, reads_to_predict: int) -> list[Outcome]:
    before = sim.snapshot()
    beats = [policy(sim, options, check=check) for check in (True, False, False, True)]
    assert_four_beats(beats, before, requests=2, reads_to_predict=reads_to_predict)
    return beats


@pytest.mark.parametrize(("options", "field", "since"), SETTINGS, ids=OPTIONS)
@pytest.mark.parametrize("release", RELEASES)
def test_each_setting_on_each_release(
    clusters: Cluster, release: str, options: dict[str, t.Any], field: str, since: str
) -> None:
    sim = clusters(release)
    if number(release) >= number(since):
        reads = 2 if "polling_interval" in options else 1
        beats = four_beats(sim, options, reads_to_predict=reads)
        assert [action["fields"] for action in beats[1].result["actions"]] == [[field]]
        assert beats[1].result["key_manager_policy"] == beats[0].result["key_manager_policy"]
        return
    # It is said before anything is sent, by the option's name, with the release that can.
    option = OPTIONS[[field for _options, field, _since in SETTINGS].index(field)]
    for check in (True, False):
        refused = policy(sim, options, check=check)
        assert refused.failed
        assert f"{option} needs ONTAP {since} or later, and this cluster runs ONTAP {release}" in refused.msg
        assert not refused.writes


def test_all_settings_go_in_one_request_as_objects(sim: Simulator) -> None:
    four_beats(sim, EVERYTHING, reads_to_predict=2)
    monitor = sim.snapshot()["monitor"]
    assert (monitor["polling_interval"], monitor["retry_count"]) == (20, 10)
    assert monitor["policy"]["akv"] == {"enabled": False, "manage_volume_offline": False}
    # What was not asked for is as it was.
    assert monitor["policy"]["kmip"] == {"enabled": True, "manage_volume_offline": True}


def test_only_what_differs_is_sent(sim: Simulator) -> None:
    sim.ontap.set_monitor(polling_interval=20, retry_count=10, enabled=False)
    done = policy(sim, EVERYTHING)
    assert [(a["method"], a["path"], a["fields"], a["outcome"]) for a in done.result["actions"]] == [
        ("PATCH", PATH, ["health_monitor_policy.akv.manage_volume_offline"], "done")
    ]
    (write,) = done.writes
    assert write["body"] == {"health_monitor_policy": {"akv": {"manage_volume_offline": False}}}
    # The others of the policy are still there to be seen.
    assert done.result["key_manager_policy"]["health_monitor_policy"]["akv"]["enabled"] is False
    assert done.result["diff"]["after"]["health_monitor_policy"]["akv"]["enabled"] is False


@pytest.mark.parametrize("release", ["9.10.1", "9.14.1", "9.18.1"])
def test_without_options_it_shows_what_is_set(clusters: Cluster, release: str) -> None:
    sim = clusters(release)
    shown = policy(sim, {})
    assert (shown.failed, shown.changed, shown.methods) == (False, False, ["GET"])
    assert shown.result["key_manager_policy"]["health_monitor_polling_interval"] == 15


def test_without_options_an_old_release_is_named(clusters: Cluster) -> None:
    shown = policy(clusters("9.9.1"), {})
    assert shown.failed
    assert "polling_interval needs ONTAP 9.10.1 or later" in shown.msg


def test_common_criteria_mode_and_its_passphrase_are_never_touched(sim: Simulator) -> None:
    done = policy(sim, EVERYTHING)
    assert not {"cc_mode_enabled", "passphrase"} & {*done.result["key_manager_policy"], *done.result["diff"]["before"]}
    assert all(not {"cc_mode_enabled", "passphrase"} & request["body"].keys() for request in done.writes)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"polling_interval": 14}, "polling_interval is 14; it is a number of minutes from 15 to 30"),
        ({"polling_interval": 31}, "polling_interval is 31; it is a number of minutes from 15 to 30"),
        ({"retry_count": -1}, "retry_count is -1; it is a number from 0 to 10"),
        ({"retry_count": 11}, "retry_count is 11; it is a number from 0 to 10"),
    ],
)
def test_what_is_out_of_range_is_not_sent(sim: Simulator, options: dict[str, t.Any], reason: str) -> None:
    for check in (True, False):
        refused = policy(sim, options, check=check)
        assert refused.failed
        assert reason in refused.msg
        assert refused.requests == []


@pytest.mark.parametrize("kind", [None, "okm"])
def test_an_interval_without_an_external_key_manager_is_refused_as_foreseen(sim: Simulator, kind: str | None) -> None:
    sim.ontap.remove_vault("vs0")
    if kind:
        sim.ontap.add_key_manager(None, kind)
    before = sim.snapshot()
    foreseen, refused = (
        policy(sim, {"polling_interval": 30, "retry_count": 5}, check=check) for check in (True, False)
    )
    for outcome in (foreseen, refused):
        assert outcome.failed
        assert not outcome.changed
        assert outcome.result["error"]["code"] == "65537304"
        assert "Configure the key manager first" in outcome.result["error"]["remedy"]
        assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"]
        assert outcome.snapshot == before
    assert not foreseen.writes
    assert foreseen.result["actions"] == []
    assert [action["outcome"] for action in refused.result["actions"]] == ["refused"]
    # Where the interval is as it should be, nobody minds.
    assert not policy(sim, {"polling_interval": 15, "retry_count": 5}, check=True).failed


def test_a_cloud_that_counts_as_no_external_manager_is_explained(sim: Simulator) -> None:
    sim.ontap.switch(cloud_is_no_external_manager=True)
    refused = policy(sim, {"polling_interval": 30})
    assert refused.result["error"]["code"] == "65537304"
    assert "only KMIP servers count" in refused.result["error"]["remedy"]


def test_a_login_that_sees_no_key_managers_foresees_what_it_can(sim: Simulator) -> None:
    sim.ontap.add_user("narrow", "narrow-password", "admin", ["/api/security/key-manager-configs"])
    login = {"hostname": sim.host, "http_port": sim.port, "ca_path": str(sim.ca_path)}
    login.update(username="narrow", password="narrow-password")
    foreseen = drive(sim, {"polling_interval": 30}, check=True, module="key_manager_policy", login=login)
    assert (foreseen.failed, foreseen.changed) == (False, True)


def test_the_feature_that_is_not_enabled_is_explained(sim: Simulator) -> None:
    sim.ontap.refuse("key-manager-configs-patch", 65539304)
    refused = policy(sim, {"akv": {"enabled": False}})
    assert refused.failed
    assert "leave `akv` out" in refused.result["error"]["remedy"]


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_lost_answer_is_settled_by_reading(sim: Simulator, kind: str) -> None:
    sim.fault("PATCH", "key-manager-configs", kind=kind)
    done = policy(sim, EVERYTHING)
    assert (done.failed, done.changed) == (False, True), done.msg
    assert {action["outcome"] for action in done.result["actions"]} == {"done"}
    assert sim.snapshot()["monitor"]["policy"]["akv"]["enabled"] is False
    assert not policy(sim, EVERYTHING).changed


@pytest.mark.parametrize(
    "content", ["{}", '{"records": [], "num_records": 0}', '{"health_monitor_polling_interval": "15"}']
)
def test_an_answer_of_another_form_is_an_error(sim: Simulator, content: str) -> None:
    sim.fault("GET", "key-manager-configs", kind="body", content=content, times=None)
    refused = policy(sim, {"polling_interval": 15})
    assert refused.failed
    assert not refused.writes


def test_options_as_they_come_from_plays_and_surveys(sim: Simulator) -> None:
    tasks = [
        Task({"akv": '{"manage_volume_offline": false}'}, check=True, module="key_manager_policy"),
        Task({"akv": {"manage_volume_offline": "no", "enabled": ""}}, module="key_manager_policy"),
        Task({"akv": {"managed": False}}, module="key_manager_policy"),
        Task({"akv": ["manage_volume_offline"]}, module="key_manager_policy"),
        Task({"health_monitor_polling_interval": "20", "cloud_kms_retry_count": ""}, module="key_manager_policy"),
    ]
    as_text, as_words, misspelt, a_list, long_names = perform(sim, tasks)
    for outcome in (as_text, as_words):
        assert [action["fields"] for action in outcome.result["actions"]] == [
            ["health_monitor_policy.akv.manage_volume_offline"]
        ]
    assert (misspelt.failed, "akv.managed is no option here" in misspelt.msg) == (True, True)
    assert (a_list.failed, "akv is a list, and must be a dictionary" in a_list.msg) == (True, True)
    assert sim.snapshot()["monitor"]["polling_interval"] == 20
    assert (long_names.failed, long_names.changed) == (False, True)
