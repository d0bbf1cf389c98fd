# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new secret for every configuration of an application: to one first, and to the others once that has proved it.

``plan`` says from what the clusters show which comes first, or why nothing is sent. ``judge`` says whether the others
follow. ``sum_up`` says what became of each, and what a person has to do. Pure: no input, no output.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.ontap.security.plugins.module_utils._azure.credentials import same_application
from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible
from ansible_collections.ontap.security.plugins.plugin_utils._fleet.configurations import (
    REACHED,
    UNREPORTED,
    Attempt,
    Configuration,
    Outcome,
    Result,
    attempts,
    best,
    counted,
    found,
    ills,
    outcome,
    same,
    some,
    together,
    verdicts,
    with_flaws,
)

# Why a run stops before anything is sent, and after one configuration has been tried.
BEFORE: t.Final = ("serial", "silent", "applications", "missing", "unread", "unused", "unfit", "secrets", "unproven")
AFTER_FIRST: t.Final = ("refused", "lost", "unclear")


@dataclass(frozen=True)
class Cluster:
    """What an inventory host has to do with the rotation. ``chosen`` is None where it could not be read.

    ``secret`` tells apart the secrets that clusters would get, and says nothing of them. ``missing`` are SVMs that were
    named and have no configuration of the application.
    """

    host: str
    application: str
    secret: str
    chosen: tuple[Configuration, ...] | None
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, host: str, application: str, secret: str, svms: t.Sequence[str] | None, result: Result) -> Cluster:
        """From what azure_key_vault_info returned. ``svms`` are the names of those that are meant, None of all."""
        read, application = found(host, result), FIELDS["client_id"].canonical(application)
        if read is None:
            return cls(host, application, secret, None)
        users = with_flaws([one for one in read if same_application(application, one.client_id)])
        if svms is None:
            return cls(host, application, secret, users)
        chosen = tuple(one for one in users if one.svm in svms)
        having = {one.svm for one in chosen}
        return cls(host, application, secret, chosen, tuple(name for name in svms if name not in having))


@dataclass(frozen=True)
class Plan:
    """Who gets the secret, and who first. ``hosts`` are all of the play, also those that nobody could ask.

    ``stop`` is one of ``BEFORE`` and ``AFTER_FIRST``, or empty; ``why`` says it in words.
    """

    hosts: tuple[str, ...]
    application: str
    clusters: tuple[Cluster, ...]
    first: Configuration | None = None
    stop: str = ""
    why: str = ""

    @classmethod
    def of(cls, data: Result) -> Plan:
        """From what ``dataclasses.asdict`` made of one, also by way of JSON."""
        clusters = []
        for of_host in data["clusters"]:
            chosen = None if of_host["chosen"] is None else tuple(map(_configuration, of_host["chosen"]))
            clusters.append(Cluster(**{**of_host, "chosen": chosen, "missing": tuple(of_host["missing"])}))
        first = data["first"] and _configuration(data["first"])
        return cls(**{**data, "hosts": tuple(data["hosts"]), "clusters": tuple(clusters), "first": first})

    @property
    def chosen(self) -> tuple[Configuration, ...]:
        return tuple(one for cluster in self.clusters for one in cluster.chosen or ())

    @property
    def unread(self) -> tuple[str, ...]:
        """Hosts that could not be read, or did not take part."""
        read = {cluster.host for cluster in self.clusters if cluster.chosen is not None}
        return tuple(host for host in self.hosts if host not in read)

    @property
    def others(self) -> dict[str, tuple[Configuration, ...]]:
        """By host all that follow the first. None where the run stops."""
        follow = [] if self.stop else [one for one in self.chosen if one != self.first and not one.flaw]
        return {host: tuple(one for one in follow if one.host == host) for host in {one.host for one in follow}}

    def stopped(self, stop: str, *why: str) -> Plan:
        return replace(self, stop=stop, why=" ".join(why))

    def about(self) -> list[str]:
        """How those that were chosen are, in lines."""
        if not self.chosen:
            return []
        use = f"{counted(self.chosen)} use the application {self.application}: {verdicts(self.chosen)}."
        return [use, *ills(self.chosen)]


def _configuration(data: Result) -> Configuration:
    return Configuration(**{**data, "reasons": tuple(data["reasons"])})


