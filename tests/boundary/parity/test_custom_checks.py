"""Checks that authors write, on columns and frames, on rows and windows of rows, against Pandera row by row."""

# ruff: noqa: TC002 - Pandera is imported where checks are made

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import pandera.polars as pa
import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.api.polars.types import PolarsData

from tests.boundary.parity.judging import pandera_says, sluice_says

pytestmark = pytest.mark.drawn(2)

FLOATS = (0.0, 0.5, -1.0, 2.0, float("nan"))
TABLE = {
    "key": (pl.String(), ("a", "b", "c")),
    "x": (pl.Int64(), (-2, 0, 1, 2, 3, 5)),
    "y": (pl.Int64(), (0, 1, 2)),
    "rate": (pl.Float64(), FLOATS),
}
ROWS = {
    "compares columns": pl.col("x") >= pl.col("y"),
    "asks for a condition": pl.when(pl.col("key") == "a").then(pl.col("x") > 0),
    "all columns": pl.all().is_not_null(),
    "two columns": pl.col("x", "y") >= 1,
    "numbers": cs.integer() > 0,
    "numbers, but one": (cs.numeric() - cs.by_name("rate")) > 0,
    "columns by pattern": pl.col("^(x|y)$") < 3,
    "all but some": pl.exclude("key", "rate") < 3,
    "across columns": pl.all_horizontal(cs.integer() >= 0),
    "any of the columns": pl.any_horizontal(pl.col("x", "y") > 2),
    "sum of columns": pl.sum_horizontal(cs.integer()) > 2,
    "struct of columns": pl.struct(cs.integer()).struct.field("x") > 0,
    "first column": pl.first() != "b",
    "constant": pl.col("x").is_null() | True,
}
WINDOWS = {
    "order per key": (pl.col("x") >= pl.col("x").shift(1).over("key")),
    "gaps per key": pl.col("x").diff().over("key").abs() <= 3,
    "unique by expression": pl.len().over(pl.col("x") % 3, "key") == 1,
    "first per key": pl.col("x").cum_count().over("key") <= 3,
    "share of its key": pl.col("y") * 2 <= pl.col("y").sum().over("key"),
    "above the mean": pl.col("x") >= pl.col("x").mean(),
    "running total": pl.col("y").cum_sum() < 20,
    "not repeated": pl.col("x").is_first_distinct(),
    "rank": pl.col("y").rank("dense").over("key") <= 2,
}


def tables(largest: int = 60) -> st.SearchStrategy[pl.DataFrame]:
    def made(seed: int, size: int) -> pl.DataFrame:
        chance = Random(seed)
        return pl.DataFrame(
            {name: [chance.choice((*values, None)) for _ in range(size)] for name, (_, values) in TABLE.items()},
            schema={name: dtype for name, (dtype, _) in TABLE.items()},
        )

    return st.builds(made, st.integers(0, 2**32), st.integers(1, largest))


def schema_of(*checks: pa.Check, column: str | None = None, **column_checks: Any) -> pa.DataFrameSchema:
    declared = {
        name: pa.Column(dtype, nullable=True, checks=list(checks) if name == column else column_checks.get(name))
        for name, (dtype, _) in TABLE.items()
    }
    return pa.DataFrameSchema(declared, checks=None if column else list(checks))


def asking(expression: pl.Expr, **options: Any) -> pa.Check:
    def ask(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(expression)

    return pa.Check(ask, **options)


@pytest.mark.parametrize("ignore_na", [True, False])
@pytest.mark.parametrize("name", ROWS)
@given(frame=tables())
def test_check_of_rows(name, ignore_na, frame):
    schema = schema_of(asking(ROWS[name], ignore_na=ignore_na))
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@pytest.mark.parametrize("column", [None, "y"])
@pytest.mark.parametrize("name", WINDOWS)
@given(frame=tables(), cut=st.floats(0, 1))
def test_check_of_windows_sees_all_parts(name, column, frame, cut):
    schema = schema_of(asking(WINDOWS[name]), column=column)
    head = frame.height - int(cut * frame.height)
    parts = [part for part in (frame.head(head), frame.tail(frame.height - head)) if part.height]
    assert sluice_says(schema, *parts) == pandera_says(schema, frame)


@given(frame=tables())
def test_several_checks_of_all_kinds_at_once(frame):
    one = asking(ROWS["compares columns"])
    schema = schema_of(
        one, asking(WINDOWS["order per key"]), x=[pa.Check.gt(0), pa.Check.lt(5)], key=[pa.Check.ne("b")]
    )
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@pytest.mark.parametrize("ignore_na", [True, False])
@given(frame=tables())
def test_element_wise_check(ignore_na, frame):
    schema = schema_of(pa.Check(lambda x: x % 2 == 0, element_wise=True, ignore_na=ignore_na), column="x")
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(frame=tables())
def test_check_with_arguments(frame):
    def within(data: PolarsData, low: int, high: int) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).is_between(low, high))

    with_arguments = pa.Check(within, low=0, high=2, name="within")
    registered = pa.Check(partial(within, low=0, high=2), name="within")  # what Pandera's registrar makes
    schema = schema_of(with_arguments, registered, column="x")
    assert sluice_says(schema, frame) == pandera_says(schema, frame)
