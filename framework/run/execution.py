"""Run plans: the one place where rows begin to move, with readers that hold little at a time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from framework.run.node_metrics import on_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCKS = {"POLARS_CSV_CHUNK_SIZE": str(2**20), "POLARS_ROW_GROUP_PREFETCH_SIZE": "2"}
"""CSV is cut into blocks of 1 MiB, a third of the memory at no cost in time; few row groups of Parquet wait."""


def execute(sinks: Sequence[pl.LazyFrame], names: Sequence[str] = ()) -> None:
    """Run lazy sinks as one plan on the streaming engine: what they share is read and computed once.

    `names`: what people call them, where the nodes of the plan are measured.
    """
    with small_blocks(), on_engine(names) as engine:
        pl.collect_all(list(sinks), engine=engine)


def look_again(plan: pl.LazyFrame) -> pl.DataFrame:
    """Take a second look, for a rule over all rows: at columns that were set aside while the rows passed."""
    return plan.collect(engine="streaming")


@contextmanager
def small_blocks() -> Iterator[None]:
    """Let Polars read in small pieces within the block. Variables that are set already win."""
    missing = {name: value for name, value in BLOCKS.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]
