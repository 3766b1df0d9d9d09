"""The chain of the audit trail: each entry carries the hash of the one before it.

So a changed, missing or moved entry breaks the chain. Cutting off its end breaks nothing: whoever wants to notice that
keeps the head, the hash of the last entry, somewhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text

from framework.ledger.clock import now
from framework.ledger.processes import actor
from framework.ledger.tables import audit
from framework.ledger.texts import storable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

START = "0" * 64
"""What the first entry carries as the hash of the one before it."""
_LOCK = 0x51_1C_E1
"""Key of the PostgreSQL advisory lock that puts appending in a row."""


@dataclass(frozen=True)
class Entry:
    """One thing that was done: `details` is the JSON text that was hashed."""

    id: int
    at: str
    actor: str
    action: str
    subject: str
    details: str
    previous: str
    hash: str

    def expected_hash(self) -> str:
        """The hash that what the entry says should have."""
        said = [self.id, self.at, self.actor, self.action, self.subject, self.details, self.previous]
        return sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


def append(connection: Connection, action: str, subject: str, details: Mapping[str, Any] | None = None) -> str:
    """Append an entry, in the transaction of the act it tells of, and give its hash.

    It comes last in its transaction: the lock that puts entries in a row is held until the end of it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = connection.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)).one_or_none()
    number, previous = (last.id + 1, last.hash) if last else (1, START)
    told = json.dumps(details or {}, sort_keys=True, separators=(",", ":"), default=str)
    at = now(connection).isoformat(timespec="microseconds")
    unhashed = Entry(number, at, storable(actor(), most=300), action, storable(subject, most=300), told, previous, "")
    values = {**vars(unhashed), "hash": unhashed.expected_hash()}
    connection.execute(insert(audit).values(values))
    return str(values["hash"])


def breaks_at(entry: Entry, last_id: int, last_hash: str) -> Iterator[str]:
    """What is wrong between an entry and the one before it."""
    if entry.id != last_id + 1:
        gone = f"entry {last_id + 1} is" if entry.id == last_id + 2 else f"entries {last_id + 1} to {entry.id - 1} are"
        yield f"{gone} missing"
    elif entry.previous != last_hash:
        yield f"entry {entry.id} does not follow the one before it: one of the two was exchanged or moved"
    if entry.hash != entry.expected_hash():
        yield f"entry {entry.id} was changed: what it says does not have its hash"
