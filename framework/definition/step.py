"""Steps: plain functions on lazy frames, with what their signature says about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from framework.core.typed import DataFrameModel, is_schema
from framework.definition.fanned import EXAMPLES, Fanned, read_kind
from framework.definition.signature import Condition, Parameter, Standby, read_signature
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from framework.core.rule import BusinessRule

F = TypeVar("F", bound="Callable[..., Any]")

MARK = "__sluice_returns__"
CLAIMS = "__sluice_claims__"


@dataclass(frozen=True)
class Step:
    """A function of a pipeline: its inputs are sources or steps by name, its output is held against `returns`.

    `ordered`, `row_wise` and `checkpoint`: what its author says of it; see `step`. `rules`: business rules beside those
    of `returns`. `when`: whether it is run at all. `otherwise`: what stands in where it fails.
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
    when: Condition | None = None
    otherwise: Standby | None = None


def step(  # noqa: PLR0913 - one keyword per thing that a step can say
    *,
    returns: type[DataFrameModel] | str,
    rules: Sequence[BusinessRule] = (),
    ordered: bool = False,
    row_wise: bool = False,
    checkpoint: bool = False,
    each: str = "",
    when: Callable[..., Any] | None = None,
    otherwise: Callable[..., Any] | None = None,
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
        each: A parameter that is no run parameter: the step is called once for each value that the column of this name
            has in its first input, a table that the pipeline reads or a checkpoint, with the rows of that value.
        when: A function that says whether the step is run: of run parameters, and of tables that the pipeline reads, as
            lazy frames; gives a bool, or a lazy frame of one. Tables made of a step that is not run stay as they are.
        otherwise: A function whose rows stand in, for a run, when the step raises while its plan is built, or its rows
            break what it declares. It takes some of the step's arguments; its rows are held against the same schema.

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
        claims |= {"each": each, "when": when, "otherwise": otherwise}
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
    inputs, parameters, wrong = read_signature(function, where)
    claims = dict(getattr(function, CLAIMS, {}))
    each, when, otherwise = claims.pop("each", ""), claims.pop("when", None), claims.pop("otherwise", None)
    problems += wrong
    called = function
    if each:
        called, missing = _fanned(function, where, each, inputs, parameters)
        problems += missing
        parameters = [one for one in parameters if one.name != each]
    if when is not None:
        claims["when"], unusable = _read_condition(when, where)
        problems += unusable
    if otherwise is not None:
        claims["otherwise"], unusable = _read_standby(otherwise, where, {*inputs, *(one.name for one in parameters)})
        problems += unusable
    return Step(name, called, returns, inputs, tuple(parameters), where, **claims), problems


def _fanned(
    function: Callable[..., Any],
    where: str,
    each: str,
    inputs: Mapping[str, type[DataFrameModel] | None],
    parameters: Sequence[Parameter],
) -> tuple[Callable[..., Any], list[Problem]]:
    """The function that is called once for each value of a column."""
    known = {one.name: one for one in parameters}
    if each not in known:
        fix = did_you_mean(each, known) or f"add it: {each}: str"
        return function, [Problem(where, f"each='{each}' is no parameter of it that takes a value", fix)]
    kind, takes_none = read_kind(known[each].annotation)
    if kind is None:
        types = ", ".join(sorted(one.__name__ for one in EXAMPLES))
        return function, [
            Problem(where, f"each='{each}' is of no type that a column has", f"annotate it with one of {types}")
        ]
    if not inputs:
        return function, []  # that it takes no frame is told elsewhere
    return Fanned(function, each, next(iter(inputs)), kind, takes_none), []


def _read_condition(when: Callable[..., Any], where: str) -> tuple[Condition | None, list[Problem]]:
    if not callable(when):
        fix = "give a function of run parameters and tables"
        return None, [Problem(where, f"when={when!r} is no condition", fix)]
    name = getattr(when, "__name__", repr(when))
    inputs, parameters, problems = read_signature(when, f"{where}, condition '{name}'")
    return Condition(name, when, inputs, tuple(parameters)), problems


def _read_standby(
    otherwise: Callable[..., Any], where: str, taken: Collection[str]
) -> tuple[Standby | None, list[Problem]]:
    if not callable(otherwise):
        return None, [
            Problem(where, f"otherwise={otherwise!r} is no function", "give one that takes what the step takes")
        ]
    name = getattr(otherwise, "__name__", repr(otherwise))
    inputs, parameters, problems = read_signature(otherwise, f"{where}, otherwise '{name}'")
    takes = (*inputs, *(parameter.name for parameter in parameters))
    for unknown in (one for one in takes if one not in taken):
        what = f"its otherwise '{name}' takes '{unknown}', which the step does not"
        problems.append(Problem(where, what, did_you_mean(unknown, taken)))
    return Standby(name, otherwise, takes), problems
