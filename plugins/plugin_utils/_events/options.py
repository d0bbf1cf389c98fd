# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What event sources are given: a rulebook's arguments, and the environment. Pure, but for looking at certificates.

ansible-rulebook checks nothing, and may run where ansible-core is not installed, so this is done here.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError

Arguments = t.Mapping[str, t.Any]
Value = t.Union[str, int, bool]

# The connection options of the modules; each comes from the environment as there.
CONNECTION: t.Final[dict[str, type]] = {
    "hostname": str,
    "username": str,
    "password": str,
    "access_token": str,
    "cert_filepath": str,
    "key_filepath": str,
    "http_port": int,
    "validate_certs": bool,
    "ca_path": str,
    "request_timeout": int,
}
# A part of a path, of a file's name and of a pattern of hosts, and none of their signs.
_CLUSTER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", re.ASCII)
_WORDS = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0"), False)}
# What ansible-rulebook adds to the arguments.
_OF_RULEBOOK = frozenset({"eda_feedback_queue"})


@dataclass(frozen=True)
class Polling:
    """What ems_poll is to do; times in seconds. ``connections`` by the cluster's name in the inventory."""

    connections: t.Mapping[str, Connection]
    interval: int
    overlap: int
    look_back: int
    state_dir: str


@dataclass(frozen=True)
class Receiving:
    """What ems_webhook is to do: where to listen, as whom, whom to believe, and how long (seconds) a repetition is one.

    Senders show a certificate of ``cafile``, or know ``secret``, or both.
    """

    clusters: frozenset[str]
    host: str
    port: int
    certfile: str
    keyfile: str | None
    cafile: str | None
    secret: str
    window: int


def polling(args: Arguments) -> Polling:
    """The arguments of ems_poll. Raises ``InputError``."""
    _known("ems_poll", args, {"clusters", "interval", "overlap", "look_back", "state_dir", *CONNECTION})
    connections = {}
    for item in _list(args, "clusters"):
        own = dict(item) if isinstance(item, t.Mapping) else {"name": item}
        _known("ems_poll: clusters", own, {"name", *CONNECTION})
        name = cluster_name(own.pop("name", None))
        if name in connections:
            raise InputError(f"ems_poll: clusters has {name} twice", remedy="Leave one out.")
        connections[name] = _connection(name, {**{n: args.get(n) for n in CONNECTION}, **own})
    return Polling(
        connections,
        interval=_seconds(args, "interval", 60, low=5),
        overlap=_seconds(args, "overlap", 3600, low=0),
        look_back=_seconds(args, "look_back", 3600, low=0),
        state_dir=os.path.expanduser(_text(args, "state_dir") or _state_home()),
    )


def receiving(args: Arguments) -> Receiving:
    """The arguments of ems_webhook. Raises ``InputError``."""
    _known("ems_webhook", args, {"clusters", "host", "port", "certfile", "keyfile", "cafile", "secret", "window"})
    certfile, cafile = _text(args, "certfile"), _text(args, "cafile")
    secret = _text(args, "secret") or os.environ.get("ONTAP_EMS_SECRET", "").strip("\r\n")
    if not certfile:
        raise InputError(
            "ems_webhook needs certfile", remedy="Give the certificate, in PEM format, that ONTAP is to trust."
        )
    if not cafile and not secret:
        raise InputError(
            "ems_webhook needs cafile or secret, else anybody could send it events",
            remedy="Give in cafile the CA of ONTAP's client certificate, or in secret (ONTAP_EMS_SECRET) a part of the "
            "path that only ONTAP knows.",
        )
    if secret and not re.fullmatch(r"[A-Za-z0-9_~.-]{16,200}", secret, re.ASCII):
        raise InputError(
            "ems_webhook: secret is a part of a path, and so has 16 to 200 letters, digits or signs out of _ ~ . -",
            remedy="openssl rand -hex 32 makes a good one.",
        )
    port = _number(args, "port", 5443)
    if not 0 <= port < 65536:
        raise InputError(
            f"ems_webhook: port is {port}; a TCP port is a number from 1 to 65535", remedy="Leave it out for 5443."
        )
    return Receiving(
        # Entries of ems_poll have a name, too: one variable does for both.
        clusters=frozenset(
            cluster_name(item.get("name") if isinstance(item, t.Mapping) else item) for item in _list(args, "clusters")
        ),
        host=_text(args, "host") or "0.0.0.0",
        port=port,
        certfile=certfile,
        keyfile=_text(args, "keyfile") or None,
        cafile=cafile or None,
        secret=secret,
        window=_seconds(args, "window", 300, low=0),
    )


def cluster_name(name: t.Any) -> str:
    """A cluster's name as the inventory has it. Raises ``InputError`` for what could be more than one, or a path."""
    if not isinstance(name, str) or not _CLUSTER.fullmatch(name) or name in ("all", "ungrouped"):
        raise InputError(
            "clusters must have the names that clusters have in the inventory: letters, digits and the signs . _ -",
            remedy="Write clusters: [cluster1, cluster2], or for ems_poll entries such as {name: cluster1, hostname: "
            "cluster1.example.com}.",
        )
    return name


def _connection(name: str, given: Arguments) -> Connection:
    found: dict[str, t.Any] = {}
    for option, kind in CONNECTION.items():
        value = given.get(option)
        if value is None or value == "":
            value = os.environ.get(f"ONTAP_{option.upper()}", "").strip("\r\n") if option != "hostname" else name
        if value != "":
            found[option] = _convert(option, value, kind)
    known = {"port" if o == "http_port" else "timeout" if o == "request_timeout" else o: v for o, v in found.items()}
    secrets = tuple(str(known[option]) for option in ("password", "access_token") if option in known)
    return Connection(**{"validate_certs": True, **known, "secrets": secrets})


def _convert(option: str, value: t.Any, kind: type) -> Value:
    if kind is bool:
        word = _WORDS.get(str(value).lower())
        if word is None:
            raise InputError(f"{option} is neither true nor false", remedy="Write true or false.")
        return word
    if kind is int:
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value), re.ASCII):
            raise InputError(f"{option} is not a whole number", remedy="Write it in digits.")
        return int(value)
    if not isinstance(value, str):
        raise InputError(f"{option} is not a text", remedy="Put quotes around it.")
    return value


def _known(where: str, args: Arguments, names: t.Collection[str]) -> None:
    unknown = sorted(str(name) for name in set(args) - set(names) - _OF_RULEBOOK)
    if unknown:
        raise InputError(f"{where} does not know {', '.join(unknown)}", remedy=f"It knows {', '.join(sorted(names))}.")


def _list(args: Arguments, name: str) -> list[t.Any]:
    value = args.get(name)
    if not isinstance(value, list) or not value:
        raise InputError(f"{name} is not a list with something in it", remedy=f"Write {name}: [cluster1, cluster2].")
    return value


def _text(args: Arguments, name: str) -> str:
    value = args.get(name)
    return "" if value is None else t.cast(str, _convert(name, value, str))


def _number(args: Arguments, name: str, default: int) -> int:
    value = args.get(name)
    return default if value is None or value == "" else t.cast(int, _convert(name, value, int))


def _seconds(args: Arguments, name: str, default: int, *, low: int) -> int:
    value = _number(args, name, default)
    if value < low:
        raise InputError(
            f"{name} is {value}; it is a number of seconds, {low} or more", remedy=f"Leave it out for {default}."
        )
    return value


def _state_home() -> str:
    return os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.join("~", ".local", "state"), "ontap.security")
