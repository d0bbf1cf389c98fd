# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and ONTAP: session, login, TLS, retries, paging, jobs. Knows nothing of Ansible or key vaults.

Usable from a REPL::

    client = Client(Connection(hostname="10.0.0.1", username="admin", password="..."))
    client.records("/api/security/azure-key-vaults", {"fields": "*"})
"""

from __future__ import annotations

import base64
import html
import ipaddress
import json
import os
import random
import re
import socket
import ssl
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlsplit

from ansible_collections.ontap.security.plugins.module_utils._codes import (
    BUSY,
    BUSY_WITH_503,
    NO_ENTRY,
    NOT_AUTHORIZED,
    UNCERTAIN,
    UNKNOWN_NAME,
    explain,
)
from ansible_collections.ontap.security.plugins.module_utils._errors import (
    ApiError,
    InputError,
    JobError,
    JobTimeoutError,
    LostAnswerError,
    OntapError,
    TransportError,
)
from ansible_collections.ontap.security.plugins.module_utils._secrets import not_a_secret

try:
    import requests
    import urllib3
    from requests import exceptions as rex
    from requests.utils import get_environ_proxies
except ImportError as exc:
    REQUESTS_IMPORT_ERROR: ImportError | None = exc
else:
    REQUESTS_IMPORT_ERROR = None

VERSION = "0.1.0"

Query = t.Mapping[str, t.Union[str, int, bool]]

# One try and three repetitions: with the pauses below about five seconds, the time a LIF needs to move to another node.
_TRIES = 4
_FIRST_PAUSE = 0.5
_MAX_RETRY_AFTER = 30.0
_RETRY_STATUS = frozenset({429, 502, 503, 504})

# Growing pauses between polls: a job of 60 s is asked for about a dozen times, one of a second twice.
_FIRST_POLL = 0.5
_POLL_GROWTH = 1.6
_MAX_POLL = 8.0

_NO_FILE = "Give a file that is there where the module runs; an execution environment needs it mounted."

# ONTAP documents queued, running, paused, success and failure (in prose error); the vendor's client meets the others.
_SUCCESS = "success"
_FAILURES = frozenset({"failure", "error", "cancelled", "expired"})

# Field values in a query are expressions; quotes make ONTAP take them literally.
_QUERY_OPERATORS = re.compile(r"[*|!<>\"{},\s]|\.\.")


@dataclass(frozen=True, order=True)
class Release:
    """An ONTAP release such as 9.12.1. Features come with a family (9.12), so ``has`` ignores the last number."""

    generation: int
    major: int
    minor: int = 0

    def __str__(self) -> str:
        base = f"{self.generation}.{self.major}"
        return f"{base}.{self.minor}" if self.minor else base

    def has(self, since: Release) -> bool:
        """Whether this release is of the family of ``since`` or a later one."""
        return (self.generation, self.major) >= (since.generation, since.major)


@dataclass(frozen=True)
class Connection:
    """Where and how to log in. Exactly one of password, token and certificate is given.

    ``timeout`` is in seconds for one HTTP exchange. ``secrets`` are all values that must never appear in a message.
    """

    hostname: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    cert_filepath: str | None = None
    key_filepath: str | None = None
    port: int = 443
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: int = 60
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        check_host(self.hostname)
        if not 0 < self.port < 65536:
            raise InputError(
                f"http_port (ONTAP_HTTP_PORT) is {self.port}; a TCP port is a number from 1 to 65535",
                remedy="Leave it out for ONTAP's 443, or give the port the cluster's web service listens on.",
            )
        if self.timeout < 1:
            raise InputError(
                f"request_timeout (ONTAP_REQUEST_TIMEOUT) is {self.timeout}; it is a number of seconds, at least 1",
                remedy="Leave it out for 60 seconds, or give the time one answer of ONTAP may take.",
            )
        self._check_login()
        self._check_files()

    @property
    def base_url(self) -> str:
        """``https://host:port`` with the brackets an IPv6 address needs."""
        host = self.hostname.strip("[]")
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"

    @property
    def verify(self) -> bool | str:
        """What requests calls ``verify``."""
        if not self.validate_certs:
            return False
        return self.ca_path or True

    def _check_login(self) -> None:
        """Exactly one login, complete. An unused user name beside a token or certificate does no harm."""
        certificate = self.cert_filepath or self.key_filepath
        kinds = [
            name
            for name, given in (
                ("password", self.password),
                ("access_token", self.access_token),
                ("cert_filepath", certificate),
            )
            if given
        ]
        choices = (
            "Give exactly one: username and password (ONTAP_USERNAME, ONTAP_PASSWORD), access_token "
            "(ONTAP_ACCESS_TOKEN), or cert_filepath with key_filepath (ONTAP_CERT_FILEPATH, ONTAP_KEY_FILEPATH)."
        )
        if not kinds:
            missing = "only username is given" if self.username else "no login is given"
            raise InputError(f"{missing}, so there is nothing to log in with", remedy=choices)
        if len(kinds) > 1:
            raise InputError(f"more than one login is given: {', '.join(kinds)}", remedy=choices)
        if self.password and not self.username:
            raise InputError(
                "password is given without username", remedy="Give username (ONTAP_USERNAME) along with password."
            )
        if self.key_filepath and not self.cert_filepath:
            raise InputError(
                "key_filepath is given without cert_filepath",
                remedy="Give cert_filepath (ONTAP_CERT_FILEPATH), the client certificate that belongs to the key.",
            )
        for option, value in (("password", self.password), ("access_token", self.access_token)):
            reason = not_a_secret(value) if value else ""
            if reason:
                raise InputError(
                    f"{option} (ONTAP_{option.upper()}) is not usable: {reason}",
                    remedy="Give the secret itself, and see what the template, variable or credential makes of it.",
                )
        if self.password and self.password != self.password.strip("\r\n"):
            raise InputError(
                "password (ONTAP_PASSWORD) begins or ends with a line break",
                remedy="Take it away where the password is stored, or with the filter trim.",
            )
        if self.access_token and not re.fullmatch(r"[\x21-\x7e]+", self.access_token):
            raise InputError(
                "access_token (ONTAP_ACCESS_TOKEN) holds white space or characters no bearer token has",
                remedy="Give the token alone, without a line break or the word Bearer.",
            )

    def _check_files(self) -> None:
        """Try the files as OpenSSL will, since a bad one otherwise surfaces as an obscure error of the TLS layer."""
        if self.ca_path and self.validate_certs:
            if not os.path.exists(self.ca_path):
                raise InputError(
                    f"ca_path (ONTAP_CA_PATH): there is no file or folder {self.ca_path}",
                    remedy=_NO_FILE,
                )
            if not os.path.isdir(self.ca_path):
                try:
                    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=self.ca_path)
                except (OSError, ssl.SSLError) as exc:
                    raise InputError(
                        f"ca_path (ONTAP_CA_PATH): {self.ca_path} cannot be used as a CA file ({_reason(exc)})",
                        remedy="Give a readable file of CA certificates in PEM format.",
                    ) from exc
        if not self.cert_filepath:
            return
        for option, path in (("cert_filepath", self.cert_filepath), ("key_filepath", self.key_filepath)):
            if path and not os.path.isfile(path):
                raise InputError(
                    f"{option} (ONTAP_{option.upper()}): there is no file {path}",
                    remedy=_NO_FILE,
                )
        try:
            # The empty pass phrase keeps OpenSSL from asking a terminal for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(self.cert_filepath, self.key_filepath, password="")
        except (OSError, ssl.SSLError) as exc:
            raise InputError(
                "cert_filepath (ONTAP_CERT_FILEPATH) and key_filepath (ONTAP_KEY_FILEPATH) cannot be used for login: "
                f"{self.cert_filepath}"
                f"{' with ' + self.key_filepath if self.key_filepath else ''} ({_reason(exc)})",
                remedy="Give a certificate and its unencrypted private key in PEM format, in one file or two.",
            ) from exc


