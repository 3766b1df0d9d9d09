"""The marketing sample, run in one go and delivery by delivery, held row by row against its key."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from framework.core.report import RunReport, SourceReport
from framework.transforms.journeys import attribute
from pipelines.marketing.sample import generate
from tests.oracle.marketing_lake import SOURCES, MarketingHouse

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ROWS = 3000
DELIVERIES = {"at_once": [(1, 28)], "in_three": [(1, 9), (10, 20), (21, 28)]}
MODELS = ["first", "last", "linear", "time_decay", "position"]
CHANNEL_OF = {"search": "paid_search", "social": "paid_social", "display": "display"}


class Stop:
    """What there is to see after one delivery and the run on it."""

    def __init__(self, house: MarketingHouse, reports: dict[str, RunReport], before: set[str]) -> None:
        self.house, self.reports = house, reports
        self.notes, self.files = house.key("rows"), house.key("files")
        self.arrived = {file["file"] for file in self.files} - before
        self.tables = {name: house.rows(name) for name in TABLES}
        self.keys = {name: house.key(name) for name in ("sessions", "robots", "credit", "ad_days", "roi")}
        rows = house.quarantine().select("file", "line", "state").rows()
        self.states = {(file, line): state for file, line, state in rows}
        assert len(self.states) == len(rows), "a row is in the quarantine twice"

    def in_state(self, state: str) -> set[tuple[str, int]]:
        return {place for place, found in self.states.items() if found == state and place[1] is not None}

    def noted(self, *verdicts: str) -> list[dict]:
        return [note for note in self.notes if note["verdict"] in verdicts]


TABLES = [
    "events", "robots", "sessions", "journeys", "hourly", "ad_metrics", "daily_spend", "roi", "attribution",
    "channel_credit", "conversion_values",
]  # fmt: skip


@pytest.fixture(scope="module")
def journeys_of_both(tmp_path_factory) -> dict[str, list[Stop]]:
    """The stops of both ways of delivery."""
    found = {}
    for name, deliveries in DELIVERIES.items():
        house = MarketingHouse(tmp_path_factory.mktemp(name), NOW)
        stops: list[Stop] = []
        for deliver in deliveries:
            generate(house.raw, rows=ROWS, deliver=deliver)
            before = {file["file"] for stop in stops[-1:] for file in stop.files}
            stops.append(Stop(house, house.run(), before))
        found[name] = stops
    return found


@pytest.fixture(params=DELIVERIES)
def stops(request, journeys_of_both) -> list[Stop]:
    return journeys_of_both[request.param]


def amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# --- what comes in ------------------------------------------------------------------------------------------


def test_every_row_that_the_key_calls_bad_is_open_and_no_other_row_is(stops):
    for stop in stops:
        assert stop.in_state("open") == {(note["file"], note["line"]) for note in stop.noted("quarantined")}


def test_a_row_waits_exactly_as_long_as_its_currency_has_no_rate(stops):
    for stop in stops:
        known = {file["file"] for file in stop.files}
        waiting = {(n["file"], n["line"]) for n in stop.noted("waiting") if n.get("known_from") not in known}
        assert stop.in_state("waiting") == waiting
    assert len(stops) == 1 or any(note["kind"] == "late_currency" for note in stops[0].noted("waiting"))
    assert len(stops) == 1 or stops[1].in_state("released")


def test_exactly_the_files_that_the_key_rejects_are_quarantined_as_files(stops):
    for stop in stops:
        rejected = {file["file"] for file in stop.files if file["verdict"] == "rejected"}
        assert {file for file, line in stop.states if line is None} == rejected


def test_every_row_that_came_in_is_accepted_quarantined_or_dropped_in_every_source_and_run(stops):
    for stop in stops:
        arrived: Counter[str] = Counter()
        for file in stop.files:
            if file["file"] in stop.arrived and file["verdict"] == "ok":
                arrived[file["source"]] += file["rows"]
        came: Counter[str] = Counter()
        for pipeline, folder in SOURCES.items():
            for source in stop.reports[f"marketing.{pipeline}"].sources.values():
                came[folder] += read_anew(source, stop, folder)
                assert source.rows_in == source.accepted + source.quarantined + sum(source.dropped.values())
        assert came == arrived


def read_anew(source: SourceReport, stop: Stop, folder: str) -> int:
    """The rows of files that are new: where the taxonomy has changed, the click-stream is read again as a whole."""
    old = sum(f["rows"] or 0 for f in stop.files if f["source"] == folder and f["file"] not in stop.arrived)
    is_again = folder == "marketing/clicks" and stop.reports["marketing.events"].mode == "full"
    return source.rows_in - (old if is_again else 0)


def test_no_event_that_is_good_gets_lost_whoever_caused_it(stops):
    for stop in stops:
        rows = sum(file["rows"] for file in stop.files if file["source"].endswith("clicks") and file["rows"])
        notes = [note for note in stop.noted("quarantined", "duplicate") if note["source"].endswith("clicks")]
        assert len(stop.tables["events"]) == rows - len(notes)
        assert any(event["is_internal"] for event in stop.tables["events"])
        assert any(event["is_bot_agent"] for event in stop.tables["events"])


def test_an_address_that_cannot_be_read_is_neither_inside_nor_outside_and_in_no_country(stops):
    unreadable = {note["key"] for note in stops[-1].notes if note["kind"] == "ip_unreadable"}
    found = {e["event_id"]: (e["is_internal"], e["country"]) for e in stops[-1].tables["events"]}
    assert {found[event] for event in unreadable} == {(None, None)}


# --- what is made of it -------------------------------------------------------------------------------------


def test_robots_are_those_of_the_key(stops):
    for stop in stops:
        expected = {entry["user_id"]: entry["kind"] for entry in stop.keys["robots"]}
        assert {r["user_id"]: "agent" if r["has_bot_agent"] else "burst" for r in stop.tables["robots"]} == expected
    assert set(expected.values()) == {"agent", "burst"}


def test_sessions_are_those_of_the_key(stops):
    for stop in stops:
        expected = [(s["user_id"], s["started_at"], s["ended_at"], s["events"]) for s in stop.keys["sessions"]]
        found = [
            (s["user_id"], str(s["session_start"]), str(s["session_end"]), s["events"]) for s in stop.tables["sessions"]
        ]
        assert sorted(found) == sorted(expected)
        assert all(s["is_bounce"] == (s["events"] == 1) for s in stop.tables["sessions"])


def test_hours_count_what_people_saw_and_clicked(stops):
    for stop in stops:
        robots = {robot["user_id"] for robot in stop.tables["robots"]}
        expected: Counter[tuple] = Counter()
        for event in stop.tables["events"]:
            if event["user_id"] not in robots and not event["is_internal"] and event["type"] != "page_view":
                hour = event["occurred_at"].replace(minute=0, second=0, microsecond=0)
                expected[event["day"], hour, event["channel"], event["campaign_id"], event["type"]] += 1
        found: Counter[tuple] = Counter()
        for row in stop.tables["hourly"]:
            place = (row["day"], row["hour_start"], row["channel"], row["campaign_id"])
            found.update({(*place, "impression"): row["impressions"], (*place, "click"): row["clicks"]})
        assert +found == expected
    hours = {row["hour_start"] for row in stop.tables["hourly"] if row["day"] == date(2024, 3, 31)}
    assert len(hours) <= 23


def test_the_day_on_which_clocks_are_put_forward_has_twenty_three_hours(stops):
    events = [e["occurred_at"] for e in stops[-1].tables["events"] if e["day"] == date(2024, 3, 31)]
    assert datetime(2024, 3, 30, 23, tzinfo=UTC) <= min(events)
    assert max(events) < datetime(2024, 3, 31, 22, tzinfo=UTC)


def test_every_model_credits_the_planned_visitors_as_worked_out_by_hand(stops):
    for stop in stops:
        touches = pl.LazyFrame(stop.tables["journeys"], schema_overrides={"value_eur": pl.Decimal(18, 2)})
        options = {"value": "value_eur", "conversion": "conversion_id", "half_life": "7d"}
        rows = touches.pipe(attribute, model=MODELS, into="credit", **options).collect().to_dicts()
        found = {
            (r["conversion_id"], r["model"], r["position"]): (r["channel"], r["campaign_id"], r["credit"])
            for r in rows
            if r["conversion_id"].startswith("C9")
        }
        expected = {
            (e["conversion_id"], e["model"], e["position"]): (
                e["channel"] or "(none)",
                e["campaign_id"],
                Decimal(e["credit"]),
            )
            for e in stop.keys["credit"]
        }
        assert found == expected
    assert len({conversion for conversion, _, _ in expected}) == 8


def test_every_model_credits_all_that_the_conversions_are_worth_and_no_more(stops):
    for stop in stops:
        worth: Counter = Counter()
        for conversion in stop.tables["conversion_values"]:
            worth[conversion["day"]] += conversion["value_eur"]
        for model in MODELS:
            given: Counter = Counter()
            for row in stop.tables["attribution"]:
                given[row["day"]] += row["credit_eur"] if row["model"] == model else 0
            assert given == worth, model
        for model in ("shapley", "markov"):
            rows = [row["credit_eur"] for row in stop.tables["channel_credit"] if row["model"] == model]
            assert sum(rows) == worth.total()


def test_ad_metrics_have_every_day_and_mark_what_was_only_known_earlier(stops):
    for stop in stops:
        expected = {
            (e["platform"], e["campaign_id"], e["day"]): (
                e["impressions"],
                e["clicks"],
                amount(e["spend_eur"]),
                e["is_fallback"],
            )
            for e in stop.keys["ad_days"]
        }
        found = {
            (r["platform"], r["campaign_id"], str(r["day"])): (
                r["impressions"],
                r["clicks"],
                r["spend_eur"],
                r["is_fallback"],
            )
            for r in stop.tables["ad_metrics"]
        }
        assert found == expected
    fallbacks = Counter(platform for (platform, _, _), row in expected.items() if row[3])
    assert set(fallbacks) == {"social", "display"}
    assert any(row[2] is None for row in expected.values())


def test_daily_spend_sums_up_the_days_of_the_key(stops):
    for stop in stops:
        expected: dict = defaultdict(lambda: [Decimal(0), 0, 0, 0])
        for entry in stop.keys["ad_days"]:
            sums = expected[CHANNEL_OF[entry["platform"]], entry["day"]]
            sums[0] += amount(entry["spend_eur"]) or 0
            sums[1] += 1
            sums[2] += entry["is_fallback"]
            sums[3] += entry["spend_eur"] is None
        assert {
            (r["channel"], str(r["day"])): [r["spend_eur"], r["campaigns"], r["fallbacks"], r["unknown"]]
            for r in stop.tables["daily_spend"]
        } == expected


def test_return_on_investment_is_that_of_the_key(stops):
    for stop in stops:
        found = {(r["level"], r["channel"], r["campaign_id"], str(r["day"])): r for r in stop.tables["roi"]}
        expected = {(e["level"], e["channel"], e["campaign_id"], e["day"]): e for e in stop.keys["roi"]}
        assert found.keys() == expected.keys()
        for key, entry in expected.items():
            for days in (7, 28):
                row = found[key]
                assert row[f"spend_eur_{days}d"] == Decimal(entry[f"spend_{days}d"]), key
                assert row[f"revenue_eur_{days}d"] == Decimal(entry[f"revenue_{days}d"]), key
                assert row[f"roi_{days}d"] == pytest.approx(entry[f"roi_{days}d"]), key


def test_the_file_for_bi_tools_holds_the_table(stops):
    for stop in stops[-1:]:
        document = json.loads((stop.house.lake / "_exports/marketing/roi.json").read_text("utf-8"))
        assert document["table"] == "marketing/roi"
        found = [(r["level"], r["channel"], r["campaign_id"], r["day"], r["roi_7d"]) for r in document["records"]]
        rows = [(r["level"], r["channel"], r["campaign_id"], str(r["day"]), r["roi_7d"]) for r in stop.tables["roi"]]
        assert sorted(found, key=str) == sorted(rows, key=str)


# --- however it comes in ------------------------------------------------------------------------------------


def test_three_deliveries_end_in_the_tables_of_one_and_a_rebuild_changes_no_row(journeys_of_both):
    once, thrice = (journeys_of_both[name][-1].house for name in ("at_once", "in_three"))
    expected = once.everything_sorted()
    assert thrice.everything_sorted() == expected
    thrice.run(full=True)
    assert thrice.everything_sorted() == expected


def test_a_run_without_news_writes_nothing(journeys_of_both):
    house = journeys_of_both["at_once"][-1].house
    before = house.everything()
    assert {report.state for report in house.run().values()} == {"UNCHANGED"}
    assert house.everything() == before
