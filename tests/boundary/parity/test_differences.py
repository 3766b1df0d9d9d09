"""Where the boundary differs from Pandera on purpose: every difference is listed, with its reason and its test.

Everywhere else the two agree row by row; the other modules of this folder hold that.
"""

from __future__ import annotations

import sys
from random import Random
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from framework.boundary import compile_contract
from tests.boundary.parity.judging import HALF, pandera_says, sluice_says
from tests.boundary.parity.kinds import KINDS, TWINS, checks, column, declared_type

pytestmark = pytest.mark.drawn(2)

DIFFERENCES = {
    "alternatives_are_bound_as_a_whole": "Pandera writes ^a|b for str_matches, which accepts any text with a b in it",
    "values_take_the_column_s_type": "Polars refuses to look up integers in a column of floats",
    "types_that_pandera_cannot_judge": "it knows no Int128 or Float16, and cannot report on durations or bytes",
    "text_is_cast": "a boundary reads text, so a value of another type is cast where nothing of it is lost",
    "columns_beyond_are_left_out": "the columns behind a boundary are those declared; extra ones are named in an event",
    "column_with_default_may_be_absent": "the default says what is in it",
    "raising_value_breaks_the_rule": "a value a Python check cannot work with costs its row, not the whole frame",
    "dataset_rules_judge_accepted_rows": "a batch is what is written of it",
    "unreadable_keys_do_not_collide": "rows whose key cannot be read have no key, rather than all the same",
}
"""By the name of its test: why."""


def test_every_difference_has_its_test():
    tests = {name.removeprefix("test_difference_") for name in dir(sys.modules[__name__]) if "test_difference_" in name}
    assert tests == set(DIFFERENCES)


def one(dtype: Any, *made: pa.Check, **options: Any) -> pa.DataFrameSchema:
    return pa.DataFrameSchema({"x": pa.Column(dtype, list(made), **options)})


def test_difference_alternatives_are_bound_as_a_whole():
    frame, schema = pl.DataFrame({"x": ["a", "b", "zb", "za"]}), one(str, pa.Check.str_matches("a|b"))
    assert pandera_says(schema, frame).refused == {3}
    assert sluice_says(schema, frame).refused == {2, 3}


def test_difference_values_take_the_column_s_type():
    frame, schema = pl.DataFrame({"x": [1.0, 2.5, 3.0]}), one(float, pa.Check.isin([1, 2.5]))
    assert sluice_says(schema, frame).refused == {2}
    with pytest.raises(SchemaErrors, match="InvalidOperationError"):
        one(float, pa.Check.isin([1, 2])).validate(frame, lazy=True)
    assert sluice_says(one(float, pa.Check.isin([1, 2])), frame).refused == {1, 2}


@pytest.mark.filterwarnings("ignore:'U?Int128' support", "ignore:'Float16' support")  # Pandera's word on new types
@pytest.mark.parametrize("name", TWINS)
@HALF
@given(data=st.data(), seed=st.integers(0, 2**32), nullable=st.booleans(), unique=st.booleans())
def test_difference_types_that_pandera_cannot_judge(name, data, seed, nullable, unique):
    kind, twin_name, twin_of = TWINS[name]
    check = data.draw(checks(kind))
    frame = pl.DataFrame([column(kind, 80, Random(seed)).alias("x")])
    twin_kind = KINDS[twin_name]
    twins = [None if value is None else twin_of(value) for value in frame["x"]]
    twin = pl.DataFrame({"x": twins}, schema={"x": twin_kind.dtype})
    given_ = {k: _twin(v, twin_of) for k, v in check._check_kwargs.items()}
    options = {"ignore_na": check.ignore_na}
    twin_check = getattr(pa.Check, check.registry_name)(**given_, **options)
    ours = one(declared_type(kind), check, nullable=nullable, unique=unique)
    theirs = one(declared_type(twin_kind), twin_check, nullable=nullable, unique=unique)
    assert sluice_says(ours, frame) == pandera_says(theirs, twin)


def _twin(value: Any, twin_of: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    return [twin_of(v) for v in value] if isinstance(value, list | set | frozenset) else twin_of(value)


def test_difference_text_is_cast():
    frame = pl.DataFrame({"x": ["1", "x", None, "2.0"]})
    assert sluice_says(one(int, nullable=True), frame).refused == {1, 3}
    assert pandera_says(one(int, nullable=True), frame).is_broken


def test_difference_columns_beyond_are_left_out():
    frame, schema = pl.DataFrame({"x": [1], "more": [2]}), one(int)
    assert schema.validate(frame).columns == ["x", "more"]
    assert compile_contract(schema).schema.names() == ["x"]


def test_difference_column_with_default_may_be_absent():
    schema = pa.DataFrameSchema({"x": pa.Column(int), "y": pa.Column(int, default=1)})
    frame = pl.DataFrame({"x": [1]})
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        schema.validate(frame, lazy=True)
    assert not sluice_says(schema, frame).refused


def test_difference_raising_value_breaks_the_rule():
    frame = pl.DataFrame({"x": ["1", "x", None]})
    schema = one(str, pa.Check(lambda text: float(text) > 0, element_wise=True), nullable=True)
    with pytest.raises(SchemaErrors, match="ValueError"):
        schema.validate(frame, lazy=True)
    assert sluice_says(schema, frame).refused == {1}


def test_difference_dataset_rules_judge_accepted_rows():
    schema = one(int, pa.Check.lt(100), pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).mean() < 9)))
    frame = pl.DataFrame({"x": [1, 2, 500]})
    assert not frame.select(pl.col("x").mean() < 9).item()
    assert not sluice_says(schema, frame).is_broken


def test_difference_unreadable_keys_do_not_collide():
    frame = pl.DataFrame({"x": ["1", "x", "y", None]})
    schema = one(int, nullable=True, unique=True)
    assert sluice_says(schema, frame).refused == {1, 2}


def test_raising_mistake_of_the_code_is_no_broken_rule():
    schema = one(int, pa.Check(lambda value: value > nothing, element_wise=True))  # noqa: F821 - the mistake
    with pytest.raises(NameError, match="nothing"):
        sluice_says(schema, pl.DataFrame({"x": [1]}))


def test_infinity_in_a_rule_over_the_dataset():
    schema = one(float, pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).max() < float("inf"))))
    assert not sluice_says(schema, pl.DataFrame({"x": [1.0]})).is_broken
    assert sluice_says(schema, pl.DataFrame({"x": [1.0, float("inf")]})).is_broken
