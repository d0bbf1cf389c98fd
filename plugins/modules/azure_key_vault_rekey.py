#!/usr/bin/python
# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_key_vault_rekey
short_description: Replace the internal key of an Azure Key Vault configuration, or move it to another external key
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - V(internal) replaces the key that ONTAP keeps wrapped in Azure and wraps its own keys with. Azure's key stays the same.
  - V(external) wraps that key with another key of Azure, which must exist already. The key is moved to only if it is not in use.
  - Data is not encrypted again in either case.
extends_documentation_fragment:
  - ontap.security.connection
  - ontap.security.identity
  - ontap.security.waiting
  - ontap.security.attributes
attributes:
  check_mode:
    support: full
    details:
      - Only reads. For V(internal) it predicts a change unless no encrypted volume exists yet.
      - Where the configuration does not exist yet, as in a check run of a playbook that creates it first, reports no change and warns.
  diff_mode:
    support: full
    details:
      - The internal key has no name, so the diff only says that there is a new one.
  idempotent:
    support: partial
    details:
      - O(key=external) is idempotent, unless O(force=true), as long as ONTAP shows the identifier as it was given.
      - O(key=internal) replaces the key in every run and always reports a change.
options:
  uuid:
    description:
      - UUID of the configuration, instead of O(svm), O(svm_uuid), O(scope) and O(configuration).
    type: str
  key:
    description:
      - Which key to replace.
      - V(internal) needs ONTAP 9.8 or later. Without an encrypted volume there is no internal key yet; that is no error, and RV(msg)
        says so.
      - V(external) is done with PATCH up to ONTAP 9.10.1 (from 9.8) and with C(rekey-external) from 9.11.1. On 9.8, which documents the
        client secret as required for that, use M(ontap.security.azure_key_vault) with C(key_id) and C(client_secret).
    type: str
    choices: [internal, external]
    required: true
  key_id:
    description:
      - Identifier of the external key to use, with or without a version. Required with O(key=external).
      - Where ONTAP shows that one side names a version of the same key and the other none, the key is moved to, from ONTAP 9.13.1 on. So
        a version is pinned, or with an identifier that names none, the newest in Azure is used from then on.
      - ONTAP 9.8 to 9.12.1 shows the identifier without a version. There, and on 9.13.1 where it shows none, whether a version is in use
        cannot be told, so the key counts as the one in use. RV(msg) and a warning say so, and O(force=true) moves to it.
      - What ONTAP shows afterwards is in RV(key_version). Where that is not what was asked for, a warning says so.
    type: str
  allow_other_vault:
    description:
      - Whether O(key_id) may be in another vault than the configuration's C(name). That is right only where the vault has
        several addresses, as with private links.
    type: bool
    default: false
  force:
    description:
      - Move to O(key_id) even if the configuration seems to use it already. Only for O(key=external), and always a change.
      - Needed to move to another version of the same key on ONTAP 9.9.1 to 9.12.1, which show no versions, and on 9.13.1 where it
        shows none.
    type: bool
    default: false
seealso:
  - module: ontap.security.azure_key_vault
  - module: ontap.security.azure_key_vault_restore
"""

EXAMPLES = r"""
# The connection comes from ONTAP_HOSTNAME, ONTAP_USERNAME, ONTAP_PASSWORD and ONTAP_CA_PATH,
# or from module_defaults of group/ontap.security.ontap.

- name: Replace the internal key, as auditors want once a year
  ontap.security.azure_key_vault_rekey:
    svm: vs0
    key: internal

- name: Move to another key of the vault
  ontap.security.azure_key_vault_rekey:
    svm: vs0
    key: external
    key_id: https://myvault.vault.azure.net/keys/mykey/a8e619fd8f234db3b0b95c59540e2a74

- name: Follow the newest version of a key from now on, instead of the one that is in use (ONTAP 9.13.1 and later)
  ontap.security.azure_key_vault_rekey:
    svm: vs0
    key: external
    key_id: https://myvault.vault.azure.net/keys/mykey

