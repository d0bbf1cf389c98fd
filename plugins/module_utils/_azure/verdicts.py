# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for the health of a configuration, and which of them mean that it can be used. Pure, no I/O."""

from __future__ import annotations

import typing as t

# The one definition of "well". What nobody knows is worse than what is well, and never counts as that.
# ``no_encrypted_volume_yet``: nothing is wrong, ONTAP knows no key state before there is one.
_USABLE: t.Final[dict[str, bool | None]] = {
    "azure_unreachable": False,
    "node_unreachable": False,
    "keys_missing": False,
    "unknown": None,
    "no_encrypted_volume_yet": True,
    "healthy": True,
}
WORST_FIRST: t.Final = tuple(_USABLE)


def usable(verdict: str) -> bool | None:
    """Whether a configuration of this health can be used; None where nobody knows."""
    return _USABLE.get(verdict)
