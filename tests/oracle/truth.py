"""What the lake must hold for a raw folder: the tables and the pending quarantine, by the rules of the retail case."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.oracle.judging import JUDGES, BadError, Row
from tests.oracle.reading import Found, read_source

CENT = Decimal("0.01")
DAY_S = 86_400
KEYS = {
    "retail/sales": ("transaction_id",),
    "retail/products": ("product_id",),
    "retail/customers": ("customer_id",),
    "retail/inventory": ("update_id",),
    "retail/campaigns": ("campaign_id",),
    "retail/daily_sales": ("day", "store_id", "category"),
    "retail/stock": ("store_id", "product_id"),
    "retail/customer_value": ("customer_id",),
    "retail/campaign_performance": ("campaign_id",),
}
"""The nine tables, each with its key."""

Pending = tuple[str, str, int | None, str]
"""A row of the quarantine that is not settled: pipeline, file, line (null: the whole file), state."""


@dataclass
class Truth:
    """The nine tables, each as rows by key, and what is pending in the quarantine."""

    tables: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    pending: set[Pending] = field(default_factory=set)

    def rows(self, table: str) -> Iterable[Row]:
        """The rows of one table of the retail domain."""
        return self.tables[f"retail/{table}"].values()


def to_cents(amount: Decimal) -> Decimal:
    """Round half away from zero to the cent (Python's half-up is by absolute value)."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def find_truth(raw: Path, now: datetime) -> Truth:
    """Work out what the lake must hold once everything in the raw folder has been taken in."""
    truth = Truth()
    for source in ("products", "customers", "inventory", "campaigns", "sales"):
        found, refused = read_source(raw, source)
        truth.pending |= {(f"retail.{source}", file, None, "open") for file in refused}
        _take_in(truth, source, found, now)
    for name, derive in DERIVED.items():
        _put(truth, f"retail/{name}", derive(truth))
    return truth


def _take_in(truth: Truth, source: str, found: list[Found], now: datetime) -> None:
    rows: list[Row] = []
    for one in found:
        state = "open"
        try:
            row = JUDGES[source](one.values, now) if one.values is not None else None
        except BadError:
            row = None
        if row is not None and source == "sales" and (row["product_id"],) not in truth.tables["retail/products"]:
            row, state = None, "waiting"
        if row is None:
            truth.pending.add((f"retail.{source}", one.place.file, one.place.line, state))
            continue
        valued = _valued(row) if source == "sales" else row
        place = one.place
        rows.append({**valued, "_source_time": place.time, "_source_file": place.file, "_source_line": place.line})
    if source == "products":
        rows.sort(key=lambda row: row["last_updated"])  # stable: of equal ones the newest file's wins
    _put(truth, f"retail/{source}", rows)


def _put(truth: Truth, table: str, rows: Iterable[Row]) -> None:
    """Key the rows; of two with one key the later wins."""
    truth.tables[table] = {tuple(row[name] for name in KEYS[table]): row for row in rows}


def _valued(sale: Row) -> Row:
    gross = to_cents(sale["quantity"] * sale["unit_price"])
    net = to_cents(gross * (1 - sale["discount_percent"] / 100))
    return {**sale, "day": sale["transaction_timestamp"].date(), "gross_amount": gross, "net_amount": net}


def _grouped(rows: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _total(rows: Iterable[Row], column: str) -> Any:
    return sum((row[column] for row in rows), Decimal(0))


def _daily_sales(truth: Truth) -> list[Row]:
    products = truth.tables["retail/products"]

    def key(sale: Row) -> tuple[Any, ...]:
        return sale["day"], sale["store_id"], products[sale["product_id"],]["category"]

    def margin(sale: Row) -> Decimal:
        cost = to_cents(sale["quantity"] * products[sale["product_id"],]["cost_price"])
        return Decimal(sale["net_amount"] - cost)

    return [
        {
            "day": day,
            "store_id": store,
            "category": category,
            "transactions": len(sales),
            "units": _total(sales, "quantity"),
            "gross_amount": _total(sales, "gross_amount"),
            "net_amount": _total(sales, "net_amount"),
            "margin": sum(map(margin, sales), Decimal(0)),
        }
        for (day, store, category), sales in _grouped(truth.rows("sales"), key).items()
    ]


def _stock(truth: Truth) -> list[Row]:
    groups = _grouped(truth.rows("inventory"), lambda row: (row["store_id"], row["product_id"]))
    return [
        {
            "store_id": store,
            "product_id": product,
            "on_hand": _total(moves, "quantity_change"),
            "last_update": max(move["update_timestamp"] for move in moves),
        }
        for (store, product), moves in groups.items()
    ]


def _customer_value(truth: Truth) -> list[Row]:
    profiles = truth.tables["retail/customers"]
    bought = _grouped(truth.rows("sales"), lambda row: (row["customer_id"],))
    found = []
    for key in profiles.keys() | bought.keys():
        orders = sorted(sale["transaction_timestamp"] for sale in bought.get(key, []))
        gaps = [(later - sooner).total_seconds() / DAY_S for sooner, later in pairwise(orders)]
        found.append(
            {
                "customer_id": key[0],
                "tier": profiles[key]["customer_tier"] if key in profiles else None,
                "orders": len(orders),
                "net_amount": _total(bought.get(key, []), "net_amount"),
                "first_purchase": orders[0] if orders else None,
                "last_purchase": orders[-1] if orders else None,
                "days_between": sum(gaps) / len(gaps) if gaps else None,
            }
        )
    return found


def _campaign_performance(truth: Truth) -> list[Row]:
    def rate(amount: Any, count: int) -> float | None:
        return float(amount) / count if count else None

    return [
        {
            "campaign_id": one["campaign_id"],
            "ctr": rate(one["clicks"], one["impressions"]),
            "conversion_rate": rate(one["conversions"], one["clicks"]),
            "revenue_per_click": rate(one["revenue"], one["clicks"]),
            "net_amount": _total(
                (
                    row
                    for row in truth.rows("daily_sales")
                    if row["category"] in one["target_categories"]
                    and one["start_date"] <= row["day"] <= one["end_date"]
                ),
                "net_amount",
            ),
        }
        for one in truth.rows("campaigns")
    ]


DERIVED = {
    "daily_sales": _daily_sales,
    "stock": _stock,
    "customer_value": _customer_value,
    "campaign_performance": _campaign_performance,
}
