# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of AWX's REST API that the modules of awx.awx need to set it up, as an HTTP server on the loopback address.

What it refuses is what AWX refuses, in awx/api/serializers.py, awx/api/views and awx/main/models/mixins.py. It is
stricter in two things. AWX overlooks fields that it does not know; here they are mistakes. AWX lets a launch
configuration repeat what the template says; here a prompt always wants its ``ask_..._on_launch``.

A project's Git repository is a set of file names. What AWX knows of it is what was there when it last fetched it.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import re
import socket
import threading
import typing as t

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.awx import credential_types

HOST = "127.0.0.1"
TOKEN = "token-of-no-real-awx"
USERNAME, PASSWORD = "admin", "password-of-no-real-awx"
START_SECONDS = 30
ENCRYPTED = "$encrypted$"
VERSION = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}

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


class Refused(Exception):
    """A request that AWX does not carry out."""

    def __init__(self, status: int, answer: t.Any) -> None:
        super().__init__(status, answer)
        self.status, self.answer = status, answer


def refuse(field: str, text: str, status: int = 400) -> t.NoReturn:
    """Refuse as AWX words it: a list of errors for each field, or one text for what is no matter of fields."""
    raise Refused(status, {field: [text] if status == 400 else text})


NOT_FOUND: t.Final = ("detail", "Not found.", 404)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request, for the log."""

    method: str
    path: str
    body: t.Any


class Controller:
    """A simulated AWX, to be used with ``with``. ``files`` is what the Git repository of every project holds."""

    def __init__(self, files: t.Iterable[str] = ()) -> None:
        self.files = set(files)
        # What is new in Git by the time that AWX fetches a project for the second time.
        self.pushed_later: set[str] = set()
        self.requests: list[Asked] = []
        self._items: dict[str, dict[int, Item]] = {name: {} for name in KINDS}
        self._fetched: dict[int, list[str]] = {}
        self._surveys: dict[int, Item] = {}
        self._lists: dict[tuple[int, str], list[int]] = {}
        self._last_id = 0
        self._add("organizations", {"name": "Default"})

    # --- life

    def __enter__(self) -> Controller:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # Without it every answer, which is two writes, takes 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((HOST, 0))
        self.url = f"http://{HOST}:{sock.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", self._handle, methods=["GET", "POST", "PATCH", "DELETE"])])
        config = uvicorn.Config(app, ws="none", http="h11", lifespan="off", log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([sock],), name="awx", daemon=True)
        self._thread.start()
        for _attempt in range(START_SECONDS * 100):
            if self._server.started:
                return self
            self._thread.join(0.01)
        raise RuntimeError("the simulated AWX did not start")

    def __exit__(self, *_exc: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    # --- for tests

    def clear(self) -> None:
        """Empty the log of requests."""
        self.requests.clear()

    @property
    def writes(self) -> list[str]:
        """Method and path of each request that could change something, but for those that log in and out."""
        asked = [one for one in self.requests if one.method != "GET" and "/tokens/" not in one.path]
        return [f"{one.method} {one.path}" for one in asked]

    def named(self, resource: str, organization: str = "Default") -> dict[str, Item]:
        """All of a resource by their names, with the names of what their fields and lists refer to.

        Those of other organizations are left out.
        """
        found = {}
        for item in self._items[resource].values():
            if self._name(self._organization(item)) not in (None, organization):
                continue
            shown = copy.deepcopy(item)
            for field in set(FOREIGN) & set(shown):
                shown[field] = self._name(shown[field])
            for name in KINDS[resource].lists:
                shown[name] = sorted(t.cast(str, self._name(one)) for one in self._lists.get((item["id"], name), []))
            if item["id"] in self._surveys:
                shown["survey_spec"] = copy.deepcopy(self._surveys[item["id"]])
            assert self._label(item) not in found, "two have the same name"
            found[self._label(item)] = shown
        return found

    def change(self, resource: str, name: str, organization: str | None = None, **fields: t.Any) -> None:
        """Set fields as somebody does in the user interface, without the API's rules."""
        found = [
            item
            for item in self._items[resource].values()
            if self._label(item) == name and organization in (None, self._name(item.get("organization")))
        ]
        (item,) = found
        item.update(fields)

    def add(self, resource: str, **fields: t.Any) -> int:
        """Add an item as somebody does in the user interface; returns its id."""
        return int(self._add(resource, fields)["id"])

    # --- requests

    async def _handle(self, request: Request) -> Response:
        body = await request.body()
        data = json.loads(body) if body else {}
        self.requests.append(Asked(request.method, request.url.path, copy.deepcopy(data)))
        try:
            status, answer = self._answer(request, data)
        except Refused as refused:
            status, answer = refused.status, refused.answer
        if status == 204:
            return Response(status_code=status, headers=VERSION)
        return JSONResponse(answer, status, VERSION)

    def _answer(self, request: Request, data: Item) -> tuple[int, t.Any]:
        head, *parts = request.url.path.strip("/").split("/")
        if head != "api" or parts[:1] not in ([], ["v2"]):
            refuse(*NOT_FOUND)
        page = "/".join(parts[1:])
        if page.startswith("tokens"):
            return self._token(request)
        pages: dict[str, Item] = {
            "": {"current_version": "/api/v2/"},
            "ping": {"version": VERSION["X-API-Product-Version"]},
            "config": {"version": VERSION["X-API-Product-Version"]},
            "me": self._listing([{"id": 1, "type": "user", "username": USERNAME, "is_superuser": True}]),
        }
        if page not in ("", "ping") and request.headers.get("authorization") != f"Bearer {TOKEN}":
            refuse("detail", "Authentication credentials were not provided.", 401)
        return (200, pages[page]) if page in pages else self._resource(request, data, *parts[1:])

    def _resource(self, request: Request, data: Item, resource: str, *rest: str) -> tuple[int, t.Any]:
        if resource == "unified_job_templates" and not rest and request.method == "GET":
            return 200, self._filtered(TEMPLATES, request)
        if resource not in KINDS:
            refuse(*NOT_FOUND)
        if not rest:
            return self._collection(resource, request, data)
        item = self._items[resource].get(int(rest[0])) if rest[0].isdigit() else None
        if item is None:
            refuse(*NOT_FOUND)
        if len(rest) > 1:
            return self._related(resource, item, rest[1], request, data)
        if request.method == "PATCH":
            self._save(resource, data, item)
        elif request.method != "GET":
            refuse("detail", f'Method "{request.method}" not allowed.', 405)
        return 200, self._shown(resource, item)

    def _token(self, request: Request) -> tuple[int, t.Any]:
        login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            refuse("detail", "Invalid username/password.", 401)
        return (201, {"id": 1, "token": TOKEN}) if request.method == "POST" else (204, None)

    def _collection(self, resource: str, request: Request, data: Item) -> tuple[int, t.Any]:
        if request.method == "POST" and resource not in ("project_updates", "workflow_approval_templates"):
            return 201, self._shown(resource, self._save(resource, data))
        if request.method == "GET":
            return 200, self._filtered((resource,), request)
        return refuse("detail", f'Method "{request.method}" not allowed.', 405)

    def _related(self, resource: str, item: Item, name: str, request: Request, data: Item) -> tuple[int, t.Any]:
        post = request.method == "POST"
        if name in KINDS[resource].lists:
            if post:
                self._associate(resource, item, name, data)
                return 204, None
            known = [self._any(LISTED.get(name, (name,)), one) for one in self._lists.get((item["id"], name), [])]
            return 200, self._listing(known)
        if name == "survey_spec" and resource in ("job_templates", "workflow_job_templates"):
            if post:
                check_survey(data)
                self._surveys[item["id"]] = data
                return 200, {}
            return 200, self._surveys.get(item["id"], {})
        if resource == "projects" and name == "playbooks" and not post:
            return 200, self._known_files(item["id"])
        if resource == "projects" and name == "update" and post:
            return 202, self._shown("project_updates", self._fetch(item))
        if resource == "workflow_job_template_nodes" and name == "create_approval_template" and post:
            approval = self._save("workflow_approval_templates", data)
            item["unified_job_template"] = approval["id"]
            return 201, self._shown("workflow_approval_templates", approval)
        return refuse(*NOT_FOUND)

    # --- reading

    @staticmethod
    def _label(item: Item) -> str:
        return str(item.get("name") or item.get("identifier") or item["id"])

    def _any(self, resources: t.Iterable[str], number: object) -> Item | None:
        for resource in resources:
            if number in self._items[resource]:
                return self._shown(resource, self._items[resource][number])
        return None

    def _name(self, number: object) -> str | None:
        item = self._any(KINDS, number)
        return self._label(item) if item else None

    def _organization(self, item: Item) -> object:
        """The organization that an item belongs to: a job template's is its project's."""
        if "project" in item and "playbook" in item:
            return self._items["projects"].get(item["project"], {}).get("organization")
        return item.get("organization")

    def _shown(self, resource: str, item: Item) -> Item:
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
            fields = self._items["credential_types"][item["credential_type"]]["inputs"].get("fields", [])
            for field in fields:
                if field.get("secret") and field["id"] in shown["inputs"]:
                    shown["inputs"][field["id"]] = ENCRYPTED
        if resource == "job_templates":
            shown["organization"] = self._organization(item)
        if resource == "projects":
            updates = self._updates(number)
            shown["scm_revision"] = updates[-1]["scm_revision"] if updates else ""
            if updates and updates[-1]["status"] == "pending":
                shown["summary_fields"]["current_update"] = {"id": updates[-1]["id"]}
        if resource == "project_updates":
            finished = item["status"] == "successful"
            shown.update(finished=finished, event_processing_finished=finished, failed=False)
            # Done by the time that somebody asks again.
            item["status"] = "successful"
        if shown.get("unified_job_template"):
            template = self._any(TEMPLATES, shown["unified_job_template"])
            assert template is not None
            related["unified_job_template"] = template["url"]
        return shown

    @staticmethod
    def _listing(items: t.Sequence[object]) -> Item:
        return {"count": len(items), "next": None, "previous": None, "results": items}

    def _filtered(self, resources: t.Iterable[str], request: Request) -> Item:
        items = [self._shown(resource, item) for resource in resources for item in self._items[resource].values()]
        either = {}
        for field, value in request.query_params.items():
            name = field.removeprefix("or__")
            if not any(name in (*KINDS[resource].fields, "id", "type", "organization") for resource in resources):
                refuse("detail", f"No field named {name}")
            if name != field:
                either[name] = value
            else:
                items = [item for item in items if str(item.get(name)) == value]
        if either:
            items = [item for item in items if any(str(item.get(name)) == value for name, value in either.items())]
        return self._listing(items)

    # --- writing

    def _add(self, resource: str, data: Item) -> Item:
        self._last_id += 1
        item = {**copy.deepcopy(KINDS[resource].fields), **data, "id": self._last_id}
        self._items[resource][self._last_id] = item
        return item

    def _updates(self, project: int) -> list[Item]:
        return [one for one in self._items["project_updates"].values() if one["project"] == project]

    def _fetch(self, project: Item) -> Item:
        """Begin to fetch a project from Git."""
        if self._updates(project["id"]):
            self.files |= self.pushed_later
        revision = f"revision of {len(self.files)} files"
        update = self._add("project_updates", {"project": project["id"], "status": "pending", "scm_revision": revision})
        self._fetched[update["id"]] = sorted(self.files)
        return update

    def _known_files(self, project: int) -> list[str]:
        done = [one["id"] for one in self._updates(project) if one["status"] == "successful"]
        return self._fetched[done[-1]] if done else []

    def _save(self, resource: str, data: Item, item: Item | None = None) -> Item:
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
            if new.get(field) is not None and self._any(resources, new[field]) is None:
                refuse(field, f'Invalid pk "{new[field]}" - object does not exist.')
        self._check_unique(resource, kind, new)
        check = getattr(self, f"_check_{kind.type}", None)
        if check is not None:
            check(new, item)
        if item is None:
            item = self._add(resource, new)
            if resource == "projects" and item["scm_type"]:
                self._fetch(item)
        else:
            item.update(new)
        return item

    def _check_unique(self, resource: str, kind: Kind, new: Item) -> None:
        def key(item: Item) -> list[object]:
            return [self._organization(item) if field == "organization" else item[field] for field in kind.unique]

        for other in self._items[resource].values():
            if kind.unique and other["id"] != new.get("id") and key(other) == key(new):
                refuse("__all__", f"{kind.type} with this {', '.join(kind.unique)} already exists.")

    def _check_credential_type(self, new: Item, old: Item | None) -> None:
        for field in new["inputs"].get("fields", []):
            field.setdefault("type", "string")
        for problem in credential_types.problems({name: new[name] for name in KINDS["credential_types"].fields}):
            refuse("inputs", problem)
        used = old and any(one["credential_type"] == old["id"] for one in self._items["credentials"].values())
        if old and used and new["inputs"] != old["inputs"]:
            refuse("detail", "Modifications to inputs are not allowed for credential types that are in use", 403)

    def _check_credential(self, new: Item, old: Item | None) -> None:
        kind = self._items["credential_types"][new["credential_type"]]
        for name in new["inputs"]:
            if name not in [field["id"] for field in kind["inputs"].get("fields", [])]:
                refuse("inputs", f"Additional properties are not allowed ({name!r} was unexpected)")
        if old and old["credential_type"] != new["credential_type"]:
            refuse("credential_type", "You cannot change the credential type of the credential.")

    def _check_inventory_source(self, new: Item, _old: Item | None) -> None:
        if new["source"] == "scm" and not new["source_project"]:
            refuse("source_project", "Project required for scm type sources.")
        if new["source"] != "scm" and (new["source_project"] or new["source_path"]):
            refuse("detail", "Cannot set source_path if not SCM type.")

    def _check_job_template(self, new: Item, _old: Item | None) -> None:
        if new["playbook"] not in self._known_files(new["project"]):
            refuse("playbook", "Playbook not found for project.")
        if new["job_type"] not in ("run", "check"):
            refuse("job_type", f'"{new["job_type"]}" is not a valid choice.')
        if new["inventory"] is None and not new["ask_inventory_on_launch"]:
            refuse("inventory", "Must either set a default value or ask to prompt on launch.")
        if new["scm_branch"] and not self._items["projects"][new["project"]]["allow_override"]:
            refuse("scm_branch", "Project does not allow overriding branch.")

    def _check_schedule(self, new: Item, _old: Item | None) -> None:
        check_rrule(new["rrule"])
        self._check_launch(new, validate_required=True)

    def _check_workflow_job_template_node(self, new: Item, _old: Item | None) -> None:
        self._check_launch(new, validate_required=False)

    def _check_launch(self, new: Item, *, validate_required: bool) -> None:
        """What a node or a schedule says for the launch must be what the template asks."""
        template = self._any(TEMPLATES, new["unified_job_template"])
        if template is None:
            # Without a template AWX overlooks prompts. Here they are mistakes.
            template = {}
        for prompt, ask in PROMPTS.items():
            if new[prompt] is not None and not template.get(ask):
                refuse(prompt, "Field is not configured to prompt on launch.")
        survey = self._surveys.get(template.get("id", 0), {}) if template.get("survey_enabled") else {}
        questions = {question["variable"]: question for question in survey.get("spec", [])}
        for variable, question in questions.items():
            if variable in new["extra_data"]:
                check_answer(question, new["extra_data"][variable])
            elif question["required"] and validate_required:
                refuse("variables_needed_to_start", f"'{variable}' value missing")
        others = sorted(set(new["extra_data"]) - set(questions))
        if others and not template.get("ask_variables_on_launch"):
            refuse("extra_data", f"Variables {', '.join(others)} are not allowed on launch.")

    def _associate(self, resource: str, item: Item, name: str, data: Item) -> None:
        known = self._lists.setdefault((item["id"], name), [])
        other = self._any(LISTED.get(name, (name,)), data.get("id"))
        if other is None:
            refuse("detail", f'Invalid pk "{data.get("id")}" - object does not exist.')
        if data.get("disassociate"):
            known.remove(other["id"])
            return
        if name == "credentials" and resource == "job_templates":
            credentials = self._items["credentials"]
            if other["credential_type"] in [credentials[number]["credential_type"] for number in known]:
                refuse("error", "Cannot assign multiple credentials of one type.")
        elif name in LINKS:
            self._check_link(item, name, other)
        elif name == "credentials":
            refuse("msg", "Related template is not configured to accept credentials on launch.")
        known.append(other["id"])

    def _check_link(self, parent: Item, name: str, child: Item) -> None:
        if parent["workflow_job_template"] != child["workflow_job_template"]:
            refuse("Error", "Nodes belong to different workflows.")
        if any(child["id"] in self._lists.get((parent["id"], link), []) for link in LINKS if link != name):
            refuse("Error", "Relationship not allowed.")
        reached, ahead = set(), [child["id"]]
        while ahead:
            node = ahead.pop()
            reached.add(node)
            ahead += (one for link in LINKS for one in self._lists.get((node, link), []) if one not in reached)
        if parent["id"] in reached:
            refuse("Error", "Cycle detected.")


