# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of changes to an Azure Key Vault configuration. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import one_names_a_version
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import Vault
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import (
    LOOK_FOR_ITS_JOB,
    WAIT_FOR_IT,
    Kind,
    Step,
    seen_in_absence,
    seen_in_existence,
    seen_in_fields,
)
from ansible_collections.ontap.security.plugins.module_utils._engine.target import Target
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import ALREADY_CONFIGURED
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import OutcomeError
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import Release


def _seen_in_key(step: Step, before: Vault | None, now: Vault | None, release: Release | None) -> bool | None:
    """As ``seen_in_fields``. A move to another version of the same key is one that not every release shows."""
    shown = seen_in_fields(step, before, now, release)
    if shown and now and before and "key_id" in step.body and now.value("key_id") == before.value("key_id"):
        # The same key as before, in another version that would be seen, or in one that nothing shows.
        moved = one_names_a_version(step.body["key_id"], now.value("key_id"))
        return False if moved and now.shows_key_versions(release) else None
    return shown


def _unlike_asked(step: Step, vault: Vault, release: Release | None) -> t.Iterator[str]:
    """That ONTAP, after a move to a key, shows a version that was not asked for, or none of the one that was."""
    key_id, shown = step.body.get("key_id"), vault.value("key_id")
    if vault.shows_key_versions(release) and one_names_a_version(key_id, shown):
        yield (
            f"ONTAP reported success for key_id {key_id} and shows {shown}. Whether it uses that version alone, or "
            "always the newest, cannot be told. azure_key_vault_rekey will move again, unless its key_id is as ONTAP "
            "shows it."
        )


def _another_key(step: Step, target: Target, vault: Vault) -> OutcomeError:
    return OutcomeError(
        f"ONTAP reported success, but key_id of {target} is {vault.value('key_id')} and not {step.body['key_id']}",
        remedy="Look into the cluster's EMS log before disabling any version of the old key in Azure.",
    )


NEITHER_SHOWN: t.Final = "neither credentials nor the internal key"

CREATE: t.Final = Kind(
    AKV,
    f"create the {AKV.noun} of",
    f"Created the {AKV.noun} of",
    seen_in_existence,
    creates=True,
    raced=(ALREADY_CONFIGURED,),
    doubts=_unlike_asked,
    refused="azure_key_vault_preflight, with the same options, says what else would keep it from working.",
)
SET_VERIFY: t.Final = Kind(
    AKV,
    "set verify_host and verify_ip of",
    "Set verify_host and verify_ip of",
    seen_in_fields,
)
UPDATE: t.Final = Kind(
    AKV,
    f"update the {AKV.noun} of",
    f"Updated the {AKV.noun} of",
    _seen_in_key,
    doubts=_unlike_asked,
    hidden_by="the same key as before",
)
# An update of nothing but what ONTAP never shows.
RENEW: t.Final = replace(
    UPDATE,
    hidden_by=NEITHER_SHOWN,
    at_last="Run the task again with update_credentials: always; sending the same credential twice is harmless.",
)
DELETE: t.Final = Kind(
    AKV,
    f"delete the {AKV.noun} of",
    f"Deleted the {AKV.noun} of",
    seen_in_absence,
)
REKEY: t.Final = Kind(
    AKV,
    "change the external key of",
    "Changed the external key of",
    _seen_in_key,
    job=True,
    missed=_another_key,
    doubts=_unlike_asked,
    hidden_by="the same key as before",
    then="; it starts another if the key is not the wanted one then",
    at_last=f"{LOOK_FOR_ITS_JOB} Running the task again is safe: it reads which key is in use, and moving to the same "
    "key twice does no harm.",
    meanwhile=WAIT_FOR_IT,
)
