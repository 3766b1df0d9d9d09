"""Parquet files as lazy rows, all of one schema in one scan. What a file holds is read off its footer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import PROVENANCE, SOURCE_LINE
from framework.core.reaching import reach
from framework.sources.older_names import counted, older_names, twice_there
from framework.sources.provenance import locate_rows
from framework.sources.verdict import GONE, Rejected, Scanned, misplaced_columns, missing_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.storage import StorageLocation

_Pairs = tuple[tuple[str, str], ...]


def scan_parquet(
    _source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected
) -> Scanned:
    """Scan Parquet files: their own types, with provenance; the line is the number of the row in its file, from 1."""
    groups: dict[tuple[_Pairs, _Pairs], list[tuple[FileInput, int]]] = {}
    renamed: list[dict[str, str]] = []
    rejected: list[Rejected] = []
    extra: set[str] = set()
    for file in files:
        footer = reach(f"look at {file.path}", partial(read_footer, location, file))
        if isinstance(footer, Rejected):
            rejected.append(footer)
            continue
        older = older_names(footer.types, expected)
        types = {older.get(name, name): dtype for name, dtype in footer.types.items()}
        columns = {name: str(dtype) for name, dtype in types.items()}
        wrong = _wrong_columns(list(columns), expected) or _wrong_types(types, expected)
        if wrong:
            rejected.append(Rejected(file, wrong))
            continue
        extra |= set(columns) - set(expected.schema)
        renamed.append(older)
        kind = (tuple(sorted(columns.items())), tuple(sorted(older.items())))
        groups.setdefault(kind, []).append((file, footer.rows))
    parts = [
        _scan(location, group, [n for n in expected.schema if n in dict(columns)], dict(older))
        for (columns, older), group in groups.items()
    ]
    return Scanned(parts, rejected, frozenset(extra), counted(renamed))


def _wrong_columns(names: list[str], expected: Expected) -> str:
    surplus = sorted(set(names) - set(expected.schema))
    wrong = twice_there(names, expected) or missing_columns(names, expected.required)
    if not wrong and surplus and expected.is_strict:
        return f"wrong columns: unknown {', '.join(surplus)}"
    return wrong or misplaced_columns(names, expected)


def _scan(
    location: StorageLocation, group: list[tuple[FileInput, int]], columns: list[str], older: Mapping[str, str]
) -> pl.LazyFrame:
    rows = pl.scan_parquet(
        [location.uri(file.path) for file, _ in group],
        row_index_name=SOURCE_LINE,
        glob=False,
        hive_partitioning=False,
        storage_options=location.options() or None,
    )
    named = rows.rename(older)
    return locate_rows(named.select(*columns, SOURCE_LINE), group, first=1).select(*columns, *PROVENANCE)


def _wrong_types(types: Mapping[str, pl.DataType], expected: Expected) -> str:
    """Name the columns whose values cannot become those of their column in the schema, whatever they are."""
    words = [
        f"{name} holds {found}, which cannot become {expected.schema[name]}"
        for name, found in types.items()
        if name in expected.schema and not _fits(found, expected.schema[name])
    ]
    return f"wrong columns: {'; '.join(words)}" if words else ""


def _fits(found: pl.DataType, expected: pl.DataType) -> bool:
    """Whether values of one type may become those of the other; a list or struct may stand in text, as JSON."""
    is_in_text = found == pl.String and isinstance(expected, pl.List | pl.Array | pl.Struct)
    return is_in_text or _kind(found) == _kind(expected)


def _kind(dtype: Any) -> str:
    """What a column's values are made of: values of other kinds are never cast into each other."""
    kind = dtype.base_type()
    if kind in {pl.List, pl.Array}:
        return "list"
    if kind in {pl.Struct, pl.Binary, pl.Object}:
        return str(kind)
    return str(kind) if dtype.is_nested() else "value"


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself: its rows, and its columns with the types that Polars gives them."""

    rows: int
    types: dict[str, pl.DataType]


def read_footer(location: StorageLocation, file: FileInput) -> Footer | Rejected:
    """Read a file's footer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with location.filesystem().open(location.uri(file.path), "rb") as opened:
            metadata = pq.read_metadata(opened)
            opened.seek(0)
            return Footer(metadata.num_rows, dict(pl.read_parquet_schema(opened)))
    except FileNotFoundError:
        return Rejected(file, GONE)
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # storage speaks in error numbers, Parquet does not
            raise
        return Rejected(file, f"no readable Parquet file: {str(error).splitlines()[0]}")
