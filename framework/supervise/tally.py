"""What the workers of one invocation have told so far, and what follows from it: retry, skip, keep."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from framework.core.events import Event
from framework.core.policy import seconds_of
from framework.core.report import RunReport
from framework.supervise.attempt import Output
from framework.supervise.board import Board
from framework.supervise.current import Current, Tries
from framework.supervise.deaths import may_be_a_file
from framework.supervise.messages import Begun, Happened, Ready, Refused, Reported, Selected, Split, Task
from framework.supervise.summary import finished_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.report import Failure
    from framework.supervise.board import Entry
    from framework.supervise.messages import Job, Message

    Listener = Callable[[Event], None]
    Audience = Callable[[Ready | None], Listener]


RAN_WELL = {"SUCCESS", "UNCHANGED"}
RAN = {*RAN_WELL, "FAILED"}


def _chance() -> float:
    return os.urandom(1)[0] / 255


@dataclass
class Tally:
    """The state of an invocation over all its workers; the audience hears of every change.

    `currents`: what each worker is at, by its number. `fail_fast`: nothing else starts once something has failed.
    """

    audience: Audience
    tries: Tries
    job: Job
    id: str
    fail_fast: bool = False
    ready: Ready | None = None
    upstream: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    reports: dict[str, RunReport] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)
    currents: dict[int, Current] = field(default_factory=dict)
    refused: Refused | None = None
    board: Board = field(init=False)
    _listener: Listener | None = None
    _held: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = Board(self.tell)

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

    def take(self, worker: int, said: Message | Output) -> None:
        """Take in one thing that a worker said."""
        current = self.currents.get(worker)
        match said:
            case Output(line):
                self.tell(Event("output", line, "INFO", current.context() if current else {}))
            case Ready():
                self.ready = self.ready or said
                self.open_audience()
            case Selected() if not self.upstream:
                self._open(said)
            case Begun(task):
                self.currents[worker] = current = Current(self.board.entries[_name(task)], task.attempt)
                self.tell(Event("run.begun", f"{task.pipeline}: looking for new input", "DEBUG", current.context()))
            case Happened(event):
                self._pass_on(event, current)
            case Split(stages):
                self.board.split(self.currents.pop(worker).entry, stages)
            case Reported(report, traceback):
                self.settle(self.currents.pop(worker), report, traceback)
            case Refused():
                self._refuse(said)
            case Selected():  # a later worker selects the same
                pass

    def _pass_on(self, event: Event, current: Current | None) -> None:
        if current is not None:
            current.follow(event)
        self.tell(replace(event, fields={**(current.context() if current else {}), **event.fields}))

    def _refuse(self, said: Refused) -> None:
        """Nothing can run; or, where a worker that came later cannot load, what it would have done."""
        if self.upstream:
            self.charge(said.failure, said.traceback)
        else:
            self.refused = said
            self.tracebacks[""] = said.traceback

    def _open(self, selected: Selected) -> None:
        self.upstream, self.kept = selected.upstream, selected.kept
        fields = {
            "invocation_id": self.id,
            "selection": list(self.job.selection),
            "request": vars(self.job.request),
            "project": self.job.project,
            "tasks": list(selected.upstream),
        }
        self.tell(Event("invocation.begun", f"{len(selected.upstream)} pipelines are selected", "DEBUG", fields))
        self.board.open(selected)

    def settle(self, current: Current, report: RunReport, traceback: str = "", *, died_reading: bool = False) -> None:
        """Close an attempt: have it retried, or keep its report and skip what depends on a failed one.

        One that died while it read is tried again whatever it died of: then each file is first read apart.
        """
        entry, failure = current.entry, report.failure
        entry.attempts = current.attempt
        if entry.stage and died_reading:
            self._leave_to_run(entry, failure)
            return
        if failure and (failure.retryable or died_reading) and self._tries_again(current, failure, died_reading):
            return
        if entry.stage:
            self._end_stage(current, report, traceback)
            return
        self._keep(entry, current.complete(report), traceback)
        if traceback:
            self.tracebacks[entry.pipeline] = traceback
        if report.state in {"FAILED", "CANCELLED"}:
            self._skip_dependents(entry.pipeline, f"{entry.pipeline} failed")
            if self.fail_fast or self.board.policy_of(entry).on_failure == "stop":
                self._stop_all(f"{entry.pipeline} failed, after which nothing else is started")

    def _tries_again(self, current: Current, failure: Failure, died_reading: bool) -> bool:  # noqa: FBT001 - private
        """Have an attempt tried again, where its policy allows another."""
        entry, now = current.entry, time.monotonic()
        retry = self.tries.of(self.board.policy_of(entry).retry)
        if not retry.allows(current.attempt, now - (entry.begun_at or now)):
            return False
        wait_s = retry.wait_s(entry.wait_s, _chance()) if failure.kind == "transient" else 0.0
        deadline = self.board.policy_of(entry).deadline
        if deadline is not None and now + wait_s - (entry.begun_at or now) >= seconds_of(deadline):
            return False
        entry.apart, entry.wait_s, entry.not_before = died_reading, wait_s, now + wait_s
        attempt = f"attempt {current.attempt} of {retry.attempts}"
        how = "trying again, each file read apart first" if died_reading else "trying again"
        wait = f" in {entry.wait_s:.1f} s" if entry.wait_s >= 0.1 else ""  # noqa: PLR2004 - nobody notices less
        text = f"{entry.name}: {attempt} failed ({failure.kind}), {how}{wait}: {failure.message}"
        fields = {**current.context(), "kind": failure.kind, "error": failure.error, "wait_s": round(entry.wait_s, 3)}
        self.tell(Event("run.retry", text, "WARNING", fields))
        self.board.move(entry, "RETRYING", reason=f"{failure.kind}: {failure.message}")
        return True

    def _leave_to_run(self, entry: Entry, failure: Failure | None) -> None:
        """Give up the stages of a run, one of which may have died of a file: the run reads each file apart first."""
        self.board.entries[entry.pipeline].apart = True
        text = (
            f"{entry.name}: died ({failure.kind if failure else ''}); the run does the rest, each file read apart first"
        )
        self.tell(Event("run.retry", text, "WARNING", {"pipeline": entry.pipeline, "stage": entry.stage}))
        self.board.move(entry, "FAILED")
        self._skip_stages(entry)

    def _skip_stages(self, failed: Entry) -> None:
        for other in self.board.pending():
            if other.pipeline == failed.pipeline and other.stage and other.state != "RUNNING":
                self.board.move(other, "SKIPPED", reason=f"{failed.name} came to nothing")

    def _end_stage(self, current: Current, report: RunReport, traceback: str) -> None:
        """Close a stage; where it failed, so has its pipeline."""
        entry, owner = current.entry, self.board.entries[current.entry.pipeline]
        self.board.move(entry, report.state)
        if report.state in RAN_WELL or owner.name in self.reports:
            return
        self._skip_stages(entry)
        self.settle(replace(current, entry=owner), report, traceback)

    def _keep(self, entry: Entry, report: RunReport, traceback: str = "") -> None:
        told = report
        if report.state in RAN:
            told = replace(report, used_last=self._used_last(report.pipeline), late_s=self._late_s(entry))
        self.reports[report.pipeline] = told
        self.board.move(entry, told.state, run_id=told.run_id, reason=told.reason if told.state == "SKIPPED" else "")
        self.tell(finished_event(told, traceback))

    def _late_s(self, entry: Entry) -> float:
        """By how much an entry has taken longer than is expected of it."""
        expected = self.board.policy_of(entry).expected
        if expected is None or entry.begun_at is None:
            return 0.0
        return round(max(0.0, time.monotonic() - entry.begun_at - seconds_of(expected)), 3)

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
                self._keep(self.board.entries[name], RunReport("", name, "SKIPPED", reason=reason))
                self._skip_dependents(name, f"{name} was skipped, as {reason}")

    def _stop_all(self, reason: str) -> None:
        """Skip all that has not started."""
        at_work = {current.entry.pipeline for current in self.currents.values()}
        for name in self.upstream:
            if name not in self.reports and name not in at_work:
                self._keep(self.board.entries[name], RunReport("", name, "SKIPPED", reason=reason))

    def lose(self, worker: int, failure: Failure, peak_memory_mb: float) -> None:
        """Close what a worker was at when it died; dead before it knew what to do, nothing can run."""
        current = self.currents.pop(worker, None)
        if current is not None:
            died_reading = (current.is_reading or bool(current.entry.stage)) and may_be_a_file(failure)
            report = current.report("FAILED", failure=failure, peak_memory_mb=peak_memory_mb)
            self.settle(current, report, died_reading=died_reading)
        elif not self.upstream:
            self.refused = Refused(failure)
        else:
            self.charge(failure)

    def charge(self, failure: Failure, traceback: str = "") -> None:
        """Count a worker that died before it began with anything as an attempt at what would be next."""
        waiting = [entry for entry in self.board.pending() if entry.state != "RUNNING"]
        if waiting:
            current = Current(waiting[0], waiting[0].attempts + 1)
            waiting[0].begun_at = waiting[0].begun_at or current.start
            self.settle(current, current.report("FAILED", failure=failure), traceback)

    def cancel(self, why: str) -> None:
        """Close everything that is open because somebody wants it to end."""
        currents, self.currents = list(self.currents.values()), {}
        for current in currents:
            if current.entry.stage:
                self.board.move(current.entry, "CANCELLED")
                current = replace(current, entry=self.board.entries[current.entry.pipeline])  # noqa: PLW2901 - its own
            if current.entry.name not in self.reports:
                self._keep(current.entry, current.complete(current.report("CANCELLED", reason=f"cancelled by {why}")))
        for entry in self.board.pending():
            if entry.stage:
                self.board.move(entry, "SKIPPED", reason=f"{why} came before it started")
        for name in self.upstream:
            if name not in self.reports:
                self._keep(
                    self.board.entries[name], RunReport("", name, "SKIPPED", reason=f"{why} came before it started")
                )

    def end(self, state: str) -> None:
        """Tell that the invocation is over."""
        if self.upstream:
            self.tell(Event("invocation.ended", f"the invocation is over: {state}", "DEBUG", {"state": state}))

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do, or nothing is known yet."""
        return not self.upstream or len(self.reports) < len(self.upstream)


def _name(task: Task) -> str:
    return f"{task.pipeline}:{task.stage}" if task.stage else task.pipeline
