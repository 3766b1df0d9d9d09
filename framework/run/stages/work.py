"""The work on a stage: its rows computed and written down with what passing them told, in one plan."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.boundary import QUARANTINE_SCHEMA, counts_to_dict, findings_to_list
from framework.core.events import emit, listening
from framework.lake import KeptFile, KeptStage, StageStore, StagingArea
from framework.run.compiled import settle
from framework.run.execution import execute, look_again
from framework.run.intake import Asked, Intake, take_in
from framework.run.left_out import stamps
from framework.run.naming import naming_rules
from framework.run.scopes import wire_rows
from framework.run.verdicts import require_steps, step_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from framework.boundary import Violations
    from framework.core.events import Event
    from framework.run.scopes import Wired
    from framework.run.stages.attempt import Attempt, Task

REFUSED = "_refused"
"""The folder of a stage for rows of the quarantine; no source or step has such a name."""


def compute(attempt: Attempt, task: Task, needed: Sequence[KeptStage]) -> KeptStage:
    """Compute the rows of a stage, hold them against the schemas of its steps, and write them down.

    `needed`: the stages that it needs. If another attempt was first, what it wrote holds and is given back.

    Raises:
        StepError: when rows of a step break the schema that it declares.
        OSError: when files of it have changed while they were read.
    """
    emit("checkpoint.begun", f"{attempt.pipeline.name}: computing {task.name}", level="DEBUG", stage=task.name)
    start = time.perf_counter()
    known, store = attempt.known, StageStore(attempt.space.kept)
    refused = StagingArea(store.location.below(f"{task.address}/{REFUSED}"), QUARANTINE_SCHEMA, ())
    intakes = _intakes(attempt, task, refused)
    given = {node: frame for stage in needed for node, frame in store.rows(stage).items()}
    wired = _wired(attempt, task, intakes, {node: given[node] for node in task.stage.takes})
    paths = {node: store.new_path(task.address, node) for node in task.stage.writes}
    with _cleaned_up(store, paths.values(), refused):
        with naming_rules(known):
            sinks = [_sink(store, wired.frames[node], path) for node, path in paths.items()]
            execute(sinks, names=[f"checkpoint {node}" for node in paths])
        require_steps(wired.checks, f"checkpoint '{task.name}' is not kept")
        _require_unchanged(attempt, task)
    effects = _effects(attempt, intakes, wired.checks)  # only now the last refused rows are handed over
    effects["before"] = {n: told for stage in needed for n, told in stage.warnings.items()}
    return store.finish(
        KeptStage(
            address=task.address,
            pipeline=attempt.pipeline.name,
            stage=task.name,
            run_id=attempt.plan.run_id,
            created_at=datetime.now(UTC),
            seconds=round(time.perf_counter() - start, 4),
            nodes={node: [store.written(path)] for node, path in paths.items()},
            refused=[KeptFile(f"{task.address}/{REFUSED}/{f.path}", f.rows, f.size) for f in refused.files()],
            code=dict(task.code),
            parameters=dict(attempt.plan.parameters),
            effects=effects,
        )
    )


def _intakes(attempt: Attempt, task: Task, refused: StagingArea) -> dict[str, Intake]:
    """Take in the files of a stage. What is to be said of them is said where their counts are taken up."""
    asked = Asked(attempt.sample, attempt.left_out, task.stage.sources)
    with listening(_nobody):
        return take_in(attempt.pipeline, attempt.plan, attempt.space, attempt.known, _rows_into(refused), asked)


def _wired(attempt: Attempt, task: Task, intakes: Mapping[str, Intake], given: Mapping[str, pl.LazyFrame]) -> Wired:
    """Plan the steps of a stage."""
    accepted = {name: intake.accepted for name, intake in intakes.items()}
    scope, rules = replace(task.scope, kept=given), (attempt.known, settle(attempt.pipeline, attempt.known))
    return wire_rows(attempt.pipeline, attempt.plan, attempt.space, scope, task.stage.writes, accepted, rules)


@contextmanager
def _cleaned_up(store: StageStore, paths: Iterable[str], refused: StagingArea) -> Iterator[None]:
    """Delete what was written when the block fails: nobody is going to find it."""
    try:
        yield
    except BaseException:
        refused.discard()
        for path in paths:
            store.location.delete(path)
        raise


def _nobody(_event: Event) -> None:
    """Hear nothing."""


def _rows_into(area: StagingArea) -> Any:
    """Take the quarantined rows of a boundary, but for files that were refused as a whole."""

    def hold(rows: pl.DataFrame) -> None:
        area.add(rows.filter(rows["failure"].ne_missing("file")))

    return hold


def _sink(store: StageStore, rows: pl.LazyFrame, path: str) -> pl.LazyFrame:
    """The lazy sink of rows into one file, in their order."""
    options = store.location.options() or None
    return rows.sink_parquet(
        store.location.uri(path),
        compression="zstd",
        compression_level=1,
        storage_options=options,
        maintain_order=True,
        lazy=True,
    )


def _require_unchanged(attempt: Attempt, task: Task) -> None:
    now = stamps(attempt.plan, attempt.space)
    torn = sorted(path for path, stamp in task.stamps.items() if now[path] != stamp)
    if torn:
        raise OSError(f"{torn[0]} has changed while it was read")


def _effects(attempt: Attempt, intakes: Mapping[str, Intake], checks: Mapping[str, Violations]) -> dict[str, Any]:
    """What the rows told while they passed, as plain data."""
    steps = {name: step_report(found) for name, found in checks.items()}
    return {
        "sources": {name: _told(attempt, name, intake) for name, intake in intakes.items()},
        "steps": {
            name: {"warned": one.warned, "warnings": one.warnings}
            for name, one in steps.items()
            if one.warned or one.warnings
        },
    }


def _told(attempt: Attempt, name: str, intake: Intake) -> dict[str, Any]:
    others = [intake.retaken.totals] if intake.retaken else []
    findings = intake.fresh.totals.findings(look_again, *others)
    return {
        "fresh": counts_to_dict(intake.fresh.tally),
        "retaken": counts_to_dict(intake.retaken.tally) if intake.retaken else None,
        "findings": findings_to_list(findings, attempt.known[name]),
        "rejected": {refused.file.path: refused.reason for refused in intake.rejected},
    }
