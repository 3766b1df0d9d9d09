"""Turn the checks of a Pandera schema into Polars expressions, without any data.

A Pandera check is a function of a lazy frame that answers with a lazy frame of booleans. Handing it a frame that
records what is selected from it gives the expression behind the answer; that expression then becomes part of the one
plan.
This module is the only place that touches the private parts of Polars and Pandera which that takes (polars 2.1,
pandera 0.35).
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from pandera.api.polars.container import DataFrameSchema
from pandera.api.polars.types import PolarsData
from polars._utils.parse import parse_into_list_of_expressions
from polars._utils.wrap import wrap_expr

from framework.errors import SchemaError

if TYPE_CHECKING:
    from pandera import Check

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


def trace(check: Check, column: str | None, schema: pl.Schema) -> pl.Expr:
    """Give the expression that is true where a check holds.

    Raises:
        SchemaError: when the check is more than one `select` on the frame it is given.
    """
    function: Any = check._check_fn  # noqa: SLF001 - Pandera has no public way to the function with its arguments
    bound = partial(function, **check._check_kwargs)  # noqa: SLF001
    if check.element_wise:
        if column is None:
            raise SchemaError("an element-wise check needs a column; write it as an expression over the frame")
        return pl.col(column).map_elements(bound, return_dtype=pl.Boolean)
    recorder = _Recorder(schema=schema)
    recorder._is_root = True  # noqa: SLF001
    try:
        answer = bound(PolarsData(recorder, column or "*"))
    except Exception as error:
        raise SchemaError(f"the check raised while it was compiled: {type(error).__name__}: {error}") from error
    recorded = answer.recorded if isinstance(answer, _Recorder) else None
    if not recorded:
        raise SchemaError("only checks of the form `data.lazyframe.select(<expression>)` can be part of a plan")
    return recorded[0] if len(recorded) == 1 else pl.all_horizontal(recorded)


def tier(expression: pl.Expr, schema: pl.Schema) -> Tier:
    """Say how much of the data a rule looks at: one row, a window of rows, or the whole dataset."""
    try:
        if expression.meta.is_scalar():
            return "dataset"
    except pl.exceptions.ColumnNotFoundError:
        return "row"  # a Python function per element at the root
    return "row" if _is_row_wise(expression, schema) else "window"


def _is_row_wise(expression: pl.Expr, schema: pl.Schema) -> bool:
    # NOTE: `is_row_separable` looks at the root node only (polars 2.1), so the tree is walked.
    try:
        if expression.meta.is_literal():  # the values of `isin`, say
            return True
        if not expression.meta.is_row_separable():
            return False
        return all(_is_row_wise(child, schema) for child in expression.meta.pop(schema=schema))
    except pl.exceptions.ColumnNotFoundError:
        return True  # a Python function per element: no child to look at, one row at a time
