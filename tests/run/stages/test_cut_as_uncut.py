"""With checkpoints a run comes to just the same as without: tables, quarantine, accounts, warnings, verdicts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import Phase, given, settings

from framework import (
    LazyFrame,
    Pipeline,
    agree,
    alternate,
    csv_files,
    default,
    delta_table,
    json_files,
    last_known,
    rule,
    step,
    table,
)
from framework.errors import BoundaryError, StepError
from tests.run.quarantine_shop import PRODUCTS
from tests.run.stages.dags import drawn_pipelines
from tests.run.stages.twins import Twins, states

pytestmark = pytest.mark.drawn(3)


@given(drawn_pipelines())
@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])  # a smaller one takes minutes to find
def test_pipeline_of_any_shape_comes_to_the_same_tables(made: Pipeline):
    with tempfile.TemporaryDirectory() as folder:
        twins = Twins(Path(folder), made)
        for number, name in enumerate(made.sources):
            rows = "".join(f"{i},{i * 7 + number}\n" for i in range(-1, 12))
            twins.put(f"{name}/a.csv", f"key,value\n{rows}x,1\n")
        cuts = [step.name for step in made.steps if step.checkpoint]
        assert states(twins.run()) == dict.fromkeys(cuts, "computed")
        again = states(twins.run(full=True))
        assert set(again.values()) <= {"reused"}, "stages that only others need, which are there, are not looked at"
        assert again.keys() <= set(cuts)
        for name in made.sources:
            twins.put(f"{name}/b.csv", "key,value\n100,1\n-5,5\n")
        twins.run()


class Sale(pa.DataFrameModel):
    id: int = pa.Field(ge=0, unique=True)
    product: str = pa.Field(nullable=True)
    quantity: int = pa.Field(gt=0)
    note: str = pa.Field(nullable=True, metadata={"sensitive": True})


class Valued(pa.DataFrameModel):
    id: int
    product: str = pa.Field(nullable=True)
    value: int


@step(returns=Valued, checkpoint=True)
def valued(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.with_columns(value=pl.col("quantity") * 10)


@step(returns=Valued)
def listed(valued: LazyFrame[Valued]) -> pl.LazyFrame:
    return valued.with_columns(pl.col("value") + 1)


HEADER = "id,product,quantity,note\n"


def shop_pipeline(*, steps=(valued, listed), of=listed, sources=None, outputs=None, rules=(), **more) -> Pipeline:
    own = {"sales": csv_files("sales/*.csv", schema=Sale, **more)}
    return Pipeline(
        "t.sales",
        sources={**own, **(sources or {})},
        steps=list(steps),
        outputs=outputs or [table("sales", of=of, mode="merge", key="id")],
        rules=rules,
    )


def test_refused_rows_and_counts_are_those_of_the_files(tmp_path):
    twins = Twins(tmp_path, shop_pipeline(budget={"quantity.greater_than per product": "80%"}))
    twins.put("sales/a.csv", HEADER + '1,a,1,x\n2,b,0,secret\n3,b,5,\nx,a,1,\n4,a,"1\n')
    twins.put("sales/b.csv", "other,columns\n1,2\n")
    twins.put("sales/c.csv", HEADER + "\n\n5,c,2,\n5,c,3,\n6,c,1,\n")
    report = twins.run()
    assert report.sources["sales"].quarantined >= 4
    assert report.sources["sales"].files_rejected == 1
    assert states(twins.run(full=True)) == {"valued": "reused"}


@pytest.mark.parametrize("policy", ["drop", "warn", "quarantine"])
def test_every_policy_for_invalid_rows_goes_with_checkpoints(tmp_path, policy):
    twins = Twins(tmp_path, shop_pipeline(on_invalid=policy))
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,0,y\n3,b,5,\nx,a,1,\n")
    twins.run()
    assert states(twins.run(full=True)) == {"valued": "reused"}


def fails(twins: Twins, error: type[Exception]) -> tuple[str, str]:
    """What both shops say when they fail."""
    said = []
    for shop in (twins.kept, twins.plain):
        with pytest.raises(error) as failed:
            shop.run()
        said.append(str(failed.value))
    return said[0], said[1]


@pytest.mark.parametrize(
    "more",
    [
        {"on_invalid": "fail"},
        {"budget": {"*": "10%"}},
        {"budget": {"quantity.greater_than per product": 0}},
        {"budget": {"quantity": 0}},
    ],
)
def test_source_that_fails_the_run_says_the_same_also_when_its_rows_are_found_again(tmp_path, more):
    twins = Twins(tmp_path, shop_pipeline(**more))
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,0,secret\n3,b,5,\nx,a,1,\n4,,0,\n")
    first = fails(twins, BoundaryError)
    assert first[0] == first[1]
    assert fails(twins, BoundaryError)[0] == first[0]


class Dear(Sale):
    @pa.dataframe_check(error="a batch needs three sales")
    def enough(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - Pandera's way
        return data.lazyframe.select(pl.len() >= 3)


@step(returns=Valued, checkpoint=True)
def dear(sales: LazyFrame[Dear]) -> pl.LazyFrame:
    return sales.with_columns(value=pl.col("quantity") * 10)


def test_rule_over_all_rows_of_a_source_fails_the_run_whenever_its_rows_are_used(tmp_path):
    made = Pipeline(
        "t.sales",
        sources={"sales": csv_files("sales/*.csv")},
        steps=[dear],
        outputs=[table("sales", of=dear, mode="merge", key="id")],
    )
    twins = Twins(tmp_path, made)
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,4,y\n")
    first = fails(twins, BoundaryError)
    assert "a batch needs three sales" in first[0]
    assert first[0] == first[1]
    assert fails(twins, BoundaryError)[0] == first[0]


class Checked(Valued):
    value: int = pa.Field(lt=50)


@step(returns=Checked, checkpoint=True)
def bounded(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.with_columns(value=pl.col("quantity") * 10)


def test_checkpoint_whose_rows_break_the_schema_of_its_step_is_not_kept(tmp_path):
    twins = Twins(tmp_path, shop_pipeline(steps=[bounded], of="bounded"))
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,7,y\n")
    kept, plain = fails(twins, StepError)
    assert kept.replace("checkpoint 'bounded' is not kept", "'sales' is not written") == plain
    assert list(twins.store.stages()) == []
    assert fails(twins, StepError)[0] == kept


@step(
    returns=Valued, checkpoint=True, rules=[rule("modest", "value < 50", message="must be modest", severity="warning")]
)
def modest(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.with_columns(value=pl.col("quantity") * 10)


def test_warnings_of_a_step_are_said_again_where_its_rows_are_found_again(tmp_path):
    twins = Twins(tmp_path, shop_pipeline(steps=[modest], of="modest"))
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,7,y\n")
    first = twins.run()
    assert sum(first.steps["modest"].warned.values()) == 1
    said = twins.said("rule.broken")
    again = twins.run(full=True)
    assert (states(again), again.steps) == ({"modest": "reused"}, first.steps)
    assert twins.said("rule.broken") == [*said, *said]


@step(returns=Valued, checkpoint=True)
def after_modest(noted: LazyFrame[Valued]) -> pl.LazyFrame:
    return noted


@step(returns=Valued, checkpoint=True, rules=[rule("cheap", "value < 60", message="must be cheap", severity="warning")])
def noted(stored: LazyFrame[Valued]) -> pl.LazyFrame:
    return stored


def test_warnings_of_a_stage_that_is_not_looked_at_again_are_those_of_the_stage_behind_it(tmp_path):
    made = Pipeline(
        "t.noted",
        sources={"stored": delta_table("sales", schema=Valued)},
        steps=[noted, after_modest],
        outputs=[table("t/noted", of=after_modest)],
    )
    twins = Twins(tmp_path, made, shop_pipeline(steps=[valued], of="valued"))
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,7,y\n")
    first = twins.run()
    assert states(first) == {"noted": "computed", "after_modest": "computed"}
    twins.also = ()
    said = twins.said("rule.broken")
    again = twins.run(full=True)
    assert (states(again), again.steps) == ({"after_modest": "reused"}, first.steps)
    assert sum(again.steps["noted"].warned.values()) == 1
    assert twins.said("rule.broken") == [*said, *said]


def test_rows_that_wait_for_a_reference_are_released_through_a_checkpoint(tmp_path):
    made = shop_pipeline(references={"product": "products"}, sources={"products": delta_table("products")})
    twins = Twins(tmp_path, made, PRODUCTS)
    twins.put("products/a.json", '[{"product": "a"}]')
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,4,y\n")
    assert twins.run().sources["sales"].quarantined == 1
    twins.put("products/b.json", '[{"product": "b"}]')
    assert twins.run().sources["sales"].released == 1
    twins.put("sales/b.csv", HEADER + "3,c,1,x\n")
    twins.run()
    twins.run(full=True)


def test_file_that_is_delivered_again_is_computed_again(tmp_path):
    twins = Twins(tmp_path, shop_pipeline())
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,4,y\n", hour=1)
    twins.run()
    twins.put("sales/a.csv", HEADER + "1,a,9,x\n2,b,0,y\n", hour=2)
    assert states(twins.run()) == {"valued": "computed"}


def test_filled_cells_and_look_ups_are_counted_the_same(tmp_path):
    filled = {
        "quantity": [last_known(of="kept", column="quantity", key="id"), default(1)],
    }
    twins = Twins(
        tmp_path,
        shop_pipeline(fallback=filled, steps=[strict], outputs=[table("kept", of=strict, mode="merge", key="id")]),
    )
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,,4,y\n3,a,0,\n")
    assert twins.run().sources["sales"].filled == {"quantity": {"default": 1}}
    twins.put("sales/b.csv", HEADER + "1,a,-1,x\n9,a,0,\n")
    twins.run()
    twins.run(full=True)


@step(returns=Sale, checkpoint=True)
def strict(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.filter(pl.col("id") >= 0)


def test_alternate_source_stands_in_through_a_checkpoint(tmp_path):
    made = shop_pipeline(
        steps=[strict],
        of="strict",
        otherwise=alternate("backup"),
        budget={"quantity": 0},
        sources={"backup": json_files("backup/*.json", schema=Sale)},
    )
    twins = Twins(tmp_path, made)
    twins.put("sales/a.csv", HEADER + "1,a,0,x\n2,b,4,y\n")
    twins.put("backup/a.json", '[{"id": 1, "product": "a", "quantity": 3, "note": null}]')
    report = twins.run()
    assert report.sources["backup"].stands_in
    twins.put("sales/b.csv", HEADER + "1,a,2,x\n")
    twins.run()
    twins.run(full=True)


def test_rule_across_the_rows_of_a_run_looks_behind_checkpoints(tmp_path):
    summed = agree(
        "sums",
        left="sales",
        right="listed",
        on=(pl.col("quantity").sum() * 10, pl.col("value").sum() - pl.len()),
        over="run",
    )
    twins = Twins(tmp_path, shop_pipeline(rules=[summed]))
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,4,y\n3,b,0,y\n")
    assert twins.run().rules["sums"].state == "held"
    assert twins.run(full=True).rules["sums"].state == "held"


@step(returns=Sale, checkpoint=True)
def large(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.filter(pl.col("id") % 7 != 0)


class Placed(Sale):
    place: int


@step(returns=Placed, ordered=True)
def placed(large: LazyFrame[Sale]) -> pl.LazyFrame:
    return large.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))


def test_rows_come_out_of_a_checkpoint_in_the_order_in_which_they_went_in(tmp_path):
    twins = Twins(tmp_path, shop_pipeline(steps=[large, placed], of="placed"))
    for name, first in (("b", 0), ("a", 200_000)):
        lines = "".join(f"{first + (i * 7919) % 200_000},p{i % 9},{i % 5 + 1},\n" for i in range(200_000))
        twins.put(f"sales/{name}.csv", HEADER + lines)
    twins.run()


class Plain(pa.DataFrameModel):
    id: int
    value: int


@step(returns=Plain, checkpoint=True)
def stored_twice(stored: LazyFrame[Plain]) -> pl.LazyFrame:
    return stored.with_columns(pl.col("value") * 2)


@step(returns=Plain)
def stored_more(stored_twice: LazyFrame[Plain], stored: LazyFrame[Plain]) -> pl.LazyFrame:
    return pl.concat([stored_twice.select("id", "value"), stored.select("id", "value")]).unique()


def test_outputs_that_recompute_by_different_values_have_checkpoints_of_their_own(tmp_path):
    upstream = shop_pipeline(steps=[listed_as], of="listed_as")
    made = Pipeline(
        "t.twice",
        sources={"stored": delta_table("sales", schema=Plain)},
        steps=[stored_twice, stored_more],
        outputs=[
            table("t/by_id", of=stored_more, mode="replace_partitions", partition_by="id", recompute_by="id"),
            table("t/all", of=stored_more),
            table("t/twice", of=stored_twice),
        ],
    )
    twins = Twins(tmp_path, made, upstream)
    twins.put("sales/a.csv", HEADER + "1,a,1,x\n2,b,4,y\n")
    assert states(twins.run()) == {"stored_twice": "computed"}
    twins.put("sales/b.csv", HEADER + "3,a,1,x\n")
    assert states(twins.run()) == {"stored_twice": "computed", "stored_twice#2": "computed"}


@step(returns=Plain)
def listed_as(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.with_columns(value=pl.col("quantity"))
