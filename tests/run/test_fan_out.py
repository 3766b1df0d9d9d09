"""Steps that are called once for each value that a column has when the pipeline runs."""

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.definition import fanned
from framework.errors import DefinitionError, StepError
from framework.run.compiled import verify
from framework.run.fingerprints import node_fingerprints
from tests.run.test_branches import SALES, Sale, Shop


class Share(pa.DataFrameModel):
    region: str = pa.Field(nullable=True)
    amount: int
    called_for: str = pa.Field(nullable=True)


class Town(pa.DataFrameModel):
    name: str


def pipeline_of(function, **sources):
    given = {"sales": delta_table("t/sales", schema=Sale), **sources}
    return Pipeline("t.shares", sources=given, steps=[function], outputs=[table("t/shares", of=function)])


def shares(each="region", returns=Share):
    @step(returns=returns, each=each)
    def shared(sales: LazyFrame[Sale], region: str, factor: int = 1) -> pl.LazyFrame:
        return sales.with_columns(pl.col("amount") * factor, called_for=pl.lit(region))

    return shared


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_step_is_called_for_each_value_with_the_rows_of_it(shop):
    shop.sell(10, 20, 30)
    shop.run(pipeline_of(shares()), factor="2")
    assert sorted(shop.rows("t/shares").select("region", "amount", "called_for").rows()) == [
        ("north", 40, "north"),
        ("south", 20, "south"),
        ("south", 60, "south"),
    ]


def test_values_that_come_later_are_found(shop):
    shop.sell(10)
    shop.run(pipeline_of(shares()))
    (shop.raw / "more.csv").write_text("region,amount\nwest,5\n")
    shop.sell(1)
    shop.run(pipeline_of(shares()))
    assert set(shop.rows("t/shares")["called_for"]) == {"south", "west"}


def test_without_a_value_there_is_no_row_whatever_the_step_gives(shop):
    @step(returns=Share, each="region")
    def made_up(sales: LazyFrame[Sale], region: str) -> pl.LazyFrame:
        return pl.LazyFrame({"region": [region], "amount": [1], "called_for": [region]})

    (shop.raw / "none.csv").write_text("region,amount\n")
    shop.run(SALES)
    shop.run(pipeline_of(made_up))
    assert shop.rows("t/shares").height == 0


def test_inputs_that_do_not_have_the_column_are_given_whole(shop):
    from framework import csv_files

    towns = Pipeline(
        "t.towns", sources={"rows": csv_files("towns/*.csv", schema=Town)}, outputs=[table("t/towns", of="rows")]
    )
    (shop.raw / "towns").mkdir()
    (shop.raw / "towns/a.csv").write_text("name\nUlm\nBonn\n")
    shop.run(towns)
    shop.sell(10, 20)

    @step(returns=Share, each="region")
    def counted(sales: LazyFrame[Sale], towns: LazyFrame[Town], region: str) -> pl.LazyFrame:
        count = towns.select(amount=pl.len().cast(pl.Int64))
        return sales.select("region").join(count, how="cross").with_columns(called_for=pl.lit(region))

    shop.run(pipeline_of(counted, towns=delta_table("t/towns", schema=Town)))
    assert set(shop.rows("t/shares").rows()) == {("south", 2, "south"), ("north", 2, "north")}


def test_a_step_can_still_be_called_for_one_value():
    frame = pl.LazyFrame({"region": ["a"], "amount": [1]})
    assert shares()(frame, "a").collect()["called_for"].to_list() == ["a"]


class NullSale(pa.DataFrameModel):
    region: str = pa.Field(nullable=True)
    amount: int


def over_nulls(takes_none):
    kind = str | None if takes_none else str

    @step(returns=Share, each="region")
    def shared(sales: LazyFrame[NullSale], region: kind) -> pl.LazyFrame:
        return sales.with_columns(called_for=pl.lit(region, dtype=pl.String))

    return shared


def test_rows_without_a_value_are_a_call_of_their_own_where_the_step_takes_none_and_an_error_elsewhere():
    frame = pl.LazyFrame({"region": ["b", None, "a"], "amount": [1, 2, 3]})
    source = {"sales": delta_table("t/sales", schema=NullSale)}
    made = [
        Pipeline("t.x", sources=source, steps=[f], outputs=[table("t/x", of=f)]) for f in map(over_nulls, (True, False))
    ]
    rows = made[0].steps[0].function(sales=frame).collect()
    assert rows["called_for"].to_list() == ["a", "b", None]
    with pytest.raises(
        StepError, match="'sales' has rows without one; refuse them, or let the step take None: region: str"
    ):
        made[1].steps[0].function(sales=frame)


def test_more_values_than_a_plan_can_hold_are_an_error(monkeypatch):
    monkeypatch.setattr(fanned, "MOST", 2)
    frame = pl.LazyFrame({"region": ["a", "b", "c"], "amount": [1, 2, 3]})
    with pytest.raises(StepError, match="of which 'sales' has more than 2; let one plan treat all of them"):
        pipeline_of(shares()).steps[0].function(sales=frame)


def test_a_column_that_is_not_there_and_one_of_another_type_are_told_at_definition():
    @step(returns=Share, each="regions")
    def misspelt(sales: LazyFrame[Sale], regions: str) -> pl.LazyFrame:
        return sales.with_columns(called_for=pl.lit(regions))

    @step(returns=Share, each="amount")
    def mistyped(sales: LazyFrame[Sale], amount: str) -> pl.LazyFrame:
        return sales.with_columns(called_for=pl.lit(amount))

    said = [problem.what for function in (misspelt, mistyped) for problem in verify(pipeline_of(function))]
    assert said == [
        "step 'misspelt' is called for each regions, which 'sales' does not have; did you mean 'region'?",
        "step 'mistyped' is called for each amount, a Int64, and takes str; annotate it with int",
    ]


def test_each_names_a_parameter_of_a_type_that_a_column_has():
    @step(returns=Share, each="region")
    def listed(sales: LazyFrame[Sale], region: list) -> pl.LazyFrame: ...

    with pytest.raises(DefinitionError) as caught:
        pipeline_of(shares(each="regio"))
    assert "each='regio' is no parameter of it that takes a value (did you mean 'region'?)" in str(caught.value)
    with pytest.raises(DefinitionError, match="each='region' is of no type that a column has"):
        pipeline_of(listed)


def test_the_values_are_found_in_what_is_written_down_before_the_run():
    from framework import csv_files

    function = shares()
    source = {"sales": csv_files("*.csv", schema=Sale)}
    with pytest.raises(DefinitionError) as caught:
        Pipeline("t.shares", sources=source, steps=[function], outputs=[table("t/shares", of=function)])
    assert (
        "is called for each region of 'sales', whose rows are not known before (let its first input be a table"
        in str(caught.value)
    )


def test_what_a_fanned_step_does_is_in_its_fingerprint():
    def other():
        @step(returns=Share, each="region")
        def shared(sales: LazyFrame[Sale], region: str, factor: int = 1) -> pl.LazyFrame:
            return sales.with_columns(pl.col("amount") * factor, called_for=pl.lit(region + "!"))

        return shared

    one, same, changed = (node_fingerprints(pipeline_of(f))["shared"] for f in (shares(), shares(), other()))
    assert one == same
    assert one != changed


def test_a_fanned_step_can_be_tried_on_input_made_from_its_schemas():
    from framework.testing.steps.project import Trial, try_pipelines

    made = pipeline_of(shares())
    tried = {one.step: one for one in try_pipelines([made], [made, SALES], Trial(examples=5))}
    assert tried["shared"].examples
    assert [one.finding for one in tried.values() if one.finding] == []
