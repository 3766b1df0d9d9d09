"""A clock that only waiting moves on."""

from __future__ import annotations

from framework.run.resilience.timing import Timing


class FakeTime:
    """The time of a test: `waits` is what was waited for."""

    def __init__(self, now: float = 1_000_000.0, drawn: float = 0.5) -> None:
        self.now, self.drawn, self.waits = now, drawn, []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now, lambda: self.now, self.wait, lambda: self.drawn)
