# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of changes to an Azure Key Vault configuration. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.ontap.security.plugins.module_utils._azure.resource import AKV
from ansible_collections.ontap.security.plugins.module_utils._azure.uris import one_names_a_version
from ansible_collections.ontap.security.plugins.module_utils._azure.vault import KEY_STORE, SWITCHING, Vault
from ansible_collections.ontap.security.plugins.module_utils._azure.verify import SERVES
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
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    ALREADY_CONFIGURED,
    ALREADY_ENABLED,
    NAME_TAKEN,
    NO_SUCH_KEY_STORE,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import SWITCHING as REFUSED_BY_A_SWITCH
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


def _seen_in_use(_step: Step, _before: Vault | None, now: Vault | None, _release: Release | None) -> bool:
    """Whether it is the one in use; where somebody has asked its key store, also that no switch is open."""
    return now is not None and now.enabled and now.store_state != SWITCHING


def _not_in_use(_step: Step, target: Target, _vault: Vault) -> OutcomeError:
    return OutcomeError(
        f"ONTAP reported success, but {target} is not the one that is enabled",
        remedy="See which one is: security key-manager keystore show on the cluster. Then run the task again, which "
        "completes a switch that was interrupted.",
    )


NEITHER_SHOWN: t.Final = "neither credentials nor the internal key"

CREATE: t.Final = Kind(
    AKV,
    f"create the {AKV.noun} of",
    f"Created the {AKV.noun} of",
    seen_in_existence,
    creates=True,
    shared=True,
    raced=(ALREADY_CONFIGURED,),
    doubts=_unlike_asked,
    advice="azure_key_vault_preflight, with the same options, says what else would keep it from working.",
)
ADD: t.Final = replace(CREATE, raced=(ALREADY_CONFIGURED, NAME_TAKEN), query={"create_inactive": True}, beside=True)
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
# Of an inactive one.
MEND: t.Final = replace(UPDATE, beside=True)
RENEW_INACTIVE: t.Final = replace(RENEW, beside=True)
DELETE: t.Final = Kind(
    AKV,
    f"delete the {AKV.noun} of",
    f"Deleted the {AKV.noun} of",
    seen_in_absence,
)
# Of one that is not in use, by its key store.
DISCARD: t.Final = replace(DELETE, raced=(*DELETE.raced, *NO_SUCH_KEY_STORE))
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
# Where a switch may be open, which the same task completes.
REKEY_ONCE_SWITCHED: t.Final = replace(REKEY, raced=(*REKEY.raced, *REFUSED_BY_A_SWITCH))
ENABLE: t.Final = Kind(
    AKV,
    f"enable the {AKV.noun} of",
    f"Enabled the {AKV.noun} of",
    _seen_in_use,
    job=True,
    missed=_not_in_use,
    takes_over=True,
    proof=SERVES,
    also=(KEY_STORE,),
    raced=(*DELETE.raced, *NO_SUCH_KEY_STORE),
    nothing={ALREADY_ENABLED: "ONTAP says that it is enabled already."},
    refused="It stays inactive, and the one that was enabled before stays enabled.",
    hidden_by="none of it in use",
    at_last=f"{LOOK_FOR_ITS_JOB} Running the task again is safe: it reads which one is in use, and completes a switch "
    "that was interrupted by the same request.",
    meanwhile=WAIT_FOR_IT,
)
# Of one to which a switch was interrupted: which one is in use until then, nobody knows.
COMPLETE: t.Final = replace(
    ENABLE,
    purpose=f"complete the switch to the {AKV.noun} of",
    did=f"Completed the switch to the {AKV.noun} of",
    refused="The switch is not complete, and ONTAP refuses to rotate keys and to remove configurations until it is.",
)
