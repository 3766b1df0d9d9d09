"""How one CSV file is written, found before its rows are read: header, delimiter, and whether every line is a row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from framework.sources.csv_lines import split_record
from framework.sources.csv_survey import survey
from framework.sources.magic import LONGEST, wrong_kind
from framework.sources.older_names import older_names, twice_there
from framework.sources.text import UnreadableTextError, blocks, is_compressed, open_bytes
from framework.sources.verdict import GONE, Rejected, misplaced_columns, missing_columns, unusable_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.sources.csv_survey import Survey
    from framework.storage import StorageLocation

DELIMITERS = (",", ";", "\t", "|")
OVERFLOW = "_surplus"
"""Holds what stands beyond the header's last column."""
MAX_COLUMNS = 10_000


@dataclass(frozen=True)
class Layout:
    """How one file is written; `plain` tells of a file that Polars can scan by itself: each line is a row.

    The header has the columns' present names; `renamed` says which of them the file calls by an older one. A plain file
    is local, uncompressed, UTF-8 and, but for a few odd lines, without quotes. `empty_texts`: the columns in which a
    quoted empty field is a text without characters, and not null.
    """

    header: tuple[str, ...]
    delimiter: str
    plain: Survey | None = None
    empty_texts: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The header's names, and one for what stands beyond them."""
        return [*self.header, OVERFLOW]


def find_layout(
    source: FileSource, file: FileInput, location: StorageLocation, expected: Expected
) -> Layout | Rejected:
    """Look at a file: at all bytes of a local one, at all that a compressed one holds, at the start of a remote one."""
    try:
        return _find_layout(source, file, location, expected)
    except UnreadableTextError as error:
        return Rejected(file, str(error))
    except FileNotFoundError:
        return Rejected(file, GONE)


def _find_layout(
    source: FileSource, file: FileInput, location: StorageLocation, expected: Expected
) -> Layout | Rejected:
    read = read_header(source, file, location, expected)
    if isinstance(read, Rejected):
        return read
    named = _with_present_names(read, expected)
    layout = replace(named, empty_texts=expected.empty_texts.intersection(named.header))
    wrong = _wrong_header(list(layout.header), expected)
    if wrong:
        return Rejected(file, wrong)
    if location.is_local:
        plain = survey(Path(location.uri(file.path)), layout.columns, layout.delimiter, layout.empty_texts)
        if plain is not None and (plain.is_text or not source.options.get("encodings")):
            return replace(layout, plain=plain)
    _exhaust(file, location)
    return layout


def read_header(
    source: FileSource, file: FileInput, location: StorageLocation, expected: Expected
) -> Layout | Rejected:
    """Read the first line of a file; what the expected columns are helps to find the delimiter.

    Raises:
        UnreadableTextError: when the file holds no text.
        FileNotFoundError: when there is no such file.
    """
    with open_bytes(location, file.path) as opened:
        first = next(blocks(opened, tuple(source.options.get("encodings", ()))), None)
    if first is None:
        return Rejected(file, "the file is empty")
    wrong = wrong_kind(first.content[:LONGEST], "csv")
    if wrong:
        return Rejected(file, wrong)
    line = first.content.split(b"\n", 1)[0].rstrip(b"\r").decode(errors="replace")
    delimiter = source.options.get("delimiter") or _delimiter(line, expected)
    return Layout(tuple(_names(line, delimiter)), delimiter)


def _with_present_names(layout: Layout, expected: Expected) -> Layout:
    renamed = older_names(layout.header, expected)
    return replace(layout, header=tuple(renamed.get(name, name) for name in layout.header), renamed=renamed)


def _names(line: str, delimiter: str) -> list[str]:
    """Split a header; one with broken quotes as if they were not there."""
    fields = split_record(line.encode(), delimiter.encode())
    if fields is None:
        return [name.strip().strip('"') for name in line.split(delimiter)]
    return [field.decode().strip() for field in fields]


def _exhaust(file: FileInput, location: StorageLocation) -> None:
    """Read a file to its end, but for a plain remote one: only there it shows whether it is whole."""
    with location.filesystem().open(location.uri(file.path), "rb") as raw:
        head = raw.read(4)
    if location.is_local or is_compressed(head):
        with open_bytes(location, file.path) as opened:
            for _ in blocks(opened):
                continue


def _wrong_header(header: list[str], expected: Expected) -> str:
    if len(header) > MAX_COLUMNS:
        return f"wrong header: {len(header):,} columns; at most {MAX_COLUMNS:,} are read"
    unusable = unusable_name(header)
    if unusable:
        return f"wrong header: {unusable}"
    wrong = twice_there(header, expected) or missing_columns(header, expected.required)
    if not wrong and len(set(header)) != len(header):
        wrong = f"wrong header: a column occurs twice in {', '.join(header)}"
    surplus = sorted(set(header) - set(expected.schema))
    if not wrong and surplus and expected.is_strict:
        wrong = f"wrong header: unknown columns {', '.join(surplus)}"
    return wrong or misplaced_columns(header, expected)


def _delimiter(line: str, expected: Expected) -> str:
    """The delimiter under which the header has most of the expected columns, else the most frequent one."""

    def hits(delimiter: str) -> int:
        return len(set(_names(line, delimiter)) & {*expected.schema, *chain.from_iterable(expected.older.values())})

    return max(DELIMITERS, key=lambda delimiter: (hits(delimiter), line.count(delimiter)))
