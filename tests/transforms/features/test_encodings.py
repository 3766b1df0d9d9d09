"""Encodings: held against a slow definition; learned from training rows only, and never from a row's own target."""

from decimal import Decimal
from functools import partial
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.features import encode, encode_out_of_fold, fit_frequency_encoding, fit_target_encoding
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere
from tests.transforms.oracle import features_learned as slow

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"id": pl.String, "city": pl.String, "size": pl.Int32, "bought": pl.Boolean, "spend": pl.Float64}
TABLE = {"feature": pl.String, "value": pl.String, "is_prior": pl.Boolean, "encoding": pl.Float64, "rows": pl.Int64}


def population(seed: int) -> list[dict]:
    """Up to 80 rows of some dozen categories, among them null, a text that looks like another's number, and NaN."""
    chance = Random(seed)
    return [
        {
            "id": chance.choice([None, *(f"u{i}" for i in range(40))]),
            "city": chance.choice([None, "", "1", *(f"c{i}" for i in range(9))]),
            "size": chance.choice([None, 1, 2, 3]),
            "bought": chance.choice([None, True, False, False]),
            "spend": chance.choice([None, float("nan"), 0.0, 1.5, -2.0, 9.0]),
        }
        for _ in range(chance.randrange(81))
    ]


ROWS = st.integers(0, 2**32).map(population)
SMOOTHING = st.sampled_from([0, 1, 10.0])
FIT = partial(fit_target_encoding, columns=["city", "size"], target="bought")
OUT_OF_FOLD = partial(encode_out_of_fold, columns=["city", "size"], target="bought", key="id")


def frame(rows: list[dict]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA)


TRAINING = frame(population(3)).collect()
LEARNED = TRAINING.lazy().pipe(FIT).collect()


def by_category(learned: pl.DataFrame, feature: str) -> tuple[dict, float | None]:
    of_feature = learned.filter(pl.col("feature") == feature)
    prior = of_feature.filter("is_prior")["encoding"].item()
    known = of_feature.filter(~pl.col("is_prior"))
    assert known["value"].is_unique().all()
    return dict(known.select("value", "encoding").iter_rows()), prior


@given(ROWS, SMOOTHING, st.sampled_from(["bought", "spend", "size"]))
def test_a_category_holds_the_mean_of_its_targets_drawn_towards_that_of_all(rows, smoothing, target):
    fit = partial(fit_target_encoding, columns=["city", "size"], target=target, smoothing=smoothing)
    learned = frame(rows).pipe(fit).collect()
    assert learned.schema == TABLE
    for feature in ("city", "size"):
        pairs = [(row[feature], row[target]) for row in rows]
        expected, prior = slow.target_encoding(pairs, smoothing)
        assert by_category(learned, feature) == (pytest.approx(expected), pytest.approx(prior))
        counts = dict(
            learned.filter(pl.col("feature") == feature, ~pl.col("is_prior")).select("value", "rows").iter_rows()
        )
        known = [slow.text(value) for value, target in pairs if slow.teaches(target)]
        assert counts == {value: known.count(value) for value in known}


@given(ROWS)
def test_a_frequency_is_the_share_of_the_rows(rows):
    learned = frame(rows).pipe(fit_frequency_encoding, ["city", "bought"]).collect()
    assert learned.schema == TABLE
    for feature in ("city", "bought"):
        expected = slow.frequency_encoding([row[feature] for row in rows])
        assert by_category(learned, feature) == (pytest.approx(expected), 0.0)


@given(ROWS, ROWS)
def test_rows_get_what_was_learned_of_their_category_and_the_prior_otherwise(training, rows):
    learned = frame(training).pipe(FIT)
    found = frame(rows).pipe(encode, learned, ["city", "size"], suffix="_te").collect()
    assert_frame_equal(found.select(list(SCHEMA)), frame(rows).collect())
    for feature in ("city", "size"):
        known, prior = slow.target_encoding([(row[feature], row["bought"]) for row in training], 10)
        expected = [known.get(slow.text(row[feature]), prior) for row in rows]
        assert found[f"{feature}_te"].to_list() == pytest.approx(expected)


@given(ROWS, SMOOTHING, st.integers(2, 6))
def test_training_rows_get_what_the_other_folds_teach(rows, smoothing, folds):
    found = frame(rows).pipe(OUT_OF_FOLD, smoothing=smoothing, folds=folds).collect()
    assert_frame_equal(found.select(list(SCHEMA)), frame(rows).collect())
    for feature in ("city", "size"):
        expected = slow.out_of_fold([(row["id"], row[feature], row["bought"]) for row in rows], smoothing, folds)
        assert found[f"{feature}_encoded"].to_list() == pytest.approx(expected)


@given(ROWS, st.integers(0, 80), st.sampled_from(["bought", "spend"]))
def test_no_target_of_a_key_enters_the_encodings_of_its_own_rows(rows, number, target):
    fit = partial(encode_out_of_fold, columns="city", target=target, key="id")
    ids = [row["id"] for row in rows] or [None]
    mine = ids[number % len(ids)]
    other = {"bought": True, "spend": 1e9}[target]
    leak = [row | {target: other} if row["id"] == mine else row for row in rows]
    own = pl.col("id").eq_missing(mine)
    before, after = (frame(given).pipe(fit).filter(own).select("city_encoded").collect() for given in (rows, leak))
    assert_frame_equal(before, after)


