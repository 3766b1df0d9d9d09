"""Cells that cannot be used are filled in the pass that reads them: by case, and against a plain definition."""

# ruff: noqa: N805 - Pandera's checks take cls

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework import default, filled_by, is_filled, last_known
from framework.boundary import Checked, Known, check, compile_contract, known_frame, with_fallbacks
from framework.core.clock import at_run_time
from framework.core.fallback import fallbacks_of
from framework.core.frames import FILLED
from framework.errors import DefinitionError, SchemaError
from tests.boundary.checking import located

NOW = datetime(2024, 5, 1, tzinfo=UTC)


class Line(pa.DataFrameModel):
    id: str = pa.Field(unique=True)
    product: str
    price: Annotated[pl.Decimal, 9, 2] = pa.Field(ge=0)
    discount: int = pa.Field(in_range={"min_value": 0, "max_value": 100})
    note: str = pa.Field(nullable=True)
    phone: str = pa.Field(str_length={"min_value": 3}, metadata={"sensitive": True})
    sold: Annotated[pl.Datetime, "us", "UTC"]

    @pa.dataframe_check(error="free goods have no discount")
    def free_goods(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select((pl.col("price") > 0) | (pl.col("discount") == 0))


PRICE = last_known(of="products", column="list_price", key={"product": "sku"}, at="since", max_age="30d")
ROW = {
    "id": "1",
    "product": "a",
    "price": "2.50",
    "discount": "5",
    "note": None,
    "phone": "12345",
    "sold": "2024-04-01 00:00:00",
}


def prices(*rows: tuple) -> pl.LazyFrame:
    """What a table knows: product, days before now, price, and whether it was filled itself."""
    shape = {"sku": pl.String, "since": pl.Int64, "list_price": pl.String, FILLED: pl.String}
    told = [(*row, None) if len(row) == len(shape) - 1 else row for row in rows]
    since = pl.lit(NOW) - pl.duration(days=pl.col("since"))
    return pl.LazyFrame(told, schema=shape, orient="row").with_columns(
        pl.col("list_price").cast(pl.Decimal(9, 4)), since=since
    )


def run(rows: list[dict], fallback: dict, known: pl.LazyFrame | None = None) -> tuple[pl.DataFrame, dict, Checked]:
    """Hold rows against the schema with fallbacks; gives the accepted, the reasons by line, and the counts."""
    refused: list[pl.DataFrame] = []
    with at_run_time(NOW):
        chosen = fallbacks_of(fallback)
        contract = with_fallbacks(compile_contract(Line), chosen, source="lines")
        table = prices() if known is None else known
        last = {
            (name, n): known_frame(table, contract, name, one).collect()
            for name, several in chosen.items()
            for n, one in enumerate(several, 1)
            if one.name == "last_known"
        }
        parts = [located(pl.DataFrame(rows, schema=dict.fromkeys(ROW, pl.String)))]
        options = {"source": "lines", "quarantine": refused.append, "known": Known(last=last)}
        checked = check(parts, contract, **options)
    accepted = checked.accepted.collect(engine="streaming").sort("_source_line")
    assert checked.tally.rows_in == accepted.height + checked.tally.refused
    told = pl.concat(refused).sort("line") if refused else pl.DataFrame(schema={"line": pl.Int64, "reasons": pl.Int64})
    return accepted, dict(told.select("line", "reasons").rows()), checked


@pytest.mark.parametrize(
    ("bad", "cause"),
    [({"discount": None}, "null"), ({"discount": "many"}, "cast"), ({"discount": "101"}, "rule")],
)
def test_default_stands_in_for_the_causes_it_covers_and_no_other(bad, cause):
    for covered in ("null", "cast", "rule"):
        accepted, reasons, checked = run([ROW | bad], {"discount": default(7, for_=covered)})
        if covered == cause:
            assert accepted["discount"].to_list() == [7]
            assert json.loads(accepted[FILLED][0]) == {"discount": ["default", bad["discount"]]}
            assert checked.tally.filled == {("discount", "default"): 1}
        else:
            assert list(reasons) == [1]
            assert checked.tally.filled == {}


def test_good_cells_carry_no_mark_and_keep_their_value():
    accepted, reasons, checked = run([ROW], {"discount": default(0), "price": [PRICE, default(0)]})
    assert reasons == {}
    assert accepted.select("price", "discount", FILLED).row(0) == (Decimal("2.50"), 5, None)
    assert checked.tally.rows_filled == 0


def test_rule_over_several_columns_is_held_against_the_filled_value_and_fills_nothing_itself():
    free, other = ROW | {"price": "0"}, ROW | {"id": "2", "price": "x"}
    accepted, reasons, _ = run([free, other], {"price": default(0)})
    assert accepted.is_empty()
    assert reasons == {1: ["free goods have no discount"], 2: ["free goods have no discount"]}


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ([("a", 3, "2"), ("a", 5, "1"), ("b", 1, "9")], "2"),
        ([("a", 30, "2")], "2"),
        ([("a", 31, "2")], "is older than 30 days"),
        ([("a", -1, "2"), ("a", 4, "3")], "3"),
        ([("b", 3, "2")], "knows no list_price for its product"),
        ([("a", 3, None)], "knows no list_price for its product"),
        ([("a", 3, "-1")], "knows no list_price for its product"),
        ([("a", 3, "1.2345")], "knows no list_price for its product"),
        ([("a", 3, "2", '{"list_price":["default",null]}')], "knows no list_price for its product"),
        ([("a", 3, "2", '{"cost":["default",null]}')], "2"),
    ],
    ids=["the last", "just in time", "too old", "not from the future", "another key", "null", "breaks the rule",
         "does not fit", "filled itself", "filled elsewhere"],
)  # fmt: skip
def test_last_known_value_is_that_of_the_key_and_fresh_enough(known, found):
    accepted, reasons, _ = run([ROW | {"price": "n/a"}], {"price": PRICE}, prices(*known))
    if accepted.height:
        assert accepted.select("price", FILLED).row(0) == (Decimal(found), '{"price":["last_known","n/a"]}')
    else:
        assert reasons[1][0] == "price: must be a number with at most 7 digits before the point and 2 after it"
        assert reasons[1][1].endswith(found if found.startswith("is older") else f"'products' {found}")


