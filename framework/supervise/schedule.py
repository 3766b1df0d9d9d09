"""What may start next: units in the order of their priority, within slots, pools and memory. Pure.

A unit takes all that it needs at once or nothing, so that no two can wait for each other. What waits for a pool or for
memory is not overtaken by something less urgent that would take just that, so that nothing waits for ever.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


A_SLOT = "a slot"
"""What every unit waits for that may not start because enough is running."""


@dataclass(frozen=True)
class Unit:
    """Something to run: a pipeline, or a stage of one. `memory_mb`: what it takes, as far as is known (0: unknown)."""

    name: str
    pools: tuple[str, ...] = ()
    memory_mb: float = 0


@dataclass(frozen=True)
class Limits:
    """What all that runs together may take: slots, slots of each named pool (one, where nothing is set), memory."""

    slots: int = 1
    pools: Mapping[str, int] = field(default_factory=dict)
    memory_mb: float | None = None

    def of_pool(self, name: str) -> int:
        """How many units may use a pool at once."""
        return self.pools.get(name, 1)


@dataclass(frozen=True)
class Held:
    """A unit that may not start yet, and what it waits for."""

    unit: Unit
    waits_for: str


def startable(ready: Sequence[Unit], running: Sequence[Unit], limits: Limits) -> tuple[Unit | None, list[Held]]:
    """Find the first of the ready units, most urgent first, that may start now, and say what those before it wait for.

    >>> api = Unit("b", pools=("api",))
    >>> startable([api, Unit("c")], [Unit("a", pools=("api",))], Limits(slots=2))
    (Unit(name='c', pools=(), memory_mb=0), [Held(unit=Unit(name='b', pools=('api',), memory_mb=0), waits_for='api')])
    """
    if len(running) >= limits.slots:
        return None, [Held(unit, A_SLOT) for unit in ready]
    taken = Counter(pool for unit in running for pool in set(unit.pools))
    waits_mb = 0.0
    held: list[Held] = []
    for unit in ready:
        full = next((pool for pool in unit.pools if taken[pool] >= limits.of_pool(pool)), None)
        if full is not None:
            taken.update(set(unit.pools))  # what comes later leaves these to it
            held.append(Held(unit, full))
        elif not _fits(unit, running, limits, waits_mb):
            waits_mb = max(waits_mb, unit.memory_mb)
            taken.update(set(unit.pools))
            held.append(Held(unit, "memory"))
        else:
            return unit, held
    return None, held


def _fits(unit: Unit, running: Sequence[Unit], limits: Limits, waits_mb: float) -> bool:
    """Whether there is memory for a unit. Alone it always may; beside one that waits it must leave room for that."""
    if limits.memory_mb is None or (not running and not waits_mb):
        return True
    used = sum(other.memory_mb for other in running)
    return used + unit.memory_mb <= limits.memory_mb and unit.memory_mb + waits_mb <= limits.memory_mb
