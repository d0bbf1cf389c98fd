# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses in a custom credential type, and what it makes of one when a job starts.

The rules are AWX's own: those of its API for credential types (the serializer and awx/main/fields.py), and those of
injection in awx/main/models/credential.py, which newer releases keep in awx_plugins.interfaces.
"""

from __future__ import annotations

import re
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import jinja2
import yaml
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.ontap.security.plugins.module_utils._ansible.specs import CONNECTION, VAULT

Data = t.Mapping[str, t.Any]

PATH = Path(__file__).parents[2] / "roles/awx_setup/vars/awx_credential_types.yml"

# Every environment variable that a module falls back to.
FALLBACKS: t.Final = {
    name for spec in (CONNECTION, VAULT) for option in spec.values() for name in option.get("fallback", ((), []))[1]
}

NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
TEMPLATE = re.compile(rf"template(\.{NAME.pattern})?")

TYPE_KEYS = {"name", "description", "kind", "inputs", "injectors"}
# AWX knows "metadata" as well, but only for lookups of secrets, and "dependencies" only in its own types.
INPUT_KEYS = {"fields", "required"}
FIELD_KEYS = {
    "id",
    "label",
    "type",
    "format",
    "choices",
    "default",
    "help_text",
    "multiline",
    "secret",
    "ask_at_runtime",
}
STRING_ONLY = ("choices", "multiline", "format", "secret")
TYPES = {"string": str, "boolean": bool}
FORMATS = {"ssh_private_key", "url"}

# What AWX itself sets for a job.
BLOCKED = {
    "AD_HOC_COMMAND_ID",
    "AWX_HOST",
    "CACHE",
    "CALLBACK_CONNECTION",
    "CALLBACK_QUEUE",
    "INVENTORY_HOSTVARS",
    "INVENTORY_ID",
    "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID",
    "JOB_CALLBACK_DEBUG",
    "JOB_ID",
    "MAX_EVENT_RES",
    "PATH",
    "PROJECT_REVISION",
    "PYTHONPATH",
    "REST_API_TOKEN",
    "REST_API_URL",
    "SUPERVISOR_CONFIG_PATH",
    "VIRTUAL_ENV",
}


class Unsafe(str):
    """A string that the file marks as ``!unsafe``: Ansible leaves the template in it alone."""


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(t.cast(yaml.ScalarNode, node))))


def load(path: Path = PATH) -> list[dict[str, t.Any]]:
    """The credential types that the collection ships."""
    # Derived from SafeLoader.
    data = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    return t.cast("list[dict[str, t.Any]]", data["awx_credential_types"])


class _Container:
    """What AWX lets templates look into but not print: ``tower``, and ``tower.filename`` where files have labels."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def __str__(self) -> str:
        raise jinja2.UndefinedError("tower, or tower.filename where files have labels, has no value of its own")


def _tower(files: t.Mapping[str, object]) -> _Container:
    """The namespace ``tower``, for files by the key of their template."""
    if "template" in files:
        return _Container(filename=files["template"])
    return _Container(filename=_Container(**{key.partition(".")[2]: value for key, value in files.items()}))


def _given(fields: t.Iterable[Data], inputs: Data) -> dict[str, t.Any]:
    """The variables for a credential with these inputs. A field's default is for forms: a job does not get it."""
    given = {name: value for name, value in inputs.items() if value != ""}
    for field in fields:
        if field.get("type") == "boolean":
            given.setdefault(field["id"], False)
        if field.get("format") == "ssh_private_key" and field["id"] in given:
            given[field["id"]] = given[field["id"]].removesuffix("\n") + "\n"
    return given


@dataclass(frozen=True)
class Injected:
    """What a job gets: variables, and files by the key of their template."""

    environment: dict[str, str]
    files: dict[str, Path]


