"""CSV files as lazy rows of text, one scan each.

A plain UTF-8 file on local disk without quotes goes to Polars' own scanner: there every line is a row. All others
(compressed, other encodings, quotes, object storage) are cut into blocks of whole lines and parsed block by block with
the same parser, which is exact as long as a block has as many rows as lines; a block that has not is parsed line by
line. Either way memory is bounded by blocks, not by files.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.io.plugins import register_io_source

from framework.core.frames import MALFORMED, SOURCE_LINE
from framework.sources.csv_lines import parse_lines
from framework.sources.text import BLOCK, Block, UnreadableTextError, blocks, bom, is_compressed, open_bytes
from framework.sources.verdict import Rejected, Scanned, missing_columns, with_provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.storage import StorageLocation

DELIMITERS = (",", ";", "\t", "|")
OVERFLOW = "_surplus"


@dataclass(frozen=True)
class Layout:
    """How one file is written: its columns in order, the delimiter, and whether Polars may scan it as it is."""

    header: tuple[str, ...]
    delimiter: str
    is_plain: bool


def scan_csv(source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected) -> Scanned:
    """Scan CSV files: all columns as text, with provenance, one part per header.

    Options: `delimiter` (default: found per file), `encodings` (fallbacks where a file is no UTF-8).

    Lazy, but each file's layout is looked at now: of a local file all bytes (for quotes and the encoding), of a
    compressed one all bytes decompressed (is it whole?), of a remote one the first block.
    """
    parts: list[pl.LazyFrame] = []
    rejected: list[Rejected] = []
    extra: set[str] = set()
    for file in files:
        found = _layout(source, file, location, expected)
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        extra |= set(found.header) - set(expected.schema)
        rows = (
            _scan_plain(location.uri(file.path), found)
            if found.is_plain
            else _scan_blocks(source, file, location, found)
        )
        parts.append(with_provenance(_narrow(rows, expected), file))
    return Scanned(parts, rejected, frozenset(extra))


def _narrow(rows: pl.LazyFrame, expected: Expected) -> pl.LazyFrame:
    """Bring every file to the contract's columns, in its order; a column the file lacks is null."""
    available = rows.collect_schema().names()
    columns = [
        pl.col(name) if name in available else pl.lit(None, dtype=pl.String).alias(name) for name in expected.schema
    ]
    surplus = pl.col(OVERFLOW) if OVERFLOW in available else pl.lit(None, dtype=pl.String).alias(OVERFLOW)
    return rows.select(*columns, surplus, SOURCE_LINE, MALFORMED)


def _layout(source: FileSource, file: FileInput, location: StorageLocation, expected: Expected) -> Layout | Rejected:
    try:
        return _read_layout(source, file, location, expected)
    except UnreadableTextError as error:
        return Rejected(file, str(error))
    except FileNotFoundError:
        return Rejected(file, "the file is gone since the run was planned")


def _read_layout(
    source: FileSource, file: FileInput, location: StorageLocation, expected: Expected
) -> Layout | Rejected:
    is_plain, head = _is_plain(location, file.path) if location.is_local else (False, b"")
    with open_bytes(location, file.path) as opened:
        found = blocks(opened, tuple(source.options.get("encodings", ())))
        first = next(found, None)
        if first is None:
            return Rejected(file, "the file is empty")
        if not location.is_local or is_compressed(head):
            _exhaust(found, needed=is_compressed(head) or file.path.endswith((".gz", ".zst")))
    line = first.content.split(b"\n", 1)[0].rstrip(b"\r").decode(errors="replace")
    delimiter = source.options.get("delimiter") or _delimiter(line, expected)
    header = [name.strip().strip('"') for name in line.split(delimiter)]
    wrong = missing_columns(header, expected.required)
    if not wrong and len(set(header)) != len(header):
        wrong = f"wrong header: a column occurs twice in {', '.join(header)}"
    surplus = sorted(set(header) - set(expected.schema))
    if not wrong and surplus and expected.is_strict:
        wrong = f"wrong header: unknown columns {', '.join(surplus)}"
    return Rejected(file, wrong) if wrong else Layout(tuple(header), delimiter, is_plain)


def _exhaust(found: Iterator[Block], *, needed: bool) -> None:
    """Read a compressed file to its end: only there it shows whether it is whole."""
    if needed:
        for _ in found:
            continue


def _is_plain(location: StorageLocation, path: str) -> tuple[bool, bytes]:
    """Whether every line of a local file is a row for Polars' scanner; and the file's first bytes."""
    with Path(location.uri(path)).open("rb", buffering=0) as file:
        head = file.read(BLOCK)
        if is_compressed(head) or (bom(head) or (b"", "utf-8"))[1] != "utf-8" or (b"\r" in head and b"\n" not in head):
            return False, head
        block, rest = head, b""
        while block:
            if b'"' in block or b"\0" in block:
                return False, head
            rest = _undecoded(rest + block)
            if len(rest) > 3:  # noqa: PLR2004 - a UTF-8 sequence has at most four bytes
                return False, head
            block = file.read(BLOCK)
    return not rest, head


