"""What the feature tables must hold, worked out from the raw rows by slow loops."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any

from tests.oracle.features_reading import Row, Rows, read_rows

GAP = timedelta(minutes=30)
DAY = timedelta(days=1)
SOURCES = ("events", "transactions", "users", "labels")


@dataclass(frozen=True)
class Known:
    """Everything that the raw folder says, by source, and by user in order of time."""

    sources: dict[str, Rows]
    events: dict[str, list[Row]]
    payments: dict[str, list[Row]]
    profiles: dict[str, list[Row]]
    labels: dict[tuple, Row]


def find_known(raw: Path) -> Known:
    """Read and judge the raw folder."""
    sources = {source: read_rows(raw, source) for source in SOURCES}
    return Known(
        sources,
        _by_user(sources["events"], "at"),
        _by_user(sources["transactions"], "at"),
        _by_user(sources["users"], "exported"),
        sources["labels"].good,
    )


def _by_user(rows: Rows, time_column: str) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows.good.values(), key=lambda row: row[time_column]):
        found[row["user_id"]].append(row)
    return dict(found)


def split_sessions(events: list[Row]) -> list[list[Row]]:
    """Cut one user's events where more than half an hour lies between two."""
    found: list[list[Row]] = []
    for event in events:
        if not found or event["at"] - found[-1][-1]["at"] > GAP:
            found.append([])
        found[-1].append(event)
    return found


def true_sessions(known: Known) -> dict[tuple, Row]:
    """One row per user and session."""
    return {
        (user, session[0]["at"]): _session(user, number, session)
        for user, events in known.events.items()
        for number, session in enumerate(split_sessions(events), start=1)
    }


def _session(user: str, number: int, events: list[Row]) -> Row:
    kinds = [event["kind"] for event in events]
    start, end = events[0]["at"], events[-1]["at"]
    return {
        "user_id": user,
        "session_start": start,
        "session_number": number,
        "session_end": end,
        "duration_s": (end - start).total_seconds(),
        "events": len(events),
        "views": kinds.count("view"),
        "searches": kinds.count("search"),
        "carts": kinds.count("add_to_cart"),
        "checkouts": kinds.count("checkout"),
        "categories": len({event["category"] for event in events} - {None}),
        "phone_events": sum(event["device"] == "phone" for event in events),
        "is_bounce": len(events) == 1,
    }


def midnight(day: date) -> datetime:
    """The instant with which a day begins."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def looked_back(known: Known, user: str, day: date) -> Row:
    """What was known of a user when a day began, from the raw rows."""
    end = midnight(day)
    events = [event for event in known.events.get(user, []) if event["at"] < end]
    payments = [payment for payment in known.payments.get(user, []) if payment["at"] < end]
    starts = [session[0]["at"] for session in split_sessions(events)]
    week, month = end - 7 * DAY, end - 28 * DAY
    active = {event["day"] for event in events} | {payment["at"].date() for payment in payments}
    return {
        "events_7d": sum(event["at"] >= week for event in events),
        "events_28d": sum(event["at"] >= month for event in events),
        "phone_events_7d": sum(event["at"] >= week and event["device"] == "phone" for event in events),
        "sessions_7d": sum(start >= week for start in starts),
        "sessions_28d": sum(start >= month for start in starts),
        "checkouts_28d": sum(event["at"] >= month and event["kind"] == "checkout" for event in events),
        "orders_28d": sum(payment["at"] >= month for payment in payments),
        "spend_7d": sum((payment["amount"] for payment in payments if payment["at"] >= week), Decimal(0)),
        "spend_28d": sum((payment["amount"] for payment in payments if payment["at"] >= month), Decimal(0)),
        "spend_before": sum((payment["amount"] for payment in payments), Decimal(0)),
        "active_days_before": len(active),
        "last_active_day": max(active, default=None),
        "events_lag_1": sum(event["day"] == day - DAY for event in events),
        "events_lag_7": sum(event["day"] == day - 7 * DAY for event in events),
    }


def true_days(known: Known, user: str) -> dict[tuple, Row]:
    """One row per day of a user, from the first active one to 29 days after the last."""
    active = {event["day"] for event in known.events.get(user, [])}
    active |= {payment["at"].date() for payment in known.payments.get(user, [])}
    if not active:
        return {}
    first, last = min(active), max(active) + 29 * DAY
    found = {}
    for number in range((last - first).days + 1):
        day = first + number * DAY
        row = looked_back(known, user, day)
        for name, days in (("events_lag_1", 1), ("events_lag_7", 7)):
            row[name] = row[name] if day - days * DAY >= first else None
        found[user, day] = {"user_id": user, "day": day, **row}
    return found


def true_features(known: Known, user: str, as_of: date) -> Row:
    """What a model may know of a user at a cut-off, model-safe."""
    back = looked_back(known, user, as_of)
    exported = [profile for profile in known.profiles.get(user, []) if profile["exported"] < as_of]
    profile: dict[str, Any] = exported[-1] if exported else {}
    last = back.pop("last_active_day")
    phone, events = back.pop("phone_events_7d"), back["events_7d"]
    return {
        **{name: float(value) for name, value in back.items()},
        "phone_share_7d": phone / events if events else 0.0,
        "days_since_active": float((as_of - last).days) if last else 365.0,
        "tenure_days": float((as_of - profile["signed_up"]).days) if profile else 0.0,
        "plan": profile.get("plan") or "unknown",
        "country": profile.get("country") or "unknown",
    }


def smoothed_means(pairs: list[tuple[str, float]], smoothing: float) -> tuple[dict[str, float], float]:
    """The m-estimate of each category's mean (Micci-Barreca 2001), and the prior: the mean of all."""
    prior = sum(target for _, target in pairs) / len(pairs)
    found = {}
    for category in {category for category, _ in pairs}:
        targets = [target for other, target in pairs if other == category]
        found[category] = (sum(targets) + smoothing * prior) / (len(targets) + smoothing)
    return found, prior


def psi(values: list[Any], reference: list[Any], bins: int = 10) -> float:
    """The population stability index: numbers in bins of the reference's quantiles, text in one bin per value."""

    def bin_of(value: Any) -> Any:
        if isinstance(value, str):
            return value
        below = sum(other < value for other in reference)
        return min(bins - 1, below * bins // len(reference))

    found, expected = Counter(map(bin_of, values)), Counter(map(bin_of, reference))
    total = 0.0
    for one in {*found, *expected}:
        share, other = max(found[one] / len(values), 0.0001), max(expected[one] / len(reference), 0.0001)
        total += (share - other) * log(share / other)
    return total


def ks(values: list[float], reference: list[float]) -> float:
    """The largest distance between two distribution functions (Kolmogorov and Smirnov)."""
    return max(
        abs(
            sum(value <= at for value in values) / len(values)
            - sum(value <= at for value in reference) / len(reference)
        )
        for at in {*values, *reference}
    )
