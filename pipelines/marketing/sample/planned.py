"""A few visitors planned by hand, and the credit that each model gives their touches, worked out on paper.

Their values can be divided to the cent by every model; touches lie whole weeks apart, which is the half-life.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from framework.testing import SampleRequest
from pipelines.marketing.sample.records import Conversion, Event
from pipelines.marketing.sample.reference_files import LATE_CURRENCY, late_currency_day

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0"
IP = "198.18.200.7"
URL = "https://shop.example/"
TEN = 10 * 3600
MODELS = ("first", "last", "linear", "time_decay", "position")

SEARCH = ("searchly", "cpc", "SA-1001", "paid_search")
SOCIAL = ("chirper", "paid_social", "SO-2001", "paid_social")
DISPLAY = ("bannernet", "display", "DI-3001", "display")
EMAIL = ("newsletter", "email", None, "email")

Touch = tuple[int, int, tuple[str, str, str | None, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One visitor: touches and a conversion (days from 1, seconds), and per model the credit of each touch."""

    user_id: str
    touches: tuple[Touch, ...]
    converted: tuple[int, int]
    value: str
    credit: dict[str, tuple[int | float, ...]]
    kind: str = "purchase"
    name: str = ""
    currency: str = "EUR"
    worth: str = ""
    """In euros, where `value` is not."""


def _all(*credit: float) -> dict[str, tuple[float, ...]]:
    return dict.fromkeys(MODELS, credit)


CASES = (
    Case("U900001", ((1, TEN, SEARCH),), (1, TEN + 600), "80.00", _all(80), name="one touch"),
    Case("U900001", ((1, TEN, SEARCH),), (4, TEN), "-80.00", _all(-80), "refund", name="its refund"),
    Case(
        "U900002",
        ((1, TEN, SOCIAL), (8, TEN, DISPLAY)),
        (8, TEN + 900),
        "90.00",
        {"first": (90, 0), "last": (0, 90), "linear": (45, 45), "time_decay": (30, 60), "position": (45, 45)},
        name="two touches",
    ),
    Case(
        "U900003",
        ((1, TEN, SEARCH), (8, TEN, EMAIL), (15, TEN, DISPLAY)),
        (15, TEN),
        "210.00",
        {
            "first": (210, 0, 0),
            "last": (0, 0, 210),
            "linear": (70, 70, 70),
            "time_decay": (30, 60, 120),
            "position": (84, 42, 84),
        },
        name="three touches, the last at the very instant",
    ),
    Case(
        "U900004",
        ((1, TEN, DISPLAY), (8, TEN, EMAIL), (15, TEN, EMAIL), (22, TEN, SEARCH)),
        (22, TEN),
        "150.00",
        {
            "first": (150, 0, 0, 0),
            "last": (0, 0, 0, 150),
            "linear": (37.5, 37.5, 37.5, 37.5),
            "time_decay": (10, 20, 40, 80),
            "position": (60, 15, 15, 60),
        },
        name="four touches, the first as old as is looked back",
    ),
    Case("U900005", ((1, TEN, SEARCH),), (27, TEN), "70.00", {}, name="a touch older than is looked back"),
    Case("U900006", (), (2, TEN), "55.00", {}, name="a visitor nobody has seen"),
    Case("U900007", (), (3, TEN), "100.00", {}, name="late rate", currency=LATE_CURRENCY, worth="23.00"),
)
BOUNDARY = (0, 1_800_000, 3_600_001)
"""Milliseconds of a visitor's page views: the second is exactly as late as belongs to the session, the third is not."""


def planned_events(request: SampleRequest, day: int) -> Iterator[Event]:
    """Yield the planned events of a day, without ids."""
    for case in CASES:
        if case.kind == "refund" or case.converted[0] > request.days:
            continue
        for touch_day, second, (source, medium, campaign, _) in case.touches:
            if touch_day == day:
                at = request.moment(day, second)
                yield _event(case.user_id, at, "click", source, medium, campaign)
    if day == 1:
        for milliseconds in BOUNDARY:
            yield _event("U900009", request.moment(1, TEN) + timedelta(milliseconds=milliseconds), "page_view")


def _event(
    user_id: str,
    at: object,
    kind: str,
    source: str | None = None,
    medium: str | None = None,
    campaign: str | None = None,
) -> Event:
    return Event("", at, user_id, IP, AGENT, kind, URL, source, medium, campaign, is_planned=True)  # type: ignore[arg-type]


def planned_conversions(request: SampleRequest, day: int) -> Iterator[Conversion]:
    """Yield the planned conversions of a day."""
    for number, case in enumerate(CASES, start=1):
        if case.converted[0] == day:
            moment = request.moment(*case.converted)
            value = Decimal(case.value)
            yield Conversion(f"C9{number:07d}", case.user_id, moment, case.kind, value, case.currency, is_planned=True)


def planned_credit(request: SampleRequest, through_day: int) -> Iterator[dict[str, object]]:
    """Yield what each model credits each touch of the conversions up to a day; position 0 is no touch."""
    for number, case in enumerate(CASES, start=1):
        if case.converted[0] > min(through_day, request.days):
            continue
        if case.currency == LATE_CURRENCY and through_day < late_currency_day(request):
            continue
        worth = case.worth or case.value
        entry = {"case": case.name, "conversion_id": f"C9{number:07d}", "value": worth}
        for model in MODELS:
            if not case.credit:
                yield {
                    **entry,
                    "model": model,
                    "position": 0,
                    "channel": None,
                    "campaign_id": None,
                    "credit": worth,
                }
                continue
            for position, (touch, credit) in enumerate(zip(case.touches, case.credit[model], strict=True), start=1):
                _, _, (_, _, campaign, channel) = touch
                told = {"model": model, "position": position, "channel": channel, "campaign_id": campaign}
                yield {**entry, **told, "credit": f"{credit:.2f}"}
