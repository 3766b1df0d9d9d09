"""Runner processes, and what a run without faults gives, once per session."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import drawing
from tests.torture.deliveries import deliver
from tests.torture.history import State, check_history, state_of
from tests.torture.runners import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DELIVERIES = 6
ROOM = 256 * 2**20


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


def seed_of(config: pytest.Config) -> int:
    """What chance chose for this session: the same in all of its processes, and printed by pytest."""
    return int(os.environ.get("SLUICE_TORTURE_SEED") or drawing.seed_of(config))


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of this session."""
    return seed_of(pytestconfig)


@pytest.fixture(scope="session")
def crew() -> Iterator[Crew]:
    """Runner processes."""
    found = Crew()
    yield found
    found.dismiss()


@pytest.fixture(scope="session")
def quick() -> Iterator[Path]:
    """A folder in memory where there is room for one: a kill loses nothing there that it would not lose on a disk."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    with tempfile.TemporaryDirectory(prefix="sluice-torture-", dir=memory if has_room else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def reference(crew: Crew, quick: Path) -> Reference:
    """The run that every other one is held against."""
    root = quick / "reference"
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
def place(quick: Path) -> Iterator[Callable[[], Place]]:
    """Make the folders of a new history; they are gone after the test."""
    with tempfile.TemporaryDirectory(dir=quick) as folder:

        def make() -> Place:
            root = Path(tempfile.mkdtemp(dir=folder))
            return Place(root / "raw", root / "lake")

        yield make
