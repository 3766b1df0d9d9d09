"""Fallbacks in runs: look-ups pinned in the plan, marks in the tables, counts in the report, budgets."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, default, delta_table, is_filled, last_known, step, table
from framework.cli.run_summary import render
from framework.core.faults import fault
from framework.core.report import RunReport
from framework.errors import BoundaryError, DefinitionError
from framework.lake import PlanStore, open_table
from framework.run import flow
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.news import find_news
from framework.run.position import find_position
from framework.run.preview import preview
from framework.run.request import RunRequest
from framework.settings import Settings
from tests.run.quarantine_shop import Shop

Price = Annotated[pl.Decimal, 9, 2]
TODAY = datetime.now(UTC).date()


class Product(pa.DataFrameModel):
    product: str
    price: Price = pa.Field(ge=0)
    since: pl.Date


class Sale(pa.DataFrameModel):
    id: str
    product: str
    price: Price = pa.Field(ge=0)
    discount: int = pa.Field(in_range={"min_value": 0, "max_value": 100})


class Valued(Sale):
    net: Price
    is_estimate: bool

    class Config:
        strict = True


@step(returns=Valued)
def valued(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    net = (pl.col("price") * (100 - pl.col("discount")) / 100).cast(pl.Decimal(9, 2))
    return sales.with_columns(net=net, is_estimate=is_filled("price"))


PRODUCTS = Pipeline(
    "t.products",
    sources={"products": csv_files("products/*.csv", schema=Product)},
    outputs=[table("t/products", of="products", mode="merge", key="product")],
)
ASKED = last_known(of="t/products", column="price", key="product", at="since", max_age="30d")


def sales(fallback: dict | None = None, name: str = "t.sales", **more) -> Pipeline:
    chosen = {"discount": default(0), "price": ASKED} if fallback is None else fallback
    source = csv_files("sales/*.csv", schema=Sale, fallback=chosen, **more)
    return Pipeline(
        name,
        sources={"sales": source},
        steps=[valued],
        outputs=[table("t/sales", of=valued, mode="merge", key="id")],
    )


class Till(Shop):
    """A shop with prices."""

    def price(self, product: str, price: str, days: int = 1) -> None:
        line = f"{product},{price},{TODAY - timedelta(days=days)}"
        self.put("products/all.csv", f"product,price,since\n{line}\n")
        run_in(PRODUCTS, self.space, RunRequest())

    def sell(self, *lines: str, name: str = "a") -> None:
        self.put(f"sales/{name}.csv", "\n".join(["id,product,price,discount", *lines]) + "\n")

    def rows(self) -> dict[str, tuple]:
        kept = open_table(self.space.lake, "t/sales").scan().collect()
        names = [name for name in ("id", "price", "discount", "_filled") if name in kept.columns]
        return {
            row[0]: tuple(str(v) if i < 2 else v for i, v in enumerate(row[1:])) for row in kept.select(names).rows()
        }


@pytest.fixture
def till(tmp_path) -> Till:
    return Till(tmp_path, sales())


def test_cells_are_filled_marked_and_counted_and_the_rest_is_quarantined_with_the_reason(till):
    till.price("a", "2")
    till.sell("1,a,1.50,5", "2,a,n/a,oops", "3,b,,5")
    report = till.run()
    assert till.rows() == {
        "1": ("1.50", "5", None),
        "2": ("2.00", "0", '{"price":["last_known","n/a"],"discount":["default","oops"]}'),
    }
    counts = report.sources["sales"]
    assert (counts.rows_in, counts.accepted, counts.quarantined) == (3, 2, 1)
    assert counts.filled == {"discount": {"default": 1}, "price": {"last_known": 1}}
    assert counts.reasons["price: 't/products' knows no price for its product"] == 1
    assert "          filled price: 1 by last_known" in list(render([report]))
    stored = PlanStore(till.space.lake, "t.sales").manifest(1)["report"]
    assert RunReport.from_dict(json.loads(json.dumps(asdict(report)))).sources["sales"].filled == counts.filled
    assert stored["sources"]["sales"]["filled"] == counts.filled
    kept = open_table(till.space.lake, "t/sales").scan().collect()
    assert dict(kept.select("id", "is_estimate").rows()) == {"1": False, "2": True}


def test_value_that_is_delivered_after_all_takes_the_place_of_the_filled_one_and_of_its_mark(till):
    till.price("a", "2")
    till.sell("1,a,,5")
    till.run()
    till.sell("1,a,1.75,5")
    till.run()
    assert till.rows() == {"1": ("1.75", "5", None)}


def test_table_that_is_not_there_yet_knows_nothing_and_is_named(till):
    till.price("b", "2")
    till.pipeline = sales({"price": [last_known(of="t/produkts", column="price", key="product"), default(9)]})
    till.sell("1,a,,5")
    report = till.run()
    assert till.rows() == {"1": ("9.00", "5", '{"price":["default",null]}')}
    (said,) = report.sources["sales"].warnings
    assert said.startswith("price: table 't/produkts' was not there when the run was planned, so it knows no last")
    assert said.endswith("(did you mean 't/products'?)")


def test_every_attempt_at_a_plan_asks_the_version_that_was_there_when_it_was_planned(till, monkeypatch):
    till.price("a", "2")
    till.sell("1,a,,5")

    def die(point: str) -> None:
        if point == "stage.after":
            raise RuntimeError(point)
        fault(point)

    with monkeypatch.context() as broken:
        broken.setattr(flow, "fault", die)
        with pytest.raises(RuntimeError, match="after"):
            till.run()
    till.price("a", "3")
    till.run()
    assert till.rows()["1"][0] == "2.00"
    till.run(full=True)
    assert till.rows()["1"][0] == "3.00"


def test_change_of_a_table_that_is_only_asked_is_no_news(till):
    till.price("a", "2")
    till.sell("1,a,1,5")
    till.run()
    till.price("a", "3")
    assert till.run().state == "UNCHANGED"


def test_pipeline_can_ask_the_table_that_it_writes_where_filled_values_do_not_count(till):
    own = last_known(of="t/sales", column="price", key="product", at="_source_time")
    till.pipeline = sales({"price": [own, default(9)]})
    till.sell("1,a,4,5", "2,b,,5", name="a")
    till.run()
    till.sell("3,a,,5", "4,b,,5", name="b")
    till.run()
    assert [till.rows()[n][0] for n in "1234"] == ["4.00", "9.00", "4.00", "9.00"]


def test_quarantined_row_is_filled_when_it_is_replayed_with_a_fallback(till):
    till.pipeline = sales({"discount": default(0)})
    till.sell("1,a,,5", "2,a,1,5")
    till.run()
    till.pipeline = sales()
    till.price("a", "2")
    till.queue()
    report = till.run()
    assert report.sources["sales"].released == 1
    assert report.sources["sales"].filled == {"price": {"last_known": 1}}
    assert till.rows()["1"] == ("2.00", "5", '{"price":["last_known",null]}')


def test_fallbacks_may_be_added_to_a_table_that_has_rows_and_be_dropped_again(till):
    source = csv_files("sales/*.csv", schema=Sale)
    plain = Pipeline(
        "t.sales", sources={"sales": source}, outputs=[table("t/sales", of="sales", mode="merge", key="id")]
    )
    till.pipeline = plain
    till.sell("1,a,1,5")
    till.run()
    filling = csv_files("sales/*.csv", schema=Sale, fallback={"price": default(9)})
    till.pipeline = Pipeline("t.sales", sources={"sales": filling}, outputs=plain.outputs)
    till.sell("2,a,,5", name="b")
    till.run()
    till.pipeline = plain
    till.sell("3,a,1,5", name="c")
    till.run()
    found = till.rows()
    assert {key: row[0] for key, row in found.items()} == {"1": "1.00", "2": "9.00", "3": "1.00"}


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"price.filled": 1}, "price.filled: 2 of 4 rows filled, at most 1 may be"),
        ({"*.filled": "50%"}, "*.filled: 3 of 4 rows filled, at most 50% may be"),
        (
            {"discount.filled per product": 0},
            "discount.filled per product: too much filled within 2 values, at most 0 may be:",
        ),
    ],
)
def test_budget_on_filled_cells_fails_the_run(till, budget, said):
    till.pipeline = sales({"price": default(1), "discount": default(0)}, budget=budget)
    till.sell("1,a,,5", "2,a,x,y", "3,b,1,", "4,b,1,5")
    with pytest.raises(BoundaryError) as failed:
        till.run()
    assert said in str(failed.value)
    assert open_table(till.space.lake, "t/sales") is None or not till.rows()


def test_filled_cells_are_no_part_of_the_budget_of_refused_rows(till):
    till.pipeline = sales({"price": default(1)}, budget={"*": 0, "price": 0, "price.filled": 1})
    till.sell("1,a,,5")
    assert till.run().sources["sales"].accepted == 1


def test_plan_names_the_tables_that_are_asked(till):
    till.sell("1,a,,5")
    assert find_news(till.pipeline, till.space, find_position(till.pipeline, till.space), RunRequest()).lookups == {
        "t/products": None
    }


def test_table_without_the_column_fails_before_anything_is_planned(till):
    till.price("a", "2")
    till.pipeline = sales({"price": last_known(of="t/products", column="cost", key="product")})
    till.sell("1,a,,5")
    with pytest.raises(DefinitionError, match="'t/products' has no column 'cost'"):
        till.run()
    assert PlanStore(till.space.lake, "t.sales").plan(1) is None
    settings = Settings(project=till.raw.parent, raw=str(till.raw), lake=str(till.lake))
    with pytest.raises(DefinitionError, match="'t/products' has no column 'cost'"):
        preview(till.pipeline, settings, RunRequest())


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (
            {"price": last_known(of="other", column="price", key="product")},
            "asks files ('other') for last known values",
        ),
        ({"price": last_known(of="Product", column="price", key="product")}, "is no source and no name of a table"),
        ({"id": default("none")}, "the column is part of the key of table 't/sales'"),
    ],
)
def test_what_cannot_be_asked_or_filled_is_refused_at_definition(sources, said):
    with pytest.raises(DefinitionError) as refused:
        Pipeline(
            "t.sales",
            sources={"sales": csv_files("s/*.csv", schema=Sale, fallback=sources), "other": csv_files("o/*.csv")},
            outputs=[table("t/sales", of="sales", mode="merge", key="id")],
        )
    assert said in str(refused.value)


def test_table_source_that_is_only_asked_is_used_and_must_fit_its_schema():
    asked = last_known(of="products", column="since", key="product")
    pipeline = Pipeline(
        "t.sales",
        sources={
            "sales": csv_files("s/*.csv", schema=Sale, fallback={"price": asked}),
            "products": delta_table("t/products", schema=Product),
        },
        outputs=[table("t/sales", of="sales", mode="merge", key="id")],
    )
    (problem,) = verify(pipeline)
    assert str(problem).startswith("t.sales, source 'sales': fallback of 'price': since of 'products' is Date, but")
