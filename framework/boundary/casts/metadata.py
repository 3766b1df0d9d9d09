"""What a column's metadata declares on how it is read, held against its type when the schema is compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from framework.boundary.casts.counted import NANOSECONDS
from framework.boundary.casts.layouts import has_time
from framework.boundary.casts.nested import as_type
from framework.boundary.casts.reading import DROP_SURPLUS, ROUND, TRUNCATE, Reading
from framework.boundary.casts.text_words import ENCODINGS
from framework.core.source import ABSENT_POLICIES, EMPTY_POLICIES, NAN_POLICIES
from framework.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Fits = Callable[[pl.DataType], bool]

AMBIGUOUS = ("refuse", "earliest", "latest")
PERCENT = {"fraction": {"%": Fraction(1, 100)}, "points": {"%": Fraction(1), "": Fraction(1)}}
EXAMPLE = datetime(2024, 11, 22, 13, 14, 15, tzinfo=UTC)
NEAR = 0.75
"""How alike a key must be to one of ours to count as misspelt; other keys are the author's own."""


def _is_zoned(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric()


KEYS: dict[str, Fits] = {
    "formats": lambda t: isinstance(t, pl.Date | pl.Datetime | pl.Time),
    "zone": _is_zoned,
    "ambiguous": _is_zoned,
    "true_words": lambda t: t == pl.Boolean,
    "false_words": lambda t: t == pl.Boolean,
    "null_tokens": lambda _: True,
    "nan": _is_number,
    "empty": lambda _: True,
    "absent": lambda _: True,
    "decimal_comma": _is_number,
    "thousands": _is_number,
    "currency": _is_number,
    "percent": lambda t: t.is_float() or isinstance(t, pl.Decimal),
    "units": _is_number,
    "time_unit": lambda t: isinstance(t, pl.Date | pl.Datetime | pl.Duration),
    "encoding": lambda t: t == pl.Binary,
    "lossy": lambda t: t.is_numeric() or t.is_temporal() or isinstance(t, pl.Array | pl.Struct),
}
"""Every key of a column's metadata that says how it is read, and the types for which it has a meaning."""
LOSSES: dict[str, Fits] = {
    ROUND: _is_number,
    TRUNCATE: lambda t: t.is_numeric() or t.is_temporal(),
    DROP_SURPLUS: lambda t: isinstance(t, pl.Array | pl.Struct),
}
OLDER_NAMES = ("aliases", "renamed_from")
"""Keys whose value is a name, or names, that a column had before."""
OTHER_KEYS = frozenset({"sensitive", *OLDER_NAMES})
"""Keys that say something else of a column."""


@dataclass
class _Found:
    """The parts of a reading as they are read, and what is wrong with the rest (what, and what to do)."""

    dtypes: list[pl.DataType]
    parts: dict[str, Any] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, what: str, fix: str = "") -> None:
        self.wrong.append((what, fix))


def read_metadata(dtype: pl.DataType, metadata: Mapping[str, Any]) -> tuple[Reading, list[tuple[str, str]]]:
    """Read what a column's metadata says on how it is read; all that is wrong with it comes along: what, and the fix.

    >>> read_metadata(pl.Date(), {"formats": "%d.%m.%Y", "owner": "sales"})[0].formats
    ('%d.%m.%Y',)
    >>> read_metadata(pl.Date(), {"format": "%d.%m.%Y"})[1]
    [("metadata 'format' is not known", "did you mean 'formats'?")]
    """
    found = _Found(list(_within(dtype)))
    for key, value in metadata.items():
        if not isinstance(key, str):
            continue
        if key in OLDER_NAMES:
            _refuse_no_names(found, key, value)
        elif key not in KEYS:
            _refuse_misspelt(found, key)
        elif not any(KEYS[key](t) for t in found.dtypes):
            found.refuse(f"metadata '{key}' has no meaning for {dtype}", "drop it, or change the type")
        else:
            _READERS[key](found, key, value)
    _hold_together(found)
    return (Reading(**found.parts) if not found.wrong else Reading()), found.wrong


