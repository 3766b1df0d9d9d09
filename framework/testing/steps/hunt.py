"""Let hypothesis look for the smallest input on which an expectation is not met."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Generic, TypeVar

import polars as pl

from framework.testing.steps.finding import Broken, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
LONGEST_S = 15.0
"""How long a failing input is made smaller, each way."""
PATIENCE = 3
"""So many times as many examples as asked for are begun, where some cannot be used."""


@dataclass(frozen=True)
class Effort:
    """How much is tried: examples, the seed they follow from, and until when (of `time.monotonic`).

    `shrinks`: how often a failing input is tried to be made smaller at most, by hypothesis and then again by leaving
    out rows. A count, so that a slow machine comes to the same.
    """

    examples: int
    seed: int
    until: float = float("inf")
    shrinks: int = 150


@dataclass(frozen=True)
class Caught:
    """What came of it: how many examples were tried, and the smallest finding."""

    examples: int
    finding: Finding | None = None


class Unusable(Exception):  # noqa: N818 - says that an example tells nothing, not that something failed
    """An example that an expectation cannot be asked of."""


class _Over(BaseException):
    """Time is up: hypothesis lets pass what is no `Exception`."""


@dataclass
class _Hunt(Generic[T]):
    """What is known while hypothesis goes on: how many examples were begun and tried, and those that failed."""

    expect: Callable[[T], None]
    effort: Effort
    until: float
    last: int
    begun: int = 0
    tried: int = 0
    found: list[tuple[Finding, T]] = field(default_factory=list)

    def ask(self, example: T) -> None:
        """Ask for an expectation in time; what fails is kept, so that it does not get lost if it wavers."""
        self.begun += 1
        if self.begun > self.last or time.monotonic() > self.until:
            raise _Over
        try:
            self.expect(example)
        except Broken as broken:
            if not self.found:
                self.tried += 1
                self.last = self.begun + self.effort.shrinks
                self.until = time.monotonic() + LONGEST_S
            self.found.append((broken.finding, example))
            raise
        self.tried += not self.found


def hunt(
    strategy: SearchStrategy[T],
    expect: Callable[[T], None],
    effort: Effort,
    *,
    smaller: Callable[[T], Iterable[T]],
) -> Caught:
    """Try an expectation on examples; one that fails is made smaller, as far as time allows.

    Args:
        strategy: The examples.
        expect: Raises `Broken` where it is not met, `Unusable` where it cannot be asked.
        effort: How much to try.
        smaller: Gives examples that are a little smaller than another one.
    """
    from hypothesis import HealthCheck, Phase, given, reject, seed, settings
    from hypothesis.errors import Flaky, Unsatisfiable

    going = _Hunt(expect, effort, effort.until, PATIENCE * effort.examples)

    @seed(effort.seed)
    @settings(
        max_examples=effort.examples,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def attempt(example: T) -> None:
        try:
            going.ask(example)
        except Unusable:
            reject()

    with suppress(Broken, Flaky, _Over, Unsatisfiable):  # what was found tells more
        attempt()
    if not going.found:
        return Caught(going.tried)
    smallest = min(going.found, key=lambda found: found[0].size)
    return Caught(going.tried, _reduced(smallest, expect, smaller, effort.shrinks))


def _reduced(
    caught: tuple[Finding, T], expect: Callable[[T], None], smaller: Callable[[T], Iterable[T]], tries: int
) -> Finding:
    """Leave out what can be left out; hypothesis seldom gets there in the time it has."""
    best, example = caught
    left = iter(smaller(example))
    until = time.monotonic() + LONGEST_S
    for _ in range(tries):
        variant = next(left, None)
        if variant is None or time.monotonic() > until:
            break
        try:
            expect(variant)
        except Broken as broken:
            if broken.finding.check == best.check:
                best, left = broken.finding, iter(smaller(variant))
        except Unusable:
            continue
    return best


def with_a_row_less(frames: Mapping[str, pl.DataFrame], kept: Container[str] = ()) -> Iterator[dict[str, pl.DataFrame]]:
    """Give the frames with fewer rows: without half of a frame, and without each row of it; those `kept` stay."""
    for name, frame in frames.items():
        if name in kept or not frame.height:
            continue
        half = frame.height // 2
        cuts = [(0, half), (half, frame.height)] if half > 1 else []
        for first, last in [*cuts, *((n, n + 1) for n in range(frame.height))]:
            yield {**frames, name: pl.concat([frame[:first], frame[last:]])}


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """Have hypothesis put its notes into a folder that is gone afterwards, not into the project."""
    from hypothesis import configuration

    with TemporaryDirectory(prefix="sluice-test-") as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(None)