QUESTION_KEYS = {"type": str, "question_name": str, "variable": str, "required": bool}
ANSWERS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (int, float),
}


def _refuse_survey(text: str) -> t.NoReturn:
    raise Refused(400, {"error": text})


def check_survey(survey: Item) -> None:
    """Refuse what AWX refuses in a survey, and tidy the choices as AWX does."""
    for field, expected in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey.get(field), expected):
            _refuse_survey(f"Field '{field}' is missing from survey spec, or of the wrong type.")
    if not survey["spec"]:
        _refuse_survey("'spec' doesn't contain any items.")
    variables = [question.get("variable") for question in survey["spec"]]
    for index, question in enumerate(survey["spec"]):
        for field, needed in QUESTION_KEYS.items():
            if not isinstance(question.get(field), needed):
                _refuse_survey(f"'{field}' missing from survey question {index}, or of the wrong type")
        if variables.count(question["variable"]) > 1:
            _refuse_survey(f"'variable' '{question['variable']}' duplicated in survey question {index}.")
        if question["type"] not in ANSWERS:
            _refuse_survey(f"'{question['type']}' in survey question {index} is not one of the allowed question types.")
        for limit in ("min", "max"):
            if question.get(limit) is not None and not isinstance(question[limit], int):
                _refuse_survey(f"The {limit} limit in survey question {index} expected to be integer.")
        _check_choices(index, question)


