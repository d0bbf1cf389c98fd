# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses in an item of each kind, by what else there is."""

from __future__ import annotations

import re
import typing as t

from tests.awx import credential_types
from tests.awx.kinds import KINDS, LINKS, PROMPTS, TEMPLATES, Item
from tests.awx.refusals import refuse
from tests.awx.surveys import check_answer

if t.TYPE_CHECKING:
    from tests.awx.items import Items


def check_credential_type(items: Items, new: Item, old: Item | None) -> None:
    for field in new["inputs"].get("fields", []):
        field.setdefault("type", "string")
    for problem in credential_types.problems({name: new[name] for name in KINDS["credential_types"].fields}):
        refuse("inputs", problem)
    used = old and any(one["credential_type"] == old["id"] for one in items.of["credentials"].values())
    if old and used and new["inputs"] != old["inputs"]:
        refuse("detail", "Modifications to inputs are not allowed for credential types that are in use", 403)


def check_credential(items: Items, new: Item, old: Item | None) -> None:
    kind = items.of["credential_types"][new["credential_type"]]
    for name in new["inputs"]:
        if name not in [field["id"] for field in kind["inputs"].get("fields", [])]:
            refuse("inputs", f"Additional properties are not allowed ({name!r} was unexpected)")
    if old and old["credential_type"] != new["credential_type"]:
        refuse("credential_type", "You cannot change the credential type of the credential.")


def check_inventory_source(items: Items, new: Item, _old: Item | None) -> None:
    if new["source"] == "scm" and not new["source_project"]:
        refuse("source_project", "Project required for scm type sources.")
    if new["source"] != "scm" and (new["source_project"] or new["source_path"]):
        refuse("detail", "Cannot set source_path if not SCM type.")


def check_job_template(items: Items, new: Item, _old: Item | None) -> None:
    if new["playbook"] not in items.known_files(new["project"]):
        refuse("playbook", "Playbook not found for project.")
    if new["job_type"] not in ("run", "check"):
        refuse("job_type", f'"{new["job_type"]}" is not a valid choice.')
    if new["inventory"] is None and not new["ask_inventory_on_launch"]:
        refuse("inventory", "Must either set a default value or ask to prompt on launch.")
    if new["scm_branch"] and not items.of["projects"][new["project"]]["allow_override"]:
        refuse("scm_branch", "Project does not allow overriding branch.")


def check_schedule(items: Items, new: Item, _old: Item | None) -> None:
    check_rrule(new["rrule"])
    check_launch(items, new, validate_required=True)


def check_workflow_job_template_node(items: Items, new: Item, _old: Item | None) -> None:
    check_launch(items, new, validate_required=False)


def check_launch(items: Items, new: Item, *, validate_required: bool) -> None:
    """What a node or a schedule says for the launch must be what the template asks."""
    template = items.any_of(TEMPLATES, new["unified_job_template"])
    if template is None:
        # Without a template AWX overlooks prompts. Here they are mistakes.
        template = {}
    for prompt, ask in PROMPTS.items():
        if new[prompt] is not None and not template.get(ask):
            refuse(prompt, "Field is not configured to prompt on launch.")
    survey = items.surveys.get(template.get("id", 0), {}) if template.get("survey_enabled") else {}
    questions = {question["variable"]: question for question in survey.get("spec", [])}
    for variable, question in questions.items():
        if variable in new["extra_data"]:
            check_answer(question, new["extra_data"][variable])
        elif question["required"] and validate_required:
            refuse("variables_needed_to_start", f"'{variable}' value missing")
    others = sorted(set(new["extra_data"]) - set(questions))
    if others and not template.get("ask_variables_on_launch"):
        refuse("extra_data", f"Variables {', '.join(others)} are not allowed on launch.")


def check_link(items: Items, parent: Item, name: str, child: Item) -> None:
    if parent["workflow_job_template"] != child["workflow_job_template"]:
        refuse("Error", "Nodes belong to different workflows.")
    if any(child["id"] in items.lists.get((parent["id"], link), []) for link in LINKS if link != name):
        refuse("Error", "Relationship not allowed.")
    reached, ahead = set(), [child["id"]]
    while ahead:
        node = ahead.pop()
        reached.add(node)
        ahead += (one for link in LINKS for one in items.lists.get((node, link), []) if one not in reached)
    if parent["id"] in reached:
        refuse("Error", "Cycle detected.")


def check_rrule(rrule: str) -> None:
    """Refuse what AWX refuses in the rule of a schedule."""
    starts = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rrule)
    if len(starts) != 1:
        refuse("rrule", "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rrule):
        refuse("rrule", "DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ.")
    rules = re.findall(r"RULE:\S*", rrule)
    if not rules:
        refuse("rrule", "One or more rule required in rrule.")
    for rule in rules:
        if "INTERVAL" not in rule:
            refuse("rrule", f"INTERVAL required in rrule: {rule}")
        if "SECONDLY" in rule:
            refuse("rrule", f"SECONDLY is not supported: {rule}")


CHECKS: dict[str, t.Callable[[Items, Item, Item | None], None]] = {
    "credential_type": check_credential_type,
    "credential": check_credential,
    "inventory_source": check_inventory_source,
    "job_template": check_job_template,
    "schedule": check_schedule,
    "workflow_job_template_node": check_workflow_job_template_node,
}
