"""Ten typical mistakes, and what a user reads: what failed and where, how often, examples, what to do. Word by word."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

from framework import LazyFrame, Pipeline, csv_files, step, table
from framework.errors import SluiceError
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Order(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    quantity: int = pa.Field(gt=0)
    mail: str = pa.Field(str_matches=r"[^@]+@[^@]+$", metadata={"sensitive": True})
    tier: str = pa.Field(isin=["gold", "silver"], nullable=True)

    @pa.dataframe_check(error="a gift has one piece")
    def gift(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select((pl.col("tier") != "gold") | (pl.col("quantity") < 100))


GOOD = "id,quantity,mail,tier\n1,1,a@b.de,gold\n2,2,c@d.de,\n"
BAD = "id,quantity,mail,tier\n1,0,secret,glod\n1,-4,a@b.de,gold\n2,many,,gold\n3,500,a@b.de,gold\n4,1,a@b.de,silver\n"


def fails(tmp_path, pipeline: Pipeline, text: str = BAD) -> str:
    """Run a pipeline on one file; gives the message it fails with, and sees that nothing was published."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "orders.csv").write_text(text)
    space = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    with pytest.raises(SluiceError) as caught:
        run_in(pipeline, space, RunRequest())
    assert "secret" not in str(caught.value)
    for log in (tmp_path / "lake").rglob("_delta_log/*.json"):
        assert '"add"' not in log.read_text()
    return str(caught.value)


def reading(schema: Any = Order, **options: Any) -> Pipeline:
    return Pipeline(
        "shop.orders",
        sources={"orders": csv_files("*.csv", schema=schema, **options)},
        outputs=[table("shop/orders", of="orders")],
    )


def test_invalid_rows_where_none_may_be(tmp_path):
    assert fails(tmp_path, reading(on_invalid="fail")) == (
        "source 'orders' refuses invalid input, and 4 of 5 rows and 0 of 1 files are invalid:\n"
        "  quantity: 3 rows\n"
        "    2 x must be > 0: '0' (orders.csv line 2); '-4' (orders.csv line 3)\n"
        "    1 x must be a whole number: 'many' (orders.csv line 4)\n"
        "  id: 2 rows\n"
        "    2 x must be unique: '1' (orders.csv line 2); '1' (orders.csv line 3)\n"
        "  mail: 2 rows\n"
        "    1 x must match [^@]+@[^@]+$: *** (orders.csv line 2)\n"
        "    1 x must not be empty: nothing (orders.csv line 4)\n"
        "  whole row: 1 row\n"
        "    1 x a gift has one piece: tier='gold', quantity='500' (orders.csv line 5)\n"
        "  tier: 1 row\n"
        "    1 x must be one of ['gold', 'silver']: 'glod' (orders.csv line 2)\n"
        "nothing of this run is published; correct the rows and deliver the files again, or let the run go on without "
        "them: on_invalid='quarantine'"
    )


def test_more_refused_than_the_budget_allows(tmp_path):
    assert fails(tmp_path, reading(budget={"*": "10%", "quantity": 2, "mail.not_null": "20%", "tier": 0})) == (
        "source 'orders' is over its budget:\n"
        "  all rules: 4 of 5 rows refused, at most 10% may be\n"
        "  quantity: 3 of 5 rows refused, at most 2 may be\n"
        "  tier: 1 of 5 rows refused, at most 0 may be\n"
        "what broke:\n"
        "  quantity: 3 rows\n"
        "    2 x must be > 0: '0' (orders.csv line 2); '-4' (orders.csv line 3)\n"
        "    1 x must be a whole number: 'many' (orders.csv line 4)\n"
        "  id: 2 rows\n"
        "    2 x must be unique: '1' (orders.csv line 2); '1' (orders.csv line 3)\n"
        "  mail: 2 rows\n"
        "    1 x must match [^@]+@[^@]+$: *** (orders.csv line 2)\n"
        "    1 x must not be empty: nothing (orders.csv line 4)\n"
        "  whole row: 1 row\n"
        "    1 x a gift has one piece: tier='gold', quantity='500' (orders.csv line 5)\n"
        "  tier: 1 row\n"
        "    1 x must be one of ['gold', 'silver']: 'glod' (orders.csv line 2)\n"
        "nothing of this run is published; correct the rows and deliver the files again, or raise the budget of the "
        "source"
    )


