"""What stands in for a step that fails: when, from what, and that the step itself is tried again."""

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.core.events import listening
from framework.errors import DefinitionError, StepError
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from tests.run.test_branches import Sale, Shop


class Forecast(pa.DataFrameModel):
    amount: int = pa.Field(ge=0)
    by: str


def flat(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.select("amount", by=pl.lit("flat"))


def forecast_that(build, otherwise=flat):
    @step(returns=Forecast, otherwise=otherwise)
    def forecast(sales: LazyFrame[Sale], horizon: int = 7) -> pl.LazyFrame:
        return build(sales)

    source = {"sales": delta_table("t/sales", schema=Sale)}
    return Pipeline("t.forecast", sources=source, steps=[forecast], outputs=[table("t/forecast", of=forecast)])


def good(sales):
    return sales.select("amount", by=pl.lit("model"))


def raising(sales):
    raise ValueError("no model")


def breaking(sales):
    return sales.select(pl.col("amount") - 100, by=pl.lit("model"))


def unresolved(sales):
    return sales.select("amount", by=pl.col("nobody"))


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.sell(10, 20)
    return made


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (raising, "step 'forecast' raised ValueError: no model"),
        (unresolved, "step 'forecast' gives a plan that cannot be resolved"),
        (breaking, "step 'forecast' gave rows that break the schema it declares; 't/forecast' is not written:"),
    ],
    ids=["raises", "unresolved", "breaks"],
)
def test_another_function_gives_the_rows_of_a_step_that_fails(shop, build, why):
    told = []
    with listening(told.append):
        report = shop.run(forecast_that(build))
    assert report.state == "SUCCESS"
    assert report.stood_in["forecast"].startswith(why)
    assert shop.rows("t/forecast")["by"].to_list() == ["flat", "flat"]
    (warning,) = [event for event in told if event.name == "step.stood_in"]
    assert (warning.level, warning.fields["step"]) == ("WARNING", "forecast")


def test_the_step_itself_is_tried_with_the_next_input_and_once_it_is_mended(shop):
    shop.run(forecast_that(raising))
    assert shop.run(forecast_that(raising)).state == "UNCHANGED"
    shop.sell(30)
    assert shop.run(forecast_that(raising)).stood_in.keys() == {"forecast"}
    assert shop.rows("t/forecast").height == 3
    report = shop.run(forecast_that(good))
    assert (report.stood_in, set(shop.rows("t/forecast")["by"])) == ({}, {"model"})


def test_what_stands_in_may_fail_as_well_and_then_the_run_does(shop):
    with pytest.raises(StepError, match="raised ZeroDivisionError"):
        shop.run(forecast_that(raising, failing))


def failing(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return 1 / 0


def test_a_step_that_something_stands_in_for_does_not_save_another(shop):
    @step(returns=Forecast)
    def other(forecast: LazyFrame[Forecast]) -> pl.LazyFrame:
        raise ValueError("not this one")

    made = forecast_that(good)
    source = {"sales": delta_table("t/sales", schema=Sale)}
    steps = [made.steps[0].function, other]
    both = Pipeline("t.both", sources=source, steps=steps, outputs=[table("t/other", of=other)])
    with pytest.raises(StepError, match="not this one"):
        shop.run(both)


def test_what_stands_in_is_held_against_the_schema_at_definition():
    def narrow(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales.select("amount")

    (problem,) = verify(forecast_that(good, narrow))
    assert problem.what.startswith("its otherwise 'narrow' does not fit: step 'forecast'")


def test_what_stands_in_takes_what_the_step_takes():
    def unknown(sale: LazyFrame[Sale]) -> pl.LazyFrame: ...

    for otherwise, said in (
        (unknown, "its otherwise 'unknown' takes 'sale', which the step does not (did you mean 'sales'?)"),
        (7, "otherwise=7 is no function (give one that takes what the step takes)"),
    ):
        with pytest.raises(DefinitionError) as caught:
            forecast_that(good, otherwise)
        assert said in str(caught.value)


def test_a_sequence_that_the_step_has_left_unfinished_is_finished_with_what_stands_in(shop):
    from framework.run.position import find_position

    broken = forecast_that(breaking, None)
    with pytest.raises(StepError):
        shop.run(broken)
    assert find_position(broken, shop.space).pending.seq == 1
    report = run_in(forecast_that(breaking), shop.space, RunRequest(full=True))
    assert (report.seq, report.stood_in.keys()) == (2, {"forecast"})
    assert find_position(broken, shop.space).finished == 2


def test_rows_of_files_are_counted_once_whoever_gives_the_rows_of_the_step(tmp_path):
    @step(returns=Forecast, otherwise=flat_lines)
    def forecast(lines: LazyFrame[Sale]) -> pl.LazyFrame:
        return lines.select(pl.col("amount") - 100, by=pl.lit("model"))

    shop = Shop(tmp_path)
    (shop.raw / "a.csv").write_text("region,amount\nnorth,1\nnorth,x\n")
    source = {"lines": csv_files("*.csv", schema=Sale)}
    made = Pipeline("t.files", sources=source, steps=[forecast], outputs=[table("t/f", of=forecast, mode="append")])
    report = shop.run(made)
    lines = report.sources["lines"]
    assert (lines.rows_in, lines.accepted, lines.quarantined) == (2, 1, 1)
    assert shop.rows("_quarantine/t.files").height == 1
    assert shop.rows("t/f")["by"].to_list() == ["flat"]


def flat_lines(lines: LazyFrame[Sale]) -> pl.LazyFrame:
    return lines.select("amount", by=pl.lit("flat"))
