"""Open any step of a past run, a failed one too, on the inputs that the run pinned. Nothing is written."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.boundary import conform
from framework.core.clock import at_run_time
from framework.errors import ConfigurationError, SelectionError, did_you_mean
from framework.lake import as_declared
from framework.run.compiled import contracts, planning, wire
from framework.run.intake import Asked, table_rows, take_in
from framework.run.parameters import typed_parameters
from framework.run.past import find_past
from framework.run.touched import restrict, touched_values
from framework.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import polars as pl

    from framework.boundary import Contract
    from framework.definition import Step
    from framework.run.past import Past
    from framework.settings import Settings


@dataclass(frozen=True)
class Opened:
    """A step of a past run, or a source, with what it was given.

    `inputs`: its frames by argument name, lazy, one row per row that the run read; a source has itself. `parameters`:
    those of the run that the step takes. `function`: the step's, as it is defined now (None: it is a source). `notes`:
    what is not as it was when the run was planned. `state`, `failure`: how the run ended.
    """

    run_id: str
    pipeline: str
    step: str
    inputs: dict[str, pl.LazyFrame]
    parameters: dict[str, Any]
    function: Callable[..., pl.LazyFrame] | None
    planned_at: datetime
    notes: tuple[str, ...] = ()
    state: str = ""
    failure: str = ""
    _contract: Contract | None = field(default=None, repr=False)

    def output(self) -> pl.LazyFrame:
        """Compute what the step gives for its inputs, held against the columns that it declares. Lazy.

        Raises:
            StepError: when the step raises, or returns something else than a lazy frame.
            SchemaError: when its columns are not those it declares.
        """
        if self.function is None:
            return self.inputs[self.step]
        with at_run_time(self.planned_at), planning(f"step '{self.step}'") as ask:
            found = ask(self.function, **self.inputs, **self.parameters)
            return conform(found, self._contract, self.step) if self._contract is not None else found


def debug(run: str, step: str, *, sample: float | None = None, project: str | Path = ".") -> Opened:
    """Open a step of a past run, a failed one too: its inputs as the run had them, its function, what it gives.

    The files and the versions of tables are those of the plan that the run pinned. Rows that the run refused are left
    out again. A file that has changed since is read as it is now, and one that is gone is left out, with a warning.
    Where the run ended before it pinned anything, what is new now stands in. Nothing is written.

    Args:
        run: The run's id, or the beginning of it; `sluice runs` lists them.
        step: A step or a source of its pipeline.
        sample: The fraction of the input to read, as for `show`.
        project: The project's folder.

    Raises:
        SelectionError: when there is no such run or step; suggests the nearest.
        ConfigurationError: when its plan is gone, or a table that it would read is not there.
    """
    opened = open_step(run, step, load_settings(Path(project)), sample=sample)
    for note in opened.notes:
        warnings.warn(note, stacklevel=2)
    return opened


def open_step(run: str, step: str, settings: Settings, *, sample: float | None = None) -> Opened:
    """Open a step of a past run; see `debug`. What is not as it was is in its `notes`."""
    if sample is not None and not 0 < sample <= 1:
        raise ConfigurationError(f"sample={sample}: expected a fraction above 0 and up to 1, such as 0.1")
    past = find_past(run, settings)
    node = _find(past, step)
    with at_run_time(past.plan.planned_at):
        known = contracts(past.pipeline)
        names = list(node.inputs) if node else [step]
        frames, said = _inputs(past, names, known, sample)
        values = typed_parameters(past.pipeline, past.plan.parameters)
    taken = {parameter.name for parameter in node.parameters} if node else set()
    return Opened(
        run_id=past.plan.run_id,
        pipeline=past.pipeline.name,
        step=step,
        inputs=frames,
        parameters={name: value for name, value in values.items() if name in taken},
        function=node.function if node else None,
        planned_at=past.plan.planned_at,
        notes=(*past.notes(), *said),
        state=past.state,
        failure=past.failure,
        _contract=known[step] if node else None,
    )


def _find(past: Past, step: str) -> Step | None:
    """The step by that name; None where it is a source."""
    steps = {one.name: one for one in past.pipeline.steps}
    if step not in steps and step not in past.pipeline.sources:
        hint = did_you_mean(step, [*steps, *past.pipeline.sources])
        raise SelectionError(f"{past.pipeline.name} has no source or step '{step}'; {hint}")
    return steps.get(step)


def _inputs(
    past: Past, names: list[str], known: dict[str, Contract], sample: float | None
) -> tuple[dict[str, pl.LazyFrame], list[str]]:
    """The frames of some nodes as the run had them, and what is to be said of them."""
    pipeline, plan, space = past.pipeline, past.plan, past.space
    needed = set[str]().union(*(pipeline.upstream(name) for name in names))
    intakes = take_in(pipeline, plan, space, known, _ignore, Asked(sample, past.left_out()))
    frames = {name: intake.accepted for name, intake in intakes.items() if name in needed}
    touched, said = _touched(past, needed)
    for name in needed & pipeline.table_sources.keys():
        rows = table_rows(plan, space, name, pipeline.table_sources[name], sample)
        rows = restrict(rows, touched) if touched is not None else rows
        frames[name] = as_declared(rows, known[name].schema) if name in known else rows
    values = typed_parameters(pipeline, plan.parameters)
    wired = wire(pipeline.with_steps(needed), frames, values, known)
    return {name: wired[name] for name in names}, said


def _touched(past: Past, needed: set[str]) -> tuple[pl.DataFrame | None, list[str]]:
    """The values that the run computed again, where it did not compute everything; of the first table that asks."""
    for output in past.pipeline.outputs:
        if output.recompute_by and needed & past.pipeline.table_sources.keys() & past.pipeline.upstream(output.of):
            values = touched_values(past.pipeline, output, past.plan, past.space)
            if values is not None:
                by = ", ".join(output.recompute_by)
                return values, [f"the run computed {values.height:,} values of {by} of {output.table} again, no others"]
    return None, []


def _ignore(_rows: pl.DataFrame) -> None:
    """Rows that are left out again are in the quarantine already."""
