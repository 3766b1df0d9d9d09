"""Stages found again by their address, or else computed; and what they told taken up as if the rows had just passed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from framework.boundary import KeptTotals, findings_from_list, restore_counts
from framework.core.events import emit
from framework.core.report import StageReport, StepReport
from framework.errors import StorageError
from framework.lake import KeptStage, StageStore, app_id, open_table
from framework.run.execution import execute
from framework.run.intake import Asked, Intake, stamping, take_in
from framework.run.left_out import LeftOut
from framework.run.rule_nodes import wanted_nodes
from framework.run.scopes import within
from framework.run.stages.attempt import Task, tasks_of
from framework.run.stages.work import compute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from framework.definition import Output
    from framework.run.scopes import Scope
    from framework.run.stages.attempt import Attempt


@dataclass(frozen=True)
class Kept:
    """What the stages of an attempt have given: the scopes with the rows that are kept, records, and reports."""

    scopes: list[Scope]
    store: StageStore
    records: dict[str, KeptStage] = field(default_factory=dict)
    reports: dict[str, StageReport] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        """What the rows of the file sources told that some stage has read."""
        found: dict[str, dict[str, Any]] = {}
        for record in self.records.values():
            found |= record.effects["sources"]
        return found

    @property
    def steps(self) -> dict[str, StepReport]:
        """What steps were warned of."""
        every = (told for record in self.records.values() for told in record.warnings.items())
        return {name: StepReport(**told) for name, told in every}


def carry_out(attempt: Attempt, scopes: Sequence[Scope]) -> Kept:
    """Have every stage ready that the tables of a plan need and that ends in a checkpoint: found, or computed now.

    Of tables that are published already nothing is needed.
    """
    done = Kept(list(scopes), StageStore(attempt.space.kept))
    computed: set[str] = set()
    for number, tasks in enumerate(tasks_of(attempt, scopes)):
        rows: dict[str, pl.LazyFrame] = {}
        for task, found in needed_tasks(attempt, tasks, behind(attempt, scopes[number])):
            record = found or compute(attempt, task, [done.records[name] for name in task.needs])
            computed |= set(task.stage.steps) if found is None else set()
            use(attempt, record)
            rows |= done.store.rows(record)
            done.records[task.name] = record
            done.reports[task.name] = report_of(task, record, is_reused=found is not None)
        done.scopes[number] = replace(scopes[number], kept=rows)
    _warn_again(done.steps, computed)
    return done


def _warn_again(steps: Mapping[str, StepReport], computed: set[str]) -> None:
    """Say what steps were warned of, but for those that were `computed` and so have said it."""
    for step, told in steps.items():
        words = [*(f"{count:,} x {reason}" for reason, count in told.warned.items()), *told.warnings]
        for one in words if step not in computed else ():
            emit("rule.broken", f"{step}: {one}", level="WARNING", step=step)


def behind(attempt: Attempt, scope: Scope) -> list[Output]:
    """The outputs of a scope that are not at the plan's sequence yet, and do not stay as they are either."""
    found = []
    lasting = {*attempt.plan.kept, *attempt.plan.skipped}
    for output in (one for one in scope.outputs if one.table not in lasting):
        handle = open_table(attempt.space.lake, output.table)
        if handle is None or handle.sequence(app_id(attempt.pipeline.name, output.table)) < attempt.plan.seq:
            found.append(output)
    return found


def needed_tasks(
    attempt: Attempt, tasks: Sequence[Task], outputs: Sequence[Output]
) -> list[tuple[Task, KeptStage | None]]:
    """The stages, but for the last, that must be ready for some tables, in order, each with its record if it is.

    What only feeds stages that are there already is not needed, unless it reads files: their accounts are the run's.
    """
    written = {node: task.name for task in tasks for node in task.stage.writes}
    ends = (
        within(attempt.pipeline, wanted_nodes(attempt.pipeline, outputs), written) & written.keys() if outputs else ()
    )
    asked = {written[node] for node in ends}
    reached = set(asked)
    needed = []
    for task in reversed(tasks):
        if task.name not in reached:
            continue
        reached |= set(task.needs)
        if task.name in asked or task.stage.sources:
            found = found_again(attempt, task)
            needed.append((task, found))
            asked |= set(task.needs) if found is None else set()
    return needed[::-1]


