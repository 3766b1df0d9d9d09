"""Sale lines that a rule refuses, and the same pipeline without the rule: a replay held against a load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from framework import Pipeline, csv_files, table
from framework.core.typed import DataFrameModel
from framework.lake.quarantine import Selection
from framework.run.flow import run_in
from framework.run.quarantine.masking import schemas_of
from framework.run.quarantine.replay import queue
from framework.run.quarantine.rows import Desk
from framework.run.request import RunRequest

if TYPE_CHECKING:
    from pathlib import Path

    from framework.run.workspace import Workspace

ROWS = 100_000


class Sale(DataFrameModel):
    """A sale line. One row per line."""

    id: str
    product: str
    quantity: int = pa.Field(gt=0)
    price: float = pa.Field(ge=0)
    note: str = pa.Field(nullable=True)


class FewSale(Sale):
    """A sale line of a few pieces, which none of those below is."""

    quantity: int = pa.Field(gt=0, lt=10)


def write_sales(folder: Path) -> None:
    """Write one CSV file of sale lines of ten pieces or more."""
    (folder / "sales").mkdir(parents=True, exist_ok=True)
    n = pl.int_range(ROWS)
    lines = pl.select(
        id=pl.format("S{}", n),
        product=pl.format("P{}", n % 500),
        quantity=n % 50 + 10,
        price=(n % 9973) / 100,
        note=pl.format("note {}", n % 997),
    )
    lines.write_csv(folder / "sales" / "sales.csv")


def load(space: Workspace, *, strict: bool) -> None:
    """Take the lines in."""
    report = run_in(_pipeline(FewSale if strict else Sale), space, RunRequest())
    _require(report.sources["sales"].quarantined if strict else report.sources["sales"].accepted)


def replay(space: Workspace) -> None:
    """Have the refused lines judged again by the rules that refuse none."""
    pipeline = _pipeline(Sale)
    queue(Desk(pipeline.name, space, pipeline, schemas_of(pipeline)), Selection(), by="benchmarks")
    _require(run_in(pipeline, space, RunRequest()).sources["sales"].released)


def _pipeline(schema: type[DataFrameModel]) -> Pipeline:
    source = csv_files("sales/*.csv", schema=schema)
    output = table("sales", of="sales", mode="merge", key="id")
    return Pipeline("bench.sales", sources={"sales": source}, outputs=[output])


def _require(rows: int) -> None:
    if rows != ROWS:
        raise SystemExit(f"{rows} lines instead of {ROWS}")
