# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rotation of a secret: one configuration proves it before the rest of the fleet gets it.

The tasks of the role are played here in a few lines, with the modules and the filter in this process: first against
simulated clusters, then against fleets that hypothesis makes up.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import typing as t
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.filter.rotation import FilterModule
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.configurations import attempts, some
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.rotation import (
    AFTER_FIRST,
    BEFORE,
    Cluster,
    Done,
    Plan,
    Summary,
    judge,
    plan,
    sum_up,
)
from tests.simulator import Simulator
from tests.support.beats import CLIENT, OLD, TENANT, drive
from tests.support.rotations import (
    ALL,
    CLUSTER,
    INACTIVE,
    NEW_SECRET,
    OTHER,
    Clusters,
    accept,
    fleets,
    having,
    having_each,
)

rotation = FilterModule().filters()["rotation"]
ROLE = Path(__file__).parents[2] / "roles/rotate_secret"


# --- against simulated clusters


@pytest.fixture
def clusters() -> t.Iterator[Clusters]:
    with fleets() as make:
        yield make


@dataclass
class Ran:
    """What a run of the role comes to."""

    writes: int
    end: dict[str, t.Any]
    about: list[str]

    @property
    def failed(self) -> bool:
        return bool(self.end["stop"] or self.summary["hosts_to_do"])

    @property
    def summary(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.end["summary"])

    @property
    def lines(self) -> str:
        return "\n".join(self.end["lines"])


def rotate(
    sims: t.Sequence[Simulator],
    *,
    svms: t.Any = "",
    application: str = CLIENT,
    unproven: bool = False,
    check: bool = False,
    of_host: t.Mapping[str, t.Mapping[str, str]] | None = None,
    secret: t.Mapping[str, str] | None = None,
    before: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
) -> Ran:
    """The tasks of the role, in their order. ``of_host`` is what only one host wishes for. ``before`` are hosts that
    have left the play, with what they registered in an earlier one.
    """
    hosts = {f"cluster{number}": sim for number, sim in enumerate(sims, start=1)}
    hostvars: dict[str, dict[str, t.Any]] = {**{host: {} for host in hosts}, **(before or {})}
    writes = 0
    options = {"present": list(hosts), "unproven": unproven, "check_mode": check}

    def task(host: str, name: str, module: str, **given: t.Any) -> None:
        nonlocal writes
        done = drive(hosts[host], given, check=check, module=module)
        writes += len(done.writes)
        hostvars[host][f"__rotate_secret_{name}"] = {**done.result, "failed": done.failed}

    def send(name: str) -> None:
        for host, entries in now["send"].items():
            vaults = [{**entry, **({"client_secret": NEW_SECRET} if secret is None else secret)} for entry in entries]
            task(host, name, "azure_key_vaults", vaults=vaults, unmanaged="ignore")

    def changed(host: str, *names: str) -> bool:
        results = (hostvars[host].get(f"__rotate_secret_{name}", {}) for name in names)
        return not check and any(result.get("changed") for result in results)

    for host in hosts:
        wish = {"application": application, "svms": svms, "secret": "digest", **(of_host or {}).get(host, {})}
        hostvars[host]["__rotate_secret_wish"] = wish
        task(host, "before", "azure_key_vault_info", health=True)
    known = rotation(hostvars, "first", hosts=list(hostvars), **options)
    now = json.loads(known)
    about = now["lines"]
    send("first")
    for host in hosts:
        if changed(host, "first"):
            task(host, "proof", "azure_key_vault_info", uuid=now["first"]["uuid"], health=True)
    known = rotation(hostvars, "others", known=known, **options)
    now = json.loads(known)
    send("others")
    for host in hosts:
        if changed(host, "first", "others"):
            task(host, "after", "azure_key_vault_info", health=True)
    return Ran(writes, json.loads(rotation(hostvars, "end", known=known, **options)), about)


def test_every_configuration_of_the_application(clusters: Clusters) -> None:
    sims = clusters(("9.16.1", ALL), ("9.16.1", ["vs0"]))
    sims[1].ontap.add_vault("vs1", **{**OLD, "client_id": OTHER})
    accept(sims, NEW_SECRET, OLD["client_secret"])
    before = [sim.snapshot() for sim in sims]
    predicted = rotate(sims, check=True)
    assert (predicted.failed, predicted.writes) == (False, 0)
    assert [sim.snapshot() for sim in sims] == before
    done = rotate(sims)
    assert (done.failed, done.writes) == (False, 5)
    assert having_each(sims) == [sorted(ALL), ["vs0"]]
    assert having(sims[1], OLD["client_secret"]) == ["vs1"]
    assert predicted.end["lines"] == [
        f"5 configurations on 2 clusters would get the secret of the application {CLIENT}.",
        r"Would get the secret: cluster scope on cluster1, vs0 on cluster1, vs1 on cluster1, "
        r"vs2/spare\x1b[31m\u202e on cluster1, vs0 on cluster2.",
    ]
    assert done.about[0] == (f"5 configurations on 2 clusters use the application {CLIENT}: 4 healthy, 1 unknown.")
    assert done.about[1:] == [
        r"vs2/spare\x1b[31m\u202e on cluster1: unknown; ONTAP reports no health for an inactive configuration"
    ]
    assert done.end["lines"][0] == f"5 configurations on 2 clusters have the secret of the application {CLIENT}."
    assert re.search(r"does not report whether .*: vs2/spare\\x1b\[31m\\u202e on cluster1\.$", done.lines)
    assert done.summary == {
        "client_id": CLIENT,
        "clusters": 2,
        "complete": True,
        "configurations": 5,
        "hosts_to_do": [],
        "unreached": 0,
        "unreported": 1,
        "without": 0,
    }