def test_next_fallback_is_asked_where_the_one_before_has_no_value():
    rows = [ROW | {"id": n, "product": n, "price": None} for n in ("a", "b", "c")]
    known = prices(("a", 1, "2"), ("b", 90, "2"))
    accepted, _, checked = run(rows, {"price": [PRICE, default(8)], "discount": default(0)}, known)
    assert accepted.select("price", filled_by("price")).rows() == [
        (2, "last_known"),
        (8, "default"),
        (8, "default"),
    ]
    assert checked.tally.filled == {("price", "last_known"): 1, ("price", "default"): 2}


def test_value_is_the_last_until_the_time_of_the_row_where_that_is_asked_for():
    rows = [ROW | {"id": str(n), "price": None, "sold": f"{NOW - timedelta(days=n):%F %T}"} for n in (1, 10, 25, 60)]
    rows.append(ROW | {"id": "x", "price": None, "sold": "yesterday"})
    known = prices(("a", 5, "2"), ("a", 20, "3"), ("a", 99, "4"))
    look_up = replace(PRICE, as_of="sold")
    accepted, reasons, _ = run(rows, {"price": look_up}, known)
    assert accepted["price"].to_list() == [2, 3]
    assert {line: told[-1].split("'products' ")[-1] for line, told in reasons.items()} == {
        3: "knows for its product is older than 30 days",
        4: "knows for its product is older than 30 days",
        5: "knows no list_price for its product at the time of its sold",
    }


def test_what_stood_in_a_sensitive_cell_is_not_told():
    accepted, _, _ = run([ROW | {"phone": "1"}, ROW | {"id": "2", "phone": None}], {"phone": default("none")})
    assert accepted[FILLED].to_list() == ['{"phone":["default","***"]}', '{"phone":["default",null]}']


def test_row_that_is_refused_for_something_else_counts_no_filled_cell():
    _, reasons, checked = run([ROW | {"product": None, "discount": "x"}], {"discount": default(0)})
    assert reasons == {1: ["product: must not be empty"]}
    assert checked.tally.filled == {}


