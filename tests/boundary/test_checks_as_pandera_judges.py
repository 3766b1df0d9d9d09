"""Every check, row by row, against the verdict of Pandera's own eager validation.

Two differences are wanted: `str_matches` binds the whole alternative to the start, and a NaN in a column that must not
be empty is missing, for Pandera as for us; in a nullable one it is above every number.
"""

# ruff: noqa: N805, RUF012, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.api.polars.types import PolarsData
from pandera.errors import SchemaErrors

from tests.boundary.checking import hold

pytestmark = pytest.mark.drawn(2)

INTEGERS = st.lists(st.one_of(st.none(), st.integers(-4, 4)), min_size=1, max_size=12)
FLOATS = st.lists(
    st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0, float("nan"), float("inf")])), min_size=1
)
TEXTS = st.lists(st.one_of(st.none(), st.text(st.sampled_from("abcä \n1"), max_size=4)), min_size=1, max_size=12)
DECIMALS = st.lists(st.one_of(st.none(), st.decimals(-2, 2, places=1)), min_size=1, max_size=12)
DATES = st.lists(st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2024, 1, 5))), min_size=1, max_size=12)


def failing_lines(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> set[int]:
    """The lines (from 1) that Pandera finds something wrong with."""
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        assert cases["index"].null_count() == 0, cases
        return {i + 1 for i in cases["index"]}
    return set()


def agree(model: type[pa.DataFrameModel], frame: pl.DataFrame) -> None:
    ours = hold(model, frame)
    assert set(range(1, frame.height + 1)) - set(ours.passed) == failing_lines(model.to_schema(), frame)
    assert ours.accepted.select(frame.columns).height == len(ours.passed)


def model_of(dtype, nullable: bool = True, **field) -> type[pa.DataFrameModel]:
    return type(
        "Model", (pa.DataFrameModel,), {"__annotations__": {"x": dtype}, "x": pa.Field(nullable=nullable, **field)}
    )


NUMBER_CHECKS = [
    {"gt": 1}, {"ge": 1}, {"lt": 1}, {"le": 1}, {"eq": 1}, {"ne": 1}, {"isin": [0, 1]}, {"notin": [0, 1]}, {"isin": []},
    {"in_range": {"min_value": -1, "max_value": 2}},
    {"in_range": {"min_value": -1, "max_value": 2, "include_min": False, "include_max": False}},
    {"gt": -2, "lt": 3, "ne": 0}, {"gt": 0, "ignore_na": False}, {"isin": [1, 2], "ignore_na": False},
    {"notin": [1, 2], "ignore_na": False}, {"unique": True}, {"unique": True, "ge": 0},
]  # fmt: skip


@pytest.mark.parametrize("field", NUMBER_CHECKS, ids=str)
@pytest.mark.parametrize("nullable", [True, False])
@given(values=INTEGERS)
def test_checks_on_integers(field, nullable, values):
    agree(model_of(int, nullable, **field), pl.DataFrame({"x": values}, schema={"x": pl.Int64}))


@pytest.mark.parametrize("field", [f for f in NUMBER_CHECKS if "isin" not in f and "notin" not in f], ids=str)
@pytest.mark.parametrize("nullable", [True, False])
@given(values=FLOATS)
def test_checks_on_floats(field, nullable, values):
    agree(model_of(float, nullable, **field), pl.DataFrame({"x": values}, schema={"x": pl.Float64}))


@pytest.mark.parametrize(
    "field",
    [
        {"str_matches": "a"}, {"str_matches": "a+b?$"}, {"str_matches": "[ab]{2}"}, {"str_contains": "b"},
        {"str_contains": "a|b"}, {"str_contains": "^a"}, {"str_startswith": "a"}, {"str_endswith": "b"},
        {"str_length": {"min_value": 1, "max_value": 2}}, {"str_length": {"min_value": 2}},
        {"str_length": {"max_value": 2}}, {"isin": ["a", "b"]}, {"notin": ["a", "b"]}, {"eq": "a"}, {"ne": "a"},
        {"gt": "a"}, {"str_matches": "a", "ignore_na": False}, {"unique": True},
    ],
    ids=str,
)  # fmt: skip
@given(values=TEXTS)
def test_checks_on_text(field, values):
    agree(model_of(str, True, **field), pl.DataFrame({"x": values}, schema={"x": pl.String}))


@pytest.mark.parametrize(
    "field", [{"gt": 0}, {"le": 1}, {"in_range": {"min_value": 0, "max_value": 1}}, {"ne": 0}], ids=str
)
@given(values=DECIMALS)
def test_checks_on_decimals(field, values):
    agree(model_of(pl.Decimal(9, 2), True, **field), pl.DataFrame({"x": values}, schema={"x": pl.Decimal(9, 2)}))


@pytest.mark.parametrize(
    "field", [{"gt": date(2024, 1, 2)}, {"isin": [date(2024, 1, 2)]}, {"eq": date(2024, 1, 3)}], ids=str
)
@given(values=DATES)
def test_checks_on_dates(field, values):
    agree(model_of(pl.Date, True, **field), pl.DataFrame({"x": values}, schema={"x": pl.Date}))


@pytest.mark.parametrize("values", [["0.50", "1"], [Decimal("0.5")], [1, 0.5]], ids=str)
def test_values_of_isin_take_the_column_s_type(values):
    frame = pl.DataFrame({"x": ["0.5", "0.7"]}, schema={"x": pl.String})
    assert hold(model_of(pl.Decimal(9, 2), isin=[Decimal(str(v)) for v in values]), frame).passed == [1]


def test_pattern_with_alternatives_is_bound_to_the_start_as_a_whole():
    frame = pl.DataFrame({"x": ["a", "b", "zb", "za"]})
    assert hold(model_of(str, str_matches="a|b"), frame).passed == [1, 2]


@given(values=INTEGERS, default=st.integers(-4, 4))
def test_default_takes_the_place_of_nulls(values, default):
    model = model_of(int, False, default=default, ge=0)
    agree(model, pl.DataFrame({"x": values}, schema={"x": pl.Int64}))


@given(values=FLOATS)
def test_default_takes_the_place_of_nan(values):
    agree(model_of(float, False, default=0.5, lt=2), pl.DataFrame({"x": values}, schema={"x": pl.Float64}))


class Custom(pa.DataFrameModel):
    x: int = pa.Field(nullable=True)
    y: int = pa.Field(nullable=True)

    @pa.check("x")
    def even(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) % 2 == 0)

    @pa.check("x", element_wise=True)
    def small(cls, value: int) -> bool:
        return value < 3

    @pa.check("y", ignore_na=False)
    def positive(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) > 0)

    @pa.dataframe_check
    def ordered(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("x") <= pl.col("y"))

    @pa.check("x")
    def not_alone(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.len().over(pl.col(data.key)) < 4)


@given(
    rows=st.lists(
        st.tuples(st.one_of(st.none(), st.integers(-4, 4)), st.one_of(st.none(), st.integers(-4, 4))), min_size=1
    )
)
def test_custom_checks(rows):
    agree(Custom, pl.DataFrame(rows, schema={"x": pl.Int64, "y": pl.Int64}, orient="row"))


class Keyed(pa.DataFrameModel):
    x: int = pa.Field(nullable=True)
    y: int = pa.Field(nullable=True)

    class Config:
        unique = ["x", "y"]


@given(rows=st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.sampled_from([None, 1, 2])), min_size=1))
def test_unique_over_several_columns(rows):
    agree(Keyed, pl.DataFrame(rows, schema={"x": pl.Int64, "y": pl.Int64}, orient="row"))
