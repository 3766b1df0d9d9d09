"""CSV files of any encoding, compression and quoting, parsed in blocks of whole lines.

A block goes through Polars' parser at once, which is exact as long as it gives as many rows as the block has lines; a
block where it does not (a quote that spans lines, or is not closed) is parsed line by line.
"""

from __future__ import annotations

import io
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import BLANK, MALFORMED, SOURCE_LINE
from framework.sources.csv_lines import parse_lines
from framework.sources.text import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.sources.csv_layout import Layout

OVERFLOW = "_surplus"
"""Holds what stands beyond the header's last column."""


def parser_options(layout: Layout, *, quoted: bool) -> dict[str, Any]:
    """Options under which Polars' parser gives all fields as text, and surplus ones in `OVERFLOW`."""
    return {
        "has_header": False,
        "schema": dict.fromkeys([*layout.header, OVERFLOW], pl.String),
        "missing_columns": "insert",
        "extra_columns": "ignore",  # the parser counts fields on the first line, which may be the one with too many
        "separator": layout.delimiter,
        "quote_char": '"' if quoted else None,
        "truncate_ragged_lines": True,
        "raise_if_empty": False,
    }


def judge_lines(rows: pl.LazyFrame, layout: Layout) -> pl.LazyFrame:
    """Mark lines with too many fields, and blank ones."""
    too_many = pl.lit(f"too many fields: more than {len(layout.header)}")
    is_blank = pl.all_horizontal(pl.col(*layout.header, OVERFLOW).is_null())
    verdict = pl.when(pl.col(OVERFLOW).is_not_null()).then(too_many).when(is_blank).then(pl.lit(BLANK))
    return rows.with_columns(verdict.alias(MALFORMED))


def parse_blocks(found: Iterable[Block], layout: Layout) -> Iterator[pl.DataFrame]:
    """Parse the blocks of a file; a record that goes on behind its block is parsed with the next one."""
    rest = b""
    for block, is_last in _with_last(found):
        whole = Block(rest + block.content, block.first_line - rest.count(b"\n"))
        rows, rest = _parse_block(whole, layout, is_last=is_last)
        yield rows


def _with_last(found: Iterable[Block]) -> Iterator[tuple[Block, bool]]:
    waiting = None
    for block in found:
        if waiting is not None:
            yield waiting, False
        waiting = block
    if waiting is not None:
        yield waiting, True


def _parse_block(block: Block, layout: Layout, *, is_last: bool) -> tuple[pl.DataFrame, bytes]:
    """Parse a block: all fields as text (empty is null), the line of each row, and what is wrong with it."""
    content, line = block.content, block.first_line
    if line == 1:
        content, line = content[content.find(b"\n") + 1 :] if b"\n" in content else b"", 2
    columns = [*layout.header, OVERFLOW]
    quick, rest = _parse_at_once(content, line, layout), b""
    if quick is None:
        quick, rest = parse_lines(content, line, columns, layout.delimiter, is_last=is_last)
    return quick.select(*columns, SOURCE_LINE, MALFORMED), rest


def _parse_at_once(content: bytes, line: int, layout: Layout) -> pl.DataFrame | None:
    """Parse with Polars; None when rows and lines do not agree, so that some record is not one line."""
    quotes = content.count(b'"')
    if b"\0" in content or quotes % 2 or not _is_utf8(content) or (quotes and _is_misread(content, layout.delimiter)):
        return None
    is_quoted = quotes > 0
    count = content.count(b"\n") + (not content.endswith(b"\n") if content else 0)
    if count == 0:
        columns = [*layout.header, OVERFLOW]
        return pl.DataFrame(schema={**dict.fromkeys(columns, pl.String), SOURCE_LINE: pl.Int64, MALFORMED: pl.String})
    try:
        rows = pl.scan_csv(io.BytesIO(content), **parser_options(layout, quoted=is_quoted)).collect()
    except pl.exceptions.ComputeError:
        return None
    if rows.height != count:
        return None
    if is_quoted:  # an empty quoted field means what an empty one does
        rows = rows.with_columns(pl.when(pl.all().str.len_bytes() > 0).then(pl.all()))
    lines = rows.with_row_index(SOURCE_LINE, offset=line).with_columns(pl.col(SOURCE_LINE).cast(pl.Int64))
    judged = judge_lines(lines.lazy(), layout).collect()
    return None if is_quoted and judged[OVERFLOW].is_not_null().any() else judged


def _is_misread(content: bytes, delimiter: str) -> bool:
    """Whether a quote stands between other characters, or a field begins with two and goes on.

    NOTE: Polars (2.1) leaves such quotes out without a word, and the delimiters between them as well.
    """
    inside, doubled = _misread(delimiter)
    lines = b"\n" + content
    return inside.search(lines) is not None or (b'""' in content and doubled.search(lines) is not None)


@cache
def _misread(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    mark = re.escape(delimiter.encode())
    return (
        re.compile(rb'"(?<=[^"\n%b]")[^"\r\n%b]' % (mark, mark)),
        re.compile(rb'""(?<=[\n%b]"")[^"\r\n%b]' % (mark, mark)),
    )


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
