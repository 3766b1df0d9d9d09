"""What is to be done in an invocation, and how far it is: pipelines and stages of them, each in one state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.core.dag import tails
from framework.core.events import Event
from framework.core.policy import AS_USUAL
from framework.supervise.messages import Task
from framework.supervise.schedule import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from framework.core.policy import Policy
    from framework.supervise.messages import Selected

OPEN = ("PENDING", "QUEUED", "RUNNING", "RETRYING")


@dataclass(frozen=True)
class Usual:
    """What a pipeline took before: seconds (the median of its latest successful runs), and memory at its highest."""

    seconds: float
    memory_mb: float | None = None


@dataclass
class Entry:
    """A pipeline of the invocation, or a stage of one. `after`: what must be over before it may start.

    `attempts`: how often it was begun. `begun_at`: when first. `not_before`: until when it waits to be tried again,
    `wait_s` for how long. `planned`: what its plan says, once there is one.
    """

    name: str
    pipeline: str
    stage: str = ""
    after: set[str] = field(default_factory=set)
    state: str = "PENDING"
    attempts: int = 0
    apart: bool = False
    may_split: bool = True
    begun_at: float | None = None
    not_before: float = 0.0
    wait_s: float = 0.0
    reason: str = ""
    is_overdue: bool = False

    def task(self) -> Task:
        """What a worker is to do next for it."""
        is_planned = bool(self.stage or self.attempts or not self.may_split)
        may_split = self.may_split and not self.stage
        return Task(self.pipeline, self.stage, self.attempts + 1, self.apart, may_split, is_planned)


@dataclass
class Board:
    """The entries of an invocation; `tell` hears of every change of a state."""

    tell: Callable[[Event], None]
    entries: dict[str, Entry] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    usual: Mapping[str, Usual] = field(default_factory=dict)
    share_mb: float = 0.0

    def open(self, selected: Selected) -> None:
        """Put up what was selected. A pipeline comes after all whose tables it reads, even if it could do without."""
        self.policies = selected.policies
        for name, upstream in selected.upstream.items():
            after = {*upstream, *selected.kept.get(name, {}).values()} & selected.upstream.keys()
            self.entries[name] = Entry(name, name, after=after)

    def policy_of(self, entry: Entry) -> Policy:
        """How an entry's pipeline is run."""
        return self.policies.get(entry.pipeline, AS_USUAL)

    def unit_of(self, entry: Entry) -> Unit:
        """What an entry takes while it runs: of what never ran, the memory that there is for each."""
        known = self.usual.get(entry.pipeline)
        memory_mb = known.memory_mb if known is not None else None
        return Unit(entry.name, self.policy_of(entry).pools, memory_mb or self.share_mb)

    def ready(self, now: float) -> list[Entry]:
        """The entries that could start now, the most urgent first: those with the longest chain behind them."""
        free = [e for e in self.entries.values() if e.state in {"PENDING", "QUEUED", "RETRYING"} and self._is_free(e)]
        for entry in free:
            if entry.state == "PENDING":
                self.move(entry, "QUEUED")
        free = [entry for entry in free if entry.not_before <= now]
        if len(free) < 2:  # noqa: PLR2004 - the order of one
            return free
        seconds = {e.name: self._seconds(e) for e in self.entries.values()}
        order = {name: at for at, name in enumerate(self.entries)}
        urgent = tails({e.name: e.after for e in self.entries.values()}, seconds)
        return sorted(free, key=lambda entry: (-urgent[entry.name], order[entry.name]))

    def _is_free(self, entry: Entry) -> bool:
        return all(self.entries[name].state not in OPEN for name in entry.after)

    def _seconds(self, entry: Entry) -> float:
        known = self.usual.get(entry.pipeline)
        return known.seconds if known is not None else 1.0

    def is_quick(self, entries: Sequence[Entry], seconds: float) -> bool:
        """Whether entries are known to take no longer than that in all."""
        known = [self.usual.get(entry.pipeline) for entry in entries]
        return all(one is not None for one in known) and sum(one.seconds for one in known if one) <= seconds

    def next_time(self, now: float) -> float | None:
        """In how many seconds something may be tried again; None when nothing waits for that."""
        waits = [entry.not_before - now for entry in self.entries.values() if entry.state == "RETRYING"]
        return max(0.0, min(waits)) if waits else None

    def split(self, entry: Entry, stages: Mapping[str, Iterable[str]]) -> None:
        """Put up the stages of a pipeline, to be done before it goes on."""
        names = {stage: f"{entry.name}:{stage}" for stage in stages}
        for stage, needs in stages.items():
            after = {names[need] for need in needs if need in names}
            self.entries[names[stage]] = Entry(names[stage], entry.pipeline, stage, after, begun_at=entry.begun_at)
        entry.after = {*entry.after, *names.values()}
        entry.may_split = False
        self.move(entry, "QUEUED", reason=f"after {len(names)} stages of it")

    def hold(self, entry: Entry, waits_for: str) -> None:
        """Note what keeps an entry from starting, where that is new."""
        if entry.reason != waits_for:
            entry.reason = waits_for
            self.move(entry, entry.state, reason=f"waits for {waits_for}")

    def begin(self, entry: Entry, now: float, worker: int) -> None:
        """Note that a worker begins with an entry."""
        entry.begun_at = now if entry.begun_at is None else entry.begun_at
        entry.reason = ""
        known = self.usual.get(entry.pipeline)
        usual_s = known.seconds if known is not None and not entry.stage else None
        self.move(entry, "RUNNING", worker=worker, attempt=entry.attempts + 1, usual_s=usual_s)

    def move(self, entry: Entry, state: str, **fields: Any) -> None:
        """Bring an entry into a state and tell."""
        entry.state = state
        known = {"task": entry.name, "pipeline": entry.pipeline, "stage": entry.stage or None, "state": state}
        told = {"attempt": max(entry.attempts, 1), **{name: value for name, value in fields.items() if value}}
        words = f"{entry.name}: {state.lower()}" + (f", {told['reason']}" if "reason" in told else "")
        self.tell(Event("task.state", words, "DEBUG", {**known, **told}))

    def pending(self) -> list[Entry]:
        """The entries that are not over yet."""
        return [entry for entry in self.entries.values() if entry.state in OPEN]
