"""A pipeline of two hundred steps over a table: what a plan has to look at before it can say that nothing is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from framework import LazyFrame, Pipeline, delta_table, parquet_files, step, table
from framework.core.typed import DataFrameModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = 200
BRANCHES = 50
"""Every so many steps the rows meet older ones. More often, and the plan of the run itself would double too often."""


class Reading(DataFrameModel):
    """A meter's reading. One row per meter and day."""

    meter: int = pa.Field(ge=0)
    day: pl.Date
    channel: str = pa.Field(isin=["gas", "water", "power"])
    amount: float = pa.Field(ge=0)


ROWS = Pipeline(
    "bench.rows",
    sources={"readings": parquet_files("readings.parquet", schema=Reading)},
    outputs=[table("bench/readings", of="readings")],
)


def write_readings(folder: Path) -> None:
    """Write a few readings: a plan reads none of them."""
    n = pl.col("n")
    rows = pl.select(n=pl.int_range(1_000)).select(
        meter=n % 50,
        day=pl.date(2024, 1, 1) + pl.duration(days=n // 50),
        channel=pl.lit("gas"),
        amount=n.cast(pl.Float64),
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(folder / "readings.parquet")


def many_steps() -> Pipeline:
    """Two hundred steps, each behind the one before, some also behind an older one."""
    names = ["readings", *(f"step_{number}" for number in range(STEPS))]
    steps = [_step(number, names) for number in range(STEPS)]
    return Pipeline(
        "bench.steps",
        sources={"readings": delta_table("bench/readings")},
        steps=steps,
        outputs=[table("bench/steps", of=names[-1])],
    )


def _step(number: int, names: list[str]) -> Callable[..., pl.LazyFrame]:
    before = [names[number]]
    if number % BRANCHES == BRANCHES - 1:
        before.append(names[number - BRANCHES + 1])

    def build(*rows: pl.LazyFrame) -> pl.LazyFrame:
        large = rows[0].filter(pl.col("amount") >= number / STEPS)
        scaled = large.with_columns(amount=pl.col("amount") * 1.01, channel=pl.col("channel").str.to_lowercase())
        return scaled.join(rows[1], on=["meter", "day"], how="semi") if len(rows) > 1 else scaled

    build.__name__ = names[number + 1]
    named = dict.fromkeys(before, LazyFrame[Reading])
    text = f"def {build.__name__}({', '.join(before)}):\n    return build({', '.join(before)})"
    made: dict[str, Callable[..., pl.LazyFrame]] = {}
    exec(text, {"build": build}, made)
    function = made[build.__name__]
    function.__annotations__ = named
    return step(returns=Reading)(function)
