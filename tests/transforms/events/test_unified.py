"""One schema for the raw fields of several channels."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import unify
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"user_id": pl.String, "at": pl.Datetime("us", "UTC"), "cost_cent": pl.Int64}
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
WEB = {"visitor": pl.String, "clicked_at": pl.Datetime("ms", "Europe/Vienna"), "cost": pl.Int32, "page": pl.String}
SHOP = {"customer": pl.Int64, "at": pl.Datetime("us", "UTC")}
WEB_FIELDS = {"user_id": "visitor", "at": "clicked_at", "cost_cent": "cost"}
SHOP_FIELDS = {"user_id": pl.format("c-{}", "customer"), "at": "at", "cost_cent": None}


def both(clicks: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    return unify({"web": (clicks, WEB_FIELDS), "shop": (orders, SHOP_FIELDS)}, SCHEMA)


def mapped(field, values: pl.Series, dtype) -> pl.LazyFrame:
    return unify({"web": (pl.LazyFrame({"raw": values}), {"target": field})}, {"target": dtype})


def problem(**mapping) -> str:
    with pytest.raises(TransformError) as caught:
        unify({"web": (pl.LazyFrame(schema=WEB), WEB_FIELDS | mapping)}, SCHEMA)
    return str(caught.value)


def test_rows_of_every_channel_stand_in_one_schema_with_their_channel():
    clicks = pl.LazyFrame([("ann", NOON, 7, "/a")], schema=WEB, orient="row")
    orders = pl.LazyFrame([(5, NOON)], schema=SHOP, orient="row")
    events = both(clicks, orders).sort("channel").collect()
    assert events.schema == pl.Schema(SCHEMA | {"channel": pl.String})
    assert events.rows() == [("c-5", NOON, None, "shop"), ("ann", NOON, 7, "web")]


@given(st.lists(st.integers(0, 50), max_size=6))
def test_no_row_is_lost_or_added(sizes):
    channels = {f"c{i}": (pl.LazyFrame({"n": range(size)}), {"n": "n"}) for i, size in enumerate([*sizes, 1])}
    counts = unify(channels, {"n": pl.Int64}).group_by("channel").len().collect()
    assert dict(counts.rows()) == {f"c{i}": size for i, size in enumerate([*sizes, 1]) if size}


def test_a_channel_of_literals_keeps_its_rows():
    rows = pl.LazyFrame({"x": [1, 2, 3]})
    events = unify({"web": (rows, {"kind": pl.lit("click"), "cost": None})}, {"kind": pl.String, "cost": pl.Float64})
    assert events.collect().rows() == [("click", None, "web")] * 3


def test_columns_may_change_places():
    rows = pl.LazyFrame({"a": [1], "b": [2]})
    assert unify({"x": (rows, {"a": "b", "b": "a"})}, {"b": pl.Int64, "a": pl.Int64}).collect().rows() == [(1, 2, "x")]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pl.Series([-128, 127], dtype=pl.Int8), pl.Int16()),
        (pl.Series([2**32 - 1], dtype=pl.UInt32), pl.Int64()),
        (pl.Series([2**31 - 1, -(2**31)], dtype=pl.Int32), pl.Float64()),
        (pl.Series([2**63 - 1], dtype=pl.Int64), pl.Decimal(21, 2)),
        (pl.Series([Decimal("99.99")], dtype=pl.Decimal(4, 2)), pl.Decimal(6, 3)),
        (pl.Series([1.5], dtype=pl.Float32), pl.Float64()),
        (pl.Series(["a"], dtype=pl.Categorical), pl.String()),
        (pl.Series([None]), pl.Date()),
    ],
)
def test_types_are_widened_where_no_value_can_be_lost(values, dtype):
    result = mapped("raw", values, dtype).collect()["target"]
    assert result.dtype == dtype
    assert result.to_list() == values.to_list()


def test_another_zone_is_the_same_instant():
    vienna = pl.Series([NOON]).dt.convert_time_zone("Europe/Vienna")
    assert mapped("raw", vienna, pl.Datetime("us", "UTC")).collect()["target"].to_list() == [NOON]


@pytest.mark.parametrize(
    ("given", "wanted", "fix"),
    [
        (pl.Int64, pl.Int32, "convert it in an expression, where the loss is yours to decide"),
        (pl.Int64, pl.UInt64, "convert it in an expression, where the loss is yours to decide"),
        (pl.Int64, pl.Float64, "convert it in an expression, where the loss is yours to decide"),
        (pl.Int64, pl.Decimal(20, 2), "convert it in an expression, where the loss is yours to decide"),
        (pl.Float64, pl.Int64, "convert it in an expression, where the loss is yours to decide"),
        (pl.Float64, pl.Float32, "convert it in an expression, where the loss is yours to decide"),
        (pl.Decimal(12, 2), pl.Decimal(12, 3), "convert it in an expression, where the loss is yours to decide"),
        (pl.Decimal(12, 2), pl.Float64, "convert it in an expression, where the loss is yours to decide"),
        (pl.String, pl.Int64, "convert it in an expression, where the loss is yours to decide"),
        (pl.Int64, pl.String, "convert it in an expression, where the loss is yours to decide"),
        (pl.String, pl.Date, "read it with str.to_datetime or str.to_date and a format"),
        (pl.Datetime("us", "UTC"), pl.Datetime("ms", "UTC"), "convert it in an expression, where the loss is yours"),
        (pl.Datetime("us", "UTC"), pl.Datetime("ns", "UTC"), "convert it in an expression, where the loss is yours"),
        (pl.Datetime("us"), pl.Datetime("us", "UTC"), "say which zone the times are in with dt.replace_time_zone"),
        (pl.Datetime("us", "UTC"), pl.Datetime("us"), "say whose wall clock is meant with dt.convert_time_zone and"),
        (pl.Duration("us"), pl.Duration("ms"), "convert it in an expression, where the loss is yours to decide"),
        (pl.List(pl.Int32), pl.List(pl.Int64), "convert it in an expression, where the loss is yours to decide"),
    ],
)
def test_a_type_that_may_not_fit_is_refused_with_what_to_do(given, wanted, fix):
    with pytest.raises(TransformError) as caught:
        mapped("raw", pl.Series([], dtype=given), wanted)
    shown = pl.Schema({"g": given, "w": wanted})
    assert f"  - web.target: is {shown['g']}, which may not fit into {shown['w']} ({fix}" in str(caught.value)


def test_every_problem_of_every_channel_is_told_at_once():
    web = {"user_id": "visitr", "at": pl.col("clicked"), "cost": "cost"}
    with pytest.raises(TransformError) as caught:
        unify(
            {"web": (pl.LazyFrame(schema=WEB), web), "shop": (pl.LazyFrame(schema=SHOP), SHOP_FIELDS)},
            SCHEMA | {"channel": pl.String},
        )
    unknown = 'unable to find column "clicked"; valid columns: ["visitor", "clicked_at", "cost", "page"]'
    assert str(caught.value).splitlines() == [
        "unify: 7 problems in the mapping:",
        "  - schema: 'channel' is the column of the channel's name (take it out, or choose another `into`)",
        "  - web.cost: the schema has no such column (did you mean 'cost_cent'?)",
        "  - web.user_id: there is no column 'visitr' (did you mean 'visitor'?)",
        f"  - web.at: the expression cannot be resolved: {unknown}",
        "  - web.cost_cent: is not mapped (give a source column, an expression, or None for null)",
        "  - web.channel: is not mapped (give a source column, an expression, or None for null)",
        "  - shop.channel: is not mapped (give a source column, an expression, or None for null)",
    ]


def test_an_expression_of_several_columns_is_refused():
    assert "web.user_id: the expression cannot be resolved" in problem(user_id=pl.col("visitor", "page"))


def test_nothing_to_unify_is_refused():
    with pytest.raises(TransformError) as caught:
        unify({}, {})
    assert str(caught.value).splitlines() == [
        "unify: 2 problems in the mapping:",
        "  - channels: there are none (name at least one)",
        "  - schema: has no columns (name at least one with its type)",
    ]


def test_columns_to_keep_come_behind_the_channel_as_they_are():
    web = pl.LazyFrame({"visitor": ["ann"], "_source_line": [2]})
    shop = pl.LazyFrame({"customer": ["bob"], "_source_line": [7]})
    channels = {"web": (web, {"user_id": "visitor"}), "shop": (shop, {"user_id": "customer"})}
    found = unify(channels, {"user_id": pl.String}, keep="_source_line").collect()
    assert found.columns == ["user_id", "channel", "_source_line"]
    assert sorted(found.rows()) == [("ann", "web", 2), ("bob", "shop", 7)]


def test_columns_to_keep_must_be_in_every_channel_of_one_type_and_no_other_column():
    web = pl.LazyFrame({"visitor": ["ann"], "line": [2]})
    shop = pl.LazyFrame({"customer": ["bob"], "line": ["7"]})
    channels = {"web": (web, {"user_id": "visitor"}), "shop": (shop, {"user_id": "customer"})}
    with pytest.raises(TransformError) as caught:
        unify(channels, {"user_id": pl.String}, keep=["line", "file", "channel"])
    assert str(caught.value).splitlines() == [
        "unify: 6 problems in the mapping:",
        "  - keep: 'line' is Int64 and String (give it one type in every channel)",
        "  - web.file: is to be kept, but is not there (known: line, visitor)",
        "  - shop.file: is to be kept, but is not there (known: customer, line)",
        "  - keep: 'channel' is a column of the result already (rename one of them)",
        "  - web.channel: is to be kept, but is not there (known: line, visitor)",
        "  - shop.channel: is to be kept, but is not there (known: customer, line)",
    ]


def test_empty_channels_give_an_empty_frame_of_the_schema():
    empty = both(pl.LazyFrame(schema=WEB), pl.LazyFrame(schema=SHOP)).collect()
    assert (empty.height, empty.schema) == (0, pl.Schema(SCHEMA | {"channel": pl.String}))


def test_it_is_lazy_streams_and_is_the_same_on_every_engine():
    orders = pl.LazyFrame([(5, NOON), (None, None)], schema=SHOP, orient="row")
    clicks = pl.DataFrame([("ann", NOON, 7, "/a"), (None, None, None, None)], schema=WEB, orient="row")
    assert_lazy(lambda rows: both(rows, orders), WEB)
    assert fallbacks(both(clicks.lazy(), orders)) == []
    assert same_everywhere(lambda rows: both(rows, orders), clicks).height == 4
