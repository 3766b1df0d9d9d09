"""CSV lines parsed one by one, for the few blocks that cannot be parsed at full speed.

A line that cannot be split into the header's fields costs that line only, and keeps its number and its text.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import MALFORMED, SOURCE_LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINES_PER_RECORD = 200
csv.field_size_limit(64 * 1024 * 1024)


@dataclass
class _Rows:
    """Rows as they are found: fields, line number, and what is wrong with the line."""

    width: int
    fields: list[list[str | None]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    wrong: list[str | None] = field(default_factory=list)

    def add(self, fields: Sequence[str | None], line: int, wrong: str | None = None) -> None:
        padded = [*fields, *[None] * (self.width - len(fields))]
        self.fields.append([value or None for value in padded[: self.width]])
        self.lines.append(line)
        self.wrong.append(wrong)


def parse_lines(content: bytes, first_line: int, header: Sequence[str], delimiter: str) -> pl.DataFrame:
    """Parse whole lines with care.

    Returns:
        One row per record: the header's fields as text (empty is null), the line on which it starts, and what is
        wrong with it (null: nothing). A malformed line has its text in the first field.
    """
    physical = content.split(b"\n")
    if physical and not physical[-1]:
        physical.pop()
    rows = _Rows(len(header))
    at = 0
    while at < len(physical):
        at += _record(physical, at, first_line, rows, delimiter)
    data = {name: [row[i] for row in rows.fields] for i, name in enumerate(header)}
    schema = dict.fromkeys(header, pl.String)
    return pl.DataFrame(data, schema=schema).with_columns(
        pl.Series(SOURCE_LINE, rows.lines, dtype=pl.Int64), pl.Series(MALFORMED, rows.wrong, dtype=pl.String)
    )


def _record(physical: list[bytes], at: int, first_line: int, rows: _Rows, delimiter: str) -> int:
    """Read the record that starts at a line; returns how many lines it took."""
    line = physical[at].rstrip(b"\r")
    number = first_line + at
    if not line:
        rows.add([], number)
        return 1
    text, wrong = _text(line)
    if wrong:
        rows.add([text], number, wrong)
        return 1
    fields = _split(text, delimiter)
    taken = 1
    if fields is None:
        joined = text
        for extra in physical[at + 1 : at + MAX_LINES_PER_RECORD]:
            taken += 1
            joined += "\n" + extra.rstrip(b"\r").decode(errors="replace")
            fields = _split(joined, delimiter) if extra.count(b'"') % 2 else None
            if fields is not None:
                break
    if fields is None or (taken > 1 and len(fields) != rows.width):
        rows.add([text], number, "a quote is not closed")
        return 1
    if len(fields) == rows.width:
        rows.add(fields, number)
    else:
        few = "few" if len(fields) < rows.width else "many"
        rows.add([text], number, f"too {few} fields: {len(fields)} instead of {rows.width}")
    return taken


def _text(line: bytes) -> tuple[str, str | None]:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return line.decode(errors="backslashreplace"), f"not valid UTF-8 at byte {error.start + 1}"
    return (text.replace("\0", "\\0"), "holds a NUL byte") if "\0" in text else (text, None)


def _split(text: str, delimiter: str) -> list[str] | None:
    """Split one record; None when a quote is not closed or is followed by more than a delimiter."""
    try:
        found = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None
