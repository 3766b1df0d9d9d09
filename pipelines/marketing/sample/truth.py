"""What is true of everything delivered so far, by the definitions, in loops: who is a person, and their sessions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from operator import attrgetter

from pipelines.marketing.sample.records import AdRow, Batch, ChannelRule, Conversion, Event, Rate

GAP = timedelta(minutes=30)
BURST_LIMIT, BURST_WITHIN = 20, timedelta(minutes=1)
HOME_CURRENCY = "EUR"
VISIT_KINDS = ("click", "page_view")


@dataclass(frozen=True, slots=True)
class Session:
    """Visits of a person with no pause of more than half an hour."""

    user_id: str
    started_at: datetime
    ended_at: datetime
    events: int


class Truth:
    """The accepted records of files in order of delivery; the newest of a key holds."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        ads: dict[tuple[str, str, date], AdRow] = {}
        events: dict[str, Event] = {}
        conversions: dict[str, Conversion] = {}
        rates: dict[tuple[str, date], Rate] = {}
        self.channels: dict[tuple[str, str], str] = {}
        for batch in sorted(batches, key=lambda one: (one.file.day, one.file.second, one.file.path)):
            for record in batch.records:
                if isinstance(record, AdRow):
                    ads[record.platform, record.campaign_id, record.day] = record
                elif isinstance(record, Event):
                    events[record.event_id] = record
                elif isinstance(record, Conversion):
                    conversions[record.conversion_id] = record
                elif isinstance(record, Rate):
                    rates[record.currency, record.valid_from] = record
                else:
                    self._learn(record)
        self.ads, self.rates = ads, rates
        known = {currency for currency, _ in rates}
        self.conversions = [one for one in conversions.values() if one.currency in known]
        self.events = sorted(events.values(), key=lambda one: (one.user_id, one.at, one.event_id))

    def _learn(self, rule: ChannelRule) -> None:
        self.channels[rule.source, rule.medium] = rule.channel

    def channel_of(self, event: Event) -> str:
        """The channel of an event: direct without utm, other where the taxonomy does not know it."""
        if event.source is None or event.medium is None:
            return "direct"
        return self.channels.get((event.source, event.medium), "other")

    def in_euros(self, amount: Decimal, currency: str, day: date) -> Decimal | None:
        """An amount by the newest rate that holds on a day, rounded half away from zero to the amount's places."""
        found = [rate for rate in self.rates.values() if rate.currency == currency and rate.valid_from <= day]
        if currency == HOME_CURRENCY:
            return amount
        if not found:
            return None
        exact = amount * max(found, key=attrgetter("valid_from")).rate
        return exact.quantize(Decimal(1).scaleb(int(amount.as_tuple().exponent)), ROUND_HALF_UP)

    def robots(self) -> dict[str, str]:
        """Users with an agent that says so (`agent`), or more than twenty events within some minute (`burst`)."""
        found = {}
        for user, events in groupby(self.events, key=attrgetter("user_id")):
            times, is_agent = [], False
            for event in events:
                times.append(event.at)
                is_agent = is_agent or event.is_bot_agent
            is_burst = any(
                later - sooner < BURST_WITHIN for sooner, later in zip(times, times[BURST_LIMIT:], strict=False)
            )
            if is_agent or is_burst:
                found[user] = "agent" if is_agent else "burst"
        return found

    def people(self) -> list[Event]:
        """What people from outside did, by user and time."""
        robots = self.robots()
        return [event for event in self.events if event.user_id not in robots and not event.is_internal]

    def sessions(self) -> list[Session]:
        """The sessions of people: clicks and pages, not what they were only shown."""
        found = []
        for user, events in groupby(self.people(), key=attrgetter("user_id")):
            times: list[datetime] = []
            for event in events:
                if event.kind not in VISIT_KINDS:
                    continue
                if times and event.at - times[-1] > GAP:
                    found.append(Session(user, times[0], times[-1], len(times)))
                    times = []
                times.append(event.at)
            if times:
                found.append(Session(user, times[0], times[-1], len(times)))
        return found
