"""A pipeline's quarantine as people work on it: its rows by id, their values as text, and what must not be shown."""

from __future__ import annotations

import getpass
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import MAX_GROUPS, ConfigurationError, SelectionError
from framework.lake import PlanStore, app_id, open_table
from framework.lake.quarantine import (
    CHANGEABLE,
    IDENTITY,
    SCHEMA,
    TAKEN,
    Selection,
    happened,
    rows,
    rows_at,
    rows_meant,
    table_name,
    with_id,
)
from framework.sources.json_values import loads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from framework.boundary import Contract
    from framework.core.plan import RunPlan
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace

UNSPLIT = ("_text", "_surplus")
"""What readers keep of a line that could not be split: no columns."""


@dataclass(frozen=True)
class Desk:
    """What people need who work on a quarantine: where it is, whose it is, and what its sources are held against.

    `pipeline`: None where it is not defined any more. `known`: the contracts of its sources, as far as they compile.
    """

    name: str
    space: Workspace
    pipeline: Pipeline | None = None
    known: Mapping[str, Contract] = field(default_factory=dict)


def who() -> str:
    """The name of whoever runs this process, for the trail of a row."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run as a user without a name
        return "unknown"


def base_of(row_id: str) -> str:
    """The id of a row without the revision that exported files carry behind it.

    >>> base_of("q0123456789ab-2"), base_of("q0123")
    ('q0123456789ab', 'q0123')
    """
    return row_id.strip().partition("-")[0]


def find_rows(desk: Desk, selection: Selection, states: Collection[str] = CHANGEABLE) -> pl.DataFrame:
    """Read the rows that a selection means, of those in some states, in no order; every id must mean one row.

    Raises:
        SelectionError: naming every id that means none, several, or a row that is in another state.
    """
    ids = tuple(base_of(one) for one in selection.ids)
    wanted = replace(selection, states=selection.states or tuple(states), ids=ids)
    found = rows_meant(desk.space.lake, desk.name, wanted)
    if ids:
        named = with_ids(found)
        counts = dict(named.group_by("id").len().iter_rows())
        doubtful = [one for one in dict.fromkeys(ids) if counts.get(one) != 1]
        problems = [problem for one in doubtful if (problem := _id_problem(desk, one, named))]
        if problems:
            raise SelectionError(gathered(problems, f"of {desk.name}'s quarantine"))
    return found


def version_of(desk: Desk) -> int | None:
    """The version of the quarantine now; what is read after is at this one, or at a newer one."""
    handle = open_table(desk.space.lake, table_name(desk.name))
    return None if handle is None else handle.version


def with_ids(found: pl.DataFrame) -> pl.DataFrame:
    """Add the ids of rows."""
    return with_id(found.lazy()).collect()


def _id_problem(desk: Desk, row_id: str, found: pl.DataFrame) -> str | None:
    """Say why an id does not mean one row; None when it does."""
    met = found.filter(pl.col("id").str.starts_with(row_id))
    if met.height == 1:
        return None
    if met.height > 1:
        return f"row {row_id}: {met.height} rows begin like that; give more of the id"
    other = rows(desk.space.lake, desk.name, Selection(ids=(row_id,)), limit=1) if row_id else found.head(0)
    if other.is_empty():
        return f"row {row_id}: there is no such row; `sluice quarantine show {desk.name}` lists them"
    return f"row {row_id}: {happened(other.row(0, named=True))}"


def gathered(problems: Iterable[str], where: str) -> str:
    """All problems of a request in one text, the first of them in full."""
    found = list(problems)
    head = f"{len(found)} problem{'s' * (len(found) != 1)} {where}; nothing was changed:"
    more = [f"  - and {len(found) - MAX_GROUPS} more"] if len(found) > MAX_GROUPS else []
    return "\n".join([head, *(f"  - {one}" for one in found[:MAX_GROUPS]), *more])


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row as they shall count, by column: as mended, or else as read. Numbers are text."""
    text = row["mended"] or row["raw"]
    found = loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def cell(value: Any) -> str | None:
    """A raw value as text of one cell; lists and objects as JSON.

    >>> cell("3"), cell(None), cell(["a", "b"])
    ('3', None, '["a", "b"]')
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def columns_of(desk: Desk, source: str, values: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns that rows of a source have: those of its schema, then what else was read."""
    contract = desk.known.get(source)
    read = dict.fromkeys(name for row in values for name in row if name not in UNSPLIT)
    return list(dict.fromkeys([*(contract.columns if contract else ()), *read]))


def require_not_in_flight(desk: Desk, chosen: pl.DataFrame) -> None:
    """Refuse rows that an unfinished sequence judges again: it would not see the change.

    Raises:
        ConfigurationError: naming them and the sequence.
    """
    plan = _in_flight(desk)
    if plan is None:
        return
    taken = rows_at(desk.space.lake, desk.name, plan.waiting_version, TAKEN).select(IDENTITY)
    held = with_id(chosen.lazy().join(taken, on=list(IDENTITY), how="semi", nulls_equal=True)).select("id").collect()
    if held.height:
        word = f"is being judged again by sequence {plan.seq}, which is not finished; try again after it"
        raise ConfigurationError(gathered([f"row {one}: it {word}" for one in held["id"]], f"in {desk.name}"))


def _in_flight(desk: Desk) -> RunPlan | None:
    """The plan that is fixed, not published to the quarantine yet, and judges rows of it again."""
    handle = open_table(desk.space.lake, table_name(desk.name))
    if handle is None:
        return None
    plan = PlanStore(desk.space.lake, desk.name).plan(handle.sequence(app_id(desk.name, handle.name)) + 1)
    return plan if plan is not None and plan.waiting_version is not None and plan.mode != "full" else None


def after_change(chosen: pl.DataFrame, *, state: str, entries: pl.Series | str, by: str, at: Any) -> pl.DataFrame:
    """The rows in another state, with a line more in their trail."""
    entry = pl.lit(entries) if isinstance(entries, str) else entries.alias("_entry")
    return chosen.with_columns(
        pl.concat_list("trail", entry).alias("trail"),
        pl.lit(by).alias("changed_by"),
        pl.lit(at).cast(SCHEMA["changed_at"]).alias("changed_at"),
        pl.lit(state).alias("state"),
    ).select(SCHEMA.names())
