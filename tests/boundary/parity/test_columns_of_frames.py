"""Columns that are optional, missing, filled, matched by a pattern or nested, against Pandera row by row."""

from __future__ import annotations

from random import Random

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.boundary.parity.judging import HALF, pandera_says, sluice_says
from tests.boundary.parity.kinds import FLOATS, KINDS, NESTED, column, declared_type, tables

pytestmark = pytest.mark.drawn(2)

SEEDS = st.integers(0, 2**32)
FILLED = {"Int64": 3, "Float64": 0.5, "String": "a", "Boolean": True, "Decimal": KINDS["Decimal"].values[3]}


def ints(seed: int, *names: str, size: int = 60) -> pl.DataFrame:
    chance = Random(seed)
    return pl.DataFrame([column(KINDS["Int64"], size, chance).alias(name) for name in names])


@pytest.mark.parametrize("name", NESTED)
@HALF
@given(seed=SEEDS, nullable=st.booleans(), data=st.data())
def test_nested_columns(name, nullable, seed, data):
    kind = NESTED[name]
    frame = pl.DataFrame([column(kind, 60, Random(seed)).alias("n")])
    schema = pa.DataFrameSchema({"n": pa.Column(kind.dtype, nullable=nullable)})
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(seed=SEEDS)
def test_checks_on_what_is_nested(seed):
    chance = Random(seed)
    frame = pl.DataFrame(
        [column(NESTED["List"], 60, chance).alias("l"), column(NESTED["Struct"], 60, chance).alias("s")]
    )
    schema = pa.DataFrameSchema(
        {
            "l": pa.Column(
                pl.List(pl.Int64),
                pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).list.len() < 2)),
                nullable=True,
            ),
            "s": pa.Column(
                pl.Struct({"x": pl.Int64, "y": pl.String}),
                pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).struct.field("x") > 1), ignore_na=False),
                nullable=True,
            ),
        }
    )
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@pytest.mark.parametrize("is_there", [True, False])
@given(seed=SEEDS)
def test_optional_column(is_there, seed):
    checks = [pa.Check.gt(0), pa.Check.ne(1, ignore_na=False)]
    schema = pa.DataFrameSchema(
        {"a": pa.Column(int, nullable=True), "b": pa.Column(int, checks, required=False, unique=True)}
    )
    frame = ints(seed, *("ab" if is_there else "a"))
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(seed=SEEDS, columns=st.sets(st.sampled_from(["v_1", "v_2", "v_30", "other"])))
def test_columns_matched_by_a_pattern(seed, columns):
    own = pa.Column(int, pa.Check.lt(5), nullable=True)
    schema = pa.DataFrameSchema(
        {"^v_.+$": pa.Column(int, pa.Check.gt(0), regex=True, required=False, nullable=True, unique=True), "v_2": own}
    )
    frame = ints(seed, "v_2", *sorted(columns - {"v_2"}))
    assert sluice_says(schema, frame, columns=frame.columns) == pandera_says(schema, frame)


@pytest.mark.parametrize("name", FILLED)
@HALF
@given(data=st.data())
def test_default_takes_the_place_of_what_is_missing(name, data):
    schema, frame = data.draw(tables(KINDS[name]))
    schema.columns["a"].default = FILLED[name]
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(seed=SEEDS)
def test_missing_columns_are_added(seed):
    schema = pa.DataFrameSchema(
        {
            "a": pa.Column(int, pa.Check.gt(0), nullable=True),
            "b": pa.Column(int, pa.Check.gt(0), default=1),
            "c": pa.Column(float, pa.Check.gt(0), nullable=True),
        },
        add_missing_columns=True,
    )
    frame = ints(seed, "a")
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(seed=SEEDS, strict=st.sampled_from([False, "filter"]))
def test_columns_beyond_the_schema(seed, strict):
    schema = pa.DataFrameSchema({"a": pa.Column(int, pa.Check.gt(0))}, strict=strict)
    frame = ints(seed, "b", "a")
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(seed=SEEDS, nullable=st.booleans())
def test_missing_number_in_a_column_that_must_not_be_empty(seed, nullable):
    frame = pl.DataFrame([column(KINDS["Float64"], 60, Random(seed)).alias("x")])
    assert set(FLOATS) & set(frame["x"])
    schema = pa.DataFrameSchema({"x": pa.Column(declared_type(KINDS["Float64"]), pa.Check.ge(0), nullable=nullable)})
    assert sluice_says(schema, frame) == pandera_says(schema, frame)
