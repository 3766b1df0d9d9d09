"""What users really do: sessions of events, and payments. What was spoiled on the way to the files is no part of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from random import Random

from framework.testing import SampleRequest
from pipelines.features.sample.people import CATEGORIES, Person

WEEKDAY_FACTORS = (0.9, 0.9, 0.95, 1.0, 1.05, 1.15, 1.05)
EVENTS_PER_SESSION = 4.2
GAP_S = 1800
PAUSE_SHARE = 0.03
FAVOURITE_SHARE = 0.5
NO_DEVICE_SHARE = 0.01
DRIFT_DAYS, DRIFT_FROM_DAYS = 7, 21
DRIFT_STRENGTH = 0.75
CENTS_OF_PLAN = {"free": 7.3, "plus": 7.9, "pro": 8.6}
"""Logarithm of the usual amount of a payment, in cents."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a user did."""

    event_id: str
    user_id: str
    at: datetime
    kind: str
    device: str | None
    category: str | None
    duration_s: int | None


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, in cents."""

    transaction_id: str
    user_id: str
    at: datetime
    cents: int
    category: str | None


@dataclass(frozen=True, slots=True)
class History:
    """Everything that really happened, each in order of time."""

    events: tuple[Event, ...]
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """An event before it has its number, and the cents that were paid with it."""

    user_id: str
    at: datetime
    kind: str
    device: str | None
    category: str | None
    duration_s: int | None
    cents: int | None


def has_drift(request: SampleRequest) -> bool:
    """Return whether the period is long enough for a drift to be planted in its last week."""
    return request.days >= DRIFT_FROM_DAYS


def live(request: SampleRequest, people: list[Person]) -> History:
    """Draw all events and payments of the period."""
    acts = [act for person in people for act in _acts(request, person)]
    acts.sort(key=lambda act: (act.at, act.user_id))
    events: list[Event] = []
    payments: list[Payment] = []
    for number, act in enumerate(acts, start=1):
        events.append(Event(f"EV{number:08d}", act.user_id, act.at, act.kind, act.device, act.category, act.duration_s))
        if act.cents is not None:
            paid = act.at + timedelta(seconds=1 + number % 20)
            payments.append(Payment(f"TR{len(payments) + 1:08d}", act.user_id, paid, act.cents, act.category))
    return History(tuple(events), tuple(sorted(payments, key=lambda payment: payment.at)))


def _acts(request: SampleRequest, person: Person) -> list[Act]:
    dice = request.dice("acts", person.user_id)
    found: list[Act] = []
    for day in range(person.first_day, min(person.last_day, request.days) + 1):
        expected = person.sessions_on(day) * WEEKDAY_FACTORS[request.date_of(day).weekday()]
        for _ in range(_poisson(dice, expected)):
            found += _session(request, dice, person, day)
    return found


def _poisson(dice: Random, expected: float) -> int:
    """Draw a count (Knuth, The Art of Computer Programming, volume 2)."""
    limit, product, drawn = exp(-expected), dice.random(), 0
    while product > limit:
        product *= dice.random()
        drawn += 1
    return drawn


def _session(request: SampleRequest, dice: Random, person: Person, day: int) -> list[Act]:
    """Draw one visit; a pause may be long enough, by a second or exactly, to make it two sessions or just not."""
    moment = request.moment(day, min(86_399, int(dice.betavariate(3, 2) * 86_400)))
    phone_share = _phone_share(request, person, day)
    acts: list[Act] = []
    has_cart = False
    while True:
        kind = _kind(dice, has_cart=has_cart)
        has_cart = has_cart or kind == "add_to_cart"
        is_last = dice.random() < 1 / EVENTS_PER_SESSION
        gap_s = dice.choice((GAP_S, GAP_S + 1)) if dice.random() < PAUSE_SHARE else int(dice.expovariate(1 / 120))
        category = person.favourite if dice.random() < FAVOURITE_SHARE else dice.choice(CATEGORIES)
        acts.append(
            Act(
                user_id=person.user_id,
                at=moment,
                kind=kind,
                device=_device(dice, phone_share),
                category=None if kind == "search" else category,
                duration_s=None if is_last else min(gap_s, 600),
                cents=_cents(dice, person.plan_on(day)) if kind == "checkout" else None,
            )
        )
        if is_last:
            return acts
        moment += timedelta(seconds=gap_s)


def _phone_share(request: SampleRequest, person: Person, day: int) -> float:
    is_drifting = has_drift(request) and day > request.days - DRIFT_DAYS
    return person.phone_share + (1 - person.phone_share) * DRIFT_STRENGTH * is_drifting


def _kind(dice: Random, *, has_cart: bool) -> str:
    if has_cart and dice.random() < 0.35:  # noqa: PLR2004 - how often a cart is paid for
        return "checkout"
    return dice.choices(("view", "search", "add_to_cart"), (62, 20, 18))[0]


def _device(dice: Random, phone_share: float) -> str | None:
    if dice.random() < NO_DEVICE_SHARE:
        return None
    if dice.random() < phone_share:
        return "phone"
    return dice.choices(("desktop", "tablet"), (80, 20))[0]


def _cents(dice: Random, plan: str) -> int:
    return max(99, round(dice.lognormvariate(CENTS_OF_PLAN[plan], 0.6)))
