# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  scope:
    description:
      - Whether the configuration belongs to an SVM or to the cluster.
      - V(cluster) must be written out; it is never assumed because O(svm) is missing.
      - ONTAP documents cluster scope up to 9.13.1. Later releases may refuse it (65537500 and 2621707 are explained).
    type: str
    choices: [svm, cluster]
    default: svm
  svm:
    description:
      - Name of the SVM. Required with O(scope=svm), unless O(svm_uuid) is given.
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
"""
