"""Looks at quality from outside a run: reports and history of a table, profiles and comparisons of what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.core.frames import CARRIED
from framework.errors import AuthorError, ConfigurationError, SelectionError, did_you_mean
from framework.lake import app_id, open_table
from framework.lake.tables import require_table
from framework.quality import Look, Record, Run, Watch, profile, show, with_drift
from framework.quality.drift import bins_of
from framework.quality.report import Document, make_document
from framework.run.compiled import contracts
from framework.run.quality.history import pipelines_of, read_past, recorded_tables
from framework.run.sensitive import sensitive_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.quality import Expectation
    from framework.definition import Output, Pipeline
    from framework.lake import TableHandle
    from framework.quality import Profile
    from framework.storage import StorageLocation


@dataclass(frozen=True)
class Subject:
    """A table, and what its definition says of it: the key, and which columns are sensitive (None: not known)."""

    lake: StorageLocation
    table: str
    key: tuple[str, ...] = ()
    sensitive: frozenset[str] | None = None


def subject_of(lake: StorageLocation, table: str, pipelines: Mapping[str, Pipeline]) -> Subject:
    """Find what the definitions say of a table. Where none writes it, no column's values may be shown."""
    for pipeline in pipelines.values():
        for output in pipeline.outputs:
            if output.table == table:
                return Subject(lake, table, output.key, _sensitive(pipeline, output))
    return Subject(lake, table)


def _sensitive(pipeline: Pipeline, output: Output) -> frozenset[str] | None:
    try:
        return sensitive_columns(pipeline, output, contracts(pipeline))
    except AuthorError:
        return None


def records_of(subject: Subject) -> tuple[str, list[Record]]:
    """What was recorded of a table, oldest first, and the pipeline that did: the one that did so last.

    Raises:
        SelectionError: when there is no history of it; suggests what there is.
    """
    lake, table = subject.lake, subject.table
    found = [(name, read_past(lake, name, table)) for name in pipelines_of(lake, table)]
    if found:
        name, records = max(found, key=lambda one: one[1][-1].run.at)
        published = open_table(lake, table)
        upto = published.sequence(app_id(name, table)) if published else 0
        kept = [record.masked(subject.sensitive) for record in records if record.run.seq <= upto]
        if kept:
            return name, kept
    require_table(lake, table)
    known = {name for names in recorded_tables(lake).values() for name in names}
    hint = did_you_mean(table, known - {table})
    fix = f"give its output quality=Quality() and run it, or look at it now: sluice quality profile {table}"
    raise SelectionError(f"table '{table}' has no history of its quality; {fix}{f'; {hint}' if hint else ''}")


def open_report(subject: Subject, *, run: str | None = None, version: int | None = None) -> Document:
    """Gather the report on a table's newest run, or on that of a run id or of a version of the table.

    Raises:
        SelectionError: when there is no such run, version or history.
    """
    pipeline, records = records_of(subject)
    handle = require_table(subject.lake, subject.table)
    seq = records[-1].run.seq
    if version is not None:
        seq = _sequence_of(subject, pipeline, version, handle.version)
    if run is not None:
        seq = next((r.run.seq for r in reversed(records) if r.run.run_id.startswith(run)), 0)
    if not any(record.run.seq == seq for record in records):
        what = f"run '{run}'" if run is not None else f"version {version}"
        first = records[0].run
        raise SelectionError(
            f"table '{subject.table}': the quality of {what} is not recorded; the history has {len(records)} runs,"
            f" {first.run_id} to {records[-1].run.run_id}: sluice quality history {subject.table}"
        )
    upto = [record for record in records if record.run.seq <= seq]
    return make_document(subject.table, pipeline, upto, facts=facts_now(handle))


def _sequence_of(subject: Subject, pipeline: str, version: int, newest: int) -> int:
    """The sequence that made a version of the table."""
    if not 0 < version <= newest:
        raise SelectionError(f"table '{subject.table}' has no version {version}; it has 1 to {newest}")
    return _at(subject, version).sequence(app_id(pipeline, subject.table))


def _at(subject: Subject, version: int | None) -> TableHandle:
    newest = require_table(subject.lake, subject.table)
    if version is None:
        return newest
    if not 0 <= version <= newest.version:
        raise SelectionError(f"table '{subject.table}' has no version {version}; its newest is {newest.version}")
    return require_table(subject.lake, subject.table, version)


def facts_now(handle: TableHandle) -> dict[str, Any]:
    """What the files of a table say of it: free of any look at its rows."""
    files = handle.files()
    return {
        "version": handle.version,
        "rows": sum(file.rows for file in files),
        "files": len(files),
        "bytes": sum(file.size for file in files),
        "updated_at": handle.changed_at.isoformat(timespec="seconds"),
    }


def profile_table(
    subject: Subject, *, version: int | None = None, columns: Sequence[str] = (), before: Document | None = None
) -> Document:
    """Profile all rows of a table at a version (default: the newest), now. Nothing is recorded.

    `before`: a profile whose bins are used, and from which the distances are measured.

    Raises:
        SelectionError: when there is no such table, version or column.
    """
    handle = _at(subject, version)
    rows = handle.scan().drop(CARRIED, strict=False)
    names = rows.collect_schema().names()
    for name in columns:
        if name not in names:
            raise SelectionError(f"table '{subject.table}' has no column '{name}'; {did_you_mean(name, names)}")
    chosen = list(columns) or names
    past = [before.record] if before else []
    now = handle.changed_at
    watch = Watch(
        rows.select(chosen).collect_schema(),
        sensitive=frozenset(names) if subject.sensitive is None else subject.sensitive,
        key=subject.key if set(subject.key) <= set(chosen) else (),
    )
    found = with_drift(profile(show(rows.select(chosen), watch), Look(datetime.now(UTC), bins_of(past))), past)
    types = {name: str(dtype) for name, dtype in watch.schema.items()}
    return Document(subject.table, "", _record_of(found, now, types), [], facts_now(handle))


def _record_of(found: Profile, at: datetime, types: dict[str, str]) -> Record:
    return Record(Run(0, "", at), "whole", found.sampled, found.metrics, found.by_name, types)


def checked_pin(lake: StorageLocation, table: str, pin: Expectation) -> Expectation:
    """Hold a pin against its table.

    Raises:
        SelectionError: when there is no such table or column.
        ConfigurationError: when it says nothing that can be held; all that is wrong with it.
    """
    from framework.core.quality import COLUMN_METRICS, expectation_mistakes
    from framework.quality.kinds import fits

    schema = require_table(lake, table).schema
    wrong = [f"{what} ({fix})" if fix else what for what, fix in expectation_mistakes(pin)]
    if wrong:
        raise ConfigurationError(f"the pin {'; '.join(wrong)}")
    if pin.column and pin.column not in schema:
        hint = did_you_mean(pin.column, schema.names())
        raise SelectionError(f"table '{table}' has no column '{pin.column}'; {hint}")
    if pin.column and not fits(schema[pin.column], COLUMN_METRICS[pin.metric][0]):
        raise ConfigurationError(f"{pin.metric} is not measured of {pin.column}, which is {schema[pin.column]}")
    return pin
