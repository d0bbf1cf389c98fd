#!/usr/bin/python
# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_key_vault_restore
short_description: Restore keys from Azure Key Vault to the nodes that lack them
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Restores the keys of an SVM or cluster from Azure to the nodes of the cluster, and only when a node lacks them.
  - Needed after a node was replaced, or booted while Azure could not be reached; until then giveback to that node is vetoed.
  - Reads the state first, and where that reports keys as unavailable, the number of encrypted volumes. Does nothing when every node has
    its keys, when no encrypted volume exists yet, and when ONTAP does not say (RV(msg) tells which); O(force=true) restores in each case.
  - Afterwards reads the state again. The task succeeds only when no node lacks keys any more.
extends_documentation_fragment:
  - ontap.security.connection
  - ontap.security.identity
  - ontap.security.waiting
  - ontap.security.attributes
attributes:
  check_mode:
    support: full
    details:
      - Only reads. Names the nodes that lack keys.
      - Where the configuration does not exist yet, as in a check run of a playbook that creates it first, reports no change and warns.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - O(force=true) restores in every run and always reports a change.
options:
  uuid:
    description:
      - UUID of the configuration, instead of O(svm), O(svm_uuid), O(scope) and O(configuration).
    type: str
  force:
    description:
      - Restore even if no node is known to lack keys. Harmless, but always a change.
    type: bool
    default: false
seealso:
  - module: ontap.security.azure_key_vault_info
  - module: ontap.security.azure_key_vault_rekey
"""

EXAMPLES = r"""
# The connection comes from ONTAP_HOSTNAME, ONTAP_USERNAME, ONTAP_PASSWORD and ONTAP_CA_PATH,
# or from module_defaults of group/ontap.security.ontap.

- name: Restore the keys of vs0 where a node lacks them
  ontap.security.azure_key_vault_restore:
    svm: vs0

- name: Restore the cluster's own keys
  ontap.security.azure_key_vault_restore:
    scope: cluster

- name: Restore whatever the nodes report
  ontap.security.azure_key_vault_restore:
    svm: vs0
    force: true

- name: Start and do not wait
  ontap.security.azure_key_vault_restore:
    svm: vs0
    wait: false
  register: restore
"""

RETURN = r"""
msg:
  description: What was found and done, in a sentence. After a failure what went wrong and what to do.
  returned: always
  type: str
  sample: Restored the keys on node2.
azure_key_vault:
  description:
    - The configuration afterwards with its C(state), in check mode the predicted one.
  returned: success
  type: dict
  sample:
    uuid: 024cd3cf-9a08-11ea-8d52-005056bbeba5
    scope: svm
    svm:
      name: vs0
      uuid: 4f7abf4c-9a07-11ea-8d52-005056bbeba5
    name: https://myvault.vault.azure.net/
    state:
      available: true
      code: "0"
      message: ""
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
  description: The configuration before and after. C(keys_missing_on) names the nodes that lack keys.
  returned: always
  type: dict
  sample:
    before_header: "cluster1.example.com: SVM vs0"
    after_header: "cluster1.example.com: SVM vs0"
    before:
      keys_missing_on: [node2]
    after:
      keys_missing_on: []
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

from ansible_collections.ontap.security.plugins.module_utils._actions import Restore
from ansible_collections.ontap.security.plugins.module_utils._apply import ensure
from ansible_collections.ontap.security.plugins.module_utils._client import Client, cleaned
from ansible_collections.ontap.security.plugins.module_utils._module import ACTION, CONNECTION, run, waiting_of
from ansible_collections.ontap.security.plugins.module_utils._options import Spec
from ansible_collections.ontap.security.plugins.module_utils._vault import Target

SPEC: Spec = {"force": {"type": "bool", "default": False}}


def argument_spec() -> Spec:
    """All options of the module."""
    return {**CONNECTION, **ACTION, **SPEC}


@cleaned
def restore(params: t.Mapping[str, t.Any], client: Client, check_mode: bool) -> dict[str, t.Any]:
    """The module without Ansible: options in, result out. Raises ``OntapError``."""
    wanted = Restore(Target.of(params), force=params["force"])
    return ensure(client, wanted, check_mode=check_mode, waiting=waiting_of(params))


def main() -> None:
    run(argument_spec(), restore, caller="azure_key_vault_restore")


if __name__ == "__main__":
    main()
