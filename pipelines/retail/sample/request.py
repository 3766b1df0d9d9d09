"""What was asked for, the clock and the dice: the values every other module starts from."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

WEEKDAY_FACTORS = (0.85, 0.85, 0.9, 0.95, 1.15, 1.4, 1.2)
DAILY_TREND = 0.003
FAULT_BLOCK_DAYS = 28
MIN_FAULT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Request:
    """One sample as asked for; everything written is a function of these values.

    Attributes:
        seed: Start of every stream of random numbers.
        days: Length of the simulated period.
        rows: Approximate number of sale lines in the whole period.
        start: Date of day 1.
    """

    seed: int
    days: int
    rows: int
    start: date

    def __post_init__(self) -> None:
        """Refuse a period or volume that holds nothing."""
        for name, value in (("days", self.days), ("rows", self.rows)):
            if value < 1:
                msg = f"Cannot generate a sample: {name} is {value}, expected at least 1."
                raise ValueError(msg)

    def dice(self, *topic: object) -> Random:
        """Return the random stream of one topic, independent of the order in which topics are asked."""
        return Random(":".join(str(part) for part in (self.seed, *topic)))  # noqa: S311 - data, not secrets

    def date_of(self, day: int) -> date:
        """Return the date of a 1-based day."""
        return self.start + timedelta(days=day - 1)

    def moment(self, day: int, second: int) -> datetime:
        """Return the UTC moment that many seconds after the midnight with which a day begins."""
        midnight = datetime.combine(self.date_of(day), datetime.min.time(), tzinfo=UTC)
        return midnight + timedelta(seconds=second)

    def fault_days(self, fraction: float) -> list[int]:
        """Return the days on which one kind of broken file is delivered.

        Args:
            fraction: How far into each block of four weeks, 0 to below 1.

        Returns:
            One day per block; none for a block of less than a week.
        """
        found = []
        for begin in range(1, self.days + 1, FAULT_BLOCK_DAYS):
            length = min(FAULT_BLOCK_DAYS, self.days - begin + 1)
            if length >= MIN_FAULT_DAYS:
                found.append(begin + int(fraction * length))
        return found


def lines_per_day(request: Request, uplifts: list[float]) -> list[int]:
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
