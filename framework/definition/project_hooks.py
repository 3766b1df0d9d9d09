"""The hooks that a project's settings name, for all of its pipelines."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from framework.core.hooks import read_hook
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from framework.core.hooks import Hook

WHERE = "sluice.toml"


def project_hooks(names: Sequence[str]) -> tuple[tuple[Hook, ...], list[Problem]]:
    """Find the hooks that are named as `module:function`; problems are returned, not raised, to be told together."""
    found: list[Hook] = []
    problems: list[Problem] = []
    for name in names:
        given, wrong = _import(name)
        problems += wrong
        if not wrong:
            hook, wrong = read_hook(given, "project", WHERE)
            problems += wrong
            found += [hook] if hook is not None else []
    return tuple(found), problems


def _import(name: str) -> tuple[Any, list[Problem]]:
    where = f"{WHERE}, hook '{name}'"
    path, colon, attribute = name.partition(":")
    if not colon or not path or not attribute:
        return None, [Problem(where, "is no name of a function", "write it as module:function, such as hooks:tell")]
    try:
        module: ModuleType = importlib.import_module(path)
    except Exception as error:  # noqa: BLE001 - a module may raise anything; all problems are reported together
        is_absent = isinstance(error, ModuleNotFoundError) and error.name == path
        what = (
            f"there is no module '{path}'"
            if is_absent
            else f"{path} cannot be imported: {type(error).__name__}: {error}"
        )
        fix = "name one that lies in the project's folder or is installed" if is_absent else ""
        return None, [Problem(where, what, fix)]
    if not hasattr(module, attribute):
        functions = [one for one, value in vars(module).items() if callable(value)]
        return None, [Problem(where, f"{path} has no '{attribute}'", did_you_mean(attribute, functions))]
    return getattr(module, attribute), []
