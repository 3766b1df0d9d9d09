"""What must hold of a lake after any history, read from its bare files: logs, Parquet footers, plans, manifests.

Nothing of the framework is used here, so that no mistake of its can hide itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable

from tests.torture.deliveries import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Rows = Counter[tuple[Any, ...]]
State = dict[str, Rows]
TABLES = {
    "retail.products": ["_quarantine/retail.products", "retail/products"],
    "retail.sales": ["_quarantine/retail.sales", "retail/sales"],
    "retail.daily_sales": ["retail/daily_sales"],
    "torture.events": ["_quarantine/torture.events", "torture/told", "torture/latest"],
    "torture.kept": ["_quarantine/torture.kept", "torture/kept", "torture/kept_latest"],
}
"""The tables of each pipeline."""
EXPORTS = {"retail.daily_sales": "retail/daily_sales.json"}
"""The files that pipelines make of their only table."""
QUARANTINED = ["source", "file", "file_time", "line", "reasons", "raw", "state"]
PENDING = {"open", "waiting"}


@dataclass(frozen=True)
class Table:
    """One table as its log tells it."""

    lake: Path
    name: str
    entries: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Its folder."""
        return self.lake / self.name

    def actions(self, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """All actions of a kind with the version that made them, in order."""
        for version in sorted(self.entries):
            yield from ((version, entry[kind]) for entry in self.entries[version] if kind in entry)

    @cached_property
    def rows(self) -> dict[str, Rows]:
        """The rows of every data file that was ever added; a file that is gone has none."""
        return {add["path"]: self._read(add) for _, add in self.actions("add")}

    def _read(self, add: dict[str, Any]) -> Rows:
        path = self.root / unquote(add["path"])
        if not path.exists():
            return Counter()
        values = [pl.lit(value).alias(name) for name, value in add["partitionValues"].items()]
        frame = pl.read_parquet(path, hive_partitioning=False).with_columns(values)
        if self.name.startswith("_quarantine/"):
            frame = frame.filter(pl.col("state").is_in(PENDING)).select(QUARANTINED)
        shown = frame.select(sorted(frame.columns)).rows()
        return Counter(tuple(tuple(v) if isinstance(v, list) else v for v in row) for row in shown)

    def states(self) -> list[Rows]:
        """Its rows at every version, from 0 on."""
        active: list[set[str]] = list(accumulate(sorted(self.entries), self._after, initial=set()))[1:]  # type: ignore[arg-type]
        return [sum((self.rows[path] for path in sorted(paths)), Counter()) for paths in active]

    def _after(self, paths: set[str], version: int) -> set[str]:
        gone = {e["remove"]["path"] for e in self.entries[version] if "remove" in e}
        return (paths - gone) | {e["add"]["path"] for e in self.entries[version] if "add" in e}


def read_table(lake: Path, name: str) -> Table:
    """Read the log of a table; one that is not there has no entries."""
    logs = (lake / name / "_delta_log").glob("*.json")
    return Table(lake, name, {int(p.stem): [json.loads(line) for line in p.read_text().splitlines()] for p in logs})


def state_of(lake: Path) -> State:
    """The rows of every table at its newest version, of a quarantine what is pending."""
    names = [name for tables in TABLES.values() for name in tables]
    return {name: (read_table(lake, name).states() or [Counter()])[-1] for name in names}


def check_history(
    lake: Path,
    grid: Sequence[State],
    *,
    is_finished: bool,
    pipelines: Sequence[str] = tuple(TABLES),
    gridded: Sequence[str] | None = None,
) -> list[str]:
    """Name everything that is wrong with a lake; an empty list is a sound one.

    Args:
        lake: Its folder.
        grid: The states that its tables may be in: one per number of deliveries, from none to all.
        is_finished: Every sequence has come to its end, and the last state must be reached.
        pipelines: The pipelines whose tables are looked at.
        gridded: The tables whose every version must be one of these states, in their order (default: all).
    """
    found: list[str] = []
    for pipeline in pipelines:
        tables = [read_table(lake, name) for name in TABLES[pipeline]]
        for table in tables:
            found += _check_log(table, pipeline)
            found += _check_files(table)
            states = table.states()
            found += _check_keys(table, states)
            if gridded is None or table.name in gridded:
                found += _check_visible(table, states, [state[table.name] for state in grid])
            if is_finished:
                found += _differences(table.name, (states or [Counter()])[-1], grid[-1][table.name])
        found += _check_plans(lake, pipeline, tables, is_finished=is_finished)
        if pipeline in EXPORTS:
            found += _check_export(lake / "_exports" / EXPORTS[pipeline], tables[0], is_finished=is_finished)
    return found


def _check_export(path: Path, table: Table, *, is_finished: bool) -> Iterator[str]:
    """A file is whole and shows one version of its table; of a finished history, the newest."""
    if not path.exists():
        if is_finished:
            yield f"export: {path.name} is not there"
        return
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        yield f"export: {path.name} is torn: {error}"
        return
    version = document["version"]
    if is_finished and version != max(table.entries):
        yield f"export: {path.name} shows version {version} of {table.name}, which is at {max(table.entries)}"
    shown = Counter(tuple(str(row[name]) for name in sorted(row)) for row in document["records"])
    exported = Counter[tuple[str, ...]]()
    for row, n in table.states()[version].items():
        exported[tuple(str(float(v) if isinstance(v, Decimal) else v) for v in row)] += n
    if shown != exported:
        yield f"export: {path.name} does not show version {version} of {table.name}"


def _check_log(table: Table, pipeline: str) -> Iterator[str]:
    versions = sorted(table.entries)
    if versions != list(range(len(versions))):
        yield f"log: {table.name} has versions {versions}"
    for version in versions:
        try:
            DeltaTable(table.root, version=version).get_add_actions()
        except Exception as error:  # noqa: BLE001 - whatever it raises, it does not open
            yield f"log: {table.name} does not open at version {version}: {error}"
    app = f"sluice/{pipeline}/{table.name}"
    sequences = [txn["version"] for _, txn in table.actions("txn") if txn["appId"] == app]
    if sequences != list(range(1, len(sequences) + 1)):
        yield f"txn: {table.name} went through {sequences}"
    if len(sequences) != max(len(versions) - 1, 0):
        yield f"txn: {table.name} has {len(versions) - 1} commits and {len(sequences)} transactions"


def _check_files(table: Table) -> Iterator[str]:
    paths = Counter(add["path"] for _, add in table.actions("add"))
    yield from (f"file: {table.name} adds {path} {n} times" for path, n in paths.items() if n > 1)
    for _, add in table.actions("add"):
        path = table.root / unquote(add["path"])
        if not path.exists():
            yield f"missing: {table.name} has lost {add['path']}"
            continue
        rows = json.loads(add["stats"])["numRecords"]
        if path.stat().st_size != add["size"]:
            yield f"file: {table.name}: {add['path']} has {path.stat().st_size} bytes, the log says {add['size']}"
        elif pq.read_metadata(path).num_rows != rows:
            yield f"file: {table.name}: {add['path']} does not have {rows} rows"


def _check_keys(table: Table, states: list[Rows]) -> Iterator[str]:
    key = KEYS.get(table.name)
    if key is None or not states:
        return
    fields = json.loads(next(meta for _, meta in table.actions("metaData"))["schemaString"])["fields"]
    names = sorted(f["name"] for f in fields)
    places = [names.index(name) for name in key]
    for version, rows in enumerate(states):
        keys = Counter[tuple[Any, ...]]()
        for row, n in rows.items():
            keys[tuple(row[place] for place in places)] += n
        twice = [k for k, n in keys.items() if n > 1]
        if twice:
            yield f"duplicated: {table.name} version {version} holds {len(twice)} keys twice, such as {twice[0]}"


def _check_visible(table: Table, states: list[Rows], allowed: list[Rows]) -> Iterator[str]:
    """Every version is a state that a run without faults passes through, and none comes after a later one."""
    at = 0
    for version, rows in enumerate(states):
        place = next((i for i in range(at, len(allowed)) if allowed[i] == rows), None)
        if place is None:
            yield f"torn: {table.name} version {version} is no state of a run without faults after state {at}"
        else:
            at = place


def _differences(name: str, found: Rows, expected: Rows) -> Iterator[str]:
    if lost := expected - found:
        yield f"lost: {name} lacks {lost.total()} rows, such as {next(iter(lost))}"
    if more := found - expected:
        yield f"surplus: {name} has {more.total()} rows too many, such as {next(iter(more))}"


def _check_plans(lake: Path, pipeline: str, tables: list[Table], *, is_finished: bool) -> Iterator[str]:
    plans, manifests = (_documents(lake / "_sluice" / pipeline / folder) for folder in ("plans", "runs"))
    for what, documents in (("plans", plans), ("manifests", manifests)):
        if sorted(documents) != list(range(1, len(documents) + 1)):
            yield f"plan: {pipeline} has {what} {sorted(documents)}"
    if len(plans) not in ({len(manifests)} if is_finished else {len(manifests), len(manifests) + 1}):
        yield f"plan: {pipeline} has {len(plans)} plans and {len(manifests)} manifests"
    planned = Counter(
        file["path"] for plan in plans.values() for given in plan["inputs"].values() for file in given.get("files", [])
    )
    yield from (f"plan: {pipeline} covers {path} {n} times" for path, n in planned.items() if n > 1)
    for table in tables:
        positions = [(version, txn) for version, txn in table.actions("txn") if txn["appId"].startswith("sluice/")]
        commits = {version: txn["version"] for version, txn in positions}
        if max(commits.values(), default=0) > len(plans):
            yield f"plan: {table.name} is at sequence {max(commits.values())}, which was never planned"
        for seq, manifest in manifests.items():
            version = manifest["tables"].get(table.name)
            if commits.get(version) != seq:
                yield f"manifest: {pipeline} {seq} names {table.name} version {version}, which is not of it"


def _documents(folder: Path) -> dict[int, dict[str, Any]]:
    return {int(path.stem): json.loads(path.read_text()) for path in folder.glob("[0-9]*.json")}
