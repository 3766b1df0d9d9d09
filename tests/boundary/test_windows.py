"""Rules over many rows: uniqueness, order and gaps per key quarantine rows, wherever their files were cut."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from tests.boundary.checking import hold


class Reading(pa.DataFrameModel):
    meter: str
    hour: int
    value: int = pa.Field(nullable=True)

    @pa.check("hour", error="must come after the reading before it")
    def in_order(cls, data: PolarsData) -> pl.LazyFrame:
        hour = pl.col(data.key)
        return data.lazyframe.select(hour > hour.shift(1).over("meter"))

    @pa.check("hour", error="must be within 2 hours of the reading before it")
    def without_gaps(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).diff().over("meter") <= 2)

    class Config:
        unique = ("meter", "hour")


def readings(*rows: tuple[str, object]) -> pl.DataFrame:
    return pl.DataFrame({"meter": [m for m, _ in rows], "hour": [str(h) for _, h in rows], "value": "1"})


def test_order_gaps_and_uniqueness_per_key_across_files():
    first = readings(("a", 1), ("b", 7), ("a", 2))
    second = readings(("a", 6), ("b", 8), ("b", 8), ("a", 5)).with_columns(pl.col("hour").cast(pl.Int32))
    outcome = hold(Reading, first, second)
    assert outcome.accepted.select("meter", "hour").rows() == [("a", 1), ("b", 7), ("a", 2)]
    assert {reason: n for reason, n in outcome.tally.broken.items() if n} == {
        "hour: must come after the reading before it": 2,
        "hour: must be within 2 hours of the reading before it": 1,
        "meter, hour: must be unique together": 2,
    }


def test_row_whose_key_cannot_be_read_is_told_just_that():
    outcome = hold(Reading, readings(("a", 1), ("a", "x"), ("a", "y")))
    assert outcome.reasons == {2: ["hour: must be a whole number"], 3: ["hour: must be a whole number"]}
