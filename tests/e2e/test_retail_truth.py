"""The retail sample, run in one go and delivery by delivery, held row by row against its key and against the oracle."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from framework.core.report import RunReport, SourceReport
from pipelines.retail.sample import generate
from tests.oracle.lake import House, assert_true
from tests.oracle.truth import Truth, find_truth

pytestmark = pytest.mark.drawn(2, by="stops")

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOURCES = ("sales", "products", "customers", "inventory", "campaigns")
DELIVERIES = {"at_once": [(1, 28)], "in_three": [(1, 10), (11, 21), (22, 28)]}
ROWS = 4000


@dataclass(frozen=True)
class Stop:
    """What there is to see after one delivery and the run on it."""

    files: list[dict]
    notes: list[dict]
    truth: Truth
    arrived: set[str]
    reports: dict[str, RunReport]
    states: dict[tuple[str, str, int | None], str]
    sales: int

    def of_this_run(self, source: str) -> list[dict]:
        """The files of the key that came with this delivery."""
        return [file for file in self.files if file["source"] == source and file["file"] in self.arrived]

    def report(self, source: str) -> SourceReport:
        """What the run says of a source."""
        return self.reports[f"retail.{source}"].sources[source]

    def is_known(self, note: dict) -> bool:
        """Whether the product a row waits for has been delivered by now."""
        return note["known_from"] in {file["file"] for file in self.files}


def read_key(house: House, name: str) -> list[dict]:
    return [json.loads(line) for line in (house.raw / "_truth" / name).read_text("utf-8").splitlines()]


def look(house: House, reports: dict[str, RunReport], before: set[str]) -> Stop:
    states = house.quarantine().select("source", "file", "line", "state").rows()
    files = read_key(house, "files.ndjson")
    assert len({row[:3] for row in states}) == len(states), "a row is in the quarantine twice"
    assert_true(house, truth := find_truth(house.raw, house.now))
    return Stop(
        files=files,
        notes=read_key(house, "rows.ndjson"),
        truth=truth,
        arrived={file["file"] for file in files} - before,
        reports=reports,
        states={(source, file, line): state for source, file, line, state in states},
        sales=len(house.table("retail/sales")),
    )


@pytest.fixture(scope="module", params=["at_once", "in_three"])
def stops(request, tmp_path_factory) -> list[Stop]:
    """The stops of one way of delivery; at each of them the nine tables equal the oracle's."""
    house = House(tmp_path_factory.mktemp("retail"), NOW)
    found: list[Stop] = []
    for deliver in DELIVERIES[request.param]:
        generate(house.raw, rows=ROWS, deliver=deliver)
        before = {file["file"] for file in found[-1].files} if found else set()
        found.append(look(house, house.run(), before))
    return found


def test_every_row_that_the_key_calls_bad_is_open_and_no_other_row_is(stops):
    for stop in stops:
        expected = {(n["source"], n["file"], n["line"]) for n in stop.notes if n["verdict"] == "quarantined"}
        assert {row for row, state in stop.states.items() if state == "open" and row[2]} == expected


def test_a_row_waits_exactly_as_long_as_no_file_has_brought_its_product(stops):
    first_seen: dict[str, int] = {}
    for number, stop in enumerate(stops):
        first_seen |= dict.fromkeys(stop.arrived, number)
        expected = {}
        for note in (n for n in stop.notes if n["verdict"] == "waiting"):
            if not stop.is_known(note):
                expected[note["source"], note["file"], note["line"]] = "waiting"
            elif first_seen[note["known_from"]] > first_seen[note["file"]]:
                expected[note["source"], note["file"], note["line"]] = "released"
        assert {row: state for row, state in stop.states.items() if state in {"waiting", "released"}} == expected
    assert "waiting" in expected.values()
    assert len(stops) == 1 or "released" in expected.values()


def test_exactly_the_files_that_the_key_rejects_are_quarantined_as_files(stops):
    for stop in stops:
        rejected = {(file["source"], file["file"]) for file in stop.files if file["verdict"] == "rejected"}
        assert {row[:2]: state for row, state in stop.states.items() if row[2] is None} == dict.fromkeys(
            rejected, "open"
        )
        for source in SOURCES:
            mine = stop.of_this_run(source)
            report = stop.report(source)
            assert report.files == len(mine)
            assert report.files_rejected == sum(file["verdict"] == "rejected" for file in mine)


def test_every_row_that_came_in_is_accepted_quarantined_or_dropped_in_every_source_and_run(stops):
    for stop in stops:
        for source in SOURCES:
            report = stop.report(source)
            assert report.rows_in == sum(f["rows"] for f in stop.of_this_run(source) if f["verdict"] == "ok")
            assert report.rows_in == report.accepted + report.quarantined + sum(report.dropped.values())


def test_the_run_counts_as_many_quarantined_rows_as_the_key_has_in_its_files(stops):
    for stop in stops:
        for source in SOURCES:
            refused = [
                note
                for note in stop.notes
                if note["source"] == source and note["file"] in stop.arrived
                if note["verdict"] == "quarantined" or (note["verdict"] == "waiting" and not stop.is_known(note))
            ]
            assert stop.report(source).quarantined == len(refused)


def test_duplicates_are_dropped_as_often_as_the_key_says(stops):
    for stop in stops:
        duplicates = [n for n in stop.notes if n["verdict"] == "duplicate" and n["file"] in stop.arrived]
        assert stop.report("sales").dropped["duplicate"] == len(duplicates) > 0


def test_every_row_taken_up_from_waiting_is_counted_as_released(stops):
    released = [sum(state == "released" for state in stop.states.values()) for stop in stops]
    assert [stop.report("sales").released for stop in stops] == [
        now - before for before, now in zip([0, *released], released, strict=False)
    ]


def test_accepted_and_released_rows_are_the_new_rows_of_the_table_and_the_updates_of_old_ones(stops):
    before, seen = 0, set()
    for stop in stops:
        report = stop.report("sales")
        updates = [n for n in stop.notes if n["verdict"] == "updated" and n["file"] in stop.arrived]
        of_old_rows = [n for n in updates if n["key"] in seen]
        assert report.accepted + report.released == stop.sales - before + len(of_old_rows)
        assert report.dropped.get("superseded", 0) == len(updates) - len(of_old_rows)
        before = stop.sales
        seen |= {key for (key,) in stop.truth.tables["retail/sales"]}


def test_four_weeks_hold_every_verdict(stops):
    found = Counter(note["verdict"] for note in stops[-1].notes)
    assert found.keys() == {"quarantined", "waiting", "duplicate", "updated", "late"}


def test_a_rebuild_of_a_lake_that_grew_day_by_day_changes_no_row(tmp_path):
    house = House(tmp_path, NOW)
    for day in range(1, 9):
        generate(house.raw, days=8, rows=800, deliver=(day, day))
        house.run()
    truth = find_truth(house.raw, NOW)
    assert_true(house, truth)
    house.run(full=True)
    assert_true(house, truth)
