"""Turn the checks of a Pandera schema into Polars expressions, without any data.

A Pandera check is a function of a lazy frame that answers with a lazy frame of booleans. Handing it a frame that
records what is selected from it gives the expression behind the answer; that expression then becomes part of the one
plan.
This module is the only place that touches the private parts of Polars and Pandera which that takes (polars 2.1,
pandera 0.35).
"""

from __future__ import annotations

import warnings
from copy import copy
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from pandera.api.checks import Check as PanderaCheck
from pandera.api.function_dispatch import Dispatcher
from pandera.api.polars.container import DataFrameSchema
from pandera.api.polars.types import PolarsData
from pandera.errors import SchemaDefinitionError, SchemaInitError
from polars._utils.parse import parse_into_list_of_expressions
from polars._utils.wrap import wrap_expr

from framework.errors import DefinitionError, Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pandera import Check
    from pandera.polars import DataFrameModel

Tier = Literal["row", "window", "dataset"]


@cache
def register_backends() -> None:
    """Let Pandera load its checks for Polars: on first use, since that takes longer than a run with nothing to do."""
    DataFrameSchema.register_default_backends(pl.LazyFrame)


class _Recorder(pl.LazyFrame):
    """A lazy frame over no rows that remembers the expressions of the first `select` on it."""

    _is_root = False
    recorded: list[pl.Expr] | None = None

    def select(self, *exprs: Any, **named_exprs: Any) -> pl.LazyFrame:
        result = super().select(*exprs, **named_exprs)
        if self._is_root and isinstance(result, _Recorder):
            result.recorded = [wrap_expr(e) for e in parse_into_list_of_expressions(*exprs, **named_exprs)]
        return result


def trace(check: Check, column: str | None, schema: pl.Schema) -> list[pl.Expr]:
    """Give the expressions that are all true where a check holds.

    Raises:
        SchemaError: when the check is more than one `select` on the frame it is given.
    """
    bound = partial(_function_of(check), **check._check_kwargs)  # noqa: SLF001 - no public way to a check's arguments
    if check.element_wise:
        names = schema.names() if column is None else [column]
        return [pl.col(name).map_elements(_forgiving(bound), return_dtype=pl.Boolean) for name in names]
    recorder = _Recorder(schema=schema)
    recorder._is_root = True  # noqa: SLF001
    try:
        answer = bound(PolarsData(recorder, column or "*"))
    except SchemaError:  # a rule in SQL says itself what is wrong with it
        raise
    except Exception as error:
        raise SchemaError(f"the check raised while it was compiled: {type(error).__name__}: {error}") from error
    recorded = answer.recorded if isinstance(answer, _Recorder) else None
    if not recorded:
        raise SchemaError("only checks of the form `data.lazyframe.select(<expression>)` can be part of a plan")
    return recorded


def _function_of(check: Check) -> Any:
    """The function of a check.

    NOTE: a built-in check that was made before Pandera loaded its backend for Polars never learns of it (pandera 0.35).
    """
    known = PanderaCheck.CHECK_FUNCTION_REGISTRY
    function = check._check_fn  # noqa: SLF001 - Pandera has no public way to the function
    return known.get(str(check.registry_name), function) if isinstance(function, Dispatcher) else function


def _forgiving(function: Callable[[Any], Any]) -> Callable[[Any], bool]:
    """A value that a check of single values cannot work with does not pass it; a mistake of the check's code stops."""

    def ask(value: Any) -> bool:
        try:
            return bool(function(value))
        except (ValueError, TypeError, ArithmeticError, LookupError):
            return False

    return ask


def schema_of(
    model: type[DataFrameModel] | DataFrameSchema, name: str, columns: Collection[str] | None
) -> DataFrameSchema:
    """Give the schema object of a model; with the `columns` of a frame, its regex columns are spelled out.

    Raises:
        DefinitionError: when Pandera itself refuses the model.
    """
    try:
        with warnings.catch_warnings():
            # NOTE: Pandera (0.35) warns of types that it does not know by name, such as Int128; the plan knows them.
            warnings.filterwarnings("ignore", message=".* support is not guaranteed", category=UserWarning)
            declared = model.to_schema() if isinstance(model, type) else model
    except (SchemaInitError, SchemaDefinitionError, TypeError) as error:
        raise DefinitionError([Problem(name, f"Pandera refuses it: {str(error).splitlines()[0]}")]) from error
    if columns is None or not any(column.regex for column in declared.columns.values()):
        return declared
    spelled = copy(declared)
    spelled.columns = dict(_spelled(declared, list(columns)))
    return spelled


def _spelled(declared: DataFrameSchema, names: list[str]) -> Iterator[tuple[str, Any]]:
    rows = pl.LazyFrame(schema=dict.fromkeys(names, pl.Null))
    for name, column in declared.columns.items():
        if not column.regex:
            yield name, column
            continue
        for found in rows.select(pl.col(column.selector)).collect_schema().names():
            if found not in declared.columns:  # a column of its own is not governed by a regex as well
                one = copy(column)
                one.name, one.regex = found, False
                yield found, one


def tier(expression: pl.Expr, schema: pl.Schema) -> Tier:
    """Say how much of the data a rule looks at: one row, a window of rows, or the whole dataset."""
    try:
        if expression.meta.is_scalar():
            return "dataset"
    except pl.exceptions.ColumnNotFoundError:
        return "row"  # a Python function per element at the root
    return "row" if is_row_wise(expression, schema) else "window"


def answers_every_row(expression: pl.Expr) -> bool:
    """Whether an expression gives one value per row, or one for all of them."""
    try:
        return expression.meta.is_scalar() or expression.meta.is_length_preserving()
    except pl.exceptions.ColumnNotFoundError:
        return True  # NOTE: polars asks a Python function for its type without a schema (polars 2.1)


def is_row_wise(expression: pl.Expr, schema: pl.Schema) -> bool:
    """Whether an expression's answer for a row follows from that row alone."""
    # NOTE: `is_row_separable` looks at the root node only (polars 2.1), so the tree is walked.
    try:
        if expression.meta.is_literal():  # the values of `isin`, say
            return True
        if not expression.meta.is_row_separable():
            return False
        return all(is_row_wise(child, schema) for child in expression.meta.pop(schema=schema))
    except pl.exceptions.ColumnNotFoundError:
        return True  # a Python function per element: no child to look at, one row at a time
