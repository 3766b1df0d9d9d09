"""One step on one input: every expectation in turn; the first that is not met is raised."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.io.plugins import register_io_source

from framework.boundary import Violations, conform
from framework.core.clock import at_run_time
from framework.definition.fanned import fanned_in
from framework.errors import SluiceError
from framework.run.execution import look_again
from framework.testing.compare import difference
from framework.testing.steps.finding import Broken, Finding
from framework.testing.ties import MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from framework.boundary import Contract
    from framework.definition import Step

    Frames = Mapping[str, pl.DataFrame]

FIRST = "once"
STREAMING, IN_MEMORY, EAGER = "streaming", "in memory", "in memory, without optimizations"


@dataclass(frozen=True)
class Subject:
    """A step to be examined, with the contract of what it gives and the values of its parameters."""

    step: Step
    contract: Contract
    parameters: dict[str, Any] = field(default_factory=dict)


class _Read(Exception):  # noqa: N818 - says that something was done, not that it failed
    """A row was asked for."""


def examine(subject: Subject, inputs: Frames) -> pl.DataFrame:
    """Hold a step to all that is expected of it on some input; gives its rows.

    Raises:
        Broken: with the first expectation that is not met.
    """
    frames = {name: inputs[name] for name in subject.step.inputs}
    rows = compute(subject, frames)
    _require_contract(subject, frames, rows)
    _require_repeat(subject, frames, rows)
    if not subject.step.ordered:
        _require_any_order(subject, frames, IN_MEMORY)
        _require_any_order(subject, frames, STREAMING)
    for name in (IN_MEMORY, EAGER):
        _require_same(frames, "engines", ("streaming", rows), (name, compute(subject, frames, engine=name)))
    if subject.step.row_wise:
        parts = pl.concat([compute(subject, part) for part in _parts(frames)], how="vertical_relaxed")
        _require_same(frames, "parts", ("whole", rows), ("in parts", parts))
    return rows


def compute(subject: Subject, frames: Frames, *, engine: str = STREAMING) -> pl.DataFrame:
    """Run a step and bring its columns into the types it declares, as a run does.

    Raises:
        Broken: when the step raises, or does not give a lazy frame of its columns.
    """
    try:
        with at_run_time(MOMENT):
            given = plan(subject, {name: frame.lazy() for name, frame in frames.items()})
            if engine == STREAMING:
                return given.collect(engine="streaming")
            optimized = pl.QueryOptFlags() if engine == IN_MEMORY else pl.QueryOptFlags.none()
            return given.collect(engine="in-memory", optimizations=optimized)
    except Broken as broken:
        raise Broken(_with(broken.finding, frames)) from broken
    except (Exception, pl.exceptions.PanicException) as error:
        words = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        told = words if engine == STREAMING else f"{words} ({engine})"
        raise Broken(Finding("raises", EXPECTED["raises"], told, dict(frames))) from error


def plan(subject: Subject, frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Let a step build its plan, and hold the plan's columns against what it declares."""
    found = subject.step.function(**frames, **subject.parameters)
    if not isinstance(found, pl.LazyFrame):
        text = f"{type(found).__name__}; return the lazy frame, uncollected"
        raise Broken(Finding("contract", EXPECTED["contract"], text))
    try:
        return conform(found, subject.contract, subject.step.name)
    except SluiceError as error:
        raise Broken(Finding("contract", EXPECTED["contract"], str(error))) from error


def _with(finding: Finding, frames: Frames) -> Finding:
    return Finding(finding.check, finding.expected, finding.found, dict(frames), finding.difference)


EXPECTED = {
    "raises": "rows, for every input that keeps to its schema",
    "contract": "rows that keep to the schema that the step declares",
    "repeat": "the same rows from the same input, whenever it runs",
    "engines": "the same rows on every engine",
    "order": "the same rows in whatever order its input comes (else say so: @step(ordered=True))",
    "parts": "row by row, as @step(row_wise=True) says: the rows of the parts of its first input",
    "collects": "a plan; no row is read while the step builds it",
}
WAVERS = "other rows when it ran again on the streaming engine, which takes rows in any order; the same ones in memory"
FOUND = {
    "repeat": "it gave other rows when it ran again",
    "engines": "the streaming engine gives other rows than the one {other}",
    "order": "other rows, with the input {other}",
    "parts": "other rows, with its first input in two parts",
}


