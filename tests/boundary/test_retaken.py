"""Rows taken up from waiting beside fresh ones: a key may occur once in both together, all else is judged apart."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

from collections import Counter

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.api.polars.types import PolarsData

from framework.boundary import QUARANTINE_SCHEMA, Known, check_both, compile_contract
from framework.core.source import Reference
from tests.boundary.checking import Outcome, located


class Meter(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    hour: int = pa.Field(nullable=True)
    site: str = pa.Field(nullable=True, required=False, unique=True)

    @pa.check("hour", error="must come after the row before it")
    def in_order(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).diff() > 0)

    class Config:
        unique = ("id", "hour")


class Unique(pa.DataFrameModel):
    id: int = pa.Field(unique=True)


def both(
    fresh: list[pl.LazyFrame], waiting: pl.LazyFrame, schema: type[pa.DataFrameModel] = Meter, **asked
) -> tuple[Outcome, Outcome]:
    """Check both in one execution; the refused of both go to one quarantine, as in a run."""
    refused: list[pl.DataFrame] = []
    known = Known(asked.pop("known", {}), asked.pop("repeated", {}))
    options = {"source": "rows", "quarantine": refused.append, "known": known, "on_invalid": "quarantine", **asked}
    checked = check_both((fresh, waiting), compile_contract(schema), **options)
    accepted = pl.collect_all([one.accepted for one in checked], engine="streaming")
    tallies = [one.tally for one in checked]
    rejected = pl.concat([pl.DataFrame(schema=QUARANTINE_SCHEMA), *refused])
    found = []
    for rows, tally, file in zip(accepted, tallies, ("new", "old"), strict=True):
        own = rejected.filter(pl.col("file").str.starts_with(file))
        assert (tally.rows_in, tally.refused) == (rows.height + own.height, own.height)
        found.append(Outcome(rows, own, tally))
    return found[0], found[1]


def rows(file: str, *ids: object, **columns: list[object]) -> pl.LazyFrame:
    hours = [str(n) for n in range(len(ids))]
    return located(pl.DataFrame({"id": [str(i) for i in ids], "hour": hours, **columns}), file)


UNIQUE = ["id: must be unique"]


def test_key_in_fresh_and_waiting_rows_is_a_duplicate():
    new, old = both([rows("new1", 1, 2), rows("new2", 3)], rows("old", 2, 4, 3), Unique)
    assert new.accepted["id"].to_list() == [1]
    assert old.accepted["id"].to_list() == [4]
    assert sorted(new.rejected.select("file", "line", "reasons").rows()) == [("new1", 2, UNIQUE), ("new2", 1, UNIQUE)]
    assert old.reasons == {1: UNIQUE, 3: UNIQUE}
    assert (new.tally.broken["id: must be unique"], old.tally.broken["id: must be unique"]) == (2, 2)


def test_raw_values_stay_those_of_each():
    typed = located(pl.DataFrame({"id": [2], "hour": [7]}), "new")
    new, old = both([typed], rows("old", 2))
    assert new.rejected["raw"].to_list() == ['{"id":2,"hour":7}']
    assert old.rejected["raw"].to_list() == ['{"id":"2","hour":"0"}']


def test_keys_over_several_columns_meet_too():
    class Pair(pa.DataFrameModel):
        id: int
        hour: int

        class Config:
            unique = ("id", "hour")

    new, old = both([rows("new", 1, 2)], rows("old", 5, 2), Pair)
    assert (new.passed, old.passed) == ([1], [1])
    assert old.reasons == {2: ["id, hour: must be unique together"]}


def test_rules_on_the_rows_before_are_judged_apart():
    new, old = both([rows("new", 1, 2)], rows("old", 3, 4))
    assert (new.passed, old.passed) == ([1, 2], [1, 2])  # their hours are 0, 1 and 0, 1


def test_key_that_cannot_be_read_accuses_nobody():
    new, old = both([rows("new", "x", 1)], rows("old", "y", "x"))
    wrong = ["id: must be a whole number"]
    assert (new.reasons, old.reasons) == ({1: wrong}, {1: wrong, 2: wrong})


def test_optional_key_that_was_not_delivered_accuses_nobody():
    new, old = both([rows("new", 1, 2)], rows("old", 3, 4, 5, site=["a", "b", "b"]))
    assert new.passed == [1, 2]
    assert old.reasons == {2: ["site: must be unique"], 3: ["site: must be unique"]}


@pytest.mark.parametrize("policy", ["warn", "drop", "fail"])
def test_policies_hold_of_both(policy):
    refused: list[pl.DataFrame] = []
    asked = {"source": "rows", "quarantine": refused.append, "known": Known(), "on_invalid": policy}
    new, old = check_both(([rows("new", 1, 2)], rows("old", 2)), compile_contract(Unique), **asked)
    pl.collect_all([new.accepted, old.accepted], engine="streaming")
    assert (new.tally.accepted, old.tally.accepted) == ((2, 1) if policy == "warn" else (1, 0))
    assert (new.counts.warnings["id: must be unique"], old.counts.warnings["id: must be unique"]) == (
        (1, 1) if policy == "warn" else (0, 0)
    )
    assert sum(frame.height for frame in refused) == {"warn": 0, "drop": 1, "fail": 2}[policy]  # what was held stays so


def test_waiting_row_with_the_key_of_a_fresh_one_no_longer_just_waits():
    class Order(pa.DataFrameModel):
        id: int = pa.Field(unique=True)
        product: str

    sites = Reference("product", "products", "code")
    fresh = located(pl.DataFrame({"id": ["1", "2"], "product": ["p", "p"]}), "new")
    waiting = located(pl.DataFrame({"id": ["2", "3"], "product": ["x", "x"]}), "old")
    new, old = both([fresh], waiting, Order, known={sites: pl.DataFrame({"code": ["p"]})})
    assert (new.passed, new.reasons) == ([1], {2: UNIQUE})
    assert dict(old.rejected.select("line", "state").rows()) == {1: "open", 2: "waiting"}
    assert (new.tally.waiting, old.tally.waiting) == (0, 1)


@given(
    fresh=st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=3),
    waiting=st.lists(st.integers(0, 9), max_size=6),
)
def test_exactly_the_keys_that_occur_once_are_accepted(fresh, waiting):
    new, old = both([rows(f"new{n}", *ids) for n, ids in enumerate(fresh)], rows("old", *waiting), Unique)
    counts = Counter([*waiting, *(i for ids in fresh for i in ids)])
    once = {i for i, count in counts.items() if count == 1}
    assert set(new.accepted["id"]) == once & {i for ids in fresh for i in ids}
    assert set(old.accepted["id"]) == once & set(waiting)


def test_both_are_read_once():
    from polars.io.plugins import register_io_source

    opened = []

    def reading(frame: pl.LazyFrame) -> pl.LazyFrame:
        def read(with_columns, predicate, n_rows, batch_size):
            opened.append(1)
            found = frame.collect()
            found = found.filter(predicate) if predicate is not None else found
            yield found.select(with_columns) if with_columns is not None else found

        return register_io_source(read, schema=frame.collect_schema(), is_pure=True)

    both([reading(rows("new", 1, 2))], reading(rows("old", 2)))
    assert len(opened) == 2
