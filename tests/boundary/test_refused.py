"""What of a Pandera schema cannot be compiled is refused by name, with the reason, when the schema is defined."""

# ruff: noqa: ISC004, N805 - pairs of a schema and its message; Pandera's checks take cls

from __future__ import annotations

from datetime import date
from typing import Any

import pandera.polars as pa
import polars as pl
import polars.selectors as cs
import pydantic
import pytest
from pandera.api.parsers import Parser
from pandera.engines.polars_engine import PanderaSchema, PydanticModel

from framework.boundary import compile_contract
from framework.errors import DefinitionError, Problem

pytestmark = pytest.mark.filterwarnings("ignore:Setting report_duplicates")  # Pandera's own word on it


class Point(pydantic.BaseModel):
    x: int


def problems(schema: Any) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        compile_contract(schema)
    return [str(problem) for problem in caught.value.problems]


def schema_of(dtype: Any = int, *checks: pa.Check, settings: dict[str, Any] | None = None, **options: Any):
    return pa.DataFrameSchema({"x": pa.Column(dtype, list(checks), **options)}, name="S", **(settings or {}))


def asking(expression: pl.Expr, **options: Any) -> pa.Check:
    return pa.Check(lambda data: data.lazyframe.select(expression), name="asked", **options)


AGGREGATES = "len, count, null_count, sum, mean, min, max, std, var, n_unique, any, all, "
AGGREGATES += "median, quantile, mode, skew or kurtosis"
REFUSED = {
    "parsers of the frame": (
        schema_of(settings={"parsers": [Parser(lambda rows: rows)]}),
        "S: parsers are not run by Pandera on Polars (transform in a step)",
    ),
    "drop_invalid_rows": (
        schema_of(settings={"drop_invalid_rows": True}),
        "S: `drop_invalid_rows` would lose rows without a count "
        "(say what happens to invalid rows on the source: on_invalid='drop')",
    ),
    "drop_invalid_rows of a column": (
        schema_of(drop_invalid_rows=True),
        "S.x: `drop_invalid_rows` would lose rows without a count "
        "(say what happens to invalid rows on the source: on_invalid='drop')",
    ),
    "report_duplicates": (
        lambda: schema_of(settings={"report_duplicates": "exclude_first"}),
        "S: `report_duplicates='exclude_first'` is ignored by Pandera on Polars "
        "(drop it: every row of a duplicate is refused)",
    ),
    "on_missing_columns": (
        schema_of(settings={"on_missing_columns": "warn"}),
        "S: `on_missing_columns` is ignored by Pandera on Polars "
        "(drop it: a missing column is an error, or None where required=False)",
    ),
    "type of the frame": (
        schema_of(settings={"dtype": float}),
        "S: a type for the whole frame is not supported (give each column its type)",
    ),
    "no column": (pa.DataFrameSchema({}, name="S"), "S: declares no column (annotate at least one)"),
    "unknown key": (
        schema_of(settings={"unique": ["y"]}),
        "S: `unique` names 'y', which is no column (known: x)",
    ),
    "regex": (
        pa.DataFrameSchema({"^x": pa.Column(int, regex=True)}, name="S"),
        "S.^x: a regex stands for columns that only the data tells "
        "(declare each column: a pipeline knows its columns before it reads)",
    ),
    "no type": (schema_of(None), "S.x: the column has no type (annotate it)"),
    "Pydantic model": (
        schema_of(PydanticModel(Point)),
        "S.x: a Pydantic model as type would be asked row by row in Python (use a Struct and checks over its fields)",
    ),
    "schema as type": (
        schema_of(PanderaSchema(schema_of())),
        "S.x: a schema as type would not hold its own checks (use a Struct and checks over its fields)",
    ),
    "list of what": (schema_of(pl.List), "S.x: type List does not say what is in it (write pl.List(...))"),
    "enum of what": (schema_of(pl.Enum), "S.x: type Enum does not say what is in it (write pl.Enum(...))"),
    "Python objects": (
        schema_of(pl.Object),
        "S.x: values of type Object cannot be stored (use another Polars type)",
    ),
    "time in any zone": (
        schema_of(pl.Datetime("us", "*")),
        "S.x: a time in any zone has none (name one, such as pl.Datetime('us', 'UTC'))",
    ),
    "default of another type": (
        schema_of(default="one"),
        "S.x: the default 'one' is no value of type Int64 (give one of its type)",
    ),
    "default that is no category": (
        schema_of(pl.Enum(["gold", "silver"]), default="silvr"),
        "S.x: the default 'silvr' is no value of type Enum(categories=['gold', 'silver']) (did you mean 'silver'?)",
    ),
    "default that is an expression": (
        schema_of(default=pl.lit(1)),
        "S.x: the default is an expression (give a value, or fill the column in a step)",
    ),
    "groupby": (
        schema_of(int, asking(pl.col("x") > 0, groupby="x")),
        "S.x.asked: `groupby` is ignored by Pandera on Polars; use `.over()` in the check",
    ),
    "unknown column": (
        pa.DataFrameSchema({"price": pa.Column(int, asking(pl.col("prise") > 0))}, name="S"),
        "S.price.asked: it looks at column 'prise', which the schema does not have; did you mean 'price'?",
    ),
    "no answer": (
        schema_of(int, asking(pl.col("x") + 1)),
        "S.x.asked: it answers with Int64, not with true or false",
    ),
    "value of another type": (
        schema_of(int, pa.Check.gt("a")),
        "S.x.greater_than: it does not fit the column's type: cannot compare string with numeric type (i64)",
    ),
    "rows left out": (
        schema_of(int, asking(pl.col("x").drop_nulls() > 0)),
        "S.x.asked: it does not answer for every row, as it drops or adds some; use when/then to leave rows out",
    ),
    "text check of a number": (
        schema_of(int, pa.Check.str_matches("a")),
        "S.x.str_matches: it is for text, and the column is Int64",
    ),
    "look-around": (
        schema_of(str, pa.Check.str_matches("a(?=b)")),
        "S.x.str_matches: pattern '^(?:a(?=b))' cannot be used: "
        "look-around, including look-ahead and look-behind, is not supported",
    ),
    "lists to look up": (
        schema_of(pl.List(pl.Int64), pa.Check.isin([1])),
        "S.x.isin: values of type List(Int64) cannot be looked up; write the comparison as an expression",
    ),
    "values of another type": (
        schema_of(int, pa.Check.isin(["a"])),
        "S.x.isin: its values are not of the column's type Int64",
    ),
    "first row": (
        schema_of(int, asking(pl.col("x").first() > 0)),
        f"S.x.asked: it judges the whole dataset by first, and batches come in no order; use {AGGREGATES}",
    ),
    "aggregate of a window": (
        schema_of(int, asking(pl.col("x").diff().max() < 3)),
        f"S.x.asked: it judges the whole dataset by diff, and batches come in no order; use {AGGREGATES}",
    ),
    "selector in a function": (
        schema_of(str, asking(cs.string().str.len_chars() > 1)),
        "S.x.asked: it selects columns in a way that cannot be spelled out; name them one by one",
    ),
    "selector of a column that does not fit": (
        schema_of(str, asking(pl.all() > date(2024, 1, 5))),
        "S.x.asked: it does not fit the columns' types: cannot compare 'date/datetime/time' to a string value (create"
        " native python { 'date', 'datetime', 'time' } or compare to a temporal column)",
    ),
    "value at a place": (
        schema_of(int, asking(pl.col("x").get(0, null_on_oob=True) > 1)),
        f"S.x.asked: it judges the whole dataset by gather, and batches come in no order; use {AGGREGATES}",
    ),
    "answer by Python": (
        schema_of(int, pa.Check(lambda data: True, name="asked")),
        "S.x.asked: only checks of the form `data.lazyframe.select(<expression>)` can be part of a plan",
    ),
    "more than a select": (
        schema_of(int, pa.Check(lambda data: data.lazyframe.filter(pl.col("x") > 0), name="asked")),
        "S.x.asked: only checks of the form `data.lazyframe.select(<expression>)` can be part of a plan",
    ),
    "check that raises": (
        schema_of(int, pa.Check(lambda data: 1 // 0, name="asked")),
        "S.x.asked: the check raised while it was compiled: ZeroDivisionError: integer division or modulo by zero",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_reason(name):
    schema, words = REFUSED[name]
    assert problems(schema if isinstance(schema, pa.DataFrameSchema) else schema()) == [words]


def test_parsers_of_a_model_are_refused_by_pandera_and_named():
    from pandera.api.dataframe.model_components import parser

    class Parsed(pa.DataFrameModel):
        x: int

        @parser("x")
        def made(cls, rows: Any) -> Any:
            return rows

    (found,) = problems(Parsed)
    assert found == (
        "Parsed: Pandera refuses it: user-defined parsers are not supported by the polars backend (see issue #2472)"
    )


def test_formats_of_a_model_are_refused():
    class Formatted(pa.DataFrameModel):
        x: int

        class Config:
            from_format = "csv"

    with pytest.raises(DefinitionError) as caught:
        compile_contract(Formatted)
    fix = "declare the format on the source, such as csv_files()"
    assert caught.value.problems == (Problem("Formatted", "`from_format` would be ignored", fix),)


def test_model_s_schema_with_regex_compiles_where_the_columns_are_known():
    schema = pa.DataFrameSchema({"^v_.+$": pa.Column(int, pa.Check.gt(0), regex=True)}, name="S")
    contract = compile_contract(schema, columns=["v_1", "v_2", "w"])
    assert list(contract.columns) == ["v_1", "v_2"]
    assert [rule.reason for rule in contract.rules] == ["v_1: must be > 0", "v_2: must be > 0"]
