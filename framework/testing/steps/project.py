"""Every step of the chosen pipelines, and the pipelines themselves, tried one after another."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.core.clock import at_run_time
from framework.run.compiled import contracts
from framework.run.parameters import resolve_parameters, typed_parameters
from framework.sources import PROVENANCE_TYPES
from framework.testing.extra import st
from framework.testing.steps.examine import Subject, compute, examine, require_lazy
from framework.testing.steps.finding import Broken, Finding
from framework.testing.steps.hunt import Caught, Effort, Unusable, hunt, leaving_nothing, with_a_row_less
from framework.testing.steps.incremental import deliveries, read_fed, require_same_tables, shorter
from framework.testing.ties import MOMENT, Inputs, draw_inputs, flavours, only, read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from hypothesis.strategies import DrawFn

    from framework.boundary import Contract
    from framework.definition import Pipeline, Step

State = Literal["passed", "failed", "skipped"]
INCREMENTAL = "incremental = full"
SHARES = 2
"""One thing may take so many even shares of the time that is left: most take less."""
RUNS_PER_EXAMPLES, LESS_SHRINKS = 5, 10
"""A pipeline is run in parts and in full once where a step is tried on so many examples: that takes longer."""


@dataclass(frozen=True)
class Tried:
    """What came of one step, or of a pipeline as a whole (`incremental = full`)."""

    pipeline: str
    step: str
    state: State
    examples: int = 0
    seconds: float = 0.0
    finding: Finding | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        found = self.finding.to_dict() if self.finding else None
        told = {"pipeline": self.pipeline, "step": self.step, "state": self.state, "examples": self.examples}
        return {**told, "seconds": self.seconds, "finding": found, "reason": self.reason or None}


@dataclass(frozen=True)
class Trial:
    """How to try: examples per step, seed, seconds for all, parameters, and whether values go to the ends.

    `shrinks`: see `Effort`.
    """

    examples: int = 10
    seed: int = 0
    seconds: float | None = None
    parameters: Mapping[str, Any] | None = None
    extremes: bool = False
    shrinks: int = 150


@dataclass(frozen=True)
class _Task:
    """One thing to be tried."""

    pipeline: str
    step: str
    run: Callable[[Effort], Caught] | None
    reason: str = ""


def try_pipelines(chosen: Sequence[Pipeline], known: Collection[Pipeline], trial: Trial) -> Iterator[Tried]:
    """Try the steps of pipelines in their order, then each pipeline as a whole; gives what came of each as it comes.

    Steps that pipelines share are tried once.

    Args:
        chosen: The pipelines.
        known: All of the project: a table has the key by which its writer merges it.
        trial: How to try.

    Raises:
        ConfigurationError: when hypothesis is not installed.
        DefinitionError: when a schema cannot be compiled.
    """
    done: set[Any] = set()
    with leaving_nothing():
        tasks = [task for pipeline in chosen for task in _tasks(pipeline, known, trial, done)]
        until = time.monotonic() + (trial.seconds if trial.seconds is not None else float("inf"))
        for number, task in enumerate(tasks):
            yield _try(task, trial, until, len(tasks) - number)


def _try(task: _Task, trial: Trial, until: float, left: int) -> Tried:
    """Try one thing in its share of the time that is left."""
    if task.run is None:
        return Tried(task.pipeline, task.step, "skipped", reason=task.reason)
    start = time.monotonic()
    if start > until:
        return Tried(task.pipeline, task.step, "skipped", reason="time is up: give it more --seconds")
    share = start + (until - start) / left * SHARES
    number = Random(f"{trial.seed}:{task.pipeline}:{task.step}").getrandbits(64)  # noqa: S311 - the same for a seed
    part, less = (RUNS_PER_EXAMPLES, LESS_SHRINKS) if task.step == INCREMENTAL else (1, 1)
    effort = Effort(max(1, trial.examples // part), number, min(share, until), trial.shrinks // less)
    caught = task.run(effort)
    state: State = "failed" if caught.finding else "passed" if caught.examples else "skipped"
    reason = "" if caught.examples else "no input could be made for it in time"
    taken = round(time.monotonic() - start, 3)
    return Tried(task.pipeline, task.step, state, caught.examples, taken, caught.finding, reason)


@dataclass(frozen=True)
class _Ready:
    """A pipeline made ready: how its sources are drawn, its contracts, and the values of its parameters.

    `lacking`: the parameters without a value, and the sources without a schema, as reasons by name.
    """

    pipeline: Pipeline
    inputs: Inputs
    contracts: dict[str, Contract]
    parameters: dict[str, Any]
    lacking: dict[str, str]
    trial: Trial


def _tasks(pipeline: Pipeline, known: Collection[Pipeline], trial: Trial, done: set[Any]) -> Iterator[_Task]:
    ready = _make_ready(pipeline, known, trial)
    for step in pipeline.steps:
        shared = (step.function, *(one.function for one in _before(ready, step)))
        if shared not in done:
            done.add(shared)
            yield _step_task(ready, step)
    if ready.lacking:
        yield _Task(pipeline.name, INCREMENTAL, None, next(iter(ready.lacking.values())))
        return
    fed = read_fed(pipeline, known, ready.parameters)
    strategy = deliveries(fed, ready.inputs, extremes=trial.extremes)
    yield _Task(
        pipeline.name,
        INCREMENTAL,
        lambda effort: hunt(strategy, lambda parts: require_same_tables(fed, parts), effort, smaller=shorter),
    )


def _make_ready(pipeline: Pipeline, known: Collection[Pipeline], trial: Trial) -> _Ready:
    inputs = read_inputs(pipeline, known)
    taken = pipeline.parameters
    given = {name: value for name, value in (trial.parameters or {}).items() if name in taken}
    missing = [name for name, parameter in taken.items() if parameter.is_required and name not in given]
    lacking = {name: f"parameter '{name}' needs a value: --param {name}=..." for name in missing}
    lacking |= {
        name: f"source '{name}' has no schema: give it schema="
        for name in pipeline.sources
        if name not in inputs.recipes
    }
    parameters = {} if missing else typed_parameters(pipeline, resolve_parameters(pipeline, given))
    with at_run_time(MOMENT):
        return _Ready(pipeline, inputs, contracts(pipeline), parameters, lacking, trial)


def _before(ready: _Ready, step: Step) -> list[Step]:
    """The steps that a step's input comes from, in order."""
    needed = ready.pipeline.upstream(step.name)
    return [one for one in ready.pipeline.steps if one.name in needed and one.name != step.name]


