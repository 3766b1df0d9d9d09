"""What several outputs share is computed once."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.run.planning import fix_plan
from framework.run.position import find_position
from framework.run.request import RunRequest
from framework.run.scopes import scopes_of
from tests.run.quarantine_shop import Shop
from tests.run.stages.counting import counted, passed


class Event(pa.DataFrameModel):
    id: int
    kind: str
    amount: int = pa.Field(lt=1000)


@step(returns=Event)
def doubled(events: LazyFrame[Event]) -> pl.LazyFrame:
    return counted(events.with_columns(pl.col("amount") * 2), "doubled")


@step(returns=Event)
def raised(doubled: LazyFrame[Event]) -> pl.LazyFrame:
    return counted(doubled.with_columns(pl.col("amount") + 1), "raised")


@step(returns=Event)
def small(raised: LazyFrame[Event]) -> pl.LazyFrame:
    return raised.filter(pl.col("amount") < 10)


@step(returns=Event)
def large(raised: LazyFrame[Event]) -> pl.LazyFrame:
    return raised.filter(pl.col("amount") >= 10)


EVENTS = Pipeline(
    "t.events",
    sources={"events": csv_files("events/*.csv")},
    steps=[doubled, raised, small, large],
    outputs=[table(f"t/{of.__name__}", of=of, mode="merge", key="id") for of in (raised, small, large)],
)


@pytest.fixture(autouse=True)
def _afresh():
    passed.taken()


def test_step_that_several_outputs_share_sees_each_row_once(tmp_path):
    shop = Shop(tmp_path, EVENTS)
    shop.put("events/a.csv", "id,kind,amount\n" + "".join(f"{i},a,{i}\n" for i in range(20)))
    report = shop.run()
    assert passed.taken() == {"doubled": 20, "raised": 20}
    assert not (shop.lake / "_sluice/_cache").exists()
    assert {name: out.rows_added for name, out in report.outputs.items() if name.startswith("t/")} == {
        "t/raised": 20,
        "t/small": 5,
        "t/large": 15,
    }


@step(returns=Event)
def seen(stored: LazyFrame[Event]) -> pl.LazyFrame:
    return counted(stored, "seen")


def reading(*outputs) -> Pipeline:
    return Pipeline("t.seen", sources={"stored": delta_table("t/raised", schema=Event)}, steps=[seen], outputs=outputs)


BY_KIND = {"mode": "merge", "key": ["kind", "id"], "recompute_by": "kind"}


def test_outputs_that_recompute_the_same_values_share_their_work_and_others_do_not(tmp_path):
    shop = Shop(tmp_path, EVENTS)
    shop.put("events/a.csv", "id,kind,amount\n1,a,1\n2,a,2\n3,b,3\n")
    shop.run()
    made = reading(table("t/one", of=seen, **BY_KIND), table("t/two", of=seen, **BY_KIND), table("t/all", of=seen))
    passed.taken()
    shop.run(pipeline=made)
    assert passed.taken() == {"seen": 3}
    shop.put("events/b.csv", "id,kind,amount\n4,b,4\n")
    shop.run()
    passed.taken()
    plan = fix_plan(made, shop.space, RunRequest(), find_position(made, shop.space))
    names = [[output.table for output in scope.outputs] for scope in scopes_of(made, plan, shop.space)]
    assert names == [["t/one", "t/two"], ["t/all"]]
    assert shop.run(pipeline=made).state == "SUCCESS"
    assert passed.taken() == {"seen": 2 + 4}
