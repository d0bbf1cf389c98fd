# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every plan: any wish, any record of any release, drawn from the table of fields."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired, make_plan
from ansible_collections.ontap.security.plugins.module_utils._azure.health import health
from ansible_collections.ontap.security.plugins.module_utils._azure.rekey import Rekey
from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.restore import RESTORE, Restore
from ansible_collections.ontap.security.plugins.module_utils._azure.steps import CREATE, DELETE, DISCARD
from ansible_collections.ontap.security.plugins.module_utils._azure.table import (
    AUTHENTICATION_METHODS,
    COMPARED,
    FIELDS,
    QUERY_FIELDS,
    SECRETS,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import (
    KeyId,
    key_of,
    one_names_a_version,
    vault_uri,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault, clean_record
from ansible_collections.ontap.security.plugins.module_utils._engine.batch import Batch
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan, Step
from ansible_collections.ontap.security.plugins.module_utils._engine.search import Search
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OntapError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release

RELEASES = [Release(9, 7), Release(9, 8), Release(9, 9, 1), *(Release(9, n, 1) for n in range(10, 19))]
R9_8, R9_10, R9_13, R9_14 = Release(9, 8), Release(9, 10, 1), Release(9, 13, 1), Release(9, 14, 1)
# In every secret, and in nothing else.
CANARY = "c4n4ry"
GUID = "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa"


# --- values: few enough to meet each other, with spellings that mean the same, and texts that mean nothing

hosts = st.sampled_from(["v.vault.azure.net", "V.Vault.azure.NET", "w.vault.azure.net", "hsm.managedhsm.azure.net"])
ports = st.sampled_from(["", ":443", ":8443"])
slashes = st.sampled_from(["", "/"])
junk = st.text(max_size=8)
uris = st.builds("https://{}{}{}".format, hosts, ports, slashes)
versions = st.sampled_from(["", "/a8e619fd", "/A8E619FD", "/b8e619fd"])
key_ids = st.builds(
    "https://{}{}/keys/{}{}{}".format, hosts, ports, st.sampled_from(["k1", "K1", "k10"]), versions, slashes
)
ids = st.sampled_from([GUID, GUID.upper(), GUID.replace("a", "d"), "client1", "Client1"])
names = st.sampled_from(["proxy.example.com", "Proxy.example.com", "login.example.com", "u"])
numbers = st.sampled_from([443, 3128, 8443, 0, 65536, -1])


def plain(name: str) -> st.SearchStrategy[t.Any]:
    """Values of a field that can be meant."""
    item = FIELDS[name]
    if name in ("name", "key_id"):
        return uris if name == "name" else key_ids
    if item.type == "int":
        return st.sampled_from([443, 3128])
    if item.type == "bool":
        return st.booleans()
    if item.secret:
        return st.sampled_from([CANARY, f"{CANARY}=1", f"  {CANARY}\\\"'"])
    if item.choices:
        return st.sampled_from(item.choices)
    return ids if name.endswith("_id") else names


def anything(name: str) -> st.SearchStrategy[t.Any]:
    """Values of a field's type, also those that cannot be meant."""
    if FIELDS[name].type == "int":
        return numbers
    if FIELDS[name].secret:
        return st.one_of(plain(name), junk.map(lambda text: CANARY + text), junk.map(lambda text: text + CANARY))
    return plain(name) if FIELDS[name].type == "bool" else st.one_of(plain(name), junk)


def options(of: t.Callable[[str], st.SearchStrategy[t.Any]]) -> st.SearchStrategy[dict[str, t.Any]]:
    """Options of azure_key_vault, as Ansible hands them over."""
    return st.fixed_dictionaries(
        {"svm": st.just("vs0")},
        optional={
            **{name: of(name) for name in FIELDS},
            "state": st.sampled_from(["present", "present", "absent"]),
            "update_credentials": st.sampled_from(["on_create", "always", "when_unreachable"]),
            "configuration": st.sampled_from(["default", "second"]),
            "ambient": st.sets(st.sampled_from(["client_id", "tenant_id", "client_secret"])).map(frozenset),
        },
    )


@dataclass(frozen=True)
class Ontap:
    """A model of one cluster with at most one configuration: what a release keeps, shows, and makes of a request."""

    release: Release
    kept: t.Mapping[str, t.Any] | None

    @property
    def vault(self) -> Vault | None:
        """The record as this release shows it."""
        if self.kept is None:
            return None
        shown = dict(self.kept)
        key = key_of(shown.get("key_id"))
        if key and key.version and self.release.has(R9_8) and not self.release.has(R9_13):
            shown["key_id"] = f"{key.vault}/keys/{key.name}"
        return Vault.of(shown)

    def after(self, plan: Plan) -> Ontap:
        """What the plan's steps make of it."""
        cluster = self
        for step in plan.steps:
            cluster = Ontap(self.release, cluster.performed(step))
        return cluster

    def performed(self, step: Step) -> dict[str, t.Any] | None:
        if step.kind in (DELETE, DISCARD):
            return None
        kept = dict(self.kept or new(self.release)) if step.kind is CREATE else dict(self.kept or {})
        kept.update({name: value for name, value in step.body.items() if name in COMPARED})
        if any(name in step.body for name in SECRETS):
            # It helps; where it does not, the module fails.
            kept["azure_reachability"] = {"reachable": True}
        for name, method in AUTHENTICATION_METHODS.items():
            if name in step.body and self.release.has(R9_10):
                kept["authentication_method"] = method
        if step.kind is RESTORE:
            kept["state"] = {"available": True, "code": "0"}
        return kept


def new(release: Release) -> dict[str, t.Any]:
    """What every configuration has from the start."""
    record: dict[str, t.Any] = {"uuid": "u1", "scope": "svm", "svm": {"name": "vs0", "uuid": "s0"}}
    if release.has(R9_14):
        record |= {"enabled": True, "configuration": {"name": "default", "uuid": "u1"}}
    return record


@st.composite
def clusters(draw: t.Callable[..., t.Any], of: t.Callable[[str], t.Any] = plain, exists: bool = False) -> Ontap:
    """Any release with any record, or none: what it does not have is not there, and most else may be missing."""
    release = draw(st.sampled_from(RELEASES))
    if not exists and draw(st.booleans()):
        return Ontap(release, None)
    known = {name: of(name) for name in COMPARED if release.has(FIELDS[name].since)}
    required = {name: known.pop(name) for name, item in FIELDS.items() if item.required and of is plain}
    record = {**new(release), **draw(st.fixed_dictionaries(required, optional=known))}
    if release.has(R9_10):
        record["authentication_method"] = draw(st.sampled_from(["client_secret", "certificate"]))
    if release.has(R9_14) and draw(st.booleans()):
        record |= {"enabled": False, "configuration": {"name": "second", "uuid": "u1"}}
    message = {"message": st.just("Node: n1. Reason: Key not found.")}
    state = {"available": st.booleans(), "code": st.sampled_from(["0", "65537551", 0])}
    record |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "state": st.fixed_dictionaries(message, optional=state),
                "azure_reachability": st.sampled_from([{"reachable": True}, {"reachable": False}, {"code": 7}, {}]),
            },
        )
    )
    return Ontap(release, record)


