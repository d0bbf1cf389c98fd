# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose credential: what holds whatever is given where, and what is taken where nothing is against it."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ontap.security.plugins.filter.vault_entries import vault_entries
from ansible_collections.ontap.security.plugins.module_utils._azure.credentials import (
    APPLICATION,
    DEFAULTS,
    ENVIRONMENT,
    OWN,
    STORE,
    Holder,
    Resolved,
    Source,
    resolve,
    same_application,
)
from ansible_collections.ontap.security.plugins.module_utils._azure.desired import Desired
from ansible_collections.ontap.security.plugins.module_utils._azure.table import CREDENTIALS, FIELDS, SECRETS
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from tests.support.beats import CERTIFICATE

A, B, C = (f"{letter * 8}-bbbb-cccc-dddd-eeeeeeeeeeee" for letter in "abc")
NAMES = (*APPLICATION, *SECRETS)
PLACES = (OWN, STORE, DEFAULTS, ENVIRONMENT)

# Those that are no GUID are compared as they are.
ids = st.sampled_from([A, A.upper(), B, C, "Client1", "client1"])
holders = st.one_of(st.none(), st.builds(Holder, st.one_of(st.none(), ids)))


def some(place: str, *names: str) -> st.SearchStrategy[dict[str, t.Any]]:
    """Options of a place, each with a value that says where it is from."""
    return st.fixed_dictionaries(
        {}, optional={name: ids if name == "client_id" else st.just(f"{name}, {place}") for name in names}
    )


def stored(client_id: str) -> st.SearchStrategy[Source]:
    return some(STORE, *SECRETS).map(lambda options: Source.store(client_id, options))


own = some(OWN, *NAMES).map(Source.own)
store = st.lists(st.sampled_from([A, B, C, "Client1", "client1"]), unique=True).flatmap(
    lambda keys: st.tuples(*map(stored, keys))
)
defaults = some(DEFAULTS, *NAMES).map(Source.defaults)
environment = some(ENVIRONMENT, *APPLICATION, *CREDENTIALS).map(Source.environment)
everything = st.builds(lambda one, many, *others: (one, *many, *others), own, store, defaults, environment)


def same(one: t.Any, other: t.Any) -> bool:
    return FIELDS["client_id"].same(one, other)


def logs_in_as(found: Resolved, holder: Holder | None) -> t.Any:
    """The application of the configuration once this is sent: the one that is sent, or the one it has."""
    return found.values.get("client_id") or (holder.client_id if holder else None)


def lawful(source: Source, application: t.Any) -> bool:
    """Whether the credential of a source is that of an application, by what stands beside it."""
    whose = source.whose if source.place == STORE else source.options.get("client_id")
    return source.place == OWN or whose is None or same(whose, application)


def sources_of(found: Resolved, sources: t.Sequence[Source], name: str) -> list[Source]:
    return [s for s in sources if s.place == found.places.get(name) and s.options.get(name) == found.values[name]]


@given(sources=everything, holder=holders)
def test_no_credential_goes_to_another_application(sources: tuple[Source, ...], holder: Holder | None) -> None:
    found = resolve(sources, holder)
    application = logs_in_as(found, holder)
    for name in set(found.values) & set(CREDENTIALS):
        assert any(lawful(source, application) for source in sources_of(found, sources, name))
    # The environment belongs to one application as a whole.
    assert not found.ambient or lawful(sources[-1], application)


@given(sources=everything, holder=holders)
def test_the_environment_moves_no_configuration_that_exists(sources: tuple[Source, ...], holder: Holder | None) -> None:
    found = resolve(sources, holder)
    if holder is not None:
        assert not found.ambient & set(APPLICATION)


