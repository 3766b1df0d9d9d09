"""Drift: population stability and Kolmogorov-Smirnov, held against their definitions."""

from datetime import date, timedelta
from functools import partial
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.features import drift
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere
from tests.transforms.oracle import features_learned as slow

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"x": pl.Float64, "n": pl.Int32, "city": pl.String, "is_new": pl.Boolean, "day": pl.Date}


def population(seed: int) -> list[dict]:
    """Up to 80 rows of a few values with many ties, nulls, NaN and infinite ones; no two seeds quite alike."""
    chance = Random(seed)
    shift = chance.randint(0, 6)
    return [
        {
            "x": chance.choice([None, float("nan"), float("inf"), shift + chance.random(), 1.0, 2.0]),
            "n": chance.choice([None, shift + chance.randint(-5, 5)]),
            "city": chance.choice([None, "", f"c{shift}", "a", "b"]),
            "is_new": chance.choice([None, True, False]),
            "day": chance.choice([None, date(2024, 1, 1) + timedelta(chance.randint(0, 9))]),
        }
        for _ in range(chance.randrange(81))
    ]


ROWS = st.integers(0, 2**32).map(population)
NUMBERS = pl.DataFrame({"n": range(1000)})


def frame(rows: list[dict]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA)


REFERENCE = frame(population(1)).collect()
LATER = frame(population(2)).collect()


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(ROWS, ROWS, st.sampled_from([2, 5, 10]))
def test_each_column_has_its_stability_index_and_largest_distance(engine, rows, reference, bins):
    plan = frame(rows).pipe(drift, frame(reference), list(SCHEMA), bins=bins)
    found = plan.collect(engine=engine)
    assert found["column"].to_list() == list(SCHEMA)
    for name, psi, ks, count, reference_count in found.iter_rows():
        after, before = ([row[name] for row in side] for side in (rows, reference))
        ordered = name in {"x", "n", "day"}
        if ordered:
            expected = slow.psi(slow.bins_of(before, before, bins), slow.bins_of(after, before, bins))
        else:
            expected = slow.psi(before, after)
        assert psi == pytest.approx(expected)
        assert ks == (pytest.approx(slow.ks(before, after)) if ordered else None)
        assert (count, reference_count) == (len(rows), len(reference))


def test_the_same_values_have_no_drift_in_whatever_order():
    found = NUMBERS.reverse().lazy().pipe(drift, NUMBERS.lazy(), "n").collect()
    assert found.rows() == [("n", 0.0, 0.0, 1000, 1000)]


def test_a_shift_by_a_tenth_empties_a_bin_and_is_a_tenth_of_distance():
    found = NUMBERS.lazy().select(pl.col("n") + 100).pipe(drift, NUMBERS.lazy(), "n").collect()
    a_bin_gone = (0.0001 - 0.1) * -6.907755
    a_bin_doubled = (0.2 - 0.1) * 0.693147
    assert found["psi"].item() == pytest.approx(a_bin_gone + a_bin_doubled, rel=1e-4)
    assert found["ks"].item() == pytest.approx(0.1)


def test_values_above_a_constant_reference_are_a_drift():
    rows, reference = pl.LazyFrame({"n": [6, 7]}), pl.LazyFrame({"n": [5, 5, 5]})
    assert rows.pipe(drift, reference, "n").collect()["psi"].item() > 10


def test_it_is_lazy_streams_and_is_the_same_on_every_engine():
    measure = partial(drift, reference=REFERENCE.lazy(), columns=list(SCHEMA))
    assert_lazy(lambda rows: rows.pipe(measure), SCHEMA)
    assert_lazy(lambda reference: LATER.lazy().pipe(drift, reference, "x"), SCHEMA)
    assert fallbacks(LATER.lazy().pipe(measure)) == []
    same_everywhere(lambda rows: rows.pipe(measure), LATER)
    same_everywhere(lambda reference: LATER.lazy().pipe(drift, reference, ["x", "city"]), REFERENCE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(drift, columns="n", bins=1), "drift: bins=1 must be 2 or above"),
        (partial(drift, columns=()), "drift: columns is empty, expected one column or several"),
        (partial(drift, columns="m"), "drift: there is no column 'm' (known: n, parts)"),
        (
            partial(drift, columns="parts"),
            "drift: column 'parts' is List(Int64), expected text, integers or booleans; bucketize numbers first",
        ),
        (
            partial(drift, columns="n", reference=pl.LazyFrame(schema={"n": pl.Int8})),
            "drift: column 'n' is Int64, that of the reference Int8; cast one",
        ),
        (
            partial(drift, columns="n", reference=pl.LazyFrame(schema={"m": pl.Int64})),
            "drift, reference: there is no column 'n' (known: m)",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_when_the_plan_is_built(call, message):
    rows = pl.LazyFrame(schema={"n": pl.Int64, "parts": pl.List(pl.Int64)})
    with pytest.raises(TransformError) as caught:
        rows.pipe(partial(call, **{"reference": rows} | call.keywords))
    assert str(caught.value) == message
