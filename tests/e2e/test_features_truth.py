"""The features sample, run in one go and delivery by delivery, held row by row against its key and slow loops."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pytest

from framework.core.report import RunReport, SourceReport
from pipelines.features.sample import generate
from tests.oracle.features_lake import FeatureHouse
from tests.oracle.features_reading import NOW
from tests.oracle.features_truth import SOURCES, Known, find_known, true_days, true_sessions

pytestmark = pytest.mark.drawn(2, by="stops")

DELIVERIES = {"at_once": [(1, 28)], "in_three": [(1, 17), (18, 25), (26, 28)]}
ROWS = 6000


@dataclass(frozen=True)
class Stop:
    """What there is to see after one delivery and the run on it."""

    house: FeatureHouse
    files: list[dict]
    notes: list[dict]
    arrived: set[str]
    reports: dict[str, RunReport]
    states: dict[tuple[str, str, int | None], str]
    tables: dict[str, dict]
    known: Known
    told: list[dict]
    sessions: list[dict]

    def report(self, source: str) -> SourceReport:
        """What the run says of a source."""
        return self.reports[f"features.{source}"].sources[source]


def read_key(house: FeatureHouse, name: str) -> list[dict]:
    path = house.raw / "features/_truth" / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def look(house: FeatureHouse, reports: dict[str, RunReport], before: set[str]) -> Stop:
    states = house.quarantine().select("source", "file", "line", "state").rows()
    files = read_key(house, "files.ndjson")
    assert len({row[:3] for row in states}) == len(states), "a row is in the quarantine twice"
    return Stop(
        house=house,
        files=files,
        notes=read_key(house, "rows.ndjson"),
        arrived={file["file"] for file in files} - before,
        reports=reports,
        states={(source, file, line): state for source, file, line, state in states},
        tables=house.tables(),
        known=find_known(house.raw),
        told=read_key(house, "features.ndjson"),
        sessions=read_key(house, "sessions.ndjson"),
    )


@pytest.fixture(scope="module", params=["at_once", "in_three"])
def stops(request, tmp_path_factory) -> list[Stop]:
    """The stops of one way of delivery."""
    house = FeatureHouse(tmp_path_factory.mktemp("features"), NOW)
    found: list[Stop] = []
    for deliver in DELIVERIES[request.param]:
        generate(house.raw, rows=ROWS, deliver=deliver)
        before = {file["file"] for file in found[-1].files} if found else set()
        found.append(look(house, house.run(), before))
    return found


def named(note: dict) -> tuple[str, str, int]:
    return note["source"].removeprefix("features/"), note["file"], note["line"]


# --- rows in ------------------------------------------------------------------------------------------------


def test_every_row_that_the_key_calls_bad_is_open_and_no_other_row_is(stops):
    for stop in stops:
        expected = {named(note) for note in stop.notes if note["verdict"] == "quarantined"}
        assert {row for row, state in stop.states.items() if row[2]} == expected
        assert set(stop.states.values()) == {"open"}


def test_exactly_the_files_that_the_key_rejects_are_quarantined_as_files(stops):
    for stop in stops:
        rejected = {file["file"] for file in stop.files if file["verdict"] == "rejected"}
        assert {row[1] for row in stop.states if row[2] is None} == rejected
    assert len(rejected) == 3


def test_every_row_that_came_in_is_accepted_quarantined_or_dropped_in_every_source_and_run(stops):
    for stop in stops:
        for source in SOURCES:
            report = stop.report(source)
            arrived = [f for f in stop.files if f["file"] in stop.arrived and f["source"] == f"features/{source}"]
            assert report.files == len(arrived)
            assert report.rows_in == sum(file["rows"] for file in arrived if file["verdict"] == "ok")
            assert report.rows_in == report.accepted + report.quarantined + sum(report.dropped.values())


def test_duplicates_are_dropped_as_often_as_the_key_says(stops):
    for stop in stops:
        for source in ("events", "transactions"):
            mine = [n for n in stop.notes if n["source"] == f"features/{source}" and n["file"] in stop.arrived]
            duplicates = [n for n in mine if n["verdict"] == "duplicate"]
            assert stop.report(source).dropped.get("duplicate", 0) == len(duplicates)


@pytest.mark.parametrize("source", SOURCES)
def test_a_table_holds_the_newest_good_row_of_every_key(stops, source):
    for stop in stops:
        assert stop.tables[f"features/{source}"] == stop.known.sources[source].good


# --- features -----------------------------------------------------------------------------------------------


def test_sessions_are_those_of_the_key_and_of_the_slow_loop(stops):
    for stop in stops:
        found = stop.tables["features/session_features"]
        assert found == true_sessions(stop.known)
        told = {(s["user_id"], datetime.fromisoformat(s["session_start"])): s["events"] for s in stop.sessions}
        assert {key: row["events"] for key, row in found.items()} == told


def test_every_day_of_every_user_looks_back_on_what_the_slow_loop_counts(stops):
    for stop in stops:
        users = {*stop.known.events, *stop.known.payments}
        expected = {key: row for user in users for key, row in true_days(stop.known, user).items()}
        assert stop.tables["features/user_days"] == expected


def test_the_features_of_the_key_stand_in_the_last_row_up_to_their_cut_off(stops):
    for stop in stops:
        for entry in stop.told:
            as_of = date.fromisoformat(entry["as_of"])
            days = stop.tables["features/user_days"]
            mine = [row for (user, day), row in days.items() if user == entry["user_id"] and day <= as_of]
            row = max(mine, key=lambda row: row["day"], default=None)
            if row is None:
                assert entry["last_active_day"] is None
            else:
                assert_told(row, entry)


def assert_told(row: dict, entry: dict) -> None:
    for name, value in row.items():
        if name in {"user_id", "day"}:
            continue
        if name.startswith("spend"):
            assert value == Decimal(entry[name])
        elif name == "last_active_day":
            assert str(value) == str(entry[name])
        else:
            assert (value or 0) == entry[name], name
