# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that knows Ansible: shared options, building the client, turning errors into ``fail_json``."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.errors import RequiredError

from ansible_collections.ontap.security.plugins.module_utils._ansible.options import Spec, faults, read_texts, secrets
from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import from_around
from ansible_collections.ontap.security.plugins.module_utils._azure import expiry
from ansible_collections.ontap.security.plugins.module_utils._azure.credentials import Resolved, Source, resolve
from ansible_collections.ontap.security.plugins.module_utils._azure.table import FIELDS, check_value
from ansible_collections.ontap.security.plugins.module_utils._engine.plan import together
from ansible_collections.ontap.security.plugins.module_utils._engine.target import check_svm
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import REQUESTS_IMPORT_ERROR, Client
from ansible_collections.ontap.security.plugins.module_utils._ontap.connection import Connection, check_host
from ansible_collections.ontap.security.plugins.module_utils._ontap.errors import InputError, OntapError
from ansible_collections.ontap.security.plugins.module_utils._ontap.jobs import Waiting
from ansible_collections.ontap.security.plugins.module_utils._ontap.secrets import spellings
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import shown_name, visible

Function = t.Callable[[t.Mapping[str, t.Any], Client, bool], dict[str, t.Any]]


class _Module(AnsibleModule):  # type: ignore[misc]
    params: dict[str, t.Any]
    _ready = False

    def _load_params(self) -> None:
        """See what is secret before anything can be logged, and what cannot be meant before Ansible shows it.

        Empty strings are dropped before that: an unset AWX field or template arrives as one.
        """
        super()._load_params()
        spec = self.argument_spec
        read_texts(self.params, spec)
        _drop_empty(self.params, spec)
        self._given = set(self.params)
        given = {name: value for name, value in self.params.items() if not name.startswith("_ansible_")}
        for secret in (*secrets(given, spec), *_secrets_around(spec)):
            self.no_log_values.update(spellings(secret))
        wrong = [*faults(given, spec), *faults(_around(spec, given), spec)]
        if wrong:
            error = together(wrong)
            self.fail_json(error.text(), error=error.details())
        self._resolved = [self._resolve(entry, spec) for entry, spec in self._entries()]

    def _log_invocation(self) -> None:
        """Log what Ansible logs, but of lists and dictionaries only how long they are.

        Ansible looks for secrets in what ``str`` makes of them, where quotes, backslashes and line breaks are spelled
        otherwise than in the secret.
        """
        params = self.params
        self.params = {name: _loggable(name, value) for name, value in params.items()}
        super()._log_invocation()
        self.params = params

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """Where options are refused, show no value of any, and say which can be, or are, in the environment."""
        if not self._ready:
            refused = getattr(self, "validation_result", None)
            # Only the messages about options that are missing are sure to hold nothing but names.
            if refused and not all(isinstance(error, RequiredError) for error in refused.errors):
                names = sorted(name for name in self._given if not name.startswith("_ansible_"))
                msg = f"Ansible cannot read all of the options {', '.join(map(shown_name, names))}"
            msg = f"{msg.rstrip('.')}{self._fallbacks()}."
            self.forget()
        super().fail_json(msg, **kwargs)
        raise AssertionError("unreachable: fail_json ends the process")

    def forget(self) -> None:
        """Forget the options, which Ansible would echo: what has been refused may be a secret in the wrong place."""
        self.params = {}

    def _fallbacks(self) -> str:
        names = {
            name: option["fallback"][1]
            for name, option in self.argument_spec.items()
            if option.get("fallback") and name not in self._given
        }
        found = [f"{name} ({variables[0]})" for name, variables in names.items() if from_around(*variables)]
        lacking = [
            f". {name} can also be given as {variables[0]}"
            for name, variables in names.items()
            if self.argument_spec[name].get("required") and not from_around(*variables)
        ]
        return "".join(lacking) + (f". From the environment come {', '.join(found)}" if found else "")

    def options(self) -> dict[str, t.Any]:
        """The options, and under ``ambient``, also in each entry, the names of those that come from the environment."""
        own, *others = self._resolved
        params = {**self.params, "ambient": own.ambient}
        if params.get("vaults") is not None:
            params["vaults"] = [
                {**entry, "ambient": resolved.ambient} for entry, resolved in zip(params["vaults"], others)
            ]
        return params

    def _entries(self) -> t.Iterator[tuple[dict[str, t.Any], Spec]]:
        """What can hold the options of a configuration, with the spec of these: the task, and each entry of a list."""
        yield self.params, self.argument_spec
        for entry in self.params.get("vaults", ()):
            yield entry, self.argument_spec["vaults"]["options"]

    @staticmethod
    def _resolve(entry: dict[str, t.Any], spec: Spec) -> Resolved:
        """What counts of an entry and of the environment. What does not is kept from Ansible, which takes the
        environment for whatever is not there."""
        around = _around(spec)
        resolved = resolve((Source.own(entry), Source.environment(around)))
        for name in around.keys() & FIELDS.keys() - resolved.ambient:
            entry.setdefault(name, None)
        return resolved


