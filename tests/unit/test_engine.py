# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine with a resource that is nobody's: all that it knows of one comes with the value."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass, field, replace

import pytest

from ansible_collections.ontap.security.plugins.module_utils._engine.batch import Batch, ensure_all
from ansible_collections.ontap.security.plugins.module_utils._engine.ensure import ensure
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import (
    WAIT_FOR_IT,
    Drift,
    Kind,
    Plan,
    Proof,
    Step,
    seen_in_absence,
    seen_in_existence,
    seen_in_fields,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import (
    SECRET,
    Field,
    Health,
    Queries,
    Resource,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.search import Search, count, search
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.answer import Answer
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import ALREADY_CONFIGURED, NO_ENTRY
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    BlockedError,
    InputError,
    LostAnswerError,
    OutcomeError,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Job, Waiting
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

R9_7 = Release(9, 7)
WRITER = "ansible_collections.ontap.security.plugins.module_utils._engine.carry_out"


# --- a resource: lamps, which have a colour, a code that nobody shows, and a job that cleans them

LAMP = Resource(
    one="a lamp",
    key="lamp",
    many="lamps",
    path="/api/lamps",
    store="lamp",
    fields={
        "colour": Field("colour", R9_7, R9_7, required=True, canonical=str.lower),
        "code": Field("code", R9_7, R9_7, role=SECRET),
    },
    compared=("colour",),
    standard=("colour",),
    health=("lit",),
    queries=Queries({"colour": R9_7, "svm.name": R9_7}, compared_here={"hue": "colour"}),
    judge=lambda lamp: Health("healthy" if lamp.value("lit") else "dark", usable=bool(lamp.value("lit"))),
    besides=lambda record, _release, _foreseen: {"bright": record.get("colour") == "white"},
)


def _still_dirty(_step: Step, target: Target, _lamp: Record) -> OutcomeError:
    return OutcomeError(f"the lamp of {target} is dirty", remedy="Clean it by hand.")


CREATE = Kind(
    LAMP, "hang the lamp of", "Hung the lamp of", seen_in_existence, creates=True, raced=(ALREADY_CONFIGURED,)
)
PAINT = Kind(LAMP, "paint the lamp of", "Painted the lamp of", seen_in_fields, hidden_by="no code")
REMOVE = Kind(LAMP, "remove the lamp of", "Removed the lamp of", seen_in_absence)
CLEAN = Kind(
    LAMP,
    "clean the lamp of",
    "Cleaned the lamp of",
    lambda _step, _before, now, _release: now is not None and bool(now.value("clean")),
    job=True,
    missed=_still_dirty,
    meanwhile=WAIT_FOR_IT,
)


def _try_code(_clean: t.Callable[[str], str], did: str, _before: t.Any, after: Record) -> tuple[str, ...]:
    if after.value("open"):
        return (f"{did}: it opens.",)
    raise OutcomeError("the code does not open the lamp", remedy="Give another.")


@dataclass(frozen=True)
class Lamp:
    """What somebody wants of a lamp."""

    resource: t.ClassVar[Resource] = LAMP
    target: Target
    present: bool = True
    body: t.Mapping[str, str] = field(default_factory=dict)
    clean: bool = False
    proof: t.ClassVar[Proof] = Proof("whether the lamp opens", ("code",), "open", R9_7, _try_code)
    shown_by: t.ClassVar[dict[str, Release]] = {"clean": R9_7}
    serves: t.ClassVar[None] = None
    told: t.ClassVar[dict[str, t.Any]] = {}

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Lamp:
        if params.get("colour") == "black":
            raise InputError("colour is black", remedy="Give a colour that shines.")
        body = {name: params[name] for name in LAMP.fields if params.get(name)}
        return cls(Target.of(params), params.get("state") != "absent", body, bool(params.get("clean")))

    @classmethod
    def absent(cls, target: Target) -> Lamp:
        return cls(target, present=False)

    @property
    def creates(self) -> bool:
        return self.present

    @property
    def yields(self) -> bool:
        return not self.present

    def undescribed(self, current: Record | None) -> list[dict[str, t.Any]]:
        return [{"field": "shade", "actual": "silk"}] if current and current.value("shade") else []

    def plan(
        self, current: Record | None, _release: Release | None = None, _others: t.Sequence[Record] = (), /
    ) -> Plan:
        if not self.present:
            steps = (Step(REMOVE, "DELETE", f"/api/lamps/{current.uuid}"),) if current else ()
            drift = (Drift("state", "absent", "present", "delete"),) if current else ()
            return Plan(steps, before=current.record if current else {}, drift=drift)
        if current is None:
            body = {"svm": self.target.svm_reference(), **self.body}
            drift = (Drift("colour", self.body.get("colour"), None, "create"),)
            return Plan((Step(CREATE, "POST", "/api/lamps", body),), after=self.body, record=self.body, drift=drift)
        changes = {
            name: value
            for name, value in self.body.items()
            if name == "code" or not LAMP.fields[name].same(value, current.value(name))
        }
        steps = (Step(PAINT, "PATCH", f"/api/lamps/{current.uuid}", changes),) if changes else ()
        if self.clean and not current.value("clean"):
            steps += (Step(CLEAN, "POST", f"/api/lamps/{current.uuid}/clean"),)
        drift = tuple(Drift(name, value, current.value(name), "update") for name, value in changes.items())
        record = {**current.record, **changes}
        return Plan(steps, current.record, {**current.record, **changes}, record, drift)


# --- a client: what a cluster with lamps answers


class Cluster:
    """Keeps lamps, and answers as a client does. ``lost``: the next write works, and its answer does not come."""

    connection = Connection(hostname="cluster1", username="a", password="b")
    known_release = R9_7

    def __init__(self, **colours: str) -> None:
        self.lamps: dict[str, dict[str, t.Any]] = {}
        for svm, colour in colours.items():
            self.hang(svm, colour=colour)
        self.asked: list[tuple[str, str]] = []
        self.running: list[Job] = []
        self.lost = self.opens = False

    def hang(self, svm: str, **body: t.Any) -> dict[str, t.Any]:
        lamp = {"uuid": f"u-{svm}", "scope": "svm", "svm": {"name": svm, "uuid": f"s-{svm}"}, "lit": True, **body}
        return self.lamps.setdefault(lamp["uuid"], lamp)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.asked if method != "GET"]

    def clone(self) -> Cluster:
        return self

    def close(self) -> None:
        pass

    def now(self) -> float:
        return 0.0

    def clean(self, value: t.Any, *, free_text: bool = False) -> t.Any:
        assert free_text
        return value

    def release(self) -> Release:
        return self.known_release

    def get(self, path: str, query: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        assert query.get("return_records") is False
        return {"num_records": len(self.records(path, query))}

    def records(self, path: str, query: t.Mapping[str, t.Any], **_enough: t.Any) -> list[dict[str, t.Any]]:
        self.asked.append(("GET", path))
        if path == "/api/svm/svms":
            return [{"name": f"vs{number}", "uuid": f"s-vs{number}"} for number in range(4)]
        if path == "/api/security/key-stores":
            return [{"uuid": "k", "type": "candle", "enabled": True, "svm": {"name": "vs3"}}]
        assert path == "/api/lamps"
        svm = query.get("svm.name")
        return [
            {name: value for name, value in lamp.items() if name != "code"}
            for lamp in self.lamps.values()
            if svm in (None, lamp["svm"]["name"])
        ]

    def write(
        self, method: str, path: str, body: t.Any, query: t.Mapping[str, t.Any], *, fresh: bool = False
    ) -> Answer:
        self.asked.append((method, path))
        answer = self.done(method, path, dict(body or {}))
        if self.lost:
            self.lost = False
            raise LostAnswerError("nobody answered", remedy="Wait.", method=method, path=path)
        return answer if query.get("return_records") or "job" in answer.body else Answer(answer.status, {})

    def done(self, method: str, path: str, body: dict[str, t.Any]) -> Answer:
        uuid = path.split("/")[3] if path.count("/") > 2 else ""
        if method == "POST" and not uuid:
            lamp = self.hang(
                body["svm"].get("name") or body["svm"]["uuid"][2:], **{k: body[k] for k in body if k != "svm"}
            )
            lamp["open"] = self.opens
            return Answer(201, {"num_records": 1, "records": [lamp]})
        if uuid not in self.lamps:
            raise ApiError(method=method, path=path, status=404, code=NO_ENTRY, message="entry doesn't exist")
        if path.endswith("/clean"):
            self.lamps[uuid]["clean"] = True
            return Answer(202, {"job": {"uuid": "j1"}})
        if method == "DELETE":
            del self.lamps[uuid]
        else:
            self.lamps[uuid].update(body, open=self.opens)
        return Answer(200, {})

    def jobs(self, _method: str, _path: str) -> list[Job]:
        self.asked.append(("GET", "/api/cluster/jobs"))
        return self.running

    def wait(self, uuid: str, _timeout: float, seen: t.Callable[[Job], None]) -> Job:
        job = Job(uuid, "success")
        seen(job)
        return job


def lamp(cluster: Cluster, *, check: bool = False, **params: t.Any) -> dict[str, t.Any]:
    return ensure(t.cast(t.Any, cluster), Lamp.of({"svm": "vs0", **params}), check_mode=check)


def lamps(cluster: Cluster, *entries: dict[str, t.Any], check: bool = False, **params: t.Any) -> dict[str, t.Any]:
    options = {"unmanaged": "report", "allow_empty": False, "concurrency": 2, "health": False, **params}
    batch = Batch.of(Lamp, {"lamps": list(entries), **options})
    return ensure_all(t.cast(t.Any, cluster), batch, check_mode=check, waiting=Waiting())


def changes(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(action["method"], action["outcome"]) for action in result["actions"]]


@pytest.mark.parametrize(
    ("before", "params", "written", "after"),
    [
        ({}, {"colour": "white"}, [("POST", "/api/lamps")], "white"),
        ({"vs0": "red"}, {"colour": "white"}, [("PATCH", "/api/lamps/u-vs0")], "white"),
        ({"vs0": "white"}, {"colour": "White"}, [], "white"),
        ({"vs0": "red"}, {"state": "absent"}, [("DELETE", "/api/lamps/u-vs0")], None),
        ({}, {"state": "absent"}, [], None),
    ],
)
@pytest.mark.parametrize("lost", [False, True])
def test_one_is_created_changed_and_removed(
    before: dict[str, str],
    params: dict[str, t.Any],
    written: list[tuple[str, str]],
    after: str | None,
    lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(**before)
    monkeypatch.delitem(sys.modules, WRITER, raising=False)
    predicted = lamp(cluster, check=True, **params)
    # Nothing has been written, and what writes has not been loaded.
    assert (cluster.writes, WRITER in sys.modules) == ([], False)
    cluster.lost = lost
    done = lamp(cluster, **params)
    assert cluster.writes == written
    assert done["changed"] == predicted["changed"] == bool(written)
    assert done["diff"] == predicted["diff"]
    assert changes(done) == changes(predicted)
    assert done["bright"] == (after == "white")
    assert done["lamp"].get("colour") == after
    assert not lamp(cluster, **params)["changed"]
    assert cluster.writes == written


def test_messages_speak_of_the_resource() -> None:
    with pytest.raises(BlockedError) as caught:
        lamp(Cluster(), svm="nowhere", colour="white")
    assert caught.value.text().startswith("Could not hang the lamp of SVM nowhere")
    with pytest.raises(BlockedError, match="type candle"):
        lamp(Cluster(), svm="vs3", colour="white", check=True)
    with pytest.raises(InputError, match="'size', which is no field of a lamp"):
        Search.of(LAMP, {"filters": {"size": "1"}})
    with pytest.raises(InputError) as wrong:
        lamps(Cluster(), {"svm": "vs0", "colour": "black"})
    assert wrong.value.message == "lamps[0] (svm vs0): colour is black"


def test_a_credential_is_tried_by_what_the_wish_brings() -> None:
    cluster = Cluster(vs0="red")
    with pytest.raises(OutcomeError, match="does not open"):
        lamp(cluster, code="1")
    cluster.opens = True
    done = lamp(cluster, code="2")
    assert (done["warnings"], done["actions"][0]["fields"]) == (["Painted the lamp of SVM vs0: it opens."], ["code"])
    # Nothing shows a code, so nobody can tell what became of it.
    cluster.lost = True
    with pytest.raises(LostAnswerError) as caught:
        lamp(cluster, code="3")
    assert caught.value.meaning == "Whether ONTAP took it cannot be seen: it shows no code."
    assert changes(caught.value.result) == [("PATCH", "unknown")]


def test_a_job_is_waited_for_and_its_work_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(vs0="red")
    done = lamp(cluster, clean=True)
    assert (done["job"]["state"], done["lamp"]["clean"]) == ("success", True)
    assert not lamp(cluster, clean=True)["changed"]

    dirty = Cluster(vs0="red")
    monkeypatch.setattr(dirty, "done", lambda *_request: Answer(202, {"job": {"uuid": "j1"}}))
    with pytest.raises(OutcomeError) as caught:
        lamp(dirty, clean=True)
    assert caught.value.message == "the lamp of SVM vs0 is dirty"
    assert changes(caught.value.result) == [("POST", "unknown")]


def test_a_job_that_does_it_already_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(vs0="red")
    cluster.running = [Job("j0", "running")]
    assert lamp(cluster, clean=True, check=True)["warnings"] == [
        "Job j0, which is running, does this already. A real run waits for it and starts none."
    ]

    def wait(uuid: str, _timeout: float, seen: t.Callable[[Job], None]) -> Job:
        cluster.lamps["u-vs0"]["clean"] = True
        return Job(uuid, "success")

    monkeypatch.setattr(cluster, "wait", wait)
    done = lamp(cluster, clean=True)
    assert (done["changed"], done["actions"], cluster.writes) == (True, [], [])


def test_all_of_a_cluster_at_once() -> None:
    cluster = Cluster(vs1="red", vs2="white", vs3="blue")
    cluster.lamps["u-vs2"]["shade"] = "silk"
    cluster.opens = True
    entries = [
        {"svm": "vs0", "colour": "white", "code": "1"},
        {"svm": "vs1", "colour": "white"},
        {"svm": "vs2", "colour": "white"},
    ]
    predicted = lamps(cluster, *entries, check=True, unmanaged="absent")
    assert cluster.writes == []
    done = lamps(cluster, *entries, unmanaged="absent", health=True)
    assert sorted(cluster.writes) == [
        ("DELETE", "/api/lamps/u-vs3"),
        ("PATCH", "/api/lamps/u-vs1"),
        ("POST", "/api/lamps"),
    ]
    assert done["summary"] == predicted["summary"]
    unsaid = {"cause": None, "remedy": None, "clock": None}
    well = {"verdict": "healthy", "usable": True, "keys_missing": None, "reasons": [], "nodes": [], **unsaid}
    assert [
        (one["verdict"], one["changed"], one["bright"], one["undescribed"], one["health"]) for one in done["lamps"]
    ] == [
        ("missing", True, True, [], well),
        ("drifted", True, True, [], well),
        ("in_sync", False, True, [{"field": "shade", "actual": "silk"}], well),
        ("unmanaged", True, False, [], None),
    ]
    assert done["warnings"] == ["lamps[0] (svm vs0): Sent the credential of SVM vs0: it opens."]
    assert sorted(lamp["svm"]["name"] for lamp in cluster.lamps.values()) == ["vs0", "vs1", "vs2"]


def test_a_query_compares_as_the_resource_does() -> None:
    cluster = Cluster(vs0="red", vs1="white")
    wanted = Search.of(LAMP, {"hue": "WHITE"})
    assert [found.svm for found in search(t.cast(t.Any, cluster), wanted)] == ["vs1"]
    assert count(t.cast(t.Any, cluster), wanted) == 1
    assert count(t.cast(t.Any, cluster), replace(wanted, values={})) == 2
