"""Money over the last days by its definition, one day after the other, without Polars."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal


def last_days(rows: Iterable[tuple], days: int) -> dict[tuple, tuple]:
    """Give spend, revenue, their sums over the last days and the return, by key and day.

    Rows are (key, day, spend, revenue).
    """
    booked: dict[object, dict[date, tuple[Decimal, Decimal]]] = {}
    for key, day, spend, revenue in rows:
        book = booked.setdefault(key, {})
        before = book.get(day, (0, 0))
        book[day] = (before[0] + (spend or 0), before[1] + (revenue or 0))
    found = {}
    for key, book in booked.items():
        day = min(book)
        while day <= max(book):
            past = [book.get(day - timedelta(days=n), (0, 0)) for n in range(days)]
            spend, revenue = (sum(column) for column in zip(*past, strict=True))
            roi = float(revenue - spend) / float(spend) if spend > 0 else None
            found[key, day] = (*past[0], spend, revenue, roi)
            day += timedelta(days=1)
    return found
