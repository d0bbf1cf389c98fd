# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the guides that are made from code: ``python docs/generate.py``, with the environment of ``make venv``."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.ontap.security.plugins.module_utils._ontap import catalogue, codes

ERROR_CODES = Path(__file__).parent / "docsite" / "rst" / "error_codes.rst"

HEAD = """\
..
  Copyright: Contributors to the ontap.security collection
  GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

  Made by docs/generate.py from plugins/module_utils/_ontap/catalogue.py. Change the text there, then run the
  former again.

.. _ansible_collections.ontap.security.docsite.error_codes:

ONTAP's error codes
===================

When ONTAP refuses a request, the failed task says what ONTAP's error code means and what to do about it. Its result has
the same under ``error``: ``code``, ``message`` (ONTAP's own words), ``meaning`` and ``remedy``. The health of a
configuration and the end of a job use the same codes. This page lists all that ONTAP documents for the requests of this
collection and those next to them.

Words in capitals inside a command, such as ``SVM``, stand for values of your own. Commands marked as advanced need
``set -privilege advanced`` first. EMS is ONTAP's event log, read with ``event log show``.

.. contents::
   :local:
   :depth: 1
"""

AFTERWARDS = """
How the modules treat some codes
--------------------------------

ONTAP was busy and did nothing: the modules ask again after a pause.
   {busy}

ONTAP failed inside itself, and nobody knows whether a change was made: the modules read the state before they report.
   {uncertain}

The configuration does not exist: this completes a removal, and where something else was wanted it is a failure.
   {not_configured}
"""


def rst(text: str) -> str:
    """A text of the catalogue, where only code is marked up, as reStructuredText."""
    prose, code = slice(0, None, 2), slice(1, None, 2)
    parts = text.split("`")
    parts[prose] = [re.sub(r"[\\*|]|_(?!\w)", r"\\\g<0>", part) for part in parts[prose]]
    parts[code] = [f"``{part}``" for part in parts[code]]
    return "".join(parts)


def table(codes: dict[str, catalogue.Explanation]) -> str:
    rows = ["", ".. list-table::", "   :header-rows: 1", "   :widths: 12 38 50", ""]
    rows += ["   * - Code", "     - Meaning", "     - What to do"]
    for code in sorted(codes, key=int):
        rows += [f"   * - {code}", f"     - {rst(codes[code].meaning)}", f"     - {rst(codes[code].remedy)}"]
    return "\n".join(rows) + "\n"


def error_codes() -> str:
    """The whole page."""

    def listed(codes: t.Iterable[str]) -> str:
        return ", ".join(sorted(codes, key=int))

    sections = [f"\n{title}\n{'-' * len(title)}\n{table(codes)}" for title, codes in catalogue.GROUPS.items()]
    afterwards = AFTERWARDS.format(
        busy=listed(codes.BUSY), uncertain=listed(codes.UNCERTAIN), not_configured=listed(codes.NOT_CONFIGURED)
    )
    return HEAD + afterwards + "".join(sections)


if __name__ == "__main__":
    ERROR_CODES.write_text(error_codes(), encoding="utf-8")
