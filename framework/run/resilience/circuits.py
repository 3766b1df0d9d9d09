"""The circuits of a project: kept in the ledger, where all containers meet, or in memory where there is none."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from framework.core.events import emit
from framework.errors import CircuitError, ConfigurationError
from framework.run.resilience.circuit import CLOSED, Circuit, admit, settle
from framework.run.resilience.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.policy import Breaker
    from framework.ledger.breakers import StoredBreaker
    from framework.ledger.runs import Ledger

T = TypeVar("T")

FRESH_S = 1.0
"""How long a closed circuit is taken as it was read: a source of many files would ask the ledger before each."""


@dataclass(frozen=True)
class Seen:
    """A circuit as it was read: its version, and the time by the clock of whoever keeps it, in seconds since 1970."""

    circuit: Circuit
    version: int
    now: float


class KeeperLostError(Exception):
    """Whoever keeps the circuits cannot be asked."""


class Keeper(Protocol):
    """Who keeps circuits. Both raise `KeeperLostError` when they cannot be asked."""

    def read(self, name: str) -> Seen:
        """Give a circuit; one that nobody has written is closed and of version 0."""

    def write(self, name: str, seen: Seen, circuit: Circuit) -> bool:
        """Write a circuit, unless somebody has written it since it was seen; says whether it did."""


class InMemory:
    """Circuits of this process alone."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Circuit, int]] = {}

    def read(self, name: str) -> Seen:
        """See `Keeper`."""
        return Seen(*self._kept.get(name, (CLOSED, 0)), self._now())

    def write(self, name: str, seen: Seen, circuit: Circuit) -> bool:
        """See `Keeper`."""
        with self._lock:
            if self._kept.get(name, (CLOSED, 0))[1] != seen.version:
                return False
            self._kept[name] = (circuit, seen.version + 1)
            return True


class InLedger:
    """Circuits in the ledger, which is opened when one is needed. Its clock decides: those of containers may differ."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opened: Ledger | None = None

    def read(self, name: str) -> Seen:
        """See `Keeper`."""
        from framework.ledger.breakers import read_breaker

        return self._ask(lambda ledger: seen_of(read_breaker(ledger, name)))

    def write(self, name: str, seen: Seen, circuit: Circuit) -> bool:
        """See `Keeper`."""
        from framework.ledger.breakers import write_breaker

        opened = None if circuit.opened_at is None else datetime.fromtimestamp(circuit.opened_at, UTC)
        values = {"state": circuit.phase(seen.now), "window": circuit.to_values(), "opened_at": opened}
        return self._ask(lambda ledger: write_breaker(ledger, name, seen.version, values))

    def _ask(self, ask: Callable[[Ledger], T]) -> T:
        from sqlalchemy.exc import SQLAlchemyError

        from framework.ledger.runs import open_ledger

        try:
            self._opened = self._opened or open_ledger(self._address)
            return ask(self._opened)
        except (ConfigurationError, SQLAlchemyError, OSError) as error:
            raise KeeperLostError(str(error).splitlines()[0]) from error


def close(ledger: Ledger, name: str) -> None:
    """Close a circuit by hand, whatever others write meanwhile."""
    from framework.ledger.breakers import read_breaker, write_breaker

    done = False
    while not done:
        version = read_breaker(ledger, name).version
        done = write_breaker(
            ledger, name, version, {"state": "closed", "window": CLOSED.to_values(), "opened_at": None}
        )


def seen_of(stored: StoredBreaker) -> Seen:
    """Read a circuit as the ledger keeps it."""
    circuit = Circuit.from_values(stored.window) if stored.window else CLOSED
    return Seen(circuit, stored.version, stored.read_at.timestamp())


@dataclass
class Circuits:
    """What decides, before each call to a source with a breaker, whether it is made, and is told how it ended.

    A ledger that fails stops no run: this process then goes on with circuits of its own, and says so.
    """

    keeper: Keeper
    timing: Timing = field(default_factory=Timing)
    _known: dict[str, tuple[float, Seen]] = field(default_factory=dict)

    def admit(self, breaker: Breaker) -> None:
        """Let a call through.

        Raises:
            CircuitError: when the circuit is open, or others probe it already.
        """
        refused = self._change(breaker, lambda circuit, now: admit(breaker, circuit, now))
        if refused is not None:
            raise CircuitError(refused.circuit.tell(breaker.name, refused.now))

    def settle(self, breaker: Breaker, error: str | None) -> None:
        """Take in how a call ended: `error` says how it failed (None: the source has answered)."""
        self._change(breaker, lambda circuit, now: settle(breaker, circuit, now, error))

    def phase(self, name: str) -> str:
        """What a circuit does with calls now, in a word."""
        seen = self._see(name)
        return seen.circuit.phase(seen.now)

    def _change(self, breaker: Breaker, change: Callable[[Circuit, float], Circuit | None]) -> Seen | None:
        """Change a circuit, as often as somebody else was first; gives what was seen where it must not be changed."""
        while True:
            seen = self._see(breaker.name)
            changed = change(seen.circuit, seen.now)
            if changed is None:
                return seen
            if changed == seen.circuit or self._write(breaker.name, seen, changed):
                return None

    def _see(self, name: str) -> Seen:
        passed = self.timing.passed()
        read_at, known = self._known.get(name, (0.0, None))
        if known is not None and passed - read_at < FRESH_S and known.circuit.phase(known.now) == "closed":
            return Seen(known.circuit, known.version, known.now + passed - read_at)
        seen = self._ask(lambda keeper: keeper.read(name))
        self._known[name] = (self.timing.passed(), seen)  # after the answer, so that its time is not ahead of theirs
        return seen

    def _write(self, name: str, seen: Seen, circuit: Circuit) -> bool:
        self._known.pop(name, None)
        return self._ask(lambda keeper: keeper.write(name, seen, circuit))

    def _ask(self, ask: Callable[[Keeper], T]) -> T:
        try:
            return ask(self.keeper)
        except KeeperLostError as error:
            text = f"circuit breakers are this process' own from here on, as the ledger cannot be used: {error}"
            emit("breaker.alone", text, level="WARNING")
            self.keeper = InMemory(self.timing.now)
            return ask(self.keeper)
