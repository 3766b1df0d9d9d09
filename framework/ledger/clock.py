"""The one clock of a ledger. Machines that share a PostgreSQL take its own: theirs may differ by minutes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection


def now(connection: Connection) -> datetime:
    """The ledger's time, in UTC. A SQLite file is used from one machine, so that machine's clock is the ledger's."""
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)
    # clock_timestamp: the usual `now()` is the begin of the transaction, which may have waited for a lock since
    return utc(connection.execute(text("SELECT clock_timestamp()")).scalar_one())


def utc(moment: datetime) -> datetime:
    """A time read from the ledger, in UTC (SQLite keeps no zone).

    >>> utc(datetime(2026, 11, 20, 8)).isoformat()
    '2026-11-20T08:00:00+00:00'
    """
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
