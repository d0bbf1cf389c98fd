# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side of the simulator: login, media types, faults, the log of requests, and the control interface."""

from __future__ import annotations

import asyncio
import base64
import binascii
import collections
import copy
import http
import json
import secrets
import socket
import struct
import sys
import traceback
import typing as t
import uuid

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulator.api import dispatch
from tests.simulator.call import Answer, Call, Record, parse_query
from tests.simulator.errors import OntapError
from tests.simulator.faults import Fault, Faults
from tests.simulator.jobs import Job
from tests.simulator.ontap import SCENES, Ontap, User

HAL = "application/hal+json"
PLAIN = "application/json"
SECRETS = frozenset({"client_secret", "client_certificate", "proxy_password"})
LOG_LENGTH = 20_000
CHUNK = 256 * 1024
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE"]
STANDARD_HEADERS = {
    "Server": "libzapid-httpd",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache,no-store,must-revalidate",
}
GARBAGE = b'\x00\x17<<<not json at all>>>{"records": ['
PROXY_PAGE = (
    b"<!DOCTYPE html><html><head><title>Bad gateway</title></head>"
    b"<body><h1>Bad gateway</h1><p>The proxy could not reach the server.</p></body></html>"
)


class Connection:
    """The TCP connection of a request; the server puts one into each request's scope as ``connection``."""

    def __init__(self, number: int, transport: asyncio.Transport) -> None:
        self.number = number
        self.transport = transport

    @property
    def user(self) -> str | None:
        """The common name in the client's certificate, which the TLS layer has checked; None without one."""
        subject = (self.transport.get_extra_info("peercert") or {}).get("subject", ())
        return next((value for pairs in subject for key, value in pairs if key == "commonName"), None)

    def reset(self) -> None:
        """Break the connection off so that the peer sees a reset, not an end."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Web:
    """The application of one simulator. ``app`` is what the server runs."""

    def __init__(self, ontap: Ontap, token: str, info: t.Callable[[], Record]) -> None:
        self.ontap = ontap
        self.faults = Faults()
        self.log: collections.deque[Record] = collections.deque(maxlen=LOG_LENGTH)
        self.refuse_writes = False
        self._token = token
        self._info = info
        self.app = Starlette(
            routes=[
                Route("/api", self.api, methods=METHODS),
                Route("/api/{path:path}", self.api, methods=METHODS),
                Route("/control/requests", self.control_requests, methods=["GET", "DELETE"]),
                Route("/control/snapshot", self.control_snapshot),
                Route("/control/scene", self.control_scene, methods=["POST"]),
                Route("/control/faults", self.control_faults, methods=["POST", "DELETE"]),
                Route("/control/guard", self.control_guard, methods=["PUT"]),
                Route("/control/advance", self.control_advance, methods=["POST"]),
                Route("/control/info", self.control_info),
            ]
        )

    # --- /api

    async def api(self, request: Request) -> Response:
        """Answer a request to ONTAP."""
        body = await request.body()
        call = Call(
            method=request.method,
            path=request.scope["raw_path"].decode("ascii", "replace"),
            parameters=parse_query(request.url.query),
            raw_query=request.url.query,
            raw_body=body,
            hal=request.headers.get("accept", "").strip() != PLAIN,
        )
        connection: Connection = request.scope["connection"]
        entry = _log_entry(call, request, connection)
        self.log.append(entry)
        fault = self.faults.take(call.method, call.path)
        if fault is None:
            return await self._answer(request, call, entry)
        return await self._answer_with_fault(fault, request, call, entry)

    async def _answer(self, request: Request, call: Call, entry: Record) -> Response:
        try:
            answer = await self._carry_out(request, call)
        except OntapError as exc:
            answer = Answer(exc.status, exc.body())
            if exc.status == 401:
                answer.headers["WWW-Authenticate"] = 'Basic realm="Secure Area"'
        except Exception as exc:  # the simulator's own mistake: show it, and answer as a cluster would
            traceback.print_exc(file=sys.stderr)
            error = OntapError(262145, f"The simulator failed: {exc!r}")
            answer = Answer(error.status, error.body())
        entry["status"] = answer.status
        return _response(call, answer)

    async def _carry_out(self, request: Request, call: Call) -> Answer:
        user = self._log_in(request)
        writes = call.method not in ("GET", "HEAD", "OPTIONS")
        if not user.may(call.method, call.path):
            raise OntapError(6)
        if self.refuse_writes and writes:
            raise OntapError(6, "The simulator's guard refuses writes.")
        with self.ontap.lock:
            answer = dispatch(self.ontap, call, request.headers)
        if answer.job is None or answer.finish is None:
            return answer
        await self._wait(answer.job, answer.wait, request.scope["connection"])
        with self.ontap.lock:
            return answer.finish()

    async def _wait(self, job: Job, seconds: float, connection: Connection) -> None:
        """Wait for a job's end: in real time, which a clock that is set forward cuts short."""
        deadline = self.ontap.clock.now() + seconds
        while job.ended is None and self.ontap.clock.now() < deadline and not connection.transport.is_closing():
            await asyncio.sleep(0.01)
            self.ontap.settle()

    def _log_in(self, request: Request) -> User:
        """Return the user of a request: by password, by token (from 9.14.1) or by the TLS client's certificate."""
        scheme, _space, value = request.headers.get("authorization", "").partition(" ")
        users = self.ontap.users
        if scheme.lower() == "basic":
            try:
                name, _colon, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OntapError(6691623) from None
            if name in users and secrets.compare_digest(users[name].password.encode(), password.encode()):
                return users[name]
        elif scheme.lower() == "bearer":
            if self.ontap.profile.bearer_login and secrets.compare_digest(self._token.encode(), value.encode()):
                return next(iter(users.values()))
        elif not scheme:
            name_in_certificate = request.scope["connection"].user
            if name_in_certificate in users:
                return users[name_in_certificate]
        raise OntapError(6691623)

    # --- faults

    async def _answer_with_fault(self, fault: Fault, request: Request, call: Call, entry: Record) -> Response:
        if fault.kind == "delay" and not fault.after:
            await asyncio.sleep(fault.seconds)
        real = await self._answer(request, call, entry) if fault.after or fault.kind == "delay" else None
        if fault.kind == "delay":
            if fault.after:
                await asyncio.sleep(fault.seconds)
            assert real is not None
            return real
        if fault.kind in ("reset_before", "reset_after"):
            entry["status"] = None
            request.scope["connection"].reset()
            return await _gone(request)
        if fault.kind in SPOILED:
            assert real is not None
            return await SPOILED[fault.kind](fault, real, request)
        answer = _faulty(fault)
        entry["status"] = answer.status_code
        return answer

    # --- /control

    async def control_requests(self, request: Request) -> Response:
        """Show the log, or empty it."""
        if request.method == "DELETE":
            self.log.clear()
        return JSONResponse(list(self.log))

    async def control_snapshot(self, request: Request) -> Response:
        """Show the persistent state."""
        del request
        return JSONResponse(self.ontap.snapshot())

    async def control_scene(self, request: Request) -> Response:
        """Call scenes by name: ``{"lose_keys": {"node": "node1"}, "refuse": [{…}, {…}]}``; answers their results."""
        wanted = await request.json()
        results: Record = {}
        for name, arguments in wanted.items():
            if name not in SCENES:
                return JSONResponse({"error": f"{name!r}: one of {', '.join(sorted(SCENES))}"}, 400)
            calls = arguments if isinstance(arguments, list) else [arguments]
            try:
                found = [getattr(self.ontap, name)(**keywords) for keywords in calls]
            except (KeyError, TypeError, ValueError) as exc:
                return JSONResponse({"error": f"{name}: {exc}"}, 400)
            results[name] = found if isinstance(arguments, list) else found[0]
        return JSONResponse(results)

    async def control_faults(self, request: Request) -> Response:
        """Set a fault (see faults.Fault), or take all back."""
        if request.method == "DELETE":
            self.faults.clear()
            return JSONResponse({})
        try:
            self.faults.add(Fault(**await request.json()))
        except (TypeError, ValueError) as exc:
            return JSONResponse({"error": str(exc)}, 400)
        return JSONResponse({})

    async def control_guard(self, request: Request) -> Response:
        """Let every write be refused, or no longer."""
        self.refuse_writes = bool((await request.json())["refuse_writes"])
        return JSONResponse({"refuse_writes": self.refuse_writes})

    async def control_advance(self, request: Request) -> Response:
        """Set the clock forward by ``seconds``."""
        try:
            self.ontap.clock.advance(float((await request.json())["seconds"]))
        except ValueError as exc:
            return JSONResponse({"error": str(exc)}, 400)
        self.ontap.settle()
        return JSONResponse({"now": self.ontap.clock.now()})

    async def control_info(self, request: Request) -> Response:
        """Show what this simulator is: address, login, SVMs, nodes."""
        del request
        return JSONResponse(self._info())


