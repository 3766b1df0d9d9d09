"""Credit of touches: the shares of the definition, and sums that are exact."""

from datetime import timedelta
from decimal import Decimal, localcontext
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.journeys import attribute, find_journeys
from framework.transforms.journeys.credit import MODELS
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.journeys.populations import cents, populations
from tests.transforms.oracle.attribution import credits_of, shares

pytestmark = pytest.mark.drawn(2)

DAY_S = 86_400
ALL = list(MODELS)
TYPES = {"order": pl.Int64, "value": pl.Decimal(18, 2), "position": pl.Int64, "touches": pl.Int64, "age_s": pl.Float64}


def journeys_of(paths) -> pl.DataFrame:
    """Journeys from (value, ages) pairs, numbered from 0; a journey without ages has no touches."""
    rows = []
    for order, (value, ages) in enumerate(paths):
        rows += [(order, value, n, len(ages), float(age)) for n, age in enumerate(ages, start=1)]
        rows += [] if ages else [(order, value, None, 0, None)]
    return pl.DataFrame(rows, schema=TYPES, orient="row")


def credited(rows, model, **options) -> pl.LazyFrame:
    return rows.lazy().pipe(attribute, model=model, value="value", conversion="order", **options)


def credits_by(rows, model, **options) -> list:
    return credited(rows, model, **options).sort("order", "position").collect()["credit"].to_list()


def paths_of(seed: int, size: int) -> list:
    chance = Random(seed)
    ages = lambda: sorted((chance.randint(0, 40 * DAY_S) for _ in range(chance.randint(1, 9))), reverse=True)  # noqa: E731
    return [(cents(chance.randint(-9_999, 999_999)), ages()) for _ in range(size)]


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@pytest.mark.parametrize("model", MODELS)
@given(
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.sampled_from([(0.4, 0.2, 0.4), (0.5, 0.3, 0.2), (0.0, 0.9, 0.1), (1.0, 0.0, 0.0)]),
)
def test_credit_is_the_share_of_the_definition_to_the_cent(engine, model, seed, size, weights):
    paths = paths_of(seed, size)
    plan = credited(journeys_of(paths), model, half_life="7d", weights=weights)
    found = plan.collect(engine=engine).sort("order", "position")["credit"].to_list()
    expected = [c for value, ages in paths for c in credits_of(value, shares(model, ages, 7 * DAY_S, weights))]
    assert found == expected


@given(populations())
def test_what_is_credited_is_what_the_orders_were_worth(people):
    touches, orders = people
    keys = {"by": "user", "touch_time": ("at", "touch"), "conversion_time": "bought_at", "conversion": "order"}
    journeys = touches.lazy().pipe(find_journeys, orders.lazy(), lookback="5h", **keys)
    rows = credited(journeys, ALL, half_life="2h").collect()
    # Rows without an id are conversions of their own, each of them without touches.
    worth = journeys.filter((pl.col("position") == 1) | (pl.col("touches") == 0)).select(pl.col("value").sum())
    assert rows["credit"].dtype == pl.Decimal(12, 2)
    assert set(rows.group_by("model").agg(pl.col("credit").sum())["credit"]) <= {worth.collect().item()}
    per_order = rows.drop_nulls("order").group_by("model", "order").agg(pl.col("credit").sum(), pl.col("value").first())
    assert per_order.filter(pl.col("value").is_not_null() & (pl.col("credit") != pl.col("value"))).height == 0


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Int64, pl.UInt32, pl.Decimal(38, 2), pl.Decimal(9, 6)])
def test_values_of_every_numeric_type_are_split_to_their_sum(dtype):
    rows = journeys_of([(Decimal(100), [3, 2, 1]), (Decimal(7), [9, 1])]).with_columns(pl.col("value").cast(dtype))
    found = credited(rows, ALL, half_life="1d").group_by("model", "order").agg(pl.col("credit").sum()).collect()
    assert sorted(float(c) for c in found["credit"]) == pytest.approx([7.0] * 5 + [100.0] * 5)
    assert found["credit"].dtype == (
        pl.Int64 if dtype == pl.UInt32 else pl.Decimal(38, dtype.scale) if dtype.is_decimal() else dtype
    )


