"""The ledger as a listener: what has work is recorded, and failing to record never fails a run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.errors import ConfigurationError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from framework.core.events import Event
    from framework.ledger.history import Usual
    from framework.ledger.opening import Ledger
    from framework.ledger.recording import Book

WORTH = {
    "run.planned": None,
    "run.given_up": None,
    "run.reported": {"SUCCESS", "FAILED", "CANCELLED"},
    "task.state": {"FAILED"},
    "invocation.ended": {"FAILED"},
}
"""The events that are worth opening the database for, some in certain states only. Until then nothing is written."""
HEARD = {*WORTH, "invocation.begun", "run.retry"}
PAUSE_S = 30.0
"""How long a database that cannot be reached is left alone: a run must not wait for it again and again."""
LOST = "the ledger cannot be written, so `sluice runs` will not show this run"


@dataclass
class Recorder:
    """Listens to the events of an invocation. The database is opened with the first thing that is worth recording.

    What cannot be written because the database is not there is kept, and written once it is there again.

    Args:
        address: The ledger's address.
        invocation_id: The invocation that the runs belong to.
        warn: Hears why something cannot be recorded.
        clean: The mask through which reports pass before they are kept.
    """

    address: str
    invocation_id: str
    warn: Callable[[str], None]
    clean: Callable[[Any], Any] = field(default=lambda value: value)
    _waiting: list[Event] = field(default_factory=list)
    _is_worth: bool = False
    _is_fenced: bool = False
    _warned: set[str] = field(default_factory=set)
    _quiet_until: float = 0.0
    _ledger: Ledger | None = None
    _book: Book | None = None

    def __call__(self, event: Event) -> None:
        """Record what an event says, or keep it until something is worth recording."""
        if event.name not in HEARD or self._is_fenced:
            return
        self._waiting.append(event)
        wanted = WORTH.get(event.name, set())
        self._is_worth = self._is_worth or wanted is None or event.fields.get("state") in wanted
        if self._is_worth and (time.monotonic() >= self._quiet_until or event.name == "invocation.ended"):
            self._write()

    def beat(self) -> bool:
        """Give a sign of life, and say whether somebody asked to cancel this invocation. Never raises.

        Called every few seconds. Nothing is written before something was recorded.
        """
        book = self._book
        if self._is_fenced or book is None or book.invocation is None or time.monotonic() < self._quiet_until:
            return False
        if self._waiting:
            self._write()
        return self._touch()

    def usual(self, pipelines: Iterable[str]) -> dict[str, Usual]:
        """What pipelines usually take. Nothing before something was recorded, or where the ledger cannot be asked."""
        from sqlalchemy.exc import SQLAlchemyError

        from framework.ledger.history import usual

        if self._ledger is None or time.monotonic() < self._quiet_until:
            return {}
        try:
            return usual(self._ledger, pipelines)
        except (SQLAlchemyError, OSError) as error:
            self._pause(error)
            return {}

    def _touch(self) -> bool:
        from sqlalchemy.exc import SQLAlchemyError

        from framework.ledger.invocations import touch

        if self._is_fenced or self._ledger is None or self._book is None or self._book.invocation is None:
            return False
        try:
            with self._ledger.engine.begin() as connection:
                return touch(connection, self.invocation_id, self._book.invocation)
        except LedgerError as error:
            self._give_up(error)
        except (SQLAlchemyError, OSError) as error:
            self._pause(error)
        return False

    def _write(self) -> None:
        """Write all that waits, in one transaction; what the database refuses for good is left out of it."""
        from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

        while self._waiting and not self._is_fenced:
            at: list[Event] = []
            try:
                self._write_all(at)
            except (OperationalError, InterfaceError, OSError, ConfigurationError) as error:
                self._pause(error)
                return
            except SQLAlchemyError as error:
                self._say(LOST, error)
                if not at:
                    return
                self._waiting = [event for event in self._waiting if event is not at[-1]]

    def _write_all(self, at: list[Event]) -> None:
        """Write what waits; `at` gets each event before it is written, so that the caller knows which one failed."""
        from framework.ledger.clock import now
        from framework.ledger.invocations import touch
        from framework.ledger.recording import Book, Pen, record

        ledger = self._ledger = self._ledger or self._opened()
        book = self._book.copied() if self._book else Book()
        with ledger.engine.begin() as connection:
            if book.invocation is not None:
                try:
                    touch(connection, self.invocation_id, book.invocation)
                except LedgerError as error:
                    self._give_up(error)
                    return
            pen = Pen(connection, self.invocation_id, self.clean, now(connection) - datetime.now(UTC))
            for event in self._waiting:
                at.append(event)
                try:
                    book = record(pen, book, event)
                except LedgerError as error:
                    self._say("the ledger refuses what this run says", error)
        self._book, self._waiting = book, []
        if LOST in self._warned:
            self._warned.remove(LOST)
            self.warn("the ledger can be written again; what it was not told meanwhile is recorded")

    def _opened(self) -> Ledger:
        from framework.ledger.opening import open_ledger
        from framework.ledger.zombies import mark_abandoned

        ledger = open_ledger(self.address)
        mark_abandoned(ledger)
        return ledger

    def _pause(self, error: Exception) -> None:
        self._quiet_until = time.monotonic() + PAUSE_S
        self._say(LOST, error)

    def _give_up(self, error: Exception) -> None:
        """Somebody has closed this invocation. The run goes on: what it publishes is safe, the lake decides that."""
        self._is_fenced = True
        self._say(
            "the ledger no longer records this run; `sluice doctor --rebuild-ledger` enters what it publishes", error
        )

    def _say(self, what: str, error: Exception) -> None:
        """Warn once of each kind of trouble."""
        if what not in self._warned:
            self._warned.add(what)
            self.warn(f"{what}: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
