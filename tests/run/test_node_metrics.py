"""What the physical nodes of a run's plan did: counted by Polars, told in words of the pipeline."""

import sys
from dataclasses import replace
from types import ModuleType

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.core.events import listening
from framework.core.report import RunReport
from framework.run.execution import execute
from framework.run.flow import run_in
from framework.run.node_metrics import Does, measured, measuring
from framework.run.node_metrics.observer import MODULE, Plan, Watched, is_possible, watching
from framework.run.node_metrics.steps import step_of
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Order(pa.DataFrameModel):
    shop: str
    product: str
    amount: int


class Product(pa.DataFrameModel):
    product: str
    cost: int


class Total(pa.DataFrameModel):
    shop: str
    margin: int


@step(returns=Total)
def totals(orders: LazyFrame[Order], products: LazyFrame[Product]) -> pl.LazyFrame:
    return (
        orders.join(products, on="product")
        .with_columns(margin=pl.col("amount") - pl.col("cost"))
        .group_by("shop")
        .agg(pl.col("margin").sum())
        .sort("shop")
    )


PRODUCTS = Pipeline(
    "t.products",
    sources={"products": csv_files("products/*.csv", schema=Product)},
    outputs=[table("t/products", of="products")],
)
TOTALS = Pipeline(
    "t.totals",
    sources={"orders": csv_files("orders/*.csv"), "products": delta_table("t/products")},
    steps=[totals],
    outputs=[table("t/totals", of=totals, mode="overwrite")],
)


@pytest.fixture
def space(tmp_path):
    for name in ("orders", "products"):
        (tmp_path / "raw" / name).mkdir(parents=True)
    (tmp_path / "raw/products/a.csv").write_text("product,cost\napple,1\npear,2\n")
    rows = [f"s{n % 3},{('apple', 'pear')[n % 2]},{n}" for n in range(1_000)]
    (tmp_path / "raw/orders/a.csv").write_text("\n".join(["shop,product,amount", *rows]) + "\n")
    made = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    run_in(PRODUCTS, made, RunRequest())
    return made


@pytest.fixture
def nodes(space, monkeypatch):
    monkeypatch.setattr(measured, "LEAST_SHARE", 0.0)  # all of them, however short this machine took for one
    return {node.name: node for node in run_in(TOTALS, space, RunRequest()).nodes}


def test_nodes_are_told_in_words_of_the_pipeline_with_the_rows_that_passed(nodes):
    read = nodes["read orders (csv)"]
    assert (read.operation, read.rows_out, read.sources) == ("read", 1_000, ["orders"])
    assert read.bytes_read > 9_000
    join = nodes["inner join on product"]
    assert (join.rows_in, join.rows_out, join.sources) == (1_002, 1_000, ["orders", "products"])
    assert nodes["compute margin"].rows_out == 1_000
    group = nodes["group by shop"]
    assert (group.operation, group.rows_in, group.rows_out) == ("group by", 1_000, 3)
    assert nodes["sort by shop"].rows_out == 3
    assert nodes["write t/totals"].rows_in == 3


def test_nodes_are_told_to_be_those_of_the_step_that_does_the_same(nodes):
    wanted = ["inner join on product", "compute margin", "group by shop", "sort by shop"]
    assert {nodes[name].step for name in wanted} == {"totals"}
    assert {nodes[name].step for name in ("read orders (csv)", "check and cast rows", "write t/totals")} == {""}


def test_a_node_that_two_steps_could_have_asked_for_is_nobodys():
    frame = pl.LazyFrame(schema={"a": pl.Int64, "b": pl.Int64})
    one, two = Does.of(frame.sort("a").with_columns(c=1)), Does.of(frame.sort("a").filter(pl.col("b") > 1))
    steps = {"one": one, "two": two}
    assert step_of("sort by a", (), steps) == ""
    assert step_of("filter by b", (), steps) == "two"
    assert step_of("compute c", ("c",), steps) == "one"
    assert step_of("compute d", ("d",), steps) == ""