def test_batch_that_is_not_what_it_should_be(tmp_path):
    class Day(Order):
        @pa.check("quantity", error="the mean must be below 9")
        def mean(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col(data.key).mean() < 9)

        @pa.dataframe_check(error="must hold 100 orders of as many customers")
        def enough(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select((pl.len() >= 100) & (pl.col("mail").n_unique() >= 100))

    text = GOOD.replace("2,2", "2,30")
    assert fails(tmp_path, reading(Day), text) == (
        "source 'orders': 2 rules over all its rows broken by the 2 rows accepted:\n"
        "  quantity: the mean must be below 9; found mean(quantity) = 15.5\n"
        "  must hold 100 orders of as many customers; found len() = ***, n_unique(mail) = ***\n"
        "nothing of this run is published; correct the rows and deliver the files again, or change the rule in Day"
    )


def test_file_with_a_misspelt_column(tmp_path):
    assert fails(tmp_path, reading(on_invalid="fail"), GOOD.replace("quantity", "quantitiy")) == (
        "source 'orders' refuses invalid input, and 0 of 0 rows and 1 of 1 files are invalid:\n"
        "  files: 1\n"
        "    orders.csv: wrong header: missing quantity (is 'quantitiy' meant?); found id, quantitiy, mail, tier\n"
        "nothing of this run is published; correct the rows and deliver the files again, or let the run go on without "
        "them: on_invalid='quarantine'"
    )


def test_step_that_breaks_its_own_schema(tmp_path):
    class Total(pa.DataFrameModel):
        tier: str
        quantity: int = pa.Field(gt=5)

    @step(returns=Total)
    def totals(orders: LazyFrame[Order]) -> pl.LazyFrame:
        return orders.group_by("tier").agg(pl.col("quantity").sum())

    pipeline = Pipeline(
        "shop.totals",
        sources={"orders": csv_files("*.csv")},
        steps=[totals],
        outputs=[table("shop/totals", of=totals, mode="overwrite")],
    )
    assert fails(tmp_path, pipeline, GOOD) == (
        "step 'totals' gave rows that break the schema it declares; 'shop/totals' is not written:\n"
        "  2 x quantity: must be > 5: 1; 2\n"
        "  1 x tier: must not be empty: nothing\n"
        "nothing of this run is published; correct the step, or the rules of Total"
    )


def test_step_that_misses_a_column(tmp_path):
    @step(returns=Order)
    def same(orders: LazyFrame[Order]) -> pl.LazyFrame:
        return orders.rename({"quantity": "quantities"})

    pipeline = Pipeline(
        "shop.same", sources={"orders": csv_files("*.csv")}, steps=[same], outputs=[table("shop/same", of=same)]
    )
    assert fails(tmp_path, pipeline, GOOD) == (
        "step 'same' does not give what Order declares: quantity is missing (is 'quantities' meant?)"
    )


def test_budget_on_a_column_that_is_not_there(tmp_path):
    assert fails(tmp_path, reading(budget={"quantiti": "1%", "id.unqiue": 3, "*": "1 percent"}), GOOD) == (
        "3 problems in the definition:\n"
        "  - source 'orders': its budget for '*' is no limit (give a number of rows, or a share such as '1%')\n"
        "  - source 'orders': its budget names 'id.unqiue', which is no column or rule (did you mean 'id.unique'?)\n"
        "  - source 'orders': its budget names 'quantiti', which is no column or rule (did you mean 'quantity'?)"
    )


def test_rule_on_a_column_that_is_not_there(tmp_path):
    class Wrong(pa.DataFrameModel):
        id: int

        @pa.check("id")
        def known(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("idd") > 0)

    assert fails(tmp_path, reading(Wrong), GOOD) == (
        "1 problem in the definition:\n"
        "  - Wrong.id.known: it looks at column 'idd', which the schema does not have; did you mean 'id'?"
    )


def test_values_that_are_not_of_the_column_s_type(tmp_path):
    class Wrong(pa.DataFrameModel):
        id: int = pa.Field(isin=["one"])
        tier: pl.Enum(["gold", "silver"]) = pa.Field(default="glod")

    assert fails(tmp_path, reading(Wrong), GOOD) == (
        "2 problems in the definition:\n"
        "  - Wrong.id.isin: its values are not of the column's type Int64\n"
        "  - Wrong.tier: the default 'glod' is no value of type Enum(categories=['gold', 'silver']) "
        "(did you mean 'gold'?)"
    )


def test_schema_that_promises_what_nobody_holds(tmp_path):
    class Wrong(pa.DataFrameModel):
        id: int
        any_of: str = pa.Field(alias="^v_.+$", regex=True)

        @pa.check("id", groupby="id")
        def per_tier(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("id") > 0)

        class Config:
            drop_invalid_rows = True

    assert fails(tmp_path, reading(Wrong), GOOD) == (
        "3 problems in the definition:\n"
        "  - Wrong: `drop_invalid_rows` would lose rows without a count "
        "(say what happens to invalid rows on the source: on_invalid='drop')\n"
        "  - Wrong.^v_.+$: a regex stands for columns that only the data tells "
        "(declare each column: a pipeline knows its columns before it reads)\n"
        "  - Wrong.id.per_tier: `groupby` is ignored by Pandera on Polars; use `.over()` in the check"
    )