def older_names(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the names that a column had before, the latest first.

    >>> older_names({"aliases": ["price", "unitPrice"], "owner": "sales"})
    ('price', 'unitPrice')
    """
    given = [metadata.get(key) for key in OLDER_NAMES]
    lists = [[names] if isinstance(names, str) else names for names in given]
    return tuple(dict.fromkeys(name for names in lists if isinstance(names, list | tuple) for name in names))


def _refuse_no_names(found: _Found, key: str, value: Any) -> None:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        found.refuse(f"metadata '{key}' must be a name or a list of names, got {value!r}")


def _within(dtype: pl.DataType) -> Iterator[pl.DataType]:
    """A type and the types of what is within it."""
    yield dtype
    if isinstance(dtype, pl.List | pl.Array):
        yield from _within(as_type(dtype.inner))
    elif isinstance(dtype, pl.Struct):
        for one in dtype.fields:
            yield from _within(as_type(one.dtype))


def _refuse_misspelt(found: _Found, key: str) -> None:
    if key not in OTHER_KEYS and get_close_matches(key.lower(), [*KEYS, *OTHER_KEYS], n=1, cutoff=NEAR):
        found.refuse(f"metadata '{key}' is not known", did_you_mean(key.lower(), [*KEYS, *OTHER_KEYS]))


def _words(found: _Found, key: str, value: Any) -> None:
    given = [value] if isinstance(value, str) else value
    if isinstance(given, list | tuple | set | frozenset) and all(isinstance(word, str) for word in given):
        found.parts[key] = tuple(sorted(given) if isinstance(given, set | frozenset) else given)
    else:
        found.refuse(f"metadata '{key}' must be text or a list of texts, got {value!r}")


def _one_of(*known: str) -> Callable[[_Found, str, Any], None]:
    def read(found: _Found, key: str, value: Any) -> None:
        if value in known:
            found.parts[key] = value
        else:
            found.refuse(f"metadata '{key}' must be one of {', '.join(known)}, got {value!r}")

    return read


def _flag(found: _Found, key: str, value: Any) -> None:
    if isinstance(value, bool):
        found.parts[key] = value
    else:
        found.refuse(f"metadata '{key}' must be true or false, got {value!r}")


def _formats(found: _Found, key: str, value: Any) -> None:
    _words(found, key, value)
    for layout in found.parts.get(key, ()):
        for dtype in filter(KEYS["formats"], found.dtypes):
            if not _gives(layout, dtype):
                found.refuse(f"format '{layout}' does not give a whole {_kind(dtype)}", "name all of its parts")


def _kind(dtype: pl.DataType) -> str:
    return "date" if dtype == pl.Date else "time of day" if dtype == pl.Time else "date and time"


def _gives(layout: str, dtype: pl.DataType) -> bool:
    """Whether what is written in a format can be read in it again.

    NOTE: Polars (2.1) fills in what a format lacks: the year 1, the first of the month.
    """
    moment = pl.Series([EXAMPLE])
    try:
        text = moment.dt.to_string(layout).str
        if dtype == pl.Time:
            return bool((text.to_time(layout, strict=False).dt.to_string("%H:%M") == f"{EXAMPLE:%H:%M}").all())
        if dtype == pl.Date and not has_time(layout):
            return text.to_date(layout, strict=False).to_list() == [EXAMPLE.date()]
        return text.to_datetime(layout, strict=False).dt.date().to_list() == [EXAMPLE.date()]
    except pl.exceptions.PolarsError:
        return False


def _zone(found: _Found, key: str, value: Any) -> None:
    try:
        found.parts[key] = ZoneInfo(value).key
    except (KeyError, ValueError, TypeError, OSError):
        hint = did_you_mean(str(value), available_timezones()) if isinstance(value, str) else ""
        found.refuse(f"zone {value!r} is not known", hint)


def _percent(found: _Found, key: str, value: Any) -> None:
    if value in PERCENT:
        found.parts["units"] = (*found.parts.get("units", ()), *PERCENT[value].items())
    else:
        found.refuse(f"metadata '{key}' must be one of fraction (15% is 0.15), points (15% is 15), got {value!r}")


def _units(found: _Found, key: str, value: Any) -> None:
    given = value if isinstance(value, dict) else dict.fromkeys([value] if isinstance(value, str) else value, 1)
    try:
        units = tuple((str(unit), Fraction(str(factor))) for unit, factor in given.items())
    except (ValueError, ZeroDivisionError):
        found.refuse(f"metadata '{key}' must map units to numbers, got {value!r}", 'write them as text: {"g": "0.001"}')
        return
    if any(factor <= 0 for _, factor in units):
        found.refuse(f"metadata '{key}' must map units to numbers above 0, got {value!r}")
    found.parts["units"] = (*found.parts.get("units", ()), *units)


def _lossy(found: _Found, key: str, value: Any) -> None:
    _words(found, key, value)
    for loss in found.parts.get(key, ()):
        if loss not in LOSSES:
            found.refuse(f"loss '{loss}' is not known", did_you_mean(loss, LOSSES))
        elif not any(LOSSES[loss](t) for t in found.dtypes):
            found.refuse(f"loss '{loss}' has no meaning for {found.dtypes[0]}")


_READERS: dict[str, Callable[[_Found, str, Any], None]] = {
    "formats": _formats,
    "zone": _zone,
    "ambiguous": _one_of(*AMBIGUOUS),
    "true_words": _words,
    "false_words": _words,
    "null_tokens": _words,
    "nan": _one_of(*NAN_POLICIES),
    "empty": _one_of(*EMPTY_POLICIES),
    "absent": _one_of(*ABSENT_POLICIES),
    "decimal_comma": _flag,
    "thousands": _words,
    "currency": _words,
    "percent": _percent,
    "units": _units,
    "time_unit": _one_of(*NANOSECONDS),
    "encoding": _one_of(*ENCODINGS),
    "lossy": _lossy,
}


def _hold_together(found: _Found) -> None:
    """Find what is right by itself, but not together."""
    parts = found.parts
    comma = "," if parts.get("decimal_comma") else "."
    for mark in parts.get("thousands", ()):
        if mark == comma:
            found.refuse(f"'{mark}' cannot stand before the decimals and between thousands")
        elif len(mark) != 1 or mark.isalnum() or mark in "+-":
            found.refuse(f"thousands cannot be separated by {mark!r}", "one character that is no digit, letter or sign")
    for word in parts.get("currency", ()):
        if not word or any(c.isdigit() or c in "+-" for c in word):
            found.refuse(f"{word!r} cannot be a currency", "it would be read as part of the number")
    lossy = parts.get("lossy", ())
    if {ROUND, TRUNCATE} <= set(lossy):
        found.refuse("losses 'round' and 'truncate' exclude each other")
    if {ROUND, TRUNCATE} & set(lossy) and any(factor != 1 for _, factor in parts.get("units", ())):
        found.refuse(
            f"loss '{lossy[0]}' cannot be combined with units that are converted", "give the column more places"
        )
    both = set(parts.get("true_words", ())) & set(parts.get("false_words", ()))
    if both:
        found.refuse(f"words cannot be true and false: {', '.join(sorted(both))}")
    if parts.get("ambiguous", "refuse") != "refuse" and not parts.get("zone"):
        found.refuse("metadata 'ambiguous' needs a zone", "UTC has no ambiguous times")
