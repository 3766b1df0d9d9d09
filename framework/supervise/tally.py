"""What the children of one invocation have told so far, and what follows from it: retry, skip, keep."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.core.events import Event
from framework.core.report import RunReport
from framework.supervise.attempt import Output
from framework.supervise.deaths import may_be_a_file
from framework.supervise.messages import Begun, Ended, Happened, Ready, Refused, Reported, Selected
from framework.supervise.summary import finished_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.report import Failure, State
    from framework.supervise.messages import Message

    Listener = Callable[[Event], None]
    Audience = Callable[[Ready | None], Listener]


RAN_WELL = {"SUCCESS", "UNCHANGED"}
RAN = {*RAN_WELL, "FAILED"}


def new_id() -> str:
    """A fresh id of a run or an invocation."""
    return os.urandom(6).hex()


@dataclass
class Current:
    """The pipeline that a child is at, as far as it has told."""

    pipeline: str
    attempt: int
    planned: dict[str, Any] = field(default_factory=dict)
    is_reading: bool = False
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    start: float = field(default_factory=time.monotonic)

    def follow(self, event: Event) -> None:
        """Take note of what an event says of the run."""
        if event.name == "run.planned":
            self.planned, self.is_reading = event.fields, True
        elif event.name == "run.staged":
            self.is_reading = False

    def report(self, state: State, **known: Any) -> RunReport:
        """Report in place of a child that cannot any more."""
        seconds = round(time.monotonic() - self.start, 3)
        started = RunReport("", self.pipeline, state, started_at=self.started_at, duration_s=seconds)
        return replace(started, attempts=self.attempt, **known)

    def complete(self, report: RunReport) -> RunReport:
        """Fill in what the plan said, where the report does not know it."""
        if report.run_id or report.state == "UNCHANGED":
            return report
        known: dict[str, Any] = {name: self.planned[name] for name in ("seq", "mode") if name in self.planned}
        known["reason"] = report.reason or self.planned.get("reason", "")
        return replace(report, run_id=self.planned.get("run_id") or new_id(), **known)


@dataclass
class Tally:
    """The state of an invocation over all its children; the audience hears of every change."""

    audience: Audience
    attempts_allowed: int
    ready: Ready | None = None
    upstream: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    reports: dict[str, RunReport] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    tracebacks: dict[str, str] = field(default_factory=dict)
    current: Current | None = None
    refused: Refused | None = None
    ended: bool = False
    waits_for: str = ""
    _listener: Listener | None = None
    _held: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Tell the audience. Until the settings are known events are held back: so is what must not be shown."""
        if self._listener is None:
            self._held.append(event)
        else:
            self._listener(event)

    def open_audience(self) -> None:
        """Let the audience in, with the settings if they are known by now."""
        if self._listener is None:
            self._listener = self.audience(self.ready)
            for event in self._held:
                self._listener(event)

    def take(self, said: Message | Output) -> None:
        """Take in one thing that a child said."""
        match said:
            case Output(line):
                self.tell(Event("output", line, "INFO", self._context()))
            case Ready():
                self.ready = said
                self.open_audience()
            case Selected(upstream, kept):
                self.upstream, self.kept = self.upstream or upstream, self.kept or kept
            case Begun(pipeline, attempt):
                self.current = Current(pipeline, attempt)
                self.tell(Event("run.begun", f"{pipeline}: looking for new input", "DEBUG", self._context()))
            case Happened(event):
                if self.current:
                    self.current.follow(event)
                self.tell(replace(event, fields={**self._context(), **event.fields}))
            case Reported(report, traceback):
                self.settle(report, traceback)
            case Refused(traceback=traceback):
                self.refused = said
                self.tracebacks[""] = traceback
            case Ended():
                self.ended = True

    def _context(self) -> dict[str, Any]:
        if self.current is None:
            return {}
        known = {"pipeline": self.current.pipeline, "attempt": self.current.attempt}
        run_id = self.current.planned.get("run_id")
        return {"run_id": run_id, **known} if run_id else known

    def settle(self, report: RunReport, traceback: str = "", *, died_reading: bool = False) -> None:
        """Close an attempt: have it retried, or keep its report and skip what depends on a failed one.

        One that died while it read is tried again whatever it died of: then each file is first read apart.
        """
        current = self.current or Current(report.pipeline, report.attempts)
        context, failure = self._context(), report.failure
        self.current = None
        if failure and (failure.retryable or died_reading) and report.attempts < self.attempts_allowed:
            self.attempts[report.pipeline] = report.attempts
            self.waits_for = report.pipeline if failure.kind == "transient" else ""
            (self.apart.add if died_reading else self.apart.discard)(report.pipeline)
            attempt = f"attempt {report.attempts} of {self.attempts_allowed}"
            how = "trying again, each file read apart first" if died_reading else "trying again"
            text = f"{report.pipeline}: {attempt} failed ({failure.kind}), {how}: {failure.message}"
            self.tell(Event("run.retry", text, "WARNING", {**context, "kind": failure.kind, "error": failure.error}))
            return
        self._keep(current.complete(report), traceback)
        if traceback:
            self.tracebacks[report.pipeline] = traceback
        if report.state in {"FAILED", "CANCELLED"}:
            self._skip_dependents(report.pipeline, f"{report.pipeline} failed")

    def _keep(self, report: RunReport, traceback: str = "") -> None:
        told = replace(report, used_last=self._used_last(report.pipeline)) if report.state in RAN else report
        self.reports[report.pipeline] = told
        self.tell(finished_event(told, traceback))

    def _used_last(self, pipeline: str) -> dict[str, str]:
        """The tables of which a pipeline used the last version, as those that write them came to nothing."""
        states = {table: (writer, self.reports.get(writer)) for table, writer in self.kept.get(pipeline, {}).items()}
        return {
            table: f"{writer} {'was skipped' if report.state == 'SKIPPED' else 'failed'}"
            for table, (writer, report) in states.items()
            if report is not None and report.state not in RAN_WELL
        }

    def _skip_dependents(self, of: str, reason: str) -> None:
        for name, needs in self.upstream.items():
            if name not in self.reports and of in needs:
                self._keep(RunReport("", name, "SKIPPED", reason=reason))
                self._skip_dependents(name, f"{name} was skipped, as {reason}")

    def lose(self, failure: Failure, peak_memory_mb: float) -> None:
        """Close what a child was at when it died; dead before it knew what to do, nothing can run."""
        if self.current is None and self.pending():
            first = self.pending()[0]
            self.current = Current(first, self.attempts.get(first, 0) + 1)
        if self.current is not None:
            died_reading = self.current.is_reading and may_be_a_file(failure)
            report = self.current.report("FAILED", failure=failure, peak_memory_mb=peak_memory_mb)
            self.settle(report, died_reading=died_reading)
        elif not self.upstream:
            self.refused = Refused(failure)

    def cancel(self, number: int) -> None:
        """Close everything that is open because of a signal."""
        name = signal.Signals(number).name
        if self.current is not None:
            current, self.current = self.current, None
            self._keep(current.complete(current.report("CANCELLED", reason=f"cancelled by {name}")))
        for waiting in self.pending():
            self._keep(RunReport("", waiting, "SKIPPED", reason=f"{name} came before it started"))

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do, or nothing is known yet."""
        return bool(self.current or self.pending() or not self.upstream)

    def pending(self) -> tuple[str, ...]:
        """The pipelines that have no report yet."""
        return tuple(name for name in self.upstream if name not in self.reports)
