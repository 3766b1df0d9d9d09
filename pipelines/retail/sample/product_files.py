"""Products as delivered: JSON documents, some records of them spoiled, some documents malformed."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.retail.sample.catalogue import Catalogue, Product
from pipelines.retail.sample.truth import written_in

DELIVERED_AT_S = 5 * 3600
SUPPLIER_DELIVERED_AT_S = DELIVERED_AT_S + 1800
MALFORMED_AT = 0.4
FIRST_GHOST = 8001  # products no one sells: their records are spoiled on the first day
STALE_DAYS = 2

Record = dict[str, object]


def _negate_cost(record: Record) -> Record:
    return record | {"cost_price": -5.0}


def _garble_updated(record: Record) -> Record:
    return record | {"last_updated": "last Tuesday"}


def _drop_retail(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "retail_price"}


SPOILERS: tuple[tuple[str, str, Callable[[Record], Record]], ...] = (
    ("cost_price_negative", "cost_price", _negate_cost),
    ("last_updated_unparsable", "last_updated", _garble_updated),
    ("retail_price_missing", "retail_price", _drop_retail),
)


def product_file(request: SampleRequest, day: int) -> str:
    """Return the path of the regular product document of a day."""
    return f"products/products_{request.date_of(day)}.json"


def product_deliveries(request: SampleRequest, catalogue: Catalogue) -> list[Delivered]:
    """Return all product documents: opening catalogue, updates, and the supplier's malformed ones.

    Every update also repeats one product as it was before its newest record, with that older
    `last_updated` and another price: a good row that must not win.
    """
    regular = [_document(request, catalogue, day, turn) for turn, day in enumerate(sorted(catalogue.updates))]
    malformed = [_malformed(request, catalogue, day) for day in request.fault_days(MALFORMED_AT)]
    return regular + malformed


def _document(request: SampleRequest, catalogue: Catalogue, day: int, turn: int) -> Delivered:
    dice = request.dice("products", day)
    good = [product.record() for product in catalogue.updates[day]]
    spoiled = _ghosts(catalogue.updates[1]) if day == 1 else _unchanged(catalogue, day, dice)
    entries: list[tuple[Record, Mark | None]] = [(record, None) for record in good]
    for number, product in enumerate(spoiled):
        kind, column, spoil = SPOILERS[(turn + number) % len(SPOILERS)]
        entries.insert(dice.randint(0, len(entries)), (spoil(product.record()), Mark(kind, column=column)))
    if day > 1:
        entries.append((_stale(catalogue, day, dice), None))
    return Delivered(
        source="products",
        name=product_file(request, day).removeprefix("products/"),
        day=day,
        second=DELIVERED_AT_S,
        content=_dump([record for record, _ in entries]),
        rows=len(entries),
        details=written_in("utf-8"),
        notes=tuple(
            Note(line, str(record["product_id"]), mark) for line, (record, mark) in enumerate(entries, 1) if mark
        ),
    )


def _ghosts(products: tuple[Product, ...]) -> list[Product]:
    return [replace(products[number], product_id=f"PRD{FIRST_GHOST + number:04d}") for number in range(len(SPOILERS))]


def _unchanged(catalogue: Catalogue, day: int, dice: Random) -> list[Product]:
    """Return one known product that this document does not change: its earlier record has to stand."""
    return [dice.choice(_outside(catalogue, day)[::2])]


def _stale(catalogue: Catalogue, day: int, dice: Random) -> Record:
    product = dice.choice(_outside(catalogue, day)[1::2])
    older = product.last_updated - timedelta(days=STALE_DAYS)
    return replace(product, retail_cents=product.retail_cents + 1000, last_updated=older).record()


def _outside(catalogue: Catalogue, day: int) -> list[Product]:
    changed = {product.product_id for product in catalogue.updates[day]}
    return [product for product_id, product in catalogue.known_on(day).items() if product_id not in changed]


def _malformed(request: SampleRequest, catalogue: Catalogue, day: int) -> Delivered:
    products = list(catalogue.known_on(day).values())[:20]
    content = _dump([replace(product, cost_cents=product.cost_cents + 100).record() for product in products])
    return Delivered(
        source="products",
        name=f"products_{request.date_of(day)}_supplier.json",
        day=day,
        second=SUPPLIER_DELIVERED_AT_S,
        content=content.replace(b'"brand":', b'"brand"', 1),
        rows=None,
        fault="malformed_json",
        details=written_in("utf-8"),
    )


def _dump(records: list[Record]) -> bytes:
    return (json.dumps({"products": records}, ensure_ascii=False, indent=2) + "\n").encode()
