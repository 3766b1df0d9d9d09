"""The workers of an invocation, seen together: hired, listened to all at once, stopped."""

from __future__ import annotations

import selectors
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from framework.supervise.attempt import Child
from framework.supervise.deaths import OomKills, oom_kills
from framework.supervise.messages import Refused, Reported, Selected, Split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.supervise.attempt import Output
    from framework.supervise.messages import Job, Message, Task


@dataclass
class Worker:
    """One worker: its process, and whether it is loading, free, at a task, or about to end.

    `task`: what it is at. `stopped_at`: since when it has been asked to end, and `why`. `has_refused`: it could not
    load.
    """

    number: int
    child: Child
    is_loaded: bool = False
    is_leaving: bool = False
    has_refused: bool = False
    task: Task | None = None
    stopped_at: float | None = None
    why: str = ""
    kills: OomKills = field(default_factory=oom_kills)

    @property
    def is_free(self) -> bool:
        """Whether it can be given something."""
        return self.is_loaded and self.task is None and not self.is_leaving

    def give(self, task: Task) -> None:
        """Give it something to do."""
        self.task = task
        self.child.give(task)

    def follow(self, said: Message | Output) -> None:
        """Take note of what it says of itself."""
        if isinstance(said, Selected):
            self.is_loaded = True
        elif isinstance(said, Reported):
            self.task, self.is_leaving = None, said.report.state == "FAILED"
        elif isinstance(said, Split):
            self.task = None
        elif isinstance(said, Refused):
            self.has_refused = True

    def stop(self, now: float, why: str = "") -> None:
        """Ask it to end, once."""
        if self.stopped_at is None:
            self.stopped_at, self.why = now, why
            self.child.stop()


class Crew:
    """The workers. Whoever is left when the block ends is killed."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._hired = 0
        self.workers: list[Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        for worker in self.workers:
            worker.child.__exit__(kind, error, trace)
        self._selector.close()

    def watch(self, handle: int) -> None:
        """End a wait when something else becomes readable as well."""
        self._selector.register(handle, selectors.EVENT_READ)

    def hire(self) -> Worker:
        """Start a worker."""
        self._hired += 1
        worker = Worker(self._hired, Child(self._job))
        self._selector.register(worker.child, selectors.EVENT_READ, worker)
        self.workers.append(worker)
        return worker

    def listen(self, timeout: float | None) -> Iterator[tuple[Worker, Message | Output]]:
        """Wait for something to happen, and give what the workers said meanwhile."""
        ready = [key.data for key, _ in self._selector.select(timeout) if key.data is not None]
        for worker in sorted(ready, key=lambda one: one.number):
            handle = worker.child.fileno()
            said = worker.child.read()
            if worker.child.returncode is not None:
                self._selector.unregister(handle)
            for one in said:
                worker.follow(one)
                yield worker, one

    def part(self) -> list[Worker]:
        """Let go of the workers that have ended, and give them."""
        gone = [worker for worker in self.workers if worker.child.returncode is not None]
        self.workers = [worker for worker in self.workers if worker.child.returncode is None]
        return gone

    def dismiss(self) -> None:
        """Say to all that nothing more will come."""
        for worker in self.workers:
            worker.child.dismiss()
