"""What texts stand for: the formats that become types or patterns, and how times are written in a schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.casts.layouts import PARTS, spelled_out
from framework.boundary.casts.text_times import DATETIME_FORMATS, FRACTIONS, TIME_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOMENTS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%.f%z")
"""How RFC 3339 writes a moment."""
TIMES_OF_DAY = ("%H:%M:%SZ", "%H:%M:%S%.fZ")
"""How RFC 3339 writes a time of day, in UTC: a time of day has no other zone."""
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_URI = r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=\[\]]|%[0-9A-Fa-f]{2}"


@dataclass(frozen=True)
class Shaped:
    """A format that a pattern stands for, with what its texts are called."""

    pattern: str
    words: str


FORMATS: dict[str, Shaped] = {
    "uuid": Shaped("^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", "a UUID"),
    "ipv4": Shaped(rf"^{_OCTET}(?:\.{_OCTET}){{3}}$", "an IPv4 address"),
    "hostname": Shaped(rf"^{_LABEL}(?:\.{_LABEL})*$", "a host name"),
    "email": Shaped(rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*$", "an e-mail address"),
    "uri": Shaped(rf"^[A-Za-z][A-Za-z0-9+.-]*:(?:{_URI})*(?:#(?:{_URI})*)?$", "a URI"),
    "json-pointer": Shaped("^(?:/(?:[^~/]|~[01])*)*$", "a JSON pointer"),
}
"""Formats of texts that stay texts."""

_RANGES = {
    "%Y": "[0-9]{4}",
    "%m": "(?:0[1-9]|1[0-2])",
    "%d": "(?:0[1-9]|[12][0-9]|3[01])",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
    "%y": "[0-9]{2}",
    "%z": "[+-][0-9]{2}:?[0-9]{2}",
    "%%": "%",
}


@dataclass(frozen=True)
class Times:
    """Texts that stand for times: what a schema says of them, their type, and the formats that its column declares."""

    said: dict[str, str]
    dtype: pl.DataType
    formats: tuple[str, ...] = ()


def layouts_pattern(layouts: Sequence[str], unit: str) -> str | None:
    """The pattern of texts in any of some layouts, with no finer fraction than the unit; None: not known.

    It knows no calendar: 30 February fits.

    >>> layouts_pattern(["%d.%m.%Y"], "us")
    '^(?:(?:0[1-9]|[12][0-9]|3[01])[.](?:0[1-9]|1[0-2])[.][0-9]{4})$'
    """
    shapes = {**_RANGES, "%.f": rf"(?:[.][0-9]{{1,{FRACTIONS[unit]}}}0*)?"}
    found = []
    for layout in layouts:
        parts = re.findall(PARTS, spelled_out(layout))
        known = [shapes.get(part) if part.startswith("%") else _literal(part) for part in parts]
        if None in known:
            return None
        found.append("".join(map(str, known)))
    return f"^(?:{'|'.join(dict.fromkeys(found))})$"


def _literal(part: str) -> str:
    return part if part.isalnum() or part in " :-,_" else rf"\{part}" if part in "\\^/" else f"[{part}]"


def _zulu(unit: str) -> str:
    """What of RFC 3339 every boundary takes: UTC, and no finer fraction than the type has."""
    return rf"T[0-9]{{2}}:[0-9]{{2}}:[0-5][0-9](?:[.][0-9]{{1,{FRACTIONS[unit]}}}0*)?Z$"


def _duration(unit: str) -> str:
    seconds = rf"(?:[0-9]{{1,15}}(?:[.][0-9]{{1,{FRACTIONS[unit]}}}0*)?S)"
    of_day = rf"(?:[0-9]{{1,12}}H(?:[0-9]{{1,12}}M)?{seconds}?|[0-9]{{1,12}}M{seconds}?|{seconds})"
    weeks, days = "[0-9]{1,9}W", "[0-9]{1,9}D"
    return rf"^[+-]?P(?:{weeks}(?:{days})?(?:T{of_day})?|{days}(?:T{of_day})?|T{of_day})$"


def _forms() -> Iterator[Times]:
    yield Times({"format": "date"}, pl.Date())
    yield Times({"format": "date-time"}, pl.Datetime("us", "UTC"), MOMENTS)
    yield Times({"format": "time"}, pl.Time(), TIMES_OF_DAY)
    yield Times({"pattern": str(layouts_pattern(TIME_FORMATS, "ns"))}, pl.Time())
    for unit in ("us", "ms", "ns"):
        yield Times({"format": "date-time", "pattern": _zulu(unit)}, pl.Datetime(unit, "UTC"))
        yield Times({"pattern": str(layouts_pattern(DATETIME_FORMATS, unit))}, pl.Datetime(unit))
        yield Times({"pattern": _duration(unit)}, pl.Duration(unit))
    yield Times({"format": "duration"}, pl.Duration("us"))


TIMES = tuple(_forms())
"""Every way in which a schema says that a text is a time; of several that fit a column, the first one is written."""
NAMES = (*dict.fromkeys(form.said["format"] for form in TIMES if "format" in form.said), *FORMATS)
"""The formats that are held."""


def times_of(formats: Sequence[str], patterns: Sequence[str]) -> Times | None:
    """The times that a text of these formats and patterns stands for; None: it is a text."""
    said = {"format": tuple(formats), "pattern": tuple(patterns)}
    return next((form for form in TIMES if said == {k: _as_tuple(form.said.get(k)) for k in said}), None)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def said_of(dtype: pl.DataType, formats: Sequence[str]) -> dict[str, str] | None:
    """What a schema says of a type of times that is read in the given formats; None: nothing that is known."""
    plain = pl.Datetime(dtype.time_unit, "UTC") if isinstance(dtype, pl.Datetime) and dtype.time_zone else dtype
    return next((form.said for form in TIMES if form.dtype == plain and form.formats == tuple(formats)), None)