def test_mark_is_found_by_name_whatever_stands_in_the_values():
    rows = pl.DataFrame({FILLED: ['{"a":["default","\\"price\\":[1]"]}', '{"price":["last_known",null]}', None]})
    assert rows.select(is_filled("price"), any=is_filled(), by=filled_by("price")).rows() == [
        (False, True, None),
        (True, True, "last_known"),
        (False, False, None),
    ]


PRODUCTS = st.sampled_from(["a", "b", "c", None])
CELLS = st.sampled_from([None, "", "0", "1.5", "-1", "abc", "1.234", "99"])


@settings(max_examples=25, deadline=None)
@given(
    cells=st.lists(st.tuples(PRODUCTS, CELLS), max_size=8),
    known=st.lists(st.tuples(PRODUCTS, st.integers(-2, 40), st.sampled_from(["1", "2", "-3"])), max_size=6),
)
def test_prices_are_what_a_reader_of_the_table_would_put_there(cells, known):
    rows = [ROW | {"id": str(n), "product": p, "price": c, "discount": "0"} for n, (p, c) in enumerate(cells)]
    accepted, reasons, _ = run(rows, {"price": PRICE}, prices(*known))
    got = dict(accepted.select("id", "price").rows())
    for n, (product, cell) in enumerate(cells):
        wanted = Decimal(cell) if cell in {"0", "1.5", "99"} else _last(product, known)
        is_accepted = product is not None and wanted is not None
        assert (got.get(str(n)) == wanted) if is_accepted else n + 1 in reasons


def _last(product, known) -> Decimal | None:
    usable = [(-age, Decimal(price)) for key, age, price in known if key == product and age >= 0 and price != "-3"]
    age, price = max(usable, default=(0, None))
    return price if -age <= 30 else None


@pytest.mark.parametrize(
    ("fallback", "said"),
    [
        ({"prize": default(0)}, "'prize': Line has no such column (did you mean 'price'?)"),
        ({"discount": default("none")}, "default('none') is no Int64"),
        ({"discount": default(101)}, "default(101) breaks the column's own rule: must be within 0 and 100"),
        ({"discount": default(None)}, "default(None) is no value"),
        ({"price": default(Decimal("0.001"))}, "would become"),
        ({"discount": []}, "names nothing that stands in"),
        ({"discount": default(0, for_="missing")}, "for_='missing' is no cause"),
        ({"note": default("-", for_="null")}, "but the column may be empty"),
        ({"discount": [default(0), default(1)]}, "what follows a default is never asked"),
        ({"id": default("none")}, "the column is part of what is unique (id)"),
        ({"price": last_known(of="t", column="p", key="sku")}, "key names 'sku', which Line does not have"),
        ({"price": last_known(of="t", column="p", key="product", max_age="1d")}, "max_age without a time"),
        ({"price": last_known(of="t", column="p", key="product", as_of="sold")}, "as_of without a time"),
        ({"price": last_known(of="t", column="p", key="product", at="t", as_of="note")}, "as_of 'note' is String"),
        ({"price": last_known(of="t", column="p", key="price")}, "key 'price' is the column itself"),
        ({"price": PRICE, "product": default("a")}, "key 'product' has a fallback itself"),
    ],
)
def test_fallback_that_cannot_work_is_refused_with_the_reason(fallback, said):
    with pytest.raises(DefinitionError) as refused:
        with_fallbacks(compile_contract(Line), fallbacks_of(fallback), source="lines")
    assert said in str(refused.value)


@pytest.mark.parametrize("age", ["soon", "30 days", timedelta(0)])
def test_age_that_is_none_is_refused(age):
    with pytest.raises(DefinitionError, match="is no age"):
        last_known(of="t", column="p", key="k", at="t", max_age=age)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"column": "price"}, "'products' has no column 'price'; did you mean 'list_price'"),
        (
            {"key": (("product", "since"),)},
            "since of 'products' is Datetime(time_unit='us', time_zone='UTC'), but product",
        ),
        ({"column": "sku"}, "sku of 'products' is String, but price is Decimal(precision=9, scale=2)"),
        ({"at": "sku"}, "at='sku' of 'products' is String; name a column of times or dates"),
    ],
)
def test_table_that_does_not_fit_the_look_up_is_named_with_the_column(change, said):
    contract = compile_contract(Line)
    with pytest.raises(SchemaError) as refused:
        known_frame(prices(), contract, "price", replace(PRICE, **change))
    assert said in str(refused.value)
