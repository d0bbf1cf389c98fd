# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the records of a resource."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._engine.record import Record, pick
from ansible_collections.ontap.security.plugins.module_utils._engine.resource import Resource
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import NO_ENTRY, NOT_CONFIGURED
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import ApiError
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query
from ansible_collections.ontap.security.plugins.module_utils._ontap.reader import Reader


def read(reader: Reader, resource: Resource, target: Target, fields: t.Collection[str] = ()) -> tuple[t.Any, ...]:
    """All records of the target's scope, enabled and inactive, in one request (more only if ONTAP pages).

    They show the ``fields`` besides the standard ones, and know what is needed to judge these.
    """

    def enough(raw: list[dict[str, t.Any]]) -> bool:
        return pick(filter(lambda record: _belongs(record, target), map(resource.record.of, raw)), target) is not None

    if resource.single:
        return (resource.record.of(reader.get(resource.path, {"fields": resource.to_read(fields)})),)
    query = {**target.query(), "fields": resource.to_read(fields)}
    found = read_all(reader, resource, query, enough=enough)
    # A second look at what came back: nothing may be changed because a filter was read as a pattern.
    return resource.complete(reader, tuple(record for record in found if _belongs(record, target)), frozenset(fields))


def read_all(
    reader: Reader,
    resource: Resource,
    query: Query,
    *,
    enough: t.Callable[[list[dict[str, t.Any]]], bool] = lambda _found: False,
) -> tuple[t.Any, ...]:
    """The records that a query finds. None where ONTAP says with an error that there are none."""
    try:
        return tuple(map(resource.record.of, reader.records(resource.path, query, enough=enough)))
    except ApiError as exc:
        if exc.code in NOT_CONFIGURED or exc.code == NO_ENTRY:
            return ()
        raise


def _belongs(record: Record, target: Target) -> bool:
    if target.uuid:
        return record.uuid.lower() == target.uuid
    if target.scope == "cluster":
        return record.scope == "cluster"
    if target.svm:
        return record.svm in (None, target.svm) and record.scope != "cluster"
    return record.svm_uuid in (None, target.svm_uuid) and record.scope != "cluster"
