"""CSV lines parsed one by one, for the few that cannot be parsed at full speed.

A line that cannot be split into fields costs that line only, and keeps its number and its text. Where both ways of
parsing can read a line, they give the same row: a verdict never depends on a line's neighbours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import BLANK, MALFORMED, SOURCE_LINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_LINES_PER_RECORD = 200
NOT_CLOSED = "a quote is not closed"
_OPEN = re.compile(rb'"(?:[^"]++|"")*+\Z')


@dataclass(frozen=True)
class Form:
    """How lines are written: the header's names, and one for what stands beyond them, with an ASCII character between.

    `empty_texts`: the columns in which a quoted empty field is a text, and not null.
    """

    columns: tuple[str, ...]
    delimiter: str
    empty_texts: frozenset[str] = frozenset()


@dataclass
class _Rows:
    """Rows as they are found: fields and surplus, line number, and what is wrong with the line."""

    form: Form
    fields: list[list[str | None]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    wrong: list[str | None] = field(default_factory=list)

    @property
    def width(self) -> int:
        return len(self.form.columns) - 1

    def add(self, fields: Sequence[str | None], line: int, wrong: str | None = None) -> None:
        """Add a row; a field is None where nothing stands, and empty where that is in quotes."""
        known, surplus = fields[: self.width], fields[self.width :]
        values = [self._value(n, field) for n, field in enumerate(known)]
        beyond = self.form.delimiter.join(field or "" for field in surplus) if any(surplus) else None
        self.fields.append([*values, *[None] * (self.width - len(known)), beyond])
        self.lines.append(line)
        self.wrong.append(wrong or self._width_problem(values, surplus))

    def _value(self, number: int, field: str | None) -> str | None:
        return field if self.form.columns[number] in self.form.empty_texts else field or None

    def _width_problem(self, values: Sequence[str | None], surplus: Sequence[str | None]) -> str | None:
        if any(surplus):
            return f"too many fields: more than {self.width}"
        return BLANK if all(value is None for value in values) else None


@dataclass(frozen=True)
class Parsed:
    """Records parsed with care: their rows, which of the lines they took, and where the lines left over begin."""

    rows: pl.DataFrame
    taken: frozenset[int]
    end: int


def parse_lines(
    physical: Sequence[bytes],
    first_line: int,
    form: Form,
    *,
    at: Iterable[int] | None = None,
    is_last: bool = True,
) -> Parsed:
    """Parse lines with care.

    Args:
        physical: The lines, without their ends.
        first_line: The number of the first one.
        form: How they are written.
        at: Where records begin, in order: those lines only are parsed, with what goes on behind them. Default: all.
        is_last: Whether the file ends here; if not, a record that may go on behind the lines is left over.

    Returns:
        One row per record: its fields as text (null as `Form` says), the line on which it starts, and what is
        wrong with it (null: nothing). A line that cannot be split has its text in the first field.
    """
    rows = _Rows(form)
    taken: set[int] = set()
    end = len(physical)
    for start in range(end) if at is None else at:
        if start in taken:
            continue
        count = _record(physical, start, first_line, rows, is_last=is_last)
        if not count:
            end = start
            break
        taken.update(range(start, start + count))
    data = {name: [row[i] for row in rows.fields] for i, name in enumerate(form.columns)}
    frame = pl.DataFrame(data, schema=dict.fromkeys(form.columns, pl.String)).with_columns(
        pl.Series(SOURCE_LINE, rows.lines, dtype=pl.Int64), pl.Series(MALFORMED, rows.wrong, dtype=pl.String)
    )
    return Parsed(frame, frozenset(taken), end)


def _record(physical: Sequence[bytes], at: int, first_line: int, rows: _Rows, *, is_last: bool) -> int:
    """Read the record that starts at a line; returns how many lines it took, 0 if it may go on behind the last one."""
    number, delimiter = first_line + at, rows.form.delimiter.encode()
    record = physical[at]
    fields, taken = split_fields(record, delimiter), 1
    if fields is None:
        for extra in physical[at + 1 : at + MAX_LINES_PER_RECORD]:
            taken += 1
            record += b"\n" + extra
            fields = split_fields(record, delimiter) if extra.count(b'"') % 2 else None
            if fields is not None:
                break
        else:
            if not is_last and taken < MAX_LINES_PER_RECORD and may_go_on(record, delimiter):
                return 0
    if fields is None or (taken > 1 and len(fields) != rows.width):
        text, wrong = _text(physical[at].removesuffix(b"\r"))
        rows.add([text], number, wrong or NOT_CLOSED)
        return 1
    text, wrong = _text(record.removesuffix(b"\r"))
    if wrong:
        rows.add([text], number, wrong)
    else:
        rows.add([None if value is None else value.decode() for value in fields], number)
    return taken


def _text(record: bytes) -> tuple[str, str | None]:
    try:
        text = record.decode()
    except UnicodeDecodeError as error:
        return record.decode(errors="backslashreplace"), f"not valid UTF-8 at byte {error.start + 1}"
    return (text.replace("\0", "\\0"), "holds a NUL byte") if "\0" in text else (text, None)


@cache
def _field(delimiter: bytes) -> re.Pattern[bytes]:
    """One field: in quotes, with doubled quotes within, or as it stands."""
    mark = re.escape(delimiter)
    return re.compile(rb'(?:"((?:[^"]++|"")*+)"\r?|([^"\n%b][^\n%b]*+)?+)(?:(%b)|\Z)' % (mark, mark, mark))


def split_record(record: bytes, delimiter: bytes) -> list[bytes] | None:
    """Split one record; None when a quote is not closed or is followed by more than a delimiter.

    A carriage return at the end of a field, as the last one has in files from Windows, is left out, as Polars does.
    """
    fields = split_fields(record, delimiter)
    return None if fields is None else [field or b"" for field in fields]


def split_fields(record: bytes, delimiter: bytes) -> list[bytes | None] | None:
    """Split one record as `split_record` does; a field is None where nothing stands, and empty where that is in quotes.

    >>> split_fields(b'a,,""', b",")
    [b'a', None, b'']
    """
    if b'"' not in record:
        return [value.removesuffix(b"\r") or None for value in record.split(delimiter)]
    fields: list[bytes | None] = []
    at, more = 0, True
    while more:
        found = _field(delimiter).match(record, at)
        if found is None:
            return None
        quoted, plain, more = found[1], found[2], found[3] is not None
        fields.append((plain or b"").removesuffix(b"\r") or None if quoted is None else quoted.replace(b'""', b'"'))
        at = found.end()
    return fields


def may_go_on(record: bytes, delimiter: bytes) -> bool:
    """Whether a record ends within a quoted field, so that further lines may complete it."""
    at = 0
    while found := _field(delimiter).match(record, at):
        at = found.end()
    return _OPEN.match(record, at) is not None
