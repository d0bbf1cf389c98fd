# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a simulated AWX holds, how it shows it, and how it changes.

A project's Git repository is a set of file names. What AWX knows of it is what was there when it last fetched it.
"""

from __future__ import annotations

import copy
import typing as t

from tests.awx.checks import CHECKS, check_link
from tests.awx.kinds import FOREIGN, KINDS, LINKS, LISTED, TEMPLATES, Item, Kind
from tests.awx.refusals import refuse

ENCRYPTED = "$encrypted$"


class Items:
    """Every item by resource and id. ``files`` is what the Git repository of every project holds."""

    def __init__(self, files: t.Iterable[str]) -> None:
        self.files = set(files)
        # What is new in Git by the time that AWX fetches a project for the second time.
        self.pushed_later: set[str] = set()
        self.of: dict[str, dict[int, Item]] = {name: {} for name in KINDS}
        self.surveys: dict[int, Item] = {}
        self.lists: dict[tuple[int, str], list[int]] = {}
        self._fetched: dict[int, list[str]] = {}
        self._last_id = 0
        self.add("organizations", {"name": "Default"})

    # --- reading

    @staticmethod
    def label(item: Item) -> str:
        """What people call an item."""
        return str(item.get("name") or item.get("identifier") or item["id"])

    def any_of(self, resources: t.Iterable[str], number: object) -> Item | None:
        """The item with that id in one of the resources, as AWX shows it."""
        for resource in resources:
            if number in self.of[resource]:
                return self.shown(resource, self.of[resource][number])
        return None

    def name(self, number: object) -> str | None:
        item = self.any_of(KINDS, number)
        return self.label(item) if item else None

    def organization(self, item: Item) -> object:
        """The organization that an item belongs to: a job template's is its project's."""
        if "project" in item and "playbook" in item:
            return self.of["projects"].get(item["project"], {}).get("organization")
        return item.get("organization")

    def shown(self, resource: str, item: Item) -> Item:
        """An item as AWX answers with it."""
        kind, number = KINDS[resource], item["id"]
        url = f"/api/v2/{resource}/{number}/"
        related = {name: f"{url}{name}/" for name in (*kind.lists, "survey_spec", "update")}
        shown: Item = {
            **kind.read_only,
            **copy.deepcopy(item),
            "type": kind.type,
            "url": url,
            "related": related,
            "summary_fields": {},
        }
        if resource == "credentials":
            fields = self.of["credential_types"][item["credential_type"]]["inputs"].get("fields", [])
            for field in fields:
                if field.get("secret") and field["id"] in shown["inputs"]:
                    shown["inputs"][field["id"]] = ENCRYPTED
        if resource == "job_templates":
            shown["organization"] = self.organization(item)
        if resource == "projects":
            updates = self.updates(number)
            shown["scm_revision"] = updates[-1]["scm_revision"] if updates else ""
            if updates and updates[-1]["status"] == "pending":
                shown["summary_fields"]["current_update"] = {"id": updates[-1]["id"]}
        if resource == "project_updates":
            finished = item["status"] == "successful"
            shown.update(finished=finished, event_processing_finished=finished, failed=False)
            # Done by the time that somebody asks again.
            item["status"] = "successful"
        if shown.get("unified_job_template"):
            template = self.any_of(TEMPLATES, shown["unified_job_template"])
            assert template is not None
            related["unified_job_template"] = template["url"]
        return shown

    # --- writing

    def add(self, resource: str, data: Item) -> Item:
        """Add an item without the API's rules."""
        self._last_id += 1
        item = {**copy.deepcopy(KINDS[resource].fields), **data, "id": self._last_id}
        self.of[resource][self._last_id] = item
        return item

    def updates(self, project: int) -> list[Item]:
        """Every time that a project was fetched, oldest first."""
        return [one for one in self.of["project_updates"].values() if one["project"] == project]

    def fetch(self, project: Item) -> Item:
        """Begin to fetch a project from Git."""
        if self.updates(project["id"]):
            self.files |= self.pushed_later
        revision = f"revision of {len(self.files)} files"
        update = self.add("project_updates", {"project": project["id"], "status": "pending", "scm_revision": revision})
        self._fetched[update["id"]] = sorted(self.files)
        return update

    def known_files(self, project: int) -> list[str]:
        """What AWX knows of a project's files."""
        done = [one["id"] for one in self.updates(project) if one["status"] == "successful"]
        return self._fetched[done[-1]] if done else []

    def save(self, resource: str, data: Item, item: Item | None = None) -> Item:
        """Create an item, or change one, unless AWX would refuse that."""
        kind = KINDS[resource]
        data = {field: value for field, value in data.items() if field not in kind.read_only}
        for field in data:
            if field not in kind.fields:
                refuse(field, "AWX has no such field, and would overlook it.")
        # AWX takes null for an empty text.
        data = {field: "" if value is None and kind.fields[field] == "" else value for field, value in data.items()}
        new = {**copy.deepcopy(kind.fields), **(item or {}), **data}
        for field in kind.required:
            if new[field] in (None, ""):
                refuse(field, "This field is required.")
        for field, resources in FOREIGN.items():
            if new.get(field) is not None and self.any_of(resources, new[field]) is None:
                refuse(field, f'Invalid pk "{new[field]}" - object does not exist.')
        self._check_unique(resource, kind, new)
        if kind.type in CHECKS:
            CHECKS[kind.type](self, new, item)
        if item is None:
            item = self.add(resource, new)
            if resource == "projects" and item["scm_type"]:
                self.fetch(item)
        else:
            item.update(new)
        return item

    def _check_unique(self, resource: str, kind: Kind, new: Item) -> None:
        def key(item: Item) -> list[object]:
            return [self.organization(item) if field == "organization" else item[field] for field in kind.unique]

        for other in self.of[resource].values():
            if kind.unique and other["id"] != new.get("id") and key(other) == key(new):
                refuse("__all__", f"{kind.type} with this {', '.join(kind.unique)} already exists.")

    def associate(self, resource: str, item: Item, name: str, data: Item) -> None:
        """Add something to a list of an item, or take it away, unless AWX would refuse that."""
        known = self.lists.setdefault((item["id"], name), [])
        other = self.any_of(LISTED.get(name, (name,)), data.get("id"))
        if other is None:
            refuse("detail", f'Invalid pk "{data.get("id")}" - object does not exist.')
        if data.get("disassociate"):
            known.remove(other["id"])
            return
        if name == "credentials" and resource == "job_templates":
            credentials = self.of["credentials"]
            if other["credential_type"] in [credentials[number]["credential_type"] for number in known]:
                refuse("error", "Cannot assign multiple credentials of one type.")
        elif name in LINKS:
            check_link(self, item, name, other)
        elif name == "credentials":
            refuse("msg", "Related template is not configured to accept credentials on launch.")
        known.append(other["id"])
