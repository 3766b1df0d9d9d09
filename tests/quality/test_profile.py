"""Profiles against plain definitions, on all rows and on a sample; what is sensitive leaves no trace."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core.frames import PROVENANCE, SOURCE_FILE, SOURCE_LINE
from framework.quality import Facts, Look, Watch, profile, show
from framework.quality.columns import SAFE
from framework.quality.looks import Totals, kept_of, totals_of
from framework.quality.sketch import KEPT
from framework.quality.watch import sample_size
from tests.quality import oracle
from tests.quality.profiled import profiled

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOK = Look(NOW)


def column(values, dtype=None, bins=None, **options):
    frame = pl.DataFrame({"c": pl.Series(values, dtype=dtype)})
    return profiled(frame, Look(NOW, bins or {}), **options).by_name["c"]


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
    found = profiled(frame, LOOK).by_name
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
    found = profiled(pl.DataFrame(schema={"a": pl.Int64, "b": pl.String}), LOOK, key=("a",))
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
    found = profiled(frame, LOOK, sensitive={"email", "pin"})
    for one in found.columns:
        assert set(one.metrics) <= SAFE
        assert (one.low, one.high, one.top, one.patterns, one.distribution) == (None, None, (), (), None)
    assert found.by_name["email"].metrics == {"null_rate": 0.25, "n_unique": 2.0, "unique_rate": 2 / 3}
    assert "x.org" not in repr(found)


def test_values_of_sensitive_columns_are_not_even_kept_while_rows_pass():
    frame = pl.DataFrame({"email": ["a@x.org"], "n": [1]})
    assert totals_of(frame, ["email"], {"n"}, {}) == {"email": Totals(nulls=0)}
    assert [one.meta.output_name() for one in kept_of(frame.schema, ["n"])] == ["n"]
    watch = Watch(frame.schema, sensitive={"email"})
    watch.see(frame)
    assert "x.org" not in repr(watch.seen())


@pytest.mark.parametrize("batch", [0, 700])
def test_above_the_size_of_the_sample_totals_stay_exact_and_the_rest_is_near(batch):
    rows = 40_000
    frame = pl.DataFrame({"n": [float(i % 1000) for i in range(rows)], "t": ["abcde"[i % 5] for i in range(rows)]})
    found = profiled(frame, LOOK, batch=batch, sample=8_000)
    numbers, texts = found.by_name["n"].metrics, found.by_name["t"]
    assert (numbers["min"], numbers["max"], numbers["mean"]) == (0.0, 999.0, 499.5)
    assert numbers["std"] == pytest.approx(frame["n"].std())
    assert numbers["n_unique"] == 1000
    assert found.sampled == 8_000
    assert numbers["p50"] == pytest.approx(500, abs=25)
    # Values that come in turns must not be met in turns by the sample.
    assert {value for value, _ in texts.top} == set("abcde")
    assert texts.top[0][1] == pytest.approx(1_600, rel=0.15)


@given(st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(math.nan), max_size=30), st.integers(1, 7))
def test_batches_make_no_difference(values, batch):
    frame = pl.DataFrame({"n": pl.Series(values, dtype=pl.Float64), "t": [str(value) for value in values]})
    whole, cut = profiled(frame, LOOK, key=("n", "t")), profiled(frame, LOOK, batch=batch, key=("n", "t"))
    assert cut.metrics == whole.metrics
    for name in frame.columns:
        one, other = cut.by_name[name], whole.by_name[name]
        assert one.metrics == pytest.approx(other.metrics, rel=1e-9, abs=1e-6)
        assert (one.low, one.high, one.top, one.distribution) == (other.low, other.high, other.top, other.distribution)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(range(60_000)),
        pl.Series(range(60_000)).cast(pl.String),
        pl.Series(range(60_000)).cast(pl.Decimal(12, 2)),
        pl.Series(range(60_000)) / 7,
    ],
    ids=lambda values: str(values.dtype),
)
def test_many_different_values_are_estimated_whatever_their_type_and_order(values):
    frame = pl.DataFrame({"c": values})
    for few in (frame.head(5_000), frame.head(KEPT)):
        found = profiled(pl.concat([few, few, few]), LOOK, batch=1_000, sample=20_000)
        assert found.by_name["c"].metrics["n_unique"] == few.height
    many = pl.concat([frame.head(30_000), frame, frame.reverse(), pl.DataFrame({"c": [None]}, schema=frame.schema)])
    found = profiled(many, LOOK, batch=40_000, sample=20_000).by_name["c"].metrics
    assert found["n_unique"] == pytest.approx(60_000, rel=0.04)


def test_the_same_rows_are_drawn_wherever_they_come_in_the_order_of_arrival():
    rows = pl.DataFrame({"n": range(5_000)}).with_columns(
        pl.lit(NOW).alias(PROVENANCE[0]), pl.lit("a.csv").alias(SOURCE_FILE), pl.col("n").alias(SOURCE_LINE)
    )
    one, other = (
        profiled(frame, LOOK, batch=700, sample=1_000).by_name["n"].metrics["p50"] for frame in (rows, rows.reverse())
    )
    assert one == other
    assert one == pytest.approx(2_500, abs=250)


@pytest.mark.parametrize("line", [7, None])
def test_a_sample_is_one_even_of_many_rows_that_come_from_one_line_or_from_none(line):
    rows = pl.DataFrame({"n": range(5_000)}).with_columns(
        pl.lit(NOW).alias(PROVENANCE[0]),
        pl.lit("a.csv").alias(SOURCE_FILE),
        pl.lit(line, dtype=pl.Int64).alias(SOURCE_LINE),
    )
    found = profiled(rows, LOOK, batch=700, sample=1_000)
    assert found.sampled == 1_000
    assert found.by_name["n"].metrics["p50"] == pytest.approx(2_500, abs=250)


def test_rows_that_are_all_the_same_are_sampled_as_many():
    rows = pl.DataFrame({"n": [1] * 5_000}).with_columns(
        pl.lit(NOW).alias(PROVENANCE[0]), pl.lit("a.csv").alias(SOURCE_FILE), pl.lit(7).alias(SOURCE_LINE)
    )
    assert profiled(rows, LOOK, batch=700, sample=1_000).sampled == 1_000


def test_a_sample_has_fewer_rows_where_there_are_many_columns():
    assert sample_size(1) == 131_072
    assert sample_size(100) == 20_000
    assert sample_size(100_000) == 1_000


def test_repeated_keys_are_counted_exactly_where_few_differ_and_nearly_where_many_do():
    frame = pl.DataFrame({"a": [1, 1, 2, 3], "b": [1, 1, 1, None]})
    assert profiled(frame, LOOK, key=("a", "b")).metrics["duplicate_rate"] == 0.25
    many = pl.DataFrame({"k": [i // 2 if i < 10_000 else i for i in range(40_000)]})
    found = profiled(many, LOOK, key=("k",), sample=4_000).metrics["duplicate_rate"]
    assert found == pytest.approx(5_000 / 40_000, abs=0.02)
    unique = pl.DataFrame({"k": list(range(40_000))})
    assert profiled(unique, LOOK, key=("k",), sample=4_000).metrics["duplicate_rate"] == 0.0
    one = pl.DataFrame({"k": [7] * 40_000})
    assert profiled(one, LOOK, key=("k",), sample=4_000).metrics["duplicate_rate"] == 1 - 1 / 40_000


def test_ranges_that_are_known_are_taken_and_not_computed_again():
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None]})
    watch = Watch(frame.schema)
    watch.see(frame, {"a": (-5, 9)})
    found = profile(watch, LOOK).by_name
    assert (found["a"].low, found["a"].high, found["a"].metrics["mean"]) == ("-5", "9", 2.0)
    assert (found["b"].low, found["b"].high) == ("x", "y")


def test_columns_that_are_not_looked_at_have_what_files_know():
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None], "c": [1, 1, 1]})
    found = profiled(frame, Look(NOW, facts={"b": Facts(1, "x", "y")}), columns=("a",))
    assert [one.name for one in found.columns] == ["a", "b"]
    assert found.by_name["b"].metrics == {"null_rate": 1 / 3}
    assert (found.by_name["b"].low, found.by_name["b"].high) == ("x", "y")
    assert profiled(frame, LOOK, columns=()).columns == ()


def test_a_plan_is_shown_to_a_watch_as_a_frame_is():
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None]})
    assert profile(show(frame.lazy(), Watch(frame.schema)), LOOK) == profiled(frame, LOOK)


def test_what_goes_wrong_at_a_look_is_raised_when_its_result_is_asked_for():
    watch = Watch(pl.Schema({"a": pl.Int64}))
    watch.see(pl.DataFrame({"other": [1]}))
    watch.see(pl.DataFrame({"a": [1]}))
    with pytest.raises(KeyError):
        watch.seen()
