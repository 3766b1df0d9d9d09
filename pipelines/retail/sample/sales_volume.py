"""How many sale lines each day has."""

from framework.testing import SampleRequest

WEEKDAY_FACTORS = (0.85, 0.85, 0.9, 0.95, 1.15, 1.4, 1.2)
DAILY_TREND = 0.003


def lines_per_day(request: SampleRequest, uplifts: list[float]) -> list[int]:
    """Share the sale lines out over the days: weekday shape, mild trend, promotions and noise.

    Args:
        request: The sample asked for.
        uplifts: Factor of each day's promotions, day 1 first.

    Returns:
        Lines of each day, day 1 first; they add up to `request.rows`.
    """
    dice = request.dice("calendar")
    weights = [
        WEEKDAY_FACTORS[request.date_of(day).weekday()] * (1 + DAILY_TREND * day) * uplift * dice.uniform(0.95, 1.05)
        for day, uplift in enumerate(uplifts, start=1)
    ]
    scale = request.rows / sum(weights)
    cumulative, counts, given = 0.0, [], 0
    for weight in weights:
        cumulative += weight * scale
        counts.append(round(cumulative) - given)
        given += counts[-1]
    return counts
