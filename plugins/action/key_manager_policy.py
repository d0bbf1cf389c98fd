# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.ontap.security.plugins.modules import key_manager_policy
from ansible_collections.ontap.security.plugins.plugin_utils._in_process import InProcess


class ActionModule(InProcess):
    module = key_manager_policy
