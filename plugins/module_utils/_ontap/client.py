# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ONTAP over HTTP: session, login, TLS, retries, paging, jobs. Knows nothing of Ansible or key vaults.

What is read comes as ONTAP said it, because text may have to be compared. Exceptions are without secrets of the
connection; so is what ``cleaned`` lets out of a module.

Usable from a REPL::

    client = Client(Connection(hostname="10.0.0.1", username="admin", password="..."))
    client.records("/api/security/azure-key-vaults", {"fields": "*"})
"""

from __future__ import annotations

import base64
import functools
import random
import re
import threading
import time
import typing as t
from urllib.parse import quote, urlsplit

from ansible_collections.ontap.security.plugins.module_utils._ontap.answer import Answer, decode
from ansible_collections.ontap.security.plugins.module_utils._ontap.codes import (
    BUSY,
    BUSY_WITH_503,
    NO_ENTRY,
    UNCERTAIN,
    UNKNOWN_NAME,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import (
    ApiError,
    InputError,
    JobTimeoutError,
    LostAnswerError,
    OntapError,
    TransportError,
    withheld,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.failures import NOT_ONTAP, transport_error
from ansible_collections.ontap.security.plugins.module_utils._ontap.forms import is_of_record, read_fault, write_fault
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import (
    FAILURES,
    Job,
    job_error,
    names_request,
    with_arguments,
)
from ansible_collections.ontap.security.plugins.module_utils._ontap.masking import pattern_of
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import Query, query_value
from ansible_collections.ontap.security.plugins.module_utils._ontap.release import VERSION, Release, release_of
from ansible_collections.ontap.security.plugins.module_utils._ontap.transport import (
    ENCODINGS,
    Adapter,
    Reply,
    exchange,
)

try:
    import requests
    import urllib3
    from requests import exceptions as rex
    from requests.utils import get_environ_proxies
except ImportError as exc:
    REQUESTS_IMPORT_ERROR: ImportError | None = exc
else:
    REQUESTS_IMPORT_ERROR = None

# One try and three repetitions: with the pauses below about five seconds, the time a LIF needs to move to another node.
_TRIES = 4
_FIRST_PAUSE = 0.5
_MAX_RETRY_AFTER = 30.0
_RETRY_STATUS = frozenset({429, 502, 503, 504})
# Longer than the others, because what refuses a good login is a LIF on its way to another node.
_PAUSE_AFTER_401 = 2.0

# The statuses of success (contract, statuses in use).
_SUCCESS_STATUS = frozenset({200, 201, 202})

# A list has an end: no cluster has as many configurations as fit into so many pages, nor needs so long (seconds).
_MAX_PAGES = 1000
_MAX_LISTING = 1800

# Growing pauses between polls: a job of 60 s is asked for about a dozen times, one of a second twice.
_FIRST_POLL = 0.5
_POLL_GROWTH = 1.6
_MAX_POLL = 8.0

# Where in a result ONTAP's own words are.
_FREE_TEXT = frozenset({"message", "reasons"})


class StoppedError(Exception):
    """A client was to send something after ``stop``. No ``OntapError``: nobody may try anything else instead."""


class Client:
    """One session with one ONTAP cluster. ``caller`` names the module in ONTAP's audit log.

    ``now`` and ``sleep`` are parameters so that tests need not wait.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        caller: str = "client",
        now: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], object] | None = None,
    ) -> None:
        self.connection = connection
        self.caller = caller
        self.now = now
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._base = connection.base_url
        self._hidden = pattern_of(connection.secrets)
        self._release: Release | None = None
        self._session = session = requests.Session()
        # Without this a matching ~/.netrc replaces the login, and REQUESTS_CA_BUNDLE replaces ca_path.
        session.trust_env = False
        session.proxies = _proxies(self._base)
        session.mount("https://", Adapter())
        session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": ENCODINGS,
                "User-Agent": f"ontap.security/{VERSION} ({caller})",
                "X-Dot-Client-App": f"ontap.security.{caller}/{VERSION}",
            }
        )
        if connection.access_token:
            session.headers["Authorization"] = f"Bearer {connection.access_token}"
        elif connection.username and connection.password:
            login = f"{connection.username}:{connection.password}".encode()
            session.headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        if connection.cert_filepath:
            session.cert = (
                (connection.cert_filepath, connection.key_filepath)
                if connection.key_filepath
                else connection.cert_filepath
            )
        if not connection.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def clone(self) -> Client:
        """Another session with the same cluster, for another thread. ``stop`` stops both."""
        other = Client(self.connection, caller=self.caller, now=self.now, sleep=self._sleep)
        other._release = self._release
        other._stopped = self._stopped
        return other

    def stop(self) -> None:
        """Send nothing more, and wait for nothing: whoever tries gets a ``StoppedError``. What was sent goes on."""
        self._stopped.set()

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def get(self, path: str, query: Query | None = None) -> dict[str, t.Any]:
        """One GET. ``path`` starts with ``/api``. Repeated on connection faults and while ONTAP is busy.

        Raises ``ApiError`` when ONTAP refuses, ``TransportError`` when no usable answer comes.
        """
        return self._exchange("GET", path, query, check=functools.partial(read_fault, path, query)).body

    def records(
        self,
        path: str,
        query: Query | None = None,
        *,
        enough: t.Callable[[list[dict[str, t.Any]]], bool] = lambda _found: False,
    ) -> list[dict[str, t.Any]]:
        """All records of a collection, following ``_links.next`` to the end (contract, paging), or until ``enough``.

        A next page may be announced though nothing follows; who knows what to look for need not ask for it. A record
        that a later page repeats, because others came or went meanwhile, counts once.
        """
        found: list[dict[str, t.Any]] = []
        uuids: set[t.Any] = set()
        links: set[str] = set()
        check = functools.partial(read_fault, path, query, listed=True)
        deadline = self.now() + _MAX_LISTING
        page = self._exchange("GET", path, query, check=check).body
        while True:
            records = page["records"]
            new = [record for record in records if record.get("uuid") not in uuids]
            found.extend(new)
            uuids.update(record["uuid"] for record in new if record.get("uuid"))
            following = _next_link(path, page)
            if not following or enough(found):
                return found
            if following in links or (records and not new):
                raise TransportError(f"GET {path} answered with pages that lead in a circle", remedy=NOT_ONTAP)
            if len(links) == _MAX_PAGES or self.now() > deadline:
                raise TransportError(
                    f"GET {path} answered with {len(links) + 1} pages, and there is no end of them",
                    remedy=f"A list may have {_MAX_PAGES} pages and take {_MAX_LISTING // 60} minutes: make the pages "
                    f"larger where max_records makes them small. {NOT_ONTAP}",
                )
            links.add(following)
            page = self._exchange("GET", following, check=check).body

    def write(
        self,
        method: str,
        path: str,
        body: t.Mapping[str, t.Any] | None = None,
        query: Query | None = None,
        *,
        fresh: bool = False,
    ) -> Answer:
        """One POST, PATCH or DELETE. Repeated only when it certainly did not reach ONTAP or was refused as busy.

        ``fresh`` sends it on a connection of its own: one kept from before may have been closed by the other side,
        and then nobody can tell whether the request arrived. Raises ``LostAnswerError`` when it may have taken effect
        and nobody can tell yet.
        """
        if fresh:
            self._session.close()
        return self._exchange(method, path, query, body, check=functools.partial(write_fault, path))

    def clean(self, value: t.Any, *, free_text: bool = False) -> t.Any:
        """A result, or with ``free_text`` what ONTAP says in words, without any secret of this run.

        Names and addresses in a result are left alone; an error in it has been cleaned where it was made.
        """
        if isinstance(value, dict):
            return {
                key: part if key == "error" else self.clean(part, free_text=free_text or key in _FREE_TEXT)
                for key, part in value.items()
            }
        if isinstance(value, list):
            return [self.clean(part, free_text=free_text) for part in value]
        return self._hidden.sub("(hidden)", value) if free_text and self._hidden and isinstance(value, str) else value

    def release(self) -> Release:
        """The cluster's ONTAP release, asked for once."""
        if self._release is None:
            self._release = release_of(self.get("/api/cluster", {"fields": "version"}).get("version"))
        return self._release

    @property
    def known_release(self) -> Release | None:
        """The release if it has been asked for already."""
        return self._release

    def job(self, uuid: str, *, patience: float | None = None) -> Job:
        """A job as it is now; one that ONTAP has removed comes back with state ``gone``.

        With ``patience`` it is asked once, for at most so many seconds.
        """
        path = f"/api/cluster/jobs/{quote(uuid, safe='')}"
        try:
            check = functools.partial(read_fault, path, None)
            return self._job_of(self._exchange("GET", path, {"fields": "*"}, check=check, patience=patience).body, uuid)
        except ApiError as exc:
            if exc.http_status == 404 or exc.code == NO_ENTRY:
                return Job(uuid=uuid, state="gone")
            raise

    def jobs(self, method: str, path: str) -> list[Job] | None:
        """The jobs, ended ones too while ONTAP keeps them, whose description (``POST /api/…``) names this request.

        None when the login may not see jobs.
        """
        query = {"fields": "*"}
        try:
            try:
                records = self.records("/api/cluster/jobs", {**query, "description": f"*{path}*"})
            except ApiError as exc:
                if exc.code not in UNKNOWN_NAME:
                    raise
                records = self.records("/api/cluster/jobs", query)
        except (ApiError, TransportError) as exc:
            if not withheld(exc):
                raise
            return None
        found = [self._job_of(record, record["uuid"]) for record in records]
        return [job for job in found if names_request(job.description, method, path)]

    def wait(self, uuid: str, timeout: float, seen: t.Callable[[Job], None] = lambda _job: None) -> Job:
        """Poll a job until it ends or ``timeout`` seconds are over. Network faults do not end the wait.

        ``seen`` is told of every state that is read. Returns the job in state success or gone. Raises ``JobError`` or
        ``JobTimeoutError``.
        """
        deadline = self.now() + timeout
        pause = _FIRST_POLL
        job = Job(uuid=uuid, state="unknown")
        refused = False
        while True:
            wanted = 0.0
            try:
                job = self.job(uuid, patience=max(1.0, deadline - self.now()))
            except (TransportError, ApiError) as exc:
                # The job goes on in ONTAP while a LIF moves: keep asking until the deadline.
                fatal = refused if exc.http_status == 401 else isinstance(exc, ApiError) and not _busy("GET", exc)
                if fatal:
                    raise
                refused = refused or exc.http_status == 401
                wanted = exc.retry_after or (_PAUSE_AFTER_401 if refused else 0.0)
                fault = f" ({exc.message})"
            else:
                seen(job)
                refused = False
                fault = ""
            if job.state in FAILURES:
                raise job_error(job)
            if job.ended:
                return job
            left = deadline - self.now()
            if left <= 0:
                raise JobTimeoutError(
                    f"ONTAP's job {uuid} is still {job.state} after {timeout:g} seconds{fault}",
                    remedy="It goes on in ONTAP. Run the same task again to wait for it, with a larger wait_timeout; "
                    f"on the cluster: job show -uuid {uuid}.",
                    job=job.as_result(),
                )
            self._sleep(min(max(pause, wanted), left))
            pause = min(pause * _POLL_GROWTH, _MAX_POLL)

    def _exchange(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: t.Mapping[str, t.Any] | None = None,
        *,
        check: t.Callable[[dict[str, t.Any]], str],
        patience: float | None = None,
    ) -> Answer:
        """Send, read, and repeat where that is right. With ``patience`` (seconds) only once and no longer than that.

        ``check`` says why a body is not of ONTAP's form, or nothing.
        """
        tries = _TRIES if patience is None else 1
        timeout = min(self.connection.timeout, patience or self.connection.timeout)
        refused = False
        for attempt in range(1, tries + 1):
            if self._stopped.is_set():
                raise StoppedError
            try:
                return self._read(method, path, self._send(method, path, query, body, timeout), check)
            except (ApiError, TransportError) as exc:
                if attempt == tries or not _repeatable(method, exc, refused):
                    raise (self._certain(method, exc) if isinstance(exc, ApiError) else exc) from None
                refused = refused or exc.http_status == 401
                self._pause(attempt, exc)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(
        self, method: str, path: str, query: Query | None, body: t.Mapping[str, t.Any] | None, timeout: float
    ) -> Reply:
        try:
            return exchange(
                self._session,
                method,
                self._base + path,
                params={key: query_value(value) for key, value in (query or {}).items()},
                body=body,
                verify=self.connection.verify,
                timeout=timeout,
            )
        except (rex.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            raise transport_error(self.connection, self._clean, method, path, exc, timeout) from None

    def _read(self, method: str, path: str, reply: Reply, check: t.Callable[[dict[str, t.Any]], str]) -> Answer:
        """ONTAP's answer, or its error, or the error that something else has answered."""
        try:
            return self._answer(method, path, reply, check)
        except (ApiError, TransportError) as exc:
            exc.retry_after = _seconds(reply.headers.get("Retry-After", ""))
            raise

    def _answer(self, method: str, path: str, reply: Reply, check: t.Callable[[dict[str, t.Any]], str]) -> Answer:
        status = reply.status
        body = decode(reply.content)
        if 300 <= status < 400:
            raise self._unusable(
                method,
                path,
                status,
                f"{method} {path} was redirected (HTTP {status}), which ONTAP's API never does",
                "hostname or http_port leads to something other than the cluster's management LIF, such as a proxy or "
                "load balancer. Redirects are not followed because they would carry the login away.",
            )
        if body is None:
            if method == "GET" or reply.content.strip() or status not in _SUCCESS_STATUS:
                raise self._not_ontap(method, path, reply, "")
            body = {}
        fault = check(body) if status in _SUCCESS_STATUS else ""
        error = body.get("error")
        if error is not None and (fault or status not in _SUCCESS_STATUS or not is_of_record(path, "error")):
            raise self._error(method, path, reply, error, fault)
        answer = Answer(status=status, body=body, location=reply.headers.get("Location", ""))
        if fault or status not in _SUCCESS_STATUS or (method == "GET" and status != 200):
            raise self._not_ontap(method, path, reply, fault)
        return answer

    def _error(self, method: str, path: str, reply: Reply, error: t.Any, fault: str) -> OntapError:
        """ONTAP's error. One without a code, which ONTAP always sends, is somebody else's."""
        if not isinstance(error, dict) or not re.fullmatch(r"-?[0-9]{1,20}", str(error.get("code")), re.ASCII):
            return self._not_ontap(method, path, reply, fault or "error has no code")
        return ApiError(
            method=method,
            path=path,
            status=reply.status,
            code=str(error["code"]),
            message=self._clean(with_arguments(str(error.get("message") or "no message"), error)),
            target=self._clean(str(error["target"])) if error.get("target") else None,
        )

    def _not_ontap(self, method: str, path: str, reply: Reply, fault: str) -> TransportError:
        """An answer that is not ONTAP's, and why. Its text stays out of the message: a proxy may echo what was sent."""
        status = reply.status
        kind = re.sub(r"[^\w/+.-]", "", reply.headers.get("Content-Type", "").split(";")[0], flags=re.ASCII)
        refused = f" The login was not accepted: check {self._login_options()}." if status in (401, 403) else ""
        why = f"in JSON that is not of ONTAP's form ({fault})" if fault else "that are not ONTAP's JSON or are cut off"
        return self._unusable(
            method,
            path,
            status,
            f"{method} {path} was answered with HTTP {status} and {len(reply.content)} bytes of "
            f"{self._clean(kind[:60]) or 'no content type'} {why}.{refused}",
            f"{NOT_ONTAP}, and that the web service of the cluster is up.",
        )

    def _unusable(self, method: str, path: str, status: int, what: str, remedy: str) -> TransportError:
        """Whatever its status, an answer that is not ONTAP's does not tell whether a change has reached ONTAP."""
        kind = TransportError if method == "GET" else LostAnswerError
        return kind(what, remedy=remedy, http_status=status, method=method, path=path)

    def _certain(self, method: str, exc: ApiError) -> Exception:
        """ONTAP's own internal time-outs leave open whether a write took effect; so do an error and success at once."""
        status = exc.http_status or 0
        if exc.awaits_approval:
            # With which status is open (contract, multi-admin verification). Nothing was done, whichever it is.
            return exc
        # ONTAP never answers 504 (contract, statuses in use), and none of its codes is the status: a gateway's words.
        gateway = status == 504 or (status >= 500 and exc.code == str(status))
        if method == "GET" or (exc.code not in UNCERTAIN and status >= 400 and not gateway):
            return self._login_hint(exc)
        lost = LostAnswerError(
            exc.message,
            meaning=exc.meaning,
            remedy=exc.remedy,
            code=exc.code,
            ontap_message=exc.ontap_message,
            http_status=exc.http_status,
            method=exc.method,
            path=exc.path,
        )
        return lost

    def _login_hint(self, exc: ApiError) -> ApiError:
        if exc.http_status == 401:
            exc.meaning = "ONTAP did not accept the login."
            exc.remedy = (
                f"Check {self._login_options()}, that the account is not locked (security login show), and that it may "
                "use application http with this authentication method."
            )
        return exc

    def _login_options(self) -> str:
        if self.connection.access_token:
            return "access_token (ONTAP_ACCESS_TOKEN)"
        if self.connection.cert_filepath:
            return "cert_filepath and key_filepath (ONTAP_CERT_FILEPATH, ONTAP_KEY_FILEPATH)"
        return "username and password (ONTAP_USERNAME, ONTAP_PASSWORD)"

    def _pause(self, attempt: int, exc: OntapError) -> None:
        pause = _FIRST_PAUSE * 2 ** (attempt - 1)
        if exc.http_status == 401:
            pause = max(pause, _PAUSE_AFTER_401)
        # Jitter keeps a fleet of jobs from knocking in step.
        pause *= random.uniform(0.75, 1.25)
        if exc.retry_after is not None:
            pause = min(exc.retry_after, _MAX_RETRY_AFTER)
        self._sleep(pause)

    def _job_of(self, record: t.Mapping[str, t.Any], uuid: str) -> Job:
        error: dict[str, t.Any] = record.get("error") or {}
        svm: t.Any = record.get("svm")
        code = str(record.get("code") or error.get("code") or "0")
        message = self._clean(str(record.get("message") or error.get("message") or ""))
        return Job(
            uuid=uuid,
            state=str(record.get("state") or "unknown"),
            message=message,
            code=code,
            description=str(record.get("description") or ""),
            error=self.clean(error, free_text=True) or None,
            svm=svm.get("name") if isinstance(svm, dict) else None,
            svm_uuid=str(svm.get("uuid") or "").lower() or None if isinstance(svm, dict) else None,
        )

    def _clean(self, text: str) -> str:
        return t.cast(str, self.clean(text, free_text=True))


def _proxies(url: str) -> t.MutableMapping[str, str]:
    """The environment's proxies for ``url``. Raises ``InputError`` for one without a host: requests stumbles on it."""
    proxies = t.cast("t.MutableMapping[str, str]", get_environ_proxies(url))
    proxy = proxies.get("https") or proxies.get("all") or ""
    try:
        named = not proxy or urlsplit(proxy if "://" in proxy else f"//{proxy}").hostname
    except ValueError:
        named = None
    if not named:
        raise InputError(
            "the proxy in HTTPS_PROXY has no host",
            remedy="Write it as http://proxy.example.com:3128, or put the cluster into NO_PROXY.",
        )
    return proxies


def _next_link(path: str, page: t.Mapping[str, t.Any]) -> str | None:
    """Path and query of the next page. The link is opaque; its host is not taken, for the login must not go there."""
    href = ((page.get("_links") or {}).get("next") or {}).get("href")
    if not href:
        return None
    try:
        parts = urlsplit(href)
    except ValueError:
        parts = urlsplit("")
    if not parts.path.startswith("/api/"):
        raise TransportError(f"GET {path} answered with a next page that is not in ONTAP's API", remedy=NOT_ONTAP)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _repeatable(method: str, exc: ApiError | TransportError, refused: bool) -> bool:
    """A read nearly always; a write only while it certainly did not reach ONTAP. A wrong name stays wrong.

    A good login may be refused while a LIF moves, a wrong one will be until the account is locked: so a read is
    repeated after one refusal (``refused``: there was one), and nothing after two.
    """
    if exc.http_status == 401:
        return method == "GET" and not refused
    if isinstance(exc, ApiError):
        return _busy(method, exc)
    if isinstance(exc, LostAnswerError) or not exc.retry:
        return False
    return exc.http_status is None or exc.http_status in _RETRY_STATUS or exc.http_status < 300


def _busy(method: str, exc: ApiError) -> bool:
    status = exc.http_status or 0
    if exc.awaits_approval:
        return False
    if method == "GET":
        return exc.code in BUSY or exc.code in UNCERTAIN or status in _RETRY_STATUS
    return status >= 400 and (exc.code in BUSY or status == 429 or (status == 503 and exc.code in BUSY_WITH_503))


def _seconds(retry_after: str) -> float | None:
    """The header Retry-After, where it is a number of seconds."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after.strip(), re.ASCII) else None


def cleaned(
    function: t.Callable[[t.Mapping[str, t.Any], Client, bool], dict[str, t.Any]],
) -> t.Callable[[t.Mapping[str, t.Any], Client, bool], dict[str, t.Any]]:
    """A module's function, from which nothing that ONTAP says comes out with a secret of this run in it.

    That is the place for it: what ONTAP says may have to be compared or read before, as it was said.
    """

    @functools.wraps(function)
    def cleaning(params: t.Mapping[str, t.Any], client: Client, check_mode: bool) -> dict[str, t.Any]:
        try:
            return t.cast("dict[str, t.Any]", client.clean(function(params, client, check_mode)))
        except OntapError as exc:
            exc.result = client.clean(exc.result)
            raise

    return cleaning
