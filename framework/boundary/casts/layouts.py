"""Formats of dates and times: what their texts look like, how long they are, what they say of the offset from UTC."""

from __future__ import annotations

import re
from datetime import datetime
from functools import reduce
from typing import Literal

SHAPES = {
    **dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%y"), "[0-9]{2}"),
    "%Y": "[0-9]{4}",
    "%j": "[0-9]{3}",
    "%S": "[0-5][0-9]",
    "%z": "[+-][0-9]{2}:?[0-9]{2}",
}
"""What the parts of a format look like. Polars would also take signs, blanks and single digits in their place."""
PARTS = r"%\.f|%[-_0]?[A-Za-z%]|[^%]"
TIMES = frozenset("HIklMSfTRXrpPsc")
SPELLED_OUT = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
VARYING = (
    "%.f",
    "%z",
    "%b",
    "%B",
    "%a",
    "%A",
    "%p",
    "%P",
    "%e",
    "%f",
    "%k",
    "%l",
    "%s",
    "%h",
    "%c",
    "%x",
    "%X",
    "%r",
    "%-",
    "%_",
)


def spelled_out(layout: str) -> str:
    """Give a format without shorthands for several parts.

    >>> spelled_out("%FT%T")
    '%Y-%m-%dT%H:%M:%S'
    """
    return reduce(lambda text, pair: text.replace(*pair), SPELLED_OUT.items(), layout)


def shape_of(layout: str, digits: int) -> str | None:
    """The regular expression of a format's texts, with at most `digits` of a second's fraction; None: not known.

    >>> shape_of("%d/%m/%Y", 6), shape_of("%d %b %Y", 6)
    ('[0-9]{2}/[0-9]{2}/[0-9]{4}', None)
    """
    shapes = {**SHAPES, "%%": "%", "%.f": rf"(?:\.[0-9]{{1,{digits}}}0*)?"}
    parts = re.findall(PARTS, spelled_out(layout))
    known = [shapes.get(part) if part.startswith("%") else re.escape(part) for part in parts]
    return None if None in known else "".join(map(str, known))


def width_of(layout: str) -> int | None:
    """How many characters a format always has; None when that varies.

    >>> width_of("%Y-%m-%d"), width_of("%Y-%m-%dT%H:%M:%S%.fZ")
    (10, None)
    """
    if any(part in layout for part in VARYING):
        return None
    return len(datetime(2000, 11, 22, 13, 14, 15).strftime(layout))  # noqa: DTZ001 - only its width counts


def has_time(layout: str) -> bool:
    """Whether a format has a time of day.

    >>> has_time("%d.%m.%Y"), has_time("%d.%m.%Y %H:%M")
    (False, True)
    """
    return any(part.startswith("%") and part[-1] in TIMES for part in re.findall(PARTS, layout))


def offset_of(layout: str) -> Literal["given", "utc", "none"]:
    """What a format says of the offset from UTC: texts give it, a final "Z" says UTC, or nothing.

    >>> offset_of("%H:%M %z"), offset_of("%H:%M:%SZ"), offset_of("%H:%M")
    ('given', 'utc', 'none')
    """
    parts = re.findall(r"%\.f|%[-_0:#]*[A-Za-z%]|[^%]", layout)
    if any(part.startswith("%") and part.endswith("z") for part in parts):
        return "given"
    return "utc" if parts[-1:] == ["Z"] else "none"
