"""Rules over the whole batch, put together from batches of any size, against what Polars says of all rows at once."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary import check, compile_contract
from framework.run.verdicts import look_again
from tests.boundary.checking import located
from tests.boundary.parity.judging import pandera_says, sluice_says

pytestmark = pytest.mark.drawn(2)

X, Y, RATE, NAME, FLAG = pl.col("x"), pl.col("y"), pl.col("rate"), pl.col("name"), pl.col("flag")
AGGREGATES = {
    "mean": X.mean(), "mean of floats": RATE.mean(), "share": (X > 1).mean(), "std": X.std(), "var": Y.var(ddof=0),
    "sum": X.sum(), "min": Y.min(), "max": X.max(), "count": X.count(), "len": pl.len(), "missing": X.null_count(),
    "distinct": NAME.n_unique(), "any": FLAG.any(), "all": FLAG.all(), "any, with nulls": FLAG.any(ignore_nulls=False),
    "all, with nulls": FLAG.all(ignore_nulls=False), "filtered": X.filter(Y > 0).mean(), "ratio": X.sum() / pl.len(),
    "of an expression": (X * Y).sum(), "kept": X.drop_nulls().len(), "latest": pl.col("at").max(), "text": NAME.max(),
    "decimals": pl.col("price").sum(), "mean of decimals": pl.col("price").mean(), "rounded": RATE.mean().round(1),
}  # fmt: skip


SENTENCES = {
    "a condition": pl.when(pl.len() > 20).then(X.mean() > 1).otherwise(pl.len() > 5),
    "a range": X.sum().is_between(0, 20),
    "an open range": Y.sum().is_between(0, 20, closed="none"),
    "a rounded one": RATE.mean().round(1) > 0.5,
    "one of some": Y.max().is_in([1, 2]),
    "an absolute one": X.sum().abs() < 9,
    "none": X.max().is_null(),
    "some": X.max().is_not_null() & ~(X.min() > 0),
    "a filled one": X.max().fill_null(7) == 7,
    "either": (X.sum() > 3) | (Y.sum() > 3),
    "one of two": (X.sum() > 3) ^ (Y.sum() > 3),
    "not equal": X.sum() != Y.sum(),
    "a ratio": X.sum() / Y.sum() > 0.5,
    "arithmetic": (X.sum() + Y.sum() * 2 - 3) % 2 == 0,
    "whole": X.sum() // 3 >= 1,
    "the larger": pl.max_horizontal(X.max(), Y.max()) > 2,
    "the first known": pl.coalesce(X.max(), Y.max()) > 1,
    "all columns": pl.all_horizontal(pl.col("x", "y").max() > 1),
    "finite": RATE.sum().is_finite(),
    "the same": X.max().eq_missing(Y.max()),
    "a NaN": (X.sum() / X.count()).is_nan(),
    "every column": pl.all().count() > 3,
}


def frame_of(seed: int, size: int) -> pl.DataFrame:
    chance = Random(seed)

    def drawn(*values: object) -> list[object]:
        return [chance.choice((*values, None)) for _ in range(size)]

    return pl.DataFrame(
        {
            "x": drawn(-2, 0, 1, 5),
            "y": drawn(0, 1, 2),
            "rate": drawn(0.25, 1.5, -3.0),
            "name": drawn("a", "b", "c", "dd"),
            "flag": drawn(True, False) if chance.random() < 0.5 else drawn(True),
            "at": pl.Series(drawn(0, 86_400, 172_800), dtype=pl.Int64).cast(pl.Datetime("ms")),
            "price": pl.Series(drawn("0.10", "9.99"), dtype=pl.String).cast(pl.Decimal(9, 2)),
        },
        schema_overrides={"x": pl.Int64, "y": pl.Int32, "rate": pl.Float64, "name": pl.String, "flag": pl.Boolean},
    )


SCHEMA = frame_of(0, 1).schema


def contract_of(expression: pl.Expr):
    declared = {name: pa.Column(dtype, nullable=True) for name, dtype in SCHEMA.items()}
    said = pa.Check(lambda data: data.lazyframe.select(expression))
    return compile_contract(pa.DataFrameSchema(declared, checks=said))


@pytest.mark.parametrize("name", AGGREGATES)
@given(seed=st.integers(0, 2**32), size=st.integers(0, 90), cuts=st.lists(st.integers(0, 90), max_size=4))
def test_aggregate_of_batches_is_that_of_the_whole(name, seed, size, cuts):
    frame = frame_of(seed, size)
    expected = frame.select(AGGREGATES[name]).item()
    bounds = [0, *sorted(min(cut, size) for cut in cuts), size]
    parts = [located(frame.slice(a, b - a)) for a, b in pairwise(bounds)]
    asked = _equals(AGGREGATES[name], expected)
    checked = check(parts, contract_of(asked), source="rows", quarantine=lambda _: None)
    assert checked.accepted.collect(engine="streaming").height == size
    (found,) = checked.totals.findings(look_again)
    assert found.holds, (found.values, expected)
    opposite = check(parts, contract_of(~asked), source="rows", quarantine=lambda _: None)
    opposite.accepted.collect(engine="streaming")
    assert not opposite.totals.findings(look_again)[0].holds


@pytest.mark.parametrize("name", SENTENCES)
@given(seed=st.integers(0, 2**32), size=st.integers(0, 40), cut=st.integers(0, 40))
def test_sentence_about_aggregates_means_what_polars_says(name, seed, size, cut):
    frame = frame_of(seed, size)
    parts = [located(frame.head(min(cut, size))), located(frame.slice(cut))]
    checked = check(parts, contract_of(SENTENCES[name]), source="rows", quarantine=lambda _: None)
    checked.accepted.collect(engine="streaming")
    said = frame.select(pl.all_horizontal(SENTENCES[name])).item()
    assert checked.totals.findings(look_again)[0].holds == (said is not False)


def _equals(aggregate: pl.Expr, expected: object) -> pl.Expr:
    if expected is None:
        return aggregate.is_null()
    if isinstance(expected, float):
        return aggregate.is_nan() if expected != expected else (aggregate - expected).abs() < 1e-9  # noqa: PLR0124
    return aggregate == expected


@given(
    values=st.lists(st.sampled_from([None, 1, 2, 3]), min_size=1, max_size=30),
    wanted=st.sets(st.sampled_from([1, 2, 3])),
)
def test_unique_values_eq(values, wanted):
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Int64})
    schema = pa.DataFrameSchema({"x": pa.Column(int, pa.Check.unique_values_eq(wanted), nullable=True)})
    assert sluice_says(schema, frame) == pandera_says(schema, frame)


@given(seed=st.integers(0, 2**32), limit=st.sampled_from([0.5, 1.0, 2.0]))
def test_verdict_on_the_dataset_is_pandera_s(seed, limit):
    frame = frame_of(seed, 40)
    declared = {name: pa.Column(dtype, nullable=True) for name, dtype in SCHEMA.items()}
    said = pa.Check(lambda data: data.lazyframe.select((X.mean() < limit) & (NAME.n_unique() > 3)))
    schema = pa.DataFrameSchema(declared, checks=said)
    assert sluice_says(schema, frame).is_broken == bool(
        not frame.select((X.mean() < limit) & (NAME.n_unique() > 3)).item()
    )
