"""Sale lines with the number of each among those of its customer, kept by a checkpoint, and a table made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pandera.polars as pa
import polars as pl

from framework import LazyFrame, Pipeline, parquet_files, step, table
from framework.core.typed import DataFrameModel
from framework.run.flow import run_in
from framework.run.request import RunRequest

if TYPE_CHECKING:
    from framework.run.workspace import Workspace


class Sale(DataFrameModel):
    """A sale line. One row per line."""

    transaction_id: str
    store_id: str
    customer_id: str
    quantity: int = pa.Field(ge=0)
    transaction_timestamp: Annotated[pl.Datetime, "us", "UTC"]


class Numbered(Sale):
    """A sale line with its number among those of its customer."""

    number: int = pa.Field(gt=0)


class Repeated(DataFrameModel):
    """What a store sells to customers who have bought before. One row per store."""

    store_id: str
    lines: int


@step(returns=Numbered, checkpoint=True)
def numbered(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    """Number the lines of each customer in the order of time."""
    order = pl.col("transaction_timestamp").rank("ordinal").over("customer_id").cast(pl.Int64)
    return sales.with_columns(number=order)


@step(returns=Repeated)
def repeated(numbered: LazyFrame[Numbered]) -> pl.LazyFrame:
    """Count the lines of customers who have bought before."""
    again = numbered.filter(pl.col("number") > 1)
    return again.group_by("store_id").agg(lines=pl.len().cast(pl.Int64))


PIPELINE = Pipeline(
    "bench.repeated",
    sources={"sales": parquet_files("sales/*.parquet")},
    steps=[numbered, repeated],
    outputs=[table("repeated", of=repeated)],
)


def rebuild(space: Workspace, *, state: str) -> None:
    """Rebuild the table; its checkpoint must be `computed` or `reused`."""
    found = run_in(PIPELINE, space, RunRequest(full=True)).stages["numbered"]
    if found.state != state:
        raise SystemExit(f"the checkpoint is {found.state} instead of {state}")
