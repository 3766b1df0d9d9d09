"""The supervisor: runs the selected pipelines in child processes, and is there when one of them dies.

It imports nothing heavy and reads nothing itself; what it must know the child tells it. Killing a child at any moment
is safe, because a run's position is published together with its data: the next attempt covers the same input again.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from framework.supervise.attempt import Child
from framework.supervise.deaths import explain_death, oom_kills
from framework.supervise.signals import Signals, reap_orphans
from framework.supervise.tally import Tally, new_id

if TYPE_CHECKING:
    from framework.core.report import Failure, RunReport
    from framework.supervise.messages import Job
    from framework.supervise.tally import Audience

ATTEMPTS = 2
BACKOFF_S = 1.0


@dataclass(frozen=True)
class Invocation:
    """What one `sluice run` did: a report per pipeline, or why nothing could run, and the signal that ended it.

    `tracebacks` has those of failed pipelines, by name, and under the empty name that of a refusal.
    """

    id: str
    reports: tuple[RunReport, ...] = ()
    refusal: Failure | None = None
    signal: int | None = None
    tracebacks: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The worst state of the pipelines."""
        states = {report.state for report in self.reports}
        if self.signal is not None:
            return "CANCELLED"
        if self.refusal or "FAILED" in states:
            return "FAILED"
        return "SUCCESS" if "SUCCESS" in states else "UNCHANGED"


def supervise(
    job: Job,
    *,
    audience: Audience,
    invocation: str | None = None,
    attempts: int = ATTEMPTS,
    backoff_s: float = BACKOFF_S,
) -> Invocation:
    """Run a job's pipelines in children until each has a report, or a signal comes.

    Args:
        job: What to run.
        audience: Opened as soon as the first child has read the settings (None: it never could); gives the listener
            for all events.
        invocation: The id of this invocation.
        attempts: How often a pipeline is tried when its failure is worth it.
        backoff_s: The mean wait before the second attempt at what failed for a transient reason; doubles each time.
    """
    tally = Tally(audience, attempts)
    path = job.path or tuple(p for p in sys.path if p)
    this = replace(job, supervisor=os.getpid(), path=path)
    with Signals() as signals:
        while not signals.received:
            _run_child(this, tally, signals)
            if tally.refused or not tally.pending():
                break
            if tally.waits_for:
                doubled = backoff_s * 2 ** (tally.attempts[tally.waits_for] - 1)
                signals.wait(_spread() * doubled)
            this = replace(this, selection=tally.pending(), attempts=dict(tally.attempts), apart=tuple(tally.apart))
        tally.open_audience()
        number = signals.received[0] if signals.received and tally.is_open else None
        if number is not None:
            tally.cancel(number)
    refused = tally.refused
    return Invocation(
        invocation or new_id(),
        tuple(tally.reports[name] for name in tally.upstream if name in tally.reports),
        refused.failure if refused else None,
        number,
        tally.tracebacks,
    )


def _spread() -> float:
    """A factor from 0.5 to 1.5, so that runs that failed together do not try again together."""
    return 0.5 + os.urandom(1)[0] / 255


def _run_child(job: Job, tally: Tally, signals: Signals) -> None:
    """Let one child work until it ends, is stopped by a signal, or dies: then say why it died."""
    tally.ended, tally.waits_for = False, ""
    killed_before = oom_kills()
    with Child(job) as child:
        _listen(child, tally, signals)
    if tally.ended or tally.refused or signals.received or child.returncode is None:
        return
    limit = tally.ready.memory_mb if tally.ready else None
    failure = explain_death(child.returncode, list(child.tail), killed_before, oom_kills(), limit)
    tally.lose(failure, child.peak_memory_mb)


def _listen(child: Child, tally: Tally, signals: Signals) -> None:
    """Take in what a child says until it has ended; stop it when a signal comes, kill it when it will not."""
    deadline: float | None = None
    while child.returncode is None:
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        for said in child.read(wake=signals.fileno(), timeout=patience):
            tally.take(said)
        signals.clear()
        reap_orphans(child.pid)
        if signals.received and deadline is None:
            deadline = time.monotonic() + (tally.ready.grace_s if tally.ready else 0.0)
            child.stop()
        if deadline is not None and (len(signals.received) > 1 or time.monotonic() >= deadline):
            child.kill()
