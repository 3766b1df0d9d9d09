"""How much happens on which day and at which hour: weekday shape, mild trend, and the clocks of Berlin."""

from bisect import bisect
from collections.abc import Sequence
from datetime import datetime, time
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from framework.testing import SampleRequest

ZONE = ZoneInfo("Europe/Berlin")
WEEKDAY_FACTORS = (1.05, 1.0, 1.0, 1.05, 0.95, 0.8, 1.15)
DAILY_TREND = 0.004
HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 9, 9, 10, 11, 13, 15, 16, 13, 8, 4)
HOUR_BOUNDS = tuple(accumulate(HOUR_WEIGHTS))


def factor_of(request: SampleRequest, day: int) -> float:
    """Return how much busier than usual a day is."""
    noise = request.dice("calendar", day).uniform(0.94, 1.06)
    return WEEKDAY_FACTORS[request.date_of(day).weekday()] * (1 + DAILY_TREND * day) * noise


def spread(request: SampleRequest, total: int) -> list[int]:
    """Share a number out over the days, day 1 first; the parts add up to it."""
    weights = [factor_of(request, day) for day in range(1, request.days + 1)]
    bounds = [bound * total / sum(weights) for bound in accumulate(weights)]
    return [round(high) - round(low) for low, high in zip([0.0, *bounds], bounds, strict=False)]


def second_of_day(request: SampleRequest, day: int, dice: Random) -> int:
    """Draw a second of the UTC day such that the hours of Berlin's clocks are as busy as they are."""
    hour = bisect(HOUR_BOUNDS, dice.random() * HOUR_BOUNDS[-1])
    offset = datetime.combine(request.date_of(day), time(hour), ZONE).utcoffset()
    ahead = int(offset.total_seconds()) if offset else 0
    return (hour * 3600 - ahead + dice.randrange(3600)) % 86_400


def chance(dice: Random, share: float) -> bool:
    """Return true in that share of all draws."""
    return dice.random() < share


def weighted(dice: Random, bounds: Sequence[float]) -> int:
    """Draw a place by cumulative weights."""
    return min(bisect(bounds, dice.random() * bounds[-1]), len(bounds) - 1)
