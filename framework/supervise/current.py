"""What a worker is at, as far as it has told, and how often that may be tried."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.core.policy import Retry
from framework.core.report import RunReport

if TYPE_CHECKING:
    from framework.core.events import Event
    from framework.core.report import State
    from framework.supervise.board import Entry


def new_id() -> str:
    """A fresh id of a run or an invocation."""
    return os.urandom(6).hex()


@dataclass(frozen=True)
class Tries:
    """How often pipelines are tried: as the command line says (None: nothing), else as each says itself, else this."""

    usual: Retry = field(default_factory=Retry)
    asked: int | None = None

    def of(self, declared: Retry | None) -> Retry:
        """How often one with such a policy is tried."""
        chosen = declared or self.usual
        return chosen if self.asked is None else replace(chosen, attempts=self.asked)


@dataclass
class Current:
    """What a worker is at, as far as it has told."""

    entry: Entry
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

    def context(self) -> dict[str, Any]:
        """What every event of it says."""
        known = {"pipeline": self.entry.pipeline, "attempt": self.attempt}
        stage = {"stage": self.entry.stage} if self.entry.stage else {}
        run_id = self.planned.get("run_id")
        return {**({"run_id": run_id} if run_id else {}), **known, **stage}

    def report(self, state: State, **known: Any) -> RunReport:
        """Report in place of a worker that cannot any more."""
        seconds = round(time.monotonic() - self.start, 3)
        started = RunReport("", self.entry.pipeline, state, started_at=self.started_at, duration_s=seconds)
        return replace(started, attempts=self.attempt, **known)

    def complete(self, report: RunReport) -> RunReport:
        """Fill in what the plan said, where the report does not know it."""
        if report.run_id or report.state == "UNCHANGED":
            return report
        known: dict[str, Any] = {name: self.planned[name] for name in ("seq", "mode") if name in self.planned}
        known["reason"] = report.reason or self.planned.get("reason", "")
        return replace(report, run_id=self.planned.get("run_id") or new_id(), **known)