def test_a_step_that_cannot_be_asked_is_said_in_the_log_and_fails_no_run(space):
    asked = []

    @step(returns=Order)
    def moody(orders: LazyFrame[Order]) -> pl.LazyFrame:
        asked.append(orders)
        if emitted:
            raise ValueError("no more")
        return orders

    emitted = []
    pipeline = Pipeline(
        "t.moody", sources={"orders": csv_files("orders/*.csv")}, steps=[moody], outputs=[table("t/moody", of=moody)]
    )

    def hear(event):
        if event.name == "table.published":  # all is done but the words about it
            emitted.append(event)
        if event.name == "nodes.unknown":
            told.append(event.message)

    told = []
    with listening(hear):
        report = run_in(pipeline, space, RunRequest())
    assert report.state == "SUCCESS"
    assert report.nodes
    assert told == ["what step 'moody' does cannot be told: no more"]


def test_shares_are_those_of_all_nodes_and_the_slowest_comes_first(space):
    found = run_in(TOTALS, space, RunRequest()).nodes
    assert [one.seconds for one in found] == sorted((one.seconds for one in found), reverse=True)
    assert 0.9 < sum(one.share for one in found) < 1.001
    assert all(one.seconds > 0 for one in found)


def test_nodes_are_kept_in_the_report_and_read_back(space):
    report = run_in(TOTALS, space, RunRequest())
    assert report.nodes
    assert RunReport.from_dict(report.to_dict()) == report


def test_a_run_can_do_without(space):
    report = run_in(TOTALS, replace(space, nodes=False), RunRequest())
    assert (report.state, report.nodes) == ("SUCCESS", [])


def test_a_report_without_nodes_and_one_of_a_newer_version_are_read():
    document = RunReport("r", "t.totals", "SUCCESS").to_dict()
    del document["nodes"]
    assert RunReport.from_dict({**document, "known_one_day": 1}) == RunReport("r", "t.totals", "SUCCESS")


def test_nothing_is_left_behind_of_what_watches(space):
    run_in(TOTALS, space, RunRequest())
    assert MODULE not in sys.modules


def test_a_plan_that_nobody_measures_is_not_watched():
    seen = []
    execute([pl.LazyFrame({"a": [1]}).sink_batches(lambda _: seen.append(MODULE in sys.modules), lazy=True)])
    assert seen == [False]


def test_an_error_of_a_plan_stays_what_it_is():
    plan = pl.LazyFrame({"a": ["x"]}).select(pl.col("a").cast(pl.Int64))
    with measuring() as measured, pytest.raises(pl.exceptions.InvalidOperationError, match="conversion"):
        execute([plan.sink_batches(print, lazy=True)])
    assert measured.nodes() == []
    assert MODULE not in sys.modules


def test_what_another_polars_tells_instead_fails_no_run(monkeypatch):
    monkeypatch.setattr(Watched, "plans", lambda _: iter([Plan({1: {"no": "id"}}, {}, {1: {}})]))
    told, seen = [], []
    with listening(told.append), measuring() as measured:
        execute([pl.LazyFrame({"a": [1]}).sink_batches(lambda rows: seen.append(rows.height), lazy=True)])
    assert (seen, measured.nodes()) == ([1], [])
    assert [event.name for event in told] == ["nodes.unknown"]


def test_where_polars_cloud_is_there_it_is_left_alone(monkeypatch):
    real = ModuleType(MODULE)
    real.QueryCloudObserver = object
    monkeypatch.setitem(sys.modules, MODULE, real)
    assert not is_possible()
    with measuring() as measured:
        execute([pl.LazyFrame({"a": [1]}).sink_batches(lambda _: None, lazy=True)])
    assert measured.nodes() == []
    assert sys.modules[MODULE] is real


def test_queries_of_two_threads_are_told_apart():
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    meet = Barrier(2, timeout=60)

    def rows(count: int) -> int:
        with watching() as (engine, watched):
            meet.wait()
            pl.collect_all([pl.LazyFrame({"a": range(count)}).sink_batches(lambda _: None, lazy=True)], engine=engine)
            meet.wait()
        [plan] = watched.plans()
        [source] = [number for number, node in plan.nodes.items() if node["properties"]["type"] == "InMemorySource"]
        return plan.counters[source]["rows_sent"]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(rows, [10, 20])) == [10, 20]
    assert MODULE not in sys.modules