def test_some_svms(clusters: Clusters) -> None:
    sims = clusters(("9.16.1", ALL))
    assert not rotate(sims, svms=["vs1", "vs0"]).failed
    assert having_each(sims) == [["vs0", "vs1"]]


def test_an_svm_that_does_not_use_it(clusters: Clusters) -> None:
    sims = clusters(("9.16.1", ["vs0"]))
    failed = rotate(sims, svms=["vs0", "nowhere"])
    assert (failed.end["stop"], failed.writes) == ("missing", 0)
    assert "nowhere on cluster1 has no Azure Key Vault configuration" in failed.end["why"]
    assert "Nothing has been sent in this run. Leave the old secret enabled" in failed.end["why"]


def test_an_application_in_another_spelling(clusters: Clusters) -> None:
    """It stays as ONTAP shows it."""
    sims = clusters(("9.16.1", []))
    sims[0].ontap.add_vault("vs0", **{**OLD, "client_id": CLIENT.upper()})
    assert not rotate(sims).failed
    assert having_each(sims) == [["vs0"]]
    (shown,) = drive(sims[0], {}, module="azure_key_vault_info").result["azure_key_vaults"]
    assert shown["client_id"] == CLIENT.upper()


def test_a_wrong_secret_stops_at_one_configuration_that_proves_it(clusters: Clusters) -> None:
    """Whatever comes first in the inventory: ONTAP 9.10.1 stores the secret without trying it."""
    sims = clusters(
        # No user, one that is inactive, one of which ONTAP reports nothing, and one with much behind it.
        *(("9.10.1", []), ("9.16.1", [INACTIVE]), ("9.7", ["vs0"]), ("9.10.1", [CLUSTER])),
        *(("9.10.1", ["vs0", "vs1"]), ("9.10.1", ["vs0"])),
    )
    accept(sims, OLD["client_secret"])
    failed = rotate(sims, unproven=True)
    assert (failed.end["stop"], failed.writes) == ("lost", 1)
    assert having_each(sims) == [[], [], [], [], ["vs0"], []]
    assert "vs0 on cluster5 reached Azure before, and with the secret that was sent it does not" in failed.end["why"]
    assert "No other configuration has been sent the secret in this run. Leave the old secret" in failed.end["why"]
    assert "Have the secret: vs0 on cluster5." in failed.lines
    assert not failed.summary["complete"]
    # The way on is the same with the right secret.
    accept(sims, OLD["client_secret"], NEW_SECRET)
    assert not rotate(sims).failed
    assert all(having(sim, OLD["client_secret"]) == [] for sim in sims)


def test_an_svm_proves_it_before_its_cluster(clusters: Clusters) -> None:
    sims = clusters(("9.10.1", [CLUSTER, "vs1"]), ("9.10.1", ["vs0"]))
    accept(sims, OLD["client_secret"])
    failed = rotate(sims)
    assert (failed.failed, failed.writes, having_each(sims)) == (True, 1, [["vs1"], []])


def test_a_wrong_secret_is_refused(clusters: Clusters) -> None:
    """From ONTAP 9.16.1: it tries the secret, so no configuration has it. Nobody else is asked."""
    sims = clusters(*[("9.16.1", ["vs0", "vs1"])] * 3)
    accept(sims, OLD["client_secret"])
    failed = rotate(sims, unproven=True)
    assert (failed.end["stop"], failed.writes, having_each(sims)) == ("refused", 1, [[], [], []])
    assert "Sending the secret to vs0 on cluster1, the first configuration, failed" in failed.end["why"]
    assert "65537540" in failed.end["why"]
    assert "No other configuration has been sent the secret in this run. Leave the old secret" in failed.end["why"]
    assert "0 configurations on 0 clusters have the secret" in failed.lines
    assert failed.summary["without"] == 6


def test_there_is_no_secret(clusters: Clusters) -> None:
    """A task that fails as a whole, before it has looked at anything."""
    sims = clusters(("9.16.1", ["vs0"]))
    for check in (True, False):
        failed = rotate(sims, secret={}, check=check)
        assert (failed.end["stop"], failed.writes) == ("refused", 0)
        assert "AKV_CLIENT_SECRET" in failed.end["why"]


