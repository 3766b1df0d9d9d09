"""CSV files as lazy rows of text.

Plain files (local, UTF-8, no quotes) go to Polars' own scanner, all of one header in one scan: there every line is a
row, but for a few odd ones, which were parsed when the file was looked at. All others (compressed, other encodings,
quotes, object storage) are read in blocks of whole lines by one IO source. Either way memory is bounded by blocks, not
by files.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import MALFORMED, PROVENANCE, SOURCE_LINE
from framework.core.reaching import reach
from framework.sources.csv_blocks import judge_lines, parse_blocks, parser_options
from framework.sources.csv_layout import OVERFLOW, Layout, find_layout
from framework.sources.older_names import counted
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

    def look_at(file: FileInput) -> Layout | Rejected:
        return reach(f"look at {file.path}", lambda: find_layout(source, file, location, expected))

    found = [(file, look_at(file)) for file in files]
    rejected = [layout for _, layout in found if isinstance(layout, Rejected)]
    readable = [(file, layout) for file, layout in found if isinstance(layout, Layout)]
    plain: dict[tuple[tuple[str, ...], str], list[tuple[FileInput, Layout]]] = {}
    others: dict[tuple[str, ...], list[tuple[FileInput, Layout]]] = {}
    parts = []
    for file, layout in readable:
        if layout.plain is None:
            delivered = tuple(name for name in expected.schema if name in layout.header)
            others.setdefault(delivered, []).append((file, layout))
            continue
        plain.setdefault((layout.header, layout.delimiter), []).append((file, layout))
        if layout.plain.rows is not None:
            parts.append(_narrow(file_frame(layout.plain.rows, file).lazy(), expected))
    parts += [_narrow(_scan_plain(group, location), expected) for group in plain.values()]
    parts += [_scan_others(source, group, location, expected, names) for names, group in others.items()]
    extra = {name for _, layout in readable for name in layout.header} - set(expected.schema)
    return Scanned(parts, rejected, frozenset(extra), counted(layout.renamed for _, layout in readable))


def _columns(expected: Expected) -> list[str]:
    return [*expected.schema, OVERFLOW, MALFORMED, *PROVENANCE]


def _narrow(rows: pl.LazyFrame, expected: Expected) -> pl.LazyFrame:
    """Bring rows to the contract's columns, in its order; an optional column that the files lack is left out."""
    available = rows.collect_schema().names()
    return rows.select(name for name in _columns(expected) if name in available)


def _scan_plain(group: list[tuple[FileInput, Layout]], location: StorageLocation) -> pl.LazyFrame:
    layout = group[0][1]
    surveys = [(file, one.plain) for file, one in group if one.plain is not None]
    rows = pl.scan_csv(
        [location.uri(file.path) for file, _ in surveys],
        skip_lines=1,
        row_index_name=SOURCE_LINE,
        glob=False,
        encoding="utf8" if all(one.is_text for _, one in surveys) else "utf8-lossy",
        **parser_options(layout, quoted=False),
    )
    counts = [(file, one.lines) for file, one in surveys]
    starts = accumulate((one.lines for _, one in surveys), initial=0)
    odd = [start + n for start, (_, one) in zip(starts, surveys, strict=False) for n in one.odd]
    if odd:
        rows = rows.filter(~pl.col(SOURCE_LINE).is_in(pl.Series(odd, dtype=pl.get_index_type()).implode()))
    return judge_lines(locate_rows(rows, counts, first=FIRST_LINE), layout)


def _scan_others(
    source: FileSource,
    files: list[tuple[FileInput, Layout]],
    location: StorageLocation,
    expected: Expected,
    names: Sequence[str],
) -> pl.LazyFrame:
    encodings = tuple(source.options.get("encodings", ()))

    def frames() -> Iterator[pl.DataFrame]:
        for file, layout in files:
            with open_bytes(location, file.path) as opened:
                for rows in parse_blocks(blocks(opened, encodings), layout):
                    yield _narrow(file_frame(rows, file).lazy(), expected).collect()

    text: dict[str, pl.DataType] = dict.fromkeys([*names, OVERFLOW, MALFORMED], pl.String())
    return pulled(frames, pl.Schema({**text, **PROVENANCE_TYPES}))
