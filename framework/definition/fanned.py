"""Fan-out: a step that is called once for each value that a column has when the pipeline runs."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import StepError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST = 1000
"""For more values than this, a group by in one plan is what is wanted."""
EXAMPLES: dict[Any, Any] = {
    str: "",
    int: 0,
    float: 0.0,
    bool: False,
    Decimal: Decimal(0),
    date: date(2000, 1, 1),
    datetime: datetime(2000, 1, 1),  # noqa: DTZ001 - stands for any; no row has it
    time: time(),
    timedelta: timedelta(),
}
"""The types of values that a step can be called for, each with a value that stands for any where there are no rows."""


@dataclass(frozen=True)
class Fanned:
    """A step's function that is called once for each value of a column of its first input; its rows are put together.

    Each call gets the rows of that value, of every input that has the column, and the value under the column's name.
    Reads the column's distinct values when it is called, which are few; all else stays lazy. Rows without a value make
    a call of their own where the function takes None.
    """

    function: Callable[..., pl.LazyFrame]
    column: str
    of: str
    kind: Any
    takes_none: bool = False
    __wrapped__: Callable[..., pl.LazyFrame] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "__wrapped__", self.function)
        object.__setattr__(self, "__name__", self.function.__name__)
        object.__setattr__(self, "__doc__", self.function.__doc__)

    def __call__(self, **arguments: Any) -> pl.LazyFrame:
        """Plan all calls.

        Raises:
            StepError: when there are too many values, or rows without one that the function does not take.
        """
        if self.column in arguments:  # of one value, as in a notebook or a test
            return self.function(**arguments)
        values = self.values(arguments[self.of])
        frames = [self._of_value(value, arguments) for value in values]
        return pl.concat(frames) if frames else self._of_value(self.example, arguments).clear()

    @property
    def example(self) -> Any:
        """A value that stands for any where there are no rows."""
        return EXAMPLES[self.kind]

    def values(self, rows: pl.LazyFrame) -> list[Any]:
        """The values that the column has in some rows, in their order, None last."""
        self._require_column(rows.collect_schema())
        found = rows.select(pl.col(self.column).unique()).head(MOST + 1).collect(engine="streaming")[self.column]
        if len(found) > MOST:
            fix = "let one plan treat all of them with group_by or over"
            raise StepError(
                f"step '{self.function.__name__}' is called for each {self.column}, of which '{self.of}' has"
                f" more than {MOST:,}; {fix}"
            )
        if found.null_count() and not self.takes_none:
            fix = f"refuse them, or let the step take None: {self.column}: {_word(self.kind)} | None"
            raise StepError(
                f"step '{self.function.__name__}' is called for each {self.column}, and '{self.of}' has rows"
                f" without one; {fix}"
            )
        return [*found.drop_nulls().sort().to_list(), *([None] if found.null_count() else [])]

    def _require_column(self, schema: pl.Schema) -> None:
        where = f"step '{self.function.__name__}' is called for each {self.column}"
        if self.column not in schema:
            hint = did_you_mean(self.column, schema.names())
            raise StepError(f"{where}, which '{self.of}' does not have; {hint}")
        if schema[self.column].to_python() is not self.kind:
            fix = f"annotate it with {_word(schema[self.column].to_python())}"
            raise StepError(f"{where}, a {schema[self.column]}, and takes {_word(self.kind)}; {fix}")

    def _of_value(self, value: Any, arguments: Mapping[str, Any]) -> pl.LazyFrame:
        given = {
            name: _with_value(one, self.column, value) if isinstance(one, pl.LazyFrame) else one
            for name, one in arguments.items()
        }
        return self.function(**given, **{self.column: value})


def _with_value(rows: pl.LazyFrame, column: str, value: Any) -> pl.LazyFrame:
    schema = rows.collect_schema()
    if column not in schema:
        return rows
    if value is None:
        return rows.filter(pl.col(column).is_null())
    return rows.filter(pl.col(column) == pl.lit(value, dtype=schema[column]))


def fanned_in(function: Any) -> Fanned | None:
    """The fan-out of a step's function, where there is one, also inside hooks."""
    while function is not None and not isinstance(function, Fanned):
        function = getattr(function, "__wrapped__", None)
    return function


def read_kind(annotation: Any) -> tuple[Any, bool]:
    """The type of values that an annotation asks for, and whether None will do; None where it is no such type.

    >>> read_kind(str), read_kind(int | None), read_kind(list)
    ((<class 'str'>, False), (<class 'int'>, True), (None, False))
    """
    is_union = typing.get_origin(annotation) in {typing.Union, types.UnionType}
    parts = typing.get_args(annotation) if is_union else (annotation,)
    kinds = [part for part in parts if part is not type(None)]
    kind = kinds[0] if len(kinds) == 1 and kinds[0] in EXAMPLES else None
    return kind, type(None) in parts


def _word(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
