"""The quarantine in numbers: by reason, by run, which rules are broken together; and a look at its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.lake.plans import PlanStore
from framework.lake.quarantine.table import SCHEMA, STATES, Selection, pipelines, rows_at, with_id

if TYPE_CHECKING:
    from framework.storage import StorageLocation


def summarise(lake: StorageLocation, pipeline: str | None = None) -> list[dict[str, Any]]:
    """Count the quarantine by pipeline, source, state and reason, most frequent first.

    A row counts once for each of its reasons. `files`: in how many files the reason occurs; `share`: of the rows that
    came in with the runs which quarantined these (None where that is not known any more, and for files).
    """
    found: list[dict[str, Any]] = []
    for name in [pipeline] if pipeline else pipelines(lake):
        counted = (
            rows_at(lake, name)
            .select("source", "state", "file", "line", "seq", reason="reasons")
            .explode("reason")
            .group_by("source", "state", "reason")
            .agg(
                rows=pl.len().cast(pl.Int64),
                files=pl.col("file").n_unique().cast(pl.Int64),
                sequences=pl.col("seq").unique(),
                is_file=pl.col("line").is_null().all(),
            )
            .sort("state", "rows", "source", "reason", descending=[False, True, False, False])
            .collect()
        )
        came = _rows_in(lake, name, counted["sequences"].explode().drop_nulls().unique().to_list())
        for row in counted.iter_rows(named=True):
            counts = [came.get((seq, row["source"])) for seq in row.pop("sequences")]
            share = None if row.pop("is_file") else _share(row["rows"], counts)
            found.append({"pipeline": name, **row, "share": share})
    return found


def by_run(lake: StorageLocation, pipeline: str) -> list[dict[str, Any]]:
    """Count the rows that each run quarantined by source and reason, newest run first, with the rows that came in."""
    counted = (
        rows_at(lake, pipeline)
        .select("seq", "run_id", "source", "line", reason="reasons")
        .explode("reason")
        .group_by("seq", "run_id", "source", "reason")
        .agg(rows=pl.len().cast(pl.Int64), is_file=pl.col("line").is_null().all())
        .sort("seq", "rows", "source", "reason", descending=[True, True, False, False])
        .collect()
    )
    came = _rows_in(lake, pipeline, counted["seq"].drop_nulls().unique().to_list())
    found = []
    for row in counted.iter_rows(named=True):
        rows_in = came.get((row["seq"], row["source"]))
        share = None if row.pop("is_file") else _share(row["rows"], [rows_in])
        found.append({"pipeline": pipeline, **row, "rows_in": rows_in, "share": share})
    return found


def co_occurrence(lake: StorageLocation, pipeline: str) -> list[dict[str, Any]]:
    """Count the pairs of reasons that the same rows carry, most frequent first.

    `rows`: how many carry both; `of_first`, `of_second`: how many carry each.
    """
    together = (
        rows_at(lake, pipeline)
        .select("source", pl.col("reasons").list.unique().list.sort())
        .group_by("source", "reasons")
        .agg(rows=pl.len().cast(pl.Int64))
        .with_row_index("combination")
        .collect()
    )
    each = together.explode("reasons")
    alone = each.group_by("source", "reasons").agg(pl.col("rows").sum())
    pairs = (
        each.join(each.select("combination", second="reasons"), on="combination")
        .filter(pl.col("reasons") < pl.col("second"))
        .group_by("source", first="reasons", second="second")
        .agg(pl.col("rows").sum())
        .join(alone.rename({"reasons": "first", "rows": "of_first"}), on=["source", "first"])
        .join(alone.rename({"reasons": "second", "rows": "of_second"}), on=["source", "second"])
        .sort("rows", "source", "first", "second", descending=[True, False, False, False])
    )
    names = ("source", "rows", "first", "of_first", "second", "of_second")
    return [{"pipeline": pipeline, **row} for row in pairs.select(names).iter_rows(named=True)]


def rows(lake: StorageLocation, pipeline: str, selection: Selection, *, limit: int | None = None) -> pl.DataFrame:
    """Read quarantined rows with their id, in the columns of `SCHEMA`, by source, file and line."""
    chosen = selection.of(with_id(_in_states(lake, pipeline, selection)))
    ordered = chosen.sort("source", "file", "line", "state", nulls_last=False)
    return (ordered if limit is None else ordered.head(limit)).select("id", *SCHEMA.names()).collect(engine="streaming")


def rows_meant(lake: StorageLocation, pipeline: str, selection: Selection) -> pl.DataFrame:
    """Read quarantined rows in the columns of `SCHEMA`, in no order: a look-up for many rows at once."""
    found = _in_states(lake, pipeline, selection)
    chosen = selection.of(with_id(found) if selection.ids else found)
    return chosen.select(SCHEMA.names()).collect(engine="streaming")


def _in_states(lake: StorageLocation, pipeline: str, selection: Selection) -> pl.LazyFrame:
    return rows_at(lake, pipeline, states=selection.states or STATES)


def _rows_in(lake: StorageLocation, pipeline: str, sequences: list[int]) -> dict[tuple[int, str], int]:
    """How many rows came in, by sequence and source, as the manifests of finished sequences say."""
    store = PlanStore(lake, pipeline)
    found = {}
    for seq in sequences:
        sources = (store.manifest(seq) or {}).get("report", {}).get("sources", {})
        found.update({(seq, name): int(counts["rows_in"]) for name, counts in sources.items()})
    return found


def _share(rows: int, came: list[int | None]) -> float | None:
    known = [count for count in came if count is not None]
    total = sum(known)
    return rows / total if total and len(known) == len(came) else None
