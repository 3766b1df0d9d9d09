"""The rules of the five sources, once more: a record is typed, or it is bad."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S")
TIERS = {"bronze", "silver", "gold", "platinum"}


class BadError(Exception):
    """A value breaks a rule."""


def need(condition: object) -> None:
    """Refuse the record unless the condition holds."""
    if not condition:
        raise BadError


def identity(value: object, letters: str) -> str:
    """An id of the documented shape: letters, and three digits or more."""
    need(isinstance(value, str) and re.fullmatch(letters + "[0-9]{3,}", value))
    return str(value)


def text(value: object) -> str:
    """A text that is not empty."""
    need(isinstance(value, str) and value)
    return str(value)


def whole(value: object) -> int:
    """A whole number."""
    need(re.fullmatch(r"-?[0-9]+", str(value)))
    return int(str(value))


def number(value: object, places: int) -> Decimal:
    """A number with at most so many decimal places."""
    need(re.fullmatch(rf"-?[0-9]+(\.[0-9]{{1,{places}}})?", str(value)))
    return Decimal(str(value))


def moment(value: object, now: datetime) -> datetime:
    """A time (UTC) that is not in the future."""
    for layout in FORMATS:
        try:
            found = datetime.strptime(str(value), layout).replace(tzinfo=UTC)
        except ValueError:
            continue
        need(found <= now)
        return found
    raise BadError


def day(value: object) -> date:
    """A date."""
    if isinstance(value, date):
        return value
    need(re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)))
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise BadError from error


def sale(given: Row, now: datetime) -> Row:
    """Quantity > 0, price >= 0, discount within 0 to 100, a past timestamp, ids of the documented shape."""
    row = {
        "transaction_id": identity(given["transaction_id"], "TXN"),
        "store_id": identity(given["store_id"], "ST"),
        "customer_id": identity(given["customer_id"], "CUST"),
        "product_id": identity(given["product_id"], "PRD"),
        "quantity": whole(given["quantity"]),
        "unit_price": number(given["unit_price"], 4),
        "discount_percent": number(given["discount_percent"], 4),
        "transaction_timestamp": moment(given["transaction_timestamp"], now),
    }
    need(row["quantity"] > 0)
    need(row["unit_price"] >= 0)
    need(0 <= row["discount_percent"] <= 100)
    return row


def product(given: Row, now: datetime) -> Row:
    """Named, categorised, priced, and updated in the past."""
    row = {
        "product_id": identity(given.get("product_id"), "PRD"),
        "name": text(given.get("name")),
        "category": text(given.get("category")),
        "brand": given.get("brand"),
        "cost_price": number(given.get("cost_price"), 4),
        "retail_price": number(given.get("retail_price"), 4),
        "last_updated": moment(given.get("last_updated"), now),
    }
    need(row["cost_price"] >= 0)
    need(row["retail_price"] >= 0)
    return row


def customer(given: Row, now: datetime) -> Row:
    """Registered in the past, of a known tier, with an address that can be one."""
    row = {**given, "registration_date": day(given["registration_date"])}
    identity(row["customer_id"], "CUST")
    need(row["email"] is None or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", row["email"]))
    need(row["customer_tier"] in TIERS)
    need(row["registration_date"] <= now.date())
    return row


def inventory(given: Row, now: datetime) -> Row:
    """A change of a known type, with the sign that fits the type."""
    row = {
        "update_id": identity(given["update_id"], "UPD"),
        "store_id": identity(given["store_id"], "ST"),
        "product_id": identity(given["product_id"], "PRD"),
        "quantity_change": whole(given["quantity_change"]),
        "update_timestamp": moment(given["update_timestamp"], now),
        "update_type": given["update_type"],
    }
    change = row["quantity_change"]
    fits = {"restock": change > 0, "return": change > 0, "sale": change < 0, "adjustment": change != 0}
    need(fits.get(row["update_type"]))
    return row


def campaign(given: Row, _now: datetime) -> Row:
    """It ends after it starts, and nobody clicks what was not shown, or buys what was not clicked."""
    row = {
        "campaign_id": identity(given.get("campaign_id"), "CMP"),
        "name": text(given.get("name")),
        "start_date": day(given.get("start_date")),
        "end_date": day(given.get("end_date")),
        "target_categories": given.get("target_categories"),
        "impressions": whole(given.get("impressions")),
        "clicks": whole(given.get("clicks")),
        "conversions": whole(given.get("conversions")),
        "revenue": number(given.get("revenue"), 2),
    }
    need(isinstance(row["target_categories"], list))
    need(row["start_date"] <= row["end_date"])
    need(0 <= row["conversions"] <= row["clicks"] <= row["impressions"])
    need(row["revenue"] >= 0)
    return row


JUDGES: dict[str, Callable[[Row, datetime], Row]] = {
    "sales": sale,
    "products": product,
    "customers": customer,
    "inventory": inventory,
    "campaigns": campaign,
}
