"""Circuit breakers as rows that all containers share. What they mean is decided by whoever uses them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from framework.ledger.clock import now, utc
from framework.ledger.tables import breakers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from framework.ledger.opening import Ledger

CLOSED = "closed"


@dataclass(frozen=True)
class StoredBreaker:
    """A breaker as it was read: `version` 0 when nobody has written it yet; `read_at` is the ledger's own clock."""

    name: str
    read_at: datetime
    state: str = CLOSED
    version: int = 0
    window: Any = field(default_factory=list)
    opened_at: datetime | None = None
    changed_at: datetime | None = None


def read_breaker(ledger: Ledger, name: str) -> StoredBreaker:
    """Read a breaker; one that is not there yet is closed and of version 0."""
    with ledger.engine.begin() as connection:
        at = now(connection)
        row = connection.execute(select(breakers).where(breakers.c.name == name)).one_or_none()
    return StoredBreaker(name, at) if row is None else _stored(row, at)


def all_breakers(ledger: Ledger) -> list[StoredBreaker]:
    """Every breaker that was ever written, by name."""
    with ledger.engine.begin() as connection:
        at = now(connection)
        return [_stored(row, at) for row in connection.execute(select(breakers).order_by(breakers.c.name))]


def write_breaker(ledger: Ledger, name: str, old_version: int, values: Mapping[str, Any]) -> bool:
    """Write `state`, `window` and `opened_at` if nobody wrote since `old_version` was read; say whether that was so.

    `changed_at` and the version are set here; what `values` does not name stays. `window` is anything JSON knows.
    """
    with ledger.engine.begin() as connection:
        written = {**values, "version": old_version + 1, "changed_at": now(connection)}
        if old_version:
            mine = (breakers.c.name == name) & (breakers.c.version == old_version)
            return connection.execute(update(breakers).where(mine).values(written)).rowcount == 1
        try:
            with connection.begin_nested():
                connection.execute(insert(breakers).values({"name": name, "state": CLOSED, "window": [], **written}))
        except IntegrityError:  # somebody else was the first to write it
            return False
        return True


def _stored(row: Any, at: datetime) -> StoredBreaker:
    opened = None if row.opened_at is None else utc(row.opened_at)
    return StoredBreaker(row.name, at, row.state, row.version, row.window, opened, utc(row.changed_at))
