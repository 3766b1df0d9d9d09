"""Deliveries: small connected input, any number of them, each a function of its number alone.

Together they hold what makes a run's work hard: products that come late or change, sale lines that wait for their
product, updates of earlier lines, late days, copies, and lines that break a rule.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from framework import Pipeline, csv_files, parquet_files, step, table
from framework.core.typed import DataFrameModel, LazyFrame

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, tzinfo=UTC)
"""The time of every run."""
FIRST_DAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
HEADER = "transaction_id,store_id,customer_id,product_id,quantity,unit_price,discount_percent,transaction_timestamp"


class Event(DataFrameModel):
    """One row per event."""

    event_id: int
    kind: str
    amount: int


@step(returns=Event)
def told_events(events: LazyFrame[Event]) -> LazyFrame[Event]:
    """Pass events on as they are."""
    return events


EVENTS = Pipeline(
    "torture.events",
    sources={"events": csv_files("events/*.csv")},
    steps=[told_events],
    outputs=[
        table("torture/told", of=told_events, mode="append"),
        table("torture/latest", of="events", mode="merge", key="event_id", partition_by="kind"),
    ],
)
"""One source, three tables: what is appended shows every line that is published twice."""


@step(returns=Event, checkpoint=True)
def kept_events(events: LazyFrame[Event]) -> LazyFrame[Event]:
    """Pass events on as they are, and keep them."""
    return events


@step(returns=Event)
def kept_again(kept_events: LazyFrame[Event]) -> LazyFrame[Event]:
    """Pass on what was kept."""
    return kept_events


KEPT = Pipeline(
    "torture.kept",
    sources={"events": csv_files("events/*.csv")},
    steps=[kept_events, kept_again],
    outputs=[
        table("torture/kept", of=kept_again, mode="append"),
        table("torture/kept_latest", of="events", mode="merge", key="event_id", partition_by="kind"),
    ],
)
"""Files whose rows reach their tables through a checkpoint."""


class Visit(DataFrameModel):
    """One row per visit."""

    visit_id: int
    shop: str


VISITS = Pipeline(
    "torture.visits",
    sources={"visits": parquet_files("visits/*.parquet", schema=Visit)},
    outputs=[
        table("torture/visits", of="visits", mode="append"),
        table("torture/by_shop", of="visits", mode="merge", key="visit_id", partition_by="shop"),
    ],
)
"""Files whose damage shows only while they are read."""


PIPELINES = ["retail.products", "retail.sales", "retail.daily_sales", EVENTS.name, KEPT.name]
"""The pipelines under torture, in order of dependency."""


def find_pipeline(name: str) -> Pipeline:
    """A pipeline by name: one of those above, or any of the house."""
    own = {one.name: one for one in (EVENTS, KEPT, VISITS)}
    return own.get(name) or import_module(f"pipelines.{name}").pipeline


KEYS = {
    "retail/products": ["product_id"],
    "retail/sales": ["transaction_id"],
    "retail/daily_sales": ["day", "store_id", "category"],
    "torture/told": ["event_id"],
    "torture/latest": ["event_id"],
    "torture/kept": ["event_id"],
    "torture/kept_latest": ["event_id"],
}
"""The tables and what identifies a row in each; no event id occurs twice in the deliveries."""


def deliver(raw: Path, *numbers: int) -> None:
    """Put deliveries into the raw folder, file by file, each complete at once and with its own time."""
    for number in numbers:
        files = {
            f"products/p{number:04}.json": _products(number),
            f"sales/s{number:04}.csv": _sales(number),
            f"events/e{number:04}.csv": _events(number),
        }
        for name, content in files.items():
            _put(raw / name, content, FIRST_DAY + timedelta(hours=number))


def _put(path: Path, content: str, at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    hidden.write_text(content)
    os.utime(hidden, (at.timestamp(), at.timestamp()))
    hidden.rename(path)


def _products(number: int) -> str:
    """Two new products, and a new cost and category of the first one of all."""
    updated = f"{FIRST_DAY + timedelta(hours=number):{MOMENT}}"
    wanted = [(f"PRD{100 + 2 * number}", 1), (f"PRD{101 + 2 * number}", 2), ("PRD100", 1 + number / 8)]
    records = [
        {
            "product_id": product,
            "name": f"Thing {product}",
            "category": f"category {number % 3}",
            "brand": None,
            "cost_price": cost,
            "retail_price": 2 * cost,
            "last_updated": updated,
        }
        for product, cost in wanted
    ]
    return json.dumps({"products": records})


def _sales(number: int) -> str:
    """Eleven lines: new ones over two days, an update, a late one, one that waits, a copy and a spoiled one."""
    new = [_line(number, i, product=100 + 2 * number + i % 2) for i in range(6)]
    updated = (
        _line(number - 1, 2, product=100 + 2 * number, quantity=9) if number > 1 else _line(number, 6, product=102)
    )
    late = _line(number, 7, product=100 + 2 * number, day=-3)
    waiting = _line(number, 8, product=100 + 2 * (number + 1))
    spoiled = _line(number, 9, product="X", quantity=0)
    return "\n".join([HEADER, *new, updated, late, waiting, new[0], spoiled, ""])


def _line(number: int, index: int, *, product: int | str, quantity: int = 2, day: int = 0) -> str:
    at = FIRST_DAY + timedelta(days=number % 4 + day + index % 2, minutes=number)
    identity = f"TXN{10_000 + number * 10 + index},ST00{index % 2 + 1},CUST{100 + index},PRD{product}"
    return f"{identity},{quantity},{10 + index}.50,{5 * (index % 2)},{at:{MOMENT}}"


def _events(number: int) -> str:
    lines = [f"{100 * number + i},{'ab'[i % 2]},{i}" for i in range(4)]
    return "\n".join(["event_id,kind,amount", *lines, f"{100 * number + 9},a,many", ""])
