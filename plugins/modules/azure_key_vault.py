#!/usr/bin/python
# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_key_vault
short_description: Manage an Azure Key Vault configuration of an ONTAP SVM or cluster
version_added: 0.1.0
author:
  - ontap.security contributors (@ontap-security)
description:
  - Creates, changes and removes the Azure Key Vault (AKV) configuration that an SVM or a cluster keeps its encryption keys with.
  - Reads the configuration first and sends only what differs. Nothing to do takes one request, a change or a removal two.
  - Only what is given is managed. Options left out keep the value they have on the cluster.
extends_documentation_fragment:
  - ontap.security.connection
  - ontap.security.identity
  - ontap.security.waiting
  - ontap.security.attributes
attributes:
  check_mode:
    support: full
    details:
      - Sends only GET requests. Also foretells failures, such as an SVM that does not exist, another key manager on the SVM,
        a vault that would have to change, or an option the release does not have.
      - Cannot foretell that ONTAP refuses to remove a configuration encrypted volumes still use.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - O(update_credentials=always) sends the credential in every run and always reports a change.
options:
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
      - When it changes, the credential given is sent with it, whatever O(update_credentials) says.
      - When not given, the environment variable E(AKV_CLIENT_ID) is used to create. A configuration that exists is not compared with it.
      - The other variables C(AKV_...) belong to that application. Where it is set, they do not go to a configuration with another one.
    type: str
  tenant_id:
    description:
      - Directory (tenant) ID of the Azure application. Can be changed from ONTAP 9.9.1 on. Needed to create.
      - When it changes, the credential given is sent with it, whatever O(update_credentials) says.
      - When not given, the environment variable E(AKV_TENANT_ID) is used to create. A configuration that exists is not compared with it.
    type: str
  client_secret:
    description:
      - Secret of the Azure application. This or O(client_certificate) is needed to create.
      - ONTAP never returns it, so it cannot be compared. See O(update_credentials).
      - ONTAP 9.7 and 9.8 want it in every change, and it is sent along there when something else changes.
      - When not given, the environment variable E(AKV_CLIENT_SECRET) is used, unless O(client_certificate) is given.
      - What only stands for a secret, such as V($encrypted$), is refused. One in the form of a GUID, as the secret's ID is, gets a warning.
    type: str
  client_certificate:
    description:
      - Certificate and key of the Azure application as PKCS12 in base64, instead of O(client_secret). Needs ONTAP 9.10.1 or later.
      - Where ONTAP reports that the configuration logs in with a secret, giving a certificate switches it over, and the other way round.
      - When not given, the environment variable E(AKV_CLIENT_CERTIFICATE) is used, unless O(client_secret) is given.
      - What is not base64 of something that begins as a PKCS12 file is refused. C(az keyvault secret download) writes base64 already.
    type: str
  update_credentials:
    description:
      - When to send O(client_secret), O(client_certificate) and O(proxy_password) to a configuration that exists already.
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
      - ONTAP reports that from 9.8 on. Where it does not say, and where O(skip_verification=true), there is a warning instead.
      - Takes one request more where a credential is sent to a configuration that exists; for a list it is one for all together.
    type: bool
    default: true
  skip_verification:
    description:
      - Whether ONTAP stores a credential without trying it first. Needs ONTAP 9.16.1 or later.
      - Goes along with a credential that is sent; it is no state and never compared.
      - Refused with O(update_credentials=when_unreachable), because a credential that nobody has tried must not replace the stored one.
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
      - Password at the proxy. ONTAP never returns it. See O(update_credentials).
      - When O(proxy_host) or O(proxy_username) changes, it is sent with it.
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
seealso:
  - module: ontap.security.azure_key_vault_info
  - module: ontap.security.azure_key_vault_rekey
  - module: ontap.security.azure_key_vault_restore
"""

EXAMPLES = r"""
- name: Keep the keys of SVM vs0 in Azure
  ontap.security.azure_key_vault:
    hostname: cluster1.example.com
    username: admin
    password: "{{ ontap_password }}"
    ca_path: /etc/pki/ontap-ca.pem
    svm: vs0
    name: https://myvault.vault.azure.net/
    key_id: https://myvault.vault.azure.net/keys/mykey
    client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
    tenant_id: cccccccc-dddd-cccc-dddd-cccccccccccc
    client_secret: "{{ akv_client_secret }}"