@pytest.mark.parametrize(("release", "names"), [("9.7", ["vs0", "vs1"]), ("9.16.1", [INACTIVE])])
def test_nothing_can_prove_it(clusters: Clusters, release: str, names: list[str]) -> None:
    sims = clusters((release, names), (release, names))
    for check in (True, False):
        failed = rotate(sims, check=check)
        assert (failed.end["stop"], failed.writes) == ("unproven", 0)
        assert "No configuration can prove the secret" in failed.end["why"]
        assert "Nothing has been sent in this run" in failed.end["why"]
    daring = rotate(sims, unproven=True)
    assert (daring.failed, having_each(sims)) == (False, [names, names])
    assert daring.summary["unreported"] == 2 * len(names)


@pytest.mark.parametrize("away", [0, 1])
def test_a_cluster_that_is_away(clusters: Clusters, away: int) -> None:
    """It keeps no other from the secret, and the run fails and says how to go on."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]))
    sims[away].fault(kind="status", status=503, times=None)
    failed = rotate(sims)
    name = f"cluster{away + 1}"
    assert (failed.failed, failed.writes, having(sims[1 - away])) == (True, 1, ["vs0"])
    assert "1 configurations on 1 clusters have the secret" in failed.lines
    assert f"Could not be read, so nothing was sent there: {name}." in failed.lines
    assert (failed.summary["complete"], failed.summary["hosts_to_do"]) == (False, [name])
    sims[away].clear_faults()
    assert not rotate(sims[away : away + 1]).failed
    assert having_each(sims) == [["vs0"], ["vs0"]]


def test_all_clusters_are_away(clusters: Clusters) -> None:
    sims = clusters(("9.16.1", ["vs0"]))
    sims[0].fault(kind="status", status=503, times=None)
    failed = rotate(sims)
    assert (failed.end["stop"], failed.summary["hosts_to_do"]) == ("unread", ["cluster1"])
    assert "No cluster could be read" in failed.end["why"]


def test_one_of_the_others_fails(clusters: Clusters) -> None:
    """The rest get the secret all the same, and the summary tells them apart."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0", "vs1"]), ("9.16.1", ["vs0"]))
    sims[1].ontap.refuse("patch", 65537540, times=1)
    failed = rotate(sims)
    (missed,) = {"vs0", "vs1"} - set(having(sims[1]))
    assert (failed.failed, failed.end["stop"], having(sims[0]), having(sims[2])) == (True, "", ["vs0"], ["vs0"])
    assert "3 configurations on 3 clusters have the secret" in failed.lines
    assert f"the message above names: {missed} on cluster2." in failed.lines
    (trouble,) = failed.end["trouble"]
    assert trouble.startswith(f"{missed} on cluster2: ")
    assert "65537540" in trouble
    assert failed.summary["hosts_to_do"] == ["cluster2"]


def test_nobody_uses_the_application(clusters: Clusters) -> None:
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", []))
    for check in (True, False):
        failed = rotate(sims, application=OTHER, check=check)
        assert (failed.end["stop"], failed.writes, failed.about) == ("unused", 0, [])
        assert f"No configuration uses the application {OTHER}" in failed.end["why"]
        assert (failed.summary["configurations"], failed.summary["complete"]) == (0, False)


def test_azure_was_out_of_reach_before(clusters: Clusters) -> None:
    """Where another can prove the secret, it does. Where none can, the message does not blame the secret."""
    sims = clusters(("9.16.1", ["vs0"]), ("9.10.1", ["vs1"]))
    sims[0].ontap.set_azure(reachable=False)
    accept(sims[1:], OLD["client_secret"])
    first = rotate(sims)
    assert (first.end["stop"], having_each(sims)) == ("lost", [[], ["vs1"]])
    assert first.about[1].startswith("vs0 on cluster1: azure_unreachable; Azure cannot be reached")
    # Now neither reaches it, and of both of them the first in the inventory comes first.
    alone = clusters(("9.10.1", ["vs0", "vs1"]))
    alone[0].ontap.set_azure(reachable=False)
    unclear = rotate(alone)
    assert (unclear.end["stop"], having_each(alone)) == ("unclear", [["vs0"]])
    assert (
        "vs0 on cluster1 does not reach Azure with the secret that was sent, and did not before either"
        in (unclear.end["why"])
    )
    daring = rotate(alone, unproven=True)
    assert (daring.failed, daring.end["stop"], having_each(alone)) == (True, "", [["vs0", "vs1"]])
    assert "do not reach Azure, as they did not before: vs0 on cluster1, vs1 on cluster1." in daring.lines
    (trouble,) = daring.end["trouble"]
    assert trouble.startswith("vs0 on cluster1, vs1 on cluster1: azure_unreachable; ")
    assert (daring.summary["unreached"], daring.summary["complete"]) == (2, False)