def _check_choices(index: int, question: Item) -> None:
    default = question.get("default", "")
    if default != "" and not isinstance(default, ANSWERS[question["type"]]):
        _refuse_survey(f"Default value {default} in survey question {index} is of the wrong type.")
    if question["type"] not in ("multiplechoice", "multiselect"):
        return
    if "choices" not in question:
        _refuse_survey(f"Survey question {index} of type {question['type']} must specify choices.")
    for field in ("choices", "default"):
        if isinstance(question.get(field), str):
            question[field] = "\n".join(line for line in question[field].splitlines() if line.strip())
    defaults = question.get("default", "").splitlines()
    if question["type"] == "multiplechoice" and len(defaults) > 1:
        _refuse_survey("Multiple Choice (Single Select) can only have one default value.")
    if not set(defaults) <= set(choices_of(question)):
        _refuse_survey("Default choice must be answered from the choices listed.")


def choices_of(question: Item) -> list[str]:
    """The choices of a question, which are a list or lines."""
    choices = question.get("choices", [])
    return choices.splitlines() if isinstance(choices, str) else choices


def check_answer(question: Item, answer: object) -> None:
    """Refuse an answer that AWX refuses."""
    variable, kind = question["variable"], question["type"]
    if kind == "multiplechoice":
        if answer not in choices_of(question):
            refuse("variables_needed_to_start", f"Value {answer} for '{variable}' is not among the choices.")
    elif kind != "multiselect" and not isinstance(answer, ANSWERS[kind]):
        refuse("variables_needed_to_start", f"Value {answer} for '{variable}' is of the wrong type.")
    elif isinstance(answer, str) and len(answer) < (question.get("min") or 0):
        refuse("variables_needed_to_start", f"'{variable}' value {answer} is too small.")


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
