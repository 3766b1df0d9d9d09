"""Parquet files as lazy rows, all of one schema in one scan. What a file holds is read off its footer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import PROVENANCE, SOURCE_LINE
from framework.sources.provenance import locate_rows
from framework.sources.verdict import GONE, Rejected, Scanned, missing_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.storage import StorageLocation


def scan_parquet(
    _source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected
) -> Scanned:
    """Scan Parquet files: their own types, with provenance; the line is the number of the row in its file, from 1."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[FileInput, int]]] = {}
    rejected: list[Rejected] = []
    extra: set[str] = set()
    for file in files:
        footer = _footer(location, file)
        if isinstance(footer, Rejected):
            rejected.append(footer)
            continue
        columns = {field.name: str(field.type) for field in footer.schema.to_arrow_schema()}
        wrong = _wrong_columns(list(columns), expected)
        if wrong:
            rejected.append(Rejected(file, wrong))
            continue
        extra |= set(columns) - set(expected.schema)
        groups.setdefault(tuple(sorted(columns.items())), []).append((file, footer.num_rows))
    parts = [_scan(location, group, [n for n in expected.schema if n in dict(kind)]) for kind, group in groups.items()]
    return Scanned(parts, rejected, frozenset(extra))


def _wrong_columns(names: list[str], expected: Expected) -> str:
    surplus = sorted(set(names) - set(expected.schema))
    wrong = missing_columns(names, expected.required)
    if not wrong and surplus and expected.is_strict:
        return f"wrong columns: unknown {', '.join(surplus)}"
    return wrong


def _scan(location: StorageLocation, group: list[tuple[FileInput, int]], columns: list[str]) -> pl.LazyFrame:
    rows = pl.scan_parquet(
        [location.uri(file.path) for file, _ in group],
        row_index_name=SOURCE_LINE,
        glob=False,
        hive_partitioning=False,
        storage_options=location.options() or None,
    )
    return locate_rows(rows.select(*columns, SOURCE_LINE), group, first=1).select(*columns, *PROVENANCE)


def _footer(location: StorageLocation, file: FileInput) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with location.filesystem().open(location.uri(file.path), "rb") as opened:
            return pq.read_metadata(opened)
    except FileNotFoundError:
        return Rejected(file, GONE)
    except (pa.ArrowException, OSError) as error:
        return Rejected(file, f"no readable Parquet file: {str(error).splitlines()[0]}")
