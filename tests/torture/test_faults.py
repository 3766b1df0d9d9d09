"""Broken at every named point, then run again: the same tables as without.

A seed says in which of three ways each point breaks, and at which of its passages: that of the order of tests, which
pytest prints first, or `SLUICE_TORTURE_SEED`. Three seeds in a row make every point break in every way.
`SLUICE_TORTURE_HITS=all` breaks at every passage of every point in every way.
"""

from __future__ import annotations

import os
import shutil
import signal
from random import Random
from typing import TYPE_CHECKING

import pytest

from framework.core.faults import POINTS
from tests.torture.conftest import seed_of
from tests.torture.deliveries import deliver
from tests.torture.history import check_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.conftest import Place, Reference
    from tests.torture.runners import Crew

pytestmark = pytest.mark.drawn(3, by="point")

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
ACTIONS = ("kill", "raise", "stop")
IS_ALL = os.environ.get("SLUICE_TORTURE_HITS") == "all"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the points that are broken in its ways."""
    if "action" not in metafunc.fixturenames:
        return
    seed = seed_of(metafunc.config)
    chosen = {case: ACTIONS if IS_ALL else (ACTIONS[(at + seed) % len(ACTIONS)],) for at, case in enumerate(CASES)}
    asked = [(*case, action) for case, actions in chosen.items() for action in actions]
    sleeps = "overtaken" in metafunc.function.__name__
    metafunc.parametrize(("run", "point", "action"), [case for case in asked if (case[2] == "stop") == sleeps])


def begin(run: str, reference: Reference, at: Place) -> tuple[int, int]:
    """Bring a history to the brink of the run that breaks; gives the deliveries it covers and those at its end."""
    if run == "first":
        deliver(at.raw, 1)
        return 1, 2
    shutil.copytree(reference.lake_after_first, at.lake)
    deliver(at.raw, 1, 2)
    return 2, 3


def hits(run: str, point: str, action: str, reference: Reference, seed: int) -> range:
    """Which passages of a point break: all, or one."""
    passages = reference.passed[0 if run == "first" else 1][point]
    if IS_ALL:
        return range(1, passages + 1)
    one = Random(f"{seed} {run} {point} {action}").randint(1, passages)
    print(f"seed {seed}: {action} at passage {one} of {passages}")  # noqa: T201 - shown when it fails
    return range(one, one + 1)


@pytest.mark.parametrize("run", ["first", "incremental"])
def test_every_named_point_is_passed(run: str, reference: Reference):
    expected = set(POINTS) - ONLY_HARMED - (ONLY_FIRST if run == "incremental" else set())
    assert set(reference.passed[0 if run == "first" else 1]) == expected


def test_a_run_that_broke_is_made_good_by_the_next(
    run: str, point: str, action: str, seed: int, crew: Crew, reference: Reference, place: Callable[[], Place]
):
    for hit in hits(run, point, action, reference, seed):
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


def test_a_run_that_was_overtaken_in_its_sleep_changes_nothing(
    run: str, point: str, action: str, seed: int, crew: Crew, reference: Reference, place: Callable[[], Place]
):
    for hit in hits(run, point, action, reference, seed):
        at = place()
        covered, end = begin(run, reference, at)
        sleeper = crew.take()
        sleeper.ask(**at.job, fault=f"{point}:{action}:{hit}")
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
