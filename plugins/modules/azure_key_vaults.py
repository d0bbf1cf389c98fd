#!/usr/bin/python
# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_key_vaults
short_description: Manage all Azure Key Vault configurations of an ONTAP cluster in one task
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Takes the list of Azure Key Vault (AKV) configurations that a cluster should have, for its SVMs and for itself.
  - Reads all of them once, plans each entry as M(ontap.security.azure_key_vault) does, and sends only the writes that are needed,
    several at a time. Nothing to do takes one request, or one a page, also with O(health=true) where every node has its keys.
  - Bad input of any entry is reported for all entries at once, before anything is sent. After that one entry's failure does not stop
    the others; the task fails at the end, names every failure, and still reports all that was done.
extends_documentation_fragment:
  - ontap.security.connection
  - ontap.security.waiting
  - ontap.security.attributes
attributes:
  check_mode:
    support: full
    details:
      - Sends only GET requests. Fails where the real run is foreseen to fail, with all predictions in the result.
  diff_mode:
    support: full
    details:
      - One diff for each configuration that changes, with O(hostname) and its name as header.
  idempotent:
    support: partial
    details:
      - Entries with C(update_credentials=always) send their credential in every run and always report a change.
options:
  vaults:
    description:
      - The configurations, each with the options of M(ontap.security.azure_key_vault).
      - An empty list manages nothing.
    type: list
    elements: dict
    required: true
    suboptions:
        scope:
          description:
            - Whether the configuration belongs to an SVM or to the cluster.
            - V(cluster) must be written out; it is never assumed because O(vaults[].svm) is missing.
            - ONTAP documents cluster scope up to 9.13.1. Later releases may refuse it (65537500 and 2621707 are explained).
          type: str
          choices: [svm, cluster]
          default: svm
        svm:
          description:
            - Name of the SVM. Required with O(vaults[].scope=svm), unless O(vaults[].svm_uuid) is given.
          type: str
          aliases: [vserver, svm_name]
        svm_uuid:
          description:
            - UUID of the SVM, instead of its name.
          type: str
        configuration:
          description:
            - Name of the configuration, where an SVM has several (ONTAP 9.14.1 and later).
            - When not given, the enabled configuration is meant. An inactive one is never touched unless it is named here.
          type: str
        state:
          description:
            - Whether the configuration should exist.
            - ONTAP refuses V(absent) while encrypted volumes use the configuration.
          type: str
          choices: [present, absent]
          default: present
        name:
          description:
            - URI of the key vault, such as V(https://myvault.vault.azure.net/).
            - Cannot be changed in place. A different value is reported as blocked, with what to do instead.
            - Case, a trailing slash and port 443 make no difference. Needed to create.
          type: str
          aliases: [vault]
        key_id:
          description:
            - Identifier of the key encryption key, such as V(https://myvault.vault.azure.net/keys/mykey), with or without a version.
            - A different key is rotated to, up to ONTAP 9.10.1 with PATCH (from 9.8), from 9.11.1 with C(rekey-external) and its job.
            - Where one side names no version, only vault and key are compared, so that alone is no change. C(key_version) in the result says
              what ONTAP shows. Where a version is given and none is shown, a warning says so.
            - M(ontap.security.azure_key_vault_rekey) moves to a version of the same key, or to the newest.
            - Needed to create.
          type: str
        client_id:
          description:
            - Application (client) ID of the Azure application that may use the vault. Can be changed from ONTAP 9.9.1 on. Needed to create.
            - When it changes, the credential given is sent with it, whatever O(vaults[].update_credentials) says.
            - When not given, the environment variable E(AKV_CLIENT_ID) is used to create. A configuration that exists is not compared with it.
            - The other variables C(AKV_...) belong to that application. Where it is set, they do not go to a configuration with another one.
          type: str
        tenant_id:
          description:
            - Directory (tenant) ID of the Azure application. Can be changed from ONTAP 9.9.1 on. Needed to create.
            - When it changes, the credential given is sent with it, whatever O(vaults[].update_credentials) says.
            - When not given, the environment variable E(AKV_TENANT_ID) is used to create. A configuration that exists is not compared with it.
          type: str
        client_secret:
          description:
            - Secret of the Azure application. This or O(vaults[].client_certificate) is needed to create.
            - ONTAP never returns it, so it cannot be compared. See O(vaults[].update_credentials).
            - ONTAP 9.7 and 9.8 want it in every change, and it is sent along there when something else changes.
            - When not given, the environment variable E(AKV_CLIENT_SECRET) is used, unless O(vaults[].client_certificate) is given.
            - What only stands for a secret, such as V($encrypted$), is refused. One in the form of a GUID, as the secret's ID is, gets a warning.
          type: str
        client_certificate:
          description:
            - Certificate and key of the Azure application as PKCS12 in base64, instead of O(vaults[].client_secret). Needs ONTAP 9.10.1 or later.
            - Where ONTAP reports that the configuration logs in with a secret, giving a certificate switches it over, and the other way round.
            - When not given, the environment variable E(AKV_CLIENT_CERTIFICATE) is used, unless O(vaults[].client_secret) is given.
            - What is not base64 of something that begins as a PKCS12 file is refused. C(az keyvault secret download) writes base64 already.
          type: str
        update_credentials:
          description:
            - When to send O(vaults[].client_secret), O(vaults[].client_certificate) and O(vaults[].proxy_password) to a configuration that exists already.
            - V(on_create) does not. They are sent only when the configuration is created, or along with the identity they belong to.
            - V(always) sends them in every run and reports a change each time. Use it to rotate a secret.
            - V(when_unreachable) sends them only when ONTAP reports that Azure cannot be reached with the stored one, then reads that
              again and fails if it did not help. Needs ONTAP 9.8 or later, and reads a costly field in every run.
          type: str
          choices: [on_create, always, when_unreachable]
          default: on_create
        verify:
          description:
            - Whether ONTAP has to reach Azure after the configuration was created or a credential was sent. The task fails where ONTAP
              reports that it does not; what was sent stays.
            - ONTAP reports that from 9.8 on. Where it does not say, and where O(vaults[].skip_verification=true), there is a warning instead.
            - Takes one request more where a credential is sent to a configuration that exists; for a list it is one for all together.
          type: bool
          default: true
        skip_verification:
          description:
            - Whether ONTAP stores a credential without trying it first. Needs ONTAP 9.16.1 or later.
            - Goes along with a credential that is sent; it is no state and never compared.
            - Refused with O(vaults[].update_credentials=when_unreachable), because a credential that nobody has tried must not replace the stored one.
          type: bool
        proxy_type:
          description:
            - Type of the proxy between the SVM and Azure. The proxy options need ONTAP 9.8 or later.
          type: str
          choices: [http, https]
        proxy_host:
          description:
            - Host of the proxy.
          type: str
        proxy_port:
          description:
            - Port of the proxy.
          type: int
        proxy_username:
          description:
            - User at the proxy.
          type: str
        proxy_password:
          description:
            - Password at the proxy. ONTAP never returns it. See O(vaults[].update_credentials).
            - When O(vaults[].proxy_host) or O(vaults[].proxy_username) changes, it is sent with it.
          type: str
        oauth_host:
          description:
            - Host that Azure logins go to, such as V(login.microsoftonline.com). Needs ONTAP 9.14.1 or later.
          type: str
        vault_host:
          description:
            - Domain of the vaults, such as V(vault.azure.net). Needs ONTAP 9.14.1 or later.
          type: str
        port:
          description:
            - Port of the vault. Needs ONTAP 9.14.1 or later.
          type: int
        verify_host:
          description:
            - Whether ONTAP checks the host name in the vault's certificate. Needs ONTAP 9.14.1 or later.
            - ONTAP takes it only after the configuration has been created, so a create with it takes one request more.
          type: bool
        verify_ip:
          description:
            - Whether ONTAP checks the address in the vault's certificate. Needs ONTAP 9.14.1 or later.
            - ONTAP takes it only after the configuration has been created, so a create with it takes one request more.
          type: bool
  unmanaged:
    description:
      - What to do with configurations on the cluster that no entry names, inactive ones included.
      - V(report) lists them in RV(vaults), V(absent) removes them, V(ignore) leaves them out.
    type: str
    choices: [ignore, report, absent]
    default: report
  allow_empty:
    description:
      - Whether O(unmanaged=absent) may go with an empty list, which removes every configuration of the cluster.
    type: bool
    default: false
  concurrency:
    description:
      - Number of writes in flight at a time, 1 to 64.
    type: int
    default: 4
  health:
    description:
      - Whether to read the health of all configurations as well, in the same request, and judge it as
        M(ontap.security.azure_key_vault_info) does. See C(health) in RV(vaults).
      - Costly, since the nodes ask Azure and each other. Where keys are reported as unavailable it takes one request more, or one a
        page, which counts the encrypted volumes.
      - Where something was changed, the health is read again afterwards.
    type: bool
    default: false
seealso:
  - module: ontap.security.azure_key_vault
  - module: ontap.security.azure_key_vault_info
"""

EXAMPLES = r"""
# The connection comes from ONTAP_HOSTNAME, ONTAP_USERNAME, ONTAP_PASSWORD and ONTAP_CA_PATH,
# or from module_defaults of group/ontap.security.ontap.

- name: Keep the keys of the cluster and of two SVMs in Azure
  ontap.security.azure_key_vaults:
    vaults:
      - scope: cluster
        name: https://myvault.vault.azure.net/
        key_id: https://myvault.vault.azure.net/keys/cluster
        client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
        tenant_id: cccccccc-dddd-cccc-dddd-cccccccccccc
        client_secret: "{{ akv_client_secret }}"
      - svm: vs0
        name: https://myvault.vault.azure.net/
        key_id: https://myvault.vault.azure.net/keys/vs0
        client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
        tenant_id: cccccccc-dddd-cccc-dddd-cccccccccccc
        client_secret: "{{ akv_client_secret }}"
      - svm: vs1
        state: absent

- name: Rotate the secret of all SVMs of a list, eight at a time
  ontap.security.azure_key_vaults:
    vaults: "{{ akv_svms | map('combine', {'client_secret': akv_new_client_secret, 'update_credentials': 'always'}) }}"
    concurrency: 8

- name: Remove whatever the list does not name
  ontap.security.azure_key_vaults:
    vaults: "{{ akv_vaults }}"
    unmanaged: absent

- name: Stop if what is described is there, but cannot be used
  ontap.security.azure_key_vaults:
    vaults: "{{ akv_vaults }}"
    health: true
  register: all_vaults
  failed_when: >-
    all_vaults is failed or
    all_vaults.vaults | selectattr('health') | rejectattr('health.usable') | length > 0

- name: See what differs, without changing anything
  ontap.security.azure_key_vaults:
    vaults: "{{ akv_vaults }}"
  check_mode: true
  diff: true
  register: drift
"""

RETURN = r"""
summary:
  description:
    - How many configurations there are of each verdict, and of how many each of these came true, in check mode of how many it would,
      V(unchanged), V(created), V(changed), V(removed), V(failed).
    - Each configuration has one verdict, and counts in one of the others. One that failed counts as that, whatever was changed before.
  returned: always, unless the input is bad
  type: dict
  sample:
    in_sync: 18
    missing: 1
    drifted: 1
    unmanaged: 1
    blocked: 0
    error: 0
    unchanged: 19
    created: 1
    changed: 1
    removed: 0
    failed: 0
vaults:
  description: The configurations, first those of O(vaults) in their order, then the unmanaged ones.
  returned: always, unless the input is bad
  type: list
  elements: dict
  contains:
    scope:
      description: V(svm) or V(cluster).
      type: str
      returned: always
    svm:
      description: Name of the SVM.
      type: str
      returned: always
    configuration:
      description: Name of the configuration, where the release has one.
      type: str
      returned: always
    uuid:
      description: UUID of the configuration, where it exists.
      type: str
      returned: always
    enabled:
      description: Whether it is the one in use, where it exists. ONTAP 9.14.1 and later can hold inactive ones beside it.
      type: bool
      returned: always
    verdict:
      description:
        - What was found. V(in_sync), V(missing), V(drifted), V(unmanaged), V(blocked) (a difference that cannot be mended in place)
          or V(error).
        - It does not become V(in_sync) because the run has mended it; C(changed) says that.
      type: str
      returned: always
    changed:
      description: Whether it was changed, in check mode whether it would be.
      type: bool
      returned: always
    became:
      description:
        - What has become of it, in check mode what would. V(unchanged), V(created), V(changed), V(removed) or V(failed), as RV(summary)
          counts them.
      type: str
      returned: always
    drift:
      description: The differences, each with C(field), C(desired), C(actual) and the C(action) that mends it.
      type: list
      elements: dict
      returned: always
    undescribed:
      description:
        - Settings that are there although the entry does not describe them, each with C(field) and C(actual). C(proxy_type),
          C(proxy_host), C(proxy_port) and C(proxy_username); C(oauth_host), C(vault_host) and C(port) where they are not those of Azure's
          public cloud, V(login.microsoftonline.com), V(vault.azure.net) and V(443).
        - Through these a secret goes another way than people think. They are no difference, and nothing changes them; describe them, or
          remove them.
      type: list
      elements: dict
      returned: always
    actions:
      description: The requests for this configuration, as in RV(actions).
      type: list
      elements: dict
      returned: always
    credentials:
      description: Whether a secret was sent, in check mode whether it would be. V(none) means that none was given.
      type: str
      returned: always
    key_version:
      description:
        - What ONTAP shows of the version of the key that the configuration uses afterwards, in check mode what it will show.
        - V(pinned) is a version. V(latest) is none where it would be shown, so ONTAP uses the newest version in Azure and takes up a new
          one by itself.
        - V(unknown) is none where nobody can tell. ONTAP 9.8 to 9.12.1 never shows a version, and 9.13.1 cannot be told from them by the
          configuration.
        - Empty where there is no configuration.
      type: str
      returned: always
    job:
      description: The job that ONTAP ran for the change, with C(uuid), C(state), C(message) and C(code).
      type: dict
      returned: always
    error:
      description: What went wrong with this configuration, as in RV(error), with the message for people as C(msg).
      type: dict
      returned: always
    health:
      description:
        - What ONTAP reports of keys, Azure and nodes in the end, in check mode as it is, with C(verdict), C(usable), C(keys_missing),
          C(reasons) and C(nodes) as M(ontap.security.azure_key_vault_info) explains them. C(null) where there is no configuration.
        - V(unknown) for an inactive configuration, and where it could not be read. It makes no run fail.
      type: dict
      returned: when O(health=true)
  sample:
    - scope: svm
      svm: vs0
      configuration: default
      uuid: 024cd3cf-9a08-11ea-8d52-005056bbeba5
      enabled: true
      verdict: drifted
      changed: true
      became: changed
      drift:
        - field: client_id
          desired: eeeeeeee-ffff-eeee-ffff-eeeeeeeeeeee
          actual: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
          action: update
      undescribed:
        - field: proxy_host
          actual: proxy.example.com
      actions:
        - method: PATCH
          path: /api/security/azure-key-vaults/024cd3cf-9a08-11ea-8d52-005056bbeba5
          fields: [client_id, client_secret]
      outcome: done
      credentials: sent
      key_version: pinned
      job: null
      error: null
actions:
  description:
    - The requests that were sent to change something, in check mode those that would be, in order. Names of fields, no values.
    - C({uuid}) in a path stands for a configuration that does not exist yet.
    - A task that fails lists them, too. What has V(unknown) behind it was sent, and may have taken effect.
  returned: always
  type: list
  elements: dict
  contains:
    method:
      description: HTTP method.
      type: str
      returned: always
    path:
      description: Path of the REST API.
      type: str
      returned: always
    fields:
      description: Fields in the body.
      type: list
      elements: str
      returned: always
    outcome:
      description:
        - What became of the request. In check mode V(done), since that is what is foreseen.
        - V(done), ONTAP has carried it out. V(refused), ONTAP has turned it down, or reading afterwards showed that nothing has changed.
        - V(unknown), nobody knows, or its job has not ended.
      type: str
      choices: [done, refused, unknown]
      returned: always
  sample:
    - method: PATCH
      path: /api/security/azure-key-vaults/024cd3cf-9a08-11ea-8d52-005056bbeba5
      fields: [client_id, client_secret]
      outcome: done
diff:
  description: A list with a diff for each configuration that changes. A secret that is sent shows as V((set\)).
  returned: always, unless the input is bad
  type: list
  elements: dict
  sample:
    - before_header: "cluster1.example.com: SVM vs0"
      after_header: "cluster1.example.com: SVM vs0"
      before:
        client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
      after:
        client_id: eeeeeeee-ffff-eeee-ffff-eeeeeeeeeeee
        client_secret: (set)
error:
  description: What went wrong. C(msg) holds the same as text.
  returned: failure
  type: dict
  contains:
    code:
      description: ONTAP's code as a string. See the guide on error codes.
      type: str
      returned: always
    message:
      description: ONTAP's message, in brackets behind it the code and the message of each record or value at fault.
      type: str
      returned: always
    target:
      description: The field ONTAP complains about.
      type: str
      returned: always
    http_status:
      description: HTTP status of the answer.
      type: int
      returned: always
    method:
      description: HTTP method of the request.
      type: str
      returned: always
    path:
      description: Path of the request.
      type: str
      returned: always
    meaning:
      description: What the code means.
      type: str
      returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
    job:
      description: The job, with C(uuid), C(state), C(message) and C(code).
      type: dict
      returned: when there was one
  sample:
    code: "65536867"
    message: Volume encryption keys (VEK) for one or more encrypted volumes are stored on this key manager.
    target: null
    http_status: 400
    method: DELETE
    path: /api/security/azure-key-vaults/024cd3cf-9a08-11ea-8d52-005056bbeba5
    meaning: Encrypted volumes still keep their keys with this key manager.
    remedy: Move, decrypt or delete the encrypted volumes first.
"""

import typing as t

from ansible_collections.ontap.security.plugins.module_utils._batch import Batch, ensure_all
from ansible_collections.ontap.security.plugins.module_utils._client import Client, cleaned
from ansible_collections.ontap.security.plugins.module_utils._module import (
    CONNECTION,
    VAULT,
    WAITING,
    run,
    waiting_of,
)
from ansible_collections.ontap.security.plugins.module_utils._options import Spec

SPEC: Spec = {
    "vaults": {"type": "list", "elements": "dict", "required": True, "options": VAULT},
    "unmanaged": {"type": "str", "choices": ["ignore", "report", "absent"], "default": "report"},
    "allow_empty": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 4},
    "health": {"type": "bool", "default": False},
}


def argument_spec() -> Spec:
    """All options of the module."""
    return {**CONNECTION, **WAITING, **SPEC}


@cleaned
def manage_all(params: t.Mapping[str, t.Any], client: Client, check_mode: bool) -> dict[str, t.Any]:
    """The module without Ansible: options in, result out. Raises ``OntapError``."""
    return ensure_all(client, Batch.of(params), check_mode=check_mode, waiting=waiting_of(params))


def main() -> None:
    run(argument_spec(), manage_all, caller="azure_key_vaults")


if __name__ == "__main__":
    main()
