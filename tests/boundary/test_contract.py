"""Schemas as contracts: what is compiled, and every part that cannot be, in one error."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

import re

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

from framework.boundary import Violations, compile_contract, conform, settled_rules
from framework.boundary.trace import tier
from framework.errors import DefinitionError, Problem, SchemaError
from tests.boundary.checking import hold


def test_everything_that_cannot_be_compiled_is_named_at_once():
    class Wrong(pa.DataFrameModel):
        a: int = pa.Field(gt=0)
        b_any: float = pa.Field(alias="^b.*$", regex=True)
        c: str = pa.Field(str_matches="(?=x)")
        d: int = pa.Field(isin=["one"])

        @pa.check("a", groupby="c")
        def grouped(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("a") > 0)

        @pa.check("a")
        def whole(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("a").first() > 0)

        @pa.check("a")
        def filtered(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.filter(pl.col("a") > 0)

        @pa.check("a")
        def raising(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("a") > data.missing)

        class Config:
            drop_invalid_rows = True

    with pytest.raises(DefinitionError) as caught:
        compile_contract(Wrong)
    found = [(p.where, p.what) for p in caught.value.problems]
    assert found == [
        ("Wrong", "`drop_invalid_rows` would lose rows without a count"),
        ("Wrong.^b.*$", "a regex stands for columns that only the data tells"),
        ("Wrong.a.grouped", "`groupby` is ignored by Pandera on Polars; use `.over()` in the check"),
        (
            "Wrong.a.whole",
            (
                "it judges the whole dataset by first, and batches come in no order; use len, count, null_count, sum, "
                "mean, min, max, std, var, n_unique, any, all, median, quantile, mode, skew or kurtosis"
            ),
        ),
        ("Wrong.a.filtered", "only checks of the form `data.lazyframe.select(<expression>)` can be part of a plan"),
        (
            "Wrong.a.raising",
            "the check raised while it was compiled: AttributeError: 'PolarsData' object has no attribute 'missing'",
        ),
        (
            "Wrong.c.str_matches",
            "pattern '^(?:(?=x))' cannot be used: look-around, including look-ahead and look-behind, is not supported",
        ),
        ("Wrong.d.isin", "its values are not of the column's type Int64"),
    ]
    assert str(caught.value).startswith(
        "8 problems in the definition:\n  - Wrong: `drop_invalid_rows` would lose rows without a count (say what"
    )


def test_check_that_is_answered_by_python_is_refused():
    class Eager(pa.DataFrameModel):
        a: int

        @pa.dataframe_check
        def answered(cls, data: PolarsData) -> bool:
            return True

    with pytest.raises(DefinitionError) as caught:
        compile_contract(Eager)
    assert caught.value.problems == (
        Problem(
            "Eager.answered", "only checks of the form `data.lazyframe.select(<expression>)` can be part of a plan"
        ),
    )


@pytest.mark.parametrize(
    ("dtype", "field", "words"),
    [
        (int, {"gt": 0}, "x: must be > 0"),
        (int, {"ge": 0}, "x: must be >= 0"),
        (int, {"lt": 0}, "x: must be < 0"),
        (int, {"le": 0}, "x: must be <= 0"),
        (int, {"eq": 1}, "x: must be 1"),
        (int, {"ne": 1}, "x: must not be 1"),
        (int, {"in_range": {"min_value": 0, "max_value": 9}}, "x: must be within 0 and 9"),
        (int, {"isin": [3, 1]}, "x: must be one of [3, 1]"),
        (str, {"isin": {"b", "a"}}, "x: must be one of ['a', 'b']"),
        (int, {"notin": [1]}, "x: must be none of [1]"),
        (str, {"str_matches": "a+"}, "x: must match a+"),
        (str, {"str_contains": "a"}, "x: must contain a"),
        (str, {"str_startswith": "a"}, "x: must start with a"),
        (str, {"str_endswith": "a"}, "x: must end with a"),
        (str, {"str_length": {"min_value": 1, "max_value": 2}}, "x: must have 1 to 2 characters"),
        (str, {"str_length": {"min_value": 2}}, "x: must have at least 2 characters"),
        (str, {"str_length": {"max_value": 2}}, "x: must have at most 2 characters"),
        (str, {"str_length": {"exact_value": 2}}, "x: must have exactly 2 characters"),
        (int, {"gt": 0, "description": "units"}, "x: must be > 0"),
        (int, {"unique": True}, "x: must be unique"),
    ],
)
def test_rule_speaks_in_plain_words(dtype, field, words):
    model = type("Model", (pa.DataFrameModel,), {"__annotations__": {"x": dtype}, "x": pa.Field(**field)})
    assert [rule.reason for rule in compile_contract(model).rules] == [words]


def test_words_of_the_author_are_used():
    class Model(pa.DataFrameModel):
        x: int

        @pa.check("x", error="must be even")
        def even(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("x") % 2 == 0)

        @pa.check("x", name="is small")
        def small(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("x") < 10)

        @pa.dataframe_check
        def whole(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("x") != 5)

    reasons = {rule.reason for rule in compile_contract(Model).rules}
    assert reasons == {"x: must be even", "x: breaks rule is small", "breaks rule whole"}


def test_columns_carry_what_the_schema_says_of_them():
    class Model(pa.DataFrameModel):
        day: pl.Date = pa.Field(metadata={"formats": "%d.%m.%Y"})
        mail: str = pa.Field(nullable=True, default="-", metadata={"sensitive": True})
        price: pl.Decimal(9, 2)

        class Config:
            strict = True

    contract = compile_contract(Model)
    day, mail = contract.columns["day"], contract.columns["mail"]
    assert (day.formats, day.nullable, day.is_sensitive) == (("%d.%m.%Y",), False, False)
    assert (mail.formats, mail.nullable, mail.is_sensitive, mail.default) == ((), True, True, "-")
    assert contract.is_strict
    assert contract.schema == {"day": pl.Date(), "mail": pl.String(), "price": pl.Decimal(9, 2)}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (pl.col("a") > 0, "row"),
        (pl.col("a").is_in(pl.Series([1, 2]).implode()), "row"),
        (pl.col("a") == pl.len(), "window"),
        (pl.col("a").is_in([1, 2]) & pl.col("b").is_null(), "row"),
        (pl.col("a") > pl.col("a").shift(1), "window"),
        (pl.col("a") > pl.col("a").mean(), "window"),
        (pl.len().over("a") == 1, "window"),
        (pl.col("a").cum_sum() > 1, "window"),
        (pl.col("a").map_elements(bool, return_dtype=pl.Boolean), "row"),
        (pl.col("a").mean() > 1, "dataset"),
        (pl.len() > 1, "dataset"),
    ],
    ids=str,
)
def test_rule_is_told_by_how_much_of_the_data_it_looks_at(expression, expected):
    assert tier(expression, pl.Schema({"a": pl.Int64, "b": pl.Int64})) == expected


def test_two_checks_of_one_reason_are_two_rules():
    class Model(pa.DataFrameModel):
        x: int = pa.Field(raise_warning=True, gt=0, lt=10, ne=5)

        @pa.check("x", error="odd", raise_warning=True)
        def one(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("x") > 1)

        @pa.check("x", error="odd", raise_warning=True)
        def two(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("x") > 2)

    outcome = hold(Model, pl.DataFrame({"x": [1, 2, 3, 20]}))
    assert outcome.passed == [1, 2, 3, 4]
    assert outcome.tally.warnings["x: odd"] == 3


class Made(pa.DataFrameModel):
    id: int
    price: pl.Decimal(9, 2) = pa.Field(nullable=True)
    name: str


def test_step_s_output_is_held_against_names_and_types():
    contract = compile_contract(Made)
    wrong = pl.LazyFrame({"id": ["x"], "price": [1.5]})
    text = (
        "step 'made' does not give what Made declares: "
        "name is missing; id is String, declared Int64; price is Float64, declared Decimal(precision=9, scale=2)"
    )
    with pytest.raises(SchemaError, match=f"^{re.escape(text)}$"):
        conform(wrong, contract, "made")


def test_step_s_output_may_differ_where_no_value_can_be_lost():
    given = pl.LazyFrame(
        {"id": [1], "price": ["1.5"], "name": ["x"], "more": [True]}, schema_overrides={"id": pl.Int32}
    ).with_columns(pl.col("price").cast(pl.Decimal(20, 2)))
    found = conform(given, compile_contract(Made), "made").collect()
    assert dict(found.schema) == {"id": pl.Int64, "price": pl.Decimal(9, 2), "name": pl.String, "more": pl.Boolean}


def test_element_wise_rule_of_a_step_s_output_is_counted():
    class Small(pa.DataFrameModel):
        id: int

        @pa.check("id", element_wise=True)
        def small(cls, value: int) -> bool:
            return value < 3

    violations = Violations(compile_contract(Small))
    rows = violations.watch(pl.LazyFrame({"id": [1, 2, 3, 4]})).collect(engine="streaming")
    assert rows.height == 4
    assert violations.counts["id: breaks rule small"] == 2


def test_settled_rules_are_not_counted_again():
    contract = compile_contract(Made)
    settled = settled_rules(contract, {"id"})
    assert [rule.reason for rule in settled] == ["id: must not be empty"]
    assert [rule.reason for rule in Violations(contract, settled=settled).rules] == ["name: must not be empty"]


def test_step_s_output_with_nan_where_a_number_must_be_is_counted():
    class Rate(pa.DataFrameModel):
        rate: float = pa.Field(ge=0)

    violations = Violations(compile_contract(Rate))
    violations.watch(pl.LazyFrame({"rate": [0.5, float("nan"), None]})).collect(engine="streaming")
    assert violations.counts["rate: must not be empty"] == 2
