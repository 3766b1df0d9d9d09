"""Intake: what a run plan covers, as checked lazy frames; nothing is read yet but the files' layouts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import (
    QUARANTINE_SCHEMA,
    Checked,
    Contract,
    KeySpool,
    Known,
    Repeated,
    check,
    check_both,
    from_alternate,
    is_told_absent,
    unique_keys,
)
from framework.core.events import emit
from framework.core.plan import FileInput, FilesInput, RunPlan, TableInput
from framework.core.source import Expected, FileSource, Reference, TableSource
from framework.errors import StorageError
from framework.lake import open_table
from framework.run.alternates import stands_in
from framework.run.budgets import shares_in
from framework.run.execution import execute
from framework.run.hooks.points import before_checking, before_reading, files_read
from framework.run.last_known import last_values
from framework.run.left_out import NOTHING, LeftOut
from framework.run.readers import judge_files
from framework.run.retaken import as_raw, pinned_rows, redelivered_files, without
from framework.run.waiting import known_values
from framework.sources import PROVENANCE_TYPES, Rejected, scan_files
from framework.sources.verdict import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from framework.definition import Pipeline
    from framework.run.workspace import Workspace


LOOK_AHEAD = 64 * 2**20
"""Bytes of files from which on unique keys are counted ahead, in a reading of their key columns alone."""


@dataclass(frozen=True)
class Intake:
    """One file source within a run: its checked rows, those judged again, and the files refused as a whole.

    `pinned`: the quarantined rows that the run settles, as they stood when it was planned; `discarded` of them are not
    wanted, so that they were left out of their files. `warnings`: what is to be said of the source as a whole.
    `stands_in`: for which source this one, an alternate, stands in, and why. `alternate`: the source that may stand in.
    """

    name: str
    fresh: Checked
    retaken: Checked | None
    rejected: list[Rejected]
    files: int
    redelivered: list[str] = field(default_factory=list)
    pinned: pl.LazyFrame | None = None
    discarded: int = 0
    warnings: tuple[str, ...] = ()
    stands_in: str = ""
    alternate: Intake | None = None

    @property
    def accepted(self) -> pl.LazyFrame:
        """All accepted rows, typed, with provenance, and those of an alternate source, marked."""
        rows = [self.fresh.accepted, *([self.retaken.accepted] if self.retaken else [])]
        if self.alternate is not None:
            rows.append(self.alternate.accepted.with_columns(from_alternate(self.alternate.name)))
        return pl.concat(rows) if len(rows) > 1 else rows[0]

    @property
    def is_relieved(self) -> bool:
        """Whether an alternate source stands in for this one in this run."""
        return self.alternate is not None and bool(self.alternate.stands_in)


@dataclass(frozen=True)
class Asked:
    """What is asked of an intake: the fraction of rows to sample (None: all), and the files that are not read.

    `names`: the sources (None: all). `is_read`: whether the rows are going to be read; otherwise no key is counted
    ahead. `is_passed_over`: for an alternate source, that its primary does not need it.
    """

    sample: float | None = None
    left_out: LeftOut = NOTHING
    names: Collection[str] | None = None
    is_read: bool = True
    is_passed_over: bool = False


EVERYTHING = Asked()


def stamping(plan: RunPlan, hold: Callable[[pl.DataFrame], None]) -> Callable[[pl.DataFrame], None]:
    """Mark quarantined rows with the run that quarantines them: gives what takes them as a boundary does."""

    def stamp(rows: pl.DataFrame) -> None:
        hold(
            rows.with_columns(
                run_id=pl.lit(plan.run_id),
                seq=pl.lit(plan.seq, dtype=pl.Int64),
                quarantined_at=pl.lit(plan.planned_at).dt.cast_time_unit("us").dt.convert_time_zone("UTC"),
                mended=pl.lit(None, dtype=pl.String),
                attempts=pl.lit(0, dtype=pl.Int64),
                trail=pl.lit([], dtype=pl.List(pl.String)),
                changed_by=pl.lit(None, dtype=pl.String),
                changed_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
            )
        )

    return stamp


def _rejected_files(source: str, rejected: list[Rejected]) -> pl.DataFrame:
    """Files that were refused as a whole, as rows of the quarantine: they have no line."""
    rows = [(source, "open", r.file.path, r.file.modified, None, "file", [f"file: {r.reason}"], None) for r in rejected]
    return pl.DataFrame(rows, schema=QUARANTINE_SCHEMA, orient="row")


def take_in(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    known: Mapping[str, Contract],
    hold: Callable[[pl.DataFrame], None],
    asked: Asked = EVERYTHING,
) -> dict[str, Intake]:
    """Scan and check the file sources of a plan. Lazy, but each file's layout is looked at.

    `hold` takes the quarantined rows: those of rejected files now, all others while the plan runs. The files that are
    left out are refused unread.
    """
    found: dict[str, Intake] = {}
    names = [name for name in pipeline.file_sources if name in known and name in plan.inputs]
    names = [name for name in names if asked.names is None or name in asked.names]
    for name in sorted(names, key=lambda name: name in pipeline.primaries):  # they stand in for those before
        primary = pipeline.primaries.get(name)
        said = stands_in(pipeline, plan, name, found[primary].rejected) if primary else ""
        one = replace(asked, is_passed_over=primary is not None and not said)
        found[name] = replace(_take_in(name, pipeline, plan, space, known[name], hold, one), stands_in=said)
        if primary:
            found[primary] = replace(found[primary], alternate=found[name])
        if said:
            emit("source.alternate", f"{name} stands in for {said}", level="WARNING", source=primary, alternate=name)
    return found


def _take_in(
    name: str,
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    contract: Contract,
    hold: Callable[[pl.DataFrame], None],
    asked: Asked,
) -> Intake:
    source = pipeline.file_sources[name]
    given = plan.inputs[name]
    passed_over = plan.passed_over.get(name, ())
    files = given.files if isinstance(given, FilesInput) and not asked.is_passed_over else ()
    files = tuple(file for file in files if file.path not in passed_over)
    expected = _expected(contract)
    reasons = asked.left_out.reasons.get(name, {})
    harmful = [Rejected(file, reasons[file.path]) for file in files if file.path in reasons]
    if not asked.left_out.is_judged:
        harmful += _harmful(source, [file for file in files if file.path not in reasons], space)
    unread = {one.file for one in harmful}
    if files:
        before_reading(pipeline, name, files)
    with space.calls.to(name, source):
        scanned = scan_files(source, [f for f in files if f not in unread], space.raw, expected)
    scanned = replace(scanned, rejected=[*harmful, *scanned.rejected])
    for refused in scanned.rejected:
        emit("file.rejected", f"{refused.file.path}: {refused.reason}", level="WARNING", source=name)
    for (old, new), files_renamed in scanned.renamed.items():
        text = f"{name}: {files_renamed} file{'s' * (files_renamed != 1)} with {old}, which is called {new} now"
        emit("columns.renamed", text, source=name, older=old, column=new, files=files_renamed)
    if scanned.extra_columns:
        extra = ", ".join(sorted(scanned.extra_columns))
        emit("columns.ignored", f"{name}: columns that the schema does not know are left out: {extra}", source=name)
    references = {r: _known(plan, space, r) for r in source.references}
    redelivered = redelivered_files(plan, space, name)
    pinned = pinned_rows(plan, space, name, redelivered)
    is_afresh = plan.mode == "full" and pinned is not None
    found = [without(part, pinned) for part in scanned.parts] if pinned is not None and is_afresh else scanned.parts
    found = files_read(pipeline, name, found, files)
    parts = [_sampled(part, source, asked.sample) for part in found] or [_nothing(expected)]
    wanted = pinned.filter(pl.col("state") != "discarded") if pinned is not None else None
    again = as_raw(wanted, expected) if wanted is not None else None
    ahead = asked.is_read and sum(file.size for file in files) >= LOOK_AHEAD
    last, missing = last_values(pipeline, plan, space, name, contract)
    known = Known(references, last=last)
    if files:
        before_checking(pipeline, name)
    fresh, retaken = _checked(source, parts, again, contract, (name, hold, known), ahead=ahead)

    unreadable = [*scanned.rejected, *(_unread(pinned, files) if pinned is not None else ())]
    if unreadable:
        hold(_rejected_files(name, unreadable))

    return Intake(
        name=name,
        fresh=fresh,
        retaken=retaken,
        rejected=scanned.rejected,
        files=len(files),
        redelivered=redelivered,
        pinned=pinned,
        discarded=_count_discarded(pinned) if pinned is not None and is_afresh else 0,
        warnings=tuple(missing),
    )


def look_ahead(parts: Sequence[pl.LazyFrame], contract: Contract) -> dict[tuple[str, ...], Repeated]:
    """Find the unique keys of raw rows that more than one row has, in a reading of their own."""
    spools = {keys: (KeySpool(), hashes) for keys, hashes in unique_keys(parts, contract).items()}
    if spools:
        execute([hashes.sink_batches(spool.add, maintain_order=False, lazy=True) for spool, hashes in spools.values()])
    return {keys: spool.repeated() for keys, (spool, _) in spools.items()}


def _checked(
    source: FileSource,
    parts: list[pl.LazyFrame],
    again: pl.LazyFrame | None,
    contract: Contract,
    told: tuple[str, Callable[[pl.DataFrame], None], Known],
    *,
    ahead: bool,
) -> tuple[Checked, Checked | None]:
    """Hold the fresh rows of a source against its contract, and those that are judged again, if any."""
    name, hold, from_tables = told
    every = [*parts, *([again] if again is not None else [])]
    known = replace(from_tables, repeated=look_ahead(every, contract) if ahead else {})
    options: dict[str, Any] = {"source": name, "quarantine": hold, "known": known, "on_invalid": source.on_invalid}
    shares = shares_in(source, contract)
    if again is None:
        return check(parts, contract, shares=shares, **options), None
    return check_both((parts, again), contract, shares=shares, **options)


def _unread(pinned: pl.LazyFrame, files: Sequence[FileInput]) -> list[Rejected]:
    """The files that were to be read again and are not what they were any more."""
    whole = pinned.filter(pl.col("line").is_null()).select("file_time", "file").collect(engine="streaming")
    there = {f.path for f in files}
    return [Rejected(FileInput(at, path, 0), GONE) for at, path in whole.iter_rows() if path not in there]


def _count_discarded(pinned: pl.LazyFrame) -> int:
    return int(pinned.select((pl.col("state") == "discarded").sum()).collect(engine="streaming").item())


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
    required = frozenset(n for n, spec in contract.columns.items() if spec.required and not spec.is_filled_when_absent)
    columns = contract.columns.items()
    return Expected(
        contract.schema,
        required,
        contract.is_strict,
        contract.is_ordered,
        empty_texts=frozenset(name for name, spec in columns if spec.reading.empty == "text"),
        told_absent=frozenset(name for name, spec in columns if is_told_absent(spec)),
        older={name: spec.aliases for name, spec in columns if spec.aliases},
    )


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