def _log_entry(call: Call, request: Request, connection: Connection) -> Record:
    headers = dict(request.headers)
    if "authorization" in headers:
        headers["authorization"] = headers["authorization"].split(" ")[0]
    try:
        body: t.Any = _mask(json.loads(call.raw_body)) if call.raw_body else None
    except ValueError:
        body = call.raw_body.decode("utf-8", "replace")
    query = {name: "(set)" if name in SECRETS else value for name, value in call.parameters}
    return {
        "method": call.method,
        "path": call.path,
        "query": query,
        "headers": headers,
        "body": body,
        "status": None,
        "connection": connection.number,
    }


def _mask(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {k: "(set)" if k in SECRETS and v is not None else _mask(v) for k, v in value.items()}
    return [_mask(item) for item in value] if isinstance(value, list) else value


def _response(call: Call, answer: Answer) -> Response:
    body = answer.body if call.hal else _without_links(answer.body)
    pretty = ("pretty", "true") in call.parameters
    content = json.dumps(body, indent=2) if pretty else json.dumps(body)
    headers = {**STANDARD_HEADERS, **answer.headers}
    return Response(content, answer.status, headers, media_type=HAL if call.hal else PLAIN)


def _without_links(body: Record) -> Record:
    """Remove all links but the one to the next page, which plain JSON carries as well (ONTAP REST reference)."""
    following = body.get("_links", {}).get("next")
    result = t.cast("Record", _strip(copy.copy(body)))
    if following:
        result["_links"] = {"next": following}
    return result


def _strip(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _strip(part) for key, part in value.items() if key != "_links"}
    return [_strip(item) for item in value] if isinstance(value, list) else value


def _faulty(fault: Fault) -> Response:
    headers = dict(STANDARD_HEADERS)
    if fault.kind == "status":
        return Response(b"", fault.status, headers)
    if fault.kind == "empty":
        return Response(b"", 200, headers, HAL)
    if fault.kind == "body":
        headers |= {"Content-Type": HAL, **fault.headers}
        return Response(fault.content.encode(), fault.status or 200, headers)
    if fault.kind == "garbage":
        return Response(GARBAGE, fault.status or 200, headers, HAL)
    if fault.kind == "html":
        return Response(PROXY_PAGE, fault.status or 502, {"Server": "proxy"}, "text/html")
    if fault.kind == "redirect":
        return Response(b"", fault.status or 302, {**headers, "Location": fault.location})
    if fault.kind == "retry_after":
        status = fault.status or 503
        error = OntapError(262160 if status == 429 else 8, fault.message, status=status)
        headers["Retry-After"] = f"{fault.seconds:g}"
    else:
        error = OntapError(fault.code, fault.message, status=fault.status or None)
    return Response(json.dumps(error.body()), error.status, headers, HAL)


async def _truncated(fault: Fault, real: Response, request: Request) -> Response:
    half = bytes(real.body)[: len(real.body) // 2]
    if fault.valid_length:
        headers = {name: value for name, value in real.headers.items() if name != "content-length"}
        return Response(half, real.status_code, headers)
    # The server refuses to send less than it announced, so this goes past it.
    transport = request.scope["connection"].transport
    transport.write(_head(real.status_code, real.headers) + half)
    transport.close()
    return await _gone(request)


async def _trickled(fault: Fault, real: Response, request: Request) -> Response:
    transport = request.scope["connection"].transport
    for byte in _head(real.status_code, {**real.headers, "connection": "close"}) + bytes(real.body):
        if transport.is_closing():
            break
        transport.write(bytes([byte]))
        await asyncio.sleep(fault.seconds)
    transport.close()
    return await _gone(request)


async def _endless(fault: Fault, real: Response, request: Request) -> Response:
    transport = request.scope["connection"].transport
    headers = {name: value for name, value in real.headers.items() if name != "content-length"}
    transport.write(_head(real.status_code, {**headers, "transfer-encoding": "chunked"}))
    part = bytes(real.body)[: len(real.body) // 2]
    while not transport.is_closing():
        if transport.get_write_buffer_size() < CHUNK:
            transport.write(b"%x\r\n%s\r\n" % (len(part), part))
            part = b" " * CHUNK
        await asyncio.sleep(fault.seconds)
    return await _gone(request)


async def _paged(fault: Fault, real: Response, request: Request) -> Response:
    del fault
    body = json.loads(bytes(real.body))
    # Before all records there are, so that the next page is not empty either.
    following = f"00000000-0000-0000-0000-{uuid.uuid4().hex[:12]}"
    for record in body.get("records", []):
        record["uuid"] = str(uuid.uuid4())
    body["_links"] = {"next": {"href": f"{request.scope['path']}?start.uuid={following}"}}
    headers = {name: value for name, value in real.headers.items() if name != "content-length"}
    return Response(json.dumps(body), real.status_code, headers)


SPOILED: dict[str, t.Callable[[Fault, Response, Request], t.Awaitable[Response]]] = {
    "truncate": _truncated,
    "trickle": _trickled,
    "endless": _endless,
    "pages": _paged,
}


def _head(status: int, headers: t.Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def _gone(request: Request) -> Response:
    """Wait until the server knows that the connection is closed: what is returned then is not sent."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()