# --- plans


Made = t.TypeVar("Made")


def made(make: t.Callable[[t.Mapping[str, t.Any]], Made], params: t.Mapping[str, t.Any]) -> Made | None:
    """What is made of options; None where they are refused, with a remedy and without a secret."""
    try:
        return make(params)
    except OntapError as exc:
        error = exc
    assert error.remedy
    assert CANARY not in error.text()
    return None


def plan_of(wanted: t.Any, cluster: Ontap) -> Plan:
    """As the modules do it: the release is given only when asked for."""
    plan = wanted.plan(cluster.vault)
    return t.cast("Plan", wanted.plan(cluster.vault, cluster.release) if plan.needs_release else plan)


def check_plan(plan: Plan) -> None:
    """What holds of every plan, whatever it is for."""
    assert not plan.needs_release
    assert plan.changed == bool(plan.steps)
    if not plan.steps and not plan.blockers:
        assert dict(plan.before) == dict(plan.after)
    for blocker in plan.blockers:
        assert isinstance(blocker, OntapError)
        assert blocker.remedy
    # A secret is in a body and nowhere else.
    said = (plan.before, plan.after, plan.record, plan.drift, [drift.as_result() for drift in plan.drift])
    told = ([step.as_action("done", "u1") for step in plan.steps], plan.warnings, plan.note, plan.pending, plan.done)
    assert CANARY not in repr((plan, said, told, [blocker.text() for blocker in plan.blockers]))


@given(given=options(anything), cluster=clusters(anything))
def test_no_wish_and_no_record_breaks_a_plan(given: dict[str, t.Any], cluster: Ontap) -> None:
    wanted = made(Desired.of, given)
    if wanted is not None:
        assert CANARY not in repr(wanted)
        check_plan(plan_of(wanted, cluster))


