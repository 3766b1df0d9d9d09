"""Checks that are no built-in ones: expressions in SQL, and functions of Python by reference.

The function of such a check carries where it comes from, so that writing a schema that was read gives it again.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Literal

from framework.boundary.sql import read_sql
from framework.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from pandera import Check
    from pandera.api.polars.types import PolarsData

ORIGIN = "__sluice_origin__"
FIX = "move it into a module, as a function or a method of a model, or say it in SQL"


@dataclass(frozen=True)
class Origin:
    """Where a check comes from: an expression in SQL, or a function of Python by its name."""

    kind: Literal["holds", "python"]
    text: str


def sql_check(text: str, name: str) -> Callable[[PolarsData], pl.LazyFrame]:
    """Make a check's function of an expression in SQL."""

    def ask(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(read_sql(text, data.lazyframe.collect_schema()))

    ask.__name__ = ask.__qualname__ = name
    vars(ask)[ORIGIN] = Origin("holds", text)
    return ask


def python_check(reference: str) -> Callable[..., Any]:
    """Give the function that a reference names, such as `schemas.retail:Sale.not_in_future`.

    Raises:
        SchemaError: when there is none; suggests the nearest.
    """
    function = _find(reference)

    @wraps(function)
    def ask(*values: Any, **arguments: Any) -> Any:
        return function(*values, **arguments)

    if not hasattr(function, "__name__"):  # a business rule, an attribute of a model
        ask.__name__ = reference.rpartition(".")[2]
    vars(ask)[ORIGIN] = Origin("python", reference)
    return ask


def origin_of(check: Check) -> Origin:
    """Say where a check comes from.

    Raises:
        SchemaError: when it is a function that no reference can name, such as a lambda.
    """
    function = check._check_fn  # noqa: SLF001 - Pandera (0.35) has no public way to the function
    known = getattr(function, ORIGIN, None)
    if isinstance(known, Origin):
        return known
    if isinstance(function, partial):
        raise SchemaError(f"it is a partial function; {FIX}")
    method = _method_of(function)
    module, name = method or (getattr(function, "__module__", None), getattr(function, "__qualname__", ""))
    reference = f"{module}:{name}"
    if "<lambda>" in name:
        raise SchemaError(f"it is a lambda, which has no name; {FIX}")
    if "<locals>" in name or not module:
        raise SchemaError(f"'{name or function}' is known only where it is defined; {FIX}")
    _require_same(reference, function, is_method=method is not None)
    return Origin("python", reference)


def arguments_of(check: Check) -> dict[str, Any]:
    """Give what a check's function takes besides the data."""
    return dict(check._check_kwargs)  # noqa: SLF001 - no public way


def _find(reference: str) -> Callable[..., Any]:
    module_name, colon, path = reference.partition(":")
    if not colon or not module_name or not path:
        raise SchemaError(f"'{reference}' names no function; write module:function or module:Model.method")
    if _is_half_imported(module_name):
        fix = "load this schema in another module than the one that its check is in"
        raise SchemaError(f"module '{module_name}' is being imported itself; {fix}")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise SchemaError(f"there is no module '{error.name}'") from error
    except Exception as error:
        raise SchemaError(f"module '{module_name}' cannot be imported: {type(error).__name__}: {error}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            where = getattr(found, "__name__", module_name)
            raise SchemaError(f"'{where}' has no '{part}'; {did_you_mean(part, _public(found))}")
        found = getattr(found, part)
    if not callable(found):
        raise SchemaError(f"'{reference}' is no function")
    return found  # type: ignore[no-any-return]


def _is_half_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _public(found: Any) -> list[str]:
    return [name for name in vars(found) if not name.startswith("__")]


def _method_of(function: Any) -> tuple[str, str] | None:
    """The model and method behind a check that Pandera made of `@check` or `@dataframe_check`."""
    if not inspect.isfunction(function) or function.__name__ != "_adapter" or not function.__closure__:
        return None
    held = inspect.getclosurevars(function).nonlocals
    model, info = held.get("model_cls"), held.get("self")
    name = getattr(getattr(info, "check_fn", None), "__name__", None)
    return (model.__module__, f"{model.__qualname__}.{name}") if model is not None and name else None


def _require_same(reference: str, function: Any, *, is_method: bool) -> None:
    """Hold what a reference gives against the function that it is to stand for."""
    try:
        found = _find(reference)
    except SchemaError as error:
        raise SchemaError(f"'{reference}' cannot be found by this name: {error}; {FIX}") from error
    own = inspect.getclosurevars(function).nonlocals["self"].check_fn if is_method else function
    if getattr(found, "__func__", found) is not own:
        raise SchemaError(f"'{reference}' is another function by now; {FIX}")
