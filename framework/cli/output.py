"""How results are written: tables or one JSON document on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from framework.cli.options import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from framework.errors import SluiceError

SCHEMA_VERSION = 1
WIDEST = 60
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def show(document: Mapping[str, Any], text: Callable[[], Iterable[str]]) -> None:
    """Write a command's result: with `--json` the document, else the lines for people."""
    if current().json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, **document}, default=_plain, ensure_ascii=False, indent=1))
    else:
        for line in text():
            print(line)


def give_up_output() -> None:
    """Go on without readers: the one of standard output, such as `head`, has seen enough."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def hint(*lines: str) -> None:
    """Say what to do next, on standard error; not with `-q` or `--json`."""
    if not current().quiet and not current().json:
        sys.stdout.flush()
        for line in lines:
            print(line, file=sys.stderr)


def complain(text: str) -> None:
    """Say what went wrong, on standard error."""
    sys.stdout.flush()
    print(f"error: {text}", file=sys.stderr)


def error_of(error: SluiceError) -> dict[str, str]:
    """Render an error as plain data for JSON."""
    return {"kind": error.kind, "error": type(error).__name__, "message": str(error)}


def columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str], *, empty: str) -> list[str]:
    """Lay rows out in columns; numbers to the right. Without rows: a word instead.

    >>> columns([{"table": "a/b", "rows": 1200}], ["table", "rows"], empty="none")
    ['table   rows', 'a/b    1,200']
    """
    if not rows:
        return [empty]
    cells = [[cell(row.get(name)) for name in names] for row in rows]
    right = [all(isinstance(row.get(name), (int, float)) or row.get(name) is None for row in rows) for name in names]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]

    def line(values: Sequence[str]) -> str:
        parts = (v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True))
        return "  ".join(parts).rstrip()

    return [line(list(names)), *(line(values) for values in cells)]


def cell(value: Any) -> str:
    """A value as it stands in a table for people."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (list, tuple)):
        return cell("; ".join(map(str, value)))
    text = str(value).replace("\n", " ")
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def size(count: int) -> str:
    """Bytes in a unit that can be read.

    >>> size(1536)
    '1.5 KiB'
    """
    value, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:  # noqa: PLR2004
            break
        value /= 1024
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def plural(count: int, word: str) -> str:
    """A count and its word.

    >>> plural(2, "file")
    '2 files'
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
