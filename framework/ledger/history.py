"""What earlier runs tell of the next: how long it takes, how much memory it needs."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from framework.ledger.tables import runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framework.ledger.opening import Ledger


class Usual(NamedTuple):
    """Of the latest successful runs of a pipeline: the median of the seconds, and the most memory, in MiB."""

    seconds: float
    memory_mb: float


def usual(ledger: Ledger, pipelines: Iterable[str], *, of: int = 20) -> dict[str, Usual]:
    """What pipelines usually take, by name; nothing for those that never succeeded. One query for all of them."""
    rank = func.row_number().over(partition_by=runs.c.pipeline, order_by=(runs.c.started_at.desc(), runs.c.run_id))
    latest = (
        select(runs.c.pipeline, runs.c.duration_s, runs.c.peak_memory_mb, rank.label("place"))
        .where(runs.c.pipeline.in_(list(pipelines)), runs.c.state == "SUCCESS", runs.c.duration_s.is_not(None))
        .subquery()
    )
    found: dict[str, list[tuple[float, float]]] = {}
    with ledger.engine.begin() as connection:
        for row in connection.execute(select(latest).where(latest.c.place <= of)):
            found.setdefault(row.pipeline, []).append((row.duration_s, row.peak_memory_mb or 0.0))
    return {name: Usual(float(median(s for s, _ in rows)), max(m for _, m in rows)) for name, rows in found.items()}


def usual_seconds(ledger: Ledger, pipelines: Iterable[str], *, of: int = 20) -> dict[str, float]:
    """How long pipelines take: the median of their latest successful runs, in seconds; nothing for those without."""
    return {name: found.seconds for name, found in usual(ledger, pipelines, of=of).items()}
