"""A project on disk whose runs can be looked at again: orders from files, and their totals, day by day."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from framework.core.report import Failure, RunReport
from framework.definition.load import load_pipelines
from framework.lake import PlanStore
from framework.ledger.opening import open_ledger
from framework.ledger.runs import record_finished
from framework.run.flow import run_pipeline
from framework.run.request import RunRequest
from framework.run.workspace import open_workspace
from framework.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PIPELINES = """
import pandera.polars as pa
import polars as pl
from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table

class Order(pa.DataFrameModel):
    order_id: str
    day: str
    amount: int = pa.Field(ge=0)

class Total(pa.DataFrameModel):
    day: str
    amount: int

@step(returns=Order)
def large(orders: LazyFrame[Order], least: int = 0) -> pl.LazyFrame:
    return orders.filter(pl.col("amount") >= least)

@step(returns=Total)
def totals(orders: LazyFrame[Order]) -> pl.LazyFrame:
    return orders.group_by("day").agg(pl.col("amount").sum()).sort("day")

orders = Pipeline("t.orders", sources={"orders": csv_files("*.csv")}, steps=[large],
    outputs=[table("t/orders", of=large, mode="merge", key="order_id", newest_by="order_id")])
sums = Pipeline("t.totals", sources={"orders": delta_table("t/orders")}, steps=[totals],
    outputs=[table("t/totals", of=totals, mode="merge", key="day", recompute_by="day")])
"""


class Project:
    """A project in a folder. `package` is a name of its own, as modules of other tests may still be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = f"past_{folder.parent.name}_{folder.name}".replace("-", "_")
        self.settings = Settings(project=folder, packages=(self.package,))
        (folder / self.package).mkdir(parents=True)
        (folder / "data/raw").mkdir(parents=True)
        (folder / "sluice.toml").write_text(f'packages = ["{self.package}"]\n')
        self.define(PIPELINES)

    def define(self, text: str) -> None:
        """Write the pipelines, and forget what they were before."""
        file = self.folder / self.package / "__init__.py"
        file.write_text(text)
        shutil.rmtree(file.with_name("__pycache__"), ignore_errors=True)  # an edit within a second looks like none
        sys.modules.pop(self.package, None)

    def redefine(self, old: str, new: str) -> None:
        text = (self.folder / self.package / "__init__.py").read_text()
        assert old in text
        self.define(text.replace(old, new))

    def deliver(self, name: str, *lines: str) -> Path:
        file = self.folder / "data/raw" / f"{name}.csv"
        file.write_text("\n".join(["order_id,day,amount", *lines]) + "\n")
        return file

    def run(self, name: str, **request) -> RunReport:
        """Run a pipeline, and keep in the ledger what became of it, as the supervisor does."""
        pipeline = load_pipelines(self.settings)[name]
        try:
            report = run_pipeline(pipeline, self.settings, RunRequest(**request))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is kept as how the run ended
            report = self._failed(name, error)
        if report.run_id:
            record_finished(open_ledger(self.settings.ledger_url), report, invocation_id="i1")
        return report

    def _failed(self, name: str, error: Exception) -> RunReport:
        store = PlanStore(open_workspace(self.settings).lake, name)
        seq = 1
        while store.manifest(seq) is not None:
            seq += 1
        plan = store.plan(seq)
        failure = Failure("step", type(error).__name__, str(error))
        return RunReport(plan.run_id if plan else "f0", name, "FAILED", seq=plan.seq if plan else None, failure=failure)
