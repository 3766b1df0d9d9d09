"""Intake: what a run plan covers, as checked lazy frames; nothing is read yet but the files' layouts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary import QUARANTINE_SCHEMA, Checked, Contract, check
from framework.core.events import emit
from framework.core.plan import FilesInput, RunPlan, TableInput
from framework.core.source import Expected, FileSource, Reference, TableSource
from framework.errors import StorageError
from framework.lake import open_table
from framework.run.readers import judge_files
from framework.run.waiting import known_values, waiting_part
from framework.sources import PROVENANCE_TYPES, Rejected, scan_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framework.core.plan import FileInput
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class Intake:
    """One file source within a run: its checked rows, those taken up from waiting, and the files refused as a whole."""

    name: str
    fresh: Checked
    retaken: Checked | None
    rejected: list[Rejected]
    files: int
    redelivered: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> pl.LazyFrame:
        """All accepted rows, typed, with provenance."""
        return pl.concat([self.fresh.accepted, self.retaken.accepted]) if self.retaken else self.fresh.accepted


def _stamping(plan: RunPlan, hold: Callable[[pl.DataFrame], None]) -> Callable[[pl.DataFrame], None]:
    """Mark quarantined rows with the run that quarantined them."""

    def stamp(rows: pl.DataFrame) -> None:
        hold(
            rows.with_columns(
                run_id=pl.lit(plan.run_id),
                seq=pl.lit(plan.seq, dtype=pl.Int64),
                quarantined_at=pl.lit(plan.planned_at).dt.cast_time_unit("us").dt.convert_time_zone("UTC"),
            )
        )

    return stamp


def _rejected_files(source: str, rejected: list[Rejected]) -> pl.DataFrame:
    """Files that were refused as a whole, as rows of the quarantine: they have no line."""
    rows = [(source, "open", r.file.path, r.file.modified, None, [f"file: {r.reason}"], None) for r in rejected]
    return pl.DataFrame(rows, schema=QUARANTINE_SCHEMA, orient="row")


def take_in(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    known: Mapping[str, Contract],
    hold: Callable[[pl.DataFrame], None],
    sample: float | None = None,
) -> dict[str, Intake]:
    """Scan and check every file source of a plan. Lazy, but each file's layout is looked at.

    `hold` takes the quarantined rows, in the quarantine table's columns: those of rejected files now, all others while
    the plan runs.
    """
    return {
        name: _take_in(name, source, plan, space, known[name], _stamping(plan, hold), sample)
        for name, source in pipeline.file_sources.items()
        if name in known and name in plan.inputs
    }


def _take_in(
    name: str,
    source: FileSource,
    plan: RunPlan,
    space: Workspace,
    contract: Contract,
    hold: Callable[[pl.DataFrame], None],
    sample: float | None,
) -> Intake:
    given = plan.inputs[name]
    files = given.files if isinstance(given, FilesInput) else ()
    expected = _expected(contract)
    harmful = _harmful(source, files, space)
    unread = {one.file for one in harmful}
    scanned = scan_files(source, [f for f in files if f not in unread], space.raw, expected)
    scanned = replace(scanned, rejected=[*harmful, *scanned.rejected])
    for refused in scanned.rejected:
        emit("file.rejected", f"{refused.file.path}: {refused.reason}", level="WARNING", source=name)
    if scanned.extra_columns:
        extra = ", ".join(sorted(scanned.extra_columns))
        emit("columns.ignored", f"{name}: columns that the schema does not know are left out: {extra}", source=name)
    references = {r: _known(plan, space, r) for r in source.references}
    redelivered = [f.path for f in files if f.changed]
    parts = [_sampled(part, source, sample) for part in scanned.parts]
    waiting = waiting_part(plan, space, name, expected, redelivered)

    def checked(rows: list[pl.LazyFrame]) -> Checked:
        return check(rows, contract, source=name, quarantine=hold, known=references, on_invalid=source.on_invalid)

    if scanned.rejected:
        hold(_rejected_files(name, scanned.rejected))

    return Intake(
        name=name,
        fresh=checked(parts or [_nothing(expected)]),
        retaken=checked([waiting]) if waiting is not None else None,
        rejected=scanned.rejected,
        files=len(files),
        redelivered=redelivered,
    )


def _harmful(source: FileSource, files: Sequence[FileInput], space: Workspace) -> list[Rejected]:
    """Have the files of a source that nobody vouches for read in a process apart; gives those it did not survive."""
    if not source.options.get("apart"):
        return []
    verdicts = judge_files([(source, file) for file in files], space.raw)
    return [
        Rejected(file, verdict.reason)
        for file, verdict in zip(files, verdicts, strict=True)
        if verdict.outcome not in {"ok", "quarantine"}
    ]


def _expected(contract: Contract) -> Expected:
    required = frozenset(n for n, spec in contract.columns.items() if spec.required and spec.default is None)
    return Expected(contract.schema, required, contract.is_strict, contract.is_ordered)


def _known(plan: RunPlan, space: Workspace, reference: Reference) -> pl.DataFrame:
    given = plan.inputs[reference.source]
    if not isinstance(given, TableInput):
        raise TypeError(f"reference to {reference.source}, which is no table")
    return known_values(space, reference, given)


def _nothing(expected: Expected) -> pl.LazyFrame:
    return pl.LazyFrame(schema={**dict.fromkeys(expected.schema, pl.String), **PROVENANCE_TYPES})


def _sampled(rows: pl.LazyFrame, source: FileSource | TableSource, fraction: float | None) -> pl.LazyFrame:
    """Keep the rows whose value of `sample_by` falls into the fraction: the same values in every source and run."""
    if fraction is None or source.sample_by is None:
        return rows
    from framework.transforms.hashing import hash_fraction  # the vocabulary is loaded where a sample is asked for

    bucket = hash_fraction(rows.collect_schema(), [source.sample_by], where="sample_by")
    return rows.filter(bucket < fraction)


def table_rows(
    plan: RunPlan, space: Workspace, name: str, source: TableSource | None = None, sample: float | None = None
) -> pl.LazyFrame:
    """The rows of a table source at the version that the plan pins, lazy; with `sample`, those that fall into it.

    Raises:
        StorageError: when that version cannot be opened any more.
    """
    given = plan.inputs[name]
    if not isinstance(given, TableInput):
        raise TypeError(f"{name} is no table")
    handle = open_table(space.lake, given.table, given.version)
    if handle is None:
        raise StorageError(f"table '{given.table}' at version {given.version} cannot be opened any more")
    return _sampled(handle.scan(), source, sample) if source else handle.scan()
