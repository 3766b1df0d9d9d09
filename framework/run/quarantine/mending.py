"""Correct quarantined rows: what was read stays, what shall count instead stands beside it, all or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import MASK
from framework.core.source import Expected
from framework.errors import ConfigurationError, did_you_mean
from framework.lake.quarantine import CHANGEABLE, SCHEMA, Selection, change, entry_of, happened, plural, rows
from framework.run.quarantine.masking import hidden_columns
from framework.run.quarantine.rows import (
    UNSPLIT,
    Desk,
    after_change,
    base_of,
    cell,
    columns_of,
    gathered,
    require_not_in_flight,
    values_of,
)
from framework.sources import textual
from framework.sources.json_values import loads, shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True)
class Correction:
    """What the cells of one row shall be: text by column, None for no value. `row`: its id, with or without revision.

    `is_whole`: the cells are a line of an exported file, so that a masked one says nothing.
    """

    row: str
    cells: Mapping[str, str | None]
    is_whole: bool = False


@dataclass(frozen=True)
class Mended:
    """How many rows were changed, and how many are as they were."""

    changed: int
    unchanged: int


def mend(desk: Desk, corrections: Sequence[Correction], *, by: str, where: str) -> Mended:
    """Put corrected values beside the values that were read. Their rows are `mended` then, and `replay` takes them up.

    A row whose values are what they were read as again is `open` again. Nothing is changed where anything is wrong.

    Raises:
        ConfigurationError: naming everything that is wrong, with the row: an id or a column that is not known, a row
            named twice, one that was changed or settled since it was exported, a value that must be JSON and is none.
    """
    held = _held(desk, corrections)
    problems, edited = list(_repeated(corrections)), {}
    for one in corrections:
        cells: dict[str, Any] = {}
        problems += _read(desk, one, held.get(base_of(one.row), []), cells)
        if cells:
            edited[base_of(one.row)] = cells
    if problems:
        words = f"{plural(len(edited))} would change, {len(corrections) - len(edited):,} would not"
        raise ConfigurationError(gathered(dict.fromkeys(problems), f"in {where} ({words})"))
    touched = pl.DataFrame([held[row_id][0] for row_id in edited], schema={"id": pl.String, **SCHEMA})
    require_not_in_flight(desk, touched)
    change(desk.space.lake, desk.name, touched.select(SCHEMA.names()), _mended(touched, edited, by=by), did="mend")
    return Mended(touched.height, len(corrections) - touched.height)


def _held(desk: Desk, corrections: Sequence[Correction]) -> dict[str, list[dict[str, Any]]]:
    """The rows that are meant, by id: those that can be changed, or else the last settled one."""
    ids = tuple(dict.fromkeys(base_of(one.row) or "-" for one in corrections))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows(desk.space.lake, desk.name, Selection(ids=ids or ("-",))).iter_rows(named=True):
        found.setdefault(row["id"], []).append(row)
    return {row_id: [r for r in same if r["state"] in CHANGEABLE] or [_latest(same)] for row_id, same in found.items()}


def _latest(same: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return max(same, key=lambda row: row["changed_at"] or row["quarantined_at"])


def _repeated(corrections: Sequence[Correction]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for one in corrections:
        seen[base_of(one.row)] = seen.get(base_of(one.row), 0) + 1
    yield from (f"row {row_id}: it is there {count} times" for row_id, count in seen.items() if count > 1)


def _read(desk: Desk, one: Correction, found: Sequence[dict[str, Any]], into: dict[str, Any]) -> Iterator[str]:
    """Read the cells of a correction that say something new; gives what is wrong with it."""
    row_id, _, revision = one.row.strip().partition("-")
    if len(found) != 1:
        what = "two rows have this id; deliver their files again instead" if found else "there is no such row"
        yield f"row {row_id or repr(one.row)}: {what}"
        return
    row = found[0]
    if row["line"] is None:
        yield f"row {row_id}: it is a file; correct the file itself, then replay the row or deliver the file again"
        return
    yield from _read_cells(desk, one, row, into)
    if into and row["state"] not in CHANGEABLE:
        yield f"row {row_id}: {happened(row)}, so there is nothing to mend"
    elif into and revision and revision != str(len(row["trail"])):
        yield f"row {row_id}: {happened(row)}, after this file was written; export it again"


def _read_cells(desk: Desk, one: Correction, row: Mapping[str, Any], into: dict[str, Any]) -> Iterator[str]:
    now = values_of(row)
    names = columns_of(desk, row["source"], [now])
    hidden = hidden_columns(desk.known.get(row["source"]), names) if one.is_whole else set()
    for name, text in one.cells.items():
        if name not in names:
            yield f"column '{name}': {row['source']} has none by that name; {did_you_mean(name, names)}"
            continue
        given = text if text != "" else None
        is_masked = name in hidden and given == MASK
        if is_masked or given == (cell(now.get(name)) or None):
            continue
        try:
            into[name] = _value(desk, row["source"], name, given)
        except (ValueError, TypeError) as error:
            yield f"row {row['id']}: column '{name}' holds lists or objects, to be given as JSON: {error}"


def _value(desk: Desk, source: str, name: str, text: str | None) -> Any:
    """The raw value of a cell: text, or what its JSON says where the column holds lists or objects."""
    contract = desk.known.get(source)
    if text is None or contract is None or name not in contract.columns:
        return text
    dtype = textual(Expected(contract.schema, frozenset(), is_strict=False))[name]
    return shape(loads(text), dtype) if dtype.is_nested() else text


def _mended(touched: pl.DataFrame, edited: Mapping[str, Mapping[str, Any]], *, by: str) -> pl.DataFrame:
    at = datetime.now(UTC)
    documents, entries = [], []
    for row in touched.iter_rows(named=True):
        cells = edited[row["id"]]
        kept = {name: value for name, value in values_of(row).items() if name not in UNSPLIT}
        document = {**kept, **cells}
        raw = loads(row["raw"] or "{}")
        is_as_read = all(cell(raw.get(name)) == cell(value) for name, value in document.items())
        documents.append(None if is_as_read else json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        entries.append(entry_of("mended", by=by, at=at, set=cells))
    mended = touched.with_columns(pl.Series("mended", documents, dtype=pl.String))
    after = after_change(mended, state="mended", entries=pl.Series(entries, dtype=pl.String), by=by, at=at)
    return after.with_columns(
        pl.when(pl.col("mended").is_null()).then(pl.lit("open")).otherwise("state").alias("state")
    )
