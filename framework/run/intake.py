"""Intake: what a run plan covers, as checked lazy frames; nothing is read yet but the files' layouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary import QUARANTINE_SCHEMA, Checked, Contract, check, rule_reasons
from framework.core.events import emit
from framework.core.plan import FilesInput, RunPlan, TableInput
from framework.core.source import Expected, FileSource, Reference
from framework.errors import StorageError
from framework.lake import open_table, quarantine
from framework.run.compiled import PROVENANCE_TYPES
from framework.run.waiting import known_values, waiting_part
from framework.sources import Rejected, scan_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline
    from framework.run.workspace import Workspace

SAMPLE_GRAIN = 1_000_000


@dataclass(frozen=True)
class Intake:
    """One file source within a run: its checked rows, those taken up from waiting, and the files refused as a whole."""

    name: str
    fresh: Checked
    retaken: Checked | None
    rejected: list[Rejected]
    files: int
    reasons: list[str]
    redelivered: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> pl.LazyFrame:
        """All accepted rows, typed, with provenance."""
        return pl.concat([self.fresh.accepted, self.retaken.accepted]) if self.retaken else self.fresh.accepted

    def quarantined(self, plan: RunPlan) -> pl.LazyFrame:
        """All rows and files that were not accepted, as rows of the quarantine table."""
        rows = [self.fresh.rejected, *([self.retaken.rejected] if self.retaken else [])]
        files = pl.DataFrame(
            [
                (self.name, "open", r.file.path, r.file.modified, None, [f"file: {r.reason}"], None)
                for r in self.rejected
            ],
            schema=QUARANTINE_SCHEMA,
            orient="row",
        )
        stamped = pl.concat([*rows, files.lazy()]).with_columns(
            run_id=pl.lit(plan.run_id),
            seq=pl.lit(plan.seq, dtype=pl.Int64),
            quarantined_at=pl.lit(plan.planned_at).dt.cast_time_unit("us").dt.convert_time_zone("UTC"),
        )
        return stamped.select(quarantine.SCHEMA.names())


def take_in(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    known: Mapping[str, Contract],
    sample: float | None = None,
) -> dict[str, Intake]:
    """Scan and check every file source of a plan. Lazy, but each file's layout is looked at."""
    return {
        name: _take_in(name, source, plan, space, known[name], sample)
        for name, source in pipeline.file_sources.items()
        if name in known
    }


def _take_in(
    name: str, source: FileSource, plan: RunPlan, space: Workspace, contract: Contract, sample: float | None
) -> Intake:
    given = plan.inputs[name]
    files = given.files if isinstance(given, FilesInput) else ()
    expected = _expected(contract)
    scanned = scan_files(source, files, space.raw, expected)
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
        return check(rows, contract, source=name, known=references, on_invalid=source.on_invalid)

    return Intake(
        name=name,
        fresh=checked(parts or [_nothing(expected)]),
        retaken=checked([waiting]) if waiting is not None else None,
        rejected=scanned.rejected,
        files=len(files),
        reasons=rule_reasons(contract, source.references),
        redelivered=redelivered,
    )


def _expected(contract: Contract) -> Expected:
    required = frozenset(n for n, spec in contract.columns.items() if spec.required and spec.default is None)
    return Expected(contract.schema, required, contract.is_strict)


def _known(plan: RunPlan, space: Workspace, reference: Reference) -> pl.LazyFrame:
    given = plan.inputs[reference.source]
    if not isinstance(given, TableInput):
        raise TypeError(f"reference to {reference.source}, which is no table")
    return known_values(space, reference, given)


def _nothing(expected: Expected) -> pl.LazyFrame:
    return pl.LazyFrame(schema={**dict.fromkeys(expected.schema, pl.String), **PROVENANCE_TYPES})


def _sampled(rows: pl.LazyFrame, source: FileSource, fraction: float | None) -> pl.LazyFrame:
    """Keep the rows whose value of `sample_by` falls into the fraction: the same values in every source and run."""
    if fraction is None or source.sample_by is None:
        return rows
    bucket = pl.col(source.sample_by).cast(pl.String).hash(seed=0) % SAMPLE_GRAIN
    return rows.filter(bucket < int(fraction * SAMPLE_GRAIN))


def table_rows(plan: RunPlan, space: Workspace, name: str) -> pl.LazyFrame:
    """The rows of a table source at the version that the plan pins, lazy.

    Raises:
        StorageError: when that version cannot be opened any more.
    """
    given = plan.inputs[name]
    if not isinstance(given, TableInput):
        raise TypeError(f"{name} is no table")
    handle = open_table(space.lake, given.table, given.version)
    if handle is None:
        raise StorageError(f"table '{given.table}' at version {given.version} cannot be opened any more")
    return handle.scan()
