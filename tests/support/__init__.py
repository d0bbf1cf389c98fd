# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several folders share: sample values, ways to run modules and playbooks, clusters without sockets."""
