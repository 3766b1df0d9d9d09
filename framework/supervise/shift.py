"""The crew at work: one turn after another gives out tasks, listens, and looks after who is late or dead."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from framework.core.durations import say_duration
from framework.core.events import Event
from framework.core.policy import seconds_of
from framework.core.report import Failure
from framework.supervise.deaths import explain_death, oom_kills
from framework.supervise.memory import memory_limit_mb
from framework.supervise.schedule import A_SLOT, Limits, startable
from framework.supervise.signals import reap_orphans, signal_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from framework.supervise.board import Entry, Usual
    from framework.supervise.crew import Crew, Worker
    from framework.supervise.schedule import Unit
    from framework.supervise.signals import Signals
    from framework.supervise.tally import Tally

BEAT_S = 5.0
"""How often the ledger hears that the invocation lives, and is asked whether somebody wants it to end."""
QUICK_S = 2.0
"""What takes no longer in all is not worth another worker, which takes that long to start."""
MEMORY_SHARE = 0.9
"""Of the memory that there is, what runs may take together; the rest is for the system and this process."""
DEADLINE = "deadline"


class Past(Protocol):
    """What the ledger knows."""

    def usual(self, pipelines: Iterable[str]) -> Mapping[str, Usual]:
        """Say what pipelines took before."""

    def beat(self) -> str:
        """Note that the invocation lives; gives who wants it to end, empty when nobody does."""


class NoPast:
    """Stands for a ledger where there is none."""

    def usual(self, pipelines: Iterable[str]) -> Mapping[str, Usual]:  # noqa: ARG002 - of none anything is known
        """Say nothing."""
        return {}

    def beat(self) -> str:
        """Give nobody."""
        return ""


@dataclass
class Shift:
    """A crew, what is known of its work so far, and who may end it: signals, or somebody through the ledger."""

    crew: Crew
    tally: Tally
    signals: Signals
    past: Past
    cancelled_by: str = ""
    beat_at: float = field(default_factory=lambda: time.monotonic() + BEAT_S)
    memory_mb: float | None = field(default_factory=memory_limit_mb)
    is_told: bool = False

    @property
    def ended_by(self) -> str:
        """What ends the invocation early: a signal, or somebody; empty as long as nothing does."""
        return signal_name(self.signals.received[0]) if self.signals.received else self.cancelled_by

    @property
    def goes_on(self) -> bool:
        """Whether there is a worker left, or something to hire one for."""
        tally = self.tally
        return bool(self.crew.workers or (tally.upstream and tally.is_open and not tally.refused and not self.ended_by))

    def turn(self) -> None:
        """Give out what may start, listen until something happens, and draw the conclusions."""
        if not self.ended_by:
            self._give_out(time.monotonic())
        for worker, said in self.crew.listen(self._patience(time.monotonic())):
            self.tally.take(worker.number, said)
        self.signals.clear()
        for worker in self.crew.part():
            self._bury(worker)
        reap_orphans([worker.child.pid for worker in self.crew.workers])
        now = time.monotonic()
        self._learn(now)
        self._watch_time(now)
        self._stop_workers(now)

    def _give_out(self, now: float) -> None:
        """Give tasks to free workers, and hire another one where that is worth it."""
        board, tally = self.tally.board, self.tally
        while tally.upstream and tally.is_open:
            ready = board.ready(now)
            unit, held = startable([board.unit_of(entry) for entry in ready], self._running(), self._limits())
            for one in held:
                if one.waits_for != A_SLOT:  # that everything waits for
                    board.hold(board.entries[one.unit.name], one.waits_for)
            free = next((worker for worker in self.crew.workers if worker.is_free), None)
            if unit is not None and free is None and self._is_worth_hiring(ready):
                self.crew.hire()
            if unit is None or free is None:
                return
            entry = board.entries[unit.name]
            board.begin(entry, now, free.number)
            free.give(entry.task())
        if tally.refused or tally.upstream:
            self.crew.dismiss()

    def _running(self) -> list[Unit]:
        board = self.tally.board
        return [board.unit_of(entry) for entry in board.entries.values() if entry.state == "RUNNING"]

    def _is_worth_hiring(self, ready: Sequence[Entry]) -> bool:
        """Whether another worker should start: nobody is left, or those at work are at more than looking for input."""
        workers = self.crew.workers
        if any(not worker.is_loaded for worker in workers) or len(workers) >= self._limits().slots:
            return False
        at_work = any(current.planned or current.entry.stage for current in self.tally.currents.values())
        return not workers or (at_work and not self.tally.board.is_quick(ready, QUICK_S))

    def _limits(self) -> Limits:
        ready = self.tally.ready
        if ready is None:
            return Limits()
        return Limits(ready.workers, ready.pools, None if self.memory_mb is None else self.memory_mb * MEMORY_SHARE)

    def _learn(self, now: float) -> None:
        """Ask what pipelines took before, once there is work; and beat."""
        tally = self.tally
        if not self.is_told and any(current.planned for current in tally.currents.values()):
            self.is_told = True
            limits = self._limits()
            tally.board.share_mb = (limits.memory_mb or 0.0) / limits.slots
            tally.board.usual = self.past.usual(tally.upstream)
        if now >= self.beat_at:
            self.beat_at = now + BEAT_S
            self.cancelled_by = self.cancelled_by or self.past.beat()

    def _patience(self, now: float) -> float | None:
        """How long to listen at most until something is due; None: until somebody says something."""
        due = list(self._due(now))
        return max(0.0, min(due)) if due else None

    def _due(self, now: float) -> Iterator[float]:
        if self.tally.currents:
            yield self.beat_at - now
        wait = self.tally.board.next_time(now)
        if wait is not None and not self.ended_by:
            yield wait
        for worker in self.crew.workers:
            if worker.stopped_at is not None:
                yield worker.stopped_at + self._grace_s() - now
        for _, entry, length in self._lengths():
            yield (entry.begun_at or now) + length - now

    def _lengths(self) -> Iterator[tuple[str, Entry, float]]:
        """The lengths of time that still matter to what is at work: `deadline` or `expected`, the entry, and it."""
        board = self.tally.board
        for worker, current in self.tally.currents.items():
            policy = board.policy_of(current.entry)
            is_stopped = any(one.number == worker and one.stopped_at is not None for one in self.crew.workers)
            owner = board.entries[current.entry.pipeline]
            if policy.deadline is not None and not is_stopped:
                yield DEADLINE, owner, seconds_of(policy.deadline)
            if policy.expected is not None and not owner.is_overdue:
                yield "expected", owner, seconds_of(policy.expected)

    def _watch_time(self, now: float) -> None:
        """Warn of what takes longer than expected, stop what has passed its deadline."""
        for what, entry, length_s in list(self._lengths()):
            if now - (entry.begun_at or now) < length_s:
                continue
            if what == DEADLINE:
                late = [w for w in self.crew.workers if self._is_at(w, entry.pipeline)]
                for worker in late:
                    worker.stop(now, DEADLINE)
            else:
                entry.is_overdue = True
                expected = say_duration(timedelta(seconds=length_s))
                text = f"{entry.pipeline}: takes longer than the {expected} that are expected"
                self.tally.tell(Event("run.overdue", text, "WARNING", {"pipeline": entry.pipeline}))

    def _is_at(self, worker: Worker, pipeline: str) -> bool:
        current = self.tally.currents.get(worker.number)
        return current is not None and current.entry.pipeline == pipeline

    def _grace_s(self) -> float:
        return self.tally.ready.grace_s if self.tally.ready else 0.0

    def _stop_workers(self, now: float) -> None:
        """Have an end where somebody wants one, and kill whoever does not end in time."""
        for worker in self.crew.workers:
            if self.ended_by:
                worker.stop(now)
            if worker.stopped_at is not None and (
                len(self.signals.received) > 1 or now - worker.stopped_at >= self._grace_s()
            ):
                worker.child.kill()

    def _bury(self, worker: Worker) -> None:
        """Find out why a worker ended that was not done."""
        is_done = worker.is_loaded and worker.task is None
        if self.ended_by or is_done or self.tally.refused or worker.has_refused:
            return
        child, ready = worker.child, self.tally.ready
        limit = ready.memory_mb if ready else None
        failure = explain_death(child.returncode or 0, list(child.tail), worker.kills, oom_kills(), limit)
        if worker.why == DEADLINE:
            failure = self._too_late(worker)
        self.tally.lose(worker.number, failure, child.peak_memory_mb)

    def _too_late(self, worker: Worker) -> Failure:
        current = self.tally.currents[worker.number]
        length = self.tally.board.policy_of(current.entry).deadline
        said = say_duration(timedelta(seconds=seconds_of(length or timedelta())))
        text = f"stopped, as it had not ended within its deadline of {said}; nothing half-done is visible, and the next"
        return Failure(DEADLINE, "DeadlineExceeded", f"{text} run takes it up again")