def test_an_expired_secret(clusters: Clusters) -> None:
    """No configuration reaches Azure any more; the first proves the new secret all the same."""
    sims = clusters(("9.10.1", ["vs0", "vs1"]), ("9.10.1", ["vs0"]))
    accept(sims, NEW_SECRET)
    done = rotate(sims)
    assert (done.failed, having_each(sims)) == (False, [["vs0", "vs1"], ["vs0"]])
    assert done.summary["complete"]


def test_one_of_the_others_loses_azure(clusters: Clusters) -> None:
    sims = clusters(("9.10.1", ["vs0"]), ("9.10.1", ["vs0"]))
    accept(sims[1:], OLD["client_secret"])
    failed = rotate(sims)
    assert (failed.failed, having_each(sims)) == (True, [["vs0"], ["vs0"]])
    assert "do not reach Azure any more: vs0 on cluster2." in failed.lines
    assert failed.summary["hosts_to_do"] == ["cluster2"]


@pytest.mark.parametrize(
    ("of_host", "stop", "words"),
    [
        ({"secret": "of another"}, "secrets", "the same secret"),
        ({"application": OTHER}, "applications", f"different clusters: {CLIENT}, {OTHER}."),
    ],
)
def test_one_cluster_cannot_prove_another_secret(
    clusters: Clusters, of_host: dict[str, str], stop: str, words: str
) -> None:
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", ["vs0"]))
    failed = rotate(sims, of_host={"cluster2": of_host})
    assert (failed.end["stop"], failed.writes) == (stop, 0)
    assert words in failed.end["why"]


def test_a_record_that_cannot_be_an_entry_keeps_no_other_from_its_secret(clusters: Clusters) -> None:
    """It may be older than the forms that options are checked for. The module would refuse the whole list for it."""
    sims = clusters(("9.16.1", ["vs0", "vs1"]), ("9.16.1", ["vs0"]))
    sims[0].ontap.add_vault("vs2", **{**OLD, "tenant_id": "contoso tenant"})
    predicted = rotate(sims, check=True)
    done = rotate(sims)
    assert (done.failed, done.end["stop"], done.writes) == (True, "", 3)
    assert having_each(sims) == [["vs0", "vs1"], ["vs0"]]
    for ran in (predicted, done):
        assert ran.end["trouble"] == [
            "vs2 on cluster1: nothing was sent: tenant_id is not usable: it holds white space"
        ]
        assert (ran.summary["configurations"], ran.summary["without"]) == (3, 1)
        assert ran.summary["hosts_to_do"] == ["cluster1"]
    failed = rotate(sims, svms=["vs2"])
    assert (failed.end["stop"], failed.writes) == ("missing", 0)
    alone = rotate(sims[:1], svms=["vs2"])
    assert (alone.end["stop"], alone.writes) == ("unfit", 0)
    assert "vs2 on cluster1: tenant_id is not usable: it holds white space." in alone.end["why"]


def test_of_two_that_one_entry_means_neither_is_sent() -> None:
    one, other = (One(svm).record(False) for svm in ("vs0", "vs1"))
    read = Cluster.of("c1", CLIENT, "d", None, {"azure_key_vaults": [one, other, {**one, "uuid": "uuid of another"}]})
    decided = plan(["c1"], [read], unproven=False)
    assert decided.first is not None
    assert (decided.first.svm, decided.others) == ("vs1", {})
    sent = Done(first={"vaults": [{"changed": True, "error": None}]})
    summary = sum_up(through_a_fact(decided), {"c1": sent}, check_mode=True)
    assert [outcome.state for outcome in summary.outcomes] == ["failed", "failed", "sent"]
    assert summary.trouble == ("vs0 on c1, vs0 on c1: nothing was sent: SVM vs0 is not the only one of that name",)


@pytest.mark.parametrize(
    ("shown", "wished", "meant"),
    [(CLIENT.upper(), CLIENT, True), (CLIENT, CLIENT.upper(), True), ("Client1", "client1", False)],
)
def test_an_application_is_meant_as_everywhere(shown: str, wished: str, meant: bool) -> None:
    record = {**One("vs0").record(False), "client_id": shown}
    read = Cluster.of("c1", wished, "digest", None, {"azure_key_vaults": [record]})
    assert bool(read.chosen) is meant


def test_a_cluster_without_a_user_may_have_another_secret(clusters: Clusters) -> None:
    sims = clusters(("9.16.1", ["vs0"]), ("9.16.1", []))
    assert not rotate(sims, of_host={"cluster2": {"secret": "of another"}}).failed


