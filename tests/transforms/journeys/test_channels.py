"""Credit of channels, held against the full definitions: all coalitions, and walks through the chain."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.journeys import markov_credit, shapley_credit
from framework.transforms.journeys.removal import MOST_CHANNELS
from framework.transforms.journeys.shares import round_together
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere
from tests.transforms.journeys.populations import cents
from tests.transforms.oracle.attribution import removal_effects, shapley

pytestmark = pytest.mark.drawn(2)

TYPES = {"order": pl.Int64, "value": pl.Decimal(12, 2), "ad": pl.String, "position": pl.Int64, "touches": pl.Int64}
KEYS = {"channel": "ad", "value": "value", "conversion": "order"}
BOTH = pytest.mark.parametrize("credit", [shapley_credit, markov_credit])


def journeys_of(paths) -> pl.DataFrame:
    """Journeys from (value, channels) pairs."""
    rows = []
    for order, (value, ads) in enumerate(paths):
        rows += [(order, value, ad, n, len(ads)) for n, ad in enumerate(ads, start=1)]
        rows += [] if ads else [(order, value, None, None, 0)]
    return pl.DataFrame(rows, schema=TYPES, orient="row")


def paths_of(seed: int, size: int, channels: int = 5) -> list:
    chance = Random(seed)
    ads = [f"ad{n}" for n in range(channels)]
    return [(cents(chance.randint(-99, 9_999)), chance.choices(ads, k=chance.randint(1, 6))) for _ in range(size)]


def credits_of(credit, paths, engine="streaming", **options) -> pl.DataFrame:
    return journeys_of(paths).lazy().pipe(credit, **KEYS, **options).collect(engine=engine)


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 6))
def test_shapley_credit_is_what_all_coalitions_give(engine, seed, size, channels):
    paths = paths_of(seed, size, channels)
    found = credits_of(shapley_credit, paths, engine)
    exact = shapley([(set(ads), Fraction(value) * 100) for value, ads in paths])
    expected = [cents(units) for units in round_together([exact[ad] for ad in sorted(exact)])]
    assert found["credit"].to_list() == expected
    assert dict(found.select("ad", "conversions").rows()) == {ad: sum(ad in a for _, a in paths) for ad in exact}


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(0, 60), st.integers(1, 6))
def test_removal_effects_are_those_of_walks_through_the_chain(engine, seed, size, lost, channels):
    paths, astray = paths_of(seed, size, channels), paths_of(seed + 1, lost, channels)
    found = credits_of(markov_credit, paths, engine, non_converting=journeys_of(astray).lazy())
    expected = removal_effects([*((ads, True) for _, ads in paths), *((ads, False) for _, ads in astray)])
    assert dict(found.select("ad", "removal_effect").rows()) == pytest.approx(expected, abs=1e-9)
    total = sum(value for value, _ in paths)
    due = {ad: float(total) * effect / sum(expected.values()) for ad, effect in expected.items()}
    assert {ad: float(c) for ad, c in found.select("ad", "credit").rows()} == pytest.approx(due, abs=0.011)
    assert found["credit"].sum() == total


def test_an_example_of_the_chain_worked_by_hand():
    paths = [(cents(100), ["a", "b"]), (cents(100), ["b"])]
    astray = [(None, ["a"]), (None, ["b"])]
    found = credits_of(markov_credit, paths, non_converting=journeys_of(astray).lazy())
    # Start goes to a or b; half of a's lead to b, and two of b's three convert: 1/2 * 1/2 * 2/3 + 1/2 * 2/3 = 1/2.
    assert found["removal_effect"].to_list() == pytest.approx([1 / 3, 1])
    assert found["credit"].to_list() == [cents(50), cents(150)]


@BOTH
def test_credits_sum_up_to_all_value_with_conversions_without_touches_on_the_null_row(credit):
    paths = [(cents(100), ["a", "b", None]), (cents(7), []), (cents(3), []), (None, ["a"]), (None, [])]
    nameless = journeys_of([(cents(5), []), (cents(6), [])]).with_columns(order=pl.lit(None, pl.Int64))
    rows = pl.concat([journeys_of(paths), nameless])
    found = rows.lazy().pipe(credit, **KEYS).collect()
    assert found["ad"].to_list() == ["a", "b", None]
    assert found["credit"].sum() == cents(121)
    assert found["credit"][-1] > cents(21)
    assert found["credit"].dtype == pl.Decimal(38, 2)


@BOTH
@pytest.mark.parametrize(
    ("dtype", "result"), [(pl.Float64, pl.Float64), (pl.Int32, pl.Int64), (pl.Float32, pl.Float64)]
)
def test_values_of_every_numeric_type_are_shared_out(credit, dtype, result):
    rows = journeys_of([(Decimal(10), ["a", "b", "c"]), (Decimal(-4), ["b"])]).with_columns(pl.col("value").cast(dtype))
    found = rows.lazy().pipe(credit, **KEYS).collect()
    assert found["credit"].dtype == result
    assert found["credit"].sum() == pytest.approx(6)


@BOTH
def test_no_rows_give_no_rows(credit):
    assert credits_of(credit, []).height == 0


@BOTH
def test_it_is_lazy_and_only_the_last_step_leaves_the_engine(credit):
    rows = journeys_of(paths_of(seed=3, size=40))
    assert_lazy(lambda frame: frame.pipe(credit, **KEYS), TYPES)
    assert fallbacks(rows.lazy().pipe(credit, **KEYS)) == ["in-memory-map"]
    same_everywhere(lambda frame: frame.pipe(credit, **KEYS), rows, sort_by=["ad"])


@BOTH
def test_filters_and_choices_of_columns_after_it_do_not_change_the_credit(credit):
    plan = journeys_of(paths_of(seed=3, size=40)).lazy().pipe(credit, **KEYS)
    whole = plan.collect()
    assert plan.filter(pl.col("ad") == "ad1").select("credit").collect().item() == whole["credit"][1]
    assert plan.head(1).collect().equals(whole.head(1))


@BOTH
def test_what_cannot_be_worked_with_is_said_at_once(credit):
    rows = journeys_of([]).lazy()
    name = credit.__name__
    with pytest.raises(TransformError) as caught:
        rows.pipe(credit, **{**KEYS, "channel": "adv"})
    assert str(caught.value) == f"{name}: there is no column 'adv' (did you mean 'ad'?)"
    with pytest.raises(TransformError) as caught:
        rows.pipe(credit, **{**KEYS, "value": "ad"})
    assert str(caught.value) == f"{name}: column 'ad' is String, expected a Decimal, an integer or a float"
    with pytest.raises(TransformError) as caught:
        rows.with_columns(ad=pl.concat_list("ad")).pipe(credit, **KEYS)
    assert str(caught.value) == f"{name}: column 'ad' is List(String), expected a text or another single value"


def test_too_many_channels_for_the_chain_are_refused_when_run():
    paths = [(cents(1), [f"ad{n}"]) for n in range(MOST_CHANNELS + 1)]
    with pytest.raises(TransformError) as caught:
        credits_of(markov_credit, paths)
    what = "column 'ad' has 301 values, expected at most 300; put rare channels together first"
    assert str(caught.value) == f"markov_credit: {what}"


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@pytest.mark.parametrize(
    ("position", "touches"), [([2, 3], [2, 2]), ([1, 1], [2, 2]), ([1, 2], [3, 3]), ([0, 1], [2, 2]), ([1, 2], [2, 1])]
)
def test_journeys_that_are_not_whole_are_refused_by_the_chain(engine, position, touches):
    rows = journeys_of([(cents(100), ["a", "b"]), (cents(50), ["c"])])
    broken = rows.with_columns(position=pl.Series([*position, 1]), touches=pl.Series([*touches, 1]))
    with pytest.raises(TransformError, match="journeys whose positions are not 1, 2"):
        broken.lazy().pipe(markov_credit, **KEYS).collect(engine=engine)
