"""The key of the features: sessions, and what was known of some users at some cut-offs, by slow loops.

All of it is worked out from the rows that a correct run takes from the files delivered so far.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from framework.testing import SampleRequest
from pipelines.features.sample.behaviour import DRIFT_DAYS, Event, Payment, has_drift
from pipelines.features.sample.label_files import cutoffs
from pipelines.features.sample.profile_files import Profile

GAP = timedelta(minutes=30)
USERS_IN_KEY = 30
DRIFTING = "phone_share_7d"


@dataclass(frozen=True, slots=True)
class Session:
    """A user's events of which each comes at most 30 minutes after the one before."""

    user_id: str
    events: tuple[Event, ...]

    @property
    def start(self) -> datetime:
        """Time of the first event."""
        return self.events[0].at


@dataclass(frozen=True, slots=True)
class Known:
    """What a correct run knows: every row once, the newest one of each key."""

    events: tuple[Event, ...]
    payments: tuple[Payment, ...]
    profiles: tuple[Profile, ...]


def true_key(request: SampleRequest, known: Known, last: int) -> dict[str, str]:
    """Return the files of the key that tell the truth up to the last day delivered."""
    sessions = find_sessions(known.events)
    users = _some_users(known.events)
    days = [day for day in cutoffs(request) if day <= last] + [last + 1]
    features = [
        {"user_id": user, "as_of": str(request.date_of(day)), **true_features(known, sessions[user], user, at)}
        for user in users
        for day, at in ((day, request.date_of(day)) for day in days)
    ]
    drift = {"feature": DRIFTING, "from": str(request.date_of(request.days - DRIFT_DAYS + 1))}
    return {
        "sessions.ndjson": _lines(_session_entry(session) for user in sorted(sessions) for session in sessions[user]),
        "features.ndjson": _lines(features),
        "drift.json": _lines([drift] if has_drift(request) and last == request.days else []),
    }


def find_sessions(events: Iterable[Event]) -> dict[str, list[Session]]:
    """Return every user's sessions in order of time."""
    by_user: defaultdict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.at, event.event_id)):
        by_user[event.user_id].append(event)
    found: dict[str, list[Session]] = {}
    for user, mine in by_user.items():
        stretches = [[mine[0]]]
        for before, event in pairwise(mine):
            if event.at - before.at > GAP:
                stretches.append([])
            stretches[-1].append(event)
        found[user] = [Session(user, tuple(stretch)) for stretch in stretches]
    return found


def true_features(known: Known, sessions: list[Session], user: str, as_of: date) -> dict[str, Any]:
    """Return what was known of a user when a day began."""
    end = datetime.combine(as_of, time.min, tzinfo=UTC)
    events = [event for session in sessions for event in session.events if event.at < end]
    payments = [payment for payment in known.payments if payment.user_id == user and payment.at < end]
    week, month = end - timedelta(days=7), end - timedelta(days=28)
    recent = [event for event in events if event.at >= week]
    starts = [session.start for session in sessions if session.start < end]
    active_days = {event.at.date() for event in events} | {payment.at.date() for payment in payments}
    return {
        "events_7d": len(recent),
        "events_28d": sum(event.at >= month for event in events),
        "phone_events_7d": sum(event.device == "phone" for event in recent),
        "sessions_7d": sum(start >= week for start in starts),
        "sessions_28d": sum(start >= month for start in starts),
        "checkouts_28d": sum(event.at >= month and event.kind == "checkout" for event in events),
        "orders_28d": sum(payment.at >= month for payment in payments),
        "spend_7d": _amount(payment.cents for payment in payments if payment.at >= week),
        "spend_28d": _amount(payment.cents for payment in payments if payment.at >= month),
        "spend_before": _amount(payment.cents for payment in payments),
        "events_lag_1": sum(event.at.date() == as_of - timedelta(days=1) for event in events),
        "events_lag_7": sum(event.at.date() == as_of - timedelta(days=7) for event in events),
        "active_days_before": len(active_days),
        "last_active_day": str(max(active_days)) if active_days else None,
        **_profile_features(known, user, as_of),
    }


def _profile_features(known: Known, user: str, as_of: date) -> dict[str, Any]:
    """Return what the last export before the day says of a user."""
    exported = [p for p in known.profiles if p.user_id == user and date.fromisoformat(p.exported) < as_of]
    if not exported:
        return {"plan": None, "country": None, "tenure_days": None}
    newest = max(exported, key=lambda profile: profile.exported)
    tenure = as_of - date.fromisoformat(newest.signed_up)
    return {"plan": newest.plan, "country": newest.country or None, "tenure_days": tenure.days}


def _amount(cents: Iterable[int]) -> str:
    return str((Decimal(sum(cents)) / 100).quantize(Decimal("0.01")))


def _some_users(events: Iterable[Event]) -> list[str]:
    users = sorted({event.user_id for event in events})
    return users[:: max(1, len(users) // USERS_IN_KEY)]


def _session_entry(session: Session) -> dict[str, Any]:
    return {
        "user_id": session.user_id,
        "session_start": session.start.isoformat(),
        "session_end": session.events[-1].at.isoformat(),
        "events": len(session.events),
    }


def _lines(entries: Iterable[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)
