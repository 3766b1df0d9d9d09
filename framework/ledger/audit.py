"""The audit trail: what was done, when, by whom. Each entry carries the hash of the one before it.

So a changed, missing or moved entry breaks the chain. Cutting off its end breaks nothing: whoever wants to notice that
keeps the head, the hash of the last entry, somewhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from framework.errors import ConfigurationError
from framework.ledger.clock import now
from framework.ledger.processes import actor
from framework.ledger.tables import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection

    from framework.ledger.opening import Ledger

START = "0" * 64
"""What the first entry carries as the hash of the one before it."""
PAGE = 1000
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


@dataclass(frozen=True)
class Verdict:
    """What became of verifying a trail: how many entries, the hash of the last, and where the chain breaks."""

    entries: int
    head: str
    breaks: tuple[str, ...] = ()


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
    unhashed = Entry(number, at, _storable(actor()), action, _storable(subject), told, previous, "")
    values = {**vars(unhashed), "hash": unhashed.expected_hash()}
    connection.execute(insert(audit).values(values))
    return str(values["hash"])


def note(
    address: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
    *,
    warn: Callable[[str], None],
) -> None:
    """Append an entry about something that was done. Failing to never fails the act, which is done: it warns."""
    from framework.ledger.opening import open_ledger

    try:
        with open_ledger(address).engine.begin() as connection:
            append(connection, action, subject, details)
    except (SQLAlchemyError, OSError, ConfigurationError) as error:
        warn(f"the audit trail cannot be written, so it will not show '{action}': {str(error).partition(chr(10))[0]}")


def entries(
    ledger: Ledger, *, subject: str | None = None, action: str | None = None, limit: int | None = None
) -> list[Entry]:
    """The latest entries, oldest of them first; `subject` and `action` also mean what begins with them and a dot."""
    query = select(audit).order_by(audit.c.id.desc())
    for column, wanted in ((audit.c.subject, subject), (audit.c.action, action)):
        if wanted:
            query = query.where((column == wanted) | column.startswith(f"{wanted}.", autoescape=True))
    with ledger.engine.begin() as connection:
        found = [Entry(**row) for row in connection.execute(query.limit(limit)).mappings()]
    return found[::-1]


def verify(ledger: Ledger, *, head: str = "") -> Verdict:
    """Follow the chain from its start to its end and say where it breaks.

    Args:
        ledger: The ledger with the trail.
        head: The hash of an entry that was the last once, or the beginning of it: it must still be there.
    """
    breaks: list[str] = []
    count, last_id, last_hash, is_head_there = 0, 0, START, not head
    for entry in _all(ledger):
        breaks += _breaks_at(entry, last_id, last_hash)
        count, last_id, last_hash = count + 1, entry.id, entry.hash
        is_head_there = is_head_there or entry.hash.startswith(head)
    if not is_head_there:
        breaks.append(f"no entry has the hash {head}: the trail was cut off before it, or written anew")
    return Verdict(count, last_hash if count else "", tuple(breaks))


def _breaks_at(entry: Entry, last_id: int, last_hash: str) -> Iterator[str]:
    """What is wrong between an entry and the one before it."""
    if entry.id != last_id + 1:
        gone = f"entry {last_id + 1} is" if entry.id == last_id + 2 else f"entries {last_id + 1} to {entry.id - 1} are"
        yield f"{gone} missing"
    elif entry.previous != last_hash:
        yield f"entry {entry.id} does not follow the one before it: one of the two was exchanged or moved"
    if entry.hash != entry.expected_hash():
        yield f"entry {entry.id} was changed: what it says does not have its hash"


def _all(ledger: Ledger) -> Iterator[Entry]:
    """Every entry in order, read in pages, so that nobody who appends has to wait for the end."""
    last = -(2**31)
    while True:
        query = select(audit).where(audit.c.id > last).order_by(audit.c.id).limit(PAGE)
        with ledger.engine.begin() as connection:
            page = [Entry(**row) for row in connection.execute(query).mappings()]
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].id


def _storable(text: str) -> str:
    """A text as both databases take it: no null byte, no half characters of odd file names, not too long."""
    return text.replace("\0", "").encode(errors="backslashreplace").decode()[:300]
