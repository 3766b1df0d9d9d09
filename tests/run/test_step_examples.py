"""A step's broken rows are told with examples: the values a rule looks at, and which rows they are."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.api.polars.types import PolarsData

from framework import LazyFrame, Pipeline, RunRequest, Settings, csv_files, run_pipeline, step, table
from framework.boundary import Violations, compile_contract
from framework.errors import StepError
from framework.run.execution import look_again
from tests.run.test_verdicts import run


class Raw(pa.DataFrameModel):
    id: int
    day: pl.Date
    size: int


class Sold(pa.DataFrameModel):
    id: int
    day: pl.Date
    size: int = pa.Field(le=10)
    price: pl.Decimal(9, 2) = pa.Field(nullable=True)
    buyer: str = pa.Field(metadata={"sensitive": True}, str_length={"max_value": 3})

    @pa.dataframe_check(name="cheap", error="small ones must be cheap")
    def cheap(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select((pl.col("size") > 5) | (pl.col("price") < 2))


def sold(**columns: object) -> pl.DataFrame:
    days = pl.lit(date(2024, 1, 5))
    frame = pl.DataFrame({"id": columns.pop("id"), "size": 6}).with_columns(day=days, price=None, buyer=pl.lit("ann"))
    frame = frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    return frame.cast({"price": pl.Decimal(9, 2)}).select("id", "day", "size", "price", "buyer")


def broken(*frames: pl.DataFrame, key: tuple[str, ...] = ("id", "day"), schema: object = Sold) -> dict[str, list[str]]:
    violations = Violations(compile_contract(schema), key=key)
    rows = violations.watch(pl.concat([frame.lazy() for frame in frames]))
    rows.collect(engine="streaming")
    violations.close(look_again)
    return {
        f"{violations.counts[reason]} x {reason}": sorted(str(example) for example in violations.examples[reason])
        for reason in violations.counts
        if violations.counts[reason]
    }


def test_examples_show_the_values_and_the_key():
    assert broken(sold(id=[1, 2, 3], size=[11, 6, 12])) == {
        "2 x size: must be <= 10": ["11 (id=1, day=2024-01-05)", "12 (id=3, day=2024-01-05)"]
    }


def test_examples_of_a_rule_over_columns_show_all_of_them():
    found = broken(sold(id=[1, 2], size=[3, 4], price=[Decimal("2.50"), Decimal("1.00")]), key=("id",))
    assert found == {"1 x small ones must be cheap": ["size=3, price=2.50 (id=1)"]}


def test_example_of_a_duplicate_is_found_far_from_its_twin():
    class Once(Sold):
        id: int = pa.Field(unique=True)

    frame = sold(id=[*range(400_000), 5])  # many batches
    assert broken(frame, key=("day",), schema=Once) == {"2 x id: must be unique": ["5 (day=2024-01-05)"] * 2}


def test_key_that_is_looked_at_is_told_once():
    class Once(Sold):
        id: int = pa.Field(unique=True)

    found = broken(sold(id=[7, 7, 8]), key=("id",), schema=Once)
    assert found == {"2 x id: must be unique": ["7", "7"]}


def test_without_a_key_the_values_stand_alone():
    assert broken(sold(id=[1], size=[11]), key=()) == {"1 x size: must be <= 10": ["11"]}


def test_sensitive_values_are_masked_in_values_and_keys():
    found = broken(sold(id=[1, 2], size=[11, 6], buyer=["ann", "anna"]), key=("buyer",))
    assert found == {
        "1 x size: must be <= 10": ["11 (buyer=***)"],
        "1 x buyer: must have at most 3 characters": ["***"],
    }


def test_null_is_told_as_nothing():
    assert broken(sold(id=[None, 1]).cast({"id": pl.Int64})) == {
        "1 x id: must not be empty": ["nothing (day=2024-01-05)"],
    }


def test_key_that_the_schema_does_not_know_is_left_out():
    frame = sold(id=[1], size=[11]).with_columns(extra=1)
    assert broken(frame, key=("extra", "id")) == {"1 x size: must be <= 10": ["11 (id=1)"]}


@given(sizes=st.lists(st.integers(8, 13), min_size=1, max_size=40), cut=st.integers(0, 40))
def test_counts_stay_right_and_examples_are_true(sizes, cut):
    frame = sold(id=list(range(len(sizes))), size=sizes)
    found = broken(frame.head(cut), frame.slice(cut), key=("id",))
    wrong = {f"{size} (id={n})" for n, size in enumerate(sizes) if size > 10}
    if not wrong:
        assert found == {}
        return
    ((head, examples),) = found.items()
    assert head == f"{len(wrong)} x size: must be <= 10"
    assert Counter(examples) == Counter(set(examples))
    assert set(examples) <= wrong
    assert len(examples) == min(5, len(wrong))


def test_run_on_real_files_tells_what_the_step_broke(tmp_path):
    @step(returns=Sold)
    def grown(rows: LazyFrame[Raw]) -> pl.LazyFrame:
        return rows.with_columns(
            size=pl.col("size") * 2, price=pl.lit(1, dtype=pl.Decimal(9, 2)), buyer=pl.lit("annabel")
        )

    output = table("t/grown", of=grown, mode="merge", key=("id", "day"))
    pipeline = Pipeline("t.grown", sources={"rows": csv_files("*.csv")}, steps=[grown], outputs=[output])
    (tmp_path / "data/raw").mkdir(parents=True)
    lines = [f"{n},2024-01-05,{n}" for n in range(1, 13)]
    (tmp_path / "data/raw/a.csv").write_text("\n".join(["id,day,size", *lines, ""]))
    with pytest.raises(StepError) as caught:
        run_pipeline(pipeline, Settings(project=tmp_path), RunRequest())
    assert str(caught.value) == (
        "step 'grown' gave rows that break the schema it declares; 't/grown' is not written:\n"
        "  12 x buyer: must have at most 3 characters: *** (id=1, day=2024-01-05); *** (id=2, day=2024-01-05); "
        "*** (id=3, day=2024-01-05); *** (id=4, day=2024-01-05); *** (id=5, day=2024-01-05)\n"
        "  7 x size: must be <= 10: 12 (id=6, day=2024-01-05); 14 (id=7, day=2024-01-05); "
        "16 (id=8, day=2024-01-05); 18 (id=9, day=2024-01-05); 20 (id=10, day=2024-01-05)\n"
        "nothing of this run is published; correct the step, or the rules of Sold"
    )


def test_step_before_the_one_that_is_written_tells_the_key_too(tmp_path):
    @step(returns=Sold)
    def first(rows: LazyFrame[Raw]) -> pl.LazyFrame:
        return rows.with_columns(size=pl.lit(11), price=pl.lit(1, dtype=pl.Decimal(9, 2)), buyer=pl.lit("ann"))

    @step(returns=Raw)
    def second(first: LazyFrame[Sold]) -> pl.LazyFrame:
        return first.select("id", "day", "size")

    output = table("t/second", of=second, mode="merge", key="id")
    pipeline = Pipeline("t.second", sources={"rows": csv_files("*.csv")}, steps=[first, second], outputs=[output])
    with pytest.raises(StepError, match=r"step 'first' .*\n  1 x size: must be <= 10: 11 \(id=4\)\n"):
        run(tmp_path, pipeline, a="id,day,size\n4,2024-01-05,1\n")
