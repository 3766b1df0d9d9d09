"""Python code as a value: what a function does, whatever its variables, comments and lines are called.

A function's instructions are described one by one: constants and global names by what they stand for, local variables
by their order, jumps by the instruction that they lead to. So nothing of it depends on names of variables, docstrings,
line numbers, file names or addresses. It holds for one minor version of Python, which is recorded apart.
"""

from __future__ import annotations

import dis
import sys
import sysconfig
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SILENT = frozenset({"CACHE", "RESUME", "NOP", "EXTENDED_ARG", "COPY_FREE_VARS", "MAKE_CELL", "PRECALL", "NOT_TAKEN"})
"""Instructions that say nothing of what is computed."""
GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
RECORDED_APART = frozenset({"framework", "polars", "builtins"})
"""Packages whose versions are recorded beside the fingerprints: an upgrade must not look like a change of the code."""


@dataclass(frozen=True)
class Names:
    """What the names in a function's code stand for: its globals, and the variables that it captured.

    `form` gives the form of a value that the code refers to; first what it is called, for messages.
    """

    globals: Mapping[str, Any]
    captured: Mapping[str, Any]
    form: Callable[[str, Any], Any]

    def inside(self, outer: CodeType, inner: CodeType) -> Names:
        """What names stand for in a function that is defined inside."""
        passed = [name for name in inner.co_freevars if name not in outer.co_cellvars]
        return replace(self, captured={name: self.captured[name] for name in passed if name in self.captured})


def code_form(code: CodeType, names: Names) -> list[Any]:
    """Describe what code does: its instructions, with what the names stand for that are not its own."""
    kept = [one for one in dis.get_instructions(code) if one.opname not in SILENT]
    places = _places(code, kept)
    kind = code.co_flags & (0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200)  # with *arguments, a generator, asynchronous
    count = code.co_argcount + code.co_kwonlyargcount
    local = {name: number for number, name in enumerate(code.co_varnames[:count])}
    body = []
    for place, one in enumerate(kept):
        body.append([one.opname, _argument(one, code, local, places, names)])
        if one.opname in GLOBAL and isinstance(names.globals.get(str(one.argval)), ModuleType):
            found = _member(kept[place + 1 :], names.globals[str(one.argval)])
            body[-1].append(None if found is None else names.form(str(one.argval), found))
    return [[code.co_argcount, code.co_posonlyargcount, count, kind], body, _handlers(code, places)]


def _places(code: CodeType, kept: list[dis.Instruction]) -> dict[int, int]:
    """The number of the instruction that stands at, or next after, each offset of the code."""
    starts = sorted((one.offset, place) for place, one in enumerate(kept))
    places, at = {}, 0
    for offset in range(0, len(code.co_code) + 2, 2):
        while at < len(starts) and starts[at][0] < offset:
            at += 1
        places[offset] = at
    return places


def _argument(
    one: dis.Instruction, code: CodeType, local: dict[str, int], places: Mapping[int, int], names: Names
) -> Any:
    """What an instruction is about: a value, a variable by its number, another instruction by its place."""
    value = one.argval
    if isinstance(value, CodeType):
        return code_form(value, names.inside(code, value))
    if one.opcode in dis.hasconst or one.opname == "RETURN_CONST":
        return names.form("", value)
    if one.opcode in dis.haslocal or one.opcode in dis.hasfree:
        given = value if isinstance(value, tuple) else (value,)
        return [_variable(str(name), local, names) for name in given]
    if one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
        return places.get(value)
    if one.opname in GLOBAL or one.opname == "IMPORT_NAME":
        return _global(str(value), names) if one.opname in GLOBAL else _imported(str(value), names)
    return value if isinstance(value, (str, int, type(None))) else one.arg


def _variable(name: str, local: dict[str, int], names: Names) -> Any:
    if name in names.captured:
        return ["captured", names.form(name, names.captured[name])]
    return local.setdefault(name, len(local))


def _global(name: str, names: Names) -> Any:
    if name not in names.globals:
        return ["builtin", name]
    found = names.globals[name]
    return ["module", module_form(found)] if isinstance(found, ModuleType) else names.form(name, found)


def _member(following: list[dis.Instruction], module: ModuleType) -> Any:
    """What code takes out of a module of the project, such as `clean.slug`: that is what it depends on."""
    found: Any = module
    for one in following:
        if not isinstance(found, ModuleType) or not is_of_project(found.__name__):
            break
        if one.opname not in ATTRIBUTE or not hasattr(found, str(one.argval)):
            return None
        found = getattr(found, str(one.argval))
    return None if found is module else found


def _imported(name: str, names: Names) -> Any:
    """A module that code imports when it runs; of a project's, its functions are what the code may call."""
    if not name or not is_of_project(name):
        return name
    module = import_module(name)
    own = {k: v for k, v in vars(module).items() if getattr(v, "__module__", None) == name}
    return [name, names.form(name, {key: value for key, value in own.items() if callable(value)})]


def _handlers(code: CodeType, places: Mapping[int, int]) -> list[Any]:
    """Which instructions stand in a `try`, and where it goes on."""
    parse: Callable[[CodeType], Iterator[Any]] | None = getattr(dis, "_parse_exception_table", None)
    entries = parse(code) if parse is not None else ()
    return [[places.get(e.start), places.get(e.end), places.get(e.target), e.depth, e.lasti] for e in entries]


def module_form(module: ModuleType) -> str:
    """A module by name, one of a library with its version."""
    return module.__name__ if is_of_project(module.__name__) else library_form(module.__name__)


def library_form(name: str) -> str:
    """A name of a library with the version of its distribution, where that is not recorded apart."""
    top = name.partition(".")[0]
    return name if top in RECORDED_APART or top in sys.stdlib_module_names else f"{name} {_version(top)}"


@lru_cache(maxsize=256)
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # the distribution is not called like its package
        found = metadata.packages_distributions().get(package, [])
        return ", ".join(f"{name} {metadata.version(name)}" for name in sorted(set(found)))


@lru_cache(maxsize=1024)
def is_of_project(module: str | None) -> bool:
    """Whether a module is the project's: its code is what counts, not a version.

    >>> is_of_project("json"), is_of_project("polars"), is_of_project("framework.lake")
    (False, False, False)
    """
    top = (module or "").partition(".")[0]
    if top in {"", "__main__"}:
        return True
    if top in sys.stdlib_module_names or top in RECORDED_APART:
        return False
    file = getattr(sys.modules.get(str(module)) or sys.modules.get(top), "__file__", None)
    if file is None:
        return True
    folders = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not any(Path(file).is_relative_to(folder) for folder in folders)
