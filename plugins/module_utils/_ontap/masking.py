# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds secrets in text, however they are spelled. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from urllib.parse import quote, quote_plus


def pattern_of(secrets: t.Iterable[str]) -> t.Pattern[str] | None:
    """A pattern for every secret as it stands, in JSON, HTML, URLs and base64; the longest first, so that none is left
    in part. A very short one counts only as a word of its own, else it would tear every message apart."""
    found: set[str] = set()
    for secret in secrets:
        for form in {secret, "".join(secret.split())} - {""}:
            if len(form) < 4:
                found.add(rf"(?<!\w){re.escape(form)}(?!\w)")
                continue
            quoted = {quote(form), quote(form, safe=""), quote_plus(form)}
            encoded = {encode(form.encode()).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode)}
            spelled = {
                form,
                json.dumps(form)[1:-1],
                json.dumps(form)[1:-1].replace("/", "\\/"),
                html.escape(form),
                *quoted,
                *(re.sub("%..", lambda match: match[0].lower(), text) for text in quoted),
                *encoded,
                *(text.rstrip("=") for text in encoded),
            }
            found.update(re.escape(text) for text in spelled)
    return re.compile("|".join(sorted(found, key=len, reverse=True))) if found else None
