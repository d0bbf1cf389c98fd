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


def large(looked: dict[str, t.Any]) -> dict[str, t.Any]:
    """A report that is too large to be validated in a test's time."""
    return t.cast("dict[str, t.Any]", json.loads(drift_report(looked, started=MONDAY, ended=MONDAY)))


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


VAULT = "https://payments-kv.vault.azure.net/"
KEY = VAULT + "keys/ontap-nve/a8e619fd8f234db3b0b95c59540e2a74"
OTHER_KEY = VAULT + "keys/ontap-nve/0c1f6b7e93d84a52b6a1d7f05e2c9a11"
APPLICATION, OTHER_APPLICATION = "aaaaaaaa-bbbb-aaaa-bbbb-aaaaaaaaaaaa", "eeeeeeee-ffff-eeee-ffff-eeeeeeeeeeee"
FOUND = {"name": VAULT, "key_id": KEY, "client_id": APPLICATION, "tenant_id": "cccccccc-dddd-cccc-dddd-cccccccccccc"}
SITES = ("ams", "fra", "sgp", "nyc", "syd", "lab")
EXPIRED = (
    "Azure cannot be reached or refuses the credential (ONTAP code 65537540): "
    "AADSTS7000222: The provided client secret keys are expired."
)


def fleet(clusters: int = 30, svms: int = 20) -> dict[str, t.Any]:
    """What a fleet returns that has the ordinary trouble: much of one cause, a little of many."""

    def name(number: int) -> str:
        return f"{SITES[number % len(SITES)]}-nas{number // len(SITES) + 1:02}"

    def well(svm: int) -> dict[str, t.Any]:
        return vault(f"svm{svm:02}", found=FOUND)

    def differs(svm: int, **drift: tuple[t.Any, t.Any]) -> dict[str, t.Any]:
        actual = {field: found for field, (_wanted, found) in drift.items() if field in FOUND}
        return vault(f"svm{svm:02}", "drifted", drift=drift, found={**FOUND, **actual})

    looked = {name(number): answer(*map(well, range(svms))) for number in range(clusters)}

    def put(number: int, svm: int, found: dict[str, t.Any]) -> None:
        looked[name(number)]["vaults"][svm] = found

    for svm in range(svms):
        put(2, svm, differs(svm, client_id=(APPLICATION, OTHER_APPLICATION)))
    for number in (3, 9):
        put(number, 4, differs(4, key_id=(KEY, OTHER_KEY)))
    put(4, 1, differs(1, proxy_host=("proxy.example.com", "proxy-old.example.com")))
    put(5, 2, vault("svm02", undescribed=[{"field": "oauth_host", "actual": "login.example.com"}], found=FOUND))
    put(6, 0, vault("svm00", health={"verdict": "azure_unreachable", "reasons": [EXPIRED], "nodes": []}, found=FOUND))
    missing = {"verdict": "keys_missing", "reasons": ["the keys are not on every node: Node: n2"], "nodes": ["n2"]}
    put(7, 3, vault("svm03", health=missing, found=FOUND))
    put(8, 5, vault("svm05", health=ill("unknown"), found=FOUND))
    put(10, 6, vault("svm06", "unmanaged", found={**FOUND, "client_id": OTHER_APPLICATION}))
    wanted = {field: (value, None) for field, value in FOUND.items()}
    put(11, 7, vault("svm07", "missing", drift=wanted, health=None, enabled=None))
    moved = {"name": (VAULT, "https://payments-old.vault.azure.net/")}
    blocked = {"msg": "A vault cannot change in place. Add a second configuration and switch to it.", "error": {}}
    put(1, 8, vault("svm08", "blocked", drift=moved, error=blocked, found={**FOUND, "name": moved["name"][1]}))
    gone = {"code": "2621462", "message": "SVM svm-gone does not exist.", "msg": "SVM svm-gone does not exist."}
    put(0, 9, vault("svm-gone", "error", error=gone, health=None, enabled=None))
    looked[name(0)]["msg"] = "1 of 20 configurations failed"
    refused = "GET /api/security/azure-key-vaults was refused: User is not authorized (HTTP 401, ONTAP code 6691623)."
    looked[name(14)] = looked[name(20)] = {**REFUSED, "msg": refused}
    silent = {**NO_ANSWER["error"], "message": "no connection to 192.0.2.7 port 443 (Connection timed out)"}
    looked[name(16)] = {"msg": "no connection to 192.0.2.7 port 443 (Connection timed out).", "error": silent}
    return looked


def different(clusters: int = 30, svms: int = 20) -> dict[str, t.Any]:
    """A fleet of which no two configurations differ in the same, which is as much as there can be to say."""
    looked = {}
    for cluster in range(clusters):
        keys = [f"{OTHER_KEY[:-8]}{cluster:04}{svm:04}" for svm in range(svms)]
        looked[f"c{cluster:03}"] = answer(
            *(
                vault(f"svm{svm:02}", "drifted", drift={"key_id": (KEY, key)}, found={**FOUND, "key_id": key})
                for svm, key in enumerate(keys)
            )
        )
    return looked


def groups_of(looked: t.Iterable[str]) -> dict[str, list[str]]:
    """Inventory groups of the fleet, as Ansible has them."""
    found: dict[str, list[str]] = {}
    for name in looked:
        for group in ("all", "ontap", "lab" if name.startswith("lab") else "production", name[:3]):
            found.setdefault(group, []).append(name)
    return found
