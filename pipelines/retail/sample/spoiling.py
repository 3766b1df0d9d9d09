"""How a single sale line is spoiled: one entry per kind of trouble."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from framework.testing import Mark
from pipelines.retail.sample.sales import FIELDS, Row

REQUIRED = ("transaction_id", "store_id", "product_id", "quantity", "unit_price", "transaction_timestamp")
FIRST_UNKNOWN_PRODUCT = 9001  # no catalogue reaches this far
ACCENTED = "store_id_accented"
LATE_PRODUCT = "late_product"


class Line(NamedTuple):
    """One line of a sales file.

    Attributes:
        row: Its values in the order of `FIELDS`.
        mark: Its trouble, null for a plain good row.
        surplus: How many fields the line has more than the header; negative when it has fewer.
        cut: Whether the file ends in the middle of it.
    """

    row: Row
    mark: Mark | None = None
    surplus: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A product that is sold already, at its price, and the file that will make it known."""

    product_id: str
    price: str
    file: str


@dataclass(frozen=True, slots=True)
class Spoiler:
    """What one kind does to a value of one column."""

    column: str
    change: Callable[[str, Random], str]


def _one_of(*texts: str) -> Callable[[str, Random], str]:
    return lambda _, dice: dice.choice(texts)


def _after_2099(value: str, _: Random) -> str:
    return f"2099{value[4:]}" if value[5:10] != "02-29" else f"2099-03-01{value[10:]}"


SPOILERS = {
    "quantity_zero": Spoiler("quantity", _one_of("0")),
    "quantity_negative": Spoiler("quantity", lambda value, _: f"-{value}"),
    "quantity_not_a_number": Spoiler("quantity", _one_of("two", "n/a", "1x", "?")),
    "quantity_fractional": Spoiler("quantity", _one_of("1.5", "0.25", "2.75")),
    "unit_price_negative": Spoiler("unit_price", lambda value, _: f"-{value}"),
    "unit_price_not_a_number": Spoiler("unit_price", lambda value, dice: dice.choice(("free", "EUR " + value))),
    "discount_above_100": Spoiler("discount_percent", _one_of("100.5", "150.0", "1000")),
    "discount_negative": Spoiler("discount_percent", _one_of("-5.0", "-0.1")),
    "transaction_id_malformed": Spoiler(
        "transaction_id",
        lambda value, dice: dice.choice((value.lower(), f"TX-{value[3:]}", f"TXN{value[4:]}X")),
    ),
    "store_id_malformed": Spoiler("store_id", _one_of("S001", "ST1", "ST-004", "STORE7")),
    ACCENTED: Spoiler("store_id", _one_of("STé01", "STö04", "SÑ003")),
    "customer_id_malformed": Spoiler("customer_id", _one_of("CUST12", "guest", "CUST00001A")),
    "timestamp_unparsable": Spoiler(
        "transaction_timestamp",
        lambda value, dice: dice.choice(
            (f"{value[8:10]}/{value[5:7]}/{value[:4]}", f"{value[:4]}-02-30 10:00:00", "-")
        ),
    ),
    "timestamp_future": Spoiler("transaction_timestamp", _after_2099),
}
SPECIAL_KINDS = ("required_empty", "unknown_product", LATE_PRODUCT, "too_many_fields", "too_few_fields")
BAD_KINDS = (*SPOILERS, *SPECIAL_KINDS)


def spoil(kind: str, row: Row, dice: Random, arrivals: list[Arrival]) -> Line:
    """Return a row with one kind of trouble.

    Args:
        kind: One of `BAD_KINDS`.
        row: The good row.
        dice: Where choices come from.
        arrivals: Products that may stand in a row of kind `late_product`; one at least for that kind.

    Returns:
        The spoiled line with its mark.
    """
    if kind in SPOILERS:
        spoiler = SPOILERS[kind]
        old = row[FIELDS.index(spoiler.column)]
        return Line(put(row, spoiler.column, spoiler.change(old, dice)), Mark(kind, column=spoiler.column))
    if kind == "required_empty":
        column = dice.choice(REQUIRED)
        return Line(put(row, column, ""), Mark(kind, column=column))
    if kind == "unknown_product":
        return _awaiting(kind, row, f"PRD{FIRST_UNKNOWN_PRODUCT + dice.randrange(20)}", None)
    if kind == LATE_PRODUCT:
        arrival = dice.choice(arrivals)
        return _awaiting(kind, put(row, "unit_price", arrival.price), arrival.product_id, arrival.file)
    return Line(row, Mark(kind), surplus=dice.randint(1, 2) if kind == "too_many_fields" else -dice.randint(1, 3))


def put(row: Row, column: str, value: str) -> Row:
    """Return the row with another value in one column."""
    place = FIELDS.index(column)
    return (*row[:place], value, *row[place + 1 :])


def _awaiting(kind: str, row: Row, product_id: str, known_from: str | None) -> Line:
    details = {"product_id": product_id, "known_from": known_from}
    mark = Mark(kind, "waiting", "product_id", details)
    return Line(put(row, "product_id", product_id), mark)
