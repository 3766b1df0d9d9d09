"""The ways in which the rows of new files meet a table, from a run's point of view."""

import os
from datetime import date
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, step, table
from framework.core.report import RunReport
from framework.errors import CompatibilityError, SourceError
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Visit(pa.DataFrameModel):
    shop: str
    day: pl.Date
    visitors: int


def pipeline(mode: str, **options) -> Pipeline:
    output = table("visits", of="visits", mode=mode, partition_by="day", **options)
    return Pipeline("t.visits", sources={"visits": csv_files("*.csv", schema=Visit)}, outputs=[output])


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    return Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))


def deliver(space: Workspace, name: str, *lines: str) -> None:
    Path(space.raw.uri(name)).write_text("\n".join(["shop,day,visitors", *lines]) + "\n")


def run(made: Pipeline, space: Workspace, *, full: bool = False) -> RunReport:
    return run_in(made, space, RunRequest(full=full))


def rows(space: Workspace) -> list[tuple]:
    found = open_table(space.lake, "visits").scan().select("shop", "day", "visitors").collect()
    return sorted(found.rows())


FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)


def test_append_adds_rows_and_keeps_equal_ones(space):
    made = pipeline("append")
    deliver(space, "a.csv", "A,2024-01-01,1", "A,2024-01-01,1")
    run(made, space)
    deliver(space, "b.csv", "A,2024-01-01,1", "B,2024-01-02,2")
    run(made, space)
    assert rows(space) == [("A", FIRST, 1), ("A", FIRST, 1), ("A", FIRST, 1), ("B", SECOND, 2)]


def test_a_file_that_changed_after_it_was_appended_is_refused_and_a_rebuild_takes_it(space):
    made = pipeline("append")
    deliver(space, "a.csv", "A,2024-01-01,1")
    run(made, space)
    deliver(space, "a.csv", "A,2024-01-01,1", "B,2024-01-02,2")
    with pytest.raises(SourceError, match=r"a\.csv has changed since its rows were appended to visits"):
        run(made, space)
    assert rows(space) == [("A", FIRST, 1)]
    run(made, space, full=True)
    assert rows(space) == [("A", FIRST, 1), ("B", SECOND, 2)]


def test_replace_partitions_replaces_those_that_occur_and_no_other(space):
    made = pipeline("replace_partitions")
    deliver(space, "a.csv", "A,2024-01-01,1", "B,2024-01-02,2")
    run(made, space)
    before = {f.path for f in open_table(space.lake, "visits").files() if ("day", "2024-01-01") in f.partition}
    deliver(space, "b.csv", "C,2024-01-02,3")
    assert run(made, space).outputs["visits"].partitions == 1
    assert rows(space) == [("A", FIRST, 1), ("C", SECOND, 3)]
    assert before <= {f.path for f in open_table(space.lake, "visits").files()}


def test_overwrite_holds_what_was_read_last(space):
    made = pipeline("overwrite")
    deliver(space, "a.csv", "A,2024-01-01,1")
    run(made, space)
    deliver(space, "b.csv", "B,2024-01-02,2")
    run(made, space)
    assert rows(space) == [("B", SECOND, 2)]


def test_a_table_of_another_schema_is_not_written_until_it_is_rebuilt(space):
    class Wider(Visit):
        note: str

    deliver(space, "a.csv", "A,2024-01-01,1")
    run(pipeline("append"), space)
    output = table("visits", of="visits", mode="append", partition_by="day")
    wider = Pipeline("t.visits", sources={"visits": csv_files("*.csv", schema=Wider)}, outputs=[output])
    Path(space.raw.uri("b.csv")).write_text("shop,day,visitors,note\nB,2024-01-02,2,x\n")
    for _ in range(2):
        with pytest.raises(CompatibilityError, match=r"note: column added \(String, required\): rows that are there"):
            run(wider, space)
    assert rows(space) == [("A", FIRST, 1)]
    deliver(space, "a.csv", "A,2024-01-01,1")
    Path(space.raw.uri("a.csv")).write_text("shop,day,visitors,note\nA,2024-01-01,1,y\n")
    assert run(wider, space, full=True).seq == 2
    assert rows(space) == [("A", FIRST, 1), ("B", SECOND, 2)]
    assert run(wider, space).state == "UNCHANGED"


def test_every_row_that_came_in_is_accounted_for_under_each_policy(space):
    for policy, quarantined, dropped in (("quarantine", 1, {}), ("drop", 0, {"invalid": 1})):
        output = table(f"visits_{policy}", of="visits", mode="append")
        source = csv_files("*.csv", schema=Visit, on_invalid=policy)
        made = Pipeline(f"t.{policy}", sources={"visits": source}, outputs=[output])
        deliver(space, "a.csv", "A,2024-01-01,1", "B,nonsense,2")
        report = run(made, space).sources["visits"]
        assert (report.rows_in, report.accepted, report.quarantined, report.dropped) == (2, 1, quarantined, dropped)


