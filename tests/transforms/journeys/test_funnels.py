"""Funnels, held against a search through all chains."""

from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.journeys import funnel
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere
from tests.transforms.oracle import funnels as slow

pytestmark = pytest.mark.drawn(2)

START = datetime(2024, 3, 1, tzinfo=UTC)
TYPES = {"user": pl.Int64, "at": pl.Datetime("us", "UTC"), "did": pl.String}
STEPS = ["view", "cart", "buy", "review"]
KEYS = {"by": "user", "time": "at", "kind": "did"}


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def events_of(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES, orient="row")


def random_events(seed: int, users: int, hours: int = 8) -> list:
    chance = Random(seed)
    some = lambda values: None if chance.random() < 0.03 else chance.choice(values)  # noqa: E731
    times = [at(n) for n in range(hours)]
    return [(some(range(users)), some(times), some([*STEPS, "view", "other"])) for _ in range(users * 6)]


def counted(rows, steps=STEPS, **options) -> pl.DataFrame:
    return events_of(rows).lazy().pipe(funnel, **KEYS, steps=steps, **options).collect()


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@pytest.mark.parametrize("strict_order", [True, False])
@given(st.integers(0, 2**32), st.integers(1, 50), st.sampled_from([None, 1, 3]))
def test_steps_reached_are_those_of_the_best_of_all_chains(engine, strict_order, seed, users, hours):
    within = timedelta(hours=hours) if hours and strict_order else None
    rows = random_events(seed, users)
    plan = events_of(rows).lazy().pipe(funnel, **KEYS, steps=STEPS, within=within, strict_order=strict_order)
    found = plan.collect(engine=engine)
    expected = slow.funnel(rows, STEPS, within, strict_order=strict_order)
    assert found["entities"].to_list() == [count for count, _ in expected]
    means = [sum(took) / len(took) if took else None for _, took in expected]
    assert found["mean_s"].to_list() == pytest.approx(means)


def test_a_later_beginning_counts_where_the_earliest_is_too_long_ago():
    rows = [(1, at(0), "view"), (1, at(5), "view"), (1, at(6), "cart")]
    assert counted(rows, within="1h")["entities"].to_list() == [1, 1, 0, 0]
    assert counted(rows, within="59m")["entities"].to_list() == [1, 0, 0, 0]


def test_steps_at_one_instant_follow_each_other_in_the_order_of_the_list():
    assert counted([(1, at(0), kind) for kind in reversed(STEPS)])["entities"].to_list() == [1, 1, 1, 1]


def test_shares_are_of_the_step_before_and_of_the_first():
    rows = [*((n, at(0), "view") for n in range(4)), (1, at(1), "cart"), (2, at(3), "cart"), (1, at(9), "buy")]
    assert counted(rows).rows() == [
        (1, "view", 4, None, 1.0, 0.0),
        (2, "cart", 2, 0.5, 0.5, 7200.0),
        (3, "buy", 1, 0.5, 0.25, 32400.0),
        (4, "review", 0, 0.0, 0.0, None),
    ]


def test_chains_do_not_go_from_one_entity_to_the_next():
    assert counted([(1, at(0), "view"), (2, at(1), "cart")])["entities"].to_list() == [1, 0, 0, 0]


def test_no_events_reach_no_step():
    assert counted([]).select("entities", "from_previous", "from_first", "mean_s").rows() == [(0, None, None, None)] * 4


def test_it_is_lazy_streams_and_is_the_same_on_every_engine():
    events = events_of(random_events(seed=5, users=40))
    for options in ({"within": "2h"}, {"strict_order": False}):

        def reached(rows: pl.LazyFrame, options=options) -> pl.LazyFrame:
            return rows.pipe(funnel, **KEYS, steps=STEPS, **options)

        assert_lazy(reached, TYPES)
        assert fallbacks(reached(events.lazy())) == []
        same_everywhere(reached, events, sort_by=["step"])


def test_an_entity_may_have_several_keys_and_kinds_may_be_categories():
    rows = events_of([(1, at(0), "view"), (1, at(1), "cart"), (1, at(2), "cart")]).with_columns(
        pl.col("did").cast(pl.Enum(STEPS)), shop=pl.Series(["a", "b", "a"])
    )
    found = rows.lazy().pipe(funnel, by=["shop", "user"], time="at", kind="did", steps=STEPS[:2]).collect()
    assert found["entities"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": ()}, "funnel: by=() names no column; name those that tell one user from another"),
        ({"kind": "dit"}, "funnel: there is no column 'dit' (did you mean 'did'?)"),
        ({"time": "user"}, "funnel: column 'user' is Int64, expected a Datetime or a Date"),
        ({"kind": "user"}, "funnel: column 'user' is Int64, expected a text"),
        (
            {"steps": ["view", "view"]},
            "funnel: steps=['view', 'view']: expected a list of different values of 'did', in order",
        ),
        ({"steps": []}, "funnel: steps=[]: expected a list of different values of 'did', in order"),
        (
            {"within": "1h", "strict_order": False},
            "funnel: within='1h' needs an order of steps; leave it out, or strict_order=False",
        ),
    ],
)
def test_what_cannot_be_worked_with_is_said_at_once(options, message):
    with pytest.raises(TransformError) as caught:
        events_of([]).lazy().pipe(funnel, **{**KEYS, "steps": STEPS, **options})
    assert str(caught.value) == message
