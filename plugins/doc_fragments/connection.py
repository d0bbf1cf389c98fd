# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  hostname:
    description:
      - Name or address of the cluster management LIF, without C(https://) and without a port.
      - When not given, the environment variable E(ONTAP_HOSTNAME) is used.
    type: str
    required: true
  username:
    description:
      - Name of the ONTAP account that O(password) belongs to.
      - When not given, the environment variable E(ONTAP_USERNAME) is used.
    type: str
    aliases: [user]
  password:
    description:
      - Password of O(username).
      - When not given, the environment variable E(ONTAP_PASSWORD) is used.
    type: str
    aliases: [pass]
  access_token:
    description:
      - OAuth 2.0 bearer token, instead of a password. Needs ONTAP 9.14.1 or later.
      - When not given, the environment variable E(ONTAP_ACCESS_TOKEN) is used.
    type: str
  cert_filepath:
    description:
      - File with a client certificate in PEM format, instead of a password.
      - When not given, the environment variable E(ONTAP_CERT_FILEPATH) is used.
    type: path
  key_filepath:
    description:
      - File with the unencrypted private key of O(cert_filepath) in PEM format. Not needed when that file holds the key too.
      - When not given, the environment variable E(ONTAP_KEY_FILEPATH) is used.
    type: path
  http_port:
    description:
      - Port of ONTAP's web service.
      - When not given, the environment variable E(ONTAP_HTTP_PORT) is used.
    type: int
    default: 443
  validate_certs:
    description:
      - Whether to check the cluster's TLS certificate. Leave this on; a self-signed certificate is trusted with O(ca_path).
      - When not given, the environment variable E(ONTAP_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - File or folder with the CA certificates to trust, in PEM format, instead of the ones Python comes with.
      - E(REQUESTS_CA_BUNDLE) is not looked at.
      - When not given, the environment variable E(ONTAP_CA_PATH) is used.
    type: path
  request_timeout:
    description:
      - Seconds for one HTTP request altogether, from connecting to the last byte of the answer, however slowly it comes in.
        What looks up a name is the operating system, which has a time of its own.
      - A read that is repeated has the whole time again. A list is read for half an hour and 1000 pages at most.
      - When not given, the environment variable E(ONTAP_REQUEST_TIMEOUT) is used.
    type: int
    default: 60
requirements:
  - requests (Python library, where the module runs, on the controller beside Ansible itself)
notes:
  - Give exactly one kind of login, that is O(username) with O(password), O(access_token), or O(cert_filepath).
  - An empty string counts as not given, for every option and every environment variable.
  - HTTPS is always used. E(HTTPS_PROXY) and E(NO_PROXY) are honored, C(.netrc) is not read, redirects are not followed.
  - Reads are repeated when the connection breaks, ONTAP is busy, or something else than ONTAP answers; with a refused login
    once, since a LIF on its way to another node may refuse a good one. A wrong password so counts as two failed logins.
  - What is not of ONTAP's form is an error and never counts as nothing there. A write whose answer is lost, or not ONTAP's
    whatever its status, is settled by reading again.
  - An answer may have 64 MiB. 10,000 configurations are 5 MB.
  - Where ONTAP repeats a secret of the task in what it says, V((hidden\)) stands in its place.
  - Secrets are in nothing that the module returns, prints or logs, at any verbosity. What Ansible does with them before
    the module runs is another matter. E(ANSIBLE_DEBUG) prints all options of each task in clear.
    E(ANSIBLE_KEEP_REMOTE_FILES) leaves a file with them in the folder C(~/.ansible/tmp) of the machine where the module
    runs. With C(-vvv) Ansible prints what the keyword C(environment) of a task holds. From ansible-core 2.19 on the
    message of an error shows the lines of the playbook or variables file around its cause. So use the first two with no
    real secret, and give secrets by the environment of C(ansible-playbook) itself, by files that Ansible Vault has
    encrypted, or by a lookup.
  - Where options are refused, the message names them and the kinds of their values, and nothing of the values.
  - Run it where the cluster can be reached, usually on the controller with C(connection=local).
  - Where a task runs on the controller anyway, it runs in Ansible's own process and with Ansible's own Python. That takes
    milliseconds, where packing a module and starting a Python takes half a second; the result is the same. It is the
    ordinary way for a task with C(become), C(async) or C(environment), where C(ansible_python_interpreter) names another
    Python than Ansible's, with E(ANSIBLE_KEEP_REMOTE_FILES), on macOS, and where Ansible's Python lacks requests. The
    variable C(ontap_in_process) set to C(false) makes it the ordinary way for every task, and C(-vvv) says which it was and why.
"""