@pytest.mark.parametrize("check", [True, False])
def test_a_cluster_of_which_nobody_knows_what_it_is_to_get(clusters: Clusters, check: bool) -> None:
    """One of its variables cannot be evaluated, for which Ansible takes it out of the play."""
    sims = clusters(("9.16.1", ["vs0"]))
    failed = rotate(sims, before={"cluster8": {}, "cluster9": {}}, check=check)
    assert (failed.end["stop"], failed.writes) == ("silent", 0)
    assert "left the play before: cluster8, cluster9." in failed.end["why"]
    assert "Nothing has been sent in this run" in failed.end["why"]
    assert failed.summary["hosts_to_do"] == ["cluster1", "cluster8", "cluster9"]


def test_a_cluster_that_an_earlier_rotation_could_not_read_keeps_no_other_from_its_secret(clusters: Clusters) -> None:
    """Of two in one run: Ansible has taken it out of the second play."""
    sims = clusters(("9.16.1", ["vs0"]))
    earlier = {"__rotate_secret_wish": {"application": OTHER, "svms": "", "secret": "digest"}}
    failed = rotate(sims, before={"cluster9": earlier})
    assert (failed.end["stop"], failed.writes, failed.summary["hosts_to_do"]) == ("", 1, ["cluster9"])


@pytest.mark.parametrize("batch", [["c1"], ["c2"]])
def test_a_play_that_has_a_part_of_its_clusters_at_a_time(batch: list[str]) -> None:
    """Each part would have a configuration that comes first."""
    wish = {"application": CLIENT, "svms": "", "secret": "digest"}
    read = {"azure_key_vaults": [One("vs0").record(False)]}
    hostvars = {host: {"__rotate_secret_wish": wish, "__rotate_secret_before": read} for host in ("c1", "c2")}
    both = ["c1", "c2"]
    failed = json.loads(rotation(hostvars, "first", present=both, hosts=both, batch=batch))
    assert (failed["stop"], failed["send"]) == ("serial", {})
    decided = json.loads(rotation(hostvars, "first", present=both, hosts=both, batch=["c2", "c1"]))
    assert (decided["stop"], list(decided["send"])) == ("", ["c1"])


# --- of fleets that hypothesis makes up


@dataclass(frozen=True)
class One:
    """A configuration. ``refuses``: sending to it fails. ``right``: with the new secret it reaches Azure."""

    svm: str
    enabled: bool = True
    reports: bool = True
    reached: bool = True
    refuses: bool = False
    right: bool = True

    def record(self, has_it: bool) -> dict[str, t.Any]:
        reached = self.right if has_it else self.reached
        known = self.enabled and self.reports
        return {
            "uuid": f"uuid of {self.svm}",
            "scope": "svm" if self.svm else "cluster",
            **({"svm": {"name": self.svm}} if self.svm else {}),
            "client_id": CLIENT,
            "tenant_id": TENANT,
            "enabled": self.enabled,
            # Whatever stands there of an inactive one, it tells nothing of the secret.
            **({"azure_reachability": {"reachable": reached}} if self.reports else {}),
            "health": {
                "verdict": "unknown" if not known else "healthy" if reached else "azure_unreachable",
                "usable": reached if known else None,
                "reasons": [] if known and reached else [f"what is wrong with {self.svm}"],
            },
        }


@dataclass
class Fleet:
    """``hosts`` have configurations, or None where they cannot be read. ``order`` is in which clusters list them."""

    hosts: dict[str, list[One] | None]
    order: int = 0
    sent: list[tuple[str, One]] = field(default_factory=list)
    # How many had the secret when it became known that it is wrong.
    turns: list[int] = field(default_factory=list)

    def read(self, host: str) -> dict[str, t.Any]:
        mine = self.hosts[host]
        if mine is None:
            return {"failed": True, "msg": "no way there"}
        records = [one.record((host, one) in self.sent) for one in mine]
        random.Random(self.order).shuffle(records)
        return {"azure_key_vaults": records}

    def send(self, host: str, names: t.Sequence[str], check: bool) -> dict[str, t.Any]:
        vaults = []
        for name in names:
            (one,) = (one for one in self.hosts[host] or () if one.svm == name)
            vaults.append({"changed": not one.refuses, "error": {"msg": f"{name} refuses"} if one.refuses else None})
            if not one.refuses and not check:
                self.sent.append((host, one))
        return {"vaults": vaults, "changed": any(vault["changed"] for vault in vaults)}

    def rotate(
        self, *, check: bool = False, unproven: bool = False, absent: t.Container[str] = ()
    ) -> tuple[Plan, Summary]:
        """The role with functions for tasks. ``absent`` hosts of the play do not take part."""
        present = [host for host in self.hosts if host not in absent]
        read = [Cluster.of(host, CLIENT, "digest", None, self.read(host)) for host in present]
        decided = plan(list(self.hosts), read, unproven=unproven)
        first, sending, proof = decided.first, {}, {}
        done = {host: Done() for host in present}
        if first and not decided.stop:
            sending = self.send(first.host, [first.svm], check)
            done[first.host] = Done(first=sending)
            proof = {} if check else self.read(first.host)
        self.turns.append(len(self.sent))
        judged = judge(through_a_fact(decided), sending, proof, unproven=unproven, check_mode=check)
        for host, follow in judged.others.items():
            done[host] = replace(done[host], others=self.send(host, [one.svm for one in follow], check))
        if not check:
            done = {host: replace(done[host], after=self.read(host)) for host in present}
        return judged, sum_up(through_a_fact(judged), done, check_mode=check)

    @property
    def readable(self) -> list[tuple[str, One]]:
        return [(host, one) for host, mine in self.hosts.items() for one in mine or ()]


