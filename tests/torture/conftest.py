"""Runner processes, and what a run without faults gives, once per session."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.torture.deliveries import deliver
from tests.torture.history import State, check_history, state_of
from tests.torture.runners import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DELIVERIES = 6


@dataclass(frozen=True)
class Place:
    """The two folders of one history."""

    raw: Path
    lake: Path

    @property
    def job(self) -> dict[str, Any]:
        """The folders as a runner is told them."""
        return {"raw": str(self.raw), "lake": str(self.lake)}


@dataclass(frozen=True)
class Reference:
    """A run without faults, delivery by delivery: the tables after each, and how often each named point was passed."""

    grid: list[State]
    passed: list[Counter[str]]
    lake_after_first: Path


@pytest.fixture(scope="session")
def crew() -> Iterator[Crew]:
    """Runner processes."""
    found = Crew()
    yield found
    found.dismiss()


@pytest.fixture(scope="session")
def reference(crew: Crew, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The run that every other one is held against."""
    root = tmp_path_factory.mktemp("reference")
    place = Place(root / "raw", root / "lake")
    grid, passed = [state_of(place.lake)], []
    for number in range(1, DELIVERIES + 1):
        deliver(place.raw, number)
        answer = crew.do(**place.job)
        assert set(answer["states"].values()) == {"SUCCESS"}, answer
        grid.append(state_of(place.lake))
        passed.append(Counter(answer["passed"]))
        if number == 1:
            shutil.copytree(place.lake, root / "after_first")
    assert check_history(place.lake, grid, is_finished=True) == []
    return Reference(grid, passed, root / "after_first")


@pytest.fixture
def place(tmp_path: Path) -> Callable[[], Place]:
    """Make the folders of a new history."""
    numbers = iter(range(10_000))

    def make() -> Place:
        root = tmp_path / str(next(numbers))
        return Place(root / "raw", root / "lake")

    return make