def plan(
    hosts: t.Sequence[str],
    clusters: t.Sequence[Cluster],
    *,
    unproven: bool,
    serial: bool = False,
    silent: t.Sequence[str] = (),
) -> Plan:
    """``clusters`` are those of the ``hosts`` that take part. ``unproven``: also where none can prove the secret.

    ``serial``: the play has only a part of the hosts at a time, each of which would choose one to come first.
    ``silent`` are those of which nobody knows what they are to get.
    """
    applications = list(dict.fromkeys(cluster.application for cluster in clusters))
    decided = Plan(tuple(hosts), applications[0] if applications else "", tuple(clusters))
    decided = replace(decided, first=best(decided.chosen))
    application, first = decided.application, decided.first
    if serial:
        return decided.stopped(
            "serial",
            "The play has serial, so a configuration of each batch of clusters would come first, and a wrong secret",
            "would reach one in each. Leave serial out, or run this for each group of clusters with --limit.",
        )
    if silent:
        return decided.stopped(
            "silent",
            f"Nobody knows what these clusters are to get, which left the play before: {', '.join(silent)}.",
            "The reasons are above. Correct them, or leave these clusters out with --limit.",
        )
    if len(applications) > 1:
        return decided.stopped(
            "applications",
            "azure_key_vault_rotate_client_id names different applications for different clusters:",
            f"{', '.join(applications)}. One run is for one application.",
        )
    missing = [cluster for cluster in clusters if cluster.missing]
    if missing:
        return decided.stopped(
            "missing",
            *(
                f"{', '.join(cluster.missing)} on {cluster.host} has no Azure Key Vault configuration that uses the "
                f"application {application}."
                for cluster in missing
            ),
            "Correct azure_key_vault_rotate_svms, or leave the cluster out with --limit.",
        )
    if all(cluster.chosen is None for cluster in clusters):
        return decided.stopped("unread", "No cluster could be read; the reasons are above.")
    if not decided.chosen:
        return decided.stopped(
            "unused",
            f"No configuration uses the application {application}, on any cluster that could be read.",
            "Correct azure_key_vault_rotate_client_id or AKV_CLIENT_ID, or run this for other clusters.",
        )
    if first is None:
        return decided.stopped(
            "unfit",
            f"azure_key_vaults cannot be given any configuration that uses the application {application}.",
            *(f"{line}." for line in together((visible(one.flaw), one.label) for one in decided.chosen)),
        )
    if len({cluster.secret for cluster in clusters if cluster.chosen}) > 1:
        return decided.stopped(
            "secrets",
            f"azure_key_vault_credentials does not have the same secret for {application} on all clusters, so one of",
            "them cannot prove it for the others. Correct it, or run this for each group of clusters with --limit.",
        )
    if first.reach == UNREPORTED and not unproven:
        return decided.stopped(
            "unproven",
            "No configuration can prove the secret before the others get it: ONTAP reports only for enabled ones, and",
            "from 9.8 on, whether they reach Azure. Take another cluster or SVM that uses the application into the",
            "run, or set azure_key_vault_rotate_unproven to true to send the secret without a proof.",
        )
    return decided


def judge(decided: Plan, sending: Result, proof: Result, *, unproven: bool, check_mode: bool) -> Plan:
    """Whether the others follow the first. ``sending`` is the result of sending to it, ``proof`` of reading it then.

    In check mode nothing has been sent and read, and what is foreseen is that it goes well.
    """
    first = decided.first
    if decided.stop or first is None:
        return decided
    (attempt,) = attempts([first], sending)
    if not attempt.changed:
        return decided.stopped(
            "refused",
            f"Sending the secret to {first.label}, the first configuration, failed: {visible(attempt.message)}",
        )
    after = same(first, found(first.host, proof))
    if check_mode or first.reach == UNREPORTED or (after and after.reach == REACHED):
        return decided
    reasons = "; ".join(after.reasons) if after else ""
    said = visible(reasons or str(proof.get("msg") or "ONTAP does not report it any more"))
    if first.reach == REACHED:
        return decided.stopped(
            "lost",
            f"{first.label} reached Azure before, and with the secret that was sent it does not: {said}.",
            "Send the right secret, or the old one again, with this playbook.",
        )
    if unproven:
        return decided
    return decided.stopped(
        "unclear",
        f"{first.label} does not reach Azure with the secret that was sent, and did not before either,",
        f"so this does not tell whether the secret is right: {said}.",
        "No configuration that was selected reached Azure before. Mend that, or send the right secret; or set",
        "azure_key_vault_rotate_unproven to true to go on without a proof.",
    )