def through_a_fact(decided: Plan) -> Plan:
    """A plan goes from turn to turn as JSON, and stays the same."""
    again = Plan.of(json.loads(json.dumps(asdict(decided))))
    assert again == decided
    return again


# Every kind of configuration, the usual ones more often: one draw for each is quicker than one for every field.
KINDS = [
    One("", enabled, reports, reached, refuses, right)
    for enabled, reports, reached, refuses, right in itertools.product(
        (True, True, False), (True, True, False), (True, False), (False, False, True), (True, False)
    )
]
of_svms = st.dictionaries(st.sampled_from(["", "vs0", "vs1", "vs2"]), st.sampled_from(KINDS), max_size=4)
of_a_host = of_svms.map(lambda kinds: [replace(kind, svm=svm) for svm, kind in kinds.items()])
fleets_of_any_kind = st.dictionaries(
    st.sampled_from([f"c{number}" for number in range(5)]), st.one_of(st.none(), of_a_host), min_size=1
)
made_up = st.builds(Fleet, fleets_of_any_kind)


@given(fleet=made_up, unproven=st.booleans())
def test_never_two_come_first(fleet: Fleet, unproven: bool) -> None:
    fleet.rotate(unproven=unproven)
    assert fleet.turns[0] <= 1


@given(fleet=made_up)
def test_the_first_has_proved_it_before_any_other_gets_it(fleet: Fleet) -> None:
    judged, _summary = fleet.rotate()
    if len(fleet.sent) > 1:
        (_host, first), *_others = fleet.sent
        assert first.enabled
        assert first.reports
        assert first.right
        assert judged.first is not None
        assert judged.first.label == f"{first.svm or 'cluster scope'} on {_host}"


@given(fleet=made_up, unproven=st.booleans())
def test_a_wrong_secret_reaches_one_configuration_at_most(fleet: Fleet, unproven: bool) -> None:
    """With ``unproven`` too, where any configuration was known to reach Azure before."""
    wrong = {host: mine and [replace(one, right=False) for one in mine] for host, mine in fleet.hosts.items()}
    fleet = Fleet(wrong)
    fleet.rotate(unproven=unproven)
    proving = any(one.enabled and one.reports and one.reached for _host, one in fleet.readable)
    assert len(fleet.sent) <= 1 or (unproven and not proving)


@given(fleet=made_up, unproven=st.booleans())
def test_the_best_comes_first(fleet: Fleet, unproven: bool) -> None:
    """What reached Azure before, then what did not, then what ONTAP does not report; of each an SVM, then a cluster."""
    decided, _summary = fleet.rotate(unproven=unproven, check=True)

    def rank(one: One) -> tuple[int, bool]:
        return (2 if not one.enabled or not one.reports else 0 if one.reached else 1, not one.svm)

    assert (decided.first is None) == (not fleet.readable)
    if decided.first:
        (first,) = (one for one in fleet.hosts[decided.first.host] or () if one.svm == decided.first.svm)
        assert rank(first) == min(rank(one) for _host, one in fleet.readable)


@given(fleet=made_up, unproven=st.booleans(), check=st.booleans())
def test_every_configuration_and_host_is_in_the_outcome(fleet: Fleet, unproven: bool, check: bool) -> None:
    judged, summary = fleet.rotate(unproven=unproven, check=check)
    named = [(one.configuration.host, one.configuration.svm) for one in summary.outcomes]
    assert sorted(named) == sorted((host, one.svm) for host, one in fleet.readable)
    sent = {(one.host, one.svm) for one in summary.having("sent")}
    if not check:
        # To none twice.
        assert sorted(sent) == sorted((host, one.svm) for host, one in fleet.sent)
    numbers = summary.numbers
    assert numbers["configurations"] + numbers["without"] == len(named)
    # Those that could not be read, and those on which not all is well.
    ill = {host for host, one in fleet.sent if one.enabled and one.reports and not one.right}
    ill |= {host for host, one in fleet.readable if (host, one.svm) not in sent}
    ill |= {host for host, mine in fleet.hosts.items() if mine is None}
    assert numbers["hosts_to_do"] == [host for host in fleet.hosts if host in ill]
    assert numbers["complete"] == (not judged.stop and not numbers["hosts_to_do"])
    assert bool(summary.why) == bool(judged.stop)


