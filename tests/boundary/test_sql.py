"""Rules in SQL: what Polars makes of them, written so that one can tell how much of the data they look at."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

from decimal import Decimal
from random import Random

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from framework.boundary import compile_contract
from framework.boundary.custom import sql_check
from framework.boundary.sql import read_sql
from framework.errors import SchemaError

VALUES = {
    "key": (pl.String(), ["a", "b", "c", None]),
    "x": (pl.Int64(), [-2, 0, 1, 2, 5, None]),
    "y": (pl.Int32(), [0, 1, 2, 3]),
    "rate": (pl.Float64(), [0.0, 0.1, 0.5, -1.5, 2.0, None]),
    "share": (pl.Float32(), [0.0, 0.1, 0.5, None]),
    "price": (pl.Decimal(9, 2), [Decimal("0.10"), Decimal("0.50"), Decimal("9.99"), None]),
    "ok": (pl.Boolean(), [True, False, None]),
}
SCHEMA = pl.Schema({name: dtype for name, (dtype, _) in VALUES.items()})
ROWS = [
    "x <= y",
    "rate < 0.5",
    "price >= 0.5 AND NOT (x > 1)",
    "x IN (1, 2) OR price IN (0.10, 9.99)",
    "key LIKE 'a%'",
    "CASE WHEN ok THEN rate < 0.5 ELSE price > 0.1 END",
    "ROUND(price, 1) = price",
    "x / 2 = 0",
    "COALESCE(rate, 0.0) <> 0.1",
    "CAST(x AS VARCHAR) = '1'",
]
WINDOWS = [
    "x > AVG(x) OVER (PARTITION BY key)",
    "rate > 0.5 * AVG(rate) OVER (PARTITION BY key)",
    "COUNT(*) OVER (PARTITION BY key) = 1",
    "x - 3 < COUNT(*)",
    "rate <= 0.5 OR AVG(rate) > 0.1",
    "price * 1.5 >= MAX(price)",
    "share < 0.1 OR MIN(share) < 0.1",
]
MIXED = (
    "mixes aggregates or windows with functions of SQL in a way that cannot be spelled out; "
    "say it in Python and refer to that by `python:`"
)
TOTALS = [
    "AVG(price) < 9.5",
    "MIN(share) = 0.1",
    "SUM(x) > 1",
    "COUNT(*) >= 2",
    "COUNT(x) = COUNT(*)",
    "NOT COUNT(*) > 2",
    "SUM(rate) / SUM(y) < 0.5",
    "AVG(rate) > 0.1 AND AVG(price) < 8.5",
    "SUM(CASE WHEN ok THEN 1 ELSE 0 END) > 0.5",
    "SUM(rate * 0.5) > 0.1",
    "AVG(CAST(ok AS INT)) > 0.5",
    "MAX(rate) - MIN(rate) <= 1.5",
    "SUM(x) + 0.5 > 1",
    "SUM(rate) * 2.5 > MAX(price)",
]


@st.composite
def frames(draw):
    chance, size = Random(draw(st.integers(0, 2**32))), draw(st.integers(1, 30))
    drawn = {name: [chance.choice(values) for _ in range(size)] for name, (_, values) in VALUES.items()}
    return pl.DataFrame(drawn, schema=SCHEMA)


@pytest.mark.parametrize("text", [*ROWS, *WINDOWS, *TOTALS])
@given(frame=frames())
def test_a_rule_answers_as_sql_does(text, frame):
    said = frame.select(pl.sql_expr(text).alias("holds")).to_series()
    assert_series_equal(frame.select(read_sql(text, SCHEMA).alias("holds")).to_series(), said)


def rule(text):
    columns = {name: pa.Column(dtype, nullable=True) for name, dtype in SCHEMA.items()}
    contract = compile_contract(pa.DataFrameSchema(columns, checks=pa.Check(sql_check(text, "r"), name="r")))
    return next(one for one in (*contract.rules, *contract.dataset_rules) if one.name == "r")


@pytest.mark.parametrize(
    ("text", "kind"),
    [*((t, "row") for t in ROWS), *((t, "window") for t in WINDOWS), *((t, "batch") for t in TOTALS)],
)
def test_it_is_known_how_much_of_the_data_a_rule_looks_at(text, kind):
    found = rule(text)
    assert ("batch" if not hasattr(found, "is_window") else "window" if found.is_window else "row") == kind


@pytest.mark.parametrize("text", TOTALS)
def test_rules_over_the_batch_need_no_second_look_at_its_rows(text):
    assert rule(text).second_look == []


def test_counts_in_windows_stay_signed():
    frame = pl.DataFrame({"x": [0, 1]})
    assert frame.select(read_sql("COUNT(*) - 9 < x", frame.schema)).to_series().to_list() == [True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x >", "is no expression in SQL: unable to parse 'x >' as Expr"),
        ("x > 1; y > 2", "is no expression in SQL: invalid expression (found unexpected token ';')"),
        ("SELECT 1", "is no expression in SQL: expected an expression (found 'SELECT' clause)"),
        ("x IN (SELECT y FROM t)", "is no expression in SQL: relation 't' was not found"),
        ("unknown(x)", "is no expression in SQL: unsupported function 'unknown'"),
        ("", "is no expression in SQL: unable to parse '' as Expr"),
        (
            "x > CURRENT_DATE",
            "CURRENT_DATE is another time at every look; compare with run_time() in Python and refer to that by `python:`",
        ),
        (
            "ROUND(AVG(rate), 2) > 0.1",
            MIXED,
        ),
        (
            "SUM(x) / COUNT(*) > 1",
            MIXED,
        ),
    ],
)
def test_what_is_no_rule_says_why(text, expected):
    with pytest.raises(SchemaError) as caught:
        read_sql(text, SCHEMA)
    assert str(caught.value) == expected


@pytest.mark.parametrize("text", ["key = 'now'", '"now" > 1', "x > 1 -- today", "now > 1"])
def test_words_for_the_time_that_mean_something_else_are_left_alone(text):
    schema = {**SCHEMA, "now": pl.Int64()} if "now >" in text or '"now"' in text else SCHEMA
    assert isinstance(read_sql(text, pl.Schema(schema)), pl.Expr)


def test_columns_that_are_not_there_are_left_to_the_compiler():
    assert read_sql("AVG(nothing) > 0.5", SCHEMA).meta.root_names() == ["nothing"]
