# Copyright: Contributors to the ontap.security collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module in the process that has its task, where the module would run on this machine anyway.

Ansible does with it all that it does with any module: ``_execute_module`` puts the arguments together, reads what the
module prints, takes out what is Ansible's own and marks the rest as data. Only two steps in its middle are others.
Instead of packing the module, its arguments are written down as a packed one would get them; and instead of starting a
Python, the module's ``main`` is called. So nothing of a module is written twice, and both ways give the same result.

Ansible imports an action in its first process, when a task with it is next, and each task then runs in a fork: what is
imported here is loaded once, and only in plays that use it. Nothing else outlives the fork: sessions and threads begin
and end within ``main``.

This is the only file that knows private parts of Ansible. They were seen in ansible-core 2.16.19, 2.17.14, 2.18.19,
2.19.14, 2.20.10 and 2.21.5.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
import traceback
import types
import typing as t

from ansible import constants
from ansible.errors import AnsibleError
from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.module_utils.common import json as formats
from ansible.module_utils.common import warnings
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import normal
from ansible.plugins.loader import filter_loader, test_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.display import Display

from ansible_collections.ontap.security.plugins.module_utils._azure import health
from ansible_collections.ontap.security.plugins.module_utils._engine import carry_out, surroundings
from ansible_collections.ontap.security.plugins.module_utils._ontap import catalogue
from ansible_collections.ontap.security.plugins.module_utils._ontap.client import REQUESTS_IMPORT_ERROR
from ansible_collections.ontap.security.plugins.module_utils._ontap.text import kind

# From 2.19 on a packed module is an object of a class of its own, and not a tuple.
_Built: t.Final = getattr(module_common, "_BuiltModule", None)
if _Built is not None:
    from ansible.module_utils import _internal
    from ansible.module_utils._internal._ansiballz import _loader

_SWITCH: t.Final = "ontap_in_process"
# How 2.19 and later write arguments and results of modules that ask for nothing else.
_FORMAT: t.Final = "legacy"
_AUTOMATIC: t.Final = ("", "auto", "auto_legacy", "auto_legacy_silent", "auto_silent")

# Modules import these when they need them. So every fork has them already.
_INHERITED: t.Final = (carry_out, surroundings, catalogue, health)
# The same for what Ansible loads for the templates of a task. Each of these brings all of its kind and collection.
filter_loader.get("ansible.builtin.bool")
test_loader.get("ansible.builtin.defined")
if AnsibleCollectionConfig.collection_finder is not None:
    # Otherwise somebody only imports this.
    filter_loader.get("ontap.security.vault_entries")

Task = t.Mapping[str, t.Any]


class InProcess(normal.ActionModule):  # type: ignore[misc]
    """The action of a module. A subclass names the module, as Python has imported it."""

    module: types.ModuleType
    _here = False

    def _execute_module(self, *, task_vars: Task, **others: t.Any) -> t.Any:
        """What ``run`` calls for the module itself. Raises ``AnsibleError`` where the switch is neither on nor off."""
        reason = next(self._against(task_vars), "")
        self._here = not reason
        way = f"in a process of its own, because {reason}" if reason else "in Ansible's process"
        Display().vvv(f"{self._task.action} runs {way}", host=self._play_context.remote_addr)
        return super()._execute_module(task_vars=task_vars, **others)

    def _against(self, task_vars: Task) -> t.Iterator[str]:
        """What speaks against this process, the cheapest to know first."""
        switch = self._templar.template(task_vars.get(_SWITCH, True))
        try:
            wanted = boolean(switch)
        except TypeError:
            # Ansible would show the value with the cause.
            raise AnsibleError(f"{_SWITCH} is {kind(switch)}, and must be a boolean") from None
        if not wanted:
            yield f"{_SWITCH} is false"
        if self._connection.transport != "local":
            yield "its connection is not local"
        if self._connection.become is not None:
            yield "it becomes another user"
        if self._task.async_val:
            yield "it is asynchronous"
        if any(self._task.environment or ()):
            yield "it has an environment"
        if constants.DEFAULT_KEEP_REMOTE_FILES:
            yield "its files are to be kept"
        if REQUESTS_IMPORT_ERROR is not None:
            yield "requests cannot be imported here"
        if sys.platform == "darwin":
            yield "macOS lets no fork ask for its proxies"
        if not self._is_our_python(task_vars):
            yield "another Python is named"

    def _is_our_python(self, task_vars: Task) -> bool:
        delegate = self._task.delegate_to
        variables = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
        try:
            named = self._templar.template(constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables))
        except AnsibleError:
            # The ordinary way has a message for it, or knows what to do without.
            return False
        return named in _AUTOMATIC or is_same_python(str(named), sys.executable)

    # The three below: what ``_execute_module`` calls, since before 2.16.

    def _is_pipelining_enabled(self, *given: t.Any, **others: t.Any) -> bool:
        # So that nothing makes a folder for a module that needs none.
        return self._here or bool(super()._is_pipelining_enabled(*given, **others))

    def _configure_module(self, *given: t.Any, **others: t.Any) -> t.Any:
        if not self._here:
            return super()._configure_module(*given, **others)
        return packed(others["module_args"], str(self.module.__file__))

    def _low_level_execute_command(self, *given: t.Any, **others: t.Any) -> t.Any:
        if not self._here:
            return super()._low_level_execute_command(*given, **others)
        # Ansible starts local commands in this folder.
        return called(self.module.main, others["in_data"], self._loader.get_basedir())