- name: Give a large SVM an hour
  ontap.security.azure_key_vault_rekey:
    svm: vs0
    key: external
    key_id: https://myvault.vault.azure.net/keys/mykey2
    wait_timeout: 3600
"""

RETURN = r"""
msg:
  description: What is worth saying, in a sentence. After a failure what went wrong and what to do.
  returned: when there is something to say
  type: str
  sample: The internal key has been replaced.
azure_key_vault:
  description:
    - The configuration afterwards, in check mode the predicted one.
  returned: success
  type: dict
  sample:
    uuid: 024cd3cf-9a08-11ea-8d52-005056bbeba5
    scope: svm
    svm:
      name: vs0
      uuid: 4f7abf4c-9a07-11ea-8d52-005056bbeba5
    name: https://myvault.vault.azure.net/
    key_id: https://myvault.vault.azure.net/keys/mykey2
key_version:
  description:
    - What ONTAP shows of the version of the key that the configuration uses afterwards, in check mode what it will show.
    - V(pinned) is a version. V(latest) is none where it would be shown, so ONTAP uses the newest version in Azure and takes up a new
      one by itself.
    - V(unknown) is none where nobody can tell. ONTAP 9.8 to 9.12.1 never shows a version, and 9.13.1 cannot be told from them by the
      configuration.
  returned: when there is a configuration
  type: str
  choices: [pinned, latest, unknown]
  sample: pinned
diff:
  description: The configuration before and after.
  returned: always
  type: dict
  sample:
    before_header: "cluster1.example.com: SVM vs0"
    after_header: "cluster1.example.com: SVM vs0"
    before:
      key_id: https://myvault.vault.azure.net/keys/mykey
    after:
      key_id: https://myvault.vault.azure.net/keys/mykey2
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
credentials:
  description:
    - Whether a secret was sent, in check mode whether it would be. V(none) means that none was given.
  returned: always
  type: str
  choices: [sent, not_sent, none]
  sample: not_sent
job:
  description: The job that ONTAP ran for the change.
  returned: when there was one
  type: dict
  contains:
    uuid:
      description: UUID of the job.
      type: str
      returned: always
    state:
      description: State of the job, or V(gone) once ONTAP has removed it, which it does 300 seconds after its end.
      type: str
      returned: always
    message:
      description: ONTAP's message.
      type: str
      returned: always
    code:
      description: ONTAP's code, V(0) while all is well.
      type: str
      returned: always
  sample:
    uuid: 6ab6946f-9a0c-11ea-8d52-005056bbeba5
    state: success
    message: ""
    code: "0"
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

from ansible_collections.ontap.security.plugins.module_utils._actions import Rekey
from ansible_collections.ontap.security.plugins.module_utils._apply import ensure
from ansible_collections.ontap.security.plugins.module_utils._client import Client, cleaned
from ansible_collections.ontap.security.plugins.module_utils._module import ACTION, CONNECTION, run, waiting_of
from ansible_collections.ontap.security.plugins.module_utils._options import Spec

SPEC: Spec = {
    "key": {"type": "str", "choices": ["internal", "external"], "required": True, "no_log": False},
    "key_id": {"type": "str", "no_log": False},
    "allow_other_vault": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}


def argument_spec() -> Spec:
    """All options of the module."""
    return {**CONNECTION, **ACTION, **SPEC}


@cleaned
def rekey(params: t.Mapping[str, t.Any], client: Client, check_mode: bool) -> dict[str, t.Any]:
    """The module without Ansible: options in, result out. Raises ``OntapError``."""
    return ensure(client, Rekey.of(params), check_mode=check_mode, waiting=waiting_of(params))


def main() -> None:
    run(argument_spec(), rekey, caller="azure_key_vault_rekey")


if __name__ == "__main__":
    main()