def _loggable(name: str, value: t.Any) -> t.Any:
    if isinstance(value, (list, dict)):
        return f"({len(value)})"
    try:
        if name in FIELDS and value is not None:
            check_value(name, value)
        if name in expiry.OPTIONS:
            expiry.day_of(name, value)
        if name == "svm":
            check_svm(value)
        if name == "hostname":
            check_host(value)
    except InputError:
        # It will be refused, and may be a secret in the wrong option.
        return "(not usable)"
    return visible(value) if isinstance(value, str) else value


def _around(spec: Spec, given: t.Container[str] = ()) -> dict[str, str]:
    """What the environment has for options that are not given."""
    return {
        name: found
        for name, option in spec.items()
        if name not in given and option.get("fallback") and (found := from_around(*option["fallback"][1]))
    }


def _secrets_around(spec: Spec) -> t.Iterator[str]:
    """The secrets that the environment has for these options, and for options of options."""
    yield from secrets(_around(spec), spec)
    for option in spec.values():
        if option.get("options"):
            yield from _secrets_around(option["options"])


def _drop_empty(params: dict[str, t.Any], spec: Spec) -> None:
    for name, value in list(params.items()):
        inner = spec.get(name, {}).get("options") or {}
        if name == "configuration" and value == "" and params.get("state") == "absent":
            # Without it the one in use would be removed: it stays, to be refused.
            continue
        if value is None or value == "":
            del params[name]
        elif isinstance(value, list):
            # Before ansible-core 2.19, an element that is omitted arrives as such a text.
            params[name] = [
                one for one in value if not (isinstance(one, str) and one.startswith("__omit_place_holder__"))
            ]
            for item in params[name]:
                if isinstance(item, dict):
                    _drop_empty(item, inner)
        elif isinstance(value, dict) and inner:
            _drop_empty(value, inner)


def run(spec: Spec, function: Function, *, caller: str) -> t.NoReturn:
    """Run a module: ``function(params, client, check_mode)`` returns the result or raises ``OntapError``."""
    module = _Module(argument_spec=spec, supports_check_mode=True)
    module._ready = True
    params = module.options()
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=str(REQUESTS_IMPORT_ERROR))
    try:
        with Client(_connection(module.params, spec), caller=caller) as client:
            result = function(params, client, module.check_mode)
        error = None
    except OntapError as exc:
        result, error = exc.result, exc
    for warning in result.pop("warnings", []):
        module.warn(visible(warning))
    if "msg" in result:
        result["msg"] = visible(result["msg"])
    # Outside the except block: inside it, Ansible would add a traceback at -vvv.
    if error is not None:
        if isinstance(error, InputError):
            module.forget()
        module.fail_json(msg=error.text(), error=error.details(), **result)
    module.exit_json(**result)
    raise AssertionError("unreachable: exit_json and fail_json end the process")


def _connection(params: t.Mapping[str, t.Any], spec: Spec) -> Connection:
    return Connection(
        hostname=params["hostname"],
        username=params["username"],
        password=params["password"],
        access_token=params["access_token"],
        cert_filepath=params["cert_filepath"],
        key_filepath=params["key_filepath"],
        port=params["http_port"],
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"],
        timeout=params["request_timeout"],
        secrets=tuple(dict.fromkeys(secrets(params, spec))),
    )


def waiting_of(params: t.Mapping[str, t.Any]) -> Waiting:
    """``wait`` and ``wait_timeout`` (seconds). Raises ``InputError`` for a negative time."""
    if params["wait_timeout"] < 0:
        raise InputError(
            f"wait_timeout is {params['wait_timeout']}; it is a number of seconds, 0 or more",
            remedy="Leave it out for 600 seconds, or set wait: false not to wait at all.",
        )
    return Waiting(wait=params["wait"], timeout=params["wait_timeout"])
