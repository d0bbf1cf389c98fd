# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source: what clusters have written about keys into their event logs, read by REST."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import logging
import os
import sys
import typing as t

DOCUMENTATION = r"""
name: ems_poll
short_description: Read events about keys from the event logs of ONTAP clusters
description:
  - Reads C(/api/support/ems/events) of each cluster at an interval, with the client of the modules, and gives the events about
    keys. For clusters that may not call out, and beside M(ems_webhook), because it loses nothing.
  - Every event has C(cluster), C(event), C(severity), C(time), C(node), C(svm), C(configuration), C(key_id) and C(text). What is not
    known is empty.
  - An event comes once, also over a restart. A cluster that is away is asked again; what it wrote meanwhile comes then.
  - The login needs to read C(/api/support/ems/events).
requirements:
  - the Python library requests
options:
  clusters:
    description:
      - The clusters, by the names that they have in the inventory. An entry is a name, or a dictionary with C(name) and connection
        options of its own. Where there is no C(hostname), the name is it.
    type: list
    elements: raw
    required: true
  username, password, access_token, cert_filepath, key_filepath, http_port, validate_certs, ca_path, request_timeout:
    description:
      - The connection options of the modules, for all clusters. Each can come from the environment, C(ONTAP_USERNAME) and so on, which
        keeps secrets out of rulebooks.
    type: raw
  interval:
    description:
      - Seconds from one look to the next, at least 5.
    type: int
    default: 60
  overlap:
    description:
      - Seconds by which a look reaches back behind the newest event that is known. It has to be longer than the clocks of a cluster's
        nodes differ, and than a node may be out of the cluster's sight while others write events.
    type: int
    default: 3600
  look_back:
    description:
      - How old, in seconds, an event may be at the very first look.
    type: int
    default: 3600
  state_dir:
    description:
      - Folder with a file for each cluster, in which is how far its log has been read. It has to outlive restarts.
    type: path
    default: ~/.local/state/ontap.security
"""

EXAMPLES = r"""
- name: Keys of two clusters
  hosts: all
  sources:
    - ontap.security.ems_poll:
        clusters:
          - cluster1
          - name: cluster2
            hostname: 192.0.2.10
        ca_path: /etc/pki/ontap-ca.pem
        interval: 30
  rules:
    - name: Show what happened
      condition: event.event is defined
      action:
        print_event:
"""

# Find the collection:
# ansible-rulebook runs this file by its path, without Ansible's way to find collections: the one that this file is in is
# where it lies. A regular package of that name comes with the package ansible.
_PARENT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 7))
with contextlib.suppress(ImportError):
    sys.path.append(_PARENT)
    import ansible_collections

    _FOLDER = os.path.join(_PARENT, "ansible_collections")
    if _FOLDER not in list(ansible_collections.__path__) and os.path.isdir(_FOLDER):
        ansible_collections.__path__.append(_FOLDER)
# Found.

from ansible_collections.ontap.security.plugins.module_utils._azure.events import EVENTS, event_of
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError, OntapError
from ansible_collections.ontap.security.plugins.plugin_utils._events import log
from ansible_collections.ontap.security.plugins.plugin_utils._events.options import Polling, polling

logger = logging.getLogger("ontap.security.ems_poll")

# A login that is refused is not tried every minute: ONTAP locks accounts.
_PAUSE_WHEN_REFUSED = 900
_MOST_AT_ONCE = 64


class _Cluster:
    """One cluster's log, and the file that says how far it has been read."""

    def __init__(self, name: str, options: Polling) -> None:
        self.name = name
        self._options = options
        self._client = Client(options.connections[name], caller="ems_poll")
        self._file = os.path.join(options.state_dir, f"{name}.json")
        self._look = self._load()

    def read(self) -> list[dict[str, str]]:
        """The events that nobody has been told of, the oldest first. Raises ``OntapError``."""
        look, options = self._look or log.Look(), self._options
        records = self._client.records(EVENTS, look.query(options.overlap))
        now = datetime.datetime.now(datetime.timezone.utc)
        fresh, self._look = log.sift(self._look, records, now=now, overlap=options.overlap, look_back=options.look_back)
        return [event_of(self.name, record).as_dict() for record in fresh]

    def keep(self) -> None:
        """Write down how far the log has been read. Raises ``OSError``."""
        part = f"{self._file}.part"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write((self._look or log.Look()).dump())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._file)

    def close(self) -> None:
        self._client.close()

    def _load(self) -> log.Look | None:
        try:
            with open(self._file, encoding="utf-8") as file:
                return log.load(file.read())
        except FileNotFoundError:
            return None
        except (log.StateError, UnicodeDecodeError) as exc:
            logger.error(
                "%s: %s cannot be used (%s); events of the last %d seconds are told again",
                *(self.name, self._file, exc, self._options.look_back),
            )
            return None


async def _watch(
    queue: asyncio.Queue[t.Any], cluster: _Cluster, interval: int, pool: concurrent.futures.Executor
) -> None:
    loop, trouble = asyncio.get_running_loop(), ""
    while True:
        pause = interval
        try:
            events = await loop.run_in_executor(pool, cluster.read)
        except OntapError as exc:
            if exc.message != trouble:
                logger.error("%s cannot be asked for events, and will be again: %s", cluster.name, exc.text())
            trouble = exc.message
            if exc.http_status in (401, 403):
                pause = max(interval, _PAUSE_WHEN_REFUSED)
        else:
            if trouble:
                logger.warning("%s can be asked for events again", cluster.name)
            trouble = ""
            for event in events:
                await queue.put(event)
            # After they have been handed on: told twice is better than never.
            try:
                await loop.run_in_executor(pool, cluster.keep)
            except OSError as exc:
                logger.error("%s: how far its log was read cannot be kept: %s", cluster.name, exc)
        await asyncio.sleep(pause)


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Put events into ``queue`` until cancelled. Raises ``ValueError`` or ``OSError`` for arguments that cannot work."""
    try:
        options = polling(args)
    except InputError as exc:
        # ansible-rulebook shows what an error is as text, and so the remedy has to be in it.
        raise ValueError(exc.text()) from None
    os.makedirs(options.state_dir, mode=0o700, exist_ok=True)
    clusters = [_Cluster(name, options) for name in options.connections]
    # A cluster that is away keeps its thread busy for minutes, and must not hold up the others.
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=min(len(clusters), _MOST_AT_ONCE))
    try:
        for cluster in clusters:
            logger.info("reading events about keys of %s", cluster.name)
        await asyncio.gather(*(_watch(queue, cluster, options.interval, pool) for cluster in clusters))
    finally:
        pool.shutdown(wait=False)
        for cluster in clusters:
            cluster.close()


if __name__ == "__main__":
    # To try it: python ems_poll.py cluster1 cluster2, with the connection in the environment.
    class _Printer:
        async def put(self, event: t.Any) -> None:
            print(event, flush=True)

    logging.basicConfig()
    asyncio.run(main(t.cast("asyncio.Queue[t.Any]", _Printer()), {"clusters": sys.argv[1:]}))