@given(given=options(plain), cluster=clusters())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(given: dict[str, t.Any], cluster: Ontap) -> None:
    wanted = made(Desired.of, given)
    assume(wanted is not None)
    assert wanted is not None
    plan = plan_of(wanted, cluster)
    check_plan(plan)
    if plan.blockers:
        return
    for step in plan.steps:
        for name in set(step.body) - {"svm"}:
            assert cluster.release.has(FIELDS[name].since), f"{name} sent to {cluster.release}"
    afterwards = cluster.after(plan)
    again = plan_of(wanted, afterwards)
    assert not again.blockers
    if wanted.present and wanted.update_credentials == "always" and again.steps:
        # Sending them each time is what was asked for; nothing else is left.
        assert again.credentials == "sent"
        assert not again.drift
    else:
        assert not again.steps, again.drift
    if wanted.present and afterwards.vault:
        # The record that is foreseen is the one that comes out, as far as the release shows it.
        for name in COMPARED:
            assert FIELDS[name].same(plan.record.get(name), afterwards.vault.value(name)), name


@given(cluster=clusters(exists=True), names=st.sets(st.sampled_from(COMPARED)))
def test_what_is_shown_is_what_is_wanted(cluster: Ontap, names: set[str]) -> None:
    """Who writes down what ONTAP shows, has nothing to do, on any release, in one request."""
    assert cluster.vault
    shown = {name: cluster.vault.value(name) for name in names}
    wanted = Desired.of({"svm": "vs0", **{name: value for name, value in shown.items() if value is not None}})
    plan = make_plan(wanted, cluster.vault)
    assert (plan.steps, plan.drift, plan.blockers, plan.needs_release) == ((), (), (), False)


@settings(max_examples=300)
@given(
    data=st.data(),
    cluster=clusters(exists=True),
    allow=st.booleans(),
    force=st.sampled_from([False, False, False, True]),
)
def test_a_rekey_is_done_once(data: st.DataObject, cluster: Ontap, allow: bool, force: bool) -> None:
    assert cluster.kept
    used = KeyId.parse(cluster.kept["key_id"])
    # Most often another version of the key in use.
    another = versions.map(f"{used.vault}/keys/{used.name}".__add__)
    key_id = data.draw(st.one_of(key_ids, another, another))
    params = {"svm": "vs0", "key": "external", "key_id": key_id, "allow_other_vault": allow, "force": force}
    wanted = Rekey.of(params)
    plan = plan_of(wanted, cluster)
    check_plan(plan)
    if plan.blockers:
        return
    assert plan.changed or plan.note
    # Where nothing is done, that took no question about the release.
    assert plan.changed or not wanted.plan(cluster.vault).needs_release
    afterwards = cluster.after(plan)
    assert afterwards.vault
    assert FIELDS["key_id"].same(wanted.key_id, afterwards.vault.value("key_id"))
    unforced = Rekey(wanted.target, wanted.key_id, wanted.allow_other_vault)
    again = plan_of(unforced, afterwards)
    assert not again.changed
    assert not again.blockers
    # Where ONTAP shows versions and the record tells so, what is in use afterwards is what was asked for.
    if cluster.release.has(R9_14):
        assert afterwards.vault.value("key_id") == wanted.key_id or not plan.changed
        assert not one_names_a_version(wanted.key_id, afterwards.vault.value("key_id"))


@given(force=st.booleans(), internal=st.booleans(), cluster=clusters())
def test_what_acts_on_keys_keeps_the_same_promises(force: bool, internal: bool, cluster: Ontap) -> None:
    target = Desired.of({"svm": "vs0"}).target
    wanted = Rekey(target) if internal else Restore(target, force)
    plan = plan_of(wanted, cluster)
    check_plan(plan)
    if plan.blockers or not plan.changed:
        return
    again = plan_of(wanted, cluster.after(plan))
    # Nothing shows an internal key, and force is meant to act each time; the plan knows that of itself.
    assert again.changed == plan.unseen == (internal or force)


# --- input


scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 200000), junk, st.sampled_from(["*", "a|b", "!x"]))
queries = st.fixed_dictionaries(
    {},
    optional={
        "scope": st.sampled_from(["svm", "cluster"]),
        "svm": junk,
        "svm_uuid": junk,
        "uuid": junk,
        "configuration": junk,
        "key_id": st.one_of(key_ids, junk),
        "vault": st.one_of(uris, junk),
        "filters": st.dictionaries(
            st.one_of(st.sampled_from(sorted(QUERY_FIELDS)), junk), st.one_of(scalars, st.lists(scalars, max_size=3))
        ),
        "fields": st.lists(st.one_of(st.sampled_from(sorted(QUERY_FIELDS)), st.sampled_from(["*", "!svm.name"]), junk)),
        "order_by": st.lists(st.one_of(st.sampled_from(["svm.name desc", "name"]), junk)),
        "max_records": st.integers(-1, 10002),
        "return_timeout": st.integers(-1, 122),
        "health": st.booleans(),
    },
)


@given(params=queries, cluster=clusters(exists=True))
def test_no_query_breaks(params: dict[str, t.Any], cluster: Ontap) -> None:
    wanted = made(functools.partial(Search.of, AKV), params)
    if wanted is None:
        return
    assert all(isinstance(value, (str, int)) for value in wanted.query().values())
    assert cluster.vault
    found = wanted.matches(cluster.vault)
    if params.get("key_id"):
        assert set(wanted.to_read()) >= {"key_id"} or not wanted.fields
        assert not found or FIELDS["key_id"].same(params["key_id"], cluster.vault.value("key_id"))
    assert found == wanted.matches(cluster.vault)


@given(entries=st.lists(options(anything), max_size=4), unmanaged=st.sampled_from(["ignore", "report", "absent"]))
def test_no_list_breaks(entries: list[dict[str, t.Any]], unmanaged: str) -> None:
    params = {"vaults": entries, "unmanaged": unmanaged, "concurrency": 4, "allow_empty": False, "health": False}
    batch = made(functools.partial(Batch.of, Desired), params)
    if batch is not None:
        assert len(batch.entries) == len(entries)
        assert CANARY not in repr(batch)


# --- forms


anything_at_all = st.one_of(
    st.none(), st.booleans(), st.integers(), junk, uris, key_ids, ids, names, st.lists(junk, max_size=2)
)


@given(one=anything_at_all, other=anything_at_all)
@pytest.mark.parametrize("name", COMPARED)
def test_values_compare_both_ways(name: str, one: t.Any, other: t.Any) -> None:
    item = FIELDS[name]
    assert item.same(one, one)
    assert item.same(one, other) == item.same(other, one)
    assert item.canonical(item.canonical(one)) == item.canonical(one)
    if one is not None and name != "key_id":
        assert item.same(one, item.canonical(one))


@given(key_id=st.one_of(key_ids, junk.map("https://v.vault.azure.net/keys/{}".format)))
# Letters that are k and s to whoever ignores case, and no letters of Azure's.
@example("https://v.vault.azure.net/keys/\u212a")
@example("https://v.vault.azure.net/keys/k/\u017f")
def test_a_key_is_parsed_as_it_is_written(key_id: str) -> None:
    key = key_of(key_id)
    if key is None:
        return
    written = f"{key.vault}/keys/{key.name}" + (f"/{key.version}" if key.version else "")
    assert KeyId.parse(written) == key
    assert written.isascii()
    assert written == written.lower()
    assert vault_uri(key.vault) == key.vault


@given(one=key_ids, other=key_ids)
def test_one_key_is_the_same_in_one_version_or_in_none(one: str, other: str) -> None:
    first, second = KeyId.parse(one), KeyId.parse(other)
    assert first.same_key(first)
    assert first.same_key(second) == second.same_key(first)
    assert one_names_a_version(one, other) == one_names_a_version(*reversed((one, other)))
    if first.same_key(second):
        assert one_names_a_version(one, other) == ((first.version is None) != (second.version is None))
    else:
        assert not one_names_a_version(one, other)


@given(cluster=clusters(anything, exists=True))
def test_a_record_is_read_once_for_all(cluster: Ontap) -> None:
    assert cluster.vault
    record = cluster.vault.record
    assert clean_record(record) == record
    assert Vault.of(record) == cluster.vault
    assert health(cluster.vault) == health(Vault.of(record))
    version = cluster.vault.key_version()
    assert (version is None) == (not record.get("key_id"))
    # Whoever knows the release knows at least as much, and nothing else.
    assert cluster.vault.key_version(cluster.release) == (
        "latest" if version == "unknown" and key_of(record["key_id"]) and cluster.release.has(R9_13) else version
    )
