"""A table of shops whose schema changes: a workspace, pipelines that declare it, and files that feed it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.lake import TableHandle, open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from framework.core.report import RunReport

TABLE = "shops"


def workspace(folder: Path, *readers: Pipeline) -> Workspace:
    (folder / "raw").mkdir(exist_ok=True)
    raw, lake = (StorageLocation(str(folder / name)) for name in ("raw", "lake"))
    return Workspace(raw, lake, pipelines=lambda: readers)


def shops(schema: Any, mode: str = "append", **options: Any) -> Pipeline:
    options = {"key": "shop", **options} if mode == "merge" else options
    output = table(TABLE, of="rows", mode=mode, **options)
    return Pipeline("t.shops", sources={"rows": csv_files("*.csv", schema=schema)}, outputs=[output])


def reader(schema: Any, returns: Any, build: Any, name: str = "t.reader") -> Pipeline:
    """A pipeline that reads the table in one step."""

    def summary(shops: LazyFrame[schema]) -> pl.LazyFrame:
        return build(shops)

    summary.__annotations__ = {"shops": LazyFrame[schema], "return": pl.LazyFrame}
    made = step(returns=returns)(summary)
    return Pipeline(
        name, sources={"shops": delta_table(TABLE)}, steps=[made], outputs=[table("summary", of=made, mode="overwrite")]
    )


def deliver(space: Workspace, name: str, *lines: str) -> None:
    path = Path(space.raw.uri(name))
    path.write_text("\n".join(lines) + "\n")
    at = 1_700_000_000 + sum(name.encode())
    os.utime(path, (at, at))


def run(pipeline: Pipeline, space: Workspace, *, full: bool = False) -> RunReport:
    return run_in(pipeline, space, RunRequest(full=full))


def opened(space: Workspace, version: int | None = None) -> TableHandle:
    found = open_table(space.lake, TABLE, version)
    assert found is not None
    return found


def rows(space: Workspace, version: int | None = None) -> list[dict[str, Any]]:
    """The rows of the table, without where they came from, by shop."""
    found = opened(space, version).scan().collect()
    return found.select(n for n in found.columns if not n.startswith("_source")).sort("shop").to_dicts()


def everything(space: Workspace) -> dict[str, bytes]:
    """All files of the lake."""
    root = Path(space.lake.root)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
