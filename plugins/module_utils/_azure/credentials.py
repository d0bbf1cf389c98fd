# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose credential: which of all that is written down somewhere counts for a configuration. Pure.

A secret that is sent to the configuration of another application cuts that off from its keys. So each place that
options come from says whose its credentials are, and only those of the configuration's own application are taken.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.ontap.security.plugins.module_utils._azure.table import CREDENTIALS, FIELDS, SECRETS

# The places, from the closest to the farthest: the task or the entry itself, the credentials that are kept apart for
# each application, what entries have in common, and the environment of the job.
OWN: t.Final = "own"
STORE: t.Final = "store"
DEFAULTS: t.Final = "defaults"
ENVIRONMENT: t.Final = "environment"

# Who logs in at Azure, and with what at the proxy on the way; with what at Azure is in CREDENTIALS. Together these are
# all fields that the environment can have.
APPLICATION: t.Final = tuple(name for name, item in FIELDS.items() if item.environment and not item.secret)
PROXY: t.Final = tuple(name for name in SECRETS if name not in CREDENTIALS)


@dataclass(frozen=True)
class Source:
    """One place: the options that it has, and the ``client_id`` that they are for (None: for whoever takes them).

    An option that is there without a value is given as nothing. A secret cannot be: nothing is no secret.
    """

    place: str
    options: t.Mapping[str, t.Any] = field(repr=False)
    whose: str | None = None

    @classmethod
    def own(cls, options: t.Mapping[str, t.Any]) -> Source:
        """What is given in the task or entry is meant for its configuration."""
        return cls(OWN, options)

    @classmethod
    def store(cls, client_id: str, options: t.Mapping[str, t.Any]) -> Source:
        """The credential that is kept for one application."""
        return cls(STORE, options, client_id)

    @classmethod
    def stores(cls, kept: t.Iterable[tuple[str, t.Mapping[str, t.Any]]]) -> tuple[Source, ...]:
        """The credentials that are kept, by application. Of two spellings of one, the later counts, as it does of one
        spelling, and nothing of the other: two entries are never mixed."""
        found: list[Source] = []
        for client_id, options in kept:
            found = [one for one in found if not same_application(one.whose, client_id)]
            found.append(cls.store(client_id, options))
        return tuple(found)

    @classmethod
    def defaults(cls, options: t.Mapping[str, t.Any]) -> Source:
        """What entries have in common. A credential there is that of the application there, if one is named."""
        return cls(DEFAULTS, options, _named(options))

    @classmethod
    def environment(cls, options: t.Mapping[str, t.Any]) -> Source:
        """What the environment has for options. It belongs to one application as a whole, if one is named."""
        return cls(ENVIRONMENT, options, _named(options))


def _named(options: t.Mapping[str, t.Any]) -> str | None:
    return options["client_id"] if _written(options.get("client_id")) else None


def same_application(one: t.Any, other: t.Any) -> bool:
    """Whether two client IDs mean the same, by what the table says of them. Nothing is no application's."""
    name = _written(one)
    return name is not None and FIELDS["client_id"].same(name, _written(other))


def _written(client_id: t.Any) -> str | None:
    """What somebody has written as a client ID: blanks around it are none of it."""
    return str(client_id or "").strip() or None


@dataclass(frozen=True)
class Holder:
    """A configuration that exists, by the application that it logs in as (None: ONTAP does not show it)."""

    client_id: str | None


@dataclass(frozen=True)
class Resolved:
    """What counts: each option that somebody may give here and has given, and the place that it comes from."""

    values: t.Mapping[str, t.Any] = field(repr=False)
    places: t.Mapping[str, str]

    @property
    def ambient(self) -> frozenset[str]:
        """What comes from the environment."""
        return frozenset(name for name, place in self.places.items() if place == ENVIRONMENT)


def resolve(sources: t.Sequence[Source], holder: Holder | None = None) -> Resolved:
    """What counts for a configuration of all that its ``sources`` have, which are in order, the closest first.

    Its application is the one that is given; where none is, the ``holder``'s. A credential of another one does not
    count. The environment is there for many configurations: it completes one that is created, and moves none that
    exists to its own application. Where one source has a credential of any kind, none of a farther one counts, so that
    there are never two kinds of two sources; of two kinds in one source, nobody can say which is meant, so both count.
    """
    given = next((s.options["client_id"] for s in sources if s.place != ENVIRONMENT and "client_id" in s.options), None)
    found: dict[str, Source] = {}
    for name in (*APPLICATION, *PROXY):
        for source in sources:
            has = source.options.get(name) if name in PROXY else name in source.options
            if has and _counts(source, name, given, holder):
                found[name] = source
                break
    for source in sources:
        kinds = [name for name in CREDENTIALS if source.options.get(name) and _counts(source, name, given, holder)]
        if kinds:
            found.update(dict.fromkeys(kinds, source))
            break
    # Its end is said beside a credential; where nobody has one, for the application.
    kept = [source for name, source in found.items() if name in CREDENTIALS]
    for source in kept[:1] or sources:
        if source.options.get("expires") and _counts(source, CREDENTIALS[0], given, holder):
            found["expires"] = source
            break
    found = {name: source for name, source in found.items() if source.options[name]}
    return Resolved(
        values={name: source.options[name] for name, source in found.items()},
        places={name: source.place for name, source in found.items()},
    )


def _counts(source: Source, name: str, given: t.Any, holder: Holder | None) -> bool:
    """Whether an option of a source may go to the configuration of the application that is ``given``, or else to the
    ``holder``'s."""
    if source.place == DEFAULTS and name not in CREDENTIALS:
        # Entries may have a tenant and a proxy in common without having the application.
        return True
    if source.place == ENVIRONMENT and name in APPLICATION and holder is not None:
        return False
    if source.whose is None:
        return True
    if given is None and holder is not None:
        return same_application(source.whose, holder.client_id)
    if given is None and source.place == ENVIRONMENT:
        # It names the application itself.
        return True
    return same_application(source.whose, given)
