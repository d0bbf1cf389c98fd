# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets whose clusters get a new secret, for the tests of the role rotate_secret with and without Ansible."""

from __future__ import annotations

import contextlib
import typing as t

from tests.simulator import Simulator
from tests.support.beats import OLD

NEW_SECRET = "the-new-secret-of-the-application"
OTHER = "dddddddd-bbbb-aaaa-bbbb-aaaaaaaaaaaa"
# An SVM's name stands for its enabled configuration.
INACTIVE, CLUSTER = "inactive", "cluster"
# A cluster may call it so: an escape sequence, and a sign that turns the direction of writing.
SPARE = "spare\x1b[31m\u202e"
ALL = ("vs0", "vs1", CLUSTER, INACTIVE)
Clusters = t.Callable[..., list[Simulator]]


@contextlib.contextmanager
def fleets() -> t.Iterator[Clusters]:
    """Makes clusters: of each the release, and the configurations that use the application."""
    with contextlib.ExitStack() as stack:

        def make(*wanted: tuple[str, t.Sequence[str]]) -> list[Simulator]:
            made = []
            for release, names in wanted:
                sim = stack.enter_context(Simulator(release=release, svms=("vs0", "vs1", "vs2")))
                for name in names:
                    if name == INACTIVE:
                        sim.ontap.add_vault("vs2", enabled=False, configuration=SPARE, **OLD)
                    else:
                        svm = None if name == CLUSTER else name
                        sim.ontap.add_vault(svm, **OLD)
                        sim.ontap.encrypt_volumes(svm)
                made.append(sim)
            return made

        yield make


def having(sim: Simulator, secret: str = NEW_SECRET) -> list[str]:
    """The configurations that log in with it."""
    found = []
    for store in sim.ontap.sorted_stores():
        name = store.owner.name if store.enabled else INACTIVE
        if sim.ontap.secret(store.uuid, "client_secret") == secret:
            found.append(CLUSTER if name not in ("vs0", "vs1", "vs2", INACTIVE) else name)
    return sorted(found)


def having_each(sims: t.Sequence[Simulator]) -> list[list[str]]:
    return [having(sim) for sim in sims]


def accept(sims: t.Sequence[Simulator], *secrets: str) -> None:
    """Let Azure take these, and no others, from the clusters."""
    for sim in sims:
        sim.ontap.set_azure(valid_secrets=secrets)