def inject(credential_type: Data, inputs: Data, private_data_dir: Path) -> Injected:
    """Do what AWX does when it starts a job with a credential. Writes below ``private_data_dir``."""
    fields, injectors = credential_type["inputs"]["fields"], credential_type["injectors"]
    if unknown := set(inputs) - {field["id"] for field in fields}:
        raise ValueError(f"AWX would not save a credential with {sorted(unknown)}")
    if injectors.get("extra_vars"):
        raise ValueError("extra_vars are not rendered here: no type of this collection has any")
    given = _given(fields, inputs)
    # Undefined variables are empty: that is how a field that is not set becomes an empty string.
    environment = ImmutableSandboxedEnvironment()
    folder = private_data_dir / "env"
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for key, template in injectors.get("file", {}).items():
        # Nobody else may read what mkstemp makes.
        handle, name = tempfile.mkstemp(dir=folder)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(environment.from_string(template).render(**given))
        files[key] = Path(name)
    namespace = {**given, "tower": _tower(files)}
    return Injected(
        {name: environment.from_string(text).render(**namespace) for name, text in injectors.get("env", {}).items()},
        files,
    )


def problems(credential_type: Data) -> list[str]:
    """Everything that AWX would refuse, and what would go wrong later. Empty when all is well."""
    inputs, injectors = credential_type.get("inputs", {}), credential_type.get("injectors", {})
    fields = inputs.get("fields", [])
    found = [*_of_the_type(credential_type), *_of_required(inputs)]
    for field in fields:
        found += (f"field {field.get('id')}: {problem}" for problem in _of_field(field))
    ids = [field.get("id") for field in fields]
    found += (f"field {name}: the id is used twice" for name in sorted({name for name in ids if ids.count(name) > 1}))
    found += _of_injectors(injectors)
    # Templates make sense only over what is sound so far; AWX does not look at them before either.
    return found or list(_of_templates(fields, injectors)) or list(_of_usage(fields, injectors))


def _of_the_type(credential_type: Data) -> t.Iterator[str]:
    for key in sorted(set(credential_type) - TYPE_KEYS):
        yield f"{key} is no option of awx.awx.credential_type"
    if not credential_type.get("name"):
        yield "the name is empty"
    if credential_type.get("kind") not in ("cloud", "net"):
        yield "kind is neither cloud nor net"
    for key in sorted(set(credential_type.get("inputs", {})) - INPUT_KEYS):
        yield f"inputs: {key} is not for custom types"


def _of_required(inputs: Data) -> t.Iterator[str]:
    required = inputs.get("required", [])
    if not isinstance(required, list):
        yield "required is no list"
        return
    for name in required:
        if name not in [field.get("id") for field in inputs.get("fields", [])]:
            yield f"required: {name} is no field"


def _of_field(field: Data) -> t.Iterator[str]:
    for key in sorted(set(field) - FIELD_KEYS):
        yield f"{key} is unknown"
    for key in ("id", "label"):
        if not field.get(key):
            yield f"{key} is missing"
    for key in ("label", "help_text"):
        if not isinstance(field.get(key, ""), str):
            yield f"{key} is no string"
    for key in ("multiline", "secret"):
        if not isinstance(field.get(key, False), bool):
            yield f"{key} is no boolean"
    if field.get("ask_at_runtime"):
        yield "ask_at_runtime is not for custom types"
    if field.get("format", "url") not in FORMATS:
        yield f"format {field['format']} is unknown"
    yield from _of_id(str(field.get("id", "")))
    yield from _of_value(field)


def _of_id(name: str) -> t.Iterator[str]:
    if not NAME.fullmatch(name):
        yield "the id is no name of a variable"
    elif name == "tower":
        yield "the id is AWX's own"
    elif not _is_variable(name):
        yield "the id means something else in a template"


def _is_variable(name: str) -> bool:
    """Whether Jinja takes it for a variable: not so ``not``, ``true`` or ``self``."""
    try:
        return ImmutableSandboxedEnvironment().from_string(f"{{{{ {name} }}}}").render(**{name: "value"}) == "value"
    except (jinja2.TemplateError, TypeError):
        return False


def _of_value(field: Data) -> t.Iterator[str]:
    kind = field.get("type", "string")
    if kind not in TYPES:
        yield f"type {kind} is unknown"
        return
    if kind != "string":
        for key in STRING_ONLY:
            if key in field:
                yield f"{key} is for strings only"
    if "default" in field and not isinstance(field["default"], TYPES[kind]):
        yield f"the default is no {kind}"
    if "choices" in field:
        yield from _of_choices(field["choices"], field.get("default"))


