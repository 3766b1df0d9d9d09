"""What is true of spend, revenue and return, by the definitions, in loops."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias

from pipelines.marketing.sample.calendar import ZONE
from pipelines.marketing.sample.records import Conversion, Event
from pipelines.marketing.sample.truth import Truth

LOOKBACK = timedelta(days=21)
OLDEST_FALLBACK_DAYS = 3
WINDOWS_DAYS = (7, 28)
CHANNEL_OF = {"search": "paid_search", "social": "paid_social", "display": "display"}
NO_TOUCH = "(none)"
MICRO = Decimal("0.000001")

Key: TypeAlias = tuple[str, str, str | None]
"""Level (`campaign` or `channel`), channel, and at the level of campaigns the campaign's id."""


@dataclass(frozen=True, slots=True)
class AdDay:
    """A campaign's day; all numbers are null where nothing is known."""

    platform: str
    campaign_id: str
    day: date
    impressions: int | None
    clicks: int | None
    spend_eur: Decimal | None
    is_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """What came back of what was spent in the days up to one, per number of days; null where nothing was spent."""

    key: Key
    day: date
    spend: dict[int, Decimal]
    revenue: dict[int, Decimal]

    def roi(self, days: int) -> float | None:
        """Revenue less spend, over spend."""
        spend = self.spend[days]
        return float((self.revenue[days] - spend) / spend) if spend else None


def ad_days(truth: Truth) -> list[AdDay]:
    """Every campaign's days from its first to the last on which any platform has delivered.

    Where its platform has delivered and the campaign is not in it, it did not run: zero. Where the platform has
    delivered nothing, what was last known holds, at most three days old.
    """
    delivered = {(platform, day) for platform, _, day in truth.ads}
    last = max((day for _, day in delivered), default=date.min)
    found = []
    for platform, campaign in sorted({(platform, campaign) for platform, campaign, _ in truth.ads}):
        known: AdDay | None = None
        for day in _days(min(day for *key, day in truth.ads if key == [platform, campaign]), last):
            if (platform, day) in delivered:
                known = _reported(truth, platform, campaign, day)
                found.append(known)
            elif known and (day - known.day).days <= OLDEST_FALLBACK_DAYS:
                found.append(replace(known, day=day, is_fallback=True))
            else:
                found.append(AdDay(platform, campaign, day, None, None, None))
    return found


def _reported(truth: Truth, platform: str, campaign: str, day: date) -> AdDay:
    row = truth.ads.get((platform, campaign, day))
    if row is None:
        return AdDay(platform, campaign, day, 0, 0, Decimal(0))
    spend = truth.in_euros(row.cost.quantize(MICRO), row.currency, day)
    return AdDay(platform, campaign, day, row.impressions, row.clicks, spend)


def revenue(truth: Truth) -> dict[tuple[str, str | None, date], Decimal]:
    """What each channel and campaign earned per business day, where the last touch before a conversion has it all."""
    touches: dict[str, list[Event]] = defaultdict(list)
    for event in truth.people():
        if event.kind == "click":
            touches[event.user_id].append(event)
    found: dict[tuple[str, str | None, date], Decimal] = defaultdict(Decimal)
    for one in truth.conversions:
        day = one.at.astimezone(ZONE).date()
        value = truth.in_euros(one.value, one.currency, day)
        touch = _last_touch(touches[one.user_id], one)
        place = (truth.channel_of(touch), touch.campaign) if touch else (NO_TOUCH, None)
        if value is not None:
            found[*place, day] += value
    return dict(found)


def _last_touch(touches: list[Event], one: Conversion) -> Event | None:
    near = [touch for touch in touches if touch.at <= one.at and one.at - touch.at <= LOOKBACK]
    return max(near, key=lambda touch: (touch.at, touch.event_id), default=None)


def returns(truth: Truth) -> Iterator[Return]:
    """Per campaign and per channel, for every day from its first to its last: the sums of the days up to it."""
    spent: dict[tuple[Key, date], Decimal] = defaultdict(Decimal)
    earned: dict[tuple[Key, date], Decimal] = defaultdict(Decimal)
    for one in ad_days(truth):
        channel = CHANNEL_OF[one.platform]
        for key in _keys(channel, one.campaign_id):
            spent[key, one.day] += one.spend_eur or 0
    for (channel, campaign, day), value in revenue(truth).items():
        for key in _keys(channel, campaign):
            earned[key, day] += value
    spans: dict[Key, list[date]] = defaultdict(list)
    for key, day in (*spent, *earned):
        spans[key].append(day)
    for key, days in spans.items():
        for day in _days(min(days), max(days)):
            windows = {n: _days(day - timedelta(days=n - 1), day) for n in WINDOWS_DAYS}
            yield Return(
                key,
                day,
                {
                    n: sum((spent.get((key, d), Decimal(0)) for d in window), Decimal(0))
                    for n, window in windows.items()
                },
                {
                    n: sum((earned.get((key, d), Decimal(0)) for d in window), Decimal(0))
                    for n, window in windows.items()
                },
            )


def _keys(channel: str, campaign: str | None) -> tuple[Key, Key]:
    return ("campaign", channel, campaign), ("channel", channel, None)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
