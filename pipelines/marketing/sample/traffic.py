"""Honest traffic: who comes from where, what they look at, and which visits end in a conversion."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from framework.testing import SampleRequest
from pipelines.marketing.sample.calendar import chance, second_of_day, spread, weighted
from pipelines.marketing.sample.campaigns import CAMPAIGNS, Origin, origins_on
from pipelines.marketing.sample.planned import planned_events
from pipelines.marketing.sample.records import Event
from pipelines.marketing.sample.visitors import Audience, Visitor, build_audience

EVENTS_PER_VISIT = 4.2
SHARES = {"impressions": 0.35, "visits": 0.58, "staff": 0.04, "bots": 0.02, "bursts": 0.01}
BOUNCE_SHARE = 0.3
STAFF_AT_HOME = 0.2
BURST = (32, 44)
BURST_WITHIN_MS = 40_000
MIN_ROWS_FOR_BURSTS = 600
BLOCK_S = 6 * 3600
PAGES = ("/", "/shoes", "/shoes/trail", "/sale", "/about", "/cart", "/größen", "/search?q=run%20fast")
SHOP = "https://shop.example"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit as far as conversions are concerned."""

    visitor: Visitor
    origin: Origin
    ended_at: datetime


@dataclass
class Traffic:
    """The click-stream day by day; what runs over midnight is kept for the next day. Ask for days in order, once."""

    request: SampleRequest
    audience: Audience = field(init=False)
    _plan: dict[str, list[int]] = field(init=False)
    _kept: defaultdict[int, list[Event]] = field(init=False, default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Share the rows out over kinds of traffic and days."""
        self.audience = build_audience(self.request)
        totals = {name: round(self.request.rows * share) for name, share in SHARES.items()}
        totals["visits"] = round(totals["visits"] / EVENTS_PER_VISIT)
        self._plan = {name: spread(self.request, total) for name, total in totals.items()}

    def on(self, day: int) -> tuple[list[Event], list[Visit]]:
        """Return the events of a day in order of time, with their ids, and the visits that began on it."""
        visits = self._visits(day)
        for event in (
            *self._impressions(day),
            *self._staff(day),
            *self._bots(day),
            *self._bursts(day),
            *planned_events(self.request, day),
        ):
            self._keep(event)
        events = sorted(self._kept.pop(day, []), key=lambda event: (event.at, event.user_id, event.kind))
        numbered = [replace(event, event_id=f"E{day:04d}{number:07d}") for number, event in enumerate(events, start=1)]
        return numbered, visits

    def _keep(self, event: Event) -> None:
        self._kept[(event.at.date() - self.request.start).days + 1].append(event)

    def _moment(self, day: int, dice: Random) -> datetime:
        second = second_of_day(self.request, day, dice)
        return self.request.moment(day, second) + timedelta(milliseconds=dice.randrange(1000))

    def _visits(self, day: int) -> list[Visit]:
        dice = self.request.dice("visits", day)
        origins = origins_on(day)
        bounds = list(accumulate(origin.weight for origin in origins))
        found = []
        for _ in range(self._plan["visits"][day - 1]):
            visitor, origin = self.audience.person(dice), origins[weighted(dice, bounds)]
            last = self._moment(day, dice)
            for event in _pages(visitor, origin, last, dice):
                self._keep(event)
                last = event.at
            found.append(Visit(visitor, origin, last))
        return found

    def _impressions(self, day: int) -> Iterator[Event]:
        dice = self.request.dice("impressions", day)
        running = [campaign for campaign in CAMPAIGNS if campaign.first_day <= day]
        bounds = list(accumulate(campaign.share / campaign.click_rate**0.3 for campaign in running))
        for _ in range(self._plan["impressions"][day - 1]):
            origin = running[weighted(dice, bounds)].origin
            url = f"https://{origin.source}.example/ad/{origin.campaign}"
            yield _event(self.audience.person(dice), self._moment(day, dice), "impression", url, origin)

    def _staff(self, day: int) -> Iterator[Event]:
        dice = self.request.dice("staff", day)
        for _ in range(self._plan["staff"][day - 1]):
            person = dice.choice(self.audience.staff)
            page = SHOP + dice.choice(PAGES)
            event = _event(person, self._moment(day, dice), "page_view", page)
            yield event if chance(dice, STAFF_AT_HOME) else replace(event, ip=person.office, is_internal=True)

    def _bots(self, day: int) -> Iterator[Event]:
        dice = self.request.dice("bots", day)
        for _ in range(self._plan["bots"][day - 1]):
            bot = dice.choice(self.audience.bots)
            kind = dice.choice(("click", "page_view", "page_view"))
            origin = dice.choice(CAMPAIGNS).origin if kind == "click" else None
            event = _event(bot, self._moment(day, dice), kind, SHOP + dice.choice(PAGES), origin)
            yield replace(event, is_bot_agent=True)

    def _bursts(self, day: int) -> Iterator[Event]:
        """Clicks by the dozen within less than a minute, all of them in one file's hours."""
        if self.request.rows < MIN_ROWS_FOR_BURSTS:
            return
        dice = self.request.dice("bursts", day)
        wanted = self._plan["bursts"][day - 1] / sum(BURST) * 2
        for _ in range(int(wanted) + chance(dice, wanted % 1)):
            bot = dice.choice(self.audience.burst_bots)
            block = dice.randrange(86_400 // BLOCK_S)
            start = self.request.moment(day, block * BLOCK_S + dice.randrange(600, BLOCK_S - 600))
            origin = dice.choice(CAMPAIGNS[:4]).origin
            for _ in range(dice.randint(*BURST)):
                at = start + timedelta(milliseconds=dice.randrange(BURST_WITHIN_MS))
                yield _event(bot, at, "click", SHOP + "/sale", origin)


def _pages(visitor: Visitor, origin: Origin, start: datetime, dice: Random) -> Iterator[Event]:
    """Yield the first click, or the first page of somebody who typed the address, and the pages after it."""
    yield _event(visitor, start, "click" if origin.source else "page_view", SHOP + PAGES[0], origin)
    if chance(dice, BOUNCE_SHARE):
        return
    at = start
    for _ in range(min(12, 1 + int(dice.expovariate(1 / 3.8)))):
        at += timedelta(milliseconds=8_000 + int(dice.expovariate(1 / 90_000)))
        yield _event(visitor, at, "page_view", SHOP + dice.choice(PAGES))


def _event(visitor: Visitor, at: datetime, kind: str, url: str, origin: Origin | None = None) -> Event:
    source, medium, campaign = (origin.source, origin.medium, origin.campaign) if origin else (None, None, None)
    return Event("", at, visitor.user_id, visitor.ip, visitor.agent, kind, url, source, medium, campaign)