@given(sources=everything, holder=holders)
def test_a_closer_source_wins(sources: tuple[Source, ...], holder: Holder | None) -> None:
    """And what could be taken is taken: nothing is left out but for a reason."""
    found = resolve(sources, holder)
    application = logs_in_as(found, holder)
    for name in ("client_id", "tenant_id"):
        having = [s for s in sources if name in s.options and (s.place != ENVIRONMENT or holder is None)]
        having = [s for s in having if s.place != ENVIRONMENT or lawful(s, application)]
        assert found.places.get(name) == (having[0].place if having else None)
    having = [s for s in sources if set(s.options) & set(CREDENTIALS) and lawful(s, application)]
    if having and not (having[0].place == STORE and "client_id" in found.ambient):
        assert {found.places.get(name) for name in set(having[0].options) & set(CREDENTIALS)} == {having[0].place}
    having = [s for s in sources if "proxy_password" in s.options and (s.place != STORE or lawful(s, application))]
    if having and not (having[0].place == STORE and "client_id" in found.ambient):
        assert found.places.get("proxy_password") == having[0].place


@given(sources=everything, holder=holders)
def test_there_are_never_two_kinds_of_two_sources(sources: tuple[Source, ...], holder: Holder | None) -> None:
    found = resolve(sources, holder)
    assert len({found.places[name] for name in CREDENTIALS if name in found.places}) <= 1


@given(sources=everything, holder=holders)
def test_what_is_given_is_taken_as_it_is(sources: tuple[Source, ...], holder: Holder | None) -> None:
    found = resolve(sources, holder)
    assert found.values.items() >= sources[0].options.items()
    assert set(found.values) == set(found.places) <= set(NAMES)
    for name in found.values:
        assert sources_of(found, sources, name)


@given(sources=everything, holder=holders)
def test_in_two_turns_it_is_the_same(sources: tuple[Source, ...], holder: Holder | None) -> None:
    """A filter resolves what is written down, the module then the environment, and the plan then the record."""
    *written, around = sources
    merged = resolve(written)
    once = resolve((Source.own(merged.values), around))
    both = resolve(sources)
    assert once.values == both.values
    assert once.ambient == both.ambient
    parts = [
        {name: v for name, v in once.values.items() if (name in once.ambient) is ambient} for ambient in (False, True)
    ]
    beside = resolve((Source.own(parts[0]), Source.environment(parts[1])), holder)
    assert beside.values == resolve((Source.own(merged.values), around), holder).values


@given(sources=everything)
def test_the_filter_resolves_what_is_written_down(sources: tuple[Source, ...]) -> None:
    one, *many, shared, _around = sources
    known = {source.whose: source.options for source in many if source.options}
    (merged,) = vault_entries([{"svm": "vs0", **one.options}], defaults=shared.options, credentials=known)
    assert merged == {"svm": "vs0", **resolve((one, *many, shared)).values}


@given(one=ids, other=ids, blanks=st.sampled_from(["", " ", "\n"]))
def test_there_is_one_equality_and_it_is_the_table_s(one: str, other: str, blanks: str) -> None:
    """Whoever asks: what is given, what exists, what is kept."""
    equal = FIELDS["client_id"].same(one, other)
    assert same_application(f"{one}{blanks}", f"{blanks}{other}") is equal
    around = Source.environment({"client_id": one, "client_secret": "s"})
    for found in (
        resolve((Source.own({"client_id": f"{blanks}{other}"}), around)),
        resolve((around,), Holder(other)),
        resolve((Source.own({"client_id": other}), Source.store(f"{one}{blanks}", {"client_secret": "s"}))),
    ):
        assert ("client_secret" in found.values) is equal


@given(blank=st.sampled_from([None, "", "  "]), other=st.one_of(st.none(), ids))
def test_nothing_is_no_application(blank: str | None, other: str | None) -> None:
    assert not same_application(blank, other)
    assert not same_application(other, blank)


@pytest.mark.parametrize("again", [A.upper(), f" {A}", f"{A} "])
def test_of_two_spellings_of_one_application_the_later_counts_alone(again: str) -> None:
    """As in what combine makes of the variable of two groups."""
    kept = {
        A: {"client_secret": "old", "proxy_password": "p"},
        B: {"client_secret": "b"},
        again: {"client_secret": "new"},
    }
    one, other = vault_entries([{"svm": "vs0", "client_id": A}, {"svm": "vs1", "client_id": B}], credentials=kept)
    assert one == {"svm": "vs0", "client_id": A, "client_secret": "new"}
    assert other["client_secret"] == "b"


