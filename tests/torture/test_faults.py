"""Broken at every named point in every way, then run again: the same tables as without.

`SLUICE_TORTURE_HITS=all` breaks at every passage of a point instead of one.
"""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from framework.core.faults import POINTS
from tests.torture.deliveries import deliver
from tests.torture.history import check_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.conftest import Place, Reference
    from tests.torture.runners import Crew

ONLY_FIRST = {"table.create"}
"""Points that a run on existing tables does not pass."""
ONLY_HARMED = {"apart.before", "apart.after"}
"""Points that a run whose files can be read does not pass: see test_files_left_out."""
CASES = [
    (run, point)
    for run in ("first", "incremental")
    for point in POINTS
    if point not in ONLY_HARMED and (run == "first" or point not in ONLY_FIRST)
]


def begin(run: str, reference: Reference, at: Place) -> tuple[int, int]:
    """Bring a history to the brink of the run that breaks; gives the deliveries it covers and those at its end."""
    if run == "first":
        deliver(at.raw, 1)
        return 1, 2
    shutil.copytree(reference.lake_after_first, at.lake)
    deliver(at.raw, 1, 2)
    return 2, 3


def hits(run: str, point: str, action: str, reference: Reference) -> range:
    """Which passages of a point break: all, or one that differs from case to case."""
    passages = reference.passed[0 if run == "first" else 1][point]
    if os.environ.get("SLUICE_TORTURE_HITS") == "all":
        return range(1, passages + 1)
    one = 1 + (sorted(POINTS).index(point) + ("kill", "raise", "stop").index(action) * 2) % passages
    return range(one, one + 1)


@pytest.mark.parametrize("run", ["first", "incremental"])
def test_every_named_point_is_passed(run: str, reference: Reference):
    expected = set(POINTS) - ONLY_HARMED - (ONLY_FIRST if run == "incremental" else set())
    assert set(reference.passed[0 if run == "first" else 1]) == expected


@pytest.mark.parametrize("action", ["kill", "raise"])
@pytest.mark.parametrize(("run", "point"), CASES)
def test_a_run_that_broke_is_made_good_by_the_next(
    run: str, point: str, action: str, crew: Crew, reference: Reference, place: Callable[[], Place]
):
    for hit in hits(run, point, action, reference):
        at = place()
        covered, end = begin(run, reference, at)
        runner = crew.take()
        runner.ask(**at.job, fault=f"{point}:{action}:{hit}")
        answer = runner.answer()
        if action == "kill":
            assert answer is None
            assert runner.bury() == -signal.SIGKILL
        else:
            assert answer["has_acted"]
            assert answer["error"] is None or f"fault injected at {point}" in answer["error"]
            crew.give_back(runner)
        assert check_history(at.lake, reference.grid[: covered + 1], is_finished=False) == []
        deliver(at.raw, end)
        assert crew.do(**at.job, until_unchanged=True)["error"] is None
        assert check_history(at.lake, reference.grid[: end + 1], is_finished=True) == []


@pytest.mark.parametrize(("run", "point"), CASES)
def test_a_run_that_was_overtaken_in_its_sleep_changes_nothing(
    run: str, point: str, crew: Crew, reference: Reference, place: Callable[[], Place]
):
    for hit in hits(run, point, "stop", reference):
        at = place()
        covered, end = begin(run, reference, at)
        sleeper = crew.take()
        sleeper.ask(**at.job, fault=f"{point}:stop:{hit}")
        sleeper.await_stop()
        assert check_history(at.lake, reference.grid[: covered + 1], is_finished=False) == []
        deliver(at.raw, end)
        assert crew.do(**at.job, until_unchanged=True)["error"] is None
        assert check_history(at.lake, reference.grid[: end + 1], is_finished=True) == []
        sleeper.go_on()
        answer = sleeper.answer()
        assert answer["has_acted"]
        assert answer["error"] is None
        crew.give_back(sleeper)
        assert check_history(at.lake, reference.grid[: end + 1], is_finished=False) == []
        assert crew.do(**at.job, until_unchanged=True)["error"] is None
        assert check_history(at.lake, reference.grid[: end + 1], is_finished=True) == []
