"""The audit trail: what was done, when, by whom; read, verified, and added to from outside of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from framework.errors import ConfigurationError
from framework.ledger.chain import START, Entry, append, breaks_at
from framework.ledger.opening import open_ledger
from framework.ledger.tables import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from framework.ledger.opening import Ledger

PAGE = 1000


@dataclass(frozen=True)
class Verdict:
    """What became of verifying a trail: how many entries, the hash of the last, and where the chain breaks."""

    entries: int
    head: str
    breaks: tuple[str, ...] = ()


def note(
    address: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
    *,
    warn: Callable[[str], None],
) -> None:
    """Append an entry about something that was done. Failing to never fails the act, which is done: it warns."""
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
        breaks += breaks_at(entry, last_id, last_hash)
        count, last_id, last_hash = count + 1, entry.id, entry.hash
        is_head_there = is_head_there or entry.hash.startswith(head)
    if not is_head_there:
        breaks.append(f"no entry has the hash {head}: the trail was cut off before it, or written anew")
    return Verdict(count, last_hash if count else "", tuple(breaks))


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
