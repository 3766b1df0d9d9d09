"""Tables as sources: how old they may be, and what becomes of a pipeline when the writer of one fails."""

from datetime import UTC, datetime, timedelta

import pandera.polars as pa
import pytest

from framework import Pipeline, csv_files, delta_table, table
from framework.core.events import listening
from framework.definition.selection import upstream_of
from framework.errors import DefinitionError, SourceError
from framework.run.flow import run_in
from framework.run.news import find_news
from framework.run.position import Position
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Rate(pa.DataFrameModel):
    currency: str
    rate: float


RATES = Pipeline(
    "t.rates",
    sources={"rates": csv_files("*.csv", schema=Rate)},
    outputs=[table("t/rates", of="rates", mode="merge", key="currency")],
)


def reader(**options) -> Pipeline:
    source = delta_table("t/rates", schema=Rate, **options)
    return Pipeline("t.reader", sources={"rates": source}, outputs=[table("t/copy", of="rates")])


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.csv").write_text("currency,rate\nUSD,0.9\n")
    made = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    run_in(RATES, made, RunRequest())
    return made


def days_later(space: Workspace, days: float) -> Workspace:
    return Workspace(space.raw, space.lake, now=datetime.now(UTC) + timedelta(days=days))


def test_a_table_within_its_age_is_read_without_a_word(space):
    told = []
    with listening(told.append):
        run_in(reader(max_age=timedelta(days=7)), days_later(space, 6.9), RunRequest())
    assert "table.stale" not in {event.name for event in told}


def test_a_table_beyond_its_age_is_warned_of_and_read(space):
    told = []
    with listening(told.append):
        report = run_in(reader(max_age=timedelta(days=7)), days_later(space, 12), RunRequest())
    assert report.state == "SUCCESS"
    (warning,) = [event for event in told if event.name == "table.stale"]
    assert (warning.level, warning.message) == (
        "WARNING",
        "table 't/rates' changed last 12 days ago; at most 7 days are allowed",
    )


def test_a_table_beyond_its_age_stops_the_run_where_it_must(space):
    made = reader(max_age=timedelta(hours=12), on_stale="fail")
    with pytest.raises(SourceError) as caught:
        run_in(made, days_later(space, 1), RunRequest())
    assert str(caught.value) == (
        "table 't/rates' changed last 24.0 hours ago; at most 12.0 hours are allowed; "
        "bring it up to date, or raise max_age"
    )


def test_the_age_is_known_before_a_run(space):
    news = find_news(reader(max_age=timedelta(days=7)), days_later(space, 5), Position(0, None), RunRequest())
    assert news.ages["t/rates"].days == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_stale": "wran"}, "source 'rates': on_stale='wran' is unknown (did you mean 'warn'?)"),
        ({"if_failed": "last"}, "source 'rates': if_failed='last' is unknown"),
        ({"max_age": timedelta()}, "source 'rates': max_age=0:00:00 is no age (give a timedelta above zero)"),
    ],
)
def test_a_wrong_option_is_a_problem_of_the_definition(options, message):
    with pytest.raises(DefinitionError) as caught:
        reader(**options)
    assert message in str(caught.value)


def test_a_pipeline_depends_on_the_writers_of_those_tables_only_that_it_cannot_use_as_they_are():
    every = {"t.rates": RATES, "t.reader": reader()}
    assert upstream_of(every["t.reader"], every) == {"t.rates"}
    assert upstream_of(reader(if_failed="use_last"), every) == set()
