"""Any value as plain data that is equal for equal values, in every process: what a fingerprint is made of.

Order of dicts and sets, addresses and names of local variables do not show. What cannot be described so, such as an
open connection, is an error that names it: a fingerprint that leaves something out would take old rows for new ones.
"""

from __future__ import annotations

import enum
import functools
import re
import sys
import types
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PosixPath, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import DefinitionError, Problem
from framework.run.fingerprints.code import Names, code_form, is_of_project, library_form, module_form
from framework.run.fingerprints.forms import bytes_form, digest, dtype_form
from framework.run.fingerprints.plans import expression_form, plan_form

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = (str, int, float, bool, type(None))
WRITTEN = {float, complex, datetime, date, time, timedelta, Decimal, range, slice, type(...), PurePosixPath, PosixPath}
"""Types whose values are told apart by how they are written."""
SMALL = 500
"""Texts of values longer than this are kept as their hash."""


class Describing:
    """Describes the values that one fingerprint meets, each once: a value that refers to itself comes to an end."""

    def __init__(self, where: str) -> None:
        """`where`: what is described, for messages. `functions`: the project's that were met, with their hashes."""
        self.where = where
        self.functions: dict[str, str] = {}
        self._path: list[str] = []
        self._open: dict[int, int] = {}
        self._done: dict[int, tuple[Any, Any]] = {}
        self._back = sys.maxsize  # how far out a part of what is described refers

    def form(self, value: Any) -> Any:
        """The form of a value.

        Raises:
            DefinitionError: when it, or a part of it, has none that is the same in every process.
        """
        simple = _simple(value)
        if simple is not None or value is None:
            return simple
        if id(value) in self._open:
            self._back = min(self._back, self._open[id(value)])
            return ["seen", len(self._open) - self._open[id(value)]]
        if id(value) in self._done:
            return self._done[id(value)][1]
        depth = self._open[id(value)] = len(self._open)
        try:
            found = self._described(value)
        finally:
            self._open.pop(id(value), None)
        if self._back >= depth:  # nothing of it refers to what it is a part of
            self._back = sys.maxsize
            self._done[id(value)] = (value, found)  # the value is kept, so that its address stays its own
        return found

    def part(self, name: str, value: Any) -> Any:
        """The form of a part of a value; `name` says in messages which part."""
        self._path.append(name)
        try:
            return self.form(value)
        finally:
            self._path.pop()

    def _described(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [_kind(value), [self.part(f"[{n}]", one) for n, one in enumerate(value)]]
        if isinstance(value, dict):
            pairs = ((self.form(key), self.part(f"[{key!r}]", one)) for key, one in value.items())
            return [_kind(value), sorted(pairs, key=lambda pair: digest(pair[0]))]
        if isinstance(value, (set, frozenset)):
            return [_kind(value), sorted((self.form(one) for one in value), key=digest)]
        if isinstance(value, (types.FunctionType, types.MethodType, functools.partial, types.BuiltinFunctionType)):
            return self._callable(value)
        if isinstance(value, (type, types.ModuleType)):
            return module_form(value) if isinstance(value, types.ModuleType) else self._class(value)
        return self._of_polars(value) or self._object(value)

    def _callable(self, value: Any) -> Any:
        if isinstance(value, functools.partial):
            given = [self.part("partial", value.args), self.part("partial", value.keywords)]
            return ["partial", self.form(value.func), *given]
        if isinstance(value, types.MethodType):
            return ["method", self.part("self", value.__self__), self.form(value.__func__)]
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            bound = None if owner is None or isinstance(owner, types.ModuleType) else self.part("self", owner)
            return ["builtin", library_form(str(value.__module__ or "builtins")), value.__qualname__, bound]
        return self._function(value)

    def _function(self, function: types.FunctionType) -> Any:
        """A function of the project by what it does, one of a library by name; both with the values they captured."""
        name = function.__name__
        captured = {}
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                captured[variable] = cell.cell_contents
            except ValueError:  # it is assigned later, or never
                captured[variable] = "not assigned"
        if is_of_project(function.__module__):
            body: Any = code_form(function.__code__, Names(function.__globals__, captured, self._within(name)))
        else:
            held = [self.part(f"{name}: {variable}", value) for variable, value in captured.items()]
            body = [library_form(function.__module__), function.__qualname__, held]
        defaults = [self.part(f"{name}: a default", function.__defaults__)]
        defaults.append(self.part(f"{name}: a default", function.__kwdefaults__))
        form = ["function", body, defaults]
        if is_of_project(function.__module__):
            self._call(function, digest(form))
        return form

    def _within(self, name: str) -> Callable[[str, Any], Any]:
        """How the values are described that a function's code refers to."""
        return lambda label, value: self.part(f"{name} > {label}" if label else name, value)

    def _call(self, function: types.FunctionType, hashed: str) -> None:
        """Note a function of the project by its name; of several with one name, all."""
        name = function.__qualname__.rpartition("<locals>.")[2]
        known = self.functions.get(name)
        if known is None or hashed not in known.split():
            self.functions[name] = hashed if known is None else f"{known} {hashed}"

    def _class(self, value: type) -> Any:
        """A class of the project by its methods and plain values, one of a library by name."""
        if not is_of_project(value.__module__):
            return ["class", library_form(value.__module__), value.__qualname__]
        own = {}
        for name, one in vars(value).items():
            found = one.__func__ if isinstance(one, (classmethod, staticmethod)) else one
            found = found.fget if isinstance(found, property) else found
            is_plain = isinstance(found, (*PLAIN, tuple, frozenset)) and not name.startswith("__")
            if isinstance(found, types.FunctionType) or is_plain:
                own[name] = self.part(f"{value.__name__}.{name}", found)
        return ["class", value.__name__, sorted(own.items()), [self.form(base) for base in value.__bases__]]

    def _of_polars(self, value: Any) -> Any:
        if isinstance(value, pl.DataFrame):
            return ["DataFrame", dtype_form(pl.Struct(value.schema)), bytes_form(_ipc(value))]
        if isinstance(value, pl.Series):
            return ["Series", value.name, dtype_form(value.dtype), bytes_form(_ipc(value.to_frame("")))]
        if isinstance(value, pl.Expr):
            return ["Expr", expression_form(value, self.form)]
        if isinstance(value, pl.LazyFrame):
            return ["LazyFrame", plan_form(value, self.form)]
        return ["DataType", dtype_form(value)] if isinstance(value, pl.DataType) else None

    def _object(self, value: Any) -> Any:
        kind = self.form(type(value))
        if isinstance(getattr(value, "__wrapped__", None), types.FunctionType):  # such as one with a cache
            return ["object", kind, self.form(value.__wrapped__)]
        if is_dataclass(value):
            named = {f.name: self.part(f.name, getattr(value, f.name)) for f in fields(value) if f.compare}
            return ["object", kind, sorted(named.items())]
        try:
            taken = value.__reduce_ex__(4)
        except Exception as error:
            raise self._unstable(value) from error
        if isinstance(taken, str):
            return ["object", kind, taken]
        maker, arguments, *rest = taken
        state = [self.part(f"a {type(value).__name__}", part) for part in (arguments, *rest[:1])]
        items = [self.form(list(part)) for part in rest[1:3] if part is not None]
        return ["object", kind, self.form(maker), *state, *items]

    def _unstable(self, value: Any) -> DefinitionError:
        named = " > ".join(self._path) or "a value"
        what = f"{named} is a {type(value).__name__}, of which cannot be told whether it is the same in another run"
        fix = "make it inside the function, or hand over the plain values that it is made of"
        return DefinitionError([Problem(self.where, what, fix)])


def _simple(value: Any) -> Any:
    """The form of values that have no parts; None for others."""
    kind = type(value)
    if kind in {bool, int}:
        return value
    if kind is str:
        return value if len(value) <= SMALL else ["str", bytes_form(value.encode(errors="surrogatepass"))]
    if isinstance(value, (bytes, bytearray)):
        return [_kind(value), bytes_form(bytes(value))]
    if isinstance(value, enum.Enum):
        return ["enum", kind.__qualname__, value.name, repr(value.value)]
    if isinstance(value, re.Pattern):
        return ["pattern", repr(value.pattern), value.flags]
    return [_kind(value), str(value) if isinstance(value, PurePath) else repr(value)] if kind in WRITTEN else None


def _kind(value: Any) -> str:
    return type(value).__qualname__


def _ipc(frame: pl.DataFrame) -> bytes:
    return frame.rechunk().write_ipc_stream(None).getvalue()
