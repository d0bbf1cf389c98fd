# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A described resource: its fields. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


def _text(value: t.Any) -> t.Any:
    return value


def _check_nothing(value: t.Any) -> None:
    pass


@dataclass(frozen=True)
class Field:
    """One field of ``/security/azure-key-vaults`` that a user can set; the option has the field's name.

    ``since`` is the first release that has it, ``patch`` the first whose PATCH takes it and ``patch_until`` the
    first whose PATCH no longer does (contract, fields by release). ``canonical`` gives the form two values are
    compared in, and where there is none ``equal`` compares them; ``check`` raises ``ValueError`` for a value that
    cannot be meant.
    """

    name: str
    since: Release
    patch: Release | None
    patch_until: Release | None = None
    create: bool = True
    required: bool = False
    secret: bool = False
    canonical: t.Callable[[t.Any], t.Any] = _text
    equal: t.Callable[[t.Any, t.Any], bool] | None = None
    check: t.Callable[[t.Any], None] = _check_nothing

    def same(self, one: t.Any, other: t.Any) -> bool:
        """Whether two values mean the same. A field ONTAP leaves out is unset, which is no value's equal."""
        if one is None or other is None:
            return one is other
        if self.equal is not None:
            return self.equal(one, other)
        return bool(self.canonical(one) == self.canonical(other))
