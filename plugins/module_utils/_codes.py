# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ONTAP's error codes mean, and what to do about each.

The catalogue has every code that ONTAP documents for the requests of this collection and those next to them. Words in
capitals inside a command stand for values of the reader's own. After a change run ``python docs/generate.py``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """One code, for a person: a sentence on what ONTAP says and why, and the next step."""

    meaning: str
    remedy: str


# The names that decisions use, so that no number appears anywhere else.

NO_ENTRY = "4"
UNKNOWN_ARGUMENT = "262179"
INVALID_FIELD_VALUE = "262197"
ALREADY_CONFIGURED = "65537500"
RESTORE_INCOMPLETE = "65537515"
NO_INTERNAL_KEY = "65537559"

# The same statement, in releases up to 9.8 or 9.9.1 and in those from 9.10.1 on.
NOT_CONFIGURED = frozenset({"65537511", "65537120"})

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

# The catalogue, in the order and under the titles of the documentation.
GROUPS: dict[str, dict[str, Explanation]] = {
    "Azure Key Vault: creating and updating a configuration": {
        "65537500": Explanation(
            "The SVM already has an enabled key manager, and ONTAP allows one of any kind at a time.",
            "See which one it is: azure_key_vault_info for this svm, or `security key-manager keystore show -vserver "
            "SVM` (9.14+). Manage that one or remove it first; from 9.14.1 the option configuration adds a named one "
            "beside it.",
        ),
        "65537503": Explanation(
            "The client secret and its confirmation differ inside ONTAP, which 9.7 and 9.8 report when the secret "
            "arrives altered.",
            "Look for what changed client_secret on its way: quote it in YAML, and remove a trailing newline that a "
            "file or vault lookup added. Then run the task again.",
        ),
        "65537504": Explanation(
            "ONTAP failed internally to save the configuration in its replicated database.",
            "Check that all nodes are healthy and in quorum (`cluster show`; advanced: `cluster ring show`), then run "
            "the task again: it reads what is there before it writes. If it comes back, open a NetApp support case "
            "with the EMS log (`event log show`).",
        ),
        "65537505": Explanation(
            "Volumes of this SVM are encrypted with keys on the admin SVM's key manager, which keeps the SVM from "
            "getting its own.",
            "Find them with `volume show -vserver SVM -is-encrypted true`. Move their keys with `security key-manager "
            "key migrate -from-vserver ADMIN_SVM -to-vserver SVM`; where the release refuses that, decrypt them "
            "(`volume move start -encrypt-destination false`). Then run the task again.",
        ),
        "65537506": Explanation(
            "Azure Key Vault cannot be used on a MetroCluster configuration.",
            "Take this cluster out of the hosts that get Azure Key Vault. Use KMIP servers (`security key-manager "
            "external enable`) or the Onboard Key Manager (`security key-manager onboard enable`) there.",
        ),
        "65537512": Explanation(
            "Not all nodes can enable Azure Key Vault; 9.7 and 9.8 say that they lack the azure.key.vault capability.",
            "Every node must be up (`cluster show`), run the same release (`cluster image show`), 9.10.1 or later "
            "outside Azure NetApp Files, and support volume encryption; the licences VE and MT_EK_MGMT must be "
            "installed (`system license show`).",
        ),
        "65537514": Explanation(
            "ONTAP could not find out whether all nodes have the Azure Key Vault feature enabled.",
            "Bring all nodes up and into quorum (`cluster show`), check that the licences VE and MT_EK_MGMT are "
            "installed (`system license show`), and run the task again. If it comes back, open a NetApp support case "
            "with the EMS log (`event log show`).",
        ),
        "65537517": Explanation(
            "ONTAP wants the client secret in this update; 9.7 and 9.8 call the missing field new_client_secret.",
            "Set client_secret and, for this run, update_credentials to always, so that the secret is sent along with "
            "client_id or tenant_id. ONTAP 9.7 can change nothing but the secret.",
        ),
        "65537518": Explanation(
            "ONTAP found no network interface with the cluster role, over which its nodes reach each other.",
            "`network interface show -vserver Cluster` must list interfaces that are up on every node. Bring them up "
            "(`network interface modify -vserver Cluster -lif LIF -status-admin up`) and run the task again.",
        ),
        "65537523": Explanation(
            "ONTAP does not accept the form of the Azure key identifier.",
            "Set key_id to the identifier that Azure shows for the key, "
            "https://VAULT.vault.azure.net/keys/KEY/VERSION. Where a release up to 9.12.1 refuses it with the "
            "version, leave the version out.",
        ),
        "65537526": Explanation(
            "ONTAP failed to switch the Azure Key Vault feature on.",
            "Check the licences VE and MT_EK_MGMT (`system license show`) and that all nodes are healthy (`cluster "
            "show`), then run the task again. If it comes back, open a NetApp support case with the EMS log (`event "
            "log show`).",
        ),
        "65537540": Explanation(
            "The client secret is not valid for this Azure application and tenant.",
            "In Azure, see that the secret of the application client_id has not expired and that tenant_id is right; "
            "client_secret takes the secret's value, not its ID. Then run with update_credentials set to always. "
            "skip_verification (9.16.1+) stores a secret unchecked.",
        ),
        "65537541": Explanation(
            "The update reached ONTAP without any field to change.",
            "Give an option that can change in place: client_id, tenant_id, client_secret, client_certificate, "
            "proxy_host and the other proxy options, and from 9.14.1 oauth_host, vault_host, port, verify_host, "
            "verify_ip.",
        ),
        "65537547": Explanation(
            "Keys of encrypted volumes of this data SVM are still on the admin SVM's key manager.",
            "Move them first, with advanced privilege: `security key-manager key migrate -from-vserver ADMIN_SVM "
            "-to-vserver SVM`, or POST /security/key-managers/{source.uuid}/migrate. It takes minutes and does not "
            "re-encrypt data. Then run the task again.",
        ),
        "65537553": Explanation(
            "ONTAP does not accept the form of the vault's address.",
            "Set name to the vault URI that Azure shows, such as https://mykeyvault.vault.azure.net/, without a key "
            "or any other path. In another Azure cloud use that cloud's domain, and set vault_host and oauth_host "
            "(9.14.1+).",
        ),
        "65537567": Explanation(
            "The request had neither a client secret nor a client certificate.",
            "Set client_secret, or the environment variable AKV_CLIENT_SECRET, or from 9.10.1 client_certificate. An "
            "empty string counts as not given: see whether the lookup or the AWX credential behind it yields a value.",
        ),
        "65537573": Explanation(
            "ONTAP cannot use the client certificate.",
            "client_certificate must be one base64 line of a PKCS12 file with certificate and private key (`base64 "
            "-w0 app.pfx`). Export it without a password, check that it has not expired, and that its public part is "
            "registered with the Azure application client_id.",
        ),
        "65537577": Explanation(
            "Not all nodes support logging in to Azure with a certificate.",
            "Upgrade every node to 9.10.1 or later (`cluster image show`), or use client_secret instead of "
            "client_certificate.",
        ),
        "65537589": Explanation(
            "The SVM already has a configuration of that name.",
            "Give another name in the option configuration, or manage the one that exists: azure_key_vault_info for "
            "this svm lists all of them with their names.",
        ),
        "65537592": Explanation(
            "Configurations can be named only when the effective cluster version is 9.14.0 or later.",
            "Leave the option configuration out, or finish the upgrade to 9.14.1 or later: the effective version "
            "rises when the last node is done (`cluster image show`).",
        ),
        "65537593": Explanation(
            "Inactive configurations exist only when the effective cluster version is 9.14.0 or later.",
            "Leave the option configuration out, so that the SVM's one configuration is managed, or finish the "
            "upgrade to 9.14.1 or later on all nodes (`cluster image show`).",
        ),
        "65537594": Explanation(
            "An inactive configuration was to be created without a name.",
            "Set the option configuration to a name that no other configuration of the SVM has.",
        ),
        "65537595": Explanation(
            "A name was given for a configuration that is to be enabled at once, which ONTAP names itself.",
            "Leave the option configuration out to create the enabled one. For a named one, create it inactive and "
            "enable it afterwards: `security key-manager keystore enable -vserver SVM -keystore-type AKV -config-name "
            "NAME`.",
        ),
        "65538902": Explanation(
            "ONTAP keeps the given configuration name for itself.",
            "Give another name in the option configuration. Leave it out to address the configuration that is "
            "enabled, which ONTAP usually calls default.",
        ),
        "65538903": Explanation(
            "The configuration name is an empty string.",
            "Give the option configuration at least one character, or leave it out to address the enabled "
            "configuration.",
        ),
        "65539704": Explanation(
            "The SVM has volumes in NAE aggregates, whose keys a cloud key manager cannot hold.",
            "Find them with `volume show -vserver SVM -encryption-type aggregate`. Move each to an aggregate without "
            "NAE (`volume move start -encrypt-with-aggr-key false`), or keep KMIP servers or the Onboard Key Manager "
            "for this SVM. Then run the task again.",
        ),
        "65537120": Explanation(
            "The SVM has no Azure Key Vault configuration that fits the request; releases from 9.10.1 on use this "
            "code.",
            "Check svm and configuration against azure_key_vault_info. To create it, run azure_key_vault with name, "
            "key_id, client_id, tenant_id and a credential. For a removal nothing is left to do.",
        ),
        "65537511": Explanation(
            "The SVM has no Azure Key Vault configuration that fits the request; the oldest releases use this code.",
            "Check svm against azure_key_vault_info. To create it, run azure_key_vault with name, key_id, client_id, "
            "tenant_id and client_secret. For a removal nothing is left to do.",
        ),
    },
    "Certificates and FIPS mode": {
        "3735553": Explanation(
            "ONTAP could not create the self-signed certificate that belongs to a new configuration.",
            "Run the task again. If it comes back, compare the clocks of all nodes (`cluster date show`) and open a "
            "NetApp support case with the EMS log of that time (`event log show`).",
        ),
        "3735664": Explanation(
            "The cluster is in FIPS mode, which forbids the size of the certificate's key.",
            "Issue a client_certificate with an RSA key of 2048 or 3072 bits, or use client_secret. `security config "
            "show` tells whether FIPS mode is on. Without a certificate of your own, open a NetApp support case.",
        ),
        "3735665": Explanation(
            "The cluster is in FIPS mode, which forbids the hash function the certificate is signed with.",
            "Issue a client_certificate signed with SHA-256 or stronger, or use client_secret. `security config show` "
            "tells whether FIPS mode is on. Without a certificate of your own, open a NetApp support case.",
        ),
        "3735700": Explanation(
            "ONTAP does not support the size of the certificate's key.",
            "Issue a client_certificate with an RSA key of 2048 or 3072 bits, or use client_secret. Without a "
            "certificate of your own, open a NetApp support case.",
        ),
        "52559972": Explanation(
            "A certificate starts to be valid later than the present time on the cluster.",
            "Compare the cluster's clocks with the real time (`cluster date show`, `cluster time-service ntp server "
            "show`) and correct them. If client_certificate itself starts in the future, wait or issue one that is "
            "valid now.",
        ),
    },
    "Azure Key Vault: removing a configuration": {
        "65536242": Explanation(
            "Self-encrypting drives are assigned an authentication key, which forbids removing the key manager.",
            "List them with `storage encryption disk show`. Once their data needs no protection any more, return them "
            "to the default key (`storage encryption disk modify -disk * -data-key-id 0x0`), then run the task again.",
        ),
        "65536243": Explanation(
            "ONTAP cannot tell whether self-encrypting drives are assigned an authentication key.",
            "Bring back nodes, shelves and drives that do not answer (`cluster show`, `storage encryption disk show`, "
            "`storage disk show -broken`), then run the task again.",
        ),
        "65536817": Explanation(
            "ONTAP failed internally to determine whether the key manager can be disabled safely.",
            "Bring all nodes up and into quorum (`cluster show`), give back what was taken over (`storage failover "
            "show`), and run the task again. If it comes back, open a NetApp support case with the EMS log (`event "
            "log show`).",
        ),
        "65536827": Explanation(
            "ONTAP failed internally to determine whether the SVM has encrypted volumes.",
            "Bring all nodes and the SVM up (`cluster show`, `vserver show -vserver SVM`), see that `volume show "
            "-vserver SVM -fields is-encrypted` answers for every volume, and run the task again. If it comes back, "
            "open a NetApp support case.",
        ),
        "65536834": Explanation(
            "ONTAP failed internally to read the key servers that are configured for the SVM.",
            "Check quorum (`cluster show`; advanced: `cluster ring show`) and run the task again. If it comes back, "
            "open a NetApp support case with the EMS log (`event log show`).",
        ),
        "65536867": Explanation(
            "The keys of encrypted volumes are on this key manager, so it is in use.",
            "`volume show -vserver SVM -is-encrypted true` lists the volumes. Delete them (also from `volume "
            "recovery-queue show`), decrypt them (`volume move start -encrypt-destination false`), or hand their keys "
            "to the admin SVM (`security key-manager key migrate`).",
        ),
        "65536883": Explanation(
            "ONTAP failed internally because the encryption key of a volume is missing.",
            "Fetch the keys with azure_key_vault_restore, then compare `security key-manager key query -vserver SVM` "
            "with the SVM's encrypted volumes. If a key stays missing, change nothing more and open a NetApp support "
            "case.",
        ),
        "65536884": Explanation(
            "ONTAP failed internally because the encryption key of a volume is not valid.",
            "Fetch the keys with azure_key_vault_restore and run the task again. If it comes back, change nothing "
            "more, do not reboot the nodes, and open a NetApp support case with the EMS log (`event log show`).",
        ),
        "65536924": Explanation(
            "The key manager still holds authentication keys of NSE drives.",
            "List them with `security key-manager key query -key-type NSE-AK`. Return the drives to the default key "
            "(`storage encryption disk modify -disk * -data-key-id 0x0`), delete the keys (advanced: `security "
            "key-manager key delete -key-id ID`), and run the task again.",
        ),
        "196608080": Explanation(
            "The root volume of a node is encrypted with NVE, which forbids removing the key manager.",
            "Find it with `volume show -volume vol0 -fields is-encrypted`. Keep the key manager, or give the node a "
            "plain root volume on another aggregate (advanced: `system node migrate-root`), preferably with NetApp "
            "support at hand; then run the task again.",
        ),
        "196608301": Explanation(
            "ONTAP failed internally to find out how a volume or aggregate is encrypted.",
            "Bring all nodes and aggregates online (`cluster show`, `storage aggregate show -state !online`) and run "
            "the task again. If it comes back, open a NetApp support case with the EMS log (`event log show`).",
        ),
        "196608305": Explanation(
            "The cluster has aggregates with NAE encryption, which forbids removing the key manager.",
            "Find them with `storage aggregate show -fields encrypt-with-aggr-key`. Move their volumes away (`volume "
            "move start -encrypt-with-aggr-key false`), switch NAE off (`storage aggregate modify -aggregate AGGR "
            "-encrypt-with-aggr-key false`), and run the task again.",
        ),
    },
    "Azure Key Vault: restoring and rotating keys": {
        "65537515": Explanation(
            "Keys could be restored on some nodes only.",
            "azure_key_vault_info with health set to true names the nodes. Bring them up (`cluster show`), let them "
            "reach the vault and the Azure login, then run azure_key_vault_restore again. Until it succeeds do not "
            "reboot or take over these nodes.",
        ),
        "65537544": Explanation(
            "ONTAP's database lacks the wrapped top-level key of the SVM, so there is nothing to restore from.",
            "If the SVM has no encrypted volumes (`volume show -vserver SVM -is-encrypted true`), nothing needs "
            "restoring. Otherwise do not reboot nodes or remove the configuration, and open a NetApp support case at "
            "once.",
        ),
        "65537559": Explanation(
            "The SVM has no internal key yet, because no volume of it is encrypted.",
            "There is nothing to rotate. ONTAP makes the key with the first encrypted volume (`volume create -encrypt "
            "true`); run azure_key_vault_rekey after that.",
        ),
        "65537610": Explanation(
            "The SVM is being switched to another key manager configuration, and until that is complete no key can be "
            "rotated.",
            "Wait until `security key-manager keystore show -vserver SVM` shows no switch any more. If it was "
            "interrupted, enable the new configuration once more (`security key-manager keystore enable`, or PATCH "
            "/security/key-stores/{uuid}); then rotate again.",
        ),
        "65539436": Explanation(
            "The key manager is being initialized, and until that is complete no key can be rotated.",
            "Wait until `security key-manager keystore show -vserver SVM` shows the state active, then run the task "
            "again.",
        ),
        "65539437": Explanation(
            "The key manager is being disabled, so no key can be rotated.",
            "Wait until it is gone from `security key-manager keystore show -vserver SVM`. If the SVM is to keep "
            "Azure Key Vault, create the configuration again with azure_key_vault.",
        ),
    },
    "Azure Key Vault: codes in the health of a configuration": {
        "65537549": Explanation(
            "At least one node does not reach the Azure Key Vault service, or the vault refuses it.",
            "The data SVM needs DNS, a route and a LIF to the vault; node management must reach "
            "login.microsoftonline.com (or oauth_host). In Azure check that the key is enabled, client_id has access "
            "to it, and the secret is in date. Volumes go offline if it lasts.",
        ),
        "65537551": Explanation(
            "The top-level key of the SVM is not available on at least one node.",
            "Without encrypted volumes this is normal and ends with the first one. Otherwise restore the vault "
            "connection if azure_reachability reports a fault, then run azure_key_vault_restore; before a migration "
            "do the same first. Do not reboot those nodes.",
        ),
        "65537552": Explanation(
            "ONTAP cannot tell the state of the embedded KMIP server, which passes keys between a node and Azure.",
            "See per node: `security key-manager external azure check -vserver SVM` (advanced). Bring the node up and "
            "the connection to the vault back, and wait some minutes; this applies before a migration too. If it "
            "stays, open a NetApp support case with the EMS log.",
        ),
    },
}

CODES: dict[str, Explanation] = {code: text for group in GROUPS.values() for code, text in group.items()}


def explain(code: str) -> Explanation | None:
    """The explanation of ``code``, which is a string as in ONTAP's answers, or None where the catalogue lacks it."""
    return CODES.get(code)
