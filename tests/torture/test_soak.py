"""Two runners race on one lake, and are killed at random times, again and again: nothing is lost, nothing doubled.

`SLUICE_TORTURE_TRIALS` says how many races there are (default 5), `SLUICE_TORTURE_SEED` starts the dice.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from tests.torture.conftest import DELIVERIES
from tests.torture.deliveries import deliver
from tests.torture.history import check_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.conftest import Place, Reference
    from tests.torture.runners import Crew, Runner

TRIALS = int(os.environ.get("SLUICE_TORTURE_TRIALS", "5"))
SEED = int(os.environ.get("SLUICE_TORTURE_SEED", "7"))
LONGEST_S = 0.5
"""A race takes about as long, so that kills fall into all of it."""
ATOMIC = ["_quarantine/torture.events", "torture/told", "torture/latest"]
"""Tables made of one file per delivery: a runner sees each delivery whole or not at all."""


def race(crew: Crew, at: Place, number: int, dice: Random) -> Counter[str]:
    """Have two runners race for a delivery, that may come while they run, and kill one or both of them."""
    figures: Counter[str] = Counter(races=1)
    is_early = dice.random() < 0.5
    if is_early:
        deliver(at.raw, number)
    runners = [crew.take(), crew.take()]
    for runner in runners:
        runner.ask(**at.job, until_unchanged=True, trick="counts_refusals")
    if not is_early:
        deliver(at.raw, number)
    for victim in dice.sample(runners, k=dice.choice([1, 2])):
        if not victim.answers_within(dice.uniform(0, LONGEST_S)):
            victim.kill()
    for runner in runners:
        figures += _end(crew, runner)
    return figures


def _end(crew: Crew, runner: Runner) -> Counter[str]:
    answer = runner.answer()
    if answer is None:
        assert runner.bury() == -signal.SIGKILL
        return Counter(kills=1)
    assert answer["error"] is None, answer["error"]
    crew.give_back(runner)
    return Counter(finished=1, refused=answer["told"]["refused"])


def test_racing_runners_killed_at_random_lose_nothing_and_double_nothing(
    crew: Crew, reference: Reference, place: Callable[[], Place]
):
    dice = Random(SEED)
    figures: Counter[str] = Counter()
    wrong: list[str] = []
    at = place()
    for trial in range(TRIALS):
        number = trial % DELIVERIES + 1
        figures += race(crew, at, number, dice)
        wrong += check_history(at.lake, reference.grid, is_finished=False, gridded=ATOMIC)
        if number == DELIVERIES or trial == TRIALS - 1:
            assert crew.do(**at.job, until_unchanged=True)["error"] is None
            wrong += check_history(at.lake, reference.grid[: number + 1], is_finished=True, gridded=ATOMIC)
            figures["lakes"] += 1
            at = place()
    figures += Counter(words.partition(":")[0] for words in wrong)
    print(f"soak: {dict(figures)}, lost {figures['lost']}, duplicated {figures['duplicated']}")  # noqa: T201
    assert wrong == []
    assert figures["kills"] > 0
