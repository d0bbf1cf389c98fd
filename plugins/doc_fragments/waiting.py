# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait for jobs that ONTAP runs for a change. V(false) returns at once and names the job.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for jobs altogether. When they are over the task fails and names the job, which goes on in ONTAP;
        running the task again waits for a restore or rekey that goes on instead of starting another one. The job of any other
        change should have ended before the next run.
    type: int
    default: 600
"""
