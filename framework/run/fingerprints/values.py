"""Any value as plain data that is equal for equal values, in every process: what a fingerprint is made of.

Order of dicts and sets, addresses and names of local variables do not show. What cannot be described so, such as an open
connection, is an error that names it: a fingerprint that leaves something out would call old rows new.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import json
import re
import sys
import types
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any, cast

import polars as pl

from framework.errors import DefinitionError, Problem
from framework.run.fingerprints.code import code_form, is_of_project, library_form, module_form

PLAIN = (str, int, float, bool, type(None))
SMALL = 500
"""Texts of values longer than this are kept as their hash."""


def digest(form: Any) -> str:
    """The hash of a form: of plain data, whatever the order of its keys.

    >>> digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    True
    """
    text = json.dumps(form, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


class Describing:
    """Describes the values that one fingerprint meets, each once: a value that refers to itself comes to an end."""

    def __init__(self, where: str) -> None:
        """`where`: what is being described, for messages."""
        self.where = where
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
        if is_of_project(function.__module__):
            body: Any = code_form(function.__code__, function.__globals__, functools.partial(self.part, name))
        else:
            body = [library_form(function.__module__), function.__qualname__]
        captured = {}
        for place, (variable, cell) in enumerate(
            zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        ):
            try:
                captured[str(place)] = self.part(f"{name}: {variable}", cell.cell_contents)
            except ValueError:  # it is assigned later, or never
                captured[str(place)] = "empty"
        defaults = [self.part(f"{name}: a default", function.__defaults__)]
        defaults.append(self.part(f"{name}: a default", function.__kwdefaults__))
        return ["function", body, captured, defaults]

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
        from framework.run.fingerprints.plans import expression_form, plan_form

        if isinstance(value, pl.DataFrame):
            return ["DataFrame", dtype_form(pl.Struct(value.schema)), _bytes_form(_ipc(value))]
        if isinstance(value, pl.Series):
            return ["Series", value.name, dtype_form(value.dtype), _bytes_form(_ipc(value.to_frame("")))]
        if isinstance(value, pl.Expr):
            return ["Expr", expression_form(value, self)]
        if isinstance(value, pl.LazyFrame):
            return ["LazyFrame", plan_form(value, self)]
        return ["DataType", dtype_form(value)] if isinstance(value, pl.DataType) else None

    def _object(self, value: Any) -> Any:
        kind = self.form(type(value))
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
    if isinstance(value, str) and type(value) is str:
        return value if len(value) <= SMALL else ["str", _bytes_form(value.encode(errors="surrogatepass"))]
    if isinstance(value, PLAIN) and type(value) in PLAIN:
        return value if isinstance(value, (bool, int)) else repr(value)
    if isinstance(value, (bytes, bytearray)):
        return [_kind(value), _bytes_form(bytes(value))]
    if isinstance(value, enum.Enum):
        return ["enum", type(value).__qualname__, value.name, repr(value.value)]
    if isinstance(value, re.Pattern):
        return ["pattern", value.pattern if isinstance(value.pattern, str) else repr(value.pattern), value.flags]
    if isinstance(value, (datetime, date, time, timedelta, Decimal, complex, range, slice)):
        return [_kind(value), repr(value)]
    if isinstance(value, PurePath):
        return ["path", value.as_posix()]
    return ["ellipsis"] if value is Ellipsis else None


def _kind(value: Any) -> str:
    return type(value).__qualname__


def _bytes_form(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _ipc(frame: pl.DataFrame) -> bytes:
    return cast("bytes", frame.rechunk().write_ipc_stream(None).getvalue())


def dtype_form(dtype: Any) -> Any:
    """A type of Polars, with all its categories and fields.

    >>> dtype_form(pl.List(pl.Enum(["a", "b"])))
    ['List', ['Enum', 'a', 'b']]
    """
    if isinstance(dtype, pl.Enum):
        return ["Enum", *dtype.categories.to_list()]
    if isinstance(dtype, pl.Struct):
        return ["Struct", *([field.name, dtype_form(field.dtype)] for field in dtype.fields)]
    if isinstance(dtype, (pl.List, pl.Array)):
        size = [dtype.shape] if isinstance(dtype, pl.Array) else []
        return [type(dtype).__name__, dtype_form(dtype.inner), *size]
    return str(dtype)