# From here on the connection comes from ONTAP_HOSTNAME, ONTAP_USERNAME, ONTAP_PASSWORD and ONTAP_CA_PATH,
# or from module_defaults of group/ontap.security.ontap.

- name: Keep the cluster's own keys in Azure
  ontap.security.azure_key_vault:
    scope: cluster
    name: https://myvault.vault.azure.net/
    key_id: https://myvault.vault.azure.net/keys/mykey
    client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
    tenant_id: cccccccc-dddd-cccc-dddd-cccccccccccc
    client_secret: "{{ akv_client_secret }}"

- name: Use another Azure application, with its secret
  ontap.security.azure_key_vault:
    svm: vs0
    client_id: eeeeeeee-ffff-eeee-ffff-eeeeeeeeeeee
    client_secret: "{{ akv_new_client_secret }}"

- name: Rotate the secret
  ontap.security.azure_key_vault:
    svm: vs0
    client_secret: "{{ akv_new_client_secret }}"
    update_credentials: always

- name: Send the secret only where Azure refuses the stored one
  ontap.security.azure_key_vault:
    svm: vs0
    client_secret: "{{ akv_client_secret }}"
    update_credentials: when_unreachable

- name: Log in with a certificate from now on (ONTAP 9.10.1 and later)
  ontap.security.azure_key_vault:
    svm: vs0
    client_certificate: "{{ lookup('ansible.builtin.file', 'application.p12.b64') }}"

- name: Move to another key
  ontap.security.azure_key_vault:
    svm: vs0
    key_id: https://myvault.vault.azure.net/keys/mykey2/a8e619fd8f234db3b0b95c59540e2a74

- name: Reach Azure through a proxy
  ontap.security.azure_key_vault:
    svm: vs0
    proxy_type: http
    proxy_host: proxy.example.com
    proxy_port: 3128

- name: A sovereign cloud, with its hosts checked (ONTAP 9.14.1 and later)
  ontap.security.azure_key_vault:
    svm: vs0
    oauth_host: login.chinacloudapi.cn
    vault_host: vault.azure.cn
    verify_host: true

- name: Remove the configuration once no encrypted volume uses it
  ontap.security.azure_key_vault:
    svm: vs0
    state: absent
"""

RETURN = r"""
azure_key_vault:
  description:
    - The configuration afterwards, as ONTAP's REST API shows it, without links; in check mode the predicted one.
    - Empty when there is none.
  returned: success
  type: dict
  sample:
    uuid: 024cd3cf-9a08-11ea-8d52-005056bbeba5
    scope: svm
    svm:
      name: vs0
      uuid: 4f7abf4c-9a07-11ea-8d52-005056bbeba5
    name: https://myvault.vault.azure.net/
    key_id: https://myvault.vault.azure.net/keys/mykey
    client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
    tenant_id: cccccccc-dddd-cccc-dddd-cccccccccccc
    authentication_method: client_secret
    enabled: true
    configuration:
      name: default
      uuid: 024cd3cf-9a08-11ea-8d52-005056bbeba5
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
diff:
  description:
    - The configuration before and after. A secret that is sent shows as V((set\)).
  returned: always
  type: dict
  sample:
    before_header: "cluster1.example.com: SVM vs0"
    after_header: "cluster1.example.com: SVM vs0"
    before:
      client_id: aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa
    after:
      client_id: eeeeeeee-ffff-eeee-ffff-eeeeeeeeeeee
      client_secret: (set)
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

from ansible_collections.ontap.security.plugins.module_utils._apply import ensure
from ansible_collections.ontap.security.plugins.module_utils._client import Client, cleaned
from ansible_collections.ontap.security.plugins.module_utils._module import (
    CONNECTION,
    VAULT,
    WAITING,
    run,
    waiting_of,
)
from ansible_collections.ontap.security.plugins.module_utils._options import Spec
from ansible_collections.ontap.security.plugins.module_utils._plan import Desired


def argument_spec() -> Spec:
    """All options of the module."""
    return {**CONNECTION, **VAULT, **WAITING}


@cleaned
def manage(params: t.Mapping[str, t.Any], client: Client, check_mode: bool) -> dict[str, t.Any]:
    """The module without Ansible: options in, result out. Raises ``OntapError``."""
    desired = Desired.of(params)
    return ensure(client, desired, check_mode=check_mode, waiting=waiting_of(params))


def main() -> None:
    run(argument_spec(), manage, caller="azure_key_vault")


if __name__ == "__main__":
    main()