def is_same_python(named: str, other: str) -> bool:
    """Whether this, which may have quotes around it, is the other one's program in the other one's folder.

    The program alone does not do: what lies beside it tells a virtual environment from the Python that it was made of.
    """
    try:
        words = shlex.split(named)
    except ValueError:
        return False
    return len(words) == 1 and _whereabouts(words[0]) == _whereabouts(other)


def _whereabouts(program: str) -> tuple[str, str]:
    return os.path.realpath(os.path.dirname(program)), os.path.realpath(program)


def packed(arguments: Task, path: str) -> t.Any:
    """What Ansible's ``_configure_module`` returns, with the arguments for all that a Python would be fed."""
    given = {"ANSIBLE_MODULE_ARGS": arguments}
    style, shebang = "new", f"#!{sys.executable}"
    if _Built is None:
        data = json.dumps(given, cls=formats.AnsibleJSONEncoder, vault_to_text=True).encode()
        return style, shebang, data, path
    # It takes off what Ansible knows of a value beside the value.
    encoder = formats.get_module_encoder(_FORMAT, formats.Direction.CONTROLLER_TO_MODULE)
    built = _Built(
        b_module_data=json.dumps(given, cls=encoder).encode(),
        module_style=style,
        shebang=shebang,
        serialization_profile=_FORMAT,
    )
    return built, path


def called(main: t.Callable[[], t.Any], arguments: bytes, folder: str) -> dict[str, t.Any]:
    """Call a module's ``main`` in ``folder``. Returns status and output, as of a process."""
    out, err = io.StringIO(), io.StringIO()
    status: t.Any = 0
    with _alone(arguments), _folder(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            _run(main)
        except SystemExit as exc:
            status = exc.code
    return {
        "rc": status,
        "stdout": out.getvalue(),
        "stdout_lines": out.getvalue().splitlines(),
        "stderr": err.getvalue(),
        "stderr_lines": err.getvalue().splitlines(),
    }


def _run(main: t.Callable[[], t.Any]) -> None:
    """End as a process does that meets what its module is not prepared for. A task's timeout is no such exception."""
    try:
        main()
    except Exception as exc:
        if _Built is None:
            traceback.print_exc()
            sys.exit(1)
        # What a packed module ends with: it prints the exception as a result.
        _loader._handle_exception(exc, _FORMAT)


@contextlib.contextmanager
def _alone(arguments: bytes) -> t.Iterator[None]:
    """Let a module find what it would in a process of its own, and leave nothing behind of it."""
    ours: list[tuple[types.ModuleType, str, t.Any]] = [
        # What a packed module sets, too.
        (basic, "_ANSIBLE_ARGS", arguments),
        # Each module begins with no warning.
        (warnings, "_global_warnings", type(warnings._global_warnings)()),
        (warnings, "_global_deprecations", type(warnings._global_deprecations)()),
    ]
    if _Built is not None:
        ours += [
            (basic, "_ANSIBLE_PROFILE", _FORMAT),
            # The module sets it; it holds the arguments, and so secrets.
            (basic, "_PARSED_MODULE_ARGS", None),
            # Else warnings would be shown at once, and lack in the result.
            (_internal, "is_controller", False),
        ]
    before = [(module, name, getattr(module, name)) for module, name, _value in ours]
    try:
        for module, name, value in ours:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@contextlib.contextmanager
def _folder(path: str) -> t.Iterator[None]:
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
