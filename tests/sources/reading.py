"""Raw files in a folder, scanned as a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.plan import FileInput
from framework.core.source import Expected, FileSource
from framework.sources import scan_files
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2024, 5, 1, 12, tzinfo=UTC)
COLUMNS = ("a", "b", "c")


@dataclass(frozen=True)
class Read:
    """What scanning gave: all rows by file and line, the reasons of rejected files, the columns nobody asked for."""

    rows: pl.DataFrame
    rejected: dict[str, str]
    extra: frozenset[str] = frozenset()
    parts: list[pl.LazyFrame] = field(default_factory=list)

    def cells(self, *columns: str) -> list[tuple[Any, ...]]:
        return self.rows.select(columns or COLUMNS).rows()

    @property
    def lines(self) -> list[int]:
        return self.rows["_source_line"].to_list()

    @property
    def wrong(self) -> dict[int, str]:
        """What is wrong, by line."""
        if "_malformed" not in self.rows.columns:
            return {}
        bad = self.rows.filter(pl.col("_malformed").is_not_null())
        return dict(bad.select("_source_line", "_malformed").rows())


def read_files(
    folder: Path,
    contents: dict[str, bytes],
    *,
    schema: dict[str, Any] | None = None,
    required: set[str] | None = None,
    is_strict: bool = False,
    kind: str | None = None,
    empty_texts: set[str] | None = None,
    **options: Any,
) -> Read:
    """Write files and scan them, in the order given; `schema` are the expected columns (default: a, b, c as text)."""
    expected = schema or dict.fromkeys(COLUMNS, pl.String())
    files = []
    for number, (name, content) in enumerate(contents.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files.append(FileInput(MOMENT + timedelta(minutes=number), name, len(content)))
    found = kind or next(iter(contents)).split(".")[1]
    source = FileSource(found, ("*",), options=options)  # type: ignore[arg-type]
    needed = frozenset(expected if required is None else required)
    scanned = scan_files(
        source,
        files,
        StorageLocation(str(folder)),
        Expected(pl.Schema(expected), needed, is_strict=is_strict, empty_texts=frozenset(empty_texts or ())),
    )
    frames = [part.collect(engine="streaming") for part in scanned.parts]
    rows = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    if rows.height:
        rows = rows.sort("_source_file", "_source_line")
    return Read(rows, {r.file.path: r.reason for r in scanned.rejected}, scanned.extra_columns, scanned.parts)
