"""The retail pipelines run in place on two folders, and what they leave in the lake read back as plain values."""

import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import polars as pl
import pytest

from framework.core.report import RunReport
from framework.definition import Pipeline
from framework.definition.load import load_pipelines
from framework.definition.selection import select
from framework.lake import open_table, quarantine
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.settings import Settings
from framework.storage import StorageLocation
from tests.oracle.judging import Row
from tests.oracle.truth import KEYS, Pending, Truth

FLOATS = ("days_between", "ctr", "conversion_rate", "revenue_per_click")


@cache
def retail() -> list[Pipeline]:
    """The nine retail pipelines in the order in which they run."""
    return select(load_pipelines(Settings()), ["retail"])


@dataclass(frozen=True)
class House:
    """A raw folder and a lake, and the moment at which all its runs are planned."""

    root: Path
    now: datetime
    lake_name: str = "lake"
    raw: Path = field(init=False)
    lake: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", self.root / "raw")
        object.__setattr__(self, "lake", self.root / self.lake_name)

    def copy(self, root: Path) -> Self:
        """This house as it is, in another place."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return replace(self, root=root)

    def at(self) -> StorageLocation:
        """The lake as the framework knows it."""
        return StorageLocation(str(self.lake))

    def run(self, *, full: bool = False) -> dict[str, RunReport]:
        """Run all pipelines; gives their reports."""
        space = Workspace(StorageLocation(str(self.raw)), self.at(), now=self.now)
        return {pipeline.name: run_in(pipeline, space, RunRequest(full=full)) for pipeline in retail()}

    def table(self, name: str) -> dict[tuple[Any, ...], Row]:
        """The rows of a table by key; a key that occurs twice is an error."""
        handle = open_table(self.at(), name)
        assert handle is not None, f"there is no table {name}"
        rows = handle.scan().collect().to_dicts()
        found = {tuple(row[column] for column in KEYS[name]): row for row in rows}
        assert len(found) == len(rows), f"{name} has a key twice"
        return found

    def tables(self) -> dict[str, dict[tuple[Any, ...], Row]]:
        """All nine tables."""
        return {name: self.table(name) for name in KEYS}

    def quarantine(self) -> pl.DataFrame:
        """The rows of all quarantine tables, with the pipeline."""
        frames = []
        for name in quarantine.pipelines(self.at()):
            handle = open_table(self.at(), quarantine.table_name(name))
            assert handle is not None
            frames.append(handle.scan().select(pl.lit(name).alias("pipeline"), pl.all()).collect())
        return pl.concat(frames)

    def pending(self) -> list[Pending]:
        """What is open or waiting in the quarantine, sorted."""
        rows = self.quarantine().filter(pl.col("state").is_in(list(quarantine.PENDING)))
        return sorted(rows.select("pipeline", "file", "line", "state").iter_rows(), key=_sortable)

    def data_files(self, table: str) -> dict[tuple[Any, ...], set[str]]:
        """The paths of a table's files by partition."""
        handle = open_table(self.at(), table)
        files: dict[tuple[Any, ...], set[str]] = {}
        for file in handle.files() if handle else []:
            files.setdefault(tuple(value for _, value in file.partition), set()).add(file.path)
        return files

    def everything(self) -> dict[str, tuple[int, int]]:
        """Every file below the lake, with its size and time: what a run that writes nothing leaves as it is."""
        files = (path for path in self.lake.rglob("*") if path.is_file())
        return {str(path.relative_to(self.lake)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def _sortable(row: Pending) -> tuple[str, str, int, str]:
    return row[0], row[1], row[2] or 0, row[3]


def assert_same_rows(table: str, found: dict[tuple[Any, ...], Row], expected: dict[tuple[Any, ...], Row]) -> None:
    """Hold a table against what it must be, value by value; floats by tolerance."""
    assert found.keys() == expected.keys(), f"keys of {table}"
    for key, row in expected.items():
        assert found[key].keys() == row.keys(), f"columns of {table}"
        for column, value in row.items():
            wanted = pytest.approx(value) if column in FLOATS and value is not None else value
            assert found[key][column] == wanted, f"{table} {key}: {column}"


def assert_true(house: House, truth: Truth) -> None:
    """Hold all tables and the pending quarantine against the truth."""
    assert house.pending() == sorted(truth.pending, key=_sortable)
    for table, expected in truth.tables.items():
        assert_same_rows(table, house.table(table), expected)
