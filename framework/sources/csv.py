"""CSV files as lazy rows of text.

Plain files (local, UTF-8, no quotes) go to Polars' own scanner, all of one header in one scan: there every line is a
row. All others (compressed, other encodings, quotes, object storage) are read in blocks of whole lines by one IO
source. Either way memory is bounded by blocks, not by files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import MALFORMED, PROVENANCE, SOURCE_LINE
from framework.sources.csv_blocks import OVERFLOW, judge_lines, parse_blocks, parser_options
from framework.sources.csv_layout import Layout, find_layout
from framework.sources.provenance import PROVENANCE_TYPES, file_frame, locate_rows
from framework.sources.pulled import pulled
from framework.sources.text import blocks, open_bytes
from framework.sources.verdict import Rejected, Scanned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.storage import StorageLocation

FIRST_LINE = 2
"""The line of the first row: the header is line 1."""


def scan_csv(source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected) -> Scanned:
    """Scan CSV files: all columns as text, with provenance.

    Options: `delimiter` (default: found per file), `encodings` (fallbacks where a file is no UTF-8).

    Lazy, but each file's layout is looked at now; see `find_layout`.
    """
    found = [(file, find_layout(source, file, location, expected)) for file in files]
    rejected = [layout for _, layout in found if isinstance(layout, Rejected)]
    readable = [(file, layout) for file, layout in found if isinstance(layout, Layout)]
    plain: dict[tuple[tuple[str, ...], str], list[tuple[FileInput, Layout]]] = {}
    others = []
    for file, layout in readable:
        if layout.lines is None:
            others.append((file, layout))
        else:
            plain.setdefault((layout.header, layout.delimiter), []).append((file, layout))
    parts = [_narrow(_scan_plain(group, location), expected) for group in plain.values()]
    if others:
        parts.append(_scan_others(source, others, location, expected))
    extra = {name for _, layout in readable for name in layout.header} - set(expected.schema)
    return Scanned(parts, rejected, frozenset(extra))


def _columns(expected: Expected) -> list[str]:
    return [*expected.schema, OVERFLOW, MALFORMED, *PROVENANCE]


def _narrow(rows: pl.LazyFrame, expected: Expected) -> pl.LazyFrame:
    """Bring rows to the contract's columns, in its order; a column the files lack is null."""
    available = rows.collect_schema().names()
    lacking = [pl.lit(None, dtype=pl.String).alias(name) for name in expected.schema if name not in available]
    return rows.with_columns(lacking).select(_columns(expected))


def _scan_plain(group: list[tuple[FileInput, Layout]], location: StorageLocation) -> pl.LazyFrame:
    layout = group[0][1]
    rows = pl.scan_csv(
        [location.uri(file.path) for file, _ in group],
        skip_lines=1,
        row_index_name=SOURCE_LINE,
        glob=False,
        **parser_options(layout, quoted=False),
    )
    counts = [(file, one.lines or 0) for file, one in group]
    return judge_lines(locate_rows(rows, counts, first=FIRST_LINE), layout)


def _scan_others(
    source: FileSource, files: list[tuple[FileInput, Layout]], location: StorageLocation, expected: Expected
) -> pl.LazyFrame:
    encodings = tuple(source.options.get("encodings", ()))

    def frames() -> Iterator[pl.DataFrame]:
        for file, layout in files:
            with open_bytes(location, file.path) as opened:
                for rows in parse_blocks(blocks(opened, encodings), layout):
                    yield _narrow(file_frame(rows, file).lazy(), expected).collect()

    text = dict.fromkeys([*expected.schema, OVERFLOW, MALFORMED], pl.String)
    return pulled(frames, pl.Schema({**text, **PROVENANCE_TYPES}))