@given(fleet=made_up, unproven=st.booleans(), absent=st.sets(st.sampled_from(["c0", "c1", "c2"])))
def test_hosts_without_a_reading_are_named(fleet: Fleet, unproven: bool, absent: set[str]) -> None:
    """Also those that had left the play before."""
    _judged, summary = fleet.rotate(unproven=unproven, absent=absent)
    unread = [host for host, mine in fleet.hosts.items() if mine is None or host in absent]
    said = [line for line in summary.lines if line.startswith("Could not be read")]
    assert said == ([f"Could not be read, so nothing was sent there: {', '.join(unread)}."] if unread else [])
    assert {*unread} <= {*summary.numbers["hosts_to_do"]}


@given(fleet=made_up, unproven=st.booleans())
def test_what_needs_a_person_is_named(fleet: Fleet, unproven: bool) -> None:
    _judged, summary = fleet.rotate(unproven=unproven)
    text = "\n".join((*summary.lines, *summary.trouble))
    for one in summary.outcomes:
        if one.state == "failed" or one.after in ("lost", "unreached", "unreported"):
            assert one.configuration.label in text
    for host, one in fleet.sent:
        if one.enabled and one.reports and not one.right:
            assert f"what is wrong with {one.svm}" in text, host


@given(fleet=made_up, unproven=st.booleans(), order=st.integers(1, 9))
def test_the_order_in_which_clusters_list_makes_no_difference(fleet: Fleet, unproven: bool, order: int) -> None:
    one, other = Fleet(fleet.hosts), Fleet(fleet.hosts, order)
    assert one.rotate(unproven=unproven) == other.rotate(unproven=unproven)
    assert one.sent == other.sent


@given(fleet=made_up, unproven=st.booleans(), order=st.randoms())
def test_the_order_of_the_inventory_decides_between_equals_alone(
    fleet: Fleet, unproven: bool, order: random.Random
) -> None:
    hosts = list(fleet.hosts)
    order.shuffle(hosts)
    one, other = (
        Fleet(dict(some_hosts)).rotate(unproven=unproven, check=True)[0]
        for some_hosts in (fleet.hosts.items(), [(host, fleet.hosts[host]) for host in hosts])
    )
    assert {*one.chosen} == {*other.chosen}
    assert (one.first is None) == (other.first is None)
    if one.first and other.first:
        assert (one.first.reach, one.first.scope) == (other.first.reach, other.first.scope)
    # Whether the first refuses is a fact about that configuration.
    assert {one.stop, other.stop} - {"refused"} in ({one.stop}, {other.stop}, set())


@given(fleet=made_up, unproven=st.booleans())
def test_a_check_run_plans_what_a_run_does(fleet: Fleet, unproven: bool) -> None:
    """It foresees that the secret is right."""
    right = {host: mine and [replace(one, right=True) for one in mine] for host, mine in fleet.hosts.items()}
    (foreseen, predicted), (decided, done) = (
        Fleet(dict(right)).rotate(unproven=unproven, check=check) for check in (True, False)
    )
    assert foreseen == decided
    assert predicted.having("sent") == done.having("sent")
    assert predicted.having("failed") == done.having("failed")
    assert Fleet(dict(right)).sent == []


@given(fleet=made_up, unproven=st.booleans())
def test_a_check_run_sends_nothing(fleet: Fleet, unproven: bool) -> None:
    fleet.rotate(unproven=unproven, check=True)
    assert fleet.sent == []


@given(fleet=made_up, unproven=st.booleans())
def test_every_stop_is_known_and_says_what_has_been_sent(fleet: Fleet, unproven: bool) -> None:
    judged, summary = fleet.rotate(unproven=unproven)
    assert judged.stop in ("", *BEFORE, *AFTER_FIRST)
    if judged.stop in BEFORE:
        assert fleet.sent == []
        assert "Nothing has been sent in this run." in summary.why
    elif judged.stop:
        assert len(fleet.sent) == (judged.stop != "refused")
        assert "No other configuration has been sent the secret in this run." in summary.why
        assert judged.others == {}
    if judged.stop:
        assert summary.why.endswith("Leave the old secret enabled in Azure.")


# --- what is said, and how much of it


def healthy(number: int) -> list[One]:
    return [One(f"svm{index:02}") for index in range(number)]


def test_fifty_that_are_well_are_one_line() -> None:
    decided, summary = Fleet({"c1": healthy(50)}).rotate()
    assert decided.about() == [f"50 configurations on 1 clusters use the application {CLIENT}: 50 healthy."]
    assert (summary.lines, summary.trouble) == (
        [
            f"50 configurations on 1 clusters have the secret of the application {CLIENT}.",
            "Have the secret: svm00 on c1, svm01 on c1, svm02 on c1, svm03 on c1, svm04 on c1 and 45 more.",
        ],
        (),
    )