def test_rows_that_a_merge_dropped_are_counted_at_the_source_they_came_from(space):
    @step(returns=Visit)
    def visits(doors: LazyFrame[Visit], tills: LazyFrame[Visit]) -> pl.LazyFrame:
        return pl.concat([doors, tills])

    made = Pipeline(
        "t.both",
        sources={"doors": csv_files("door*.csv"), "tills": csv_files("till*.csv")},
        steps=[visits],
        outputs=[table("visits", of=visits, mode="merge", key=["shop", "day"])],
    )
    deliver(space, "door1.csv", "A,2024-01-01,1", "B,2024-01-01,1")
    deliver(space, "till1.csv", "A,2024-01-01,1", "C,2024-01-01,1", "C,2024-01-01,2")
    os.utime(space.raw.uri("door1.csv"), (1, 1))
    reports = run(made, space).sources
    assert (reports["doors"].accepted, reports["doors"].dropped) == (2, {})
    assert (reports["tills"].accepted, reports["tills"].dropped) == (1, {"duplicate": 1, "superseded": 1})
    assert len(rows(space)) == 3


def test_a_step_that_leads_to_another_table_only_is_left_out_of_a_tables_plan(space):
    @step(returns=Visit)
    def first(visits: LazyFrame[Visit]) -> pl.LazyFrame:
        return visits.filter(pl.col("shop") == "A")

    @step(returns=Visit)
    def second(visits: LazyFrame[Visit]) -> pl.LazyFrame:
        return visits.filter(pl.col("shop") == "B")

    outputs = [table("visits", of=first), table("others", of=second)]
    made = Pipeline(
        "t.two", sources={"visits": csv_files("*.csv", schema=Visit)}, steps=[first, second], outputs=outputs
    )
    deliver(space, "a.csv", "A,2024-01-01,1", "B,2024-01-02,2")
    run(made, space)
    assert rows(space) == [("A", FIRST, 1)]
    assert open_table(space.lake, "others").scan().select("shop").collect().rows() == [("B",)]


@pytest.mark.parametrize("mode", ["merge", "replace_partitions"])
def test_partitions_of_any_text_are_found_again(mode, tmp_path):
    class Sale(pa.DataFrameModel):
        id: int
        shop: str = pa.Field(nullable=True)
        price: int

    @step(returns=Sale)
    def sold(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales

    words = ["shop 1", "a%20b", "ü/x=:", "", "..", "100%", "a+b", 'q"r', "x\\y"]
    (tmp_path / "raw").mkdir()
    there = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    options = {"mode": mode, "partition_by": "shop", **({"key": "id"} if mode == "merge" else {})}
    made = Pipeline(
        "shop.sold",
        sources={"sales": csv_files("*.csv")},
        steps=[sold],
        outputs=[table("shop/sold", of=sold, **options)],
    )
    for price in (1, 2):
        frame = pl.DataFrame({"id": range(len(words)), "shop": words, "price": price})
        frame.write_csv(tmp_path / f"raw/{price}.csv")
        run_in(made, there, RunRequest())
    found = open_table(there.lake, "shop/sold")
    assert found is not None
    assert found.scan().select("shop", "price").sort("price", "shop").collect().rows() == sorted(
        ((word or None, 2) for word in words), key=lambda row: (row[0] is not None, row[0])
    )


@pytest.mark.parametrize("is_full", [True, False])
def test_rows_that_tie_within_a_file_leave_one_of_them(is_full, tmp_path):
    class Order(pa.DataFrameModel):
        order_id: str
        total: int

    @step(returns=Order)
    def orders(lines: LazyFrame[Order]) -> pl.LazyFrame:
        return lines.select("order_id", "total")  # without provenance nothing tells the two from each other

    (tmp_path / "raw").mkdir()
    there = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    output = table("shop/orders", of=orders, mode="merge", key="order_id", newest_by="order_id")
    made = Pipeline("shop.orders", sources={"lines": csv_files("*.csv")}, steps=[orders], outputs=[output])
    deliveries = ["order_id,total\nO0,1\nO1,7\nO1,7\n", "order_id,total\nO0,1\nO2,2\nO2,3\nO2,3\n"]
    for number, text in enumerate(deliveries):
        (tmp_path / f"raw/{number}.csv").write_text(text)
        if not is_full:
            run_in(made, there, RunRequest())
    if is_full:
        run_in(made, there, RunRequest())
    found = open_table(there.lake, "shop/orders")
    assert found is not None
    assert sorted(found.scan().select("order_id").collect()["order_id"]) == ["O0", "O1", "O2"]
