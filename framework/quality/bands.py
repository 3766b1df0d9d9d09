"""What is usual: a band learned from the history of a metric, by a rule that is stated and needs a number of points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

WINDOW = 60
"""How many of the newest points count."""
MAD_OF_NORMAL = 0.6745
"""The median absolute deviation of normally distributed values, in standard deviations."""

LEAST_SHARE = {"rows": 0.2, "interval_h": 0.5, "age_h": 0.5}
"""By metric, the share of the median that its band reaches to either side at least."""
LEAST = {"null_rate": 0.01, "duplicate_rate": 0.001, "nan_rate": 0.01, "interval_h": 1.0, "age_h": 1.0}
"""By metric, how far its band reaches to either side at least."""
UPWARDS = frozenset({"interval_h", "age_h", "duplicate_rate", "nan_rate", "psi", "ks"})
"""Metrics of which less is never worse."""


@dataclass(frozen=True)
class Point:
    """The value of a metric in an earlier run."""

    at: datetime
    value: float


@dataclass(frozen=True)
class Band:
    """Where a metric is expected to lie; `points` and `since`: what it was learned from."""

    low: float | None
    high: float | None
    points: int = 0
    since: str = ""

    def holds(self, value: float) -> bool:
        """Whether a value lies in the band, its ends included.

        >>> Band(0.0, 1.0).holds(1.0), Band(None, 1.0).holds(-5.0), Band(0.0, None).holds(-5.0)
        (True, True, False)
        """
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def learn(
    metric: str, points: Sequence[Point], *, min_points: int, tolerance: float, least: float = 0.0
) -> Band | None:
    """Learn the band of a metric from earlier runs, oldest first; None where there are too few.

    The median of the newest 60, give or take `tolerance * MAD / 0.6745`: the modified z-score of B. Iglewicz and
    D. Hoaglin (How to Detect and Handle Outliers, 1993), whose 3.5 is the default tolerance. One outlier in the past
    moves neither median nor MAD much. The band is never narrower than the floor of the metric, or `least`.

    >>> from datetime import UTC, datetime
    >>> days = [Point(datetime(2026, 1, day, tzinfo=UTC), 100.0 + day) for day in range(1, 8)]
    >>> learn("rows", days, min_points=5, tolerance=3.5)
    Band(low=83.2, high=124.8, points=7, since='2026-01-01')
    """
    used = list(points)[-WINDOW:]
    if len(used) < min_points:
        return None
    values = [point.value for point in used]
    middle = median(values)
    deviation = median(abs(value - middle) for value in values)
    floor = max(least, LEAST.get(metric, 0.0), LEAST_SHARE.get(metric, 0.0) * abs(middle))
    reach = max(tolerance * deviation / MAD_OF_NORMAL, floor)
    low = None if metric in UPWARDS else _rounded(max(middle - reach, _lowest(metric)))
    return Band(low, _rounded(middle + reach), len(used), used[0].at.date().isoformat())


def _lowest(metric: str) -> float:
    return 0.0 if metric in {"rows", "null_rate"} else -math.inf


def _rounded(value: float) -> float:
    """Six digits: what is shown is what holds."""
    return float(f"{value:.6g}")
