# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs event sources in this process, as ansible-rulebook does in its own: ``main`` with a queue and arguments."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import queue
import socket
import threading
import types
import typing as t
from unittest import mock

from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from tests.simulator import Simulator

Step = t.Callable[[], t.Any]
SHAPE = {"cluster", "event", "severity", "time", "node", "svm", "configuration", "key_id", "text"}


def source(name: str) -> t.Any:
    """The module that an event source is."""
    return importlib.import_module(f"ansible_collections.ontap.security.extensions.eda.plugins.event_source.{name}")


class Kept(asyncio.Queue[t.Any]):
    """A queue that also keeps what was put into it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, t.Any]] = []

    async def put(self, item: t.Any) -> None:
        self.events.append(item)


def login(*sims: Simulator, **more: t.Any) -> dict[str, t.Any]:
    """The arguments of ems_poll for simulated clusters."""
    entries = [
        {"name": sim.ontap.cluster.name, "hostname": sim.host, "http_port": sim.port, "ca_path": sim.ca_path}
        for sim in sims
    ]
    return {"clusters": entries, "username": sims[0].username, "password": sims[0].password, **more}


def poll(args: t.Mapping[str, t.Any], *steps: Step) -> tuple[list[dict[str, t.Any]], list[float]]:
    """Run ems_poll: a look at each cluster, then each step and another look. Returns the events, and the pauses."""
    module, queue, pauses, left = source("ems_poll"), Kept(), [], list(steps)
    done = [asyncio.Event()]

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        # The others may not have looked yet.
        if len(pauses) % len(args["clusters"]):
            await done[-1].wait()
            return
        if not left:
            raise asyncio.CancelledError
        left.pop(0)()
        done.append(asyncio.Event())
        done[-2].set()

    timeless = types.SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    with (
        mock.patch.object(module, "asyncio", timeless),
        mock.patch.dict(Client.__init__.__kwdefaults__, sleep=lambda _seconds: None),
        contextlib.suppress(asyncio.CancelledError),
    ):
        asyncio.run(module.main(queue, dict(args)))
    return queue.events, pauses


class Heard:
    """A running ems_webhook: its port, and what it tells."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.told: queue.Queue[dict[str, t.Any]] = queue.Queue()

    async def put(self, event: dict[str, t.Any]) -> None:
        self.told.put(event)

    def next(self) -> dict[str, t.Any]:
        """The next event; fails when none comes."""
        return self.told.get(timeout=30)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def hearing(args: t.Mapping[str, t.Any], **module: t.Any) -> t.Iterator[Heard]:
    """Run ems_webhook on the loopback address. ``module`` are names of it, such as time limits, and other values."""
    webhook, heard, loop = source("ems_webhook"), Heard(free_port()), asyncio.new_event_loop()
    task = loop.create_task(webhook.main(heard, {**args, "host": "127.0.0.1", "port": heard.port}))
    with contextlib.ExitStack() as changes:
        for name, value in module.items():
            changes.enter_context(mock.patch.object(webhook, name, value))
        thread = threading.Thread(target=_until_cancelled, args=(loop, task))
        thread.start()
        try:
            _wait_for(heard.port, thread)
            yield heard
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()
            loop.close()


def _until_cancelled(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_asyncgens())


def _wait_for(port: int, thread: threading.Thread) -> None:
    while thread.is_alive():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
    raise AssertionError("ems_webhook has ended")
