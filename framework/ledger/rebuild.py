"""Runs entered anew from the lake, which keeps the report of every run that published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from framework.ledger import states
from framework.ledger.chain import append
from framework.ledger.run_rows import enter
from framework.ledger.tables import audit, runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from framework.core.report import RunReport
    from framework.ledger.opening import Ledger

REBUILT = "rebuilt"
"""The invocation of runs that were entered from the lake: theirs is lost."""


@dataclass(frozen=True)
class Rebuilt:
    """How many runs were added, how many stood there with another end, and how many stood there as they ended."""

    added: int = 0
    corrected: int = 0
    known: int = 0


def rebuild(ledger: Ledger, reports: Iterable[RunReport]) -> Rebuilt:
    """Enter what published runs report, each once; doing it again changes nothing."""
    found = {"added": 0, "corrected": 0, "known": 0}
    earliest: datetime | None = None
    with ledger.engine.begin() as connection:
        standing = {row.run_id: row.state for row in connection.execute(select(runs.c.run_id, runs.c.state))}
        for report in reports:
            state = standing.get(report.run_id)
            if state == states.SUCCESS or state in states.AT_WORK:
                found["known"] += 1
                continue
            ended = _end_of(report)
            enter(connection, report, invocation_id=REBUILT, finished=ended)
            standing[report.run_id] = report.state
            found["corrected" if state else "added"] += 1
            earliest = min(earliest or ended, ended) if ended else earliest
        if found["added"] or found["corrected"]:
            append(connection, "ledger.rebuilt", "ledger", found | _lost_trail(connection, earliest))
    return Rebuilt(**found)


def published(ledger: Ledger) -> set[tuple[str, int]]:
    """The sequences of pipelines that the ledger knows as published, or being worked at."""
    at_work_or_done = [states.SUCCESS, *sorted(states.AT_WORK)]
    query = select(runs.c.pipeline, runs.c.seq).where(runs.c.state.in_(at_work_or_done), runs.c.seq.is_not(None))
    with ledger.engine.begin() as connection:
        return {(pipeline, seq) for pipeline, seq in connection.execute(query)}


def _lost_trail(connection: Connection, earliest: datetime | None) -> dict[str, str]:
    """What is to be said of a trail that begins after runs that it should know of: an earlier one is lost."""
    begins = connection.scalar(select(audit.c.at).order_by(audit.c.id).limit(1))
    if earliest is None or begins is None or earliest >= datetime.fromisoformat(begins):
        return {}
    return {"trail": f"what was done before {begins} is lost"}


def _end_of(report: RunReport) -> datetime | None:
    if not report.started_at:
        return None
    return datetime.fromisoformat(report.started_at) + timedelta(seconds=report.duration_s)
