# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ONTAP's error codes mean, and what to do about each. Pure.

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


# The catalogue, in the order and under the titles of the documentation.
GROUPS: dict[str, dict[str, Explanation]] = {
    "Azure Key Vault: creating and updating a configuration": {
        "65537500": Explanation(
            "The SVM already has an enabled key manager, and ONTAP allows one of any kind at a time.",
            "See which one: `security key-manager keystore show -vserver SVM`, before 9.14 `security key-manager "
            "show-key-store`. Manage that one or remove it first; from 9.14.1 `security key-manager external azure "
            "create-config` adds an inactive one beside it.",
        ),
        "65537503": Explanation(
            "ONTAP 9.7 and 9.8 say that passwords do not match when the client secret does not arrive as it was meant.",
            "Look for what changed `client_secret` on its way: quote it in YAML, and remove a trailing newline that a "
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
            "Bring the keys over with `azure_key_vault_migrate` (`svm: SVM`, `direction: to_vault`). Where that finds "
            "no configuration to bring them to, decrypt the volumes (`volume show -is-encrypted true`, `volume move "
            "start -encrypt-destination false`). Then run the task again.",
        ),
        "65537506": Explanation(
            "Azure Key Vault cannot be used on a MetroCluster configuration.",
            "Take this cluster out of the hosts that get Azure Key Vault. Use KMIP servers (`security key-manager "
            "external enable`) or the Onboard Key Manager (`security key-manager onboard enable`) there.",
        ),
        "65537512": Explanation(
            "Not all nodes can enable Azure Key Vault; 9.7 and 9.8 say that they lack the `azure.key.vault` "
            "capability.",
            "Every node must be up (`cluster show`), run the same release (`cluster image show`), 9.10.1 or later "
            "outside Azure NetApp Files, and support volume encryption; the licences `VE` and `MT_EK_MGMT` must be "
            "installed (`system license show`).",
        ),
        "65537514": Explanation(
            "ONTAP could not find out whether all nodes have the Azure Key Vault feature enabled.",
            "Bring all nodes up and into quorum (`cluster show`), check that the licences `VE` and `MT_EK_MGMT` are "
            "installed (`system license show`), and run the task again. If it comes back, open a NetApp support case "
            "with the EMS log (`event log show`).",
        ),
        "65537517": Explanation(
            "ONTAP wants the client secret in this update; 9.7 and 9.8 call the missing field `new_client_secret`.",
            "Set `client_secret` and, for this run, `update_credentials: always`, so that the secret is sent along "
            "with `client_id` or `tenant_id`. ONTAP 9.7 can change nothing but the secret.",
        ),
        "65537518": Explanation(
            "ONTAP found no network interface with the cluster role, over which its nodes reach each other.",
            "`network interface show -vserver Cluster` must list interfaces that are up on every node. Bring them up "
            "(`network interface modify -vserver Cluster -lif LIF -status-admin up`) and run the task again.",
        ),
        "65537523": Explanation(
            "ONTAP does not accept the form of the Azure key identifier.",
            "Set `key_id` to the identifier that Azure shows for the key, "
            "`https://VAULT.vault.azure.net/keys/KEY/VERSION`. Where a release up to 9.12.1 refuses it with the "
            "version, leave the version out.",
        ),
        "65537526": Explanation(
            "ONTAP failed to switch the Azure Key Vault feature on.",
            "Check the licences `VE` and `MT_EK_MGMT` (`system license show`) and that all nodes are healthy "
            "(`cluster show`), then run the task again. If it comes back, open a NetApp support case with the EMS log "
            "(`event log show`).",
        ),
        "65537540": Explanation(
            "The client secret is not valid for this Azure application and tenant.",
            "In Azure, see that the secret of the application `client_id` has not expired and that `tenant_id` is "
            "right; `client_secret` takes the secret's value, not its ID. Then run with `update_credentials: always`. "
            "`skip_verification` (9.16.1+) stores a secret unchecked.",
        ),
        "65537541": Explanation(
            "The update reached ONTAP without any field to change.",
            "Give an option that can change in place: `client_id`, `tenant_id`, `client_secret`, "
            "`client_certificate`, `proxy_host` and the other proxy options, and from 9.14.1 `oauth_host`, "
            "`vault_host`, `port`, `verify_host`, `verify_ip`.",
        ),
        "65537547": Explanation(
            "Keys of encrypted volumes of this data SVM are still on the admin SVM's key manager.",
            "Bring them over with `azure_key_vault_migrate` (`svm: SVM`, `direction: to_vault`), which takes minutes "
            "and encrypts no data again. On the cluster: `security key-manager key migrate` (advanced). Then run the "
            "task again.",
        ),
        "65537553": Explanation(
            "ONTAP does not accept the form of the vault's address.",
            "Set `name` to the vault URI that Azure shows, such as `https://mykeyvault.vault.azure.net/`, without a "
            "key or any other path. In another Azure cloud use that cloud's domain, and set `vault_host` and "
            "`oauth_host` (9.14.1+).",
        ),
        "65537567": Explanation(
            "The request had neither a client secret nor a client certificate.",
            "Set `client_secret`, or the environment variable `AKV_CLIENT_SECRET`, or from 9.10.1 "
            "`client_certificate`. An empty string counts as not given: see whether the lookup or the AWX credential "
            "behind it yields a value.",
        ),
        "65537573": Explanation(
            "ONTAP cannot use the client certificate.",
            "`client_certificate` must be one base64 line of a PKCS12 file with certificate and private key: `base64 "
            "-w0 app.pfx`, unless it is base64 already, as `az keyvault secret download` writes it. Export it without "
            "a password, check its expiry, and register its public part with the application.",
        ),
        "65537577": Explanation(
            "Not all nodes support logging in to Azure with a certificate.",
            "Upgrade every node to 9.10.1 or later (`cluster image show`), or use `client_secret` instead of "
            "`client_certificate`.",
        ),
        "65537589": Explanation(
            "The SVM already has a configuration of that name.",
            "Manage the one that exists by giving its name in `configuration`, or choose another name for the new "
            "one: `azure_key_vault_info` for this `svm` lists all of them.",
        ),
        "65537592": Explanation(
            "Configurations can be named only when the effective cluster version is 9.14.0 or later.",
            "Leave `configuration` out, or finish the upgrade to 9.14.1 or later: the effective version rises when "
            "the last node is done (`cluster image show`).",
        ),
        "65537593": Explanation(
            "Inactive configurations exist only when the effective cluster version is 9.14.0 or later.",
            "Leave `configuration` out, so that the SVM's one configuration is managed, or finish the upgrade to "
            "9.14.1 or later on all nodes (`cluster image show`).",
        ),
        "65537594": Explanation(
            "An inactive configuration was to be created without a name.",
            "Give it a name that no other configuration of the SVM has: `configuration.name` in the request, or "
            "`-config-name` of `security key-manager external azure create-config`.",
        ),
        "65537595": Explanation(
            "A name was given for a configuration that is to be enabled at once, which ONTAP names itself.",
            "Leave `configuration` out to create the enabled one. For a named one use `security key-manager external "
            "azure create-config -vserver SVM -config-name NAME`, then `security key-manager keystore enable`.",
        ),
        "65538902": Explanation(
            "ONTAP keeps the given configuration name for itself.",
            "Choose another name for the new configuration. Leave `configuration` out to address the one that is "
            "enabled, which ONTAP usually calls `default`.",
        ),
        "65538903": Explanation(
            "The configuration name is an empty string.",
            "Give `configuration` at least one character, or leave it out to address the enabled configuration.",
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
            "Check `svm` and `configuration` against `azure_key_vault_info`. To create it, run `azure_key_vault` with "
            "`name`, `key_id`, `client_id`, `tenant_id` and a credential. For a removal nothing is left to do.",
        ),
        "65537511": Explanation(
            "The SVM has no Azure Key Vault configuration that fits the request; the oldest releases use this code.",
            "Check `svm` against `azure_key_vault_info`. To create it, run `azure_key_vault` with `name`, `key_id`, "
            "`client_id`, `tenant_id` and `client_secret`. For a removal nothing is left to do.",
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
            "Issue a `client_certificate` with an RSA key of 2048 or 3072 bits, or use `client_secret`. `security "
            "config show` tells whether FIPS mode is on. Without a certificate of your own, open a NetApp support "
            "case.",
        ),
        "3735665": Explanation(
            "The cluster is in FIPS mode, which forbids the hash function the certificate is signed with.",
            "Issue a `client_certificate` signed with SHA-256 or stronger, or use `client_secret`. `security config "
            "show` tells whether FIPS mode is on. Without a certificate of your own, open a NetApp support case.",
        ),
        "3735700": Explanation(
            "ONTAP does not support the size of the certificate's key.",
            "Issue a `client_certificate` with an RSA key of 2048 or 3072 bits, or use `client_secret`. Without a "
            "certificate of your own, open a NetApp support case.",
        ),
        "52559972": Explanation(
            "A certificate starts to be valid later than the present time on the cluster.",
            "Compare the cluster's clocks with the real time (`cluster date show`, `cluster time-service ntp server "
            "show`) and correct them. If `client_certificate` itself starts in the future, wait or issue one that is "
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
            "Give the keys to the cluster's key manager with `azure_key_vault_migrate` (`svm: SVM`, `direction: "
            "to_cluster`), decrypt the volumes (`volume move start -encrypt-destination false`), or delete those not "
            "needed; deleted ones count while in `volume recovery-queue show`.",
        ),
        "65536883": Explanation(
            "ONTAP failed internally because the encryption key of a volume is missing.",
            "Fetch the keys with `azure_key_vault_restore`, then compare `security key-manager key query -vserver "
            "SVM` with the SVM's encrypted volumes. If a key stays missing, change nothing more and open a NetApp "
            "support case.",
        ),
        "65536884": Explanation(
            "ONTAP failed internally because the encryption key of a volume is not valid.",
            "Fetch the keys with `azure_key_vault_restore` and run the task again. If it comes back, change nothing "
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
            "`azure_key_vault_info` with `health: true` names the nodes. Bring them up (`cluster show`), let them "
            "reach the vault and the Azure login, then run `azure_key_vault_restore` again. Until it succeeds do not "
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
            "true`); run `azure_key_vault_rekey` after that.",
        ),
        "65537610": Explanation(
            "The SVM is being switched to another key manager configuration, and until that is complete no key can be "
            "rotated.",
            "Wait until `security key-manager keystore show -vserver SVM` shows no switch any more. If it was "
            "interrupted, run `azure_key_vault` with the new one as `configuration` and `enabled: true`, which "
            "completes it; then rotate again.",
        ),
        "65539436": Explanation(
            "The key manager is being initialized, and until that is complete no key can be rotated.",
            "Wait until `security key-manager keystore show -vserver SVM` shows the state active, then run the task "
            "again.",
        ),
        "65539437": Explanation(
            "The key manager is being disabled, so no key can be rotated.",
            "Wait until it is gone from `security key-manager keystore show -vserver SVM`. If the SVM is to keep "
            "Azure Key Vault, create the configuration again with `azure_key_vault`.",
        ),
    },
    "Azure Key Vault: codes in the health of a configuration": {
        "65537549": Explanation(
            "At least one node does not reach the Azure Key Vault service, or the vault refuses it.",
            "The data SVM needs DNS, a route and a LIF to the vault; node management must reach "
            "login.microsoftonline.com (or `oauth_host`). In Azure check that the key is enabled, `client_id` has "
            "access to it, and the secret is in date. Volumes go offline if it lasts.",
        ),
        "65537551": Explanation(
            "The top-level key of the SVM is not available on at least one node.",
            "Without encrypted volumes this is normal and ends with the first one. Otherwise restore the vault "
            "connection if `azure_reachability` reports a fault, then run `azure_key_vault_restore`; before a "
            "migration do the same first. Do not reboot those nodes.",
        ),
        "65537552": Explanation(
            "ONTAP cannot tell the state of the embedded KMIP server, which passes keys between a node and Azure.",
            "See per node: `security key-manager external azure check -vserver SVM` (advanced). Bring the node up and "
            "the connection to the vault back, and wait some minutes; this applies before a migration too. If it "
            "stays, open a NetApp support case with the EMS log.",
        ),
    },
    "Enabling another configuration (9.14.1 and later)": {
        "262155": Explanation(
            "Enabling or deleting key manager configurations needs an effective cluster version of 9.14.0 or later.",
            "Finish the upgrade of all nodes to 9.14.1 or later (`cluster image show`), or leave `configuration` out "
            "and manage the SVM's one configuration.",
        ),
        "65536602": Explanation(
            "At least one node is out of quorum, so no key manager can be enabled or switched.",
            "Find the node with `cluster show` (advanced: `cluster ring show`), bring it back or restore its cluster "
            "network, and enable the configuration again.",
        ),
        "65536856": Explanation(
            "The SVM has no external key server configured.",
            "Check `svm`. `security key-manager external show -vserver SVM` lists KMIP servers and `security "
            "key-manager keystore show -vserver SVM` all configurations; create the missing one first.",
        ),
        "65536987": Explanation(
            "The key servers of the present or of the new configuration do not answer.",
            "For KMIP see `security key-manager external show-status`; for Azure run `azure_key_vault_info` with "
            "`health: true`. Bring both key managers within reach of all nodes, since keys are copied from one to the "
            "other, then enable again.",
        ),
        "65537605": Explanation(
            "ONTAP could not connect to the cloud key service of the configuration to be enabled.",
            "The data SVM needs DNS (`vserver services name-service dns show -vserver SVM`), a route and a LIF to the "
            "vault, node management a way to the Azure login. Check `name`, `client_id`, `tenant_id`, the credential "
            "and the proxy options, then enable again.",
        ),
        "65538908": Explanation(
            "No key manager configuration has this UUID, or it is of a kind that cannot be enabled or deleted this "
            "way.",
            "Read the UUIDs anew with `azure_key_vault_info`: the configuration may have been deleted or recreated "
            "since. Azure configurations can be enabled and, while inactive, deleted from 9.14.1 on; for another kind "
            "use the command of that kind.",
        ),
        "65538909": Explanation(
            "The request to enable a configuration lacks the field `enabled`.",
            "A request of your own must carry `{enabled: true}` in its body; `security key-manager keystore enable` "
            "does the same on the command line.",
        ),
        "65538910": Explanation(
            "An enabled configuration cannot be disabled this way.",
            "Enable another one in its place (`azure_key_vault` with that `configuration` and `enabled: true`): ONTAP "
            "keeps the old one as inactive. To remove it altogether, run `azure_key_vault` with `state: absent`.",
        ),
        "65539205": Explanation(
            "This kind of key manager cannot be enabled by the request.",
            "See the kinds with `security key-manager keystore show`; upgrade if the kind is newer than the release. "
            "Azure configurations of a data SVM can be enabled from 9.14.1 on.",
        ),
        "65539206": Explanation(
            "The SVM's present key manager is of a kind that ONTAP cannot switch away from.",
            "Remove the present key manager, then create the Azure one. While encrypted volumes use it, first hand "
            "their keys to the admin SVM (`security key-manager key migrate -from-vserver SVM -to-vserver ADMIN_SVM`) "
            "or decrypt them (`volume move start -encrypt-destination false`).",
        ),
        "65539207": Explanation(
            "The key manager configuration to be enabled does not exist.",
            "See the SVM's configurations with `azure_key_vault_info` and correct the name or UUID, or create the "
            "missing one first: `security key-manager external azure create-config`.",
        ),
        "65539212": Explanation(
            "The enabled key manager is neither active nor switching, so nothing can take its place now.",
            "See its state with `security key-manager keystore show -vserver SVM -instance`. Wait while it is "
            "initializing or rotates its key; in mixed or blocked state complete the key migration or restore its "
            "reachability first. Then enable again.",
        ),
        "65539218": Explanation(
            "The configuration is enabled already.",
            "Nothing is left to do. If the task still reports drift, look with `azure_key_vault_info` at what the "
            "enabled configuration holds.",
        ),
        "65539222": Explanation(
            "A data SVM cannot switch between different kinds of key manager.",
            "Hand the keys to the admin SVM (`security key-manager key migrate -from-vserver SVM -to-vserver "
            "ADMIN_SVM`), or decrypt the volumes (`volume move start -encrypt-destination false`); then remove the "
            "present key manager and create the Azure one.",
        ),
        "65538905": Explanation(
            "The configuration is enabled, and only inactive ones can be deleted by this request.",
            "Enable another configuration first (`azure_key_vault` with that `configuration` and `enabled: true`), "
            "then delete this one. If the SVM is to have no key manager, run `azure_key_vault` with `state: absent` "
            "and without `configuration`.",
        ),
        "65538907": Explanation(
            "This kind of configuration cannot be deleted by this request.",
            "Delete it with the command of its kind: `security key-manager external disable` for KMIP servers, "
            "`security key-manager onboard disable` for the Onboard Key Manager. Azure configurations can be deleted "
            "so while they are inactive.",
        ),
        "65539593": Explanation(
            "A key manager switch is under way on the SVM, and until it is complete no configuration can be deleted.",
            "Wait until `security key-manager keystore show -vserver SVM` shows no switch any more. If it was "
            "interrupted, run `azure_key_vault` with the new one as `configuration` and `enabled: true`, which "
            "completes it; then run the task again.",
        ),
        "65539837": Explanation(
            "There are no volumes whose keys would have to be migrated.",
            "Check with `volume show -vserver SVM -is-encrypted true` that the SVM has no encrypted volumes; then "
            "nothing needs migrating. Otherwise check the name of the SVM and the direction of the migration.",
        ),
        "65539838": Explanation(
            "The external key manager has a key policy, so its keys cannot move to a cloud key manager.",
            "See it with `security key-manager policy show` and `security key-manager external show -vserver SVM "
            "-instance`. Take the policy off the key manager, with NetApp support where volumes depend on it, then "
            "enable again.",
        ),
        "65539839": Explanation(
            "Keys can move to the cloud key manager only while the key manager is in the mixed state.",
            "See the state with `security key-manager keystore show -vserver SVM -instance`. If it is active, nothing "
            "is left to migrate; in any other state wait for the running operation to end, then try again.",
        ),
        "65539840": Explanation(
            "The keys were to be removed from the external key servers they came from, and that failed.",
            "Bring the servers back (`security key-manager external show-status`) and enable the configuration again "
            "to complete the clean-up. Keep the old servers and their keys until `security key-manager key query "
            "-vserver SVM` shows the keys in the new place.",
        ),
    },
    "Enabling: internal failures": {
        "65536203": Explanation(
            "ONTAP cannot generate a key for the SVM, because its cluster key database is not initialized.",
            "Check that the cluster's own key manager is set up (`security key-manager keystore show`) and "
            "synchronize it to all nodes (`security key-manager onboard sync`), then enable again. If it comes back, "
            "open a NetApp support case with the EMS log.",
        ),
        "65536204": Explanation(
            "ONTAP cannot generate a key for the SVM, because the key that protects the cluster's keys is not found.",
            "Synchronize the cluster's key manager to all nodes (`security key-manager onboard sync`, or `security "
            "key-manager external restore` for KMIP), then enable again. If it comes back, open a NetApp support case "
            "with the EMS log.",
        ),
        "65536207": Explanation(
            "ONTAP failed internally to store a key of the SVM.",
            "Check quorum (`cluster show`) and room in the node root volumes (`volume show -volume vol0 -fields "
            "percent-used`), then enable again. If it comes back, open a NetApp support case with the EMS log (`event "
            "log show`).",
        ),
        "65536212": Explanation(
            "ONTAP failed internally to delete a volume key of the SVM.",
            "Both key managers must be reachable, since the old copy is deleted from one of them: "
            "`azure_key_vault_info` with `health: true`. Then enable again. If it comes back, open a NetApp support "
            "case with the EMS log.",
        ),
        "65536217": Explanation(
            "ONTAP failed internally to delete a key from the memory of the encryption module on a node.",
            "Check that all nodes are up (`cluster show`) and enable the configuration again. If it comes back, open "
            "a NetApp support case with the EMS log of the node named in the message.",
        ),
        "65536882": Explanation(
            "ONTAP failed internally because the identity of a volume is missing.",
            "Look for volumes that were half created or deleted (`volume show -vserver SVM -state !online`), finish "
            "or delete them, and enable again. If it comes back, open a NetApp support case with the EMS log (`event "
            "log show`).",
        ),
        "65536889": Explanation(
            "ONTAP found an encrypted key record that it cannot read.",
            "Fetch the keys anew with `azure_key_vault_restore` and enable again. If it comes back, change nothing "
            "more, do not reboot the nodes, and open a NetApp support case with the EMS log (`event log show`).",
        ),
        "65536890": Explanation(
            "ONTAP failed internally to build the encrypted record of a volume key.",
            "Check that the new vault's key allows wrapKey and unwrapKey and is enabled in Azure, then enable the "
            "configuration again. If it comes back, open a NetApp support case with the EMS log (`event log show`).",
        ),
        "65536973": Explanation(
            "ONTAP failed internally because the data set number of a volume is missing.",
            "Look for volumes that were half created or moved (`volume show -vserver SVM -state !online`, `volume "
            "move show`), let that end, and enable again. If it comes back, open a NetApp support case with the EMS "
            "log (`event log show`).",
        ),
        "65537527": Explanation(
            "ONTAP failed internally to wrap the top-level key of the SVM with the new Azure key.",
            "In Azure check that the key in `key_id` is enabled and `client_id` may use it for wrapKey, unwrapKey and "
            "get; then enable again. If it comes back, open a NetApp support case with the EMS log (`event log show`).",
        ),
        "65537533": Explanation(
            "ONTAP failed internally to unwrap the top-level key of the SVM with the present Azure key.",
            "Keep the present vault and its key: in Azure check that the key is enabled, not deleted, and `client_id` "
            "may use it for unwrapKey. Then enable again. If it comes back, open a NetApp support case with the EMS "
            "log.",
        ),
        "65539200": Explanation(
            "The service that holds keys got no store of external keys to work with.",
            "Run `azure_key_vault_info` with `health: true`: every node must report the vault as reachable. Then "
            "enable again. If it comes back, open a NetApp support case with the EMS log (`event log show`).",
        ),
        "65539201": Explanation(
            "ONTAP failed to encrypt a key.",
            "In Azure check that the key in `key_id` is enabled and `client_id` may use it for wrapKey; run "
            "`azure_key_vault_info` with `health: true`; then enable again. If it comes back, open a NetApp support "
            "case with the EMS log.",
        ),
        "65539416": Explanation(
            "ONTAP cannot understand the answer of the key store.",
            "See that nothing between ONTAP and the vault changes answers: `proxy_host` and TLS inspection first, "
            "then `oauth_host`, `vault_host` and `port`. Then enable again. If it comes back, open a NetApp support "
            "case with the EMS log.",
        ),
        "65539442": Explanation(
            "ONTAP failed internally to build an AES-encrypted key record.",
            "Check that all nodes are up and in quorum (`cluster show`) and enable again. If it comes back, open a "
            "NetApp support case with the EMS log of the node named in the message.",
        ),
        "65539444": Explanation(
            "ONTAP failed internally to update the encrypted record of a volume key.",
            "Check quorum (`cluster show`) and that no volume of the SVM is being moved or rekeyed (`volume move "
            "show`, `volume encryption rekey show`), then enable again. If it comes back, open a NetApp support case "
            "with the EMS log.",
        ),
        "65539518": Explanation(
            "ONTAP cannot find the configuration that is enabled now.",
            "Compare `security key-manager keystore show -vserver SVM` with `azure_key_vault_info`. If neither shows "
            "an enabled one although the SVM has encrypted volumes, change nothing more and open a NetApp support "
            "case with the EMS log.",
        ),
        "65539523": Explanation(
            "ONTAP's table of key manager configurations is missing.",
            "Check that all nodes run the same release and are in quorum (`cluster image show`, `cluster show`), and "
            "try again after a running upgrade has ended. If it comes back, open a NetApp support case with the EMS "
            "log.",
        ),
        "65539535": Explanation(
            "No node holds the SVM's key in usable form.",
            "Fetch it with `azure_key_vault_restore` while the present vault is reachable (`azure_key_vault_info` "
            "with `health: true`), then enable again. Do not reboot nodes before that.",
        ),
        "65539536": Explanation(
            "ONTAP does not find the wrapped key of the SVM that it should have stored.",
            "If the SVM has no encrypted volumes (`volume show -vserver SVM -is-encrypted true`), delete and recreate "
            "the configuration. Otherwise keep vault and key, do not reboot nodes, and open a NetApp support case.",
        ),
        "65539538": Explanation(
            "The top-level key of the SVM has not been created.",
            "It comes into being with the first encrypted volume: create one (`volume create -encrypt true`), or "
            "delete the present configuration and create the new one in its place, since nothing depends on it yet.",
        ),
        "65539539": Explanation(
            "The top-level key of the SVM is not restored on the nodes.",
            "Fetch it with `azure_key_vault_restore` while the present vault is reachable, see with "
            "`azure_key_vault_info` and `health: true` that every node has it, then enable again.",
        ),
        "65539622": Explanation(
            "The top-level key of the cluster is not restored on the nodes.",
            "Synchronize the cluster's own key manager: `security key-manager onboard sync`, or `security key-manager "
            "external restore` for KMIP. Then enable again.",
        ),
        "65539842": Explanation(
            "ONTAP failed to restore the top-level key of the SVM.",
            "Run `azure_key_vault_info` with `health: true`, mend what it shows between the nodes and the vault, run "
            "`azure_key_vault_restore`, and enable again. Do not reboot nodes before that.",
        ),
    },
    "Enabling and deleting on the admin SVM": {
        "65539513": Explanation(
            "Enabling an inactive key manager on the admin SVM needs an effective cluster version of 9.16.1 or later.",
            "Azure Key Vault belongs on a data SVM: give `svm` instead of `scope: cluster`. For the admin SVM's own "
            "key managers finish the upgrade to 9.16.1 on all nodes (`cluster image show`).",
        ),
        "65539514": Explanation(
            "The admin SVM cannot enable a key manager of this kind.",
            "Azure Key Vault belongs on a data SVM: give `svm` instead of `scope: cluster`. The admin SVM takes the "
            "Onboard Key Manager or KMIP servers.",
        ),
        "65539515": Explanation(
            "The admin SVM can switch only between the Onboard Key Manager and KMIP servers.",
            "Give `svm` instead of `scope: cluster`: a cloud key manager belongs on a data SVM. Leave the admin SVM "
            "with one of the two kinds it can have.",
        ),
        "65539520": Explanation(
            "The admin SVM already has an inactive Onboard Key Manager.",
            "Enable that one, or delete it before another is made: `security key-manager keystore show` lists it, "
            "`DELETE /security/key-stores/{uuid}` removes it.",
        ),
        "65539521": Explanation(
            "Deleting an inactive key manager of the admin SVM needs an effective cluster version of 9.16.1 or later.",
            "Finish the upgrade to 9.16.1 on all nodes (`cluster image show`) and delete it then; an inactive "
            "configuration does no harm until then. For Azure Key Vault give `svm` instead of `scope: cluster`.",
        ),
        "65539522": Explanation(
            "Key managers of this kind cannot be deleted from the admin SVM by this request.",
            "Give `svm` instead of `scope: cluster` if an Azure configuration is meant. For the others use `security "
            "key-manager external disable` or `security key-manager onboard disable`.",
        ),
        "65539534": Explanation(
            "The admin SVM's key manager cannot be switched while system root volumes are encrypted with it.",
            "Find them with `volume show -volume vol0 -fields is-encrypted` and give those nodes plain root volumes "
            "(advanced: `system node migrate-root`), with NetApp support at hand; or keep the present key manager.",
        ),
        "65539583": Explanation(
            "The external key manager has a key policy, so the Onboard Key Manager cannot take its place.",
            "See it with `security key-manager policy show` and `security key-manager external show -instance`; take "
            "the policy off the external key manager, with NetApp support where volumes depend on it, then switch "
            "again.",
        ),
        "65539585": Explanation(
            "The admin SVM already has an inactive external key manager.",
            "Enable that one, or delete it before another is made: `security key-manager keystore show -fields uuid` "
            "lists it, `DELETE /security/key-stores/{uuid}` removes it.",
        ),
        "65539590": Explanation(
            "More than two NSE authentication keys exist, and the Onboard Key Manager takes exactly two.",
            "List them with `security key-manager key query -key-type NSE-AK`, delete those that no drive uses "
            "(advanced: `security key-manager key delete -key-id ID`), then switch again.",
        ),
        "65539591": Explanation(
            "Fewer than two NSE authentication keys exist, and the Onboard Key Manager takes exactly two.",
            "List them with `security key-manager key query -key-type NSE-AK`, create what is missing (advanced: "
            "`security key-manager key create`), then switch again.",
        ),
        "65539845": Explanation(
            "Keys can move to the Onboard Key Manager only while the key manager is active or in the mixed state.",
            "See the state with `security key-manager keystore show -instance`; wait for a running operation to end, "
            "and restore the reachability of a blocked key manager first. Then migrate again.",
        ),
    },
    "Migrating keys between key managers": {
        "65536886": Explanation(
            "This release cannot migrate keys between these two key managers.",
            "Upgrade to a release that can: with a cloud key manager on one side 9.10.1 or later. Or decrypt the "
            "volumes (`volume move start -encrypt-destination false`), change the key manager, and encrypt them again.",
        ),
        "65536959": Explanation(
            "Source and destination of the migration are the same key manager.",
            "Give two different UUIDs: one of the admin SVM's key manager (`security key-manager keystore show "
            "-fields uuid`), one of the SVM's (`azure_key_vault_info` shows it as `uuid`).",
        ),
        "65536968": Explanation(
            "Not all nodes are healthy enough to migrate keys.",
            "Bring all nodes up and into quorum, and give back what was taken over (`cluster show`, `storage failover "
            "show`); then migrate again.",
        ),
        "65537117": Explanation(
            "The UUID belongs to no key manager, or to none whose SVM ONTAP can name.",
            "Read the UUIDs anew: `azure_key_vault_info` for Azure, `security key-manager keystore show -fields uuid` "
            "for all kinds. The configuration or its SVM may have been deleted or recreated since.",
        ),
        "65537564": Explanation(
            "Azure Key Vault does not work well enough to migrate keys.",
            "Run `azure_key_vault_info` with `health: true` and mend what it shows: access of the data SVM to the "
            "vault, of node management to the Azure login, the credential, the key. Then migrate again.",
        ),
        "65537611": Explanation(
            "The SVM is being switched to another key manager configuration, and until that is complete no keys can "
            "be migrated.",
            "Wait until `security key-manager keystore show -vserver SVM` shows no switch any more. If it was "
            "interrupted, run `azure_key_vault` with the new one as `configuration` and `enabled: true`, which "
            "completes it; then migrate again.",
        ),
        "65537720": Explanation(
            "A Google Cloud key manager cannot be configured, because the SVM has a key manager already.",
            "See which one with `security key-manager keystore show -vserver SVM`; remove it, or leave the SVM with "
            "it and correct the destination of the migration.",
        ),
        "65537736": Explanation(
            "The Google Cloud key manager does not work well enough to migrate keys.",
            "See `security key-manager external gcp check -vserver SVM` (advanced), restore its reachability from the "
            "data SVM and the credentials, then migrate again.",
        ),
        "65538107": Explanation(
            "Keys cannot be migrated to IBM Key Lore.",
            "Choose another destination: the key manager of the admin SVM, or Azure Key Vault on the data SVM.",
        ),
        "65539434": Explanation(
            "The key manager is being initialized, and until that is complete no keys can be migrated.",
            "Wait until `security key-manager keystore show -vserver SVM` shows the state active, then migrate again.",
        ),
        "65539435": Explanation(
            "The key manager is being disabled, so no keys can be migrated to or from it.",
            "Wait until it is gone from `security key-manager keystore show -vserver SVM`, and create the wanted key "
            "manager anew before migrating again.",
        ),
    },
    "Naming the SVM": {
        "2621462": Explanation(
            "The SVM does not exist on this cluster.",
            "Compare `svm` or `svm_uuid` with `vserver show -type data`, upper and lower case included, and "
            "`hostname` with the cluster that is meant. After a disaster recovery switch the SVM may be on the "
            "partner cluster.",
        ),
        "2621573": Explanation(
            "The SVM is locked against changes for a few minutes, while its configuration is recorded for the partner "
            "cluster.",
            "Run the task again some minutes later. If it lasts, `vserver config-replication pause -vserver SVM` "
            "(advanced) ends the lock, but changes are not replicated until it resumes, five minutes later.",
        ),
        "2621706": Explanation(
            "Name and UUID of the SVM belong to different SVMs.",
            "Give one of `svm` and `svm_uuid` only. An SVM that was recreated has a new UUID: read it with `vserver "
            "show -vserver SVM -fields uuid`.",
        ),
        "2621707": Explanation(
            "The request names no SVM.",
            "Give `svm` or `svm_uuid`. ONTAP takes Azure Key Vault on data SVMs only, so `scope: cluster` ends here "
            "on most releases.",
        ),
        "13434920": Explanation(
            "The SVM does not exist on this cluster; the list of key stores uses this code.",
            "Compare `svm` or `svm_uuid`, also inside `filters`, with `vserver show -type data`, and `hostname` with "
            "the cluster that is meant.",
        ),
    },
    "Jobs": {
        "458762": Explanation(
            "The job has ended already, so it can be neither paused, resumed nor cancelled.",
            "Read how it ended with `job history show`, or `GET /cluster/jobs/{uuid}` in the first five minutes; then "
            "run the task again to see whether anything is left to do.",
        ),
        "458771": Explanation(
            "The job is running, which the requested action does not allow.",
            "Let it end: `job show` tells how far it is. Run the task again with a larger `wait_timeout` to wait for "
            "it.",
        ),
        "458773": Explanation(
            "ONTAP's job manager is not initialized yet, as happens after a node has booted or been taken over.",
            "Try again in a minute or two. If it stays, check `cluster show` and `cluster ring show` (advanced) for a "
            "node that is out of quorum.",
        ),
        "458776": Explanation(
            "The job is not running, which the requested action needs.",
            "See its state with `job show`: a queued job starts by itself, a paused one is started by `job resume`, "
            "an ended one needs nothing.",
        ),
        "458783": Explanation(
            "This kind of job cannot be paused.",
            "Let it end, and run the task again with a larger `wait_timeout` if it was only the waiting that ended.",
        ),
        "458784": Explanation(
            "This kind of job cannot be cancelled.",
            "Let it end (`job show`), then undo its effect where that is wanted: for key rotation by rotating back to "
            "the former `key_id`.",
        ),
    },
    "Login and permission": {
        "262325": Explanation(
            "Multi-admin verification holds the request back until other administrators have approved it.",
            "Have them approve it (`security multi-admin-verify request approve -index INDEX`). Then run the same task "
            "again before the approval expires, by default within an hour: it completes the change.",
        ),
        "6": Explanation(
            "The login may not do what was asked.",
            "Give the user's role access to `/api/security/azure-key-vaults` and `/api/security/key-stores`, all or "
            "readonly, and readonly to `/api/svm/svms`, `/api/storage/volumes`, `/api/cluster` and "
            "`/api/cluster/jobs`: see `security login rest-role show -role ROLE`.",
        ),
        "6691623": Explanation(
            "ONTAP does not accept the login, or the user's role does not cover the request.",
            "Check `username` and `password`, `access_token` or certificate, and that `security login show "
            "-user-or-group-name USER` has application http with that method and is not locked. Then check the role: "
            "`security login rest-role show -role ROLE`.",
        ),
    },
    "Requests and values": {
        "1": Explanation(
            "An entry with the same identity exists already.",
            "Run the task again: it reads what is there and changes only what differs. Two tasks or people may have "
            "created it at the same moment.",
        ),
        "2": Explanation(
            "A value is missing or not valid, or the request has a field that does not belong there; the message "
            "names it.",
            "Correct the option that is named like the field in the message. If the value is right, the release may "
            "not know it yet: compare with the versions in the documentation of that option.",
        ),
        "3": Explanation(
            "ONTAP does not support this operation on this resource.",
            "The release is likely too old for it (`cluster image show`): key rotation by rekey needs 9.11, named "
            "configurations 9.14.1. With an SVM's own management address, try the cluster's as `hostname` instead.",
        ),
        "4": Explanation(
            "ONTAP has no entry with this identity; for a job it means that it ended more than five minutes ago.",
            "Check `svm`, `configuration` and `uuid` against `azure_key_vault_info`: somebody may have deleted or "
            "recreated it. For a job, run the task again, which reads the result instead.",
        ),
        "262177": Explanation(
            "A field or query parameter was given without a value.",
            "Look for a variable that is empty: an option named like the field in the message, or an entry of "
            "`filters` or `fields` without a value.",
        ),
        "262179": Explanation(
            "ONTAP does not know the field or parameter that the message names.",
            "The release is older than the option, or a name in `filters`, `fields` or `order_by` is misspelt. "
            "Compare with the versions in the option's documentation and leave it out, or upgrade.",
        ),
        "262185": Explanation(
            "A value is not valid; the message shows it.",
            "Correct the option or filter that holds the value. Common causes are a UUID that is none, a name with "
            "forbidden characters, and a number or true given as text.",
        ),
        "262186": Explanation(
            "A field does not fit together with another one of the same request.",
            "Give only one of the two that the message names: `client_secret` or `client_certificate`, `svm` or "
            "`svm_uuid`; `proxy_port` and `proxy_username` go with `proxy_type` and `proxy_host`.",
        ),
        "262188": Explanation(
            "A field was given twice.",
            "Remove one of the two, for example `svm.name` from `filters` where `svm` is given as an option, or a "
            "repeated name in `fields`.",
        ),
        "262190": Explanation(
            "The request changes nothing, since it carries no value.",
            "Give at least one option to change. If a module of this collection caused it, report that to the "
            "collection with the output of `-vvv`.",
        ),
        "262194": Explanation(
            "A comparison in a query lacks its value.",
            "Look in `filters` for an operator that stands alone, such as `>` or a range with one side empty, and "
            "complete it or quote the text that holds it.",
        ),
        "262196": Explanation(
            "The field that the message names cannot be set by this operation.",
            "It can be set only at another time: `name` and `svm` only when a configuration is created, `key_id` by "
            "rotation (`azure_key_vault_rekey`) from 9.11 on, `verify_host` and `verify_ip` only after it is created.",
        ),
        "262197": Explanation(
            "A field has a value that ONTAP does not accept; the message names both.",
            "Correct the option named in the message. If it is `fields`, a name in it is unknown to this release; if "
            "it is `proxy_type`, http and https are allowed.",
        ),
        "262198": Explanation(
            "The request has a body, which reading and deleting do not allow.",
            "Take the body out of a request of your own. From a module of this collection it is a proxy in between "
            "that rewrites requests, or a fault to report with the output of `-vvv`.",
        ),
        "262199": Explanation(
            "The body of the request is not valid JSON; the message tells where.",
            "Check what stands between this host and the cluster: a proxy or load balancer may cut or rewrite "
            "requests. Requests of your own need quotes around names and texts.",
        ),
        "262200": Explanation(
            "The body of the request has a range that is not valid JSON.",
            "Write ranges such as `1..10` only in `filters`, where they become part of the query, never as the value "
            "of an option that is stored.",
        ),
        "262201": Explanation(
            "The body of the request is not valid JSON, for a reason that ONTAP cannot tell.",
            "Check what stands between this host and the cluster: a proxy or load balancer may cut or rewrite "
            "requests. Try from a host with a direct way to the cluster.",
        ),
        "262202": Explanation(
            "A secret was put into the URL, where logs would keep it.",
            "Take `client_secret`, `client_certificate` and `proxy_password` out of `filters`; ONTAP cannot be asked "
            "for them. Change the secret if the URL has gone through a proxy that keeps logs.",
        ),
        "262203": Explanation(
            "A change cannot carry the field that the message names.",
            "Leave it out of changes: `name` and `svm` are fixed once a configuration exists, `key_id` changes by "
            "rotation from 9.11 on (`azure_key_vault_rekey`). For another vault enable another configuration "
            "(9.14.1+), or remove and create.",
        ),
        "262211": Explanation(
            "A creation carries values in its URL instead of in the body.",
            "Move them into the body in a request of your own. If a module of this collection caused it, report that "
            "to the collection with the output of `-vvv`.",
        ),
        "262212": Explanation(
            "A value that ONTAP requires is missing; the message names it.",
            "Give that option. A creation needs `svm`, `name`, `key_id`, `client_id`, `tenant_id` and `client_secret` "
            "or `client_certificate`, a rotation to another external key needs `key_id`.",
        ),
        "262222": Explanation(
            "A value stands more than once in a list.",
            "Remove the repetition from `fields`, or from the option that the message names.",
        ),
        "262245": Explanation(
            "A value is not valid; the message gives the reason.",
            "Correct the option or filter as the reason says. `name` and `key_id` are full https addresses, "
            "`oauth_host` and `vault_host` bare host names, `port` a number up to 65535.",
        ),
        "262247": Explanation(
            "A field has a value that ONTAP does not accept.",
            "Correct the option that is named like the field in the message. `client_id` and `tenant_id` are the "
            "GUIDs that Azure shows, `name` and `key_id` full https addresses, `oauth_host` and `vault_host` bare "
            "host names.",
        ),
        "262248": Explanation(
            "A value in the query has no equals sign before it.",
            "In `filters` write each entry as a name and a value; characters such as `&` or `=` inside a value must "
            "come as part of a quoted text.",
        ),
        "262254": Explanation(
            "ONTAP expects a list where one value was given.",
            "Give the option or filter that the message names as a list. If a module of this collection sent it, "
            "report that to the collection with the output of `-vvv`.",
        ),
        "262255": Explanation(
            "ONTAP expects one value where a list was given.",
            "Give a single value; to ask for several in `filters`, join them with a vertical bar. If a module of this "
            "collection sent a list, report that to the collection with the output of `-vvv`.",
        ),
        "262282": Explanation(
            "A property stands in the body twice.",
            "Take one out in a request of your own. If a module of this collection caused it, report that to the "
            "collection with the output of `-vvv`.",
        ),
        "8586226": Explanation(
            "ONTAP finds nothing under the given UUID.",
            "Read it anew with `azure_key_vault_info`, or `vserver show -fields uuid` for an SVM: what was recreated "
            "has a new UUID. Better give `svm` and `configuration` by name.",
        ),
        "39387137": Explanation(
            "ONTAP does not know the URL of the request.",
            "The release may lack the endpoint: rekey-external needs 9.11, key-stores 9.10. Check that `hostname` is "
            "the management address of a cluster and that no proxy adds to the path.",
        ),
    },
    "Queries and fields": {
        "262210": Explanation(
            "ONTAP could not collect and sort all records in the time allowed.",
            "Leave `order_by` out, narrow `filters`, or raise `return_timeout` (up to 120 seconds).",
        ),
        "262220": Explanation(
            "Requests that pass through to the command line cannot ask for all fields with an asterisk.",
            "Name the wanted fields one by one. The modules of this collection use no such requests; look at the path "
            "in the error for what was called.",
        ),
        "262249": Explanation(
            "A field in `fields` can be written but not read.",
            "Take `client_secret`, `client_certificate` and `proxy_password` out of `fields`: ONTAP never returns "
            "them.",
        ),
        "262250": Explanation(
            "A field in the query can be written but not searched for.",
            "Take `client_secret`, `client_certificate` and `proxy_password` out of `filters`: ONTAP never compares "
            "them. `authentication_method` tells which kind of credential is set (9.10.1+).",
        ),
        "262268": Explanation(
            "ONTAP cannot sort by a field in `order_by`.",
            "Sort by `name`, `uuid` or `svm.name` instead, or leave `order_by` out and sort the result in the "
            "playbook.",
        ),
        "262272": Explanation(
            "A search over several fields has a quotation mark without its partner.",
            "Close the quotation mark in the text of `query`, or put the text in braces if a single mark is part of "
            "it.",
        ),
        "262273": Explanation(
            "A search over several fields has only one of `query` and `query_fields`.",
            "Give both or neither: `query` holds the text to look for, `query_fields` the fields to look in.",
        ),
        "262274": Explanation(
            "A search over several fields is empty, or was used for something other than reading.",
            "Give `query` and `query_fields` a value each, and use them for reading only.",
        ),
        "262275": Explanation(
            "A search over several fields names no field to search in.",
            "Name at least one field in `query_fields`, for example `name,key_id`.",
        ),
        "262276": Explanation(
            "A search over several fields names a field twice.",
            "Remove the repetition from `query_fields`.",
        ),
        "262277": Explanation(
            "A search over several fields was used for something other than reading.",
            "Use `query` and `query_fields` for reading only, and name what is to be changed by `svm` and "
            "`configuration`.",
        ),
        "262286": Explanation(
            "The braces in `fields` do not match.",
            "Close every opening brace in `fields`, or write the dotted names out, such as `svm.name` and `svm.uuid`.",
        ),
    },
    "Busy or unwell cluster": {
        "7": Explanation(
            "A limit is reached: of a resource or, with HTTP status 429, of requests at a time.",
            "With status 429 or 503 try again in a minute, with a lower `concurrency` and fewer hosts at once "
            "(`serial`, `throttle`). Otherwise delete what is no longer needed, such as inactive configurations.",
        ),
        "8": Explanation(
            "The resource is in use; with HTTP status 503, ONTAP itself is busy.",
            "With status 503 try again in a minute. Otherwise see what uses it: encrypted volumes (`volume show "
            "-vserver SVM -is-encrypted true`) or a running job (`job show`).",
        ),
        "262160": Explanation(
            "ONTAP has too many requests to answer at the moment.",
            "Try again in a minute. Lower `concurrency`, spread the hosts (`serial`, `throttle`), and see what else "
            "keeps asking the cluster, such as monitoring.",
        ),
        "263149": Explanation(
            "The cluster has as many resource tags as it can hold.",
            "Delete tags that are no longer used, and remove resource tags from a request of your own; the modules of "
            "this collection send none.",
        ),
        "393271": Explanation(
            "A node is out of quorum, so the cluster could not agree on the request.",
            "Find the node with `cluster show` (advanced: `cluster ring show`), bring it back, and run the task "
            "again: it reads first what the interrupted request has done.",
        ),
        "65541": Explanation(
            "An internal call between parts of ONTAP timed out, so a change may or may not have been made.",
            "Run the task again: it reads first what is there. If it comes back, look for a node that is down or "
            "overloaded (`cluster show`, `event log show`), and raise `return_timeout` for large reads.",
        ),
        "65552": Explanation(
            "An internal call between parts of ONTAP failed, so a change may or may not have been made.",
            "Run the task again: it reads first what is there. If it comes back, look at the cluster network "
            "(`cluster show`; advanced: `cluster ping-cluster -node NODE`) and open a NetApp support case with the "
            "EMS log.",
        ),
        "65562": Explanation(
            "An internal call broke off inside ONTAP, so a change may or may not have been made.",
            "Run the task again: it reads first what is there. If it comes back, open a NetApp support case with the "
            "EMS log of that time (`event log show`).",
        ),
        "262145": Explanation(
            "The part of ONTAP that serves the request failed unexpectedly, so a change may or may not have been made.",
            "Run the task again: it reads first what is there. If it comes back, note the time and the request, and "
            "open a NetApp support case with the EMS log (`event log show`).",
        ),
    },
    "The health monitor of key managers": {
        "65537303": Explanation(
            "The polling interval of the health monitor needs ONTAP 9.10.1 or later on every node.",
            "Finish the upgrade (`cluster image show`), or leave `polling_interval` out on this cluster.",
        ),
        "65537304": Explanation(
            "The cluster has no external key manager, and without one there is nothing whose polling interval could be "
            "set.",
            "Configure the key manager first, with `azure_key_vault` for example, or leave `polling_interval` out on "
            "this cluster. Where ONTAP says so although Azure Key Vault is configured, only KMIP servers count for it.",
        ),
        "65538404": Explanation(
            "The retry count for key managers in a cloud needs ONTAP 9.11.1 or later on every node.",
            "Finish the upgrade (`cluster image show`), or leave `retry_count` out on this cluster.",
        ),
        "65539303": Explanation(
            "The policy of the health monitor needs ONTAP 9.15.1 or later on every node.",
            "Finish the upgrade (`cluster image show`), or leave `akv` out on this cluster.",
        ),
        "65539304": Explanation(
            "The feature that the policy of the health monitor belongs to is not enabled on the cluster.",
            "See what there is: `security key-manager health policy show`. Until ONTAP lists Azure Key Vault there, "
            "leave `akv` out on this cluster.",
        ),
    },
    "Requests for many records at once": {
        "262287": Explanation(
            "One record of a request for many failed.",
            "Read the code and message of that record in the answer and act on those; the others may have been done. "
            "Run the task again to see what is left.",
        ),
        "262288": Explanation(
            "The operation on a record was left half done.",
            "Run the task again: it reads what is there and does the rest. If it stops at the same place, act on the "
            "code that the record itself carries.",
        ),
        "262289": Explanation(
            "This is news of progress and not a failure: some of the records are done.",
            "Wait for the rest. If nothing moves, look at the job with `job show`.",
        ),
        "262290": Explanation(
            "This is news of progress and not a failure of its own: ONTAP is undoing what it has done.",
            "Wait for the end, then act on the error that made ONTAP turn back; it stands beside this one in the "
            "answer.",
        ),
        "262291": Explanation(
            "The operation did not end within the time that ONTAP allows.",
            "See with `job show` whether it goes on, then run the task again: it reads what is there and does the "
            "rest. Fewer records at a time help on a busy cluster.",
        ),
        "262292": Explanation(
            "The operation was done in part.",
            "Run the task again: it reads what is there and does the rest. Act on the codes of the records that "
            "failed.",
        ),
        "262293": Explanation(
            "The job behind the request is still running.",
            "Wait for it (`job show`) and run the task again, with a larger `wait_timeout` if it was this collection "
            "that stopped waiting.",
        ),
        "262294": Explanation(
            "The job belongs to another kind of request than the one that asks for it.",
            "Read the job's UUID anew from the answer that started it, or run the task again, which finds its own job.",
        ),
    },
}

CODES: dict[str, Explanation] = {code: text for group in GROUPS.values() for code, text in group.items()}


def explain(code: str) -> Explanation | None:
    """The explanation of ``code``, which is a string as in ONTAP's answers, or None where the catalogue lacks it."""
    return CODES.get(code)
