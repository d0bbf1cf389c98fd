# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drift report by cause: what is identical on a cluster is one group, what could not be asked is apart. Pure."""

from __future__ import annotations

import re
import shlex
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.plugin_utils._report.model import SEVERITIES, Mapping
from ansible_collections.ontap.security.plugins.plugin_utils._report.rows import Row, place, said

# Of a field that differs: what it says of the configuration.
_ANOTHER: t.Final = {
    "name": "Another vault",
    "key_id": "Another key",
    "client_id": "Another application",
    "tenant_id": "Another tenant",
    "oauth_host": "Another login host",
    "vault_host": "Another domain of vaults",
    "port": "Another port",
    "enabled": "Another one in use",
    "authentication_method": "Another way to log in to Azure",
    "verify_host": "Another check of certificates",
    "verify_ip": "Another check of certificates",
    **dict.fromkeys(("proxy_type", "proxy_host", "proxy_port", "proxy_username"), "Another proxy"),
}
_OF_VERDICT: t.Final = {
    "missing": "No configuration",
    "unmanaged": "A configuration that nobody described",
    "blocked": "Cannot be mended in place",
}
# Of a health that is not well.
OF_HEALTH: t.Final = {
    "azure_unreachable": "Azure cannot be reached, or refuses the credential",
    "keys_missing": "Keys are missing on nodes",
    "node_unreachable": "A node's key server cannot be reached",
    "unknown": "Health is unknown",
}
_CODE = re.compile(r"\bONTAP code (\d+)\b")


def words(name: str) -> str:
    """A verdict for people."""
    return name.replace("_", " ")


def codes_in(text: str) -> tuple[str, ...]:
    """The codes of ONTAP that a text of this collection names."""
    return tuple(dict.fromkeys(_CODE.findall(text)))