def _of_choices(choices: t.Any, default: object) -> t.Iterator[str]:
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
        yield "choices are no list of strings"
    elif len(set(choices)) < len(choices):
        yield "a choice is there twice"
    elif default not in (None, *choices):
        yield "the default is no choice"
    elif default not in (None, choices[0]):
        # A field with choices that somebody empties gets the first one when AWX saves the credential.
        yield "the default is not the first choice, which an emptied field gets"


def _of_injectors(injectors: Data) -> t.Iterator[str]:
    for key in sorted(set(injectors) - {"env", "extra_vars", "file"}):
        yield f"injectors: {key} is unknown"
    for name, template in injectors.get("env", {}).items():
        yield from (f"env {name}: {problem}" for problem in _of_variable(name, template))
    keys = injectors.get("file", {})
    for key, template in keys.items():
        if not TEMPLATE.fullmatch(key):
            yield f"file {key}: the key is neither template nor template.<label>"
        if not isinstance(template, str):
            yield f"file {key}: the template is no string"
    if "template" in keys and len(keys) > 1:
        yield "file: template stands beside template.<label>"
    for name, value in injectors.get("extra_vars", {}).items():
        if not NAME.fullmatch(name):
            yield f"extra_vars {name}: no name of a variable"
        if not all(isinstance(leaf, str) for leaf in _leaves(value)):
            yield f"extra_vars {name}: a template is no string"


def _of_variable(name: str, template: object) -> t.Iterator[str]:
    if not NAME.fullmatch(name):
        yield "no name of a variable"
    elif name.startswith("ANSIBLE_"):
        yield "AWX keeps configuration of Ansible to itself"
    elif name in BLOCKED:
        yield "AWX sets it itself"
    elif name not in FALLBACKS:
        yield "no module falls back to it"
    if not isinstance(template, str):
        yield "the template is no string"
    elif not template.isascii():
        # Of the template only: what is rendered from it may be anything.
        yield "the template is not ASCII"


def _leaves(value: t.Any) -> t.Iterator[t.Any]:
    """The templates in a value of extra_vars, which may be nested, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _templates(injectors: Data) -> t.Iterator[tuple[str, str, str]]:
    """Kind, name and text of each template."""
    for kind, templates in injectors.items():
        for name, value in templates.items():
            yield from ((kind, name, text) for text in _leaves(value))


def _of_templates(fields: t.Sequence[Data], injectors: Data) -> t.Iterator[str]:
    """Render everything twice: filled, as AWX does before it saves the type, and for a credential without any input."""
    tower = _tower(dict.fromkeys(injectors.get("file", {}), "EXAMPLE_FILENAME"))
    filled = {**{field["id"]: "EXAMPLE" for field in fields}, "tower": tower}
    empty = {**_given(fields, {}), "tower": tower}
    strict, lenient = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined), ImmutableSandboxedEnvironment()
    for kind, name, text in _templates(injectors):
        try:
            strict.from_string(text).render(**filled)
            value = lenient.from_string(text).render(**empty)
        except jinja2.TemplateError as exc:
            yield f"{kind} {name}: does not render: {exc}"
        else:
            # The path of an empty file is one way to fail here, and the False of a boolean that nobody set another.
            if value and kind == "env":
                yield f"env {name}: is {value!r} without any input, but only an empty variable counts as not set"


def _of_usage(fields: t.Sequence[Data], injectors: Data) -> t.Iterator[str]:
    used: set[str] = set()
    for kind, name, text in _templates(injectors):
        variables = meta.find_undeclared_variables(ImmutableSandboxedEnvironment().parse(text))
        used |= variables
        for field in fields:
            if kind == "extra_vars" and field.get("secret") and field["id"] in variables:
                # AWX writes them into a file and passes them to everything that can print a variable.
                yield f"extra_vars {name}: {field['id']} is a secret"
    for field in fields:
        if field["id"] not in used:
            yield f"field {field['id']}: no injector uses it"
