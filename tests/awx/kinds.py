# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of AWX: their fields with their defaults, and what refers to what."""

from __future__ import annotations

import dataclasses
import re
import typing as t

Item = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A resource: its fields with their defaults, what is unique about one, and the lists of others that it has."""

    type: str
    fields: Item
    unique: tuple[str, ...] = ("organization", "name")
    required: tuple[str, ...] = ("name",)
    # What is not for clients to set. Modules send it all the same.
    read_only: t.Mapping[str, object] = dataclasses.field(default_factory=dict)
    lists: tuple[str, ...] = ()


NAMED: Item = {"name": "", "description": ""}
# Prompts of saved launch configurations, and the field of the template that allows each.
PROMPTS = {
    "inventory": "ask_inventory_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "job_type": "ask_job_type_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "limit": "ask_limit_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "timeout": "ask_timeout_on_launch",
}
LAUNCH: Item = {**dict.fromkeys(PROMPTS), "extra_data": {}}
ASKS: Item = dict.fromkeys([*PROMPTS.values(), "ask_variables_on_launch", "ask_credential_on_launch"], False) | {
    "ask_labels_on_launch": False,
    "ask_instance_groups_on_launch": False,
}
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "inventory_sources", "workflow_approval_templates")

KINDS = {
    "organizations": Kind("organization", NAMED, unique=("name",)),
    "credential_types": Kind(
        "credential_type",
        {**NAMED, "kind": "", "inputs": {}, "injectors": {}},
        unique=("name",),
        required=("name", "kind"),
        read_only={"managed": False},
    ),
    "credentials": Kind(
        "credential",
        {**NAMED, "organization": None, "credential_type": None, "inputs": {}},
        unique=("organization", "name", "credential_type"),
        required=("name", "credential_type", "organization"),
    ),
    "execution_environments": Kind(
        "execution_environment",
        {**NAMED, "organization": None, "image": "", "pull": "", "credential": None},
        unique=("name",),
        required=("name", "image"),
    ),
    "labels": Kind("label", {"name": "", "organization": None}, required=("name", "organization")),
    "projects": Kind(
        "project",
        {
            **NAMED,
            "organization": None,
            "scm_type": "",
            "scm_url": "",
            "scm_branch": "",
            "scm_refspec": "",
            "scm_clean": False,
            "scm_delete_on_update": False,
            "scm_track_submodules": False,
            "scm_update_on_launch": False,
            "scm_update_cache_timeout": 0,
            "timeout": 0,
            "allow_override": False,
            "credential": None,
            "default_environment": None,
            "local_path": "",
        },
    ),
    "inventories": Kind(
        "inventory",
        {**NAMED, "organization": None, "kind": "", "host_filter": None, "variables": ""},
        required=("name", "organization"),
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            **NAMED,
            "inventory": None,
            "source": "",
            "source_project": None,
            "source_path": "",
            "source_vars": "",
            "scm_branch": "",
            "credential": None,
            "execution_environment": None,
            "overwrite": False,
            "overwrite_vars": False,
            "update_on_launch": False,
            "update_cache_timeout": 0,
            "timeout": 0,
            "verbosity": 1,
            "limit": "",
            "host_filter": "",
            "enabled_var": "",
            "enabled_value": "",
        },
        unique=("inventory", "name"),
        required=("name", "inventory", "source"),
    ),
    "job_templates": Kind(
        "job_template",
        {
            **NAMED,
            **ASKS,
            "job_type": "run",
            "inventory": None,
            "project": None,
            "playbook": "",
            "scm_branch": "",
            "execution_environment": None,
            "forks": 0,
            "limit": "",
            "verbosity": 0,
            "extra_vars": "",
            "job_tags": "",
            "skip_tags": "",
            "start_at_task": "",
            "force_handlers": False,
            "timeout": 0,
            "use_fact_cache": False,
            "host_config_key": "",
            "survey_enabled": False,
            "become_enabled": False,
            "diff_mode": False,
            "allow_simultaneous": False,
            "job_slice_count": 1,
            "webhook_service": "",
            "webhook_credential": None,
            "prevent_instance_group_fallback": False,
        },
        required=("name", "project", "playbook"),
        # The organization is the project's.
        read_only={"organization": None},
        lists=("credentials", "labels", "instance_groups"),
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            **NAMED,
            "organization": None,
            "inventory": None,
            "limit": "",
            "scm_branch": "",
            "extra_vars": "",
            "job_tags": "",
            "skip_tags": "",
            "survey_enabled": False,
            "allow_simultaneous": False,
            "webhook_service": "",
            "webhook_credential": None,
            **{name: False for name in ASKS if re.search("_(inventory|scm|limit|variables|labels|tags|skip)_", name)},
        },
        lists=("labels",),
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            **LAUNCH,
            "workflow_job_template": None,
            "unified_job_template": None,
            "identifier": "",
            "all_parents_must_converge": False,
        },
        unique=("workflow_job_template", "identifier"),
        required=("workflow_job_template",),
        read_only={"type": None},
        lists=(*LINKS, "credentials", "labels", "instance_groups"),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {**NAMED, "timeout": 0}, unique=()),
    "schedules": Kind(
        "schedule",
        {**NAMED, **LAUNCH, "rrule": "", "unified_job_template": None, "enabled": True},
        unique=("unified_job_template", "name"),
        required=("name", "rrule", "unified_job_template"),
        lists=("credentials", "labels", "instance_groups"),
    ),
    "project_updates": Kind("project_update", {"project": None, "status": "", "scm_revision": ""}, unique=()),
}
# Fields that are the id of something else.
FOREIGN = {
    "organization": ("organizations",),
    "credential_type": ("credential_types",),
    "credential": ("credentials",),
    "execution_environment": ("execution_environments",),
    "project": ("projects",),
    "source_project": ("projects",),
    "inventory": ("inventories",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": TEMPLATES,
}
LISTED = dict.fromkeys(LINKS, ("workflow_job_template_nodes",))
