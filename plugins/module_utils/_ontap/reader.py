# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reads from ONTAP: the half of ``Client`` that changes nothing. Pure, so that who only reads loads no HTTP."""

from __future__ import annotations

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


class Reader(t.Protocol):
    """See ``Client``."""

    @property
    def connection(self) -> Connection: ...

    @property
    def known_release(self) -> Release | None: ...

    def get(self, path: str, query: Query | None = None) -> dict[str, t.Any]: ...

    def records(
        self, path: str, query: Query | None = None, *, enough: t.Callable[[list[dict[str, t.Any]]], bool] = ...
    ) -> list[dict[str, t.Any]]: ...

    def release(self) -> Release: ...
