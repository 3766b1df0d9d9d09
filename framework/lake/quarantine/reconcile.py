"""What a run does to the quarantine: rows it refused come in, rows it judged again move on, whatever else stays.

The run has judged rows as they stood at the version that its plan pins. What people did to the table since is part of
the newer version that it commits on, so both are held against each other here, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from framework.core.events import emit
from framework.lake.merge import Staged
from framework.lake.quarantine.changes import entry_of, plural
from framework.lake.quarantine.table import CHANGEABLE, IDENTITY, PENDING, SCHEMA, TAKEN, files_in, scan_rows, with_id
from framework.lake.stage import StagingArea

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from framework.lake.delta import DataFile, TableHandle

PATH = "_path"
SHOWN = 5
STATE, FAILURE, REASONS = "_state", "_failure", "_reasons"
"""What the run says of a row that it refused; null in others."""
WAS, WAS_MENDED, WAS_TRAIL = "_was", "_was_mended", "_was_trail"
"""How a row stood when the run judged it again; null in others."""
GONE = "_gone"
"""True for rows of files whose content is not what it was."""
NEXT = "_next"
"""The state that a row moves to; null: the run has a row in its place."""


@dataclass(frozen=True)
class Retaken:
    """What one run does to the quarantine beside adding the rows it refused.

    `rows`: those it has judged again, as they stood at `version` of the quarantine (None: it has judged none).
    `sources`: the sources that it covers. `redelivered`: (source, file) pairs whose content is not what it was.
    `afresh`: everything was judged from scratch, so what was pending is replaced.
    """

    run_id: str
    at: datetime
    sources: tuple[str, ...]
    rows: pl.LazyFrame | None = None
    version: int | None = None
    redelivered: tuple[tuple[str, str], ...] = ()
    afresh: bool = False


def reconcile(handle: TableHandle, area: StagingArea, run: Retaken) -> Staged:
    """Reconcile the rows that a run quarantined (in `area`) and those it judged again with the quarantine as it is now.

    - Of those it judged again, the accepted are released and the refused go back with their new reasons, unless
      somebody has changed them since: a row that was accepted all the same is released as it was judged, one that was
      refused keeps the change.
    - What is pending, mended or discarded of files that were delivered with other content is superseded.
    - Afresh, what is pending gives way to what the run found; what people did to a row stays with it.
    """
    staged = area.files()
    pending = files_in(handle, PENDING)
    if run.afresh and run.rows is None and not run.redelivered and not _is_touched(handle, pending, run):
        return Staged(handle, staged, pending)
    affected = _affected(handle, run)
    if not affected:
        return Staged(handle, staged)
    fresh = scan_rows(area.location, staged)
    beside = _beside(
        scan_rows(handle.location, affected), fresh if staged else None, run, is_as_planned=_is_as_planned(handle, run)
    )
    old = beside.with_columns(_next(run).alias(NEXT))
    if run.version is not None and handle.version > run.version:
        _tell_of_overtaken(old)
    rows = [_moved(old.filter(pl.col(NEXT).is_not_null()), run)]
    if staged:
        answered = old.filter(_answers(run)).select(IDENTITY)
        rows.append(fresh.join(answered, on=list(IDENTITY), how="anti", nulls_equal=True))
    again = StagingArea(area.location, area.schema, area.partition_by)
    again.write(pl.concat(rows))
    return Staged(handle, again.files(), affected, abandoned=staged)


def _is_touched(handle: TableHandle, files: Sequence[DataFile], run: Retaken) -> bool:
    """Whether pending rows have a history, or belong to sources that the run does not cover."""
    kept = scan_rows(handle.location, files).filter(_has_history() | ~pl.col("source").is_in(run.sources))
    return not kept.head(1).collect(engine="streaming").is_empty()


def _has_history() -> pl.Expr:
    return pl.col("trail").list.len() > 0


def _affected(handle: TableHandle, run: Retaken) -> list[DataFile]:
    """The data files that hold a row whose state may change."""
    if _is_as_planned(handle, run):
        return files_in(handle, TAKEN)
    everywhere = bool(run.redelivered) or run.afresh
    files = files_in(handle, (*CHANGEABLE, *(("released",) if everywhere else ())))
    rows = scan_rows(handle.location, files, PATH)
    near = _beside(rows, None, run, is_as_planned=False).filter(_is_taken() | _is_gone())
    hit = set(near.select(PATH).unique().collect(engine="streaming")[PATH])
    settled = PENDING if run.afresh else ()
    return [f for f in files if handle.location.uri(f.path) in hit or dict(f.partition)["state"] in settled]


def _is_as_planned(handle: TableHandle, run: Retaken) -> bool:
    """Whether the run has judged just what waits or is queued in the table now, so that nothing need be looked up."""
    is_usual = run.rows is not None and not run.afresh and not run.redelivered
    return is_usual and handle.version == run.version


def _beside(rows: pl.LazyFrame, fresh: pl.LazyFrame | None, run: Retaken, *, is_as_planned: bool) -> pl.LazyFrame:
    """Put beside each row what the run knows of it."""
    return _with_gone(_with_judged(_with_refused(rows, fresh), run, is_as_planned=is_as_planned), run)


def _with_refused(rows: pl.LazyFrame, fresh: pl.LazyFrame | None) -> pl.LazyFrame:
    key = list(IDENTITY)
    told = {"state": STATE, "failure": FAILURE, "reasons": REASONS}
    if fresh is None:
        return rows.with_columns(pl.lit(None, dtype=SCHEMA[name]).alias(alias) for name, alias in told.items())
    found = fresh.select(*key, *(pl.col(name).alias(alias) for name, alias in told.items()))
    return rows.join(found.unique(key, keep="any"), on=key, how="left", nulls_equal=True)


def _with_judged(rows: pl.LazyFrame, run: Retaken, *, is_as_planned: bool) -> pl.LazyFrame:
    key = list(IDENTITY)
    told = [pl.col("state").alias(WAS), pl.col("mended").alias(WAS_MENDED), pl.col("trail").list.len().alias(WAS_TRAIL)]
    if is_as_planned:
        is_judged = pl.col("state").is_in(TAKEN) & pl.col("source").is_in(run.sources)
        return rows.with_columns(pl.when(is_judged).then(value) for value in told)
    judged = (run.rows if run.rows is not None else pl.LazyFrame(schema=SCHEMA)).select(*key, *told)
    return rows.join(judged.unique(key, keep="any"), on=key, how="left", nulls_equal=True)


def _with_gone(rows: pl.LazyFrame, run: Retaken) -> pl.LazyFrame:
    if not run.redelivered:
        return rows.with_columns(pl.lit(value=False).alias(GONE))
    gone = pl.LazyFrame(run.redelivered, schema={"source": pl.String, "file": pl.String}, orient="row")
    return rows.join(gone.unique().with_columns(pl.lit(value=True).alias(GONE)), on=["source", "file"], how="left")


def _is_taken() -> pl.Expr:
    """True for rows that the run has judged again. An earlier life of the same line, closed by now, is none."""
    state = pl.col("state")
    was_accepted = state.eq("released") & pl.col("mended").is_not_null() & pl.col(WAS).is_in(["queued", "released"])
    return pl.col(WAS).is_not_null() & (state.is_in(CHANGEABLE) | was_accepted)


def _is_gone() -> pl.Expr:
    """True for rows that a new content of their file makes void."""
    decided = pl.col("state").eq("discarded") | (pl.col("state").eq("released") & pl.col("mended").is_not_null())
    return pl.col(GONE).fill_null(value=False) & (pl.col("state").is_in(PENDING) | decided)


def _is_as_judged() -> pl.Expr:
    """True for rows that nobody has changed since the run judged them."""
    return pl.col("state").eq(pl.col(WAS)) & pl.col("trail").list.len().eq(pl.col(WAS_TRAIL))


def _is_refused() -> pl.Expr:
    return pl.col(STATE).is_not_null()


def _is_replaced(run: Retaken) -> pl.Expr:
    """True for pending rows that a run afresh has judged as part of their file."""
    is_pending = pl.col("state").is_in(PENDING) & pl.col("source").is_in(run.sources)
    return pl.lit(run.afresh) & is_pending & ~_is_taken()


def _next(run: Retaken) -> pl.Expr:
    state = pl.col("state")
    return (
        pl.when(_is_gone())
        .then(pl.lit("superseded"))
        .when(_is_taken() & _is_refused())
        .then(pl.when(_is_as_judged()).then(pl.col(STATE)).otherwise(state))
        .when(_is_taken() & pl.col(WAS).ne("discarded"))
        .then(pl.lit("released"))
        .when(_is_replaced(run) & ~_has_history())
        .then(pl.lit(None, dtype=pl.String))
        .when(_is_replaced(run) & ~_is_refused())
        .then(pl.lit("superseded"))
        .when(_is_replaced(run) & pl.col("mended").is_null())
        .then(pl.col(STATE))
        .otherwise(state)
    )


def _answers(run: Retaken) -> pl.Expr:
    """True for rows that stand for one that the run refused, which then is no new one."""
    return _is_refused() & pl.col(NEXT).is_not_null() & ~_is_gone() & (_is_taken() | _is_replaced(run))


def _moved(old: pl.LazyFrame, run: Retaken) -> pl.LazyFrame:
    """The rows in their next state, with what the run says of them. The states themselves stay as they were read."""
    is_kept = _is_replaced(run) & pl.col("mended").is_not_null()
    is_back = _answers(run) & ~is_kept & (_is_as_judged() | ~_is_taken())
    is_closed = pl.col(NEXT).ne(pl.col("state")) & pl.col(NEXT).is_in(["released", "superseded"])
    is_overtaken = is_closed & _is_taken() & ~_is_as_judged() & ~_is_gone()
    is_news = pl.col("state").eq("queued") | pl.col(NEXT).ne(pl.col("state"))
    has_moved = is_closed | (is_back & (is_news | pl.col(REASONS).ne_missing(pl.col("reasons"))))
    by = f"run {run.run_id}"
    told = {state: entry_of(state, by=by, at=run.at) for state in ("released", "superseded")}
    why = pl.struct(reasons=REASONS).struct.json_encode().str.strip_prefix("{")
    refused = pl.concat_str(pl.lit(entry_of("refused", by=by, at=run.at).removesuffix("}") + ", "), why)
    closed = pl.col(NEXT).replace_strict(told, default="")
    trail = pl.concat_list("trail", pl.when(is_back).then(refused).otherwise(closed))
    judged = is_back | (is_closed & _is_taken() & ~_is_gone())
    return old.with_columns(
        pl.when(is_back).then(FAILURE).otherwise("failure").alias("failure"),
        pl.when(is_back).then(REASONS).otherwise("reasons").alias("reasons"),
        pl.when(is_overtaken).then(WAS_MENDED).otherwise("mended").alias("mended"),
        (pl.col("attempts") + judged.cast(pl.Int64)).alias("attempts"),
        pl.when(has_moved).then(trail).otherwise("trail").alias("trail"),
        pl.when(has_moved).then(pl.lit(by)).otherwise("changed_by").alias("changed_by"),
        pl.when(has_moved).then(pl.lit(run.at)).otherwise("changed_at").cast(SCHEMA["changed_at"]).alias("changed_at"),
        pl.col(NEXT).alias("state"),
    ).select(SCHEMA.names())


def _tell_of_overtaken(old: pl.LazyFrame) -> None:
    """Say which rows were changed by somebody while this run, which accepted them, was at work."""
    is_late = _is_taken() & ~_is_as_judged() & ~_is_gone() & pl.col(NEXT).eq("released")
    late = with_id(old.filter(is_late)).select("id", "changed_by").collect(engine="streaming")
    if late.height:
        named = "; ".join(f"{row} by {by}" for row, by in late.head(SHOWN).rows())
        emit(
            "quarantine.overtaken",
            f"{plural(late.height)} changed while this run judged what was there before, released as judged: {named}",
            level="WARNING",
            rows=late.height,
        )
