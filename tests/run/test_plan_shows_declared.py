"""What a plan shows of what is declared: conditions, policies, hooks, stages."""

import pandera.polars as pa
import polars as pl

from framework import Breaker, LazyFrame, Pipeline, Policy, Retry, csv_files, delta_table, hook, step, table
from framework.run.preview import preview
from framework.run.request import RunRequest
from framework.settings import Settings


class Sale(pa.DataFrameModel):
    amount: int


SALES = Pipeline(
    "t.sales",
    sources={"lines": csv_files("*.csv", schema=Sale, breaker=Breaker("shop"))},
    outputs=[table("t/sales", of="lines", mode="append")],
    policy=Policy(Retry(attempts=4, within="20m"), pools=("api",), deadline="1h", expected="15m", on_failure="stop"),
)


@hook("after_publish", on_error="warn")
def tell(moment) -> None: ...


def is_wanted(report: bool = False) -> bool:
    return report


@step(returns=Sale, checkpoint=True)
def doubled(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.select(pl.col("amount") * 2)


@step(returns=Sale, when=is_wanted)
def total(doubled: LazyFrame[Sale]) -> pl.LazyFrame:
    return doubled.sum()


TOTALS = Pipeline(
    "t.totals",
    sources={"sales": delta_table("t/sales", schema=Sale)},
    steps=[doubled, total],
    outputs=[table("t/total", of=total), table("t/doubled", of=doubled)],
    hooks=[tell],
)


def lines_of(pipeline, settings, **parameters):
    return preview(pipeline, settings, RunRequest(parameters=parameters)).render()


def test_a_plan_shows_policies_hooks_conditions_and_stages(tmp_path, monkeypatch):
    from framework.run.flow import run_pipeline

    for name in ("SLUICE_RAW", "SLUICE_LAKE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/a.csv").write_text("amount\n1\n")
    settings = Settings(project=tmp_path)
    shown = lines_of(SALES, settings)
    assert "    policy  retry of a run: 4 attempts within 20 min, waits from 1 s to 1 min" in shown
    for line in ("pools: api", "deadline: 1 h", "expected: 15 min"):
        assert f"    policy  {line}" in shown
    assert "    policy  on failure: nothing else of the invocation is started" in shown
    assert any(line.startswith("    policy  breaker of lines: 'shop', opens for") for line in shown)
    run_pipeline(SALES, settings, RunRequest())
    shown = lines_of(TOTALS, settings)
    assert "    leaves  t/total as it is: is_wanted does not hold for step 'total'" in shown
    assert "    calls   after_publish: tests.run.test_plan_shows_declared:tell (pipeline, only warns)" in shown
    assert next(line for line in shown if line.startswith("    stage")) == "    stage   doubled: doubled"
    assert not any("leaves" in line for line in lines_of(TOTALS, settings, report="true"))
