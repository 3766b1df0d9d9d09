"""Which lines of a CSV block Polars' parser would not read as one row each, as it stands."""

from __future__ import annotations

import io
import re

import polars as pl

from framework.sources.csv_lines import split_record

LINE = "_line"
_IN_QUOTES = r'"[^"]*"'


def split_lines(content: bytes) -> list[bytes]:
    r"""Cut whole lines apart, without their ends.

    >>> split_lines(b"a\n\nb\n")
    [b'a', b'', b'b']
    """
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def text_lines(content: bytes) -> pl.Series:
    """Cut whole lines apart, as text; a line that is no UTF-8 is null."""
    try:
        return pl.scan_lines(io.BytesIO(content), name=LINE).collect()[LINE]
    except pl.exceptions.ComputeError:
        return pl.Series(LINE, [_decoded(line) for line in split_lines(content)], dtype=pl.String)


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def count_lines(content: bytes) -> int:
    """Count whole lines, of which the last one may lack its end."""
    return content.count(b"\n") + bool(content and not content.endswith(b"\n"))


def is_utf8(content: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    return content.isascii() or _decoded(content) is not None


def find_suspects(content: bytes, width: int, delimiter: str, *, quotes: bool = True) -> list[int]:
    """Find the lines that are no row by themselves: broken quotes, bytes that are no text, fields too many.

    Without `quotes`, any line that has one.

    NOTE: Polars (2.1) leaves quotes out that stand between other characters without a word, and the delimiters between
    them as well; nor does it tell of what stands behind an empty surplus field.
    """
    lines = text_lines(content)
    fits = lines.is_not_null()
    if b'"' in content:
        sound = lines.str.contains(_whole(delimiter)) if quotes else ~lines.str.contains('"', literal=True)
        fits &= sound.fill_null(value=False)
    if b"\0" in content:
        fits &= ~lines.str.contains("\0", literal=True).fill_null(value=True)
    fits &= ~_too_wide(lines, width, delimiter)
    return (~fits).arg_true().to_list()


def _too_wide(lines: pl.Series, width: int, delimiter: str) -> pl.Series:
    """Whether a line that is otherwise sound has a value beyond its first `width` fields.

    Lines with enough delimiters are looked at again without what is in quotes, and without empty fields at the end.
    """
    found = (lines.str.count_matches(delimiter, literal=True) >= width).fill_null(value=False)
    if found.any():
        bare = lines.filter(found).str.replace_all(_IN_QUOTES, "x").str.strip_chars_end(delimiter + "\r")
        found = found.scatter(found.arg_true(), bare.str.count_matches(delimiter, literal=True) >= width)
        wide = [_is_too_wide(line, width, delimiter) for line in lines.filter(found)]
        found = found.scatter(found.arg_true(), pl.Series(wide, dtype=pl.Boolean))
    return found


def _is_too_wide(line: str, width: int, delimiter: str) -> bool:
    fields = split_record(line.encode(), delimiter.encode())
    return fields is None or any(fields[width:])


def _whole(delimiter: str) -> str:
    """A line whose fields are either in quotes, with doubled quotes within, or without any quote."""
    mark = re.escape(delimiter)
    one = rf'(?:"(?:[^"]|"")*"|[^"{mark}]*)'
    return rf"\A{one}(?:{mark}{one})*\r?\z"
