"""Sessions and windows by their definitions, one event after the other, without Polars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTES = {"m": 1, "h": 60}


def sessions(events: Iterable[tuple], gap: timedelta, max_length: timedelta | None = None) -> dict[tuple, tuple]:
    """Give the start and the number of the session of each key and time."""
    found = {}
    histories: dict[object, list] = {}
    for key, time in events:
        if key is not None and time is not None:
            histories.setdefault(key, []).append(time)
    for key, times in histories.items():
        number, last, first, start, stretch = 0, None, None, None, 0
        for time in sorted(times):
            if last is None or time - last > gap:
                number, first, start, stretch = number + 1, time, time, 0
            elif max_length is not None and (time - first) // max_length > stretch:
                number, start, stretch = number + 1, time, (time - first) // max_length
            last = time
            found[key, time] = (start, number)
    return found


@cache
def first_moment(day: date, zone: str) -> datetime:
    """The first minute (in UTC) at which the calendar of a zone shows a day."""
    minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while minute.astimezone(ZoneInfo(zone)).date() < day:
        minute += timedelta(minutes=1)
    return minute


def first_day(day: date, every: str) -> date:
    """The first day of the calendar's window in which a day lies."""
    if every == "1w":
        return day - timedelta(days=day.weekday())
    month = {"1mo": day.month, "1q": (day.month - 1) // 3 * 3 + 1, "1y": 1}
    return day if every == "1d" else date(day.year, month[every], 1)


def next_first_day(first: date, every: str) -> date:
    """The first day of the window after the one that begins on a day."""
    day = first
    while first_day(day, every) == first:
        day += timedelta(days=1)
    return day


def window(time: datetime, every: str, zone: str) -> tuple[datetime, datetime]:
    """The window in which a moment lies: its begin and end."""
    day = time.astimezone(ZoneInfo(zone)).date()
    if every[-1] not in MINUTES:
        first = first_day(day, every)
        return first_moment(first, zone), first_moment(next_first_day(first, every), zone)
    length = timedelta(minutes=int(every[:-1]) * MINUTES[every[-1]])
    start = first_moment(day, zone)
    while start + length <= time:
        start += length
    return start, min(start + length, first_moment(day + timedelta(days=1), zone))


def sliding(rows: Iterable[tuple], every: timedelta, length: timedelta, epoch: datetime) -> dict[tuple, list]:
    """Give the values in each window of each key, by the window's end. Rows are (key, time, value)."""
    found: dict[tuple, list] = {}
    histories: dict[object, list] = {}
    for key, time, value in rows:
        if time is None:
            found.setdefault((key, None), []).append(value)
        else:
            histories.setdefault(key, []).append((time, value))
    for key, history in histories.items():
        end = epoch
        while end <= min(time for time, _ in history):
            end += every
        while end - every <= max(time for time, _ in history):
            found[key, end] = [value for time, value in history if end - length <= time < end]
            end += every
    return found


def missing(rows: Iterable[tuple], every: str, zone: str, last: datetime | None = None) -> list[tuple]:
    """Give the key and the begin of each window without rows, from a key's first to its last, or to a later moment."""
    found = []
    histories: dict[object, list] = {}
    for key, time, *_ in rows:
        if time is not None:
            histories.setdefault(key, []).append(time)
    for key, times in histories.items():
        begins = {window(time, every, zone)[0] for time in times}
        begin, end = window(min(times), every, zone)
        while begin <= max([*times, last or min(times)]):
            if begin not in begins:
                found.append((key, begin))
            begin, end = window(end, every, zone)
    return found