def _step_task(ready: _Ready, step: Step) -> _Task:
    needed = ready.pipeline.upstream(step.name)
    steps = [*_before(ready, step), step]
    asked = {*needed, *(parameter.name for one in steps for parameter in one.parameters)}
    why = next((reason for name, reason in ready.lacking.items() if name in asked), "")
    if why:
        return _Task(ready.pipeline.name, step.name, None, why)
    before = [_subject(ready, one) for one in steps[:-1]]
    return _Task(
        ready.pipeline.name, step.name, lambda effort: _hunt_step(ready, before, _subject(ready, step), effort)
    )


def _subject(ready: _Ready, step: Step) -> Subject:
    values = {p.name: ready.parameters[p.name] for p in step.parameters if p.name in ready.parameters}
    return Subject(step, ready.contracts[step.name], values)


def _hunt_step(ready: _Ready, before: Sequence[Subject], subject: Subject, effort: Effort) -> Caught:
    names = {name for one in (*before, subject) for name in one.step.inputs}
    sources = [name for name in ready.inputs.recipes if name in names]
    chosen = only(ready.inputs, sources)

    @st.composite
    def inputs(draw: DrawFn) -> dict[str, pl.DataFrame]:
        return draw_inputs(draw, chosen, draw(flavours(extremes=ready.trial.extremes)))

    def expect(frames: dict[str, pl.DataFrame]) -> None:
        examine(subject, _fed(before, frames))

    try:
        require_lazy(subject, _schemas(ready, before, sources))
    except Broken as broken:
        return Caught(1, broken.finding)
    referred = {reference.source for _, reference in chosen.references}
    return hunt(inputs(), expect, effort, smaller=lambda frames: with_a_row_less(frames, referred))


def _fed(before: Sequence[Subject], frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The frames of the sources and of the steps before; what these cannot work with is found where they are tried."""
    found = dict(frames)
    for one in before:
        try:
            found[one.step.name] = compute(one, {name: found[name] for name in one.step.inputs})
        except Broken as broken:
            raise Unusable from broken
    return found


def _schemas(ready: _Ready, before: Sequence[Subject], sources: Sequence[str]) -> dict[str, pl.Schema]:
    schemas = {name: _source_schema(ready, name) for name in sources}
    return schemas | {one.step.name: one.contract.schema for one in before}


def _source_schema(ready: _Ready, name: str) -> pl.Schema:
    more = PROVENANCE_TYPES if name in ready.inputs.files else {}
    return pl.Schema({**ready.contracts[name].schema, **more, **ready.contracts[name].marks})
