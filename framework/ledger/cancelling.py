"""What can be cancelled: the invocations at work, by their own id, that of one of their runs, or a pipeline's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from framework.errors import SelectionError, did_you_mean
from framework.ledger import states
from framework.ledger.invocations import running
from framework.ledger.tables import runs
from framework.ledger.tasks import of_invocations

if TYPE_CHECKING:
    from framework.ledger.opening import Ledger


@dataclass(frozen=True)
class AtWork:
    """An invocation at work: its row, its runs that are at work, and its tasks."""

    invocation: dict[str, Any]
    runs: tuple[dict[str, Any], ...]
    tasks: tuple[dict[str, Any], ...]

    @property
    def id(self) -> str:
        """The id of the invocation."""
        return str(self.invocation["invocation_id"])

    @property
    def waiting(self) -> int:
        """How many pipelines have not begun."""
        unbegun = {states.PENDING, states.QUEUED}
        return sum(task["state"] in unbegun and task["stage"] is None for task in self.tasks)

    def names(self) -> set[str]:
        """The pipelines whose runs are at work, or wait."""
        open_ones = {task["pipeline"] for task in self.tasks if task["state"] not in states.ENDS}
        return open_ones | {run["pipeline"] for run in self.runs}

    def is_meant(self, word: str) -> bool:
        """Whether a word is its id, that of one of its runs, the beginning of such, or the name of a pipeline."""
        ids = [self.id, *(run["run_id"] for run in self.runs)]
        return word in self.names() or any(known.startswith(word) for known in ids)


def at_work(ledger: Ledger) -> list[AtWork]:
    """The invocations that are at work, oldest first."""
    found = running(ledger)
    ids = [row["invocation_id"] for row in found]
    tasks = of_invocations(ledger, ids)
    query = select(runs.c.run_id, runs.c.pipeline, runs.c.invocation_id, runs.c.state)
    with ledger.engine.begin() as connection:
        rows = connection.execute(query.where(runs.c.state.in_(sorted(states.AT_WORK)))).mappings().all()
    return [
        AtWork(
            row,
            tuple(dict(run) for run in rows if run["invocation_id"] == row["invocation_id"]),
            tuple(task for task in tasks if task["invocation_id"] == row["invocation_id"]),
        )
        for row in found
    ]


def find_at_work(ledger: Ledger, word: str) -> AtWork:
    """The one invocation at work that a word means.

    Raises:
        SelectionError: when it means none, or several.
    """
    everything = at_work(ledger)
    found = [one for one in everything if one.is_meant(word)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(one.id for one in found)
        raise SelectionError(f"'{word}' means several that are running, name one of them: {ids}")
    known = {name for one in everything for name in (*one.names(), one.id, *(run["run_id"] for run in one.runs))}
    near = did_you_mean(word, known) or "nothing is running that can be asked to stop"
    raise SelectionError(f"nothing that is running is called '{word}'{_what_it_is(ledger, word)}; {near}")


def _what_it_is(ledger: Ledger, word: str) -> str:
    """What else is known of a run that is not running, or that nobody can ask."""
    query = select(runs.c.run_id, runs.c.state, runs.c.owner_host, runs.c.owner_pid)
    named = runs.c.run_id.startswith(word, autoescape=True)
    with ledger.engine.begin() as connection:
        row = connection.execute(query.where(named).order_by(runs.c.started_at.desc()).limit(1)).one_or_none()
    if row is None:
        return ""
    if row.state in states.AT_WORK:
        return f" that can be asked: end process {row.owner_pid} on {row.owner_host} to stop run {row.run_id}"
    return f": run {row.run_id} ended as {row.state}"