def found_again(attempt: Attempt, task: Task) -> KeptStage | None:
    """The record of a stage, if its rows are there and whole; what is too old or damaged is removed."""
    store, keep = StageStore(attempt.space.kept), attempt.space.keep
    record = store.find(task.address)
    if record is None:
        return None
    if keep is not None and keep.days is not None and age_of(record) > timedelta(days=keep.days):
        store.remove(task.address)
        return None
    wrong = store.damage(record)
    if wrong:
        _forget(store, record, wrong)
        return None
    return record


def _forget(store: StageStore, record: KeptStage, wrong: str) -> None:
    text = f"{record.pipeline}: checkpoint '{record.stage}' is computed again: {wrong}"
    emit("checkpoint.damaged", text, level="WARNING", stage=record.stage)
    store.remove(record.address)


def age_of(record: KeptStage) -> timedelta:
    """How long ago a stage was written down."""
    return datetime.now(UTC) - record.created_at


def use(attempt: Attempt, record: KeptStage) -> None:
    """Note that the plan uses a stage."""
    by = (attempt.space.lake.root, attempt.plan.pipeline, attempt.plan.seq)
    StageStore(attempt.space.kept).use(record, by, datetime.now(UTC))


def report_of(task: Task, record: KeptStage, *, is_reused: bool) -> StageReport:
    """Say what became of a stage."""
    age = round(age_of(record).total_seconds(), 1) if is_reused else 0.0
    text = f"{task.name}: {record.rows:,} rows, computed in {record.seconds:.1f} s"
    if is_reused:
        emit("checkpoint.reused", f"{text} by run {record.run_id}, found again", stage=task.name, rows=record.rows)
    else:
        emit("checkpoint.kept", text, stage=task.name, rows=record.rows)
    state = "reused" if is_reused else "computed"
    return StageReport(task.name, state, record.rows, record.size, record.seconds, age, record.address)  # type: ignore[arg-type]


def take_in_all(attempt: Attempt, kept: Kept, hold: Callable[[pl.DataFrame], None]) -> dict[str, Intake]:
    """Take in every file source: those that a stage has read as their counts say, the others as they are going to be.

    `hold` takes the quarantined rows, in the quarantine table's columns: those of stages now.
    """
    pipeline, stamped = attempt.pipeline, stamping(attempt.plan, hold)
    told = kept.sources
    own = (pipeline, attempt.plan, attempt.space, attempt.known, stamped)
    rest = [name for name in pipeline.file_sources if name not in told]
    found = take_in(*own, Asked(attempt.sample, attempt.left_out, rest))
    if told:
        unread = LeftOut({name: one["rejected"] for name, one in told.items()}, is_judged=True)
        again = take_in(*own, Asked(attempt.sample, unread, list(told), is_read=False))
        found |= {name: _restored(attempt, intake, told[name]) for name, intake in again.items()}
        for name, intake in found.items():
            if intake.alternate is not None:
                found[name] = replace(intake, alternate=found[intake.alternate.name])
        _hold_again(attempt, kept, stamped)
    order = sorted(pipeline.file_sources, key=lambda name: name in pipeline.primaries)
    return {name: found[name] for name in order if name in found}


def _restored(attempt: Attempt, intake: Intake, told: Mapping[str, Any]) -> Intake:
    """An intake with the counts that its rows had when a stage read them."""
    restore_counts(intake.fresh, told["fresh"])
    if intake.retaken is not None and told["retaken"] is not None:
        restore_counts(intake.retaken, told["retaken"])
    findings = findings_from_list(told["findings"], attempt.known[intake.name].dataset_rules)
    return replace(intake, fresh=replace(intake.fresh, totals=KeptTotals(findings)))


def _hold_again(attempt: Attempt, kept: Kept, hold: Callable[[pl.DataFrame], None]) -> None:
    """Put the rows in quarantine that the stages have refused."""
    store = StageStore(attempt.space.kept)
    files = [file for record in kept.records.values() for file in record.refused]
    if files:
        execute([store.scan(files).sink_batches(hold, maintain_order=False, lazy=True)])


def require_sound(kept: Kept, error: BaseException) -> None:
    """Look whether rows of a stage that was used again are to blame for an error; if so, nobody finds them any more.

    Raises:
        StorageError: when they are; the next attempt computes them.
    """
    reused = [kept.records[name] for name, report in kept.reports.items() if report.state == "reused"]
    for record in reused:
        wrong = kept.store.damage(record, is_deep=True)
        if wrong:
            _forget(kept.store, record, wrong)
            raise StorageError(
                f"checkpoint '{record.stage}' cannot be read: {wrong}; run again to compute it"
            ) from error
