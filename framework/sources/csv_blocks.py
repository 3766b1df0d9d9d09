"""CSV files of any encoding, compression and quoting, parsed in blocks of whole lines.

A block goes through Polars' parser at once, which is exact as long as each of its lines is a row by itself that has no
field too many. Lines that are not (a quote that spans lines or is not closed, say) are parsed one by one, and the rest
of the block at once.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import BLANK, MALFORMED, SOURCE_LINE
from framework.sources.csv_layout import OVERFLOW
from framework.sources.csv_lines import Form, parse_lines
from framework.sources.csv_suspects import count_lines, find_suspects, split_lines
from framework.sources.text import Block, with_last

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.sources.csv_layout import Layout


def parser_options(layout: Layout, *, quoted: bool) -> dict[str, Any]:
    """Options under which Polars' parser gives all fields as text, and surplus ones in `OVERFLOW`."""
    return {
        "has_header": False,
        "schema": dict.fromkeys(layout.columns, pl.String),
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
    is_blank = pl.all_horizontal(pl.col(*layout.columns).is_null())
    verdict = pl.when(pl.col(OVERFLOW).is_not_null()).then(too_many).when(is_blank).then(pl.lit(BLANK))
    return rows.with_columns(verdict.alias(MALFORMED))


def parse_blocks(found: Iterable[Block], layout: Layout) -> Iterator[pl.DataFrame]:
    """Parse the blocks of a file; a record that goes on behind its block is parsed with the next one."""
    rest = b""
    for block, is_last in with_last(found):
        whole = Block(rest + block.content, block.first_line - rest.count(b"\n"))
        rows, rest = _parse_block(whole, layout, is_last=is_last)
        yield rows


def _parse_block(block: Block, layout: Layout, *, is_last: bool) -> tuple[pl.DataFrame, bytes]:
    """Parse a block: all fields as text (null as `Form` says), the line of each row, what is wrong with it."""
    content, line = block.content, block.first_line
    if line == 1:
        content, line = content[content.find(b"\n") + 1 :] if b"\n" in content else b"", 2
    suspects = find_suspects(content, len(layout.header), layout.delimiter)
    quick = None if suspects else parse_at_once(content, line, layout)
    if quick is not None:
        return quick, b""
    physical = split_lines(content)
    form = Form(tuple(layout.columns), layout.delimiter, layout.empty_texts)
    careful = parse_lines(physical, line, form, at=suspects, is_last=is_last)
    plain = [n for n in range(careful.end) if n not in careful.taken]
    quick = parse_at_once(b"".join(physical[n] + b"\n" for n in plain), 0, layout)
    if quick is None:  # whatever it is that is odd here: the careful way can always be gone
        careful = parse_lines(physical, line, form, is_last=is_last)
        quick, plain = careful.rows.clear(), []
    placed = quick.with_columns(pl.Series(SOURCE_LINE, plain, dtype=pl.Int64) + line)
    rest = b"".join(one + b"\n" for one in physical[careful.end :])
    return pl.concat([placed, careful.rows]).sort(SOURCE_LINE), rest


def parse_at_once(content: bytes, line: int, layout: Layout) -> pl.DataFrame | None:
    """Parse whole lines, none of them suspect, with Polars; None where it does not find a row in each."""
    columns = layout.columns
    count = count_lines(content)
    if count == 0:
        text = dict.fromkeys(columns, pl.String)
        return pl.DataFrame(schema={**text, SOURCE_LINE: pl.Int64, MALFORMED: pl.String})
    is_quoted = b'"' in content
    try:
        rows = pl.scan_csv(io.BytesIO(content), **parser_options(layout, quoted=is_quoted)).collect()
    except pl.exceptions.ComputeError:
        return None
    if rows.height != count:
        return None
    if is_quoted:  # an empty quoted field means what an empty one does, unless it is told apart
        others = pl.all().exclude(layout.empty_texts)
        rows = rows.with_columns(pl.when(others.str.len_bytes() > 0).then(others))
    lines = rows.with_row_index(SOURCE_LINE, offset=line).with_columns(pl.col(SOURCE_LINE).cast(pl.Int64))
    judged = judge_lines(lines.lazy(), layout).select(*columns, SOURCE_LINE, MALFORMED).collect()
    return judged if judged[OVERFLOW].null_count() == count else None
