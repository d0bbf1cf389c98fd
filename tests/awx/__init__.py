# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX as far as the collection's offers to it need it, without AWX."""
