# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether ONTAP reaches Azure with a credential that was sent, or with a configuration that was enabled. Pure."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._azure.causes import cause_of
from ansible_collections.ontap.security.plugins.module_utils._azure.table import CREDENTIALS, REACHABILITY
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import ACTIVE, Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import Proof
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OutcomeError


def proof_of(*, unverified: bool) -> Proof:
    """How a new credential is tried. One that is sent ``unverified`` on purpose is only warned of."""
    judge = functools.partial(_azure_refuses, unverified)
    return Proof(
        "whether ONTAP reaches Azure", of=CREDENTIALS, field="azure_reachability", since=REACHABILITY, judge=judge
    )


def _azure_refuses(
    unverified: bool, clean: t.Callable[[str], str], did: str, before: Vault | None, after: Vault
) -> tuple[str, ...]:
    """Judge a credential by what ONTAP says of Azure afterwards, see ``Proof``."""
    if after.azure_reachable or not after.enabled:
        return ()
    entry = after.record.get("azure_reachability") or {}
    said = clean(entry.get("message") or "no message")
    if after.azure_reachable is None and not (before is not None and before.azure_reachable is False):
        return ("ONTAP does not say whether it reaches Azure with the credential that was sent.",)
    if unverified:
        return (f"ONTAP does not reach Azure with the credential that was sent unverified: {said}",)
    cause = cause_of(entry.get("code"), said)
    first = cause.remedy if cause.name != "unknown" else _CHECK
    error = OutcomeError(
        f"ONTAP took the credential, but cannot reach Azure with it: {said}",
        remedy=f"{first} Then run the task again with update_credentials: when_unreachable; verify: false leaves the "
        "check out.",
        code=entry.get("code"),
    )
    error.tried = did
    raise error


_CHECK: t.Final = (
    "Check in Azure that the secret or certificate belongs to client_id and has not expired, and that the application "
    "may use the vault; and that the SVM reaches the vault and the nodes the login service. azure_key_vault_preflight "
    "checks what ONTAP shows of these paths."
)


def _served_without_azure(
    clean: t.Callable[[str], str], did: str, _before: Vault | None, after: Vault
) -> tuple[str, ...]:
    """Judge a configuration that has been enabled by what ONTAP says of Azure afterwards, see ``Proof``."""
    if after.azure_reachable:
        # Of a state that nobody could be told nothing follows.
        state = after.store_state if after.store_state != ACTIVE else None
        return (f"{did}; ONTAP says that its key store is {state}.",) if state else ()
    if after.azure_reachable is None:
        return (f"{did}; ONTAP does not say whether it reaches Azure with it.",)
    entry = after.record["azure_reachability"]
    error = OutcomeError(
        f"ONTAP uses it now, and cannot reach Azure with it: {clean(entry.get('message') or 'no message')}",
        remedy="Mend in Azure or in the network what the message says, or go back: the same task with the name of the "
        "configuration that was enabled before as configuration, and enabled: true. Until then remove none of them.",
        code=entry.get("code"),
    )
    error.tried = did
    raise error


# How a configuration is tried that has been enabled.
SERVES: t.Final = Proof(
    "whether ONTAP reaches Azure",
    of=("enabled",),
    field="azure_reachability",
    since=REACHABILITY,
    judge=_served_without_azure,
)
