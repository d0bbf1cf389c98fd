# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a create runs into that no configuration shows: SVMs, and key managers of other kinds. Only reads."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Plan
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import KEY_STORES, SVMS
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    ALREADY_CONFIGURED,
    NAME_TAKEN,
    UNKNOWN_NAME,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    BlockedError,
    TransportError,
    explained,
    withheld,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader


class Surroundings:
    """What a create runs into that no record of ours shows: SVMs and other key managers, read when first asked for.

    For one ``target``, or for the whole cluster. ``store`` is the type of the key managers that are ours.
    """

    def __init__(self, reader: Reader, store: str, target: Target | None = None) -> None:
        self._reader = reader
        self._store = store
        self._target = target

    def check_plan(self, target: Target, plan: Plan, current: t.Any, *, in_use: bool, check_mode: bool) -> None:
        """Raises ``BlockedError`` for what a plan to create or to enable runs into and no record of ours shows.

        ``in_use``: whether one of ours is the enabled one; then none of another kind is. In a real run the request
        itself finds out about another key manager, but for one that would be created and then could not be enabled.
        """
        if target.scope == "cluster":
            return
        if current is None:
            self.check(target)
        takes_over = plan.takes_over and not in_use
        if (check_mode or current is None) if takes_over else (check_mode and current is None and not plan.adds):
            kind = self.occupant(target)
            if kind:
                raise occupied(target, kind)
        if check_mode and plan.adds and self._has_another_so_named(target):
            meaning, remedy = explained(NAME_TAKEN)
            raise BlockedError(
                f"{target} is a key manager of another kind", meaning=meaning, remedy=remedy, code=NAME_TAKEN
            )

    def check(self, target: Target) -> None:
        """Raises ``BlockedError`` for an SVM that does not exist."""
        if target.scope == "cluster":
            return
        if self._svms is not None and not any(_is_svm(svm, target) for svm in self._svms):
            raise BlockedError(
                f"{target} does not exist on {self._reader.connection.hostname}",
                remedy="Check svm (or svm_uuid), and that hostname is the cluster that owns the SVM.",
            )

    def svm(self, target: Target) -> dict[str, t.Any]:
        """Name and UUID of the target's SVM, however it was named; empty for the cluster or when nobody can tell."""
        known = self._svms or () if target.scope == "svm" else ()
        return next((svm for svm in known if _is_svm(svm, target)), {})

    def occupant(self, target: Target) -> str | None:
        """The type of an enabled key manager of another kind on the SVM; None if there is none or nobody can tell."""
        others = (store for store in self._others(target) if store.get("enabled") is not False)
        return next((str(store["type"]) for store in others), None)

    def _has_another_so_named(self, target: Target) -> bool:
        named = (store.get("configuration") for store in self._others(target))
        return any(isinstance(one, dict) and one.get("name") == target.configuration for one in named)

    def _others(self, target: Target) -> t.Iterator[dict[str, t.Any]]:
        """The key managers of other kinds on the target's SVM."""
        for store in self._stores:
            # Nested up to 9.12.1 (contract, key-stores).
            inner = {**store, **store["keystore"]} if isinstance(store.get("keystore"), dict) else store
            svm = inner.get("svm")
            here = _is_svm(svm, target) if isinstance(svm, dict) and svm else self._target is not None
            if here and inner.get("type") not in (None, self._store):
                yield inner

    @functools.cached_property
    def _svms(self) -> list[dict[str, t.Any]] | None:
        query = {"fields": "name,uuid"}
        if self._target and self._target.svm:
            query["name"] = literal(self._target.svm)
        elif self._target:
            query["uuid"] = literal(self._target.svm_uuid or "")
        try:
            return self._reader.records(SVMS, query)
        except (ApiError, TransportError) as exc:
            if not withheld(exc):
                raise
            # A login with a narrow role may manage key managers and not see SVMs; then the POST will tell.
            return None

    @functools.cached_property
    def _stores(self) -> list[dict[str, t.Any]]:
        query = self._target.query() if self._target else {}
        try:
            return self._reader.records(KEY_STORES, {**query, "fields": "*,svm.name,svm.uuid"})
        except (ApiError, TransportError) as exc:
            if not withheld(exc) and exc.code not in UNKNOWN_NAME:
                raise
            # Before 9.10.1 there is no such collection, and a narrow role may not see it.
            return []


def _is_svm(svm: t.Mapping[str, t.Any], target: Target) -> bool:
    return (target.svm or target.svm_uuid) in (svm.get("name"), svm.get("uuid"))


def occupied(target: Target, kind: str) -> BlockedError:
    """The error for an SVM whose enabled key manager is of another kind."""
    _meaning, remedy = explained(ALREADY_CONFIGURED)
    return BlockedError(
        f"{target} already has an enabled key manager of type {kind}, and only one of any kind can be enabled",
        remedy=remedy,
        code=ALREADY_CONFIGURED,
    )
