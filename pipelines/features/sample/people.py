"""Who uses the product: plans, countries and habits, and when users come and go.

A fixed number of places are taken by one user after another, so that the population of any day looks like that of any
other day: what differs between training and serving is then only the drift that was planted.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from framework.testing import SampleRequest

EVENTS_PER_PLACE_AND_DAY = 1.8
FEWEST_PLACES = 12
PLANS = ("free", "plus", "pro")
PLAN_WEIGHTS = (60, 28, 12)
SESSIONS_PER_DAY = {"free": 0.32, "plus": 0.45, "pro": 0.65}
LEAVING_PER_DAY = {"free": 0.030, "plus": 0.012, "pro": 0.005}
ACTIVITY_SPREAD = 0.6
MOST_LEAVING = 0.08
PLAN_CHANGE_PER_DAY = 0.006
FADING_DAYS, FADING = 4, 0.5
COUNTRIES = ("DE", "FR", "US", "BR", "JP", "IN")
COUNTRY_WEIGHTS = (30, 20, 20, 12, 10, 8)
NO_COUNTRY_SHARE = 0.04
CATEGORIES = ("audio", "books", "garden", "kitchen", "sports", "toys")
LONGEST_TENURE_DAYS = 1500


@dataclass(frozen=True, slots=True)
class Person:
    """One user.

    Attributes:
        user_id: The identifier.
        signed_up: Date of signing up.
        country: Two letters; null where the user never said.
        activity: Sessions of the user as a multiple of what the plan has on average.
        phone_share: Share of events from a phone.
        favourite: The category most looked at.
        first_day: First day with the product that the sample covers, 1 for those who had it before.
        last_day: Last day with the product; it may lie behind the end of the sample.
        plans: The plans held, each with the first day on which it was held.
    """

    user_id: str
    signed_up: date
    country: str | None
    activity: float
    phone_share: float
    favourite: str
    first_day: int
    last_day: int
    plans: tuple[tuple[int, str], ...]

    def plan_on(self, day: int) -> str:
        """Return the plan held on a day."""
        return next(plan for begun, plan in reversed(self.plans) if begun <= day)

    def sessions_on(self, day: int) -> float:
        """Return how many sessions are expected on a day; few remain before the user leaves."""
        if not self.first_day <= day <= self.last_day:
            return 0.0
        fading = 1.0 if self.last_day - day >= FADING_DAYS else FADING
        return SESSIONS_PER_DAY[self.plan_on(day)] * self.activity * fading


def build_people(request: SampleRequest) -> list[Person]:
    """Draw everybody who has the product on some day, in the order in which they come."""
    places = max(FEWEST_PLACES, round(request.rows / request.days / EVENTS_PER_PLACE_AND_DAY))
    stays = [stay for place in range(places) for stay in _stays(request, place)]
    stays.sort(key=lambda stay: (stay.first_day, stay.place))
    return [_person(request, stay, number) for number, stay in enumerate(stays, start=1)]


@dataclass(frozen=True, slots=True)
class Stay:
    """One user's time in a place."""

    place: int
    first_day: int
    last_day: int
    activity: float
    tenure_days: int
    plans: tuple[tuple[int, str], ...]


def _stays(request: SampleRequest, place: int) -> list[Stay]:
    """Follow one place: its plan changes now and then, its user leaves and is followed by another."""
    dice = request.dice("place", place)
    activity = dice.lognormvariate(0.0, ACTIVITY_SPREAD)
    plan = dice.choices(PLANS, PLAN_WEIGHTS)[0]
    tenure_days = min(LONGEST_TENURE_DAYS, 1 + int(dice.expovariate(_leaving(plan, activity))))
    first_day, plans = 1, [(1, plan)]
    stays = []
    for day in count(1):
        if day > request.days + FADING_DAYS or dice.random() < _leaving(plan, activity):
            stays.append(Stay(place, first_day, day, activity, tenure_days, tuple(plans)))
            if day >= request.days:
                return stays
            first_day, tenure_days, plans = day + 1, 0, [(day + 1, plan)]
        elif dice.random() < PLAN_CHANGE_PER_DAY:
            plan = dice.choices(PLANS, PLAN_WEIGHTS)[0]
            if plan != plans[-1][1]:
                plans.append((day + 1, plan))
    raise AssertionError


def _leaving(plan: str, activity: float) -> float:
    """Return the probability of leaving on a day: who is little active leaves sooner."""
    return min(MOST_LEAVING, LEAVING_PER_DAY[plan] / activity)


def _person(request: SampleRequest, stay: Stay, number: int) -> Person:
    dice: Random = request.dice("person", number)
    return Person(
        user_id=f"US{number:06d}",
        signed_up=request.date_of(stay.first_day) - timedelta(days=stay.tenure_days),
        country=None if dice.random() < NO_COUNTRY_SHARE else dice.choices(COUNTRIES, COUNTRY_WEIGHTS)[0],
        activity=stay.activity,
        phone_share=dice.uniform(0.1, 0.8),
        favourite=dice.choice(CATEGORIES),
        first_day=stay.first_day,
        last_day=stay.last_day,
        plans=stay.plans,
    )
