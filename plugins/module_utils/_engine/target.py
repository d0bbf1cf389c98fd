# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which record of a resource is meant. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError
from ansible_collections.ontap.security.plugins.module_utils._ontap.query import literal
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import visible


@dataclass(frozen=True)
class Target:
    """Which configuration is meant: the enabled one of a scope, the one named by ``configuration`` (9.14.1+), or the
    one with a UUID."""

    scope: str = "svm"
    svm: str | None = None
    svm_uuid: str | None = None
    configuration: str | None = None
    uuid: str | None = None

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Target:
        """From module options. Raises ``InputError``: cluster scope is never assumed because ``svm`` is missing."""
        scope = params.get("scope") or "svm"
        configuration = params.get("configuration")
        if configuration is not None and not configuration.strip():
            # Not the enabled one instead: a template that comes out empty must not remove that.
            raise InputError(
                "configuration is blank",
                remedy="Give the name of a configuration, or leave it out for the enabled one.",
            )
        svm, svm_uuid, uuid = params.get("svm"), params.get("svm_uuid"), params.get("uuid")
        check_svm(svm)
        if uuid:
            check_uuid_alone(params)
            return cls(uuid=uuid.lower())
        if svm and svm_uuid:
            raise InputError("svm and svm_uuid are both given", remedy="Give one of them.")
        if scope == "cluster" and (svm or svm_uuid):
            raise InputError(
                f"{'svm' if svm else 'svm_uuid'} is given although scope is cluster",
                remedy="Leave the SVM out for the cluster's own configuration, or leave scope at svm.",
            )
        if scope == "svm" and not (svm or svm_uuid):
            raise InputError(
                "scope is svm, but neither svm nor svm_uuid is given",
                remedy="Give svm (or svm_uuid), or scope: cluster for the cluster's own configuration.",
            )
        svm_uuid = svm_uuid.lower() if svm_uuid else None
        return cls(scope=scope, svm=svm, svm_uuid=svm_uuid, configuration=configuration)

    def __str__(self) -> str:
        if self.uuid:
            return f"UUID {self.uuid}"
        where = "the cluster" if self.scope == "cluster" else f"SVM {self.svm or self.svm_uuid}"
        return visible(f"{where}, configuration {self.configuration}" if self.configuration else where)

    def as_options(self) -> str:
        """The options that mean it, for a remedy that names a task."""
        given = {"uuid": self.uuid, "svm": self.svm, "svm_uuid": self.svm_uuid, "configuration": self.configuration}
        if not self.uuid and self.scope == "cluster":
            given["scope"] = self.scope
        return visible(", ".join(f"{name}: {value}" for name, value in given.items() if value))

    def query(self) -> dict[str, str]:
        """The filter that finds this scope's records on every release; ``configuration`` is filtered by ``pick``."""
        if self.uuid:
            return {"uuid": literal(self.uuid)}
        if self.scope == "cluster":
            return {"scope": "cluster"}
        if self.svm:
            return {"svm.name": literal(self.svm)}
        return {"svm.uuid": literal(self.svm_uuid or "")}

    def svm_reference(self) -> dict[str, str]:
        """The SVM as a request body names it."""
        return {"name": self.svm} if self.svm else {"uuid": self.svm_uuid or ""}


def check_svm(svm: str | None) -> None:
    """Raises ``InputError`` when ``svm`` cannot be the name of an SVM: a pattern would mean others than one sees."""
    if svm and not re.fullmatch(r"[\w.-]+", svm):
        raise InputError(
            "svm is not the name of an SVM",
            remedy="Give one name, without blanks; the info module takes patterns in filters, as svm.name.",
        )


def check_uuid_alone(params: t.Mapping[str, t.Any]) -> None:
    """Raises ``InputError`` when ``uuid`` comes with something else that says which configuration is meant."""
    others = [name for name in ("svm", "svm_uuid", "configuration") if params.get(name)]
    if others or params.get("scope") == "cluster":
        raise InputError(
            f"uuid is given together with {', '.join(others or ['scope'])}",
            remedy="Give uuid alone, since it names one configuration.",
        )