def test_encode_alone_does_leak_a_training_rows_own_target():
    """Why there is an encoding out of folds: a target that is pure chance is read off its own encoding."""
    chance = Random(7)
    rows = pl.LazyFrame([{"id": n, "city": f"c{n % 400}", "y": chance.choice([0, 1])} for n in range(800)])
    leaking = rows.pipe(encode, rows.pipe(fit_target_encoding, "city", target="y", smoothing=1), "city")
    honest = rows.pipe(encode_out_of_fold, "city", target="y", key="id", smoothing=1)
    told, guessed = (plan.select(pl.corr("city_encoded", "y")).collect().item() for plan in (leaking, honest))
    assert told > 0.6
    assert abs(guessed) < 0.15


def test_encodings_can_be_stored_and_applied_to_other_widths_and_kinds_of_the_same_category(tmp_path):
    LEARNED.write_parquet(tmp_path / "encodings.parquet")
    stored = pl.scan_parquet(tmp_path / "encodings.parquet")
    kinds = TRAINING.with_columns(pl.col("city").cast(pl.Categorical), pl.col("size").cast(pl.UInt8))
    found, expected = (rows.lazy().pipe(encode, stored, ["city", "size"]).collect() for rows in (kinds, TRAINING))
    assert_frame_equal(found.select("city_encoded", "size_encoded"), expected.select("city_encoded", "size_encoded"))


def test_without_training_rows_everything_is_unknown():
    learned = frame([]).pipe(FIT)
    assert learned.collect().select("is_prior", "encoding", "rows").rows() == [(True, None, 0)] * 2
    assert TRAINING.lazy().pipe(encode, learned, "city").collect()["city_encoded"].null_count() == TRAINING.height
    assert frame([]).pipe(encode, LEARNED.lazy(), "city").collect().height == 0
    assert frame([]).pipe(OUT_OF_FOLD).collect().height == 0


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pl.concat([LEARNED, LEARNED]), "expected a single value, got 2 values"),
        (LEARNED.filter(pl.col("feature") == "size"), "expected a single value, got none"),
    ],
)
def test_a_table_with_a_category_twice_or_a_feature_missing_fails_the_run(table, words, engine):
    with pytest.raises(pl.exceptions.ComputeError, match=words):
        TRAINING.lazy().pipe(encode, table.lazy(), "city").collect(engine=engine)


def test_decimal_targets_are_averaged():
    rows = pl.LazyFrame({"city": ["a", "a"], "paid": [Decimal("1.10"), Decimal("2.20")]})
    learned = rows.pipe(fit_target_encoding, "city", target="paid").collect()
    assert learned["encoding"].to_list() == pytest.approx([1.65, 1.65])


@pytest.mark.parametrize(
    "transform",
    [
        FIT,
        partial(fit_frequency_encoding, columns=["city", "size"]),
        partial(encode, encodings=LEARNED.lazy(), columns=["city", "size"]),
        OUT_OF_FOLD,
    ],
    ids=["target", "frequency", "encode", "out of fold"],
)
def test_they_are_lazy_stream_and_are_the_same_on_every_engine(transform):
    assert_lazy(lambda rows: rows.pipe(transform), SCHEMA)
    assert fallbacks(TRAINING.lazy().pipe(transform)) == []
    keys = (
        ["feature", "value", "is_prior"] if "rows" in TRAINING.lazy().pipe(transform).collect_schema() else list(SCHEMA)
    )
    same_everywhere(lambda rows: rows.pipe(transform), TRAINING, sort_by=keys)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(fit_target_encoding, columns="x", target="bought"),
            "fit_target_encoding: column 'x' is Float64, expected text, integers or booleans; bucketize numbers first",
        ),
        (
            partial(fit_target_encoding, columns="city", target="id"),
            "fit_target_encoding: column 'id' is String, expected numbers or booleans",
        ),
        (
            partial(fit_target_encoding, columns="city", target="bought", smoothing=-1),
            "fit_target_encoding: smoothing=-1 must be 0 or above: as how many rows the mean counts",
        ),
        (
            partial(fit_frequency_encoding, columns=[]),
            "fit_frequency_encoding: columns is empty, expected one column or several",
        ),
        (
            partial(encode, encodings=LEARNED.lazy().drop("value"), columns="city"),
            "encode, encodings: there is no column 'value' (known: encoding, feature, is_prior, rows)",
        ),
        (
            partial(encode, encodings=LEARNED.lazy().cast({"rows": pl.Int32}), columns="city"),
            "encode, encodings: column 'rows' is Int32, expected Int64",
        ),
        (
            partial(encode, encodings=LEARNED.lazy(), columns="city", suffix=""),
            "encode: adds the column city, which is there already; rename or drop it",
        ),
        (partial(OUT_OF_FOLD, folds=1), "encode_out_of_fold: folds=1 must be from 2 to 50"),
        (partial(OUT_OF_FOLD, key=()), "encode_out_of_fold: key is empty, expected one column or several"),
    ],
)
def test_what_cannot_be_learned_is_said_when_the_plan_is_built(call, message):
    with pytest.raises(TransformError) as caught:
        TRAINING.lazy().rename({"spend": "x"}).pipe(call)
    assert str(caught.value) == message
