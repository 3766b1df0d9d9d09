"""Who converts, when and for how much: purchases and leads after visits, refunds later, sales over the counter."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from framework.testing import SampleRequest
from pipelines.marketing.sample.calendar import ZONE, chance, spread
from pipelines.marketing.sample.planned import planned_conversions
from pipelines.marketing.sample.records import Conversion
from pipelines.marketing.sample.reference_files import LATE_CURRENCY
from pipelines.marketing.sample.traffic import Traffic, Visit

LEAD_SHARE, LEAD_VALUE = 0.2, Decimal("5.00")
REFUND_SHARE, REFUND_DAYS = 0.08, (2, 6)
CURRENCIES = {"198.19.": "GBP", "198.18.2": "CHF"}
OTHER_CURRENCIES = ("USD", LATE_CURRENCY, LATE_CURRENCY)
OTHER_CURRENCY_SHARE = 0.08
SHOP_PER_ROW = 0.0012
UNKNOWN_SHARE = 0.4
OPEN, CLOSED = 9 * 3600, 20 * 3600
NIGHT = time(2, 30)
"""Within the hour that does not exist, or that happens twice, when clocks change."""


@dataclass
class Till:
    """The conversions day by day; refunds and what falls on the next day are kept. Ask for days in order, once."""

    request: SampleRequest
    traffic: Traffic
    _kept: defaultdict[int, list[Conversion]] = field(init=False, default_factory=lambda: defaultdict(list))
    _shop: list[int] = field(init=False)
    _number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Share the sales over the counter out over the days."""
        self._shop = spread(self.request, max(2, round(self.request.rows * SHOP_PER_ROW)))

    def online(self, day: int, visits: list[Visit]) -> list[Conversion]:
        """Return the conversions of a day that the CRM knows, in order of time."""
        dice = self.request.dice("conversions", day)
        for visit in visits:
            if chance(dice, visit.origin.strength):
                self._convert(visit, dice)
        found = [*self._kept.pop(day, []), *planned_conversions(self.request, day)]
        return sorted(found, key=lambda one: (one.at, one.conversion_id))

    def in_shops(self, day: int) -> list[Conversion]:
        """Return the sales over the counter of a day, in order of time; one at night where clocks are put back."""
        dice = self.request.dice("shop", day)
        midnight = datetime.combine(self.request.date_of(day), time(), ZONE)
        found = []
        for _ in range(self._shop[day - 1]):
            is_unknown = chance(dice, UNKNOWN_SHARE)
            user = f"U{dice.randint(950_000, 999_999)}" if is_unknown else self.traffic.audience.person(dice).user_id
            at = midnight + timedelta(seconds=dice.randrange(OPEN, CLOSED))
            found.append(Conversion(self._next_id(), user, at, "purchase", _value(dice)))
        if clocks_go_back(self.request.date_of(day)):
            night = datetime.combine(self.request.date_of(day), NIGHT, ZONE)
            found.append(Conversion(self._next_id(), "U999999", night, "purchase", Decimal("19.90")))
        return sorted(found, key=lambda one: (one.at, one.conversion_id))

    def _convert(self, visit: Visit, dice: Random) -> None:
        at = visit.ended_at + timedelta(seconds=dice.randint(1, 60))
        is_lead = chance(dice, LEAD_SHARE)
        value = LEAD_VALUE if is_lead else _value(dice)
        kind, currency = "lead" if is_lead else "purchase", _currency(visit, dice)
        user = visit.visitor.user_id
        at = at.replace(microsecond=0)
        self._keep(Conversion(self._next_id(), user, at, kind, value, currency))
        if not is_lead and chance(dice, REFUND_SHARE):
            later = at + timedelta(days=dice.randint(*REFUND_DAYS), seconds=dice.randrange(3600))
            self._keep(Conversion(self._next_id(), user, later, "refund", -value, currency))

    def _keep(self, one: Conversion) -> None:
        self._kept[(one.at.date() - self.request.start).days + 1].append(one)

    def _next_id(self) -> str:
        self._number += 1
        return f"C{self._number:08d}"


def _value(dice: Random) -> Decimal:
    return round(Decimal(min(900.0, 9 + dice.lognormvariate(4.0, 0.6))), 2)


def _currency(visit: Visit, dice: Random) -> str:
    if chance(dice, OTHER_CURRENCY_SHARE):
        return dice.choice(OTHER_CURRENCIES)
    return next((currency for begin, currency in CURRENCIES.items() if visit.visitor.ip.startswith(begin)), "EUR")


def clocks_go_back(day: date) -> bool:
    """Return whether half past two happens twice on a day in Berlin."""
    night = datetime.combine(day, NIGHT, ZONE)
    return night.utcoffset() != night.replace(fold=1).utcoffset() and _exists(night)


def clocks_go_forward(day: date) -> bool:
    """Return whether half past two is left out on a day in Berlin."""
    return not _exists(datetime.combine(day, NIGHT, ZONE))


def _exists(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(ZONE).replace(tzinfo=None) == local.replace(tzinfo=None)
