"""Lengths of time as authors write them: `30m`, `1h30m`, `7d` (a day is 24 hours)."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"us": "microseconds", "ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours"}
UNITS |= {"d": "days", "w": "weeks"}
PARTS = re.compile(r"(\d+)(us|ms|[smhdw])")


def read_duration(given: str | timedelta) -> timedelta | None:
    """Read a length of time; None where it cannot be read.

    >>> read_duration("1h30m"), read_duration("soon")
    (datetime.timedelta(seconds=5400), None)
    """
    if isinstance(given, timedelta):
        return given
    parts = PARTS.findall(given)
    if not parts or "".join(number + unit for number, unit in parts) != given:
        return None
    return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


def say_duration(length: timedelta) -> str:
    """Say a length of time.

    >>> say_duration(timedelta(days=30)), say_duration(timedelta(hours=36)), say_duration(timedelta(seconds=90))
    ('30 days', '36 hours', '0:01:30')
    """
    for unit, word in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if length >= unit and not length % unit:
            count = length // unit
            return f"{count:,} {word}{'s' * (count != 1)}"
    return str(length)
