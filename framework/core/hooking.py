"""Calling hooks: what those of one run are told in common, which are called, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from framework.core.events import current_context, emit
from framework.core.hooks import POINTS, StepMoment
from framework.core.report import HookReport
from framework.errors import HookError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from framework.core.hooks import Hook, Moment, ReadMoment

M = TypeVar("M", bound="Moment")


@dataclass
class HookRun:
    """A run of a pipeline as its hooks see it: what they are told of it, and what became of them.

    `told`: what hooks that watch have been called for in this attempt, each once. `is_planning`: the plan of the run is
    being built, not only looked at. `is_silent`: hooks that watch are not called, but those that must come before a
    store is asked: it runs again what has run.
    """

    pipeline: str
    attempt: int = 1
    run_id: str = ""
    seq: int = 0
    told: set[tuple[Hook, str]] = field(default_factory=set)
    reports: dict[str, HookReport] = field(default_factory=dict)
    is_planning: bool = False
    is_silent: bool = False

    def begin(self, run_id: str, seq: int) -> None:
        """Take up a sequence; what its planning has told counts for it."""
        if seq != self.seq:
            self.told, self.reports = set(), {}
        self.run_id, self.seq = run_id, seq

    def count(self, hook: Hook, *, failed: bool) -> None:
        """Count a call of a hook, and whether it failed."""
        before = self.reports.get(hook.name, HookReport())
        self.reports[hook.name] = HookReport(before.calls + 1, before.failed + failed)


_run: ContextVar[HookRun | None] = ContextVar("sluice_hook_run", default=None)


@contextmanager
def hooked_run(pipeline: str) -> Iterator[HookRun]:
    """Have hooks that watch called within the block: it runs a pipeline. One that is under way already stays."""
    under_way = _run.get()
    if under_way is not None and under_way.pipeline == pipeline:
        yield under_way
        return
    run = HookRun(pipeline, attempt=int(current_context().get("attempt", 1)))
    token = _run.set(run)
    try:
        yield run
    finally:
        _run.reset(token)


@contextmanager
def silent_run(pipeline: str) -> Iterator[None]:
    """Have no hook called within the block that watches a run of a pipeline, as nothing of it is news."""
    token = _run.set(HookRun(pipeline, is_silent=True))
    try:
        yield
    finally:
        _run.reset(token)


@contextmanager
def building_plan() -> Iterator[None]:
    """Have hooks that watch rows and steps called within the block: the plan that it builds is the one that runs."""
    run = _run.get() or HookRun("")
    before, run.is_planning = run.is_planning, True
    try:
        yield
    finally:
        run.is_planning = before


def notify(hooks: Sequence[Hook], point: str, pipeline: str, place: str = "", **facts: Any) -> None:
    """Call the hooks of a point that watch, each once per attempt and place, in a run; `before_read` everywhere.

    Raises:
        HookError: when one fails whose policy is to fail.
    """
    run = _run.get() or (HookRun(pipeline) if point == "before_read" else None)
    if run is None or not hooks:
        return
    moment = moment_of(point, pipeline, place, **facts)
    for hook in hooks:
        _tell(run, hook, moment)


def moment_of(point: str, pipeline: str, place: str = "", **facts: Any) -> Any:
    """What hooks of a point are told now."""
    run = _run.get() or HookRun(pipeline)
    return POINTS[point][1](point, pipeline, place, run.run_id, run.seq, run.attempt, **facts)


def pass_rows(hooks: Iterable[Hook], moment: ReadMoment | StepMoment, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Hand rows through the hooks of a point, each of which may give changed ones, with the same columns.

    Raises:
        HookError: when one fails, or gives something else than rows with these columns.
    """
    for hook in hooks:
        now = replace(moment, rows=rows)
        if hook.changes:
            given = _ask(hook, _of_any_run(now))
            rows = rows if given is None else _held(hook, now, rows, given)
        else:
            _watch(hook, now)
    return rows