@pytest.mark.parametrize("name", [name for name, item in FIELDS.items() if item.environment])
def test_all_that_the_environment_has_counts_where_nothing_is_against_it(name: str) -> None:
    """A variable that the table gives to a field is never without effect."""
    assert resolve((Source.own({}), Source.environment({name: "x"}))).ambient == {name}


IDS = {"client_id": A, "tenant_id": "t"}
SECRET = {"client_secret": "s"}


@pytest.mark.parametrize(
    ("sources", "holder", "places"),
    [
        # Nothing is given: the environment as a whole.
        ([Source.environment({**IDS, **SECRET})], None, [ENVIRONMENT] * 3),
        ([Source.environment({**IDS, **SECRET})], Holder(A), [None, None, ENVIRONMENT]),
        ([Source.environment({**IDS, **SECRET})], Holder(A.upper()), [None, None, ENVIRONMENT]),
        ([Source.environment({**IDS, **SECRET})], Holder(B), [None, None, None]),
        # ONTAP does not say whose it is.
        ([Source.environment({**IDS, **SECRET})], Holder(None), [None, None, None]),
        # Whose the environment's is, nobody says, so that it is for all.
        ([Source.environment({"tenant_id": "t", **SECRET})], Holder(B), [None, None, ENVIRONMENT]),
        # What is given is wanted, whatever the configuration has.
        ([Source.own({"client_id": B}), Source.environment({**IDS, **SECRET})], Holder(A), [OWN, None, None]),
        ([Source.own({"client_id": A}), Source.environment({**IDS, **SECRET})], Holder(B), [OWN, None, ENVIRONMENT]),
        (
            [Source.own({"client_id": "client1"}), Source.environment({"client_id": "Client1", **SECRET})],
            None,
            [OWN, None, None],
        ),
        ([Source.own({"client_id": f" {A} "}), Source.environment({**IDS, **SECRET})], None, [OWN, *[ENVIRONMENT] * 2]),
        # An id of another form than Azure's is compared as ONTAP shows it.
        ([Source.environment({"client_id": "Client1", **SECRET})], Holder("Client1"), [None, None, ENVIRONMENT]),
        ([Source.environment({"client_id": "Client1", **SECRET})], Holder("client1"), [None, None, None]),
        # Nothing is no secret, and takes an application away.
        ([Source.own({"client_secret": ""}), Source.defaults({**IDS, **SECRET})], None, [DEFAULTS] * 3),
        ([Source.own({"client_id": ""}), Source.defaults({**IDS, **SECRET})], None, [None, DEFAULTS, None]),
    ],
)
def test_what_is_taken(sources: list[Source], holder: Holder | None, places: list[str | None]) -> None:
    found = resolve(sources, holder)
    assert [found.places.get(name) for name in ("client_id", "tenant_id", "client_secret")] == places


def test_no_secret_is_shown() -> None:
    source = Source.own({"client_secret": "c4n4ry"})
    assert "c4n4ry" not in repr(source)
    assert "c4n4ry" not in repr(resolve([source]))


@given(
    options=some(OWN, *APPLICATION),
    ambient=st.sets(st.sampled_from([*APPLICATION, *CREDENTIALS])).map(frozenset),
    credential=st.sampled_from(CREDENTIALS),
    current=st.one_of(st.none(), ids),
)
def test_a_wish_beside_a_configuration_is_for_its_application(
    options: dict[str, t.Any], ambient: frozenset[str], credential: str, current: str | None
) -> None:
    options = {name: value.replace(", ", "-") for name, value in options.items()}
    secret = {credential: CERTIFICATE if credential == "client_certificate" else "a secret"}
    wanted = Desired.of({"svm": "vs0", **options, **secret, "ambient": ambient})
    left = wanted.beside(Vault.of({"uuid": "u", "svm": {"name": "vs0"}, "client_id": current}))
    assert set(left.values) == set(options) - ambient
    whose = options.get("client_id") if "client_id" in ambient else None
    taken = credential not in ambient or whose is None or FIELDS["client_id"].same(whose, current)
    assert dict(left.secrets) == (secret if taken else {})
