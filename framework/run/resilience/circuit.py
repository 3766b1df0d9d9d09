"""A circuit breaker as a value: what it knows, whether it lets a call through, and what an outcome makes of it.

Pure: time is an argument, and whoever keeps the value decides where.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from framework.core.policy import seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.policy import Breaker

Phase = Literal["closed", "open", "half-open"]
LONGEST_ERROR = 300


@dataclass(frozen=True)
class Circuit:
    """What is known of a source. Times in seconds since 1970.

    `failed`: of the last calls, the newest last, which failed. `opened_at`, `open_until`: since when and how long
    nothing is tried (None: it is closed). `probes`: when each call began that probes the source now. `passed`: how many
    probes have succeeded. `last_error`: of the newest call that failed.
    """

    failed: tuple[bool, ...] = ()
    opened_at: float | None = None
    open_until: float | None = None
    probes: tuple[float, ...] = ()
    passed: int = 0
    last_error: str = ""

    def phase(self, now: float) -> Phase:
        """What it does with calls now."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half-open"

    def to_values(self) -> dict[str, Any]:
        """Render as plain data."""
        return {**vars(self), "failed": [int(one) for one in self.failed], "probes": list(self.probes)}

    @staticmethod
    def from_values(values: Mapping[str, Any]) -> Circuit:
        """Read what `to_values` gave."""
        lists = {"failed": tuple(bool(one) for one in values["failed"]), "probes": tuple(values["probes"])}
        return Circuit(**{**values, **lists})

    def tell(self, name: str, now: float) -> str:
        """Say that it lets nothing through, since when, until when, and why.

        >>> Circuit((True, True), 0.0, 60.0, last_error="timed out").tell("crm", 1.0)
        "the circuit of 'crm' is open since 1970-01-01 00:00:00 until 00:01:00 UTC; 2 of the last 2 calls failed:
        timed out"
        """
        since, until = (datetime.fromtimestamp(at or 0.0, UTC) for at in (self.opened_at, self.open_until))
        ends = f"{until:%H:%M:%S}" if until.date() == since.date() else f"{until:%Y-%m-%d %H:%M:%S}"
        is_probed = self.phase(now) == "half-open"
        state = "half open, and another call probes it now;" if is_probed else f"open since {since:%Y-%m-%d %H:%M:%S}"
        head = f"the circuit of '{name}' is {state}" + ("" if is_probed else f" until {ends} UTC;")
        return f"{head} {sum(self.failed)} of the last {len(self.failed)} calls failed: {self.last_error}"


CLOSED = Circuit()


def admit(breaker: Breaker, circuit: Circuit, now: float) -> Circuit | None:
    """Let a call through: gives the circuit with the call under way; None when it must not be made.

    A probe of which nobody heard for as long as the circuit stays open counts as lost.

    >>> from framework.core.policy import Breaker
    >>> opened = Circuit((True,), 0.0, 60.0)
    >>> admit(Breaker("crm"), opened, 59.0) is None, admit(Breaker("crm"), opened, 60.0).probes
    (True, (60.0,))
    """
    phase = circuit.phase(now)
    if phase == "closed":
        return circuit
    alive = tuple(began for began in circuit.probes if now - began < seconds_of(breaker.open_for))
    if phase == "open" or len(alive) + circuit.passed >= breaker.probes:
        return None
    return replace(circuit, probes=(*alive, now))


def settle(breaker: Breaker, circuit: Circuit, now: float, error: str | None) -> Circuit:
    """Take in how a call ended: `error` says how it failed (None: the source has answered).

    What was under way when the circuit opened says nothing new.

    >>> from framework.core.policy import Breaker
    >>> breaker = Breaker("crm", of_last=2, at_least=2, open_for="1m")
    >>> once = settle(breaker, CLOSED, 0.0, "timed out")
    >>> once.phase(0.0), settle(breaker, once, 1.0, "timed out").phase(1.0)
    ('closed', 'open')
    """
    phase = circuit.phase(now)
    last = circuit.last_error if error is None else error[:LONGEST_ERROR]
    if phase == "closed":
        failed = (*circuit.failed, error is not None)[-breaker.of_last :]
        counted = replace(circuit, failed=failed, last_error=last)
        is_over = len(failed) >= breaker.at_least and sum(failed) >= breaker.failures * len(failed)
        return _opened(breaker, counted, now) if is_over and error is not None else counted
    if phase == "open" or not circuit.probes:
        return circuit
    if error is not None:
        return _opened(breaker, replace(circuit, last_error=last), now)
    done = replace(circuit, probes=circuit.probes[1:], passed=circuit.passed + 1)
    return CLOSED if done.passed >= breaker.probes else done


def _opened(breaker: Breaker, circuit: Circuit, now: float) -> Circuit:
    return replace(circuit, opened_at=now, open_until=now + seconds_of(breaker.open_for), probes=(), passed=0)
