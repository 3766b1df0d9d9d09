"""Columns of a small table: rows never multiply, and what was not found can be told."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import look_up
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import events as oracle

pytestmark = pytest.mark.drawn(2)

SALES = {"n": pl.Int64, "store_id": pl.Int64}
STORES = {"id": pl.Int64, "city": pl.String}
KEYS = st.none() | st.integers(0, 12)


def stores(rows=((1, "Graz"), (2, None), (None, "Nowhere"))) -> pl.LazyFrame:
    return pl.LazyFrame(list(rows), schema=STORES, orient="row")


def with_city(rows: pl.LazyFrame, **options) -> pl.LazyFrame:
    return rows.pipe(look_up, stores(), on={"store_id": "id"}, columns="city", **options)


def refused(rows=None, table=None, **options) -> str:
    given = pl.LazyFrame(schema=rows or SALES)
    with pytest.raises(TransformError) as caught:
        look_up(
            given, table if table is not None else stores(), **{"on": {"store_id": "id"}, "columns": "city"} | options
        )
    return str(caught.value)


@given(st.lists(KEYS, max_size=200), st.lists(st.tuples(KEYS, st.none() | st.integers(0, 5)), max_size=40))
def test_every_row_is_found_once_or_has_the_default(keys, table):
    rows = pl.LazyFrame({"key": keys}, schema={"key": pl.Int64})
    known = pl.LazyFrame(table, schema={"key": pl.Int64, "value": pl.Int64}, orient="row")
    plan = rows.pipe(look_up, known, on="key", columns="value", default={"value": -1}, found="is_known")
    for engine in ("streaming", "in-memory"):
        result = plan.collect(engine=engine)
        assert result["key"].to_list() == keys
        assert result.select("value", "is_known").rows() == oracle.look_up(keys, table, -1)


def test_of_several_rows_of_one_key_the_one_that_sorts_first_holds_as_a_whole():
    table = pl.LazyFrame({"k": ["a"] * 3, "x": [2, 1, 1], "y": ["p", "r", "q"]})
    rows = pl.LazyFrame({"k": ["a"]})
    for pieces in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        result = rows.pipe(look_up, table.select(pl.all().gather(pieces)), on="k", columns=["x", "y"])
        assert result.collect().rows() == [("a", 1, "q")]


def test_a_matched_null_is_told_from_no_match():
    rows = pl.LazyFrame([(1, 1), (2, 2), (3, 9), (4, None)], schema=SALES, orient="row")
    result = with_city(rows, default={"city": "unknown"}, found="has_store").collect()
    assert result.rows() == [
        (1, 1, "Graz", True),
        (2, 2, None, True),
        (3, 9, "unknown", False),
        (4, None, "unknown", False),
    ]


def test_keys_of_several_columns_match_only_together_and_columns_can_be_renamed():
    table = pl.LazyFrame({"shop": [1, 1, 2], "day": ["mo", "tu", "mo"], "open": [True, False, True]})
    rows = pl.LazyFrame({"shop": [1, 1, 2, 2, None], "weekday": ["mo", "tu", "mo", "tu", "mo"]})
    result = rows.pipe(look_up, table, on={"shop": "shop", "weekday": "day"}, columns={"is_open": "open"})
    assert result.collect()["is_open"].to_list() == [True, False, True, None, None]


def test_a_column_of_the_rows_named_as_the_tables_key_is_left_alone():
    rows = pl.LazyFrame({"id": ["r1", "r2"], "store_id": [1, 7]})
    result = rows.pipe(look_up, stores(), on={"store_id": "id"}, columns={"city": "city", "known_id": "id"})
    assert result.collect().rows() == [("r1", 1, "Graz", 1), ("r2", 7, None, None)]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (pl.Decimal(12, 2), Decimal("1.50")),
        (pl.Date, datetime(2024, 1, 1, tzinfo=UTC).date()),
        (pl.Datetime("us", "UTC"), datetime(2024, 1, 1, tzinfo=UTC)),
        (pl.Float64, 1),
        (pl.List(pl.Int64), [1, 2]),
        (pl.String, None),
    ],
)
def test_a_default_has_the_type_of_its_column(dtype, value):
    table = pl.LazyFrame(schema={"id": pl.Int64, "x": dtype})
    rows = pl.LazyFrame({"id": [1]})
    result = rows.pipe(look_up, table, on="id", columns="x", default={"x": value}).collect()
    assert result.schema["x"] == dtype
    assert result["x"].to_list() == [value]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (pl.Int64, 1.5),
        (pl.Int8, 300),
        (pl.Decimal(12, 2), Decimal("1.239")),
        (pl.Datetime("us", "UTC"), datetime(2024, 1, 1)),  # noqa: DTZ001 - without a zone on purpose
        (pl.Date, "2024-01-01x"),
        (pl.Int64, "x"),
    ],
)
def test_a_default_that_does_not_fit_is_refused(dtype, value):
    table = pl.LazyFrame(schema={"id": pl.Int64, "city": dtype})
    shown = pl.Schema({"x": dtype})["x"]
    assert refused(table=table, default={"city": value}) == (
        f"look_up: default of 'city' is {value!r}, expected {shown}"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "store"}, "look_up: there is no column 'store' (did you mean 'store_id'?)"),
        ({"on": "store_id"}, "look_up (the table): there is no column 'store_id' (known: city, id)"),
        ({"columns": "town"}, "look_up (the table): there is no column 'town' (known: city, id)"),
        ({"columns": {"n": "city"}}, "look_up: adds the column n, which is there already; rename or drop it"),
        ({"found": "n"}, "look_up: adds the column n, which is there already; rename or drop it"),
        ({"found": "city"}, "look_up: `found` names 'city', which is looked up; choose another name"),
        ({"columns": []}, "look_up: `columns` names nothing to look up"),
        ({"on": {}}, "look_up: `on` names no key"),
        ({"default": {"cty": "x"}}, "look_up: default names 'cty', which is not looked up (did you mean 'city'?)"),
        (
            {"rows": {"store_id": pl.String}},
            "look_up: key 'store_id' is String, the table's 'id' is Int64; cast one of them",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    assert refused(**options) == message


def test_no_rows_and_an_empty_table_are_fine():
    assert with_city(pl.LazyFrame(schema=SALES)).collect().schema == pl.Schema(SALES | {"city": pl.String})
    rows = pl.LazyFrame([(1, 1)], schema=SALES, orient="row")
    result = rows.pipe(look_up, stores([]), on={"store_id": "id"}, columns="city", found="known")
    assert result.collect().rows() == [(1, 1, None, False)]


def test_it_is_lazy_on_both_sides_streams_and_is_the_same_on_every_engine_and_in_parts():
    def transform(rows):
        return with_city(rows, default={"city": "?"}, found="known")

    rows = pl.DataFrame({"n": range(50), "store_id": [1, 2, None, 9, 1] * 10})
    assert_lazy(transform, SALES)
    assert_lazy(lambda table: look_up(rows.lazy(), table, on={"store_id": "id"}, columns="city"), STORES)
    assert fallbacks(transform(rows.lazy())) == []
    whole = same_everywhere(transform, rows, sort_by=["n"])
    assert by_parts(transform, rows, "store_id").sort("n").equals(whole)
