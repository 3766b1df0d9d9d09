"""Profiles against plain definitions, on all rows and on a sample; what is sensitive leaves no trace."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.quality import Facts, Look, profile
from framework.quality.columns import SAFE
from framework.quality.kinds import kind_of
from framework.quality.looks import key_sample, sample_of, totals_of
from tests.quality import oracle
from tests.transforms.engines import assert_lazy, fallbacks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def look(rows: int, **options) -> Look:
    return Look(rows, NOW, **options)


def column(values, dtype=None, **options):
    frame = pl.DataFrame({"c": pl.Series(values, dtype=dtype)})
    return profile(frame.lazy(), look(frame.height, **options)).by_name["c"]


@given(st.lists(st.none() | st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf]), min_size=1, max_size=40))
def test_numbers_are_measured_as_defined(values):
    found = column(values, pl.Float64).metrics
    for metric, value in oracle.numbers(values).items():
        if metric in {"min", "max"} and any(v is not None and math.isinf(v) for v in values):
            continue
        assert found[metric] == pytest.approx(value, rel=1e-9, abs=1e-6), metric
    assert found["nan_rate"] == sum(v is not None and math.isnan(v) for v in values) / len(values)


@given(st.lists(st.none() | st.text("abXY019-é", max_size=6), min_size=1, max_size=40))
def test_text_is_measured_as_defined(values):
    found = column(values, pl.String)
    known = [v for v in values if v is not None]
    assert found.metrics["null_rate"] == values.count(None) / len(values)
    assert found.metrics["n_unique"] == len(set(known))
    assert list(found.top) == oracle.most_frequent(values)[:10]
    shapes = dict(found.patterns)
    assert all(count == sum(oracle.pattern(v) == shape for v in known) for shape, count in shapes.items())
    assert len(shapes) == min(5, len({oracle.pattern(v) for v in known}))
    if known:
        assert found.metrics["length_min"] == min(map(len, known))
        assert found.metrics["length_max"] == max(map(len, known))
        assert found.metrics["length_mean"] == pytest.approx(sum(map(len, known)) / len(known))
        assert found.metrics["unique_rate"] == len(set(known)) / len(known)
        assert (found.low, found.high) == (min(known, key=str.encode), max(known, key=str.encode))


def test_patterns_show_capitals_small_letters_and_digits():
    assert column(["AB-123", "CD-987", "Äßx_1"]).patterns == (("AA-999", 2), ("Aaa_9", 1))


def test_every_type_is_profiled_as_far_as_it_can_be():
    frame = pl.DataFrame(
        {
            "number": [1, 2],
            "money": [Decimal("1.50"), Decimal("2.50")],
            "flag": [True, True],
            "day": [date(2026, 2, 28), None],
            "list": [[1], None],
            "struct": [{"a": 1}, {"a": 2}],
            "bytes": [b"x", None],
            "kind": pl.Series(["a", "a"], dtype=pl.Categorical),
        }
    )
    found = profile(frame.lazy(), look(2)).by_name
    assert found["money"].metrics["mean"] == 2.0
    assert (found["money"].low, found["money"].high) == ("1.50", "2.50")
    assert found["flag"].distribution.values == ("true",)
    assert found["day"].metrics == {"null_rate": 0.5, "n_unique": 1.0, "unique_rate": 1.0, "age_h": 36.0}
    assert found["list"].metrics == {"null_rate": 0.5}
    assert found["struct"].metrics == {"null_rate": 0.0}
    assert found["bytes"].metrics == {"null_rate": 0.5}
    assert found["kind"].top == (("a", 2),)


def test_ages_count_from_the_newest_value_with_and_without_zone():
    assert column([NOW - timedelta(hours=5), NOW - timedelta(hours=9)]).metrics["age_h"] == 5.0
    assert column([(NOW - timedelta(hours=5)).replace(tzinfo=None)]).metrics["age_h"] == 5.0


def test_no_rows_give_a_profile_without_rates():
    found = profile(pl.LazyFrame(schema={"a": pl.Int64, "b": pl.String}), look(0, key=("a",)))
    assert found.metrics == {"rows": 0.0}
    assert found.by_name["a"].metrics == {"n_unique": 0.0}
    assert found.by_name["b"].distribution is None


def test_whole_numbers_and_texts_that_name_rows_have_no_distribution():
    assert column(list(range(100))).distribution is None
    assert column([f"id{i}" for i in range(100)]).distribution is None
    assert column([float(i) for i in range(100)]).distribution is not None
    assert column([i % 89 for i in range(100)]).distribution is not None


def test_bins_are_used_again_and_laid_anew_when_they_no_longer_fit():
    before = column([float(i % 10) for i in range(100)])
    near = column([float(i % 10) + 0.5 for i in range(100)], bins={"c": before.distribution})
    far = column([float(i % 10) + 500 for i in range(100)], bins={"c": before.distribution})
    assert near.distribution.edges == before.distribution.edges
    assert near.renewed is None
    assert far.distribution.edges == before.distribution.edges
    assert far.renewed.edges[0] == 500.0


def test_of_sensitive_columns_nothing_but_rates_is_measured():
    frame = pl.DataFrame({"email": ["a@x.org", "b@x.org", None, "a@x.org"], "pin": [1.0, 2.0, 3.0, math.nan]})
    found = profile(frame.lazy(), look(4, sensitive=frozenset({"email", "pin"})))
    for one in found.columns:
        assert set(one.metrics) <= SAFE
        assert (one.low, one.high, one.top, one.patterns, one.distribution) == (None, None, (), (), None)
    assert found.by_name["email"].metrics == {"null_rate": 0.25, "n_unique": 2.0, "unique_rate": 2 / 3}
    assert "x.org" not in repr(found)


def test_values_of_sensitive_columns_do_not_even_leave_the_plan():
    frame = pl.LazyFrame({"email": ["a@x.org"], "n": [1]})
    totals = totals_of(frame, ["email", "n"], plain={"n"}, known={}, exact=True).collect()
    assert [name for name in totals.columns if name.endswith(":email")] == ["nulls:email", "n_unique:email"]
    assert sample_of(frame, {"n": "number"}, 1).collect().columns == ["_row", "n"]


def test_above_the_size_of_the_sample_totals_stay_exact_and_the_rest_is_near():
    rows = 40_000
    frame = pl.DataFrame({"n": [float(i % 1000) for i in range(rows)], "t": ["abcde"[i % 5] for i in range(rows)]})
    found = profile(frame.lazy(), look(rows, sample=8_000))
    numbers, texts = found.by_name["n"].metrics, found.by_name["t"]
    assert (numbers["min"], numbers["max"], numbers["mean"]) == (0.0, 999.0, 499.5)
    assert numbers["n_unique"] == pytest.approx(1000, rel=0.15)
    assert found.sampled == pytest.approx(8_000, rel=0.1)
    assert numbers["p50"] == pytest.approx(500, abs=25)
    # Values that come in turns must not be met in turns by the sample.
    assert {value for value, _ in texts.top} == set("abcde")
    assert texts.top[0][1] == pytest.approx(1_600, rel=0.15)


def test_a_sample_has_fewer_rows_where_there_are_many_columns():
    wide = look(1_000_000)
    assert wide.every(1) == 8
    assert wide.every(100) == 50
    assert wide.every(100_000) == 1000
    assert look(100).every(5) == 1


def test_repeated_keys_are_counted_exactly_on_few_rows_and_nearly_on_many():
    frame = pl.DataFrame({"a": [1, 1, 2, 3], "b": [1, 1, 1, None]})
    assert profile(frame.lazy(), look(4, key=("a", "b"))).metrics["duplicate_rate"] == 0.25
    many = pl.DataFrame({"k": [i // 2 if i < 10_000 else i for i in range(40_000)]})
    found = profile(many.lazy(), look(40_000, key=("k",), sample=4_000)).metrics["duplicate_rate"]
    assert found == pytest.approx(5_000 / 40_000, abs=0.02)
    unique = pl.DataFrame({"k": list(range(40_000))})
    assert profile(unique.lazy(), look(40_000, key=("k",), sample=4_000)).metrics["duplicate_rate"] == 0.0


def test_what_files_know_is_not_computed_again():
    frame = pl.LazyFrame({"a": [1, None, 3], "b": ["x", "y", None]})
    facts = {"a": Facts(1, 1, 3), "b": Facts(1)}
    plan = totals_of(frame, ["a", "b"], plain={"a", "b"}, known={"a": True, "b": False}, exact=True)
    assert plan.collect_schema().names() == [
        *("len:", "n_unique:a", "mean:a", "std:a"),
        *("n_unique:b", "low:b", "high:b"),
    ]
    found = profile(frame, look(3, facts=facts))
    assert found == profile(frame, look(3))


def test_columns_that_are_not_looked_at_have_what_files_know():
    frame = pl.LazyFrame({"a": [1, None, 3], "b": ["x", "y", None], "c": [1, 1, 1]})
    found = profile(frame, look(3, columns=("a",), facts={"b": Facts(1, "x", "y")}))
    assert [one.name for one in found.columns] == ["a", "b"]
    assert found.by_name["b"].metrics == {"null_rate": 1 / 3}
    assert (found.by_name["b"].low, found.by_name["b"].high) == ("x", "y")
    assert profile(frame, look(3, columns=())).columns == ()


SCHEMA = {
    "n": pl.Float64,
    "i": pl.Int64,
    "m": pl.Decimal(10, 2),
    "t": pl.String,
    "d": pl.Datetime("us", "UTC"),
    "f": pl.Boolean,
    "l": pl.List(pl.Int64),
}
PLANS = {
    "totals": lambda rows: totals_of(rows, list(SCHEMA), plain=SCHEMA, known={}, exact=False),
    "sample": lambda rows: sample_of(rows, {name: kind_of(dtype) for name, dtype in _schema().items()}, 3),
    "keys": lambda rows: key_sample(rows, ("i", "t"), 4),
}


def _schema() -> pl.Schema:
    return pl.LazyFrame(schema=SCHEMA).collect_schema()


@pytest.mark.parametrize("plan", PLANS)
def test_a_look_streams_and_reads_nothing_while_it_is_planned(plan, tmp_path):
    assert_lazy(PLANS[plan], SCHEMA)
    pl.DataFrame(schema=SCHEMA).write_parquet(tmp_path / "rows.parquet")
    assert fallbacks(PLANS[plan](pl.scan_parquet(tmp_path / "rows.parquet"))) == []
