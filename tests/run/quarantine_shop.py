"""A small shop whose sales are refused, mended and judged again, and what its tables must hold, told plainly."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandera.polars as pa

from framework import Pipeline, csv_files, delta_table, json_files, step, table
from framework.core.typed import DataFrameModel, LazyFrame
from framework.lake import open_table
from framework.lake.quarantine import Selection, rows
from framework.run.flow import run_in
from framework.run.quarantine.masking import schemas_of
from framework.run.quarantine.mending import Correction, Mended, mend
from framework.run.quarantine.replay import Queued, queue
from framework.run.quarantine.rows import Desk
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from pathlib import Path

    from framework.core.report import RunReport

START = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "id,product,quantity,note"


class Product(DataFrameModel):
    product: str


class Sale(DataFrameModel):
    id: str
    product: str
    quantity: int = pa.Field(gt=0, lt=1000)
    note: str = pa.Field(nullable=True, metadata={"sensitive": True})


@step(returns=Product)
def known_products(products: LazyFrame[Product]) -> LazyFrame[Product]:
    return products


PRODUCTS = Pipeline(
    "t.products",
    sources={"products": json_files("products/*.json")},
    steps=[known_products],
    outputs=[table("products", of=known_products, mode="merge", key="product")],
)


def sales_pipeline(mode: str = "merge", schema: type = Sale, **more) -> Pipeline:
    """The sales, merged by id or appended; every sale refers to a product."""
    options = {"key": "id"} if mode == "merge" else {}
    source = csv_files("sales/*.csv", schema=schema, references={"product": "products"}, **more)
    return Pipeline(
        "t.sales",
        sources={"sales": source, "products": delta_table("products", schema=Product)},
        outputs=[table("sales", of="sales", mode=mode, **options)],
    )


SALES = sales_pipeline()


class Shop:
    """Its folders, with the files delivered one hour apart."""

    def __init__(self, root: Path, pipeline: Pipeline = SALES) -> None:
        self.raw, self.lake = root / "raw", root / "lake"
        self.space = Workspace(StorageLocation(str(self.raw)), StorageLocation(str(self.lake)))
        self.pipeline = pipeline
        self.hour = 0

    def copy(self, root: Path, pipeline: Pipeline | None = None) -> Shop:
        """The same shop in another place."""
        shutil.copytree(self.raw, root / "raw")
        shutil.copytree(self.lake, root / "lake")
        found = Shop(root, pipeline or self.pipeline)
        found.hour = self.hour
        return found

    def put(self, name: str, content: str, hour: int | None = None) -> None:
        self.hour += 1
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        at = (START + timedelta(hours=self.hour if hour is None else hour)).timestamp()
        os.utime(path, (at, at))

    def know(self, *products: str) -> None:
        """Deliver products, and publish them."""
        self.put(f"products/{self.hour}.json", "[" + ",".join(f'{{"product": "{p}"}}' for p in products) + "]")
        run_in(PRODUCTS, self.space, RunRequest())

    def deliver(self, name: str, *lines: str, hour: int | None = None) -> None:
        self.put(f"sales/{name}.csv", "\n".join([HEADER, *lines]) + "\n", hour)

    def run(self, *, full: bool = False, pipeline: Pipeline | None = None) -> RunReport:
        return run_in(pipeline or self.pipeline, self.space, RunRequest(full=full))

    def desk(self, pipeline: Pipeline | None = None) -> Desk:
        used = pipeline or self.pipeline
        return Desk(used.name, self.space, used, schemas_of(used))

    def held(self, **selection) -> list[dict]:
        return rows(self.space.lake, "t.sales", Selection(**selection)).to_dicts()

    def states(self) -> list[tuple]:
        return sorted((row["file"], row["line"] or 0, row["state"]) for row in self.held())

    def id_of(self, line: int | None, file: str = "a", **selection) -> str:
        found = [r["id"] for r in self.held(**selection) if r["file"] == f"sales/{file}.csv" and r["line"] == line]
        assert len(found) == 1, found
        return found[0]

    def mend(self, line: int, file: str = "a", by: str = "ann", **cells) -> Mended:
        states = ("open", "waiting", "mended", "queued", "discarded")
        return mend(self.desk(), [Correction(self.id_of(line, file, states=states), cells)], by=by, where="a test")

    def queue(self, by: str = "ann", **selection) -> Queued:
        return queue(self.desk(), Selection(**selection), by=by)

    def replay(self, **selection) -> RunReport:
        self.queue(**selection)
        return self.run()

    def table(self, *columns: str) -> list[tuple]:
        handle = open_table(self.space.lake, "sales")
        found = handle.scan().select(*(columns or ("id", "product", "quantity"))).collect()
        return sorted(found.rows())


def accounts(report) -> tuple[int, ...]:
    """What became of the sales of a run: rows in, accepted, quarantined, released, refused again."""
    sales = report.sources["sales"]
    assert sales.rows_in == sales.accepted + sales.quarantined + sum(sales.dropped.values())
    return sales.rows_in, sales.accepted, sales.quarantined, sales.released, sales.refused_again
