# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift reports to test with, also of clusters that say hostile things."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import jsonschema

from ansible_collections.ontap.security.plugins.filter.drift_report import drift_report

SCHEMA = Path(__file__).parents[2] / "roles" / "drift_report" / "files" / "drift-report.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))

MONDAY, TUESDAY, WEDNESDAY = (f"2026-03-0{day}T01:00:00Z" for day in (2, 3, 4))
# What a cluster may say about itself, and what somebody may have typed.
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "+1",
    "-1",
    "\t=1",
    "\r\n=1",
    "\uff1d1",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "a|b`c`\n# not a heading @everyone ![x](http://example.com)",
    "]]></failure><script/>",
    "\x00\x1b[31m\x08\ufffe",
    "\x9b31m\x07\u202etxt.exe\u2066\u200b",
    "half a pair \ud800",
    "</script><!--",
]


def vault(svm: str | None = "vs0", verdict: str = "in_sync", **more: t.Any) -> dict[str, t.Any]:
    """A configuration as azure_key_vaults returns it."""
    drift = [
        {"field": name, "desired": desired, "actual": actual, "action": "update"}
        for name, (desired, actual) in more.pop("drift", {}).items()
    ]
    return {
        "scope": "svm" if svm else "cluster",
        "svm": svm,
        "configuration": "default",
        "uuid": f"uuid of {svm}",
        "enabled": True,
        "verdict": verdict,
        "changed": bool(drift),
        "drift": drift,
        "undescribed": [],
        "actions": [],
        "credentials": "not_sent",
        "job": None,
        "error": None,
        "health": ill("healthy"),
        **more,
    }


def ill(verdict: str) -> dict[str, t.Any]:
    """Health as azure_key_vaults returns it."""
    return {"verdict": verdict, "reasons": [] if verdict == "healthy" else ["why"], "nodes": ["n1"]}


def answer(*vaults: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {"changed": False, "vaults": list(vaults), **more}


def drifted(svm: str = "vs0", **fields: tuple[t.Any, t.Any]) -> dict[str, t.Any]:
    return vault(svm, "drifted", drift=fields or {"client_id": ("wanted", "found")})


def make(looked: dict[str, t.Any], now: str = MONDAY, **more: t.Any) -> dict[str, t.Any]:
    text = drift_report(looked, started=now, ended=now, **more)
    report = t.cast("dict[str, t.Any]", json.loads(text))
    VALIDATOR.validate(report)
    return report


NO_ANSWER = {"msg": "no connection", "error": {"code": None, "http_status": None, "method": "GET", "path": "/api"}}
REFUSED = {"msg": "refused", "error": {"code": "6691623", "http_status": 401, "method": "GET", "path": "/api"}}


def ignoring(**patterns: t.Any) -> list[dict[str, t.Any]]:
    return [{"reason": "CHG-1", "expires": "2026-03-03", **patterns}]


def hostile_report() -> dict[str, t.Any]:
    looked: dict[str, t.Any] = {}
    for number, text in enumerate(HOSTILE):
        looked[f"{text}{number}"] = answer(drifted(text, client_id=(text, text + "x")), vault(text + "2", "unmanaged"))
        looked[f"{text}u{number}"] = {"msg": text, "unreachable": True}
    return make(looked, ignore=ignoring(host="*1", reason=HOSTILE[0]) + ignoring(svm=HOSTILE[5]))
