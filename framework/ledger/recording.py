"""What each event of an invocation writes into the ledger. The connection, and when to use it, is the recorder's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.core.report import RunReport
from framework.ledger import states
from framework.ledger.chain import append
from framework.ledger.invocations import Request, begin, end
from framework.ledger.run_rows import claim, close, finish, retrying
from framework.ledger.tasks import add, move

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sqlalchemy import Connection

    from framework.core.events import Event
    from framework.ledger.states import Standing

RECORDED = frozenset({states.SUCCESS, states.FAILED, states.CANCELLED})
"""The ends of runs that are recorded: the others had no work."""


@dataclass(frozen=True)
class Book:
    """What the recorder knows to stand in the ledger, as it wrote it: compared with each write, so nothing is lost.

    `runs`: by run id. `current`: the run that is open, by pipeline.
    """

    invocation: Standing | None = None
    tasks: dict[str, Standing] = field(default_factory=dict)
    runs: dict[str, Standing] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)

    def copied(self) -> Book:
        """A book to write on, to be kept once the transaction is."""
        return replace(self, tasks=dict(self.tasks), runs=dict(self.runs), current=dict(self.current))


@dataclass(frozen=True)
class Pen:
    """What it takes to write: the connection, whose invocation it is, the mask, and how the ledger's clock differs."""

    connection: Connection
    invocation_id: str
    clean: Callable[[Any], Any]
    offset: timedelta


def record(pen: Pen, book: Book, event: Event) -> Book:
    """Write what an event says, and give the book as it is then.

    Raises:
        LedgerError: when the ledger refuses it.
    """
    return _WRITERS[event.name](pen, book, event)


def _begun(pen: Pen, book: Book, event: Event) -> Book:
    fields = pen.clean(event.fields)
    asked = Request(str(fields.get("project", "")), tuple(fields.get("selection", ())), fields.get("request", {}))
    standing = begin(pen.connection, pen.invocation_id, asked, at=event.at + pen.offset)
    known = add(pen.connection, pen.invocation_id, event.fields.get("tasks", ()))
    details = {"project": asked.project, "selection": asked.selection, "request": asked.request}
    append(pen.connection, event.name, pen.invocation_id, details)
    return replace(book, invocation=standing, tasks=known)


def _task(pen: Pen, book: Book, event: Event) -> Book:
    """A task that nobody announced, such as a stage, is added when it is first heard of."""
    if book.invocation is None:
        return book
    name = event.fields["task"]
    if name not in book.tasks:
        book.tasks.update(add(pen.connection, pen.invocation_id, [name]))
    details = {key: event.fields[key] for key in ("run_id", "reason") if event.fields.get(key)}
    if event.fields.get("attempt"):
        details["attempts"] = event.fields["attempt"]
    if event.fields.get("worker") is not None:
        details["worker"] = str(event.fields["worker"])
    return _moved(pen, book, event, name, event.fields["state"], **pen.clean(details))


def _moved(pen: Pen, book: Book, event: Event, name: str, state: str, **details: Any) -> Book:
    at = event.at + pen.offset
    book.tasks[name] = move(pen.connection, (pen.invocation_id, name), book.tasks[name], state, at=at, **details)
    return book


def _planned(pen: Pen, book: Book, event: Event) -> Book:
    fields = event.fields
    pipeline, run_id = fields.get("pipeline", ""), fields["run_id"]
    _close_earlier(pen, book, pipeline, run_id)
    known: dict[str, Any] = {"pipeline": pipeline, "invocation_id": pen.invocation_id}
    book.runs[run_id] = claim(pen.connection, run_id, plan=fields, attempt=fields.get("attempt", 1), **known)
    book.current[pipeline] = run_id
    task = book.tasks.get(pipeline)
    if task is not None and task.state not in states.ENDS:
        return _moved(pen, book, event, pipeline, task.state, run_id=run_id)
    return book


def _retry(pen: Pen, book: Book, event: Event) -> Book:
    run_id = book.current.get(event.fields.get("pipeline", ""))
    if run_id is not None and book.runs[run_id].state == states.RUNNING:
        book.runs[run_id] = retrying(pen.connection, run_id, book.runs[run_id])
    return book


def _reported(pen: Pen, book: Book, event: Event) -> Book:
    state, pipeline = event.fields.get("state"), event.fields.get("pipeline", "")
    if state == states.UNCHANGED:
        _close_earlier(pen, book, pipeline, "")
    if state not in RECORDED:
        return book
    report = RunReport.from_dict(pen.clean(event.fields["report"]))
    _close_earlier(pen, book, report.pipeline, report.run_id)
    known, invocation_id = book.runs.get(report.run_id), pen.invocation_id
    before, standing = finish(pen.connection, report, invocation_id=invocation_id, known=known)
    book.runs[report.run_id] = standing
    book.current.pop(report.pipeline, None)
    failure = {"kind": report.failure.kind, "error": report.failure.error} if report.failure else {}
    _end_of_run(pen, report.pipeline, report.run_id, before, report.state, seq=report.seq, **failure)
    return book


def _close_earlier(pen: Pen, book: Book, pipeline: str, run_id: str) -> None:
    """A pipeline that finished an earlier sequence first goes on under another run id: that one is done.

    So is one whose attempt died once everything was published: the next attempt finds nothing new.
    """
    earlier = book.current.get(pipeline)
    if earlier is None or earlier == run_id or book.runs[earlier].state in states.ENDS:
        return
    known = book.runs[earlier]
    book.runs[earlier] = close(pen.connection, earlier, known, states.SUCCESS)
    del book.current[pipeline]
    _end_of_run(pen, pipeline, earlier, known.state, states.SUCCESS)


def _end_of_run(pen: Pen, pipeline: str, run_id: str, before: str | None, after: str, **more: Any) -> None:
    append(pen.connection, "run.ended", pipeline, {"run_id": run_id, "before": before, "after": after, **more})


def _given_up(pen: Pen, book: Book, event: Event) -> Book:
    append(pen.connection, event.name, event.fields.get("pipeline", ""), {"why": pen.clean(event.message)})
    return book


def _ended(pen: Pen, book: Book, event: Event) -> Book:
    if book.invocation is None:
        return book
    standing = end(pen.connection, pen.invocation_id, book.invocation, event.fields["state"])
    details = {"before": book.invocation.state, "after": standing.state}
    append(pen.connection, event.name, pen.invocation_id, details)
    return replace(book, invocation=standing)


_WRITERS: dict[str, Callable[[Pen, Book, Event], Book]] = {
    "invocation.begun": _begun,
    "task.state": _task,
    "run.planned": _planned,
    "run.retry": _retry,
    "run.reported": _reported,
    "run.given_up": _given_up,
    "invocation.ended": _ended,
}
