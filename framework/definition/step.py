"""Steps: plain functions on lazy frames, with what their signature says about them."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from framework.core.typed import DataFrameModel, frame_schema, is_frame, is_schema
from framework.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framework.core.rule import BusinessRule

F = TypeVar("F", bound="Callable[..., Any]")

MARK = "__sluice_returns__"
CLAIMS = "__sluice_claims__"


@dataclass(frozen=True)
class Parameter:
    """A run parameter of a step: its type and, unless it must be given, its default."""

    name: str
    annotation: Any
    default: Any = inspect.Parameter.empty

    @property
    def is_required(self) -> bool:
        """Whether a run must give a value."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Step:
    """A function of a pipeline: its inputs are sources or steps by name, its output is held against `returns`.

    `ordered`, `row_wise` and `checkpoint`: what its author says of it; see `step`. `rules`: business rules beside those
    of `returns`.
    """

    name: str
    function: Callable[..., Any]
    returns: type[DataFrameModel] | None
    inputs: dict[str, type[DataFrameModel] | None] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    where: str = ""
    ordered: bool = False
    row_wise: bool = False
    rules: tuple[BusinessRule, ...] = ()
    checkpoint: bool = False


def step(
    *,
    returns: type[DataFrameModel] | str,
    rules: Sequence[BusinessRule] = (),
    ordered: bool = False,
    row_wise: bool = False,
    checkpoint: bool = False,
) -> Callable[[F], F]:
    """Declare what a step returns: a schema, or the path of its file. The function stays a plain function.

    Parameters annotated `LazyFrame[Schema]` are inputs, named like the source or step that feeds them. All others are
    run parameters.

    Args:
        returns: The schema of its rows.
        rules: Business rules that its rows are held against beside those of the schema; see `rule`.
        ordered: That its rows depend on the order of its input on purpose, so `sluice test` does not change it. Rows
            of files without references come in the order of files and lines; those of tables in none.
        row_wise: That each row of its first input is treated by itself; `sluice test` then holds it to that.
        checkpoint: That its rows are written down once, and read by whatever takes them: a stage ends here. A later
            attempt or run that would come to the same rows finds them by their fingerprint.

    >>> import polars as pl
    >>> from framework.core.typed import DataFrameModel, LazyFrame
    >>> class Order(DataFrameModel):
    ...     amount: int
    >>> @step(returns=Order)
    ... def doubled(orders: LazyFrame[Order]) -> pl.LazyFrame:
    ...     return orders.with_columns(pl.col("amount") * 2)
    >>> doubled(pl.LazyFrame({"amount": [2]})).collect()["amount"].to_list()
    [4]
    """

    def mark(function: F) -> F:
        setattr(function, MARK, returns)
        claims = {"ordered": ordered, "row_wise": row_wise, "rules": tuple(rules), "checkpoint": checkpoint}
        setattr(function, CLAIMS, claims)
        return function

    return mark


def read_step(function: Callable[..., Any]) -> tuple[Step, list[Problem]]:
    """Read a step from its function; problems are returned, not raised, so that all can be reported at once."""
    name = getattr(function, "__name__", repr(function))
    where = f"step '{name}'"
    problems: list[Problem] = []
    returns = getattr(function, MARK, None)
    if returns is None:
        problems.append(Problem(where, "does not say what it returns", "put @step(returns=Schema) above it"))
    elif not is_schema(returns):
        problems.append(Problem(where, f"returns={returns!r} is no schema", "give a Pandera DataFrameModel"))
        returns = None
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:  # noqa: BLE001 - any annotation may be wrong in any way, and is reported
        problems.append(Problem(where, f"its annotations cannot be read: {error}", "import their names at run time"))
        hints = {}
    inputs: dict[str, type[DataFrameModel] | None] = {}
    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            problems.append(Problem(where, f"takes *{parameter.name}", "name every input and parameter"))
        elif parameter.name not in hints:
            if hints or parameter.annotation is parameter.empty:
                fix = "annotate it with LazyFrame[Schema] or, for a run parameter, with its type"
                problems.append(Problem(where, f"parameter '{parameter.name}' has no type", fix))
        elif is_frame(hints[parameter.name]):
            inputs[parameter.name] = frame_schema(hints[parameter.name])
        else:
            parameters.append(Parameter(parameter.name, hints[parameter.name], parameter.default))
    claims = getattr(function, CLAIMS, {})
    return Step(name, function, returns, inputs, tuple(parameters), where, **claims), problems