def _require_same(frames: Frames, check: str, one: tuple[str, pl.DataFrame], other: tuple[str, pl.DataFrame]) -> None:
    found = difference(one[1], other[1], names=(one[0], other[0]))
    if found is not None:
        raise Broken(Finding(check, EXPECTED[check], FOUND[check].format(other=other[0]), dict(frames), found))


def _require_repeat(subject: Subject, frames: Frames, rows: pl.DataFrame) -> None:
    """Run the step again. The streaming engine adds up rows as its threads come to them, which differs between runs.

    So what wavers there, but not in memory, where the order of rows is kept, depends on their order.
    """
    found = difference(rows, compute(subject, frames), names=(FIRST, "again"))
    if found is None:
        return
    kept, again = (compute(subject, frames, engine=IN_MEMORY) for _ in range(2))
    if subject.step.ordered or difference(kept, again, names=(FIRST, "again")) is not None:
        raise Broken(Finding("repeat", EXPECTED["repeat"], FOUND["repeat"], dict(frames), found))
    _require_any_order(subject, frames, IN_MEMORY)  # what shows there shows every time
    raise Broken(Finding("order", EXPECTED["order"], WAVERS, dict(frames), found))


def _require_contract(subject: Subject, frames: Frames, rows: pl.DataFrame) -> None:
    with at_run_time(MOMENT):
        violations = Violations(subject.contract)
        violations.watch(rows.lazy()).collect(engine="in-memory")
    broken = +violations.close(look_again).counts
    if broken:
        told = "; ".join(f"{reason} ({count} of {rows.height} rows)" for reason, count in broken.most_common())
        raise Broken(Finding("contract", EXPECTED["contract"], told, dict(frames), _breaking(subject, rows)))


def _breaking(subject: Subject, rows: pl.DataFrame) -> pl.DataFrame:
    from framework.boundary.conform import contract_rules
    from framework.testing.recipes import holds

    rules = [rule for rule in contract_rules(subject.contract) if rule.severity == "error"]
    return rows.filter(~holds(rows, rules)).select(pl.lit("result").alias("in"), pl.all())


def _shuffled(frame: pl.DataFrame) -> pl.DataFrame:
    places = list(range(frame.height))
    Random(frame.height).shuffle(places)  # noqa: S311 - any order will do
    return frame[places]


def _in_pieces(frame: pl.DataFrame) -> pl.DataFrame:
    """The same rows in several pieces of memory, the last first."""
    half = frame.height // 2
    return pl.concat([frame[half:], frame[:half]], rechunk=False)


ORDERS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "reversed": pl.DataFrame.reverse,
    "shuffled": _shuffled,
    "in pieces, the last first": _in_pieces,
}


ORDERS_OF = {IN_MEMORY: ("reversed", "shuffled"), STREAMING: ("in pieces, the last first",)}


def _require_any_order(subject: Subject, frames: Frames, engine: str) -> None:
    """Change the order of rows. In memory sums are made in that order, so that what depends on it shows for certain."""
    rows = compute(subject, frames, engine=engine)
    for name in ORDERS_OF[engine]:
        others = {key: ORDERS[name](frame) for key, frame in frames.items()}
        _require_same(frames, "order", ("as given", rows), (name, compute(subject, others, engine=engine)))


def _parts(frames: Frames) -> Iterator[dict[str, pl.DataFrame]]:
    first = next(iter(frames))
    half = frames[first].height // 2
    for part in (frames[first][:half], frames[first][half:]):
        yield {**frames, first: part}


def _for_one_value(subject: Subject) -> Subject:
    """A step that is called for each value of a column, for one: the values themselves it may read."""
    fanned = fanned_in(subject.step.function)
    if fanned is None:
        return subject
    return replace(subject, parameters={**subject.parameters, fanned.column: fanned.example})


def require_lazy(subject: Subject, schemas: Mapping[str, pl.Schema]) -> None:
    """Let a step build its plan over frames that cannot be read.

    Raises:
        Broken: when it reads them all the same.
    """
    asked: list[str] = []

    def unreadable(name: str) -> pl.LazyFrame:
        def rows(*_: object) -> Iterator[pl.DataFrame]:
            asked.append(name)
            raise _Read
            yield

        return register_io_source(rows, schema=schemas[name], is_pure=True)

    try:
        with at_run_time(MOMENT):
            plan(_for_one_value(subject), {name: unreadable(name) for name in subject.step.inputs})
    except (Exception, pl.exceptions.PanicException) as error:
        if not asked:  # another mistake, which shows with rows too
            return
        text = f"it reads '{asked[0]}' while it builds its plan: leave collect() to the run"
        raise Broken(Finding("collects", EXPECTED["collects"], text)) from error
