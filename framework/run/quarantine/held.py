"""The quarantine from Python: look at its rows, mend them, have them judged again, put them aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import MASK
from framework.definition.load import load_pipelines
from framework.errors import SelectionError, did_you_mean
from framework.lake.quarantine import STATES, Selection, pipelines, rows
from framework.run.flow import run_in
from framework.run.quarantine.masking import hidden_columns, schemas_of
from framework.run.quarantine.mending import Correction, Mended, mend
from framework.run.quarantine.replay import discard as put_aside
from framework.run.quarantine.replay import queue
from framework.run.quarantine.rows import Desk, cell, columns_of, values_of, who
from framework.run.request import RunRequest
from framework.run.workspace import open_workspace
from framework.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.report import RunReport

FACTS = ("id", "source", "file", "line", "state", "failure", "reasons", "attempts", "changed_by", "changed_at")


def quarantine(
    pipeline: str,
    *,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    reveal: bool = False,
    project: str | Path = ".",
) -> pl.DataFrame:
    """Give the quarantined rows of a pipeline: one row per row or file, by source, file and line.

    Columns: id, source, file, line, state, failure, reasons, attempts, changed_by, changed_at, and each of the sources'
    own as text, as it was mended or else as it was read (null: no value). Values of sensitive columns are `***` unless
    `reveal`.

    Args:
        pipeline: Its name, such as `retail.sales`.
        source: Only rows of this source.
        reason: Only rows one of whose reasons contains this text.
        state: Only rows in this state.
        reveal: Give values of sensitive columns as they are.
        project: The project's folder.

    Raises:
        SelectionError: when the pipeline has no quarantine, or there is no such state; suggests the nearest.
    """
    desk = _desk(pipeline, project)
    found = rows(desk.space.lake, desk.name, Selection(source, reason, _states(state)))
    return found.select(FACTS).hstack(_values(desk, found, reveal=reveal))


def mend_rows(
    pipeline: str, rows: Mapping[str, Mapping[str, Any]], *, by: str | None = None, project: str | Path = "."
) -> Mended:
    """Correct quarantined rows: `{"q0123456789ab": {"quantity": 3}}`. All or nothing; `replay` has them judged again.

    Args:
        pipeline: Its name, such as `retail.sales`.
        rows: By the id of a row, the columns that shall have another value. They are taken as text, as from a file.
        by: Who says so (default: the user of this process).
        project: The project's folder.

    Raises:
        ConfigurationError: naming everything that is wrong; nothing is changed then.
    """
    desk = _desk(pipeline, project)
    corrections = [
        Correction(row, {name: _text(value) for name, value in cells.items()}) for row, cells in rows.items()
    ]
    return mend(desk, corrections, by=by or who(), where="the rows given")


def replay(
    pipeline: str,
    *,
    rows: Sequence[str] = (),
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    by: str | None = None,
    project: str | Path = ".",
) -> RunReport:
    """Queue quarantined rows, those that are open or mended unless told otherwise, and run the pipeline in place.

    Every row lands exactly once however often this is called, killed or raced. The report counts those that were
    `released`, and those `refused_again`.

    Args:
        pipeline: Its name, such as `retail.sales`.
        rows: Only the rows of these ids.
        source: Only rows of this source.
        reason: Only rows one of whose reasons contains this text.
        state: Only rows in this state.
        by: Who asks for it (default: the user of this process).
        project: The project's folder.

    Raises:
        SelectionError: when no row is meant.
        ConfigurationError: naming everything that stands against a replay; nothing is queued then.
        SluiceError: of the class that says who must act, where the run fails; the rows stay queued.
    """
    desk = _desk(pipeline, project)
    queue(desk, Selection(source, reason, _states(state), ids=tuple(rows)), by=by or who())
    assert desk.pipeline is not None  # noqa: S101 - or nothing would have been queued
    return run_in(desk.pipeline, desk.space, RunRequest())


def discard(pipeline: str, rows: Sequence[str], *, by: str | None = None, project: str | Path = ".") -> int:
    """Put quarantined rows aside for good, by their ids: they are kept, and judged no more. Gives how many.

    Raises:
        SelectionError: when an id means no row.
    """
    if not rows:
        return 0
    return put_aside(_desk(pipeline, project), Selection(ids=tuple(rows)), by=by or who())


def _desk(name: str, project: str | Path) -> Desk:
    settings = load_settings(Path(project))
    defined, space = load_pipelines(settings), open_workspace(settings)
    held = pipelines(space.lake)
    if name not in held:
        hint = did_you_mean(name, held) or "nothing is in quarantine yet"
        raise SelectionError(f"no pipeline called '{name}' has a quarantine; {hint}")
    pipeline = defined.get(name)
    return Desk(name, space, pipeline, schemas_of(pipeline))


def _states(state: str | None) -> tuple[str, ...]:
    if state is not None and state not in STATES:
        raise SelectionError(f"no state is called '{state}'; {did_you_mean(state, STATES)}")
    return (state,) if state else ()


def _values(desk: Desk, found: pl.DataFrame, *, reveal: bool) -> pl.DataFrame:
    """The values of rows, a column for each of their sources' that is not called like a fact."""
    held = [(row["source"], values_of(row) if row["line"] is not None else {}) for row in found.iter_rows(named=True)]
    columns: dict[str, None] = {}
    hidden: dict[str, set[str]] = {}
    for source in dict.fromkeys(source for source, _ in held):
        names = columns_of(desk, source, [values for of, values in held if of == source])
        columns |= dict.fromkeys(name for name in names if name not in FACTS)
        hidden[source] = set() if reveal else hidden_columns(desk.known.get(source), names)
    cells = {
        name: [
            MASK if name in hidden[of] and values.get(name) is not None else cell(values.get(name))
            for of, values in held
        ]
        for name in columns
    }
    return pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), height=found.height)


def _text(value: Any) -> str | None:
    """A value as a file would spell it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
