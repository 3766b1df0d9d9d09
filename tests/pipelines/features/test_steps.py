"""Single steps of the feature pipelines on frames of a few rows, and what all of their plans promise."""

from datetime import date, timedelta

import polars as pl
import pytest

from framework.run.compiled import contracts, empty_inputs, verify, wire
from pipelines.features import serving, value_training
from pipelines.features.featurizers import CATEGORIES, FEATURIZERS, NUMBERS
from pipelines.features.learning import count_labels
from schemas.features import Features, ServingFeatures
from tests.oracle.features_lake import features
from tests.transforms.engines import fallbacks

FIRST = date(2024, 1, 8)
PIPELINES = {pipeline.name: pipeline for pipeline in features()}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_fits_together(name):
    assert verify(PIPELINES[name]) == []


@pytest.mark.parametrize("name", PIPELINES)
def test_all_that_a_pipeline_does_streams(name):
    pipeline = PIPELINES[name]
    known = contracts(pipeline)
    defaults = {p.name: p.default for step in pipeline.steps for p in step.parameters}
    frames = wire(pipeline, empty_inputs(pipeline, known), defaults, known)
    assert [fallbacks(frames[output.of]) for output in pipeline.outputs] == [[]] * len(pipeline.outputs)


def test_both_models_and_the_serving_run_the_same_featurizers():
    for name in ("features.churn_training", "features.value_training", "features.serving"):
        functions = [step.function for step in PIPELINES[name].steps]
        assert [function for function in functions if function in FEATURIZERS] == FEATURIZERS


def test_every_feature_is_a_number_or_a_category():
    declared = set(Features.to_schema().columns) - {"user_id", "as_of"}
    assert declared == {*NUMBERS, *CATEGORIES}
    assert set(serving.VECTOR) == set(ServingFeatures.to_schema().columns) - {"user_id", "as_of", *CATEGORIES}


def examples(**parameters: object) -> dict[date, str]:
    """The split of one example a day."""
    days = [FIRST + timedelta(days=number) for number in range(6)]
    rows = {"user_id": ["US000001"] * 6, "as_of": days}
    labels = pl.LazyFrame({**rows, "spend_next_14d": [1] * 6}).with_columns(
        pl.col("spend_next_14d").cast(pl.Decimal(18, 2))
    )
    found = value_training.examples(pl.LazyFrame(rows), labels, **parameters).collect().sort("as_of")
    return dict(found.select("as_of", "split").rows())


def test_the_value_split_ends_where_the_run_says():
    found = examples(train_until=date(2024, 1, 9), validation_until=date(2024, 1, 11))
    assert list(found.values()) == ["train", "validation", "validation", "test", "test", "test"]


def test_an_embargo_sets_the_days_after_each_end_apart():
    found = examples(train_until=date(2024, 1, 9), validation_until=date(2024, 1, 11), embargo_days=1)
    assert list(found.values()) == ["train", "embargo", "validation", "embargo", "test", "test"]


def test_labels_are_counted_per_cut_off_and_null_ones_apart():
    labels = pl.LazyFrame({"as_of": [FIRST] * 3, "churned": [0, None, None]})
    assert count_labels(labels, "churned").collect().rows() == [(FIRST, 3, 2)]


def test_a_user_without_activity_is_served_and_one_without_profile_too():
    users = pl.LazyFrame({"user_id": ["US000001", "US000001", "US000002"]})
    days = pl.LazyFrame({"user_id": ["US000002", "US000003"], "last_active_day": [FIRST, None]})
    found = serving.cutoffs(users, days).collect().sort("user_id")
    assert found.rows() == [(f"US00000{number}", date(2024, 1, 9)) for number in (1, 2, 3)]


def test_without_any_activity_nobody_is_served():
    users = pl.LazyFrame({"user_id": ["US000001"]})
    days = pl.LazyFrame(schema={"user_id": pl.String, "last_active_day": pl.Date})
    assert serving.cutoffs(users, days).collect().is_empty()