def pass_inputs(hooks: Iterable[Hook], moment: StepMoment) -> Mapping[str, pl.LazyFrame]:
    """Hand the inputs of a step through its hooks, each of which may give changed ones, with the same columns.

    Raises:
        HookError: when one fails, or gives something else than inputs of the step with their columns.
    """
    now = moment
    for hook in hooks:
        if not hook.changes:
            _watch(hook, now)
            continue
        given = _ask(hook, _of_any_run(now)) or {}
        if not isinstance(given, Mapping) or not given.keys() <= now.inputs.keys():
            names = ", ".join(now.inputs)
            raise HookError(
                f"{_where(hook, now)} gave {_shown(given)}; give changed frames by the name of an input: {names}"
            )
        held = {name: _held(hook, now, now.inputs[name], rows) for name, rows in given.items()}
        now = replace(now, inputs={**now.inputs, **held})
    return now.inputs


def _of_any_run(moment: M) -> M:
    """What a hook that changes rows is told: nothing of the run, so that its plan is the same in all of them."""
    return replace(moment, run_id="", seq=0, attempt=1)


def _watch(hook: Hook, moment: ReadMoment | StepMoment) -> None:
    run = _run.get()
    if run is not None and run.is_planning:
        _tell(run, hook, moment)


def _tell(run: HookRun, hook: Hook, moment: Moment) -> None:
    """Call a hook that watches, if it has not been called for this yet."""
    if run.is_silent and moment.point != "before_read":
        return
    if hook.changes or (hook, moment.key) in run.told:
        return
    run.told.add((hook, moment.key))
    try:
        _ask_for_nothing(hook, moment)
    except HookError as error:
        run.count(hook, failed=True)
        if hook.on_error == "fail":
            raise
        emit("hook.failed", f"{error}; the run goes on", level="WARNING", hook=hook.name, point=hook.point)
    else:
        run.count(hook, failed=False)


def _ask_for_nothing(hook: Hook, moment: Moment) -> None:
    given = _ask(hook, moment)
    if given is not None:
        fix = "annotate it with what it gives, if that is to count"
        raise HookError(f"{_where(hook, moment)} gave {_shown(given)}, and does not say so; {fix}")


def _ask(hook: Hook, moment: Moment) -> Any:
    try:
        return hook.function(moment)
    except Exception as error:
        raise HookError(f"{_where(hook, moment)} raised {type(error).__name__}: {error}") from error


def _held(hook: Hook, moment: Moment, rows: pl.LazyFrame, given: Any) -> pl.LazyFrame:
    """Hold what a hook gave against the columns of what it was given."""
    import polars as pl

    if not isinstance(given, pl.LazyFrame):
        raise HookError(f"{_where(hook, moment)} gave {_shown(given)}; give the lazy frame, uncollected")
    try:
        before, after = rows.collect_schema(), given.collect_schema()
    except pl.exceptions.PolarsError as error:
        text = f"{_where(hook, moment)} gave a plan that cannot be resolved: {str(error).splitlines()[0]}"
        raise HookError(text) from error
    wrong = [f"{name} is missing" for name in before if name not in after]
    wrong += [f"{name} is new" for name in after if name not in before]
    wrong += [f"{name} is {after[name]}, was {kind}" for name, kind in before.items() if after.get(name, kind) != kind]
    if wrong:
        raise HookError(f"{_where(hook, moment)} gave other columns: {', '.join(wrong)}; change values, not columns")
    return given if after.names() == before.names() else given.select(before.names())


def _where(hook: Hook, moment: Moment) -> str:
    return f"hook '{hook.name}' at {moment.point}" + (f" of '{moment.place}'" if moment.place else "")


def _shown(given: object) -> str:
    return type(given).__name__ if not isinstance(given, Mapping) else ", ".join(map(str, given)) or "nothing"
