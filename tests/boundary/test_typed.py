"""`check` on a bare frame: the boundary of a pipeline, for notebooks and tests."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.api.polars.types import PolarsData

from framework import PROVENANCE, check
from framework.errors import BoundaryError, DefinitionError, SchemaError

if TYPE_CHECKING:
    from pathlib import Path


class Sale(pa.DataFrameModel):
    id: int = pa.Field(ge=0)
    shop: str = pa.Field(isin=["a", "b"])
    price: float = pa.Field(nullable=True, metadata={"sensitive": True}, lt=100)
    day: pl.Date = pa.Field(default=None, required=False, nullable=True)


class Strict(Sale):
    class Config:
        strict = True


class Cheap(pa.DataFrameModel):
    price: float

    @pa.check("price", error="the mean must be below 10")
    def mean(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).mean() < 10)


RAW = pl.DataFrame({"shop": ["a", "b", "c", "a"], "id": ["1", "x", "-3", "4"], "price": ["1.5", "", "7", "200"]})


def test_rows_that_hold_pass_typed_in_their_order_and_nothing_is_read_before():
    def read(_batch: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("read")

    unread = pl.LazyFrame({"id": [1], "shop": ["a"], "price": [1.0]}).map_batches(
        read,
        schema={
            "id": pl.Int64,
            "shop": pl.String,
            "price": pl.Float64,
        },
    )
    assert check(unread, Sale).collect_schema() == {
        "id": pl.Int64,
        "shop": pl.String,
        "price": pl.Float64,
        "day": pl.Date,
    }
    rows = RAW.head(1).vstack(RAW.head(1)).lazy().with_columns(id=pl.Series(["7", "3"]), more=pl.lit(1))
    assert check(rows, Sale).collect().rows() == [(7, "a", 1.5, None), (3, "a", 1.5, None)]


def test_rows_that_do_not_hold_are_handed_over_with_their_reasons():
    refused: list[pl.DataFrame] = []
    kept = check(RAW.lazy(), Sale, refused=refused.append).collect()
    assert kept["id"].to_list() == [1]
    rows = pl.concat(refused).sort("row")  # batches come as they are done
    assert rows.select("row", "reasons").rows() == [
        (2, ["id: must be a whole number", "price: must be of type Float64"]),
        (3, ["id: must be >= 0", "shop: must be one of ['a', 'b']"]),
        (4, ["price: must be < 100"]),
    ]
    assert [json.loads(raw)["id"] for raw in rows["raw"]] == ["x", "-3", "4"]


def test_without_a_place_for_them_the_first_ones_fail_with_counts_and_examples():
    row = pl.LazyFrame({"id": ["x"], "shop": ["c"], "price": ["200"]})
    with pytest.raises(BoundaryError) as error:
        check(row, Sale).collect()
    assert str(error.value) == (
        "1 row broke rules of Sale, and there may be more:\n"
        "  id: 1 row\n"
        "    1 x must be a whole number: 'x' (row 1)\n"
        "  price: 1 row\n"
        "    1 x must be < 100: *** (row 1)\n"
        "  shop: 1 row\n"
        "    1 x must be one of ['a', 'b']: 'c' (row 1)\n"
        "correct them, or take them apart: check(..., refused=...)"
    )


@pytest.mark.parametrize("wanted", [1, 5, 10_000])
def test_no_row_is_left_out_in_silence_however_few_are_wanted(wanted: int):
    rows = pl.LazyFrame({"id": [-1, *range(9_999)], "shop": "a", "price": 1.0})
    with pytest.raises(BoundaryError, match=r"must be >= 0: '-1' \(row 1\)|must be >= 0: -1 \(row 1\)"):
        check(rows, Sale).head(wanted).collect()


def test_a_sink_of_rows_that_do_not_hold_fails_as_well(tmp_path: Path):
    with pytest.raises(BoundaryError, match="broke rules of Sale"):
        check(RAW.lazy(), Sale).sink_parquet(tmp_path / "sales.parquet")


def test_rules_over_all_rows_are_held_once_all_have_passed():
    prices = pl.LazyFrame({"price": [1.0, 18.9]})
    assert check(prices, Cheap).collect().height == 2
    with pytest.raises(BoundaryError) as error:
        check(pl.concat([prices, prices.select(price=pl.lit(99.0))]), Cheap).select(pl.len()).collect()
    assert str(error.value) == (
        "Cheap: rules over all rows broken by 3 rows:\n  price: the mean must be below 10; found mean(price) = 39.6333"
    )


class Many(pa.DataFrameModel):
    price: float

    @pa.dataframe_check(error="needs 3 rows")
    def enough(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.len() >= 3)

    @pa.check("price", error="half of them must be below 10")
    def middle(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).median() < 10)


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_a_frame_is_judged_alike_however_often_it_is_used(engine: str):
    few = check(pl.LazyFrame({"price": [1.0, 2.0]}), Many)
    for _ in range(2):
        with pytest.raises(BoundaryError, match="needs 3 rows; found len"):
            few.collect(engine=engine)
    refused: list[pl.DataFrame] = []
    kept = check(pl.LazyFrame({"price": ["1", "x", "2", "3"]}), Many, refused=refused.append)
    for _ in range(3):
        assert kept.collect(engine=engine)["price"].to_list() == [1, 2, 3]
        assert [row for frame in refused for row in frame["row"]] == [2]
        refused.clear()
    kept.head(1).collect(engine=engine)
    refused.clear()
    assert kept.select(pl.len()).collect(engine=engine).item() == 3
    assert [row for frame in refused for row in frame["row"]] == [2]


def test_rules_over_all_rows_may_be_of_any_kind():
    with pytest.raises(BoundaryError, match=r"half of them must be below 10; found median\(price\) = 20"):
        check(pl.LazyFrame({"price": [1.0, 20.0, 30.0]}), Many).collect()

    class Shops(pa.DataFrameModel):
        shop: str = pa.Field(unique_values_eq=["a", "b"])

    assert check(pl.LazyFrame({"shop": ["b", "a", "a"]}), Shops).collect().height == 3
    with pytest.raises(BoundaryError, match=r"found distinct\(shop\) = \['b'\]"):
        check(pl.LazyFrame({"shop": ["b", "b"]}), Shops).collect()


def test_missing_columns_are_named_with_what_may_be_meant():
    with pytest.raises(SchemaError) as error:
        check(pl.LazyFrame({"ids": [1], "price": [1.0]}), Sale)
    assert str(error.value) == ("the frame is not what Sale declares: id is missing (is 'ids' meant?); shop is missing")


def test_a_strict_schema_refuses_more_columns_but_provenance():
    rows = RAW.head(1).with_columns(_source_file=pl.lit("f.csv"))
    assert check(rows.lazy(), Strict).collect_schema().names() == ["id", "shop", "price", "day", "_source_file"]
    with pytest.raises(SchemaError, match=r"^the frame is not what Strict declares: more: not declared$"):
        check(rows.lazy().with_columns(more=1), Strict)


def test_a_schema_that_cannot_be_compiled_is_refused():
    class Untyped(pa.DataFrameModel):
        a: pl.List

    with pytest.raises(DefinitionError, match="does not say what is in it"):
        check(pl.LazyFrame({"a": [[1]]}), Untyped)


@given(st.lists(st.tuples(st.integers(-2, 3), st.sampled_from(["a", "b", "c"])), max_size=40))
def test_every_row_is_accepted_or_handed_over_once(pairs: list[tuple[int, str]]):
    refused: list[pl.DataFrame] = []
    rows = pl.LazyFrame(pairs, schema={"id": pl.Int64, "shop": pl.String}, orient="row").with_columns(price=1.0)
    kept = check(rows, Sale, refused=refused.append).select("id", "shop").collect(engine="streaming")
    good = [n for n, (number, shop) in enumerate(pairs, 1) if number >= 0 and shop != "c"]
    assert kept.rows() == [pairs[n - 1] for n in good]
    assert sorted([n for frame in refused for n in frame["row"]] + good) == list(range(1, len(pairs) + 1))


def test_provenance_stays_with_rows_that_have_it():
    rows = (
        RAW.head(1)
        .lazy()
        .with_columns(
            pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias(PROVENANCE[0]), _source_file=pl.lit("f"), _source_line=9
        )
    )
    assert check(rows, Sale).collect().select(PROVENANCE).rows() == [(None, "f", 9)]
    refused: list[pl.DataFrame] = []
    check(rows.with_columns(shop=pl.lit("c")), Sale, refused=refused.append).collect()
    assert refused[0]["row"].to_list() == [9]