def test_one_in_fifty_is_named_alone() -> None:
    _decided, summary = Fleet({"c1": [*healthy(49), One("svm99", refuses=True)]}).rotate()
    assert summary.lines[2:] == [
        "Sending failed, for the reason and with the outcome that the message above names: svm99 on c1."
    ]
    assert summary.trouble == ("svm99 on c1: svm99 refuses",)


def test_all_that_need_a_person_are_named() -> None:
    kinds = {
        "reach Azure any more": One("", right=False),
        "as they did not before": One("", reached=False, right=False),
        "security key-manager external azure check": One("", reports=False),
        "the message above names": One("", refuses=True),
    }
    svms = [replace(one, svm=f"{kind}{index}") for kind, one in zip("abcd", kinds.values()) for index in range(7)]
    _decided, summary = Fleet({"c1": [One("Proof"), *svms]}).rotate()
    for kind, words in zip("abcd", kinds):
        (line,) = (line for line in summary.lines if words in line)
        assert all(f"{kind}{index} on c1" in line for index in range(7)), line


def test_a_check_run_names_all_that_would_get_it() -> None:
    _decided, summary = Fleet({"c1": healthy(50)}).rotate(check=True)
    assert all(f"svm{index:02} on c1" in summary.lines[1] for index in range(50))


def test_of_many_the_number() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(["a", "b", "c"], at_most=2) == "a, b and 1 more"


def test_lost_is_worse_than_unreached() -> None:
    hosts = {"c1": [One("a"), One("b", reached=False, right=False), One("c", right=False)]}
    _decided, summary = Fleet(t.cast("dict[str, list[One] | None]", hosts)).rotate()
    assert {one.configuration.svm: one.after for one in summary.outcomes} == {
        "a": "reached",
        "b": "unreached",
        "c": "lost",
    }


def test_nobody_knows_what_a_task_did_whose_result_is_missing() -> None:
    """Its host has left the play meanwhile."""
    read = Cluster.of("c1", CLIENT, "digest", None, Fleet({"c1": healthy(2)}).read("c1"))
    decided = plan(["c1"], [read], unproven=False)
    summary = sum_up(decided, {}, check_mode=False)
    assert [one.state for one in summary.outcomes] == ["failed", "failed"]
    assert summary.trouble == ("svm00 on c1, svm01 on c1: nothing is known of what the task did",)
    # Nor where it says something of one and nothing of the other, and so perhaps of another.
    one_of_two = attempts(decided.chosen, {"vaults": [{"changed": True, "error": None}], "msg": "an odd answer"})
    assert [(one.changed, one.message) for one in one_of_two] == [(False, "an odd answer")] * 2
    assert summary.numbers["hosts_to_do"] == ["c1"]


def test_a_cluster_that_cannot_be_read_again_needs_another_look() -> None:
    fleet = Fleet({"c1": healthy(1)})
    decided = plan(["c1"], [Cluster.of("c1", CLIENT, "digest", None, fleet.read("c1"))], unproven=False)
    done = Done(first=fleet.send("c1", ["svm00"], check=False), after={"failed": True, "msg": "no way there"})
    summary = sum_up(decided, {"c1": done}, check_mode=False)
    assert summary.numbers["hosts_to_do"] == ["c1"]
    assert [one.after for one in summary.outcomes] == ["unreported"]


def test_no_template_of_a_cluster_s_gets_into_a_fact() -> None:
    evil = "{{ lookup('pipe', 'id') }}{% raw %}{# no #}"
    record = {**One("vs0").record(False), "configuration": {"name": evil}}
    wish = {"application": CLIENT, "svms": "", "secret": "digest"}
    hostvars = {"c1": {"__rotate_secret_wish": wish, "__rotate_secret_before": {"azure_key_vaults": [record]}}}
    known = rotation(hostvars, "first", present=["c1"], hosts=["c1"])
    assert not re.search(r"\{[{%#]", known)
    assert json.loads(known)["send"]["c1"][0]["configuration"] == evil


@pytest.mark.parametrize("turn", ["second", "others"])
def test_the_filter_says_what_it_takes(turn: str) -> None:
    with pytest.raises(AnsibleFilterError, match="rotation knows the turns first"):
        rotation({}, turn, present=[])


def test_what_the_filter_reads_is_what_the_role_registers() -> None:
    tasks = (ROLE / "tasks/main.yml").read_text(encoding="utf-8")
    registered = {*re.findall(r"register: (\w+)", tasks), "__rotate_secret_wish"}
    source = (ROLE.parents[1] / "plugins/filter/rotation.py").read_text(encoding="utf-8")
    names = ["before", "wish", "first", "proof", "others", "after"]
    assert registered == {f"__rotate_secret_{name}" for name in names}
    assert all(f'"{name}"' in source or f"__rotate_secret_{name}" in source for name in names)
