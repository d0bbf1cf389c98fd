# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for the health of a configuration, and which of them mean that it can be used. Pure, no I/O."""

from __future__ import annotations

import typing as t

# The states of a key store that are not good, with what each means and what to do (contract, key-store states). Each is
# a verdict of its own.
STORE_STATES: t.Final[dict[str, tuple[str, str]]] = {
    "blocked": (
        "the key manager is blocked: it serves no key, because it was without the key in Azure for too long",
        "Mend what keeps ONTAP from the key in Azure; the key manager and the volumes come back by themselves after "
        "the next good poll. Do not restore keys and do not reboot nodes before that.",
    ),
    "disabling": (
        "the key manager is being disabled, and everything is refused meanwhile",
        "Wait until it is gone from security key-manager keystore show -vserver SVM. If the SVM is to keep it, create "
        "it again with azure_key_vault.",
    ),
    "switching": (
        "a switch to another key manager goes on or was interrupted, and some operations are refused until it ends",
        "Where no job of the switch runs (job show), enable the configuration that is wanted again, which completes "
        "the switch: security key-manager keystore enable -vserver SVM -keystore-type AKV -config-name NAME.",
    ),
    "initializing": (
        "the key manager is being set up, and everything is refused meanwhile",
        "Wait some minutes and look again.",
    ),
    "mixed": (
        "the keys are split between two key managers, and no new one can be made",
        "Migrate the rest from the cluster's key manager: azure_key_vault_migrate, or security key-manager key migrate "
        "(advanced). Create no encrypted volume before that.",
    ),
    "svm_kek_rekey": (
        "the internal key is being replaced, and no new key can be made meanwhile",
        "Wait some minutes and look again.",
    ),
}

# The one definition of "well". What nobody knows is worse than what is well, and never counts as that.
# ``no_encrypted_volume_yet``: nothing is wrong, ONTAP knows no key state before there is one. A key manager that serves
# the keys that there are, and makes no new ones, is neither.
_USABLE: t.Final[dict[str, bool | None]] = {
    "blocked": False,
    "azure_unreachable": False,
    "node_unreachable": False,
    "keys_missing": False,
    "disabling": False,
    "switching": False,
    "initializing": False,
    "mixed": None,
    "svm_kek_rekey": None,
    "unknown": None,
    "no_encrypted_volume_yet": True,
    "healthy": True,
}
WORST_FIRST: t.Final = tuple(_USABLE)


def usable(verdict: str) -> bool | None:
    """Whether a configuration of this health can be used; None where nobody knows."""
    return _USABLE.get(verdict)
