"""The supervisor: runs the selected pipelines in worker processes, and is there when one of them dies.

It imports nothing heavy and reads nothing itself; what it must know the workers tell it. Killing a worker at any moment
is safe, because a run's position is published together with its data: the next attempt covers the same input again.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from framework.supervise.crew import Crew
from framework.supervise.current import Tries, new_id
from framework.supervise.shift import NoPast, Shift
from framework.supervise.signals import Signals
from framework.supervise.tally import Tally

if TYPE_CHECKING:
    from framework.core.report import Failure, RunReport
    from framework.supervise.messages import Job
    from framework.supervise.shift import Past
    from framework.supervise.tally import Audience


@dataclass(frozen=True)
class Invocation:
    """What one `sluice run` did: a report per pipeline, or why nothing could run, and the signal that ended it.

    `tracebacks` has those of failed pipelines, by name, and under the empty name that of a refusal. `cancelled_by`:
    who had it ended through the ledger.
    """

    id: str
    reports: tuple[RunReport, ...] = ()
    refusal: Failure | None = None
    signal: int | None = None
    tracebacks: dict[str, str] = field(default_factory=dict)
    cancelled_by: str = ""

    @property
    def state(self) -> str:
        """The worst state of the pipelines."""
        states = {report.state for report in self.reports}
        if self.signal is not None or self.cancelled_by:
            return "CANCELLED"
        if self.refusal or "FAILED" in states:
            return "FAILED"
        return "SUCCESS" if "SUCCESS" in states else "UNCHANGED"


def supervise(
    job: Job,
    *,
    audience: Audience,
    invocation: str | None = None,
    tries: Tries | None = None,
    past: Past | None = None,
    fail_fast: bool = False,
) -> Invocation:
    """Run a job's pipelines in workers until each has a report, or somebody wants an end.

    Args:
        job: What to run.
        audience: Opened as soon as the first worker has read the settings (None: it never could); gives the listener
            for all events.
        invocation: The id of this invocation.
        tries: How often a pipeline is tried when its failure is worth it.
        past: What is known of earlier runs, and who hears that this one lives.
        fail_fast: Whether nothing else starts once something has failed.
    """
    this = replace(job, supervisor=os.getpid(), path=job.path or tuple(p for p in sys.path if p))
    tally = Tally(audience, tries or Tries(), this, invocation or new_id(), fail_fast)
    with Signals() as signals, Crew(this) as crew:
        crew.watch(signals.fileno())
        shift = Shift(crew, tally, signals, past or NoPast())
        crew.hire()
        while shift.goes_on:
            shift.turn()
        tally.open_audience()
        is_cut_off = tally.is_open and bool(shift.ended_by)
        number = signals.received[0] if signals.received and is_cut_off else None
        if is_cut_off:
            tally.cancel(shift.ended_by)
    refused = tally.refused
    reports = tuple(tally.reports[name] for name in tally.upstream if name in tally.reports)
    failure, cancelled_by = (refused.failure if refused else None), shift.cancelled_by if is_cut_off else ""
    done = Invocation(tally.id, reports, failure, number, tally.tracebacks, cancelled_by)
    tally.end(done.state)
    return done
