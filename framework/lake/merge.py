"""Reconcile staged rows with a table: which files to add and which to remove so that the newest row of each key stays.

Nothing is rewritten that need not be. A staged file becomes a table file as it is unless one of its rows lost; a file
of the table is rewritten only if one of its rows lost, or if its partition has become too fragmented. Keys are compared
by hash first (cheap, over the key column alone), then exactly, over the few rows that share a hash.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import ALTERNATE, FILLED, PROVENANCE, SOURCE_FILE
from framework.lake.delta import DataFile, Reshape, TableHandle, scan_data_files
from framework.lake.stage import StagingArea
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HASH = "_key_hash"
PATH = "_path"
PART = "_part"
NEW = "_is_new"
ROWS_AT_ONCE = 2_000_000
FRAGMENTS = 8
FRAGMENT_BYTES = 8 * 2**20
"""A touched partition that holds more small files than `FRAGMENTS` has them rewritten into one."""


Dropped = dict[str, int]
"""Why staged rows changed nothing, and how many."""


@dataclass(frozen=True)
class Staged:
    """What one commit will do to a table: files to add and to remove, and what became of the staged rows.

    `dropped`: per file that rows came from (empty: not known), those that changed nothing.
    `orphans`: keys whose row came from a file that no longer says so, and for which an older row may hold again: which
    one, only all the files can tell.
    `schema_version`: the version of the registered schema that the table has from this commit on, where it changes.
    """

    handle: TableHandle
    adds: list[DataFile]
    removes: list[DataFile] = field(default_factory=list)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    abandoned: list[DataFile] = field(default_factory=list)
    new_schema: pl.Schema | None = None
    orphans: int = 0
    schema_version: int | None = None

    @property
    def partitions(self) -> set[tuple[tuple[str, str | None], ...]]:
        """The partitions that the commit touches."""
        return {f.partition for f in [*self.adds, *self.removes] if f.partition}


def replace_all(handle: TableHandle, area: StagingArea) -> Staged:
    """Replace the whole table by what was staged, its schema included."""
    return Staged(handle, area.files(), handle.files(), new_schema=area.schema)


def append(handle: TableHandle, area: StagingArea) -> Staged:
    """Add what was staged."""
    return Staged(handle, area.files())


def replace_partitions(handle: TableHandle, area: StagingArea, touched: pl.DataFrame | None = None) -> Staged:
    """Replace partitions: those given (also where nothing was staged for them), or those that were staged."""
    adds = area.files()
    gone = {f.partition for f in adds}
    if touched is not None:
        names = area.partition_by
        rows = touched.select(names).unique().iter_rows()
        gone |= {tuple((n, None if v is None else str(v)) for n, v in zip(names, row, strict=True)) for row in rows}
    return Staged(handle, adds, [f for f in handle.files() if f.partition in gone])


def replace_keys(handle: TableHandle, area: StagingArea, touched: pl.DataFrame) -> Staged:
    """Replace the rows whose values of the touched columns are among those given."""
    staged = area.files()
    names = touched.columns
    existing = handle.files()
    holding = handle.scan_files(existing, PATH).join(touched.lazy(), on=names, how="semi", nulls_equal=True)
    hit = _paths(holding)
    affected = [f for f in existing if handle.location.uri(f.path) in hit]
    if not affected:
        return Staged(handle, staged)
    kept = handle.scan_files(affected).join(touched.lazy(), on=names, how="anti", nulls_equal=True)
    fresh = scan_data_files(area.location, staged, area.schema, area.partition_by)
    written = _again(area).write(pl.concat([kept, fresh]))
    return Staged(handle, written.files(), affected, abandoned=staged)


def merge_newest(
    handle: TableHandle,
    area: StagingArea,
    key: Sequence[str],
    newest_by: Sequence[str],
    *,
    redelivered: Sequence[str] = (),
    afresh: bool = False,
) -> Staged:
    """Merge staged rows by key: of the rows with one key, staged or there, the newest stays.

    Args:
        handle: The table, pinned.
        area: The staged rows.
        key: The columns that identify a row.
        newest_by: The columns that order rows of one key, most important first; provenance decides ties.
        redelivered: Files that were delivered again with other content: what the table has of them is void.
        afresh: Ignore and replace what the table holds.

    `dropped` counts the staged rows that changed nothing, per file that they came from: `duplicate` (another row with
    the key had the same content) and `superseded` (a newer one had other content).
    """
    staged = area.files()
    order = [*newest_by, *(name for name in PROVENANCE if name in area.schema and name not in newest_by)]
    existing = [] if afresh else handle.files()
    fresh = scan_data_files(area.location, staged, area.schema, area.partition_by, PATH)
    # What the table holds is replaced, so its rows are none, in the columns of the new ones.
    there = replace(handle, reshape=Reshape(area.schema)) if afresh else handle
    contested = _contested(there, fresh, staged, existing, list(key))
    void = _void(handle, existing, redelivered)
    if void is not None:
        contested = void if contested is None else pl.concat([contested, void]).unique()
    verdict = _Verdict() if contested is None else _judge(contested, list(key), order, redelivered)
    result = _apply(there, area, staged, existing, verdict, [*key, *order])
    if afresh:
        return Staged(handle, result.adds, handle.files(), verdict.dropped, result.abandoned, area.schema)
    return replace(result, dropped=verdict.dropped, orphans=verdict.orphans)


def _void(handle: TableHandle, existing: list[DataFile], redelivered: Sequence[str]) -> pl.DataFrame | None:
    """The rows that the table has of files delivered again; None when there are none."""
    if not redelivered:
        return None
    near = [f for f in existing if _may_hold(f, SOURCE_FILE, redelivered)]
    rows = handle.scan_files(near, PATH).filter(pl.col(SOURCE_FILE).is_in(list(redelivered)))
    found = rows.with_columns(pl.lit(value=False).alias(NEW)).collect(engine="streaming")
    return None if found.is_empty() else found


def _may_hold(file: DataFile, column: str, values: Sequence[str]) -> bool:
    if column not in file.ranges:
        return True
    low, high = file.ranges[column]
    return any(low <= value <= high for value in values)


def _contested(
    handle: TableHandle, fresh: pl.LazyFrame, staged: list[DataFile], existing: list[DataFile], key: list[str]
) -> pl.DataFrame | None:
    """All rows, staged or there, whose key hash occurs more than once; None when there is no such key."""
    hashed = _hashed(fresh, key)
    twice = _repeated(hashed, sum(f.rows for f in staged))
    near = _overlapping(existing, staged, key[0])
    there = _hashed(handle.scan_files(near, PATH), key)
    if near:
        wanted = hashed.select(HASH).unique()
        met = there.select(HASH, PATH).join(wanted, on=HASH, how="semi").collect(engine="streaming")
        near = [f for f in near if handle.location.uri(f.path) in set(met[PATH])]
        there = _hashed(handle.scan_files(near, PATH), key)
        twice = pl.concat([twice, met.select(HASH)]).unique()
    if twice.is_empty():
        return None
    rows = [
        frame.with_columns(pl.lit(is_new).alias(NEW)).join(twice.lazy(), on=HASH, how="semi")
        for frame, is_new in ((hashed, True), (there, False))
    ]
    return pl.concat(rows).drop(HASH).collect(engine="streaming")


def _hashed(rows: pl.LazyFrame, key: list[str]) -> pl.LazyFrame:
    what = pl.col(key[0]) if len(key) == 1 else pl.struct(key)
    return rows.with_columns(what.hash(seed=0).alias(HASH))


def _repeated(hashed: pl.LazyFrame, rows: int) -> pl.DataFrame:
    """The key hashes that occur more than once, found in as many parts as memory asks for."""
    parts = -(-rows // ROWS_AT_ONCE)
    if parts <= 1:
        return _twice(hashed.select(HASH))
    with tempfile.TemporaryDirectory(prefix="sluice-") as folder:
        place = StorageLocation(folder)
        schema = pl.Schema({HASH: pl.UInt64(), PART: pl.UInt64()})
        StagingArea(place, schema, (PART,)).write(hashed.select(HASH, (pl.col(HASH) % parts).alias(PART))).files()
        found = [_twice(pl.scan_parquet(f"{folder}/{part}/*.parquet")) for part in place.folders()]
    return pl.concat(found)


def _twice(hashes: pl.LazyFrame) -> pl.DataFrame:
    return hashes.group_by(HASH).len().filter(pl.col("len") > 1).select(HASH).collect(engine="streaming")


def _overlapping(existing: list[DataFile], staged: list[DataFile], column: str) -> list[DataFile]:
    """The files whose range of keys meets that of a staged file; a file without a known range meets all."""
    if any(column not in f.ranges for f in staged):
        return existing
    spans = _joined(sorted(f.ranges[column] for f in staged))

    def meets(file: DataFile) -> bool:
        if column not in file.ranges:
            return True
        low, high = file.ranges[column]
        return any(low <= until and since <= high for since, until in spans)

    return [f for f in existing if meets(f)]


def _joined(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for low, high in spans:
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined


@dataclass(frozen=True)
class _Verdict:
    """The rows that lose, which staged rows changed nothing and why, and how many keys have lost their row.

    `tied`: rows that stay though nothing but their place in the file tells them from a losing one.
    """

    losers: pl.DataFrame | None = None
    tied: pl.DataFrame | None = None
    dropped: dict[str, Dropped] = field(default_factory=dict)
    orphans: int = 0


def _judge(contested: pl.DataFrame, key: list[str], order: list[str], redelivered: Sequence[str]) -> _Verdict:
    """Decide who stays: of each key the newest row that is not void; one of an alternate source is never newer."""
    content = [n for n in contested.columns if n not in {*PROVENANCE, NEW, PATH}]
    is_void = ~pl.col(NEW) & pl.col(SOURCE_FILE).is_in(list(redelivered)) if redelivered else pl.lit(value=False)
    marks = pl.col(FILLED) if FILLED in content else pl.lit(None, dtype=pl.String)
    is_own = ~marks.str.starts_with(ALTERNATE).fill_null(value=False)
    by_age = contested.with_columns(_void=is_void, _own=is_own).sort([*key, "_own", *order, NEW], nulls_last=False)
    ranked = (
        by_age.with_columns(_age=pl.int_range(pl.len()).over(key))
        .sort([*key, ~pl.col("_void"), "_age"], nulls_last=False)
        .with_columns(_rank=pl.int_range(pl.len()).over(key), _last=pl.len().over(key) - 1)
    )
    is_copy = pl.col(NEW) & (
        (~pl.col(NEW)).any().over(content) | (pl.col("_rank") > pl.col("_rank").min().over(content))
    )
    has_lost = (pl.col("_rank") < pl.col("_last")) | pl.col("_void")
    judged = ranked.with_columns(_copy=is_copy, _lost=has_lost, _content_stays=(~has_lost).any().over(content))
    is_older = pl.col(NEW) & ~pl.col("_content_stays") & ~pl.col("_copy")
    dropped = _count_dropped(judged.filter(pl.col("_copy") | is_older))
    # A void row whose key has no newer one now may have hidden an older one, of a file that is not read in this run.
    orphaned = judged.group_by(key).agg(
        pl.col("_age").filter("_void").max().alias("void"), pl.col("_age").filter(~pl.col("_void")).max().alias("now")
    )
    orphans = orphaned.filter(pl.col("void").is_not_null() & (pl.col("void") > pl.col("now").fill_null(-1))).height
    losers = judged.filter("_lost").select(contested.columns)
    identity = [*dict.fromkeys([*key, *order]), PATH]
    stay = judged.filter(~pl.col("_lost")).select(contested.columns)
    tied = stay.join(losers.select(identity), on=identity, how="semi", nulls_equal=True)
    return _Verdict(losers, tied, dropped, orphans)


def _count_dropped(rows: pl.DataFrame) -> dict[str, Dropped]:
    """Count rows that changed nothing, per file and reason."""
    file = pl.col(SOURCE_FILE) if SOURCE_FILE in rows.columns else pl.lit("")
    counted = rows.group_by(file.alias("file")).agg(
        duplicate=pl.col("_copy").sum(), superseded=(~pl.col("_copy")).sum()
    )
    return {
        path or "": {name: count for name, count in (("duplicate", copies), ("superseded", older)) if count}
        for path, copies, older in counted.sort("file").iter_rows()
    }


def _apply(
    handle: TableHandle,
    area: StagingArea,
    staged: list[DataFile],
    existing: list[DataFile],
    verdict: _Verdict,
    identity: list[str],
) -> Staged:
    """Rewrite the files that hold losing rows, and those of fragmented partitions, without the losing rows."""
    losers = verdict.losers
    hit = set() if losers is None else set(losers[PATH])
    fragments = _fragments(staged, existing)
    old = [f for f in existing if handle.location.uri(f.path) in hit or f.path in fragments]
    new = [f for f in staged if area.location.uri(f.path) in hit or f.path in fragments]
    if not old and not new:
        return Staged(handle, staged)
    rows = [
        scan_data_files(area.location, new, area.schema, area.partition_by, PATH),
        handle.scan_files(old, PATH),
    ]
    kept = pl.concat(rows)
    if losers is not None:
        on = [*dict.fromkeys(identity), PATH]
        kept = kept.join(losers.lazy().select(on), on=on, how="anti", nulls_equal=True)
    if verdict.tied is not None and not verdict.tied.is_empty():
        kept = pl.concat([kept, verdict.tied.lazy().select(kept.collect_schema().names())])
    rewritten = _again(area).write(kept.drop(PATH)).files()
    untouched = [f for f in staged if f not in new]
    return Staged(handle, [*untouched, *rewritten], old, abandoned=new)


def _fragments(staged: list[DataFile], existing: list[DataFile]) -> set[str]:
    """The small files, old and new, of touched partitions that hold too many of them."""
    touched = {f.partition for f in staged}
    small: dict[tuple[tuple[str, str | None], ...], list[str]] = {}
    for file in [*existing, *staged]:
        if file.partition in touched and file.size < FRAGMENT_BYTES:
            small.setdefault(file.partition, []).append(file.path)
    return {path for paths in small.values() if len(paths) > FRAGMENTS for path in paths}


def _again(area: StagingArea) -> StagingArea:
    return StagingArea(area.location, area.schema, area.partition_by)


def _paths(rows: pl.LazyFrame) -> set[str]:
    return set(rows.select(PATH).unique().collect(engine="streaming")[PATH])


def abandoned_files(staged: Staged) -> Iterator[DataFile]:
    """Files that were staged, rewritten, and are part of no commit that was ever tried: safe to delete."""
    used = {f.path for f in staged.adds}
    return (f for f in staged.abandoned if f.path not in used)
