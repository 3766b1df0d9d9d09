"""Customers as delivered: Parquet files, an opening one and weekly ones, some rows of them spoiled."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO
from random import Random

import polars as pl

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.retail.sample.catalogue import CATEGORIES
from pipelines.retail.sample.truth import written_in

DELIVERED_AT_S = 4 * 3600
CRM_DELIVERED_AT_S = DELIVERED_AT_S + 1800
TRUNCATED_AT = 0.5
LINES_PER_CUSTOMER = 12
FEWEST_CUSTOMERS, MOST_CUSTOMERS = 60, 150_000
OPENING_SHARE = 0.85
CHANGED_SHARE = 0.02
WEEK_DAYS = 7
FIRST_GHOST = 900_001  # customers who never buy: their rows are spoiled on the first day
TIERS = ("bronze", "silver", "gold", "platinum")
TIER_WEIGHTS = (60, 25, 11, 4)
FIRST_NAMES = (
    "Anna",
    "José",
    "Zoë",
    "Björn",
    "Ming",
    "Łukasz",
    "Fatima",
    "Chloé",
    "Noah",
    "Ørjan",
    "Ada",
    "İpek",
)
LAST_NAMES = (
    "Müller",
    "O'Brien",
    "García",
    "Nguyen",
    "Šimić",
    "Smith",
    "Dvořák",
    "de la Cruz",
    "Å",
    "Ivanova",
)
SCHEMA: dict[str, pl.DataType] = {
    "customer_id": pl.String(),
    "first_name": pl.String(),
    "last_name": pl.String(),
    "email": pl.String(),
    "phone": pl.String(),
    "registration_date": pl.Date(),
    "customer_tier": pl.String(),
    "preferred_categories": pl.List(pl.String()),
}


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer's profile as of one file."""

    customer_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    registration_date: date | None
    customer_tier: str
    preferred_categories: tuple[str, ...]


SPOILERS: tuple[tuple[str, str, Callable[[Customer], Customer]], ...] = (
    ("email_malformed", "email", lambda customer: replace(customer, email="no-at-sign.example.com")),
    ("tier_unknown", "customer_tier", lambda customer: replace(customer, customer_tier="diamond")),
    (
        "registration_date_missing",
        "registration_date",
        lambda customer: replace(customer, registration_date=None),
    ),
    (
        "registration_date_future",
        "registration_date",
        lambda customer: replace(customer, registration_date=date(2099, 12, 31)),
    ),
)


def customers_known_on(request: SampleRequest, day: int) -> int:
    """Return how many customers have been delivered by a day; their numbers run from 1."""
    total = min(max(request.rows // LINES_PER_CUSTOMER, FEWEST_CUSTOMERS), MOST_CUSTOMERS)
    opening = round(total * OPENING_SHARE)
    weeks = (request.days - 1) // WEEK_DAYS
    return opening + (total - opening) * ((day - 1) // WEEK_DAYS) // max(weeks, 1)


def customer_deliveries(request: SampleRequest) -> list[Delivered]:
    """Return all customer files; a later file's row replaces an earlier one, unless it is spoiled."""
    profiles: list[Customer] = []
    files = []
    for day in range(1, request.days + 1, WEEK_DAYS):
        dice = request.dice("customers", day)
        changed = _change_some(profiles, dice)
        numbers = range(len(profiles) + 1, customers_known_on(request, day) + 1)
        new = [_draw(request, dice, number, day) for number in numbers]
        spoiled = _spoiled(request, dice, day, profiles, {customer.customer_id for customer in changed})
        profiles += new
        files.append(_file(request, dice, day, [*changed, *new], spoiled))
    return files + [_truncated(request, profiles, day) for day in request.fault_days(TRUNCATED_AT)]


def _draw(request: SampleRequest, dice: Random, number: int, day: int) -> Customer:
    first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
    mailbox = "".join(ch for ch in _ascii(f"{first}.{last}").lower() if ch.isalnum() or ch == ".")
    age_days = dice.randint(1, 1500) if day == 1 else dice.randint(1, WEEK_DAYS)
    return Customer(
        customer_id=f"CUST{number:06d}",
        first_name=first,
        last_name=last,
        email=f"{mailbox}{number}@example.com",
        phone=_phone(dice),
        registration_date=request.date_of(day) - timedelta(days=age_days),
        customer_tier=dice.choices(TIERS, TIER_WEIGHTS)[0],
        preferred_categories=tuple(dice.sample(CATEGORIES, dice.randint(0, 3))),
    )


def _phone(dice: Random) -> str:
    return f"+49 30 {dice.randint(1_000_000, 9_999_999)}"


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _change_some(profiles: list[Customer], dice: Random) -> list[Customer]:
    """Change a few profiles in place: the next tier, or a new address."""
    places = dice.sample(range(len(profiles)), min(len(profiles), max(1, round(len(profiles) * CHANGED_SHARE))))
    for place in places:
        old = profiles[place]
        tier = TIERS[min(TIERS.index(old.customer_tier) + 1, len(TIERS) - 1)]
        profiles[place] = replace(old, customer_tier=tier, email=f"new.{old.email}", phone=_phone(dice))
    return [profiles[place] for place in places]


def _spoiled(
    request: SampleRequest, dice: Random, day: int, known: list[Customer], changed: set[str]
) -> list[tuple[Customer, Mark]]:
    """Return spoiled rows: of unknown people, later also of known ones, whose profile has to stand."""
    ghosts = [_draw(request, dice, FIRST_GHOST + day * len(SPOILERS) + n, day) for n in range(len(SPOILERS))]
    untouched = [customer for customer in known if customer.customer_id not in changed]
    subjects = ghosts if day == 1 else [*ghosts[:2], *dice.sample(untouched, 2)]
    return [
        (spoil(subject), Mark(kind, column=column))
        for subject, (kind, column, spoil) in zip(subjects, SPOILERS, strict=True)
    ]


def _file(
    request: SampleRequest, dice: Random, day: int, good: list[Customer], spoiled: list[tuple[Customer, Mark]]
) -> Delivered:
    entries: list[tuple[Customer, Mark | None]] = [(customer, None) for customer in good]
    for entry in spoiled:
        entries.insert(dice.randint(0, len(entries)), entry)
    return Delivered(
        source="customers",
        name=f"customers_{request.date_of(day)}.parquet",
        day=day,
        second=DELIVERED_AT_S,
        content=_parquet([customer for customer, _ in entries]),
        rows=len(entries),
        details=written_in(),
        notes=tuple(Note(line, customer.customer_id, mark) for line, (customer, mark) in enumerate(entries, 1) if mark),
    )


def _truncated(request: SampleRequest, profiles: list[Customer], day: int) -> Delivered:
    content = _parquet(profiles[:200])
    return Delivered(
        source="customers",
        name=f"customers_{request.date_of(day)}_crm.parquet",
        day=day,
        second=CRM_DELIVERED_AT_S,
        content=content[: len(content) * 2 // 3],
        rows=None,
        fault="truncated_parquet",
        details=written_in(),
    )


def _parquet(customers: list[Customer]) -> bytes:
    """Return the rows as one Parquet file, in their order."""
    columns = {name: [getattr(customer, name) for customer in customers] for name in SCHEMA}
    columns["preferred_categories"] = [list(chosen) for chosen in columns["preferred_categories"]]
    buffer = BytesIO()
    pl.DataFrame(columns, schema=SCHEMA).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
