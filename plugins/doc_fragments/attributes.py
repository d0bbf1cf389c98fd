# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode, where it only reads and predicts what a real run would do.
  diff_mode:
    description: Returns what has changed, or in check mode what would change. Secrets show as V((set\)).
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
  action_group:
    description: Use C(group/ontap.security.ontap) in C(module_defaults) to set connection options once for all modules.
    support: full
    membership:
      - ontap.security.ontap
"""
