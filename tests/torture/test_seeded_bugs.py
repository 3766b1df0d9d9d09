"""The checks have teeth: every classic mistake, put into the house on purpose, is found by them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.torture.bugs import BUGS
from tests.torture.deliveries import deliver
from tests.torture.history import check_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.conftest import Place, Reference
    from tests.torture.runners import Crew

pytestmark = pytest.mark.drawn(2)

EVENTS = ["torture.events"]

# Per mistake: how a history provokes it, and by which harm to the tables it shows.
CASES = {
    "path_instead_of_handle": ("commit.before:stop:2", None, "duplicated: torture/told"),
    "no_transaction": ("commit.after:kill:2", None, "duplicated: torture/told"),
    "position_apart": ("commit.before:kill:2", None, "lost: torture/told"),
    "files_deleted_on_error": (None, "lands_then_raises", "missing: torture/told"),
    "fixed_names": (None, None, "lost: torture/told"),
    "plan_not_fixed": ("publish.between:kill:2", None, "lost: torture/told"),
}


def violations(
    crew: Crew, reference: Reference, at: Place, fault: str | None, trick: str | None, **bug: Any
) -> list[str]:
    """Take a pipeline of three tables through a run, one with a fault and one after it, and name all that is wrong."""
    job = {**at.job, "pipelines": EVENTS, **bug}
    deliver(at.raw, 1)
    crew.do(**job)
    deliver(at.raw, 2)
    breaker = crew.take()
    breaker.ask(**job, fault=fault, trick=trick)
    if fault and ":stop:" in fault:
        breaker.await_stop()
        assert crew.do(**job)["error"] is None
        breaker.go_on()
    answer = breaker.answer()
    if answer is None:
        assert breaker.bury() == -signal.SIGKILL
    else:
        crew.give_back(breaker)
        assert answer["has_acted"] == bool(fault)
    deliver(at.raw, 3)
    crew.do(**job, until_unchanged=True)
    return check_history(at.lake, reference.grid[:4], is_finished=True, pipelines=EVENTS)


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_is_caught(bug: str, crew: Crew, reference: Reference, place: Callable[[], Place]):
    fault, trick, harm = CASES[bug]
    assert violations(crew, reference, place(), fault, trick) == []
    found = violations(crew, reference, place(), fault, trick, bug=bug)
    assert any(words.startswith(harm) for words in found), found
