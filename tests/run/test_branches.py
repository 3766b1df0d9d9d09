"""Conditions of steps: what is run, what stays as it is, and that nothing is missed when it is run again."""

from datetime import UTC, datetime

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, agree, csv_files, delta_table, run_time, step, table
from framework.core.events import listening
from framework.errors import DefinitionError, StepError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Sale(pa.DataFrameModel):
    region: str
    amount: int


class Total(pa.DataFrameModel):
    total: int


SALES = Pipeline(
    "t.sales",
    sources={"lines": csv_files("*.csv", schema=Sale)},
    outputs=[table("t/sales", of="lines", mode="append")],
)


def is_wanted(report: bool = False) -> bool:
    return report


def is_large(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.select(pl.col("amount").sum() > 100)


def total_when(when):
    @step(returns=Total, when=when)
    def summed(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales.select(total=pl.col("amount").sum().cast(pl.Int64))

    @step(returns=Total)
    def doubled(summed: LazyFrame[Total]) -> pl.LazyFrame:
        return summed.select(pl.col("total") * 2)

    return Pipeline(
        "t.totals",
        sources={"sales": delta_table("t/sales", schema=Sale)},
        steps=[summed, doubled],
        outputs=[
            table("t/copy", of="sales"),
            table("t/total", of=summed),
            table("t/double", of=doubled),
        ],
    )


class Shop:
    def __init__(self, folder):
        (folder / "raw").mkdir()
        self.raw = folder / "raw"
        self.space = Workspace(StorageLocation(str(self.raw)), StorageLocation(str(folder / "lake")))
        self.days = 0

    def sell(self, *amounts):
        self.days += 1
        lines = "\n".join(f"{'north' if n % 2 else 'south'},{amount}" for n, amount in enumerate(amounts))
        (self.raw / f"{self.days}.csv").write_text(f"region,amount\n{lines}\n")
        run_in(SALES, self.space, RunRequest())

    def run(self, pipeline, **parameters):
        return run_in(pipeline, self.space, RunRequest(parameters=parameters))

    def rows(self, name):
        return open_table(self.space.lake, name).scan().collect()


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_what_a_parameter_says_decides_whether_a_branch_is_run(shop):
    shop.sell(10, 20)
    report = shop.run(total_when(is_wanted))
    why = "is_wanted does not hold for step 'summed'"
    assert report.skipped == {"t/total": why, "t/double": why}
    assert shop.rows("t/copy").height == 2
    assert shop.rows("t/double").height == 0
    report = shop.run(total_when(is_wanted), report="true")
    assert (report.state, report.skipped) == ("SUCCESS", {})
    assert shop.rows("t/double").to_dicts() == [{"total": 60}]


def test_rows_that_came_while_a_branch_was_left_are_in_it_when_it_is_run(shop):
    shop.sell(10)
    shop.run(total_when(is_wanted), report="true")
    shop.sell(20)
    shop.run(total_when(is_wanted))
    assert shop.rows("t/total").to_dicts() == [{"total": 10}]
    report = shop.run(total_when(is_wanted), report="true")
    assert "t/total: was left as it is before, and would be computed now" in report.reason
    assert shop.rows("t/total").to_dicts() == [{"total": 30}]


def test_what_is_in_a_table_decides_whether_a_branch_is_run(shop):
    shop.sell(60)
    pipeline = total_when(is_large)
    told = []
    with listening(told.append):
        assert shop.run(pipeline).skipped.keys() == {"t/total", "t/double"}
    assert "t/total stays as it is: is_large does not hold for step 'summed'" in {event.message for event in told}
    assert shop.run(pipeline).state == "UNCHANGED"
    shop.sell(60)
    assert shop.run(pipeline).skipped == {}
    assert shop.rows("t/total").to_dicts() == [{"total": 120}]


def test_all_tables_are_at_the_sequence_of_a_run_that_leaves_some(shop):
    from framework.lake import app_id

    shop.sell(1)
    shop.run(total_when(is_wanted))
    at = {name: open_table(shop.space.lake, name).sequence(app_id("t.totals", name)) for name in ("t/copy", "t/double")}
    assert at == {"t/copy": 1, "t/double": 1}


def test_the_time_of_a_run_is_known_to_a_condition(tmp_path):
    def is_weekend() -> bool:
        return run_time().weekday() >= 5

    shop = Shop(tmp_path)
    shop.sell(1)
    for day, skips in ((20, True), (21, False)):
        shop.space = Workspace(shop.space.raw, shop.space.lake, now=datetime(2026, 11, day, tzinfo=UTC))
        shop.sell(1)
        assert bool(shop.run(total_when(is_weekend)).skipped) is skips


def raises(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.select(pl.col("amount").sum() > 100, pl.len())


def breaks(report: bool = False) -> bool:
    return 1 / report > 0


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (raises, "condition 'raises' of step 'summed' gave '1 rows of 2 columns'; give a bool, or a lazy frame of one"),
        (breaks, "condition 'breaks' of step 'summed' raised ZeroDivisionError: division by zero"),
        (lambda: None, "condition '<lambda>' of step 'summed' gave None; give a bool"),
    ],
    ids=["two columns", "raises", "none"],
)
def test_a_condition_that_says_neither_yes_nor_no_is_an_error_at_definition_and_in_a_run(shop, when, said):
    (problem,) = verify(total_when(when))
    assert said in problem.what
    shop.sell(1)
    with pytest.raises(StepError) as caught:
        shop.run(total_when(when))
    assert said in str(caught.value)


def problems_of(**options):
    @step(returns=Total, when=options.pop("when", is_wanted))
    def summed(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales.select(total=pl.col("amount").sum())

    source = options.pop("source", delta_table("t/sales", schema=Sale))
    output = table("t/total", of=summed, **options.pop("output", {}))
    with pytest.raises(DefinitionError) as caught:
        Pipeline("t.totals", sources={"sales": source}, steps=[summed], outputs=[output], **options)
    return [f"{problem.where}: {problem.what}" for problem in caught.value.problems]


def test_a_table_that_takes_only_what_is_new_cannot_do_without_a_run():
    assert problems_of(source=csv_files("*.csv", schema=Sale)) == [
        "t.totals, table 't/total': step 'summed' may not be run, and then new rows of 'sales' would be lost"
    ]
    assert problems_of(output={"mode": "append"}) == [
        "t.totals, table 't/total': step 'summed' may not be run, and then what changed meanwhile would be missing"
    ]


def test_a_condition_asks_tables_that_the_pipeline_reads():
    def is_there(sale: LazyFrame[Sale]) -> pl.LazyFrame:
        return sale.select(pl.len() > 0)

    assert problems_of(when=is_there) == [
        "t.totals, step 'summed': its condition 'is_there' asks 'sale', which is no table that the pipeline reads"
    ]


def test_what_is_no_condition_is_told():
    assert problems_of(when=True) == ["step 'summed': when=True is no condition"]


def test_no_rule_across_tables_holds_what_may_not_be_run():
    rule = agree("totals", left="summed", right="sales", on=("sum(total)", "sum(amount)"))
    assert any("'summed' may not be run, and then nothing could be held" in one for one in problems_of(rules=[rule]))


def test_a_condition_may_ask_a_parameter_that_must_be_given(shop):
    def is_asked(report: bool) -> bool:
        return report

    shop.sell(1)
    assert shop.run(total_when(is_asked), report="true").skipped == {}
    shop.sell(2)
    assert shop.run(total_when(is_asked), report="false").skipped.keys() == {"t/total", "t/double"}
    assert shop.run(total_when(is_asked), report="true").skipped == {}
    assert shop.rows("t/total").to_dicts() == [{"total": 3}]


def test_a_checkpoint_that_only_a_branch_that_is_left_needs_is_not_computed(shop):
    @step(returns=Sale, checkpoint=True)
    def costly(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales

    @step(returns=Total, when=is_wanted)
    def summed(costly: LazyFrame[Sale]) -> pl.LazyFrame:
        return costly.select(total=pl.col("amount").sum().cast(pl.Int64))

    source = {"sales": delta_table("t/sales", schema=Sale)}
    outputs = [table("t/copy", of="sales"), table("t/total", of=summed)]
    made = Pipeline("t.costly", sources=source, steps=[costly, summed], outputs=outputs)
    shop.sell(1, 2)
    report = shop.run(made)
    assert (report.skipped.keys(), report.stages) == ({"t/total"}, {})
    report = shop.run(made, report="true")
    assert (report.skipped, report.stages["costly"].state) == ({}, "computed")
    assert shop.rows("t/total").to_dicts() == [{"total": 3}]