@dataclass(frozen=True)
class Done:
    """What the tasks of one host returned: of sending to the first, of sending to the others, of reading in the end.

    Empty where a task had nothing to do, and where the host has left the play.
    """

    first: Result = field(default_factory=dict)
    others: Result = field(default_factory=dict)
    after: Result = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What became of all. ``trouble`` says what went wrong with some, ``to_do`` which hosts need another look."""

    decided: Plan
    outcomes: tuple[Outcome, ...]
    to_do: tuple[str, ...]
    trouble: tuple[str, ...]
    check_mode: bool

    def having(self, *kinds: str) -> tuple[Configuration, ...]:
        """The configurations whose state, or what ONTAP reports of them afterwards, is one of these."""
        return tuple(one.configuration for one in self.outcomes if one.state in kinds or one.after in kinds)

    @property
    def why(self) -> str:
        """Why the run stopped, what has been sent nevertheless, and what to do. Empty where it did not stop."""
        if not self.decided.stop:
            return ""
        nothing = self.decided.stop != "refused" and not self.having("sent")
        sent = "Nothing has been" if nothing else "No other configuration has been sent the secret"
        return (
            f"{self.decided.why} {sent}{' sent' if nothing else ''} in this run. Leave the old secret enabled in Azure."
        )

    @property
    def numbers(self) -> dict[str, t.Any]:
        """The same for programs."""
        sent = self.having("sent")
        return {
            "client_id": self.decided.application,
            "complete": not self.decided.stop and not self.to_do,
            "clusters": len({one.host for one in sent}),
            "configurations": len(sent),
            "without": len(self.having("failed", "left")),
            "unreached": len(self.having("lost", "unreached")),
            "unreported": len(self.having("unreported")),
            "hosts_to_do": list(self.to_do),
        }

    @property
    def lines(self) -> list[str]:
        """The same for people: whatever needs one by name, of all else the number."""
        foreseen = self.check_mode
        sent = self.having("sent")
        lines = [
            f"{counted(sent)} {'would get' if foreseen else 'have'} the secret of the application "
            f"{self.decided.application}."
        ]
        for kind, heading in (
            ("sent", "Would get the secret" if foreseen else "Have the secret"),
            ("failed", "Sending failed, for the reason and with the outcome that the message above names"),
            ("left", "Would not be sent the secret" if foreseen else "Were not sent the secret in this run"),
            ("lost", "Have the secret, and do not reach Azure any more"),
            ("unreached", "Have the secret, and do not reach Azure, as they did not before"),
            (
                "unreported",
                "Have the secret, and ONTAP does not report whether they reach Azure with it (on an SVM whose "
                "configuration is enabled, ask security key-manager external azure check)",
            ),
        ):
            names = [one.label for one in self.having(kind)]
            # Who would get it is what a check run is asked for.
            in_short = kind == "left" or (kind == "sent" and not foreseen)
            if names:
                lines.append(f"{heading}: {some(names) if in_short else ', '.join(names)}.")
        if self.decided.unread:
            lines.append(f"Could not be read, so nothing was sent there: {', '.join(self.decided.unread)}.")
        return lines


def sum_up(decided: Plan, done: t.Mapping[str, Done], *, check_mode: bool) -> Summary:
    """What became of each configuration that was chosen. ``done`` is by host."""
    tried: dict[Configuration, Attempt] = {}
    if decided.first and decided.stop not in BEFORE:
        of_host = done.get(decided.first.host, Done())
        tried.update((one.configuration, one) for one in attempts([decided.first], of_host.first))
    for host, follow in decided.others.items():
        tried.update((one.configuration, one) for one in attempts(follow, done.get(host, Done()).others))
    if not decided.stop:
        unfit = [one for one in decided.chosen if one.flaw]
        tried.update((one, Attempt(one, changed=False, message=f"nothing was sent: {one.flaw}")) for one in unfit)
    again = {host: found(host, of_host.after) for host, of_host in done.items()}
    now = {one: same(one, again.get(one.host)) for one in decided.chosen}
    outcomes = tuple(
        outcome(tried[one], now[one], check_mode=check_mode) if one in tried else Outcome(one, "left")
        for one in decided.chosen
    )
    sent = [one.configuration for one in outcomes if one.state == "sent"]
    # Of these nobody knows how they are.
    unseen = {one.host for one in sent if not check_mode and again.get(one.host) is None}
    ill = {*decided.unread, *unseen, *(one.configuration.host for one in outcomes if not one.well)}
    trouble = together((visible(one.message), one.configuration.label) for one in tried.values() if one.message)
    trouble += ills(after for one in sent if (after := now[one]) and not check_mode)
    return Summary(decided, outcomes, tuple(host for host in decided.hosts if host in ill), tuple(trouble), check_mode)
