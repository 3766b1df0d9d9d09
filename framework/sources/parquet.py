"""Parquet files as lazy rows, one scan each. The footer is read when the plan is built: it is what a file stands by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import SOURCE_LINE
from framework.sources.verdict import Rejected, Scanned, missing_columns, with_provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.storage import StorageLocation


def scan_parquet(
    _source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected
) -> Scanned:
    """Scan Parquet files: their own types, with provenance; the line is the number of the row in its file."""
    parts: list[pl.LazyFrame] = []
    rejected: list[Rejected] = []
    extra: set[str] = set()
    for file in files:
        names = _columns(location, file)
        if isinstance(names, Rejected):
            rejected.append(names)
            continue
        surplus = set(names) - set(expected.schema)
        wrong = missing_columns(names, expected.required)
        if not wrong and surplus and expected.is_strict:
            wrong = f"wrong columns: unknown {', '.join(sorted(surplus))}"
        if wrong:
            rejected.append(Rejected(file, wrong))
            continue
        extra |= surplus
        parts.append(with_provenance(_scan(location, file, [n for n in expected.schema if n in names]), file))
    return Scanned(parts, rejected, frozenset(extra))


def _scan(location: StorageLocation, file: FileInput, columns: list[str]) -> pl.LazyFrame:
    rows = pl.scan_parquet(
        location.uri(file.path),
        row_index_name=SOURCE_LINE,
        row_index_offset=1,
        glob=False,
        hive_partitioning=False,
        storage_options=location.options() or None,
    )
    return rows.select(*columns, pl.col(SOURCE_LINE).cast(pl.Int64))


def _columns(location: StorageLocation, file: FileInput) -> list[str] | Rejected:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with location.filesystem().open(location.uri(file.path), "rb") as opened:
            footer: Any = pq.read_metadata(opened)
            return [str(name) for name in footer.schema.to_arrow_schema().names]
    except FileNotFoundError:
        return Rejected(file, "the file is gone since the run was planned")
    except (pa.ArrowException, OSError) as error:
        return Rejected(file, f"no readable Parquet file: {str(error).splitlines()[0]}")
