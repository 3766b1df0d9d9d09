"""Rules over the batch that take a second look, over batches of any size, against Polars on all rows at once."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.boundary import check, compile_contract
from framework.boundary.dataset.quantiles import VALUE, quantile_of
from framework.boundary.dataset.totals import Totals
from framework.errors import DefinitionError
from framework.run.verdicts import look_again
from tests.boundary.checking import located
from tests.boundary.parity.kinds import KINDS, TWINS, column
from tests.boundary.parity.test_datasets import SCHEMA, frame_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.drawn(2)

X, Y, RATE, NAME, FLAG, AT, PRICE = (pl.col(name) for name in SCHEMA)
FEW = settings(max_examples=max(6, settings.default.max_examples // 5))
LOOKS = {
    "median": X.median(), "median of an expression": (X * RATE).median(), "lower": RATE.quantile(0.25, "lower"),
    "higher": RATE.quantile(0.9, "higher"), "midpoint": X.quantile(0.4, "midpoint"), "any": FLAG.any() & (Y.mean() > 1),
    "linear": Y.quantile(0.7, "linear"),
    "nearest": Y.quantile(0.5), "equiprobable": Y.quantile(0.5, "equiprobable"), "median of times": AT.median(),
    "quantile of times": AT.quantile(0.3, "linear"), "quantile of decimals": PRICE.quantile(0.6, "higher"),
    "median where": X.filter(Y > 0).median(), "median of what is there": X.drop_nulls().median(),
    "skew": X.skew(), "kurtosis": RATE.kurtosis(), "entropy": Y.abs().entropy(), "modes": X.mode().len(),
    "largest mode": X.mode().max(), "product": Y.product(), "correlation": pl.corr("x", "rate"),
    "covariance": pl.cov("x", "rate"), "mean of times": AT.mean(),
    "spread around the mean": ((X - X.mean()) ** 2).mean(),
    "root": X.sum().abs().sqrt(), "rounded": RATE.mean().round(1, mode="half_away_from_zero"),
    "function of a median": X.median().exp(), "duplicates": NAME.is_duplicated().any(),
    "distinct": NAME.unique().len(), "top three": X.top_k(3).min(),
    "most per key": pl.len().over("name").max(), "rarest": NAME.unique_counts().min(), "missing": X.has_nulls(),
}  # fmt: skip


def contract_of(expression: pl.Expr, schema: pl.Schema = SCHEMA):
    declared = {name: pa.Column(dtype, nullable=True) for name, dtype in schema.items()}
    said = pa.Check(lambda data: data.lazyframe.select(expression), name="asked")
    return compile_contract(pa.DataFrameSchema(declared, checks=said, name="S"))


def parts_of(frame: pl.DataFrame, cuts: list[int]) -> list[pl.LazyFrame]:
    bounds = [0, *sorted(min(cut, frame.height) for cut in cuts), frame.height]
    return [located(frame.slice(a, b - a)) for a, b in pairwise(bounds)]


@contextmanager
def scarce_memory(held: int = 0, ranges: int = 2**15) -> Iterator[None]:
    """Nothing is held, as if there were too much of everything."""
    quantiles = "framework.boundary.dataset.quantiles"
    with (
        patch("framework.boundary.dataset.aside.AT_ONCE", held),
        patch(f"{quantiles}.HELD", held),
        patch(f"{quantiles}.RANGES", ranges),
        patch("framework.boundary.dataset.totals.DISTINCT_AT_ONCE", held),
        patch("framework.boundary.dataset.totals.DISTINCT_IN_A_TURN", 3),
        patch("framework.boundary.dataset.totals.PARTS_AT_ONCE", 2),
    ):
        yield


def says(expression: pl.Expr, parts: list[pl.LazyFrame]) -> bool:
    checked = check(parts, contract_of(expression), source="rows", quarantine=lambda _: None)
    checked.accepted.collect(engine="streaming")
    (found,) = checked.totals.findings(look_again)
    return found.holds


def same(asked: pl.Expr, expected: object) -> pl.Expr:
    if isinstance(expected, float) and expected == expected:  # noqa: PLR0124 - NaN
        return (asked - expected).abs() <= 1e-9 * max(1, abs(expected))
    return asked.eq_missing(pl.lit(expected))


@pytest.mark.parametrize("name", LOOKS)
@FEW
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(0, 90),
    cuts=st.lists(st.integers(0, 90), max_size=4),
    is_scarce=st.booleans(),
)
def test_answer_of_a_second_look_is_that_of_the_whole(name, seed, size, cuts, is_scarce):
    frame = frame_of(seed, size)
    # Streaming: the engines of Polars (2.1) do not agree about the entropy of nothing.
    asked = same(LOOKS[name], frame.lazy().select(LOOKS[name]).collect(engine="streaming").item())
    with scarce_memory(0 if is_scarce else 2**20):
        assert says(asked, parts_of(frame, cuts))
        assert not says(~asked, parts_of(frame, cuts))


ORDERED = {name: kind for name, kind in KINDS.items() if kind.dtype.is_numeric() or kind.dtype.is_temporal()}
ORDERED |= {name: kind for name, (kind, _, _) in TWINS.items() if name != "Binary"}


@pytest.mark.parametrize("name", ORDERED)
@FEW
@given(data=st.data(), seed=st.integers(0, 2**32), size=st.integers(1, 60), ranges=st.sampled_from([5, 2**15]))
def test_quantile_by_counting_is_that_of_polars(name, data, seed, size, ranges):
    values = column(ORDERED[name], size, Random(seed)).alias(VALUE)
    if values.null_count() == size:
        return
    probability = data.draw(st.one_of(st.sampled_from([0, 0.25, 0.5, 1]), st.floats(0, 1)))
    method = data.draw(st.sampled_from(["nearest", "lower", "higher", "midpoint", "linear", "equiprobable"]))
    with scarce_memory(ranges=ranges):
        found = quantile_of(values.to_frame().lazy(), probability, method, look_again)
    expected = values.to_frame().select(pl.col(VALUE).quantile(probability, method)).to_series()
    assert found.dtype == expected.dtype
    assert found.equals(expected, null_equal=True), (found, expected)


@FEW
@given(
    values=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40),
    dtype=st.sampled_from([pl.Int64, pl.Int128, pl.Float64, pl.Datetime("us"), pl.Decimal(38, 2)]),
    probability=st.floats(0, 1),
)
def test_quantile_by_counting_of_numbers_that_lie_far_apart(values, dtype, probability):
    wide = pl.Series(VALUE, values, dtype=pl.Int64)
    series = wide.cast(dtype) if not isinstance(dtype, pl.Datetime) else (wide // 10**3).cast(dtype)
    with scarce_memory():
        found = quantile_of(series.to_frame().lazy(), probability, "lower", look_again)
    expected = series.to_frame().select(pl.col(VALUE).quantile(probability, "lower")).to_series()
    assert found.equals(expected), (found, expected)


def test_every_nan_is_above_all_numbers():
    negative = pl.Series([-(2**51)], dtype=pl.Int64).reinterpret(dtype=pl.Float64)
    assert negative.is_nan().all()
    values = pl.concat([pl.Series([1.0, -2.0]), negative]).alias(VALUE).to_frame().lazy()
    with scarce_memory():
        found = [quantile_of(values, share, "lower", look_again).item() for share in (0, 0.5, 1)]
    assert found[:2] == [-2.0, 1.0]
    assert found[2] != found[2]


@pytest.mark.parametrize("dtype", [pl.Date, pl.Float32, pl.Duration("ms"), pl.Time, pl.Decimal(9, 2)])
def test_quantile_of_nothing_is_null_and_of_the_type_that_polars_gives(dtype):
    for values in (pl.LazyFrame(schema={VALUE: dtype}), pl.LazyFrame({VALUE: [None]}, schema={VALUE: dtype})):
        found = quantile_of(values, 0.5, "linear", look_again)
        assert found.to_list() == [None]
        assert found.dtype == (pl.Datetime("us") if dtype == pl.Date else pl.Float64 if dtype == pl.Decimal else dtype)


@FEW
@given(seed=st.integers(0, 2**32), size=st.integers(0, 90), cuts=st.lists(st.integers(0, 90), max_size=9))
def test_distinct_values_that_are_too_many_to_hold_are_counted(seed, size, cuts):
    frame = frame_of(seed, size)
    asked = same(pl.struct("x", "name").n_unique(), frame.select(pl.struct("x", "name").n_unique()).item())
    with scarce_memory():
        assert says(asked, parts_of(frame, cuts))
        assert not says(~asked, parts_of(frame, cuts))


def test_distinct_values_that_were_set_aside_are_no_longer_held():
    frame = pl.DataFrame({"x": range(100)}, schema={"x": pl.Int64})
    totals = Totals(contract_of(X.n_unique() > 0, frame.schema).dataset_rules, frame.schema)
    with scarce_memory(held=10):
        for start in range(0, 100, 5):
            totals.add(frame.slice(start, 5))
            assert sum(part.select(pl.all().list.len()).item() for part in totals.parts()) <= 10 + 5
        assert totals.findings(look_again)[0].values == {"n_unique(x)": 100}


def test_rules_of_one_schema_take_one_look_each_at_what_they_read():
    (rule,) = contract_of((X.median() > 0) & (X.sum() > RATE.skew())).dataset_rules
    assert [aggregate.word for aggregate in rule.aggregates] == ["median(x)", "sum(x)", "skew(rate)"]
    assert rule.second_look == ["x", "rate"]
    assert contract_of(X.sum() > 0).dataset_rules[0].second_look == []


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        (X.quantile(0.9) > 1, "quantile(x, 0.9)"),
        (X.mode().len() > 1, "len(mode(x))"),
        ((X * Y).median() > 1, "median(x, y)"),
        (pl.corr("x", "y") > 0, "correlation(x, y)"),
        (X.median().exp() > 1, "exp(median(x))"),
        (NAME.approx_n_unique() > 1, "approx_n_unique(name)"),
    ],
)
def test_values_of_a_second_look_are_told_as_their_author_writes_them(expression, word):
    (rule,) = contract_of(expression).dataset_rules
    assert [aggregate.word for aggregate in rule.aggregates] == [word]


NO_ORDER = "S.asked: it judges the whole dataset by {}, and batches come in no order; use len, count, null_count, sum, "
NO_ORDER += "mean, min, max, std, var, n_unique, any, all, median, quantile, mode, skew or kurtosis"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (X.first() > 0, NO_ORDER.format("first")),
        (X.mode().first() > 0, NO_ORDER.format("first")),
        (X.arg_max() > 0, NO_ORDER.format("arg_max")),
        (X.diff().max() > 0, NO_ORDER.format("diff")),
        (X.cum_sum().median() > 0, NO_ORDER.format("cum_sum")),
        (X.fill_null(strategy="forward").median() > 0, NO_ORDER.format("fill_null_with_strategy")),
        (X.get(0, null_on_oob=True) > 0, NO_ORDER.format("gather")),
        (X.head(3).sum() > 0, NO_ORDER.format("slice")),
        (X.sum().over("name", order_by="x").max() > 0, NO_ORDER.format("over")),
        (X.shuffle().median() > 0, NO_ORDER.format("random")),
        (X.rank("ordinal").max() > 0, NO_ORDER.format("rank")),
        (
            X.quantile(Y.mean()) > 0,
            "S.asked: it asks for a quantile at a share that is no number; give one, such as 0.9",
        ),
        (
            X.quantile([0.1, 0.9]).list.max() > 0,
            "S.asked: it asks for a quantile at a share that is no number; give one, such as 0.9",
        ),
        (
            AT.dt.date().quantile(0.5).dt.year() > 2000,
            "S.asked: it looks into a quantile of dates, which may be none; compare the quantile itself",
        ),
        (
            (X.filter(Y > 0) * Y.filter(X > 0)).median() > 0,
            "S.asked: it puts values of some rows beside those of others; filter all of them alike",
        ),
        (
            (X.drop_nulls() * Y).median() > 0,
            "S.asked: it puts values of some rows beside those of others; filter all of them alike",
        ),
    ],
)
def test_what_depends_on_the_order_of_rows_is_refused(expression, words):
    with pytest.raises(DefinitionError) as caught:
        contract_of(expression)
    assert [str(problem) for problem in caught.value.problems] == [words]


def test_quantile_of_dates_is_held_where_there_are_none():
    schema = pl.Schema({"day": pl.Date})
    late = pl.col("day").quantile(0.9) > date(2024, 1, 5)
    for days, holds in ([], True), ([date(2024, 1, 1)] * 9, False), ([date(2024, 1, 6)], True):
        rows = located(pl.DataFrame({"day": days}, schema=schema))
        checked = check([rows], contract_of(late, schema), source="rows", quarantine=lambda _: None)
        checked.accepted.collect(engine="streaming")
        (found,) = checked.totals.findings(look_again)
        assert found.holds is holds
        moment = None if not days else datetime(days[0].year, days[0].month, days[0].day)  # noqa: DTZ001
        assert found.values == {"quantile(day, 0.9)": moment}
