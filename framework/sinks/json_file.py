"""JSON files: an array of records, a document that says what it holds, or one record per line. Written whole or not."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework.core.export import Layout
    from framework.storage import StorageLocation

GZIP_LEVEL = 6
ROW = "_row"


@dataclass(frozen=True)
class Written:
    """A file as it was written: its rows, its bytes, and the SHA-256 of these bytes."""

    path: str
    rows: int
    bytes: int
    sha256: str


def write_json(
    rows: pl.LazyFrame, location: StorageLocation, path: str, *, layout: Layout, head: Mapping[str, Any]
) -> Written:
    """Write rows as a JSON file, in the order in which they come; it replaces the one of that name at once and whole.

    Streams: memory is bounded by batches. Dates and times are ISO 8601 text, decimals are numbers with the digits that
    they have (text within lists and structs), NaN and infinity are null.

    Args:
        rows: One row per record.
        location: The folder.
        path: The file's path below it; `.gz` compresses.
        layout: `records` (an array), `document` (an object: `head`, then the array `records`) or `lines` (NDJSON).
        head: What a document says about its records.
    """
    count = 0
    with location.replace(path) as raw:
        hashed = _Hashed(raw)
        packed: Any = gzip.GzipFile("", "wb", GZIP_LEVEL, hashed, mtime=0) if path.endswith(".gz") else hashed
        opening, between, closing = _frame_of(layout, head)
        packed.write(opening)
        for batch in _texts(rows):
            if batch.is_empty():
                continue
            packed.write(between if count and layout != "lines" else b"")
            packed.write(between.join(text.encode() for text in batch))
            packed.write(between if layout == "lines" else b"")
            count += len(batch)
        packed.write(closing)
        if packed is not hashed:
            packed.close()
    return Written(path, count, hashed.size, hashed.digest.hexdigest())


def _frame_of(layout: Layout, head: Mapping[str, Any]) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and behind the records."""
    if layout == "lines":
        return b"", b"\n", b""
    if layout == "records":
        return b"[\n", b",\n", b"\n]\n"
    told = json.dumps(head, ensure_ascii=False, indent=1, default=str).rstrip("}").rstrip()
    return (told + ',\n "records": [\n').encode(), b",\n", b"\n]}\n"


def _texts(rows: pl.LazyFrame) -> Iterator[pl.Series]:
    encoded = rows.select(record(rows.collect_schema()).alias(ROW))
    for batch in encoded.collect_batches(maintain_order=True):
        yield batch[ROW]


def record(schema: pl.Schema) -> pl.Expr:
    """Give a row as one JSON object, as text.

    NOTE: polars (2.1) writes decimals as text; most readers want numbers, so those of the row itself become some.
    """
    parts = [_member(name, dtype) for name, dtype in schema.items()]
    return pl.concat_str([pl.lit("{"), pl.concat_str(parts, separator=","), pl.lit("}")])


def _member(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Decimal):
        key = pl.lit(f"{json.dumps(name, ensure_ascii=False)}:")
        return pl.concat_str(key, pl.col(name).cast(pl.String).fill_null("null"))
    return pl.struct(name).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")


class _Hashed:
    """Passes bytes on, and knows how many there were and their hash."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.size += len(content)
        self.digest.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()
