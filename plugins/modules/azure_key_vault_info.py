#!/usr/bin/python
# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_key_vault_info
short_description: Read the Azure Key Vault configurations of an ONTAP cluster
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Reads Azure Key Vault (AKV) configurations, all of the cluster or those that match, every page of them.
  - On request also their health, with a one-word verdict.
  - No match is an empty list and not an error.
extends_documentation_fragment:
  - ontap.security.connection
  - ontap.security.attributes
attributes:
  check_mode:
    support: full
    details: Only reads, in every mode.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
options:
  scope:
    description:
      - Read only configurations of this scope. When not given, both.
    type: str
    choices: [svm, cluster]
  svm:
    description:
      - Read only configurations of the SVM of this name.
    type: str
    aliases: [vserver, svm_name]
  svm_uuid:
    description:
      - Read only configurations of the SVM with this UUID.
    type: str
  configuration:
    description:
      - Read only configurations of this name. Needs ONTAP 9.14.1 or later.
      - Unlike in the other modules, inactive configurations are read too when this is not given.
    type: str
  uuid:
    description:
      - Read only the configuration with this UUID.
    type: str
  key_id:
    description:
      - Read only configurations that use this key of Azure, such as V(https://myvault.vault.azure.net/keys/mykey).
      - Compared as in the other modules. Case, port 443 and a trailing slash make no difference.
      - Without a version it finds the key in every version. With one it finds that version, and also configurations for which ONTAP
        shows none, since they may use it. RV(azure_key_vaults[].key_version) tells them apart.
      - All configurations that match the other options are read and compared here, since ONTAP compares text as it is.
    type: str
  vault:
    description:
      - Read only configurations whose vault (C(name)) is this one, such as V(https://myvault.vault.azure.net/).
      - Compared as O(key_id) is.
    type: str
  filters:
    description:
      - Conditions on fields, all of which must hold. A list as value means any of its entries.
      - ONTAP's operators work in values, such as V(vs*), V(!client_secret), V(<5), V(1..5), V(a|b), V(null). Quotes or braces
        around a value take the meaning from them, as in V("null"); what other options give is quoted where it needs it.
      - ONTAP compares text as it is. Another spelling of a URI or an ID is missed, so O(key_id) and O(vault) are for keys and vaults.
      - Fields are C(uuid), C(name), C(key_id), C(client_id), C(tenant_id), C(scope), C(svm.name), C(svm.uuid), C(state.available)
        (C(state.cluster_state) means the same), C(state.code), C(state.message).
      - Since ONTAP 9.8 also C(proxy_type), C(proxy_host), C(proxy_port), C(proxy_username), C(azure_reachability.reachable),
        C(azure_reachability.code), C(azure_reachability.message), C(ekmip_reachability.reachable), C(ekmip_reachability.code),
        C(ekmip_reachability.message), C(ekmip_reachability.node.name), C(ekmip_reachability.node.uuid).
      - Since ONTAP 9.10.1 also C(authentication_method). Since 9.14.1 C(configuration.name), C(configuration.uuid), C(enabled),
        C(oauth_host), C(vault_host), C(port), C(verify_host), C(verify_ip). Since 9.16.1 C(skip_verification).
    type: dict
  fields:
    description:
      - Fields to return, by the names O(filters) knows, or groups such as V(svm). ONTAP adds a few that identify the record.
      - What O(key_id) or O(vault) is compared with is returned too.
      - When not given, all that cost ONTAP little.
    type: list
    elements: str
  health:
    description:
      - Whether to read C(state), C(azure_reachability) and C(ekmip_reachability) as well and judge them.
      - Costly, since the nodes ask Azure and each other. Leave it off in what runs often.
      - Where keys are reported as unavailable, the number of encrypted volumes decides whether any are missing. That takes one request
        more, or one a page where there are several of these.
      - With O(fields), scope and SVM come along.
    type: bool
    default: false
  cluster:
    description:
      - Whether to read the cluster's name, UUID and release as well. Takes one request more.
    type: bool
    default: false
  order_by:
    description:
      - Fields to sort by, each with V(asc) or V(desc) behind it if wanted, such as V(svm.name desc).
    type: list
    elements: str
  max_records:
    description:
      - Records in one page, 1 to 10000. All pages are read, whatever the number.
    type: int
  count_only:
    description:
      - Whether to return the number of matches only.
    type: bool
    default: false
  return_timeout:
    description:
      - Seconds ONTAP may collect records before it sends a page, 0 to 120. ONTAP's default is 15.
    type: int
seealso:
  - module: ontap.security.azure_key_vault
"""

EXAMPLES = r"""
# The connection comes from ONTAP_HOSTNAME, ONTAP_USERNAME, ONTAP_PASSWORD and ONTAP_CA_PATH,
# or from module_defaults of group/ontap.security.ontap.

- name: Read all configurations of the cluster
  ontap.security.azure_key_vault_info:
  register: all_vaults

- name: Find the configurations that use a key, in any version
  ontap.security.azure_key_vault_info:
    key_id: https://myvault.vault.azure.net/keys/mykey
    order_by: [svm.name]
  register: users_of_the_key

- name: Count the configurations in a vault
  ontap.security.azure_key_vault_info:
    vault: https://myvault.vault.azure.net/
    count_only: true

- name: Judge the health of one SVM's configuration
  ontap.security.azure_key_vault_info:
    svm: vs0
    health: true
  register: vs0

- name: Stop if the keys of vs0 are not safe
  ansible.builtin.assert:
    that: vs0.azure_key_vaults[0].health.usable is true
    fail_msg: "{{ vs0.azure_key_vaults[0].health.reasons | join('; ') }}"

- name: Count the configurations that still log in with a secret
  ontap.security.azure_key_vault_info:
    filters:
      authentication_method: client_secret
    count_only: true
"""

RETURN = r"""
azure_key_vaults:
  description:
    - The configurations, as ONTAP's REST API shows them, without links.
    - On every release C(state.available) is the name of that field, and codes are strings.
  returned: success
  type: list
  elements: dict
  contains:
    key_version:
      description:
        - V(pinned) where ONTAP shows C(key_id) with a version.
        - V(latest) where it shows none and would, which means that it uses the newest version in Azure and takes up a new one by itself.
        - V(unknown) where it shows none and nobody can tell. ONTAP 9.8 to 9.12.1 never shows a version, and 9.13.1 cannot be told from
          them by the configuration.
      type: str
      returned: when C(key_id) is read
    health:
      description: What the health fields come to.
      returned: when O(health=true)
      type: dict
      contains:
        verdict:
          description:
            - V(healthy), V(no_encrypted_volume_yet) (nothing is wrong, ONTAP reports keys once there is one), V(keys_missing),
              V(azure_unreachable), V(node_unreachable) or V(unknown). The worst that was found.
            - V(healthy) needs a good report in all three fields, with no code but V(0). What ONTAP leaves out is V(unknown), except for
              what its release does not have; then C(reasons) say so.
            - Where the login may not read volumes, only the sentence that ONTAP documents for an SVM without any makes it
              V(no_encrypted_volume_yet). ONTAP does not say that up to 9.8.
          type: str
          returned: always
        usable:
          description:
            - Whether the configuration can be used. V(true) with V(healthy) and V(no_encrypted_volume_yet); V(false) where keys are
              missing, or Azure or a node cannot be reached; V(null) with V(unknown), which is no good news.
          type: bool
          returned: always
        keys_missing:
          description:
            - Whether nodes lack keys, whatever else is wrong, and M(ontap.security.azure_key_vault_restore) would restore them. V(null)
              where ONTAP does not say.
          type: bool
          returned: always
        reasons:
          description: Why, one sentence for each finding.
          type: list
          elements: str
          returned: always
        nodes:
          description: Names of the nodes concerned.
          type: list
          elements: str
          returned: always
  sample:
    - uuid: 024cd3cf-9a08-11ea-8d52-005056bbeba5
      scope: svm
      svm:
        name: vs0
        uuid: 4f7abf4c-9a07-11ea-8d52-005056bbeba5
      name: https://myvault.vault.azure.net/
      key_id: https://myvault.vault.azure.net/keys/mykey/a8e619fd8f234db3b0b95c59540e2a74
      key_version: pinned
      client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
      tenant_id: cccccccc-dddd-cccc-dddd-cccccccccccc
      authentication_method: client_secret
      state:
        available: false
        code: "65537551"
        message: "Top-level internal key is unavailable on the following nodes: Node: node2. Reason: Key not found."
      azure_reachability:
        reachable: true
        code: "0"
        message: ""
      health:
        verdict: keys_missing
        usable: false
        keys_missing: true
        reasons:
          - "the keys are not on every node (ONTAP code 65537551): Top-level internal key is unavailable ..."
        nodes: [node2]
num_records:
  description: The number of configurations that match.
  returned: success
  type: int
  sample: 1
cluster:
  description: The cluster itself.
  returned: when O(cluster=true)
  type: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
      returned: always
    uuid:
      description: UUID of the cluster.
      type: str
      returned: always
    release:
      description: Release of ONTAP.
      type: str
      returned: always
  sample:
    name: cluster1
    uuid: 1cd8a442-86d1-11e0-ae1c-123478563412
    release: 9.16.1
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

from ansible_collections.ontap.security.plugins.module_utils._client import Client, cleaned
from ansible_collections.ontap.security.plugins.module_utils._health import health, with_volumes
from ansible_collections.ontap.security.plugins.module_utils._module import CONNECTION, IDENTITY, run
from ansible_collections.ontap.security.plugins.module_utils._options import Spec
from ansible_collections.ontap.security.plugins.module_utils._search import Search, count, search
from ansible_collections.ontap.security.plugins.module_utils._vault import Vault

SPEC: Spec = {
    "scope": {"type": "str", "choices": ["svm", "cluster"]},
    "uuid": {"type": "str"},
    "key_id": {"type": "str", "no_log": False},
    "vault": {"type": "str", "no_log": False},
    "filters": {"type": "dict"},
    "fields": {"type": "list", "elements": "str"},
    "health": {"type": "bool", "default": False},
    "cluster": {"type": "bool", "default": False},
    "order_by": {"type": "list", "elements": "str"},
    "max_records": {"type": "int"},
    "count_only": {"type": "bool", "default": False},
    "return_timeout": {"type": "int"},
}


def argument_spec() -> Spec:
    """All options of the module."""
    return {**CONNECTION, **IDENTITY, **SPEC}


@cleaned
def inform(params: t.Mapping[str, t.Any], client: Client, _check_mode: bool) -> dict[str, t.Any]:
    """The module without Ansible: options in, result out. Raises ``OntapError``."""
    wanted = Search.of(params)
    about = {"cluster": _cluster(client)} if params["cluster"] else {}
    if params["count_only"]:
        return {"changed": False, "azure_key_vaults": [], "num_records": count(client, wanted), **about}
    vaults = with_volumes(client, search(client, wanted)) if wanted.health else search(client, wanted)
    records = [_shown(vault, with_health=wanted.health) for vault in vaults]
    return {"changed": False, "azure_key_vaults": records, "num_records": len(records), **about}


def _shown(vault: Vault, *, with_health: bool) -> dict[str, t.Any]:
    version = vault.key_version()
    return {
        **vault.record,
        **({"key_version": version} if version else {}),
        **({"health": health(vault).as_result()} if with_health else {}),
    }


def _cluster(client: Client) -> dict[str, t.Any]:
    found = client.get("/api/cluster", {"fields": "name,uuid,version"})
    version = found.get("version") or {}
    numbers = [version[part] for part in ("generation", "major", "minor") if version.get(part) is not None]
    # 9.8 has no third number, which ONTAP calls 0.
    release = ".".join(map(str, numbers[:2] if numbers[2:] == [0] else numbers))
    return {"name": found.get("name"), "uuid": found.get("uuid"), "release": release or None}


def main() -> None:
    run(argument_spec(), inform, caller="azure_key_vault_info")


if __name__ == "__main__":
    main()
