# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be meant as a secret, and how a secret is spelled where it could be seen. Pure, no I/O."""

from __future__ import annotations

import base64
import json
import re
import typing as t

from ansible_collections.ontap.security.plugins.module_utils._ontap.text import kind, visible

_FLAGS: t.Final = re.DOTALL | re.IGNORECASE
# A whole text of one of these forms is written by some tool where a secret was, or was to be. Each is a form that
# nobody has for a secret; one that somebody might have, such as changeme or $NAME, is not here.
_STAND_INS: t.Final[tuple[tuple[t.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, _FLAGS), reason)
    for pattern, reason in (
        (
            r"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|NOT_LOGGING_(PARAMETER|PASSWORD)|.*\*{8}.*"
            r"|the output has been hidden .*no_log.*",
            "it is what Ansible shows in place of a secret",
        ),
        (r"[*\u2022\u25cf\u2219\u00b7]+", "it is a row of signs that hides a secret"),
        (r"\$encrypted\$.*|(?-i:ENCRYPTED)", "it is what AWX shows in place of a secret"),
        (r"__omit_place_holder__.*|<<\s*omit\s*>>|omit", "it is Ansible's mark for an option that is left out"),
        (r"\$ANSIBLE_VAULT;.*|!vault\b.*|!unsafe\b.*", "it is for Ansible to read, as ansible-vault writes it"),
        (r"ENC\[.*\]", "it is encrypted by SOPS, and has not been decrypted"),
        (
            r"\{\{.*\}\}|\{%.*%\}|\$\{\{.*\}\}|\$\{\w+\}|\$\([\w.]+\)",
            "it is the place of a variable, which nothing has filled in",
        ),
        (
            r"https?://[^/\s]+/secrets/\S*|@Microsoft\.KeyVault\(.*",
            "it is the address of a secret in a key vault, and not the secret",
        ),
        (
            r"[(<\[]((not )?set|unset|none|null|empty|hidden|redacted|masked|filtered|secured?|encrypted|omitted"
            r"|removed|sensitive( value)?|known after apply)[)>\]]"
            r"|<[\w -]*(secret|password|token|certificate)( value)?>",
            "it says in words that a secret belongs there",
        ),
        (r"redacted|none|null|undefined|true|false|''|\"\"", "it is a word for no value at all"),
        (r"-----BEGIN .*", "it is PEM, which is neither a secret nor PKCS12"),
        (r"\[\s*(['\"]).*\1\s*\]|\{\s*(['\"]).*:.*\}", "it is a list or dictionary, written as text"),
    )
)


def not_a_secret(value: t.Any) -> str:
    """Why this cannot be meant as a secret, without anything of the value; empty when it can."""
    if not isinstance(value, str):
        return f"it is {kind(value)}, and not text"
    text = value.strip()
    return next((reason for pattern, reason in _STAND_INS if pattern.fullmatch(text)), "")


_PATH = re.compile(
    r"(file:|~?/|\.{1,2}/|[a-z]:[\\/]).*|.*\.(p12|pfx|pem|crt|cer|der|key|b64|base64|txt)", re.IGNORECASE | re.DOTALL
)
# The structure PFX: a sequence, its length in up to three bytes or open, and its first member, the version 3.
_PFX = re.compile(rb"\x30([\x05-\x80]|\x81.|\x82..|\x83...)\x02\x01\x03", re.DOTALL)


def not_pkcs12(text: str) -> str:
    """Why this is not a PKCS12 file in base64, without anything of the text; empty when it begins as one does.

    White space counts for nothing: tools break the lines of base64.
    """
    text = "".join(text.split())
    if text.lower().startswith("data:"):
        return "it is a data: URI, which is more than base64"
    if _PATH.fullmatch(text):
        return "it is the name of a file, and not what is in it"
    raw = _decoded(text)
    if raw is None:
        return "it is not base64"
    if _PFX.match(raw):
        return ""
    if b"-----BEGIN" in raw:
        return "it is PEM in base64, and ONTAP takes PKCS12 in base64"
    if _PFX.match(_decoded("".join(raw.decode("latin-1").split())) or b""):
        return "it is base64 twice"
    if _PFX.match(bytes.fromhex(text) if re.fullmatch("([0-9A-Fa-f]{2})+", text) else b""):
        return "it is PKCS12 in hexadecimal digits, and ONTAP takes it in base64"
    return "what it holds in base64 does not begin as a PKCS12 file does"


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def spellings(secret: str) -> set[str]:
    """How a secret may be spelled in what Ansible prints or logs: as it is, as it is sent where it was wrapped in
    lines, and as Python, JSON and this collection escape it."""
    forms = (secret, "".join(secret.split()))
    found = {text for form in forms for text in (form, repr(form)[1:-1], json.dumps(form)[1:-1], visible(form))}
    return {text for text in found if text.strip()}