@dataclass(frozen=True)
class Kind:
    """A kind of trouble: a name without blanks, a title, the word that programs know it by, if that is another, and the
    ONTAP codes in it."""

    name: str
    title: str
    word: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """What is the same on some configurations of a cluster."""

    field: str
    desired: t.Any
    actual: t.Any
    note: str
    rows: tuple[Row, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The configurations, by the names that people know them by."""
        return tuple(dict.fromkeys(row.where for row in self.rows))


@dataclass(frozen=True)
class Group:
    """One kind of trouble on one cluster."""

    kind: Kind
    host: str
    severity: str
    cases: tuple[Case, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for case in self.cases for row in case.rows)

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for case in self.cases for name in case.members))

    @property
    def new(self) -> int:
        """How many of the configurations the report before did not have here."""
        return len({row.where for row in self.rows if row.new})

    @property
    def first_seen(self) -> str:
        return min(row.first_seen for row in self.rows)


@dataclass(frozen=True)
class Unasked:
    """What could not be asked: why, and on which cluster, or of which configuration of it."""

    cause: str
    host: str
    where: str
    message: str

    @property
    def told(self) -> str:
        """The cause, and what was said of it, once where these are the same."""
        known = self.message.casefold().startswith(self.cause.casefold())
        return self.message if known else f"{self.cause}: {self.message}"


def kind_of(row: Row) -> Kind:
    """What kind of trouble a row is about."""
    if row.verdict in ("missing", "unmanaged") and row.field != "health":
        return Kind(row.verdict, _OF_VERDICT[row.verdict])
    if row.field == "health":
        codes = codes_in(row.note)
        name = "-".join(("health", str(row.actual), *codes))
        return Kind(name, OF_HEALTH.get(str(row.actual), words(str(row.actual))), str(row.actual), codes)
    if row.verdict == "undescribed":
        return Kind(f"undescribed-{row.field}", "An undescribed setting", row.field)
    if not row.field:
        return Kind(row.verdict, _OF_VERDICT.get(row.verdict, words(row.verdict).capitalize()))
    title = _ANOTHER.get(row.field, "Another value")
    name = row.field
    if row.severity == "low" and None not in (row.desired, row.actual):
        name, title = f"form-{name}", "The same in another form"
    if row.verdict == "blocked":
        return Kind(f"blocked-{name}", f"{title}, which cannot be mended in place", row.field, codes_in(row.note))
    # What else is known of such a configuration is worth a word: that it waits for somebody, for example.
    if row.verdict != "drifted":
        return Kind(f"{row.verdict}-{name}", f"{title}, {words(row.verdict)}", row.field, codes_in(row.note))
    return Kind(name, title, row.field)


def groups(rows: t.Iterable[Row]) -> list[Group]:
    """The rows in groups, the worst first, then the largest kind, then by cluster.

    ``rows`` are all open, or all ignored. What could not be compared is left out.
    """
    found: dict[tuple[str, str, str], dict[tuple[str, str, str, str], list[Row]]] = {}
    kinds: dict[str, Kind] = {}
    for row in rows:
        if not row.known:
            continue
        kind = kind_of(row)
        kinds.setdefault(kind.name, kind)
        same = (row.field, repr(row.desired), repr(row.actual), row.note)
        found.setdefault((kind.name, row.host, row.severity), {}).setdefault(same, []).append(row)
    made = [
        Group(
            kinds[name],
            host,
            severity,
            tuple(Case(of[0].field, of[0].desired, of[0].actual, of[0].note, tuple(of)) for of in cases.values()),
        )
        for (name, host, severity), cases in found.items()
    ]
    size: dict[str, int] = {}
    for group in made:
        size[group.kind.name] = size.get(group.kind.name, 0) + len(group.members)
    made.sort(key=lambda g: (SEVERITIES.index(g.severity), -size[g.kind.name], g.kind.name))
    return made


def by_kind(made: t.Iterable[Group]) -> list[list[Group]]:
    """The groups of each kind and severity together, in their order."""
    found: dict[tuple[str, str], list[Group]] = {}
    for group in made:
        found.setdefault((group.severity, group.kind.name), []).append(group)
    return list(found.values())


def unasked(report: Mapping) -> list[list[Unasked]]:
    """What could not be asked, together by the cause, the most frequent first."""
    found: dict[str, list[Unasked]] = {}
    for host in report["hosts"]:
        for one in _unasked(host):
            found.setdefault(one.cause, []).append(one)
    return sorted(found.values(), key=lambda same: (-len(same), same[0].cause))


def _unasked(host: Mapping) -> t.Iterator[Unasked]:
    failed = [vault for vault in host["vaults"] if vault["verdict"] == "error"]
    for vault in failed:
        yield _one(host["host"], place(vault), vault["error"])
    # What a task says that failed because of a configuration is only how many these are.
    if host["status"] != "ok" and not failed:
        yield _one(host["host"], "", host["error"])


def _one(host: str, where: str, error: Mapping | None) -> Unasked:
    error = error or {}
    return Unasked(cause_of(error), host, where, said(error))


def cause_of(error: Mapping) -> str:
    """Why a cluster or a configuration could not be asked, in a few words."""
    if error.get("http_status") == 401:
        return "Login refused"
    if error.get("http_status") == 403:
        return "The login may not read this"
    if error.get("method") and error.get("http_status") in (502, 503, 504) and not error.get("code"):
        return "Only a proxy answered"
    # A port and an address make no other cause.
    text = str(error.get("message") or said(error) or "Nobody knows why")
    cause = re.sub(r"^no connection to .*? \((.*)\)$", r"No connection: \1", text)
    return cause[:1].upper() + cause[1:]


@dataclass(frozen=True)
class Advice:
    """What to do: in words, and a command that only looks."""

    words: str
    command: str


def advice_for(group: Group) -> Advice:
    """What to do about a group. Every command only looks: without ``--check`` it acts."""
    kind, hosts = group.kind, [group.host]
    act = "Look first; without --check and --diff the command acts."
    if kind.name.startswith("health-"):
        if kind.name.startswith("health-keys_missing"):
            return Advice(f"Restore the keys from Azure. {act}", _play("restore", hosts, "--check", "--diff"))
        return Advice("Mend what ONTAP names, then look at this cluster again.", again(hosts))
    if kind.name == "unmanaged":
        return Advice(
            "Describe it in the inventory, or remove it. The command shows all that a run would remove.",
            _play("apply", hosts, "--check", "--diff", "-e", "azure_key_vault_unmanaged=absent"),
        )
    look = _play("apply", hosts, "--check", "--diff")
    if kind.name.startswith("undescribed-"):
        return Advice("Describe the setting in the inventory, as it is or as it should be, then look.", look)
    if kind.name.startswith("blocked"):
        return Advice("No run mends this; what to do instead is said above. The command shows it again.", look)
    return Advice(act, look)


def again(hosts: t.Sequence[str]) -> str:
    """The command that looks at clusters again, into a folder of its own: the report of the fleet stays."""
    return _play("drift_report", hosts, "-e", "drift_report_dir=drift-report-again")


def _play(name: str, hosts: t.Sequence[str], *arguments: str) -> str:
    command = ["ansible-playbook", f"ontap.security.{name}", "-i", "inventory", "--limit", ",".join(hosts), *arguments]
    return " ".join(map(shlex.quote, command))
