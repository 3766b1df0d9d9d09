"""Files as sources: how a pipeline declares them, and how they become lazy rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.budget import limits_of
from framework.core.fallback import fallbacks_of
from framework.core.frames import BLANK, MALFORMED
from framework.core.source import (
    KEEP_NULLS,
    Expected,
    FileSource,
    IfFailed,
    Nulls,
    OnInvalid,
    OnStale,
    Reference,
    TableSource,
)
from framework.errors import DefinitionError, Problem
from framework.sources.csv import scan_csv
from framework.sources.json import scan_json
from framework.sources.parquet import scan_parquet
from framework.sources.promises import KINDS, broken_promise
from framework.sources.verdict import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from framework.core.budget import Budget
    from framework.core.fallback import Alternate, Fallbacks
    from framework.core.plan import FileInput
    from framework.core.policy import Breaker, Retry
    from framework.core.rule import BusinessRule
    from framework.sources.promises import Kind
    from framework.sources.verdict import Scanned
    from framework.storage import StorageLocation

_SCANNERS = {"csv": scan_csv, "json": scan_json, "parquet": scan_parquet}


def csv_files(  # noqa: PLR0913 - one keyword per thing that a source can say
    *patterns: str,
    schema: Any = None,
    on_invalid: OnInvalid = "quarantine",
    references: Mapping[str, str] | None = None,
    sample_by: str | None = None,
    nulls: Nulls = KEEP_NULLS,
    budget: Budget | None = None,
    rules: Sequence[BusinessRule] = (),
    fallback: Fallbacks | None = None,
    otherwise: Alternate | None = None,
    retry: Retry | None = None,
    breaker: Breaker | None = None,
    hooks: Sequence[Callable[..., Any]] = (),
    delimiter: str | None = None,
    encodings: Sequence[str] = (),
) -> FileSource:
    """Declare CSV files of the raw folder as a source: one row per line.

    Args:
        patterns: Globs relative to the raw folder; each matches compressed forms (`.gz`, `.zst`) too.
        schema: The Pandera schema rows are held against; default: the one of the step that takes the source.
        on_invalid: What happens to rows that break it: `quarantine`, `drop` (counted), `warn` (kept, counted), `fail`.
        references: Foreign keys, such as `{"product_id": "products"}` (or `"products.id"`): a row whose value the other
            source does not know waits in quarantine and is taken up by the first later run that knows it.
        sample_by: The column whose values `run --sample` draws from, so that all rows of a value go together. A source
            without it is read whole.
        nulls: What stands for no value in these files, such as `Nulls(tokens=["", "n/a"])`, and what becomes of it.
        budget: How many rows may be refused before the run fails and publishes nothing: `100`, `"1%"`, both in a list,
            or a mapping from columns and rules: `{"*": "1%", "quantity": 0, "unit_price.not_null": "0.1%"}`. A limit
            may hold within each value of a column: `{"* per store_id": "5% of at least 100"}`. `unit_price.filled`
            limits the cells that fallbacks fill, `*.filled` the rows with any.
        rules: Business rules that these rows are held against beside those of the schema; see `rule`.
        fallback: What stands in for a value that cannot be used, by column: `{"discount_percent": default(0)}`, or
            several, of which the first that has a value is taken: `[last_known(...), default(0)]`. The column `_filled`
            then says which cells of a row were filled.
        otherwise: The source that stands in when this one fails a run, such as `alternate("backup")`.
        retry: How calls to it that fail for a reason that may pass are made again; default: as the project says.
        breaker: When it is left alone for a while, by all runs.
        hooks: Functions that are called before and after it is read and checked; see `hook`.
        delimiter: Default: found per file.
        encodings: Encodings to try where a file is no UTF-8, such as `["latin-1"]`. Byte order marks are obeyed.
    """
    options = {"encodings": tuple(encodings), **({"delimiter": delimiter} if delimiter else {})}
    return FileSource(
        "csv",
        patterns,
        schema,
        on_invalid,
        _references(references),
        sample_by,
        options,
        nulls,
        limits_of(budget),
        tuple(rules),
        fallbacks_of(fallback),
        otherwise,
        retry,
        breaker,
        tuple(hooks),
    )


def json_files(  # noqa: PLR0913 - one keyword per thing that a source can say
    *patterns: str,
    schema: Any = None,
    on_invalid: OnInvalid = "quarantine",
    references: Mapping[str, str] | None = None,
    sample_by: str | None = None,
    nulls: Nulls = KEEP_NULLS,
    budget: Budget | None = None,
    rules: Sequence[BusinessRule] = (),
    fallback: Fallbacks | None = None,
    otherwise: Alternate | None = None,
    retry: Retry | None = None,
    breaker: Breaker | None = None,
    hooks: Sequence[Callable[..., Any]] = (),
    records: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> FileSource:
    """Declare JSON files of the raw folder as a source: one row per record.

    A file is one record, an array of records, one record per line (NDJSON), or a document with an array in it.

    Args:
        patterns: Globs relative to the raw folder; each matches compressed forms (`.gz`, `.zst`) too.
        schema: See `csv_files`.
        on_invalid: See `csv_files`.
        references: See `csv_files`.
        sample_by: See `csv_files`.
        nulls: See `csv_files`.
        budget: See `csv_files`.
        rules: See `csv_files`.
        fallback: See `csv_files`.
        otherwise: See `csv_files`.
        retry: See `csv_files`.
        breaker: See `csv_files`.
        hooks: See `csv_files`.
        records: The key under which a document holds its array of records.
        fields: Where a column's value stands in a record, such as `{"clicks": "performance.clicks"}`.
    """
    options = {"records": records, "fields": dict(fields or {})}
    return FileSource(
        "json",
        patterns,
        schema,
        on_invalid,
        _references(references),
        sample_by,
        options,
        nulls,
        limits_of(budget),
        tuple(rules),
        fallbacks_of(fallback),
        otherwise,
        retry,
        breaker,
        tuple(hooks),
    )


def parquet_files(  # noqa: PLR0913 - one keyword per thing that a source can say
    *patterns: str,
    schema: Any = None,
    on_invalid: OnInvalid = "quarantine",
    references: Mapping[str, str] | None = None,
    sample_by: str | None = None,
    nulls: Nulls = KEEP_NULLS,
    budget: Budget | None = None,
    rules: Sequence[BusinessRule] = (),
    fallback: Fallbacks | None = None,
    otherwise: Alternate | None = None,
    retry: Retry | None = None,
    breaker: Breaker | None = None,
    hooks: Sequence[Callable[..., Any]] = (),
) -> FileSource:
    """Declare Parquet files of the raw folder as a source: one row per row. Arguments: see `csv_files`."""
    return FileSource(
        "parquet",
        patterns,
        schema,
        on_invalid,
        _references(references),
        sample_by,
        nulls=nulls,
        limits=limits_of(budget),
        rules=tuple(rules),
        fallback=fallbacks_of(fallback),
        otherwise=otherwise,
        retry=retry,
        breaker=breaker,
        hooks=tuple(hooks),
    )


def delta_table(  # noqa: PLR0913 - one keyword per thing that a source can say
    table: str,
    *,
    key: str | Sequence[str] = (),
    schema: Any = None,
    sample_by: str | None = None,
    max_age: timedelta | None = None,
    on_stale: OnStale = "warn",
    if_failed: IfFailed = "skip",
    retry: Retry | None = None,
    breaker: Breaker | None = None,
    hooks: Sequence[Callable[..., Any]] = (),
) -> TableSource:
    """Declare a table of the lake as a source, read at one version and consumed by what changed since the last run.

    Args:
        table: Its name, such as `retail/sales`.
        key: The columns that tie its rows to other sources. Needed when an output recomputes by a column that this
            table lacks: its changed keys then say which values are touched. Without it a change recomputes all.
        schema: The Pandera schema of its rows; default: the one of the step that takes the source.
        sample_by: The column whose values a look at a sample (`sluice show --sample`) draws from; see `csv_files`.
        max_age: For look-ups: how long ago the table may have changed last when a run is planned.
        on_stale: What happens when it is older: `warn`, or `fail` the run.
        if_failed: What happens when the pipeline that writes the table fails in the same invocation: `skip` this one
            too, or `use_last`: run on the table's last published version.
        retry: See `csv_files`.
        breaker: See `csv_files`.
        hooks: Functions that are called before and after it is read; see `hook`.
    """
    keys = (key,) if isinstance(key, str) else tuple(key)
    return TableSource(table, keys, schema, sample_by, max_age, on_stale, if_failed, retry, breaker, tuple(hooks))


def _references(given: Mapping[str, str] | None) -> tuple[Reference, ...]:
    found = []
    for column, target in (given or {}).items():
        source, _, key = target.partition(".")
        found.append(Reference(column, source, key or column))
    return tuple(found)


def scan_files(
    source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected
) -> Scanned:
    """Scan files of a source as raw rows with provenance; files that cannot be read are named, not raised."""
    scan = _SCANNERS[source.format]
    kinds = source.options.get("manifest", ())
    if not kinds:
        return scan(source, files, location, expected)

    def count(file: FileInput) -> int | None:
        alone = scan(source, [file], location, expected)
        return None if alone.rejected else sum(map(_count, alone.parts))

    found = {file: broken_promise(location, file, kinds, count) for file in files}
    broken = [Rejected(file, reason) for file, reason in found.items() if reason]
    scanned = scan(source, [file for file in files if not found[file]], location, expected)
    return replace(scanned, rejected=[*broken, *scanned.rejected])


def guarded(source: FileSource, *, manifest: Kind | None = None, apart: bool = False) -> FileSource:
    """Have the files of a source looked at with more care; what fails is refused as a whole, and never fails the run.

    Args:
        source: The source, such as `csv_files("sales/*.csv")`.
        manifest: What every file must have beside it and agree with: `sha256`, its checksum in `<file>.sha256` as
            `sha256sum` writes it, or `manifest`, a JSON object in `<file>.manifest` with any of `bytes`, `sha256` and
            `rows`.
        apart: Whether every file is first read in a process of its own, so that one that makes its reader crash, hang
            or run out of memory is refused, as is a Parquet file with a damaged page. Reads every file twice.

    Raises:
        DefinitionError: for another kind of manifest.

    >>> guarded(csv_files("sales/*.csv"), manifest="sha256").options["manifest"]
    ('sha256',)
    """
    if manifest is not None and manifest not in KINDS:
        raise DefinitionError([Problem("guarded", f"manifest='{manifest}'", f"one of {', '.join(KINDS)}")])
    care = {"manifest": (manifest,) if manifest else (), "apart": apart}
    return replace(source, options={**source.options, **care})


def _count(rows: pl.LazyFrame) -> int:
    if MALFORMED in rows.collect_schema():
        return int(rows.select(pl.col(MALFORMED).ne_missing(BLANK).sum()).collect(engine="streaming").item())
    return int(rows.select(pl.len()).collect(engine="streaming").item())
