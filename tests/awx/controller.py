# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of AWX's REST API that the modules of awx.awx need to set it up, as an HTTP server on the loopback address.

What it refuses is what AWX refuses, in awx/api/serializers.py, awx/api/views and awx/main/models/mixins.py. It is
stricter in two things. AWX overlooks fields that it does not know; here they are mistakes. AWX lets a launch
configuration repeat what the template says; here a prompt always wants its ``ask_..._on_launch``.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import socket
import threading
import typing as t

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.awx.items import Items
from tests.awx.kinds import FOREIGN, KINDS, LISTED, TEMPLATES, Item
from tests.awx.refusals import NOT_FOUND, Refused, refuse
from tests.awx.surveys import check_survey

HOST = "127.0.0.1"
TOKEN = "token-of-no-real-awx"
USERNAME, PASSWORD = "admin", "password-of-no-real-awx"
START_SECONDS = 30
VERSION = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request, for the log."""

    method: str
    path: str
    body: t.Any


class Controller:
    """A simulated AWX, to be used with ``with``. ``files`` is what the Git repository of every project holds."""

    def __init__(self, files: t.Iterable[str] = ()) -> None:
        self._items = Items(files)
        self.requests: list[Asked] = []

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

    @property
    def files(self) -> set[str]:
        """What the Git repository of every project holds."""
        return self._items.files

    @property
    def pushed_later(self) -> set[str]:
        """What is new in Git by the time that AWX fetches a project for the second time."""
        return self._items.pushed_later

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
        for item in self._items.of[resource].values():
            if self._items.name(self._items.organization(item)) not in (None, organization):
                continue
            shown = copy.deepcopy(item)
            for field in set(FOREIGN) & set(shown):
                shown[field] = self._items.name(shown[field])
            for name in KINDS[resource].lists:
                listed = self._items.lists.get((item["id"], name), [])
                shown[name] = sorted(t.cast(str, self._items.name(one)) for one in listed)
            if item["id"] in self._items.surveys:
                shown["survey_spec"] = copy.deepcopy(self._items.surveys[item["id"]])
            assert self._items.label(item) not in found, "two have the same name"
            found[self._items.label(item)] = shown
        return found

    def change(self, resource: str, name: str, organization: str | None = None, **fields: t.Any) -> None:
        """Set fields as somebody does in the user interface, without the API's rules."""
        found = [
            item
            for item in self._items.of[resource].values()
            if self._items.label(item) == name and organization in (None, self._items.name(item.get("organization")))
        ]
        (item,) = found
        item.update(fields)

    def add(self, resource: str, **fields: t.Any) -> int:
        """Add an item as somebody does in the user interface; returns its id."""
        return int(self._items.add(resource, fields)["id"])

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
        item = self._items.of[resource].get(int(rest[0])) if rest[0].isdigit() else None
        if item is None:
            refuse(*NOT_FOUND)
        if len(rest) > 1:
            return self._related(resource, item, rest[1], request, data)
        if request.method == "PATCH":
            self._items.save(resource, data, item)
        elif request.method != "GET":
            refuse("detail", f'Method "{request.method}" not allowed.', 405)
        return 200, self._items.shown(resource, item)

    def _token(self, request: Request) -> tuple[int, t.Any]:
        login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            refuse("detail", "Invalid username/password.", 401)
        return (201, {"id": 1, "token": TOKEN}) if request.method == "POST" else (204, None)

    def _collection(self, resource: str, request: Request, data: Item) -> tuple[int, t.Any]:
        if request.method == "POST" and resource not in ("project_updates", "workflow_approval_templates"):
            return 201, self._items.shown(resource, self._items.save(resource, data))
        if request.method == "GET":
            return 200, self._filtered((resource,), request)
        return refuse("detail", f'Method "{request.method}" not allowed.', 405)

    def _related(self, resource: str, item: Item, name: str, request: Request, data: Item) -> tuple[int, t.Any]:
        post = request.method == "POST"
        if name in KINDS[resource].lists:
            if post:
                self._items.associate(resource, item, name, data)
                return 204, None
            known = [
                self._items.any_of(LISTED.get(name, (name,)), one)
                for one in self._items.lists.get((item["id"], name), [])
            ]
            return 200, self._listing(known)
        if name == "survey_spec" and resource in ("job_templates", "workflow_job_templates"):
            if post:
                check_survey(data)
                self._items.surveys[item["id"]] = data
                return 200, {}
            return 200, self._items.surveys.get(item["id"], {})
        if resource == "projects" and name == "playbooks" and not post:
            return 200, self._items.known_files(item["id"])
        if resource == "projects" and name == "update" and post:
            return 202, self._items.shown("project_updates", self._items.fetch(item))
        if resource == "workflow_job_template_nodes" and name == "create_approval_template" and post:
            approval = self._items.save("workflow_approval_templates", data)
            item["unified_job_template"] = approval["id"]
            return 201, self._items.shown("workflow_approval_templates", approval)
        return refuse(*NOT_FOUND)

    @staticmethod
    def _listing(items: t.Sequence[object]) -> Item:
        return {"count": len(items), "next": None, "previous": None, "results": items}

    def _filtered(self, resources: t.Iterable[str], request: Request) -> Item:
        items = [
            self._items.shown(resource, item) for resource in resources for item in self._items.of[resource].values()
        ]
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