@dataclass(frozen=True)
class Answer:
    """A successful answer: HTTP status, decoded body (empty if there was none), and the job it names, if any."""

    status: int
    body: dict[str, t.Any]
    location: str = ""

    @property
    def job_uuid(self) -> str | None:
        """Found by ``job.uuid``, whatever the status and with or without ``_links`` (contract, job lifecycle), or where
        there is no body by the header ``Location``."""
        job = self.body.get("job")
        uuid = job.get("uuid") if isinstance(job, dict) else None
        found = re.search(r"/cluster/jobs/([^/?]+)", self.location)
        return str(uuid) if uuid else found[1] if found else None


@dataclass(frozen=True)
class Job:
    """An ONTAP job. ``state`` is ONTAP's word, or ``gone`` once ONTAP has removed it (300 s after its end)."""

    uuid: str
    state: str
    message: str = ""
    code: str = "0"
    description: str = ""
    error: t.Mapping[str, t.Any] | None = None
    svm: str | None = None

    @property
    def ended(self) -> bool:
        return self.state == _SUCCESS or self.state == "gone" or self.state in _FAILURES

    def as_result(self) -> dict[str, t.Any]:
        """The ``job`` key of a result."""
        return {
            "uuid": self.uuid,
            "state": self.state,
            "message": self.message,
            "code": self.code,
            "error": dict(self.error) if self.error else None,
        }


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
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self.caller = caller
        self.now = now
        self._sleep = sleep
        self._base = connection.base_url
        self._hidden = _spellings(connection.secrets)
        self._release: Release | None = None
        self._session = session = requests.Session()
        # Without this a matching ~/.netrc replaces the login, and REQUESTS_CA_BUNDLE replaces ca_path.
        session.trust_env = False
        session.proxies = t.cast("t.MutableMapping[str, str]", get_environ_proxies(self._base))
        session.headers.update(
            {
                "Accept": "application/json",
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
        """Another session with the same cluster, for another thread."""
        other = Client(self.connection, caller=self.caller, now=self.now, sleep=self._sleep)
        other._release = self._release
        return other

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
        return self._exchange("GET", path, query, None).body

    def records(
        self,
        path: str,
        query: Query | None = None,
        *,
        enough: t.Callable[[list[dict[str, t.Any]]], bool] = lambda _found: False,
    ) -> list[dict[str, t.Any]]:
        """All records of a collection, following ``_links.next`` to the end (contract, paging), or until ``enough``.

        A next page may be announced though nothing follows; who knows what to look for need not ask for it.
        """
        found: list[dict[str, t.Any]] = []
        seen: set[str] = set()
        page = self.get(path, query)
        while True:
            records = page.get("records") or []
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise TransportError(f"GET {path} answered with something that is not a list of records")
            found.extend(records)
            following = _next_link(page)
            if not following or enough(found):
                return found
            if following in seen:
                raise TransportError(f"GET {path} answered with pages that lead in a circle")
            seen.add(following)
            # The link is opaque; only its path and query are taken, so that the login never goes to another host.
            parts = urlsplit(following)
            page = self.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)

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
        return self._exchange(method, path, query, body)

    def release(self) -> Release:
        """The cluster's ONTAP release, asked for once."""
        if self._release is None:
            self._release = _release_of(self.get("/api/cluster", {"fields": "version"}).get("version"))
        return self._release

    @property
    def known_release(self) -> Release | None:
        """The release if it has been asked for already."""
        return self._release

    def job(self, uuid: str, *, patience: float | None = None) -> Job:
        """A job as it is now; one that ONTAP has removed comes back with state ``gone``.

        With ``patience`` it is asked once, for at most so many seconds.
        """
        path = f"/api/cluster/jobs/{quote(uuid)}"
        try:
            return _job_of(self._exchange("GET", path, {"fields": "*"}, None, patience).body, uuid)
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
        found = [_job_of(record, str(record.get("uuid", ""))) for record in records]
        return [job for job in found if _names(job.description, method, path)]

    def wait(self, uuid: str, timeout: float, seen: t.Callable[[Job], None] = lambda _job: None) -> Job:
        """Poll a job until it ends or ``timeout`` seconds are over. Network faults do not end the wait.

        ``seen`` is told of every state that is read. Returns the job in state success or gone. Raises ``JobError`` or
        ``JobTimeoutError``.
        """
        deadline = self.now() + timeout
        pause = _FIRST_POLL
        job = Job(uuid=uuid, state="unknown")
        refusals = 0
        while True:
            try:
                job = self.job(uuid, patience=max(1.0, deadline - self.now()))
            except (TransportError, ApiError) as exc:
                # While a node fails over even a good login may be refused for a moment.
                refusals += exc.http_status == 401
                if isinstance(exc, ApiError) and not _busy("GET", exc) and not refusals == 1:
                    raise
                # The job goes on in ONTAP while a LIF moves: keep asking until the deadline.
                fault = f" ({exc.message})"
            else:
                seen(job)
                fault = ""
            if job.state in _FAILURES:
                raise _job_error(job)
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
            self._sleep(min(pause, left))
            pause = min(pause * _POLL_GROWTH, _MAX_POLL)

    def _exchange(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: t.Mapping[str, t.Any] | None,
        patience: float | None = None,
    ) -> Answer:
        """Send, read, and repeat where that is right. With ``patience`` (seconds) only once and no longer than that."""
        tries = _TRIES if patience is None else 1
        timeout = min(self.connection.timeout, patience or self.connection.timeout)
        for attempt in range(1, tries + 1):
            try:
                response = self._send(method, path, query, body, timeout)
            except TransportError as exc:
                if attempt == tries or not _repeatable(method, exc):
                    raise
                self._pause(attempt, None)
                continue
            try:
                return self._read(method, path, response)
            except ApiError as exc:
                if attempt == tries or not _busy(method, exc):
                    raise self._certain(method, exc) from None
            except TransportError as exc:
                if attempt == tries or not _repeatable(method, exc):
                    raise
            self._pause(attempt, response.headers.get("Retry-After"))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(
        self, method: str, path: str, query: Query | None, body: t.Mapping[str, t.Any] | None, timeout: float
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self._base + path,
                params={key: _query_value(value) for key, value in (query or {}).items()},
                json=body,
                # On the request, not on the session: there REQUESTS_CA_BUNDLE would win over it.
                verify=self.connection.verify,
                timeout=timeout,
                allow_redirects=False,
            )
        except (rex.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise self._transport_error(method, path, exc) from None

    def _read(self, method: str, path: str, response: requests.Response) -> Answer:
        status = response.status_code
        payload = self._decode(response)
        if status >= 400:
            error = payload.get("error") if payload else None
            if isinstance(error, dict):
                raise ApiError(
                    method=method,
                    path=path,
                    status=status,
                    code=str(error.get("code", "")),
                    message=str(error.get("message", "")),
                    target=self._clean(str(error["target"])) if error.get("target") else None,
                )
            raise self._not_ontap(method, path, response)
        if status >= 300:
            raise TransportError(
                f"{method} {path} was redirected (HTTP {status}), which ONTAP's API never does",
                remedy="hostname or http_port leads to something other than the cluster's management LIF, "
                "such as a proxy or load balancer. Redirects are not followed because they would carry the login away.",
                http_status=status,
                method=method,
                path=path,
            )
        if payload is None and (method == "GET" or response.content.strip()):
            raise self._not_ontap(method, path, response)
        return Answer(status=status, body=payload or {}, location=response.headers.get("Location", ""))

    def _not_ontap(self, method: str, path: str, response: requests.Response) -> TransportError:
        """An answer without ONTAP's JSON. Its text stays out of the message: a proxy may echo what was sent."""
        status = response.status_code
        kind = response.headers.get("Content-Type", "no content type").split(";")[0].strip()
        # A refusal of the request by something in between (4xx) changed nothing; anything else may have.
        certain = method == "GET" or 400 <= status < 500
        refused = f" The login was not accepted: check {self._login_options()}." if status in (401, 403) else ""
        return (TransportError if certain else LostAnswerError)(
            f"{method} {path} was answered with HTTP {status} and {len(response.content)} bytes of {self._clean(kind)} "
            f"that are not ONTAP's JSON or are cut off.{refused}",
            remedy="A proxy or load balancer may have answered instead of ONTAP: check hostname, http_port, "
            "HTTPS_PROXY and NO_PROXY, and that the web service of the cluster is up.",
            http_status=status,
            method=method,
            path=path,
        )

    def _certain(self, method: str, exc: ApiError) -> Exception:
        """ONTAP's own internal time-outs leave open whether a write took effect."""
        if method == "GET" or exc.code not in UNCERTAIN:
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

    def _transport_error(self, method: str, path: str, exc: BaseException) -> TransportError:
        host = f"{self.connection.hostname} port {self.connection.port}"
        causes = list(_causes(exc))
        sent = True

        def met(*kinds: type[BaseException]) -> bool:
            return any(isinstance(cause, kinds) for cause in causes)

        if met(rex.ProxyError, urllib3.exceptions.ProxyError, rex.InvalidProxyURL, rex.InvalidSchema):
            sent = False
            what = f"the proxy for {host} cannot be used ({_reason(causes[-1])})"
            remedy = "Check HTTPS_PROXY, or put the cluster into NO_PROXY."
        elif met(socket.gaierror):
            sent = False
            what = f"the name {self.connection.hostname} does not resolve ({_reason(_first(causes, socket.gaierror))})"
            remedy = "Check hostname (ONTAP_HOSTNAME) and the DNS of the machine that runs the task."
        elif met(ssl.SSLCertVerificationError):
            sent = False
            trusted = self.connection.ca_path or "the CA bundle of Python's certifi"
            reason = _reason(_first(causes, ssl.SSLCertVerificationError))
            what = f"the certificate of {host} is not trusted by {trusted} ({reason})"
            remedy = (
                "Give the CA that signed the cluster's certificate as ca_path (ONTAP_CA_PATH), and use as hostname a "
                "name that the certificate carries."
            )
        elif met(ssl.SSLError, rex.SSLError):
            # The handshake may end after the request was sent when ONTAP refuses a client certificate (TLS 1.3).
            sent = bool(self.connection.cert_filepath)
            what = f"TLS with {host} failed ({_reason(_first(causes, ssl.SSLError, rex.SSLError))})"
            remedy = "Check that http_port is an HTTPS port and that cert_filepath is known to the cluster."
        elif met(ConnectionRefusedError, urllib3.exceptions.NewConnectionError):
            sent = False
            what = f"no connection to {host} ({_reason(causes[-1])})"
            remedy = "Check hostname and http_port, and that the cluster's management LIF is up and allows HTTPS."
        elif met(rex.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
            sent = False
            what = f"{host} did not answer within {self.connection.timeout} seconds"
            remedy = "Check hostname, http_port, routes and firewalls; request_timeout sets the time."
        elif met(rex.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
            what = f"{host} accepted {method} {path} and did not answer within {self.connection.timeout} seconds"
            remedy = "ONTAP may be busy: try again, or give a larger request_timeout."
        elif met(rex.InvalidURL, UnicodeError):
            sent = False
            what = f"{self._base} cannot be called"
            remedy = "Check hostname (ONTAP_HOSTNAME), http_port and HTTPS_PROXY."
        else:
            what = f"the connection to {host} broke during {method} {path} ({type(causes[-1]).__name__})"
            remedy = "The network, the cluster's LIF or a proxy dropped it: run the task again."
        kind = LostAnswerError if sent and method != "GET" else TransportError
        error = kind(self._clean(what), remedy=remedy, method=method, path=path)
        error.retry = not met(socket.gaierror, ssl.SSLCertVerificationError, rex.InvalidURL, rex.InvalidSchema)
        return error

    def _pause(self, attempt: int, retry_after: str | None) -> None:
        pause = _FIRST_PAUSE * 2 ** (attempt - 1)
        # Jitter keeps a fleet of jobs from knocking in step.
        pause *= random.uniform(0.75, 1.25)
        if retry_after and retry_after.strip().isdigit():
            pause = min(float(retry_after), _MAX_RETRY_AFTER)
        self._sleep(pause)

    def _decode(self, response: requests.Response) -> dict[str, t.Any] | None:
        """ONTAP's JSON object, or None. ONTAP quotes bad values in its messages: every one of them is cleaned here."""
        try:
            payload = json.loads(response.content, object_hook=self._hide) if response.content.strip() else None
        except ValueError:
            return None
        return payload if isinstance(payload, dict) else None

    def _hide(self, item: dict[str, t.Any]) -> dict[str, t.Any]:
        for name in ("message", "description"):
            if isinstance(item.get(name), str):
                item[name] = self._clean(item[name])
        return item

    def _clean(self, text: str) -> str:
        """Without any secret of this run, in any spelling."""
        return self._hidden.sub("(hidden)", text) if self._hidden else text


def literal(value: str) -> str:
    """A query value that ONTAP compares as it stands, quoted where it holds an operator (contract, query)."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if _QUERY_OPERATORS.search(value) else value


def withheld(exc: OntapError) -> bool:
    """Whether a read was refused because the login's role is narrow or the release lacks the path, by ONTAP or by
    something in front of it. ONTAP says so with one code under several statuses (contract, generic codes)."""
    return exc.http_status in (403, 404) or exc.code in NOT_AUTHORIZED


def _query_value(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_host(hostname: str) -> None:
    """Raises ``InputError`` when this is no name or address of a host."""
    plain = hostname[1:-1] if hostname.startswith("[") and hostname.endswith("]") else hostname
    try:
        ipaddress.ip_address(plain)
        return
    except ValueError:
        pass
    if not plain or not re.fullmatch(r"[^\s/\\@?#:%\[\]'\"<>]+", plain):
        raise InputError(
            "hostname (ONTAP_HOSTNAME) is not a host name or IP address",
            remedy="Give the name or address of the cluster management LIF alone, without https://, path or port; "
            "the port goes into http_port.",
        )


def _next_link(page: t.Mapping[str, t.Any]) -> str | None:
    links = page.get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return str(href) if href else None


def _repeatable(method: str, exc: TransportError) -> bool:
    """A read always; a write only while it certainly did not reach ONTAP. A wrong name or certificate stays wrong."""
    if isinstance(exc, LostAnswerError):
        return False
    if exc.http_status is not None:
        return (
            method == "GET" and (exc.http_status in _RETRY_STATUS or exc.http_status == 200) or (exc.http_status == 429)
        )
    return exc.retry


def _busy(method: str, exc: ApiError) -> bool:
    if method == "GET":
        return exc.code in BUSY or exc.code in UNCERTAIN or exc.http_status in _RETRY_STATUS
    return exc.code in BUSY or exc.http_status == 429 or (exc.http_status == 503 and exc.code in BUSY_WITH_503)


def _release_of(version: t.Any) -> Release:
    if isinstance(version, dict):
        try:
            return Release(int(version["generation"]), int(version["major"]), int(version.get("minor") or 0))
        except (KeyError, TypeError, ValueError):
            match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", str(version.get("full", "")))
            if match:
                return Release(int(match[1]), int(match[2]), int(match[3] or 0))
    raise TransportError(
        "GET /api/cluster names no ONTAP release", remedy="Check that hostname is an ONTAP cluster's management LIF."
    )


def _job_of(record: t.Mapping[str, t.Any], uuid: str) -> Job:
    error: t.Any = record.get("error")
    svm: t.Any = record.get("svm")
    error = error if isinstance(error, dict) else {}
    code = str(record.get("code") or error.get("code") or "0")
    message = str(record.get("message") or error.get("message") or "")
    return Job(
        uuid=uuid,
        state=str(record.get("state") or "unknown"),
        message=message,
        code=code,
        description=str(record.get("description") or ""),
        error=error or None,
        svm=svm.get("name") if isinstance(svm, dict) else None,
    )


def _names(description: str, method: str, path: str) -> bool:
    """Whether a job's description names a request. The path of a create is the beginning of every other one."""
    named = re.search(rf"(?:\b([A-Z]+) +)?{re.escape(path)}/?(?=[\s?]|$)", description)
    return named is not None and named[1] in (None, method)


def _job_error(job: Job) -> JobError:
    known = explain(job.code)
    return JobError(
        f"ONTAP's job {job.uuid} ended in state {job.state}: {job.message or 'no message'} (ONTAP code {job.code})",
        meaning=known.meaning if known else "",
        remedy=known.remedy if known else f"Look at the job on the cluster: job show -uuid {job.uuid}.",
        code=job.code,
        ontap_message=job.message,
        job=job.as_result(),
    )


def _causes(exc: BaseException) -> t.Iterator[BaseException]:
    """The exception and all that led to it: requests and urllib3 hide causes in args, reason and context."""
    todo: list[object] = [exc]
    seen: set[int] = set()
    while todo:
        item = todo.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        todo.extend([*item.args, getattr(item, "reason", None), item.__cause__, item.__context__])


def _first(causes: list[BaseException], *kinds: type[BaseException]) -> BaseException:
    return next(cause for cause in causes if isinstance(cause, kinds))


def _reason(exc: BaseException) -> str:
    """The operating system's or OpenSSL's word for it, without Python's decoration."""
    return str(
        getattr(exc, "verify_message", None)
        or getattr(exc, "strerror", None)
        or getattr(exc, "reason", None)
        or type(exc).__name__
    )


def _spellings(secrets: t.Iterable[str]) -> t.Pattern[str] | None:
    """A pattern for every secret as it stands, in JSON, HTML, URLs and base64; the longest first, so that none is left
    in part. A very short one counts only as a word of its own, else it would tear every message apart."""
    found: set[str] = set()
    for secret in secrets:
        for form in {secret, "".join(secret.split())} - {""}:
            if len(form) < 4:
                found.add(rf"(?<!\w){re.escape(form)}(?!\w)")
                continue
            quoted = {quote(form), quote(form, safe=""), quote_plus(form)}
            encoded = {encode(form.encode()).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode)}
            spelled = {
                form,
                json.dumps(form)[1:-1],
                json.dumps(form)[1:-1].replace("/", "\\/"),
                html.escape(form),
                *quoted,
                *(re.sub("%..", lambda match: match[0].lower(), text) for text in quoted),
                *encoded,
                *(text.rstrip("=") for text in encoded),
            }
            found.update(re.escape(text) for text in spelled)
    return re.compile("|".join(sorted(found, key=len, reverse=True))) if found else None
