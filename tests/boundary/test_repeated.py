"""Keys counted ahead: the same verdicts as counting them in the plan, in memory that does not grow with the rows."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.boundary import KeySpool, Repeated, compile_contract, repeated, unique_keys
from framework.boundary.repeated import key_hashes
from tests.boundary.checking import hold, located


class Order(pa.DataFrameModel):
    id: int = pa.Field(unique=True, nullable=True)
    shop: str = pa.Field(nullable=True)
    line: int = pa.Field(nullable=True, required=False)

    class Config:
        unique = ("shop", "line")


def spooled(frames: list[pl.DataFrame], keys: list[str]) -> Repeated:
    spool = KeySpool()
    for frame in frames:
        spool.add(frame.select(key_hashes(keys)))
    return spool.repeated()


def ahead(*parts: pl.LazyFrame) -> dict[tuple[str, ...], Repeated]:
    """What a look ahead finds, as runs do it."""
    found = {}
    for keys, hashes in unique_keys(parts, compile_contract(Order)).items():
        spool = KeySpool()
        spool.add(hashes.collect())
        found[keys] = spool.repeated()
    return found


KEYS: list[list[Any]] = [
    [1, 2, 2, None, None, 3],
    ["a", "", "", "ab", None, None],
    [0.0, -0.0, 1.5, float("nan"), float("nan"), None],
    [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 1)],
    [Decimal("1.10"), Decimal("1.11"), Decimal("1.10")],
    [True, False, True, None],
    [b"\x00", b"", b"\x00"],
]


@pytest.mark.parametrize("values", KEYS, ids=[type(values[0]).__name__ for values in KEYS])
def test_equal_values_of_every_type_are_one_key(values: list[Any]):
    rows = pl.DataFrame({"k": values})
    found = spooled([rows], ["k"])
    # Polars' own grouping is the measure: it takes the two zeros for one, NaN for itself, and nulls for one.
    groups = rows.group_by("k").len().filter(pl.col("len") > 1)
    assert (found.keys.height, found.rows) == (groups.height, groups["len"].sum())
    marked = found.mark(rows.lazy(), ["k"], "again").collect()
    assert marked.equals(rows.with_columns(again=pl.len().over("k") > 1))


@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=8))
def test_keys_spooled_to_disk_are_counted_like_keys_in_memory(batches: list[list[int]]):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated, "AT_ONCE", 16)
        found = spooled([pl.DataFrame({"k": b}, schema={"k": pl.Int64}) for b in batches], ["k"])
    counts = Counter(k for b in batches for k in b)
    assert sorted(found.keys["rows"]) == sorted(n for n in counts.values() if n > 1)
    rows = pl.LazyFrame({"k": list(counts)}, schema={"k": pl.Int64})
    again = found.mark(rows, ["k"], "again").filter("again").collect()
    assert sorted(again["k"]) == sorted(k for k, n in counts.items() if n > 1)


def test_keys_of_several_columns_are_not_mixed_up():
    rows = pl.DataFrame({"a": ["x", "xy", "x", None, "x"], "b": ["yz", "z", "yz", "x", None]})
    assert spooled([rows], ["a", "b"]).rows == 2


def test_equal_first_hashes_alone_are_no_repetition():
    spool = KeySpool()
    spool.add(
        pl.DataFrame(
            {"_hash_a": [7, 7, 8, 8], "_hash_b": [1, 2, 3, 3]},
            schema_overrides={
                "_hash_a": pl.UInt64,
                "_hash_b": pl.UInt64,
            },
        )
    )
    assert spool.repeated().keys.rows() == [(8, 3, 2)]


TEXTS = st.sampled_from(["1", "2", "3", "4", "x", None])
LINES = st.lists(st.tuples(TEXTS, st.sampled_from(["a", "b", None]), TEXTS), max_size=25)


@settings(max_examples=40)
@given(LINES, LINES, st.booleans())
def test_rows_get_the_verdict_they_get_from_counting_in_the_plan(first: list[Any], second: list[Any], has_line: bool):
    names = ["id", "shop", "line"]
    parts = [
        pl.DataFrame(first, schema=dict.fromkeys(names, pl.String), orient="row"),
        pl.DataFrame(second, schema=dict.fromkeys(names, pl.String), orient="row"),
    ]
    if not has_line:
        parts[1] = parts[1].drop("line")
    frames = [located(part, f"{n}.csv") for n, part in enumerate(parts)]
    counted, looked = hold(Order, *frames), hold(Order, *frames, repeated=ahead(*frames))
    place = ["file", "line"]
    assert looked.rejected.sort(place).equals(counted.rejected.sort(place))
    assert (
        looked.accepted.select("_source_file", "_source_line")
        .sort(pl.all())
        .equals(counted.accepted.select("_source_file", "_source_line").sort(pl.all()))
    )
    assert {r: n for r, n in looked.tally.broken.items() if n} == {r: n for r, n in counted.tally.broken.items() if n}
