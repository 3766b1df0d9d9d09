"""Functions and models that schemas in YAML refer to by name."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from framework.core.clock import run_time

LIMIT = 3


def small(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key) < LIMIT)


def within(data: PolarsData, low: int, high: int) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_between(low, high))


def is_even(value: int) -> bool:
    return value % 2 == 0


class Measured(pa.DataFrameModel):
    """One row per measurement."""

    x: int
    at: pl.Datetime("us", "UTC")

    @pa.check("x", error="must be small")
    def small(cls, data: PolarsData) -> pl.LazyFrame:
        """Large ones are mistakes."""
        return data.lazyframe.select(pl.col(data.key) < cls.largest())

    @pa.check("at", raise_warning=True)
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) <= pl.lit(run_time()))

    @pa.dataframe_check(name="has x", ignore_na=False)
    def has_x(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("x") > 0)

    @classmethod
    def largest(cls) -> int:
        return 5


class Tiny(Measured):
    """The same, with a limit of its own."""

    y: float = pa.Field(nullable=True)

    @classmethod
    def largest(cls) -> int:
        return 2
