"""Two runners on one lake in an object store: one of each commit wins, nothing is lost, nothing doubled."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.torture.deliveries import deliver
from tests.torture.history import check_history, state_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3.conftest import Bucket
    from tests.torture.history import State
    from tests.torture.runners import Crew

EVENTS = ["torture.events"]
ATOMIC = ["_quarantine/torture.events", "torture/told", "torture/latest"]
"""Tables made of one file per delivery: a runner sees each delivery whole or not at all."""


def expected(crew: Crew, raw: Path, number: int) -> State:
    """The tables after deliveries 1 to `number`, by one full run on local disk."""
    lake = raw.parent / f"expected-{number}"
    assert crew.do(raw=str(raw), lake=str(lake))["error"] is None
    return state_of(lake)


def test_two_racing_runners_lose_nothing_and_double_nothing(bucket: Bucket, crew: Crew, tmp_path: Path):
    raw, grid = tmp_path / "raw", [state_of(tmp_path / "none")]
    finished = 0
    for number in (1, 2):
        deliver(raw, number)
        bucket.upload(raw)
        grid.append(expected(crew, raw, number))
        racers = [crew.take(), crew.take()]
        for racer in racers:
            racer.ask(**bucket.job, until_unchanged=True)
        if number == 2:
            racers[0].answers_within(0.5)
            racers[0].kill()
        for racer in racers:
            answer = racer.answer()
            if answer is None:
                assert racer.bury() == -signal.SIGKILL
                continue
            assert answer["error"] is None
            finished += 1
            crew.give_back(racer)
    assert finished >= 3
    assert crew.do(**bucket.job, until_unchanged=True)["error"] is None
    copy = bucket.download(tmp_path / "copy")
    assert check_history(copy, grid, is_finished=True, gridded=ATOMIC) == []


def test_a_runner_that_was_overtaken_in_its_sleep_is_fenced(bucket: Bucket, crew: Crew, tmp_path: Path):
    raw, grid = tmp_path / "raw", [state_of(tmp_path / "none")]
    for number in (1, 2, 3):
        deliver(raw, number)
        bucket.upload(raw)
        grid.append(expected(crew, raw, number))
        if number == 2:
            sleeper = crew.take()
            sleeper.ask(**bucket.job, pipelines=EVENTS, fault="commit.before:stop:1", trick="counts_refusals")
            sleeper.await_stop()
        assert crew.do(**bucket.job, pipelines=EVENTS, until_unchanged=True)["error"] is None
    sleeper.go_on()
    answer = sleeper.answer()
    assert answer["has_acted"]
    assert answer["error"] is None
    assert answer["told"]["refused"] == 3
    crew.give_back(sleeper)
    assert check_history(bucket.download(tmp_path / "copy"), grid, is_finished=True, pipelines=EVENTS) == []
