"""Refused rows within each value of a column, counted while the rows pass, against counting by hand."""

from __future__ import annotations

from collections import Counter

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary import Share
from framework.boundary import partitions as partitions_module
from framework.core.frames import BLANK
from framework.core.source import Reference
from tests.boundary.checking import hold


class Sale(pa.DataFrameModel):
    store: int = pa.Field(nullable=True)
    price: int = pa.Field(ge=0)
    size: int = pa.Field(le=10, raise_warning=True, nullable=True)
    product: str = pa.Field(nullable=True)


ALL, PRICE, GE, SIZE = (Share(on, "store") for on in ("*", "price", "price.greater_than_or_equal_to", "size"))
PRODUCTS = {Reference("product", "products", "code"): pl.DataFrame({"code": ["p"]})}
STORES = ["1", "2", "x", None]
VALUES = {
    "store": st.sampled_from(STORES),
    "price": st.sampled_from(["1", "-1", "x", None]),
    "size": st.sampled_from(["1", "11", "x"]),
    "product": st.sampled_from(["p", "q", None]),
    "_malformed": st.sampled_from([None, None, None, "too many fields", BLANK]),
}


def counted(outcome, share: Share) -> dict[object, tuple[int, int]]:
    return {value: (refused, rows) for value, refused, rows in outcome.tally.partitions.of(share)}


def by_hand(rows: list[dict], is_counted) -> dict[object, tuple[int, int]]:
    stores = [{"1": 1, "2": 2}.get(row["store"]) for row in rows]
    every = Counter(store for store, row in zip(stores, rows, strict=True) if row["_malformed"] != BLANK)
    refused = Counter(
        store for store, row in zip(stores, rows, strict=True) if row["_malformed"] != BLANK and is_counted(row)
    )
    return {store: (count, every[store]) for store, count in refused.items()}


def is_wrong(row: dict) -> bool:
    """Refused for more than that its product is not known."""
    return row["_malformed"] is not None or row["store"] == "x" or row["price"] != "1" or row["size"] == "x"


@given(rows=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=30), cut=st.integers(0, 30))
def test_counts_per_value_are_those_made_by_hand(rows, cut):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(VALUES, pl.String))
    parts = [part for part in (frame.head(cut), frame.slice(cut)) if part.height]
    outcome = hold(Sale, *parts, known=PRODUCTS, shares=[ALL, PRICE, GE, SIZE])
    assert counted(outcome, ALL) == by_hand(rows, is_wrong)
    assert counted(outcome, PRICE) == by_hand(rows, lambda row: row["price"] != "1")
    assert counted(outcome, GE) == by_hand(rows, lambda row: row["price"] == "-1")
    assert counted(outcome, SIZE) == by_hand(rows, lambda row: row["size"] != "1")


@pytest.mark.parametrize("policy", ["drop", "fail", "warn"])
def test_rows_that_a_policy_accepts_count_for_their_rule_and_not_as_refused(policy):
    frame = pl.DataFrame({"store": ["1", "1", "2"], "price": ["-1", "1", "1"], "size": "1", "product": "p"})
    outcome = hold(Sale, frame, on_invalid=policy, shares=[ALL, GE])
    assert counted(outcome, GE) == {1: (1, 2)}
    assert counted(outcome, ALL) == ({} if policy == "warn" else {1: (1, 2)})


def test_several_columns_are_counted_apart():
    frame = pl.DataFrame(
        {"store": ["1", "1", "2"], "price": ["-1", "1", "-1"], "size": "1", "product": ["p", "q", "q"]}
    )
    outcome = hold(Sale, frame, shares=[ALL, Share("*", "product"), Share("price", "product")])
    assert counted(outcome, ALL) == {1: (1, 2), 2: (1, 1)}
    assert counted(outcome, Share("*", "product")) == {"p": (1, 1), "q": (1, 2)}
    assert counted(outcome, Share("price", "product")) == {"p": (1, 1), "q": (1, 2)}


def test_column_with_too_many_values_is_given_up_and_the_others_are_not(monkeypatch):
    monkeypatch.setattr(partitions_module, "MAX_VALUES", 3)
    stores = [str(n) for n in range(4)]
    frame = pl.DataFrame({"store": stores, "price": "-1", "size": "1", "product": ["p", "p", "q", "r"]})
    outcome = hold(Sale, frame, frame, shares=[ALL, Share("*", "product")])
    assert outcome.tally.partitions.crowded == {"store"}
    assert counted(outcome, ALL) == {}
    assert counted(outcome, Share("*", "product")) == {"p": (4, 4), "q": (2, 2), "r": (2, 2)}


def test_nothing_is_counted_where_nothing_is_asked_for():
    outcome = hold(Sale, pl.DataFrame({"store": ["1"], "price": ["-1"], "size": "1", "product": "p"}))
    assert outcome.tally.partitions.columns == ()
