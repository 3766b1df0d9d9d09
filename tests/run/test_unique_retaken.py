"""Uniqueness over fresh rows and those taken up from waiting, in real runs."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from framework import Pipeline, RunRequest, Settings, csv_files, delta_table, run_pipeline, table
from framework.lake import open_table
from framework.storage import StorageLocation


class Product(pa.DataFrameModel):
    code: str


class Order(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    product: str


PRODUCTS = Pipeline(
    "t.products",
    sources={"products": csv_files("products*.csv", schema=Product)},
    outputs=[table("t/products", of="products", mode="merge", key="code")],
)
ORDERS = Pipeline(
    "t.orders",
    sources={
        "orders": csv_files("orders*.csv", schema=Order, references={"product": "known.code"}),
        "known": delta_table("t/products", key="code"),
    },
    outputs=[table("t/orders", of="orders", mode="merge", key="id")],
)


class House:
    def __init__(self, folder):
        self.folder = folder
        self.settings = Settings(project=folder)
        (folder / "data/raw").mkdir(parents=True)

    def arrive(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / "data/raw" / f"{name}.csv").write_text(text)

    def run(self, *pipelines: Pipeline, full: bool = False):
        reports = [run_pipeline(pipeline, self.settings, RunRequest(full=full)) for pipeline in pipelines]
        return reports[-1].sources["orders"]

    def orders(self) -> list[int]:
        return sorted(self._scan("t/orders").collect()["id"])

    def held(self) -> list[tuple[object, ...]]:
        rows = self._scan("_quarantine/t.orders").filter(pl.col("state") != "released").collect()
        return sorted(rows.select("file", "line", "state", "reasons").rows())

    def _scan(self, name: str) -> pl.LazyFrame:
        return open_table(StorageLocation(str(self.folder / "data/lake")), name).scan()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.arrive(products1="code\np\n", orders1="id,product\n1,p\n2,q\n3,q\n")
    first = house.run(PRODUCTS, ORDERS)
    assert (first.accepted, first.quarantined, house.orders()) == (1, 2, [1])
    return house


UNIQUE = ["id: must be unique"]


def test_order_that_waited_and_a_fresh_one_of_its_number_are_duplicates(house):
    house.arrive(products2="code\nq\n", orders2="id,product\n2,p\n4,p\n")
    report = house.run(PRODUCTS, ORDERS)
    assert house.orders() == [1, 3, 4]
    assert house.held() == [("orders1.csv", 3, "open", UNIQUE), ("orders2.csv", 2, "open", UNIQUE)]
    assert (report.accepted, report.quarantined, report.released) == (1, 1, 1)


def test_one_batch_of_the_same_rows_says_the_same(house):
    house.arrive(products2="code\nq\n", orders2="id,product\n2,p\n4,p\n")
    house.run(PRODUCTS, ORDERS)
    orders, held = house.orders(), house.held()
    house.run(PRODUCTS, ORDERS, full=True)
    assert (house.orders(), house.held()) == (orders, held)


def test_orders_of_other_numbers_are_released_as_before(house):
    house.arrive(products2="code\nq\n", orders2="id,product\n5,p\n")
    report = house.run(PRODUCTS, ORDERS)
    assert (house.orders(), house.held()) == ([1, 2, 3, 5], [])
    assert (report.accepted, report.quarantined, report.released) == (1, 0, 2)


def test_file_delivered_again_does_not_meet_its_own_waiting_rows(house):
    house.arrive(products2="code\nq\n", orders1="id,product\n1,p\n2,q\n3,q\n7,p\n")
    house.run(PRODUCTS, ORDERS)
    assert house.orders() == [1, 2, 3, 7]
    assert not any(reasons == UNIQUE for *_, reasons in house.held())