def _undecoded(content: bytes) -> bytes:
    """What is left of a block after its valid UTF-8: an unfinished last character, or all from the first wrong byte."""
    if content.isascii():
        return b""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return content[error.start :]
    return b""


def _delimiter(line: str, expected: Expected) -> str:
    """The delimiter under which the header has most of the expected columns."""

    def hits(delimiter: str) -> int:
        return len({name.strip().strip('"') for name in line.split(delimiter)} & set(expected.schema))

    return max(DELIMITERS, key=hits)


def _options(layout: Layout, *, quoted: bool) -> dict[str, Any]:
    return {
        "has_header": False,
        "schema": dict.fromkeys([*layout.header, OVERFLOW], pl.String),
        "missing_columns": "insert",
        "separator": layout.delimiter,
        "quote_char": '"' if quoted else None,
        "truncate_ragged_lines": True,
    }


def _scan_plain(uri: str, layout: Layout) -> pl.LazyFrame:
    rows = pl.scan_csv(
        uri, skip_lines=1, row_index_name=SOURCE_LINE, row_index_offset=2, glob=False, **_options(layout, quoted=False)
    )
    return _judge_width(rows.with_columns(pl.col(SOURCE_LINE).cast(pl.Int64)), layout)


def _judge_width(rows: pl.LazyFrame, layout: Layout) -> pl.LazyFrame:
    """Mark lines with too many fields, and leave out blank ones."""
    too_many = pl.when(pl.col(OVERFLOW).is_not_null()).then(pl.lit(f"too many fields: more than {len(layout.header)}"))
    return rows.filter(~pl.all_horizontal(pl.col(*layout.header, OVERFLOW).is_null())).with_columns(
        too_many.alias(MALFORMED)
    )


def _scan_blocks(source: FileSource, file: FileInput, location: StorageLocation, layout: Layout) -> pl.LazyFrame:
    schema = pl.Schema(
        {**dict.fromkeys([*layout.header, OVERFLOW], pl.String), SOURCE_LINE: pl.Int64, MALFORMED: pl.String}
    )
    encodings = tuple(source.options.get("encodings", ()))

    def read(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        with open_bytes(location, file.path) as opened:
            for block in blocks(opened, encodings):
                rows = _parse(block, layout)
                if left is not None:
                    rows = rows.head(left)
                    left -= rows.height
                if predicate is not None:
                    rows = rows.filter(predicate)
                yield rows.select(with_columns) if with_columns else rows
                if left == 0:
                    return

    return register_io_source(read, schema=schema, is_pure=True)


def _parse(block: Block, layout: Layout) -> pl.DataFrame:
    """Parse a block at full speed where that is exact, else line by line."""
    content, line = block.content, block.first_line
    if line == 1:
        content, line = content[content.find(b"\n") + 1 :] if b"\n" in content else b"", 2
    names = [*layout.header, OVERFLOW, SOURCE_LINE, MALFORMED]
    quick = _parse_at_once(content, line, layout)
    if quick is not None:
        return quick.select(names)
    slow = parse_lines(content, line, layout.header, layout.delimiter)
    blank = pl.all_horizontal(pl.col(*layout.header, MALFORMED).is_null())
    return slow.with_columns(pl.lit(None, dtype=pl.String).alias(OVERFLOW)).filter(~blank).select(names)


def _parse_at_once(content: bytes, line: int, layout: Layout) -> pl.DataFrame | None:
    """Parse with Polars; None when rows and lines do not agree, so that some record is not one line."""
    if b"\0" in content:
        return None
    is_quoted = b'"' in content
    count = content.count(b"\n") + (not content.endswith(b"\n") if content else 0)
    if count == 0:
        empty = {**dict.fromkeys([*layout.header, OVERFLOW], pl.String), SOURCE_LINE: pl.Int64, MALFORMED: pl.String}
        return pl.DataFrame(schema=empty)
    try:
        rows = pl.scan_csv(io.BytesIO(content), **_options(layout, quoted=is_quoted)).collect()
    except pl.exceptions.ComputeError:
        return None
    if rows.height != count:
        return None
    if is_quoted:  # an empty quoted field means what an empty one does
        rows = rows.with_columns(pl.when(pl.all().str.len_bytes() > 0).then(pl.all()))
    lines = rows.with_row_index(SOURCE_LINE, offset=line).with_columns(pl.col(SOURCE_LINE).cast(pl.Int64))
    judged = _judge_width(lines.lazy(), layout).collect()
    return None if is_quoted and judged[MALFORMED].is_not_null().any() else judged
