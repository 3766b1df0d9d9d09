"""The line of a file that a problem is about, with a mark below the place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from framework.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACED = re.compile(r"  - (?P<file>[^\n:]+):(?P<line>[0-9]+):(?P<column>[0-9]+)(?=[: ])")
LONGEST = 160
BEFORE = 40
"""Characters before the place that are kept of a line that is too long."""


def with_excerpts(message: str) -> str:
    """Put below each problem of a file that says its place (`schemas/sale.yaml:7:12`) the line there, with a mark."""
    return "\n".join(shown for line in message.splitlines() for shown in _shown(line))


def _shown(line: str) -> Iterator[str]:
    yield line
    place = PLACED.match(line)
    text = _line_of(place["file"], int(place["line"])) if place else None
    if place and text is not None:
        column = int(place["column"])
        start = max(0, column - 1 - BEFORE) if len(text) > LONGEST else 0
        number = place["line"]
        yield f"      {number} | {text[start : start + LONGEST]}"
        yield f"      {'':>{len(number)}} | {'':>{column - 1 - start}}^"


def _line_of(file: str, number: int) -> str | None:
    """A line of a file of the project; None where it is not there any more, or is no text."""
    from framework.core.project_files import find_file

    try:
        lines = find_file(file).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError, DefinitionError):
        return None
    text = lines[number - 1].rstrip("\r") if number <= len(lines) else None
    return text if text is not None and text.replace("\t", " ").isprintable() else None
