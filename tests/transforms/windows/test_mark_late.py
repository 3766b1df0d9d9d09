"""Late rows, each judged by itself."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.windows import mark_late
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

T0 = datetime(2024, 3, 30, 22, tzinfo=UTC)
SCHEMA = {"at": pl.Datetime("us", "UTC"), "loaded": pl.Datetime("us", "UTC")}
OPTIONS = {"time": "at", "arrived": "loaded"}
HOURS = st.none() | st.integers(-30, 30)


def frame(rows) -> pl.DataFrame:
    moments = [[None if h is None else T0 + timedelta(hours=h) for h in row] for row in rows]
    return pl.DataFrame(moments, schema=SCHEMA, orient="row")


@given(st.lists(st.tuples(HOURS, HOURS), min_size=40, max_size=100), st.integers(1, 20))
def test_a_row_is_late_when_it_came_more_than_allowed_after_its_time(rows, allowed):
    late = same_everywhere(lambda r: r.pipe(mark_late, **OPTIONS, allowed=f"{allowed}h"), frame(rows))
    expected = [None if None in row else row[1] - row[0] > allowed for row in rows]
    assert sorted(late["is_late"].to_list(), key=str) == sorted(expected, key=str)
    in_order = frame(rows).lazy().pipe(mark_late, **OPTIONS, allowed=f"{allowed}h").collect()
    assert in_order["is_late"].to_list() == expected


def test_times_of_other_zones_and_units_are_compared_as_moments():
    rows = frame([(0, 24), (0, 25)]).lazy().with_columns(
        pl.col("loaded").dt.convert_time_zone("Europe/Berlin").dt.cast_time_unit("ms"),
        pl.col("at").dt.cast_time_unit("ns"),
    )  # fmt: skip
    assert rows.pipe(mark_late, **OPTIONS, allowed="1d").collect()["is_late"].to_list() == [False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arrived": "load"}, "there is no column 'load' (did you mean 'loaded'?)"),
        ({"into": "at"}, "adds the column at, which is there already; rename or drop it"),
        ({"allowed": timedelta(-1)}, "allowed=datetime.timedelta(days=-1) must be above zero"),
        ({"time": "n"}, "column 'n' is Int64, expected Datetime (read text with str.to_datetime and its format)"),
        (
            {"time": "naive"},
            "column 'naive' has no zone and the other has; say which zone its times are in with dt.replace_time_zone",
        ),
    ],
)
def test_what_cannot_be_done_is_said_when_the_plan_is_built(options, message):
    rows = frame([]).lazy().with_columns(naive=pl.col("at").dt.replace_time_zone(None), n=pl.lit(0, dtype=pl.Int64))
    with pytest.raises(TransformError) as caught:
        mark_late(rows, **{**OPTIONS, "allowed": "1d", **options})
    assert str(caught.value) == f"mark_late: {message}"


def test_it_is_lazy_and_streams():
    def transform(rows):
        return rows.pipe(mark_late, **OPTIONS, allowed="1d")

    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(frame([]).lazy())) == []