def test_the_largest_decimals_are_split_without_overflow():
    most = Decimal("9" * 36 + ".99")
    rows = journeys_of([(Decimal(1), [3 * DAY_S, 2, 1])]).with_columns(value=pl.lit(most, dtype=pl.Decimal(38, 2)))
    for model in MODELS:
        with localcontext(prec=50):
            assert sum(credits_by(rows, model, half_life="7d")) == most


def test_one_cent_goes_to_one_touch_and_a_refund_mirrors_its_sale():
    rows = journeys_of([(cents(1), [2, 1, 0]), (cents(-1), [2, 1, 0]), (cents(-1000), [2, 1, 0])])
    expected = [cents(n) for n in (0, 1, 0, 0, -1, 0, -333, -334, -333)]
    assert credits_by(rows, "linear") == expected


def test_conversions_without_touches_keep_their_value_and_unknown_values_give_none():
    rows = journeys_of([(cents(500), []), (None, [2, 1]), (None, [])])
    for model in MODELS:
        assert credits_by(rows, model, half_life="7d") == [cents(500), None, None, None]


def test_touches_older_than_a_thousand_half_lives_neither_underflow_nor_take_anything():
    rows = journeys_of([(cents(1000), [9_000 * DAY_S, 8_001 * DAY_S, 8_000 * DAY_S])])
    assert credits_by(rows, "time_decay", half_life="1d") == [cents(0), cents(333), cents(667)]


def test_a_list_of_models_gives_each_row_once_per_model():
    rows = journeys_of([(cents(90), [3, 2, 1])])
    both = credited(rows, ["last", "linear"]).sort("model", "position").collect()
    assert both.columns == [*TYPES, "model", "credit"]
    assert both.select("model", "credit").rows() == [
        *[("last", cents(n)) for n in (0, 0, 90)],
        *[("linear", cents(30))] * 3,
    ]


def test_a_journey_of_a_hundred_thousand_touches_is_split_to_the_cent():
    ages = list(range(100_000, 0, -1))
    for model in MODELS:
        assert sum(credits_by(journeys_of([(cents(99_999_999), ages)]), model, half_life="1h")) == cents(99_999_999)


def test_no_rows_give_no_rows():
    assert credited(journeys_of([]), ALL, half_life="7d").collect().height == 0


def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_by_parts():
    rows = journeys_of(paths_of(seed=1, size=80))

    def by_all(frame: pl.LazyFrame) -> pl.LazyFrame:
        return credited(frame, ALL, half_life=timedelta(days=7))

    assert_lazy(by_all, TYPES)
    assert fallbacks(by_all(rows.lazy())) == []
    whole = same_everywhere(by_all, rows)
    parts = by_parts(by_all, rows, "order")
    assert whole.equals(parts.sort(parts.columns))


WEIGHTS = "expected three numbers from 0 that sum up to 1, of which the first or the last is above 0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "lienar"}, "attribute: model='lienar' is unknown; did you mean 'linear'?"),
        ({"model": []}, "attribute: model is empty; name at least one of first, last, linear, time_decay, position"),
        ({"model": "time_decay"}, "attribute: model='time_decay' needs a half_life, such as '7d'"),
        ({"model": "position", "weights": (0.5, 0.5, 0.5)}, f"attribute: weights=(0.5, 0.5, 0.5): {WEIGHTS}"),
        ({"model": "position", "weights": (0, 1, 0)}, f"attribute: weights=(0, 1, 0): {WEIGHTS}"),
        (
            {"model": "last", "into": "value"},
            "attribute: adds the column value, which is there already; rename or drop it",
        ),
        (
            {"model": "last", "conversion": "oder"},
            "attribute: there is no column 'oder' (did you mean 'order'?)",
        ),
    ],
)
def test_what_cannot_be_worked_with_is_said_at_once(options, message):
    with pytest.raises(TransformError) as caught:
        journeys_of([]).lazy().pipe(attribute, **{"value": "value", "conversion": "order", **options})
    assert str(caught.value) == message


def test_a_value_that_is_no_number_is_refused():
    rows = journeys_of([]).with_columns(pl.col("value").cast(pl.String))
    with pytest.raises(TransformError) as caught:
        credited(rows, "last")
    assert str(caught.value) == "attribute: column 'value' is String, expected a Decimal, an integer or a float"


def test_thirds_may_be_given_as_floats():
    assert (
        credits_by(journeys_of([(cents(300), [3, 2, 1])]), "position", weights=(1 / 3, 1 / 3, 1 / 3))
        == [cents(100)] * 3
    )
