"""`sluice breakers`: the circuits of sources, as all containers share them, and closing one by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.cli.options import Exit
from framework.cli.output import columns, hint, show
from framework.errors import SelectionError, did_you_mean

if TYPE_CHECKING:
    from framework.ledger.breakers import StoredBreaker
    from framework.ledger.runs import Ledger

NAMES = ("breaker", "state", "failed", "since", "until", "last error")


def breakers_list() -> int:
    """List the circuit breakers that runs have used: what each does with calls now, and why."""
    from framework.cli.ledger import with_ledger
    from framework.ledger.breakers import all_breakers

    found = [_document(stored) for stored in with_ledger(all_breakers) or []]
    rows = [{**one, "failed": f"{one['failed']} of {one['calls']}", "last error": one["last_error"]} for one in found]
    show({"breakers": found}, lambda: columns(rows, NAMES, empty="no run has used a circuit breaker yet"))
    is_open = next((one["breaker"] for one in found if one["state"] == "open"), None)
    if is_open:
        hint(f"next: sluice breakers reset {is_open}, once it works again; it is tried by itself after that time")
    return Exit.OK


def breakers_reset(name: str) -> int:
    """Close a circuit breaker by hand: its source is tried at once, and what it remembers is forgotten.

    Args:
        name: The breaker, as its source calls it.
    """
    from framework.cli.ledger import with_ledger
    from framework.ledger.breakers import all_breakers
    from framework.run.resilience.circuits import close

    def reset(ledger: Ledger) -> list[str] | None:
        known = [one.name for one in all_breakers(ledger)]
        if name in known:
            close(ledger, name)
            return None
        return known

    known: list[str] | None = with_ledger(reset) if _has_ledger() else []
    if known is not None:
        hint_text = did_you_mean(name, known) or "no run has used one yet"
        raise SelectionError(f"no circuit breaker is called '{name}'; {hint_text}")
    show({"breaker": name, "state": "closed"}, lambda: [f"{name}: closed"])
    return Exit.OK


def _has_ledger() -> bool:
    from framework.cli.ledger import with_ledger

    return with_ledger(lambda _ledger: True) is not None


def _document(stored: StoredBreaker) -> dict[str, Any]:
    from framework.run.resilience.circuits import seen_of

    seen = seen_of(stored)
    circuit = seen.circuit
    return {
        "breaker": stored.name,
        "state": circuit.phase(seen.now),
        "failed": sum(circuit.failed),
        "calls": len(circuit.failed),
        "since": _moment(circuit.opened_at),
        "until": _moment(circuit.open_until),
        "last_error": circuit.last_error,
    }


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
