# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of ONTAP's error codes that decisions depend on, by name. Pure."""

from __future__ import annotations

# The names that decisions use, so that no number appears anywhere else.

# The release does not have the path, or the path not the method.
UNKNOWN_PATH = "3"
NO_ENTRY = "4"
ALREADY_CONFIGURED = "65537500"
NAME_TAKEN = "65537589"
ALREADY_ENABLED = "65539218"
RESTORE_INCOMPLETE = "65537515"
NO_INTERNAL_KEY = "65537559"
NO_EXTERNAL_MANAGER = "65537304"

# Keys of the SVM's volumes are on the cluster's key manager: said to a create, and to changes and rekeys.
KEYS_KEEP_FROM_CREATING = "65537505"
KEYS_ON_CLUSTER = "65537547"

# Encrypted volumes keep a configuration from being removed.
IN_USE = "65536867"

# Migrating: one of the key managers is not there any more, and there is nothing to do.
NO_SUCH_KEY_MANAGER = "65537117"
NO_KEYS_TO_MIGRATE = "65539837"

# Multi-admin verification has stopped a write until other administrators approve it. Nothing was done, and the same
# request does it once they have; nothing is won by asking again before.
APPROVAL_REQUIRED = "262325"

# A query names something that this release does not have: as an argument, in fields, or in order_by.
UNKNOWN_NAME = frozenset({"262179", "262197", "262268"})

# The same statement, in releases up to 9.8 or 9.9.1 and in those from 9.10.1 on.
NOT_CONFIGURED = frozenset({"65537511", "65537120"})

# There is no such key store, or, by the first of them, it is not one that can be enabled or removed by itself.
NO_SUCH_KEY_STORE = frozenset({"65538908", "65539207"})

# A switch to another configuration is under way, or was interrupted: until it is done, ONTAP rotates no key, migrates
# none and removes no configuration.
SWITCHING = frozenset({"65537610", "65537611", "65539593"})

# The login may not see or do this, under whatever HTTP status.
NOT_AUTHORIZED = frozenset({"6", "6691623"})

# Lack of resources, which passes if it comes with HTTP 503 and lasts if it comes with another status.
BUSY_WITH_503 = frozenset({"7", "8"})

# Azure did not take the credential, or there is none; and the service of a cloud was not reached.
CREDENTIAL_REFUSED = frozenset({"65537517", "65537540", "65537567", "65537573"})
CLOUD_UNREACHABLE = "65537605"

# ONTAP turned the request away because it is busy. Nothing was done, and asking again a little later may well succeed.
BUSY = frozenset(
    {
        "262160",  # too many requests at once: turned away before any work
        "458773",  # the job manager is still starting, so no job was touched
        "2621573",  # the SVM is locked against changes for the minutes in which its configuration is recorded
        "65539434",  # migrate: checked before it starts, and initializing a key manager ends by itself
        "65539435",  # migrate: checked before it starts, and disabling a key manager ends by itself
        "65539436",  # rekey: checked before it starts, and initializing a key manager ends by itself
        "65539437",  # rekey: checked before it starts, and disabling a key manager ends by itself
    }
)

# Left out on purpose: 7 and 8 also stand for a full table or an object in use, which no waiting changes (HTTP status
# 429 or 503 tells the passing kind); 65537610, 65537611 and 65539593 may speak of a switch that was interrupted and
# ends only when somebody enables the configuration again; 65536602 waits for a node that somebody has to bring back.

# ONTAP failed inside itself. A write may have taken effect, wholly or in part: only reading again tells.
UNCERTAIN = frozenset(
    {
        "65541",  # an internal call got no answer in time; the other side may have finished it
        "65552",  # an internal call broke off at an unknown point
        "65562",  # an internal call broke off at an unknown point
        "262145",  # the code behind the request raised an exception, perhaps after its work was done
        "262288",  # a record was left half done
        "262291",  # the time limit came first; the work may have gone on
        "262292",  # some of it was done
        "262293",  # the job behind the request still runs
        "393271",  # a node lost quorum, perhaps while the change was being replicated
    }
)
