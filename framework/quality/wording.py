"""Metrics, bands and evidence in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.quality import RATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.core.quality import Origin
    from framework.quality.bands import Band

DIGITS = 4
WORDS: dict[Origin, str] = {
    "expected": "is expected",
    "pinned": "is pinned",
    "learned": "is usual",
    "schema": "is usual",
}


def told(metric: str, value: float | None) -> str:
    """A value of a metric as people read it.

    >>> told("null_rate", 0.0123), told("rows", 12000.0), told("mean", 3.14159), told("mean", None)
    ('1.23%', '12,000', '3.142', '-')
    """
    if value is None:
        return "-"
    if metric in RATES or metric in SHARES:
        return f"{_digits(100 * value)}%"
    return _digits(value)


SHARES = frozenset({"completeness", "validity", "uniqueness", "freshness", "stability"})


def _digits(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - above it floats have no fraction anyway
        return f"{int(value):,}"
    size = f"{abs(value):e}".partition("e")[2]
    places = min(max(DIGITS - 1 - int(size), 0), 12)
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def told_band(metric: str, band: Band) -> str:
    """A band as people read it.

    >>> from framework.quality.bands import Band
    >>> told_band("rows", Band(10.0, None)), told_band("null_rate", Band(None, 0.01)), told_band("rows", Band(1.0, 2.0))
    ('at least 10', 'at most 1%', '1 to 2')
    """
    if band.low is None:
        return f"at most {told(metric, band.high)}"
    if band.high is None:
        return f"at least {told(metric, band.low)}"
    return f"{told(metric, band.low)} to {told(metric, band.high)}"


def named(metric: str, column: str) -> str:
    """A metric of a table or a column.

    >>> named("mean", "units"), named("rows", "")
    ('mean of units', 'rows')
    """
    return f"{metric} of {column}" if column else metric


BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"


def spark(values: Sequence[float | None]) -> str:
    """Draw values as one line of bars, from the least to the greatest; a gap where there is none.

    >>> spark([1.0, 5.0, None, 9.0])
    '\u2581\u2585 \u2588'
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, reach = min(known), (max(known) - min(known)) or 1.0
    steps = (None if value is None else int((value - low) / reach * (len(BARS) - 1) + 0.5) for value in values)
    return "".join(" " if step is None else BARS[step] for step in steps)
