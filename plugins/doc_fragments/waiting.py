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
notes:
  - Where the answer to a request is lost, its job is looked for and the configuration is read again. Where that cannot tell, or
    fails as well, the task fails and says first that the request was sent and that nobody knows what became of it; its entry in
    RV(ignore:actions) has the outcome V(unknown), and the message says what is safe to do next.
  - Two runs at the same moment are kept apart as far as ONTAP allows. Of two that create the same configuration, ONTAP refuses
    one, which then goes on with what the other made. A restore or rekey that finds a job of its kind at work waits for that one.
    What is not excluded is that two restores or rekeys start within the same instant, before either of them shows as a job. Let one
    controller manage a cluster, and do not allow simultaneous jobs of a template that restores or rekeys.
"""
