"""A commit that raises may have landed or not: the run ends right, and no file of a tried commit is deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.torture.deliveries import deliver
from tests.torture.history import check_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.conftest import Place, Reference
    from tests.torture.runners import Crew

pytestmark = pytest.mark.drawn(2)

COMMITS = 12
"""Tables of all pipelines, and the history of one's quality: as many commits as a round makes."""


def lost_files(answer: dict[str, Any]) -> list[str]:
    """The data files of tried commits that are gone."""
    return [path for path in answer["told"]["tried"] if not Path(path).exists()]


@pytest.mark.parametrize(("trick", "commits"), [("lands_then_raises", COMMITS), ("raises_first", 2 * COMMITS)])
def test_a_commit_that_raises_is_decided_by_the_log(
    trick: str, commits: int, crew: Crew, reference: Reference, place: Callable[[], Place]
):
    at = place()
    for number in (1, 2):
        deliver(at.raw, number)
        answer = crew.do(**at.job, trick=trick)
        assert answer["error"] is None
        assert set(answer["states"].values()) == {"SUCCESS"}
        assert answer["told"]["commits"] == commits
        assert lost_files(answer) == []
        assert check_history(at.lake, reference.grid[: number + 1], is_finished=True) == []
    assert set(crew.do(**at.job)["states"].values()) == {"UNCHANGED"}


def test_a_commit_that_never_lands_fails_the_run_and_the_next_one_finishes_it(
    crew: Crew, reference: Reference, place: Callable[[], Place]
):
    at = place()
    deliver(at.raw, 1)
    assert crew.do(**at.job)["error"] is None
    deliver(at.raw, 2)
    failed = crew.do(**at.job, trick="never_lands")
    assert failed["error"].startswith("CommitError: table '_quarantine/retail.products': sequence 2 could not be")
    assert failed["told"]["tried"] == []  # nothing was quarantined: a commit of the position alone
    failed = crew.do(**at.job, trick="never_lands", pipelines=["torture.events"])
    assert failed["told"]["tried"]
    assert lost_files(failed) == []
    assert check_history(at.lake, reference.grid[:3], is_finished=False) == []
    assert crew.do(**at.job)["error"] is None
    assert check_history(at.lake, reference.grid[:3], is_finished=True) == []


def test_a_commit_that_landed_unheard_before_a_kill_is_not_made_again(
    crew: Crew, reference: Reference, place: Callable[[], Place]
):
    at = place()
    deliver(at.raw, 1)
    runner = crew.take()
    runner.ask(**at.job, trick="lands_then_raises", fault="commit.synced:kill:7")
    assert runner.answer() is None
    runner.bury()
    assert crew.do(**at.job, until_unchanged=True)["error"] is None
    assert check_history(at.lake, reference.grid[:2], is_finished=True) == []
