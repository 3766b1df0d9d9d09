"""The generated sample against its own key, judged by rules written here a second time."""

import csv
import gzip
import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.marketing.sample import generate

pytestmark = pytest.mark.drawn(2)

ROOT = Path(__file__).parents[3]
NOW = datetime(2030, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KEY_FILES = 8
ROW_KINDS = {
    "search_ads": {
        "cost_negative", "clicks_exceed_impressions", "date_unparsable", "campaign_id_missing", "currency_unknown",
        "impressions_not_a_number", "too_few_fields", "restated", "first_report",
    },
    "social_ads": {
        "spend_negative", "clicks_exceed_impressions", "date_unparsable", "campaign_missing", "spend_missing",
        "currency_unknown", "insights_no_object",
    },
    "display_ads": {
        "cost_negative", "clicks_exceed_impressions", "day_missing", "line_item_missing", "currency_unknown",
        "impressions_negative",
    },
    "clicks": {
        "ts_unparsable", "ts_future", "event_id_missing", "event_id_malformed", "user_id_missing", "type_unknown",
        "line_corrupt", "duplicate_same_file", "duplicate_resent", "late", "ip_unreadable",
    },
    "conversions": {
        "currency_malformed", "value_decimal_comma", "purchase_negative", "refund_positive",
        "converted_at_unparsable", "conversion_id_missing", "user_id_missing", "type_unknown", "too_many_fields",
        "too_few_fields", "currency_unknown", "late_currency", "duplicate_resent", "value_corrected",
        "local_time_left_out",
    },
    "reference": {
        "rate_not_positive", "rate_not_a_number", "valid_from_unparsable", "currency_malformed", "corrected",
        "channel_missing", "channel_unknown", "country_malformed", "address_malformed",
    },
}  # fmt: skip
FILE_KINDS = {
    "search_ads": {"wrong_header"},
    "social_ads": {"truncated_json"},
    "display_ads": {"truncated_parquet"},
    "clicks": {"truncated_gzip"},
    "conversions": {"wrong_header", "empty"},
    "reference": {"wrong_header"},
}
CURRENCIES = {"EUR", "USD", "GBP", "CHF", "PLN"}


class Sample:
    """A generated folder and its key, read back without any of the generator's code."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.files = self.key("files")
        self.notes = self.key("rows")
        self.marks = {(note["file"], note["line"]): note for note in self.notes}
        self.verdicts = {place: note["verdict"] for place, note in self.marks.items()}

    def key(self, name: str) -> list[dict]:
        text = (self.out / f"marketing/_truth/{name}.ndjson").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def of(self, source: str) -> list[dict]:
        return [file for file in self.files if file["source"] == f"marketing/{source}"]

    def kinds(self, source: str) -> set[str]:
        rows = {note["kind"] for note in self.notes if note["source"] == f"marketing/{source}"}
        return rows | {file["kind"] for file in self.of(source) if file["kind"]}

    def records(self, source: str):
        """(file, line, record) of every file that can be read; a record that is none is its text or its fields."""
        for file in self.of(source):
            if file["verdict"] == "ok":
                found = list(READERS[source](self.out / file["file"]))
                assert len(found) == file["rows"]
                yield from ((file["file"], line, record) for line, record in found)


def read_csv(path: Path):
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    header, *rows = (next(csv.reader([line], delimiter=delimiter)) for line in text.splitlines())
    for line, row in enumerate(rows, 2):
        yield line, dict(zip(header, row, strict=True)) if len(row) == len(header) else row


def read_lines(path: Path):
    for line, text in enumerate(gzip.decompress(path.read_bytes()).decode().splitlines(), 1):
        try:
            yield line, json.loads(text)
        except json.JSONDecodeError:
            yield line, text


def read_social(path: Path):
    yield from enumerate(json.loads(path.read_text("utf-8"))["data"], 1)


def read_parquet(path: Path):
    yield from enumerate(pl.read_parquet(path).to_dicts(), 1)


READERS = {
    "search_ads": read_csv,
    "social_ads": read_social,
    "display_ads": read_parquet,
    "clicks": read_lines,
    "conversions": read_csv,
    "reference": read_csv,
}


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Sample:
    out = tmp_path_factory.mktemp("marketing")
    generate(out)
    return Sample(out)


# --- same arguments, same files -----------------------------------------------------------------------------


def test_another_process_zone_and_hash_seed_give_the_same_sample_and_another_seed_does_not(tmp_path, sample):
    code = "import sys, pathlib, pipelines.marketing.sample as sample; sample.generate(pathlib.Path(sys.argv[1]))"
    changed = {"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "again")], check=True, env=os.environ | changed)
    generate(tmp_path / "other", seed=8)
    assert files_in(tmp_path / "again") == files_in(sample.out)
    assert files_in(tmp_path / "other") != files_in(sample.out)


def test_a_sample_delivered_in_three_parts_equals_one_delivered_at_once(tmp_path, sample):
    written = [generate(tmp_path, deliver=days).files_written for days in ((1, 9), (10, 20), (21, 28))]
    assert sum(written) == len(sample.files) == len(files_in(sample.out)) - KEY_FILES
    assert files_in(tmp_path) == files_in(sample.out)


def test_files_carry_the_time_of_their_delivery(sample):
    for file in sample.files:
        delivered = datetime.fromtimestamp((sample.out / file["file"]).stat().st_mtime, tz=UTC).date()
        assert delivered == date(2024, 3, 10) + timedelta(days=file["delivered_day"])
        assert str(delivered - timedelta(days=file.get("late_days", 0))) in file["file"]


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"rows": 0}, {"deliver": (0, 3)}, {"deliver": (5, 4)}, {"deliver": (1, 29)}]
)
def test_a_period_or_volume_that_holds_nothing_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="Cannot"):
        generate(tmp_path, **wrong)


# --- everything promised is there ---------------------------------------------------------------------------


def test_four_weeks_hold_every_kind_of_trouble(sample):
    for source, kinds in ROW_KINDS.items():
        assert sample.kinds(source) == kinds | FILE_KINDS[source]


@pytest.mark.parametrize("seed", range(1, 5))
def test_any_seed_holds_every_kind_of_bad_row_and_file_and_its_key_is_right(tmp_path, seed):
    generate(tmp_path, seed=seed, rows=6000)
    other = Sample(tmp_path)
    for source, kinds in ROW_KINDS.items():
        by_chance = {"duplicate_resent", "value_corrected"} if source == "conversions" else set()
        assert other.kinds(source) | by_chance == kinds | FILE_KINDS[source]
    assert_key_is_right(other)


@pytest.mark.parametrize(("days", "rows"), [(1, 1), (2, 10), (9, 5), (40, 300), (7, 2000)])
def test_odd_sizes_work_and_their_key_is_right(tmp_path, days, rows):
    generate(tmp_path, seed=3, days=days, rows=rows)
    assert_key_is_right(Sample(tmp_path))


def test_summary_counts_what_the_key_lists(tmp_path):
    summary = generate(tmp_path, days=8, rows=1000)
    key = Sample(tmp_path)
    for total in summary.sources:
        files = key.of(total.source.removeprefix("marketing/"))
        assert (total.files, total.rows) == (len(files), sum(file["rows"] or 0 for file in files))
        assert total.rejected_files == sum(file["verdict"] == "rejected" for file in files)
        verdicts = Counter(note["verdict"] for note in key.notes if note["source"] == total.source)
        assert summary.verdicts[total.source] == verdicts
    assert re.search(r"^marketing/clicks +\d+ +\d+ ", summary.render(), re.MULTILINE)


def test_about_one_percent_of_the_events_are_bad_and_three_percent_are_by_robots(sample):
    events = [record for _, _, record in sample.records("clicks")]
    robots = {entry["user_id"] for entry in sample.key("robots")}
    assert 18_000 <= len(events) <= 21_000
    bad = sum(note["verdict"] == "quarantined" for note in sample.notes if note["source"] == "marketing/clicks")
    assert 0.005 <= bad / len(events) <= 0.02
    by_robots = sum(event["user_id"] in robots for event in events if isinstance(event, dict))
    assert 0.02 <= by_robots / len(events) <= 0.04


# --- the key against the files ------------------------------------------------------------------------------


def test_every_row_is_what_the_key_says_of_it(sample):
    assert_key_is_right(sample)


def test_rejected_files_cannot_be_read(sample):
    errors = (
        csv.Error, EOFError, KeyError, StopIteration, UnicodeDecodeError, ValueError, zlib.error,
        pl.exceptions.PolarsError,
    )  # fmt: skip
    for source, read in READERS.items():
        for file in sample.of(source):
            if file["verdict"] == "rejected":
                with pytest.raises(errors):
                    next(rows_with_a_date(source, read(sample.out / file["file"])))


def rows_with_a_date(source: str, records):
    """A file with a wrong header can be read, but its rows lack a column."""
    needed = {"search_ads": "cost_micros", "conversions": "conversion_id", "reference": "currency"}.get(source)
    for _, record in list(records):
        yield record[needed] if needed else record


def assert_key_is_right(sample: Sample) -> None:
    """Judge every record by the rules below; the key must call exactly the broken ones bad, and the column right."""
    marks = dict(sample.marks)
    assert len(marks) == len(sample.notes)
    for source in READERS:
        seen: dict[str, object] = {}
        for file, line, record in sample.records(source):
            note = marks.pop((file, line), None)
            verdict = note["verdict"] if note else None
            where = (file, line, record, note)
            wrong = wrong_columns(source, record)
            assert bool(wrong) == (verdict == "quarantined"), where
            if wrong:
                assert note["column"] in wrong, where
                continue
            currency = record.get("currency", record.get("account_currency"))
            if source != "reference":
                assert (currency in CURRENCIES | {None}) == (note is None or note["kind"] != "currency_unknown"), where
            if source in {"clicks", "conversions"}:
                check_repeats(source, record, note, seen, where)
    assert not marks


def check_repeats(source: str, record: dict, note: dict | None, seen: dict, where: tuple) -> None:
    """A duplicate has come before as it is, a corrected row with another value; nothing else has come before."""
    key = record["event_id" if source == "clicks" else "conversion_id"]
    verdict = note["verdict"] if note else None
    if verdict == "waiting" and note["kind"] == "currency_unknown":
        return
    if verdict == "updated":
        assert seen[key] != record, where
        assert seen[key] | {"value": record["value"]} == record, where
    elif key in seen:
        assert seen[key] == record, where
    seen[key] = record
    if note:
        assert note["key"] == key, where


def wrong_columns(source: str, record: object) -> set[str | None]:
    """Names of the columns whose value breaks a rule; null is the record as a whole."""
    if not isinstance(record, dict):
        return {None}
    return {name for name, holds in RULES[source](record).items() if not holds}


def is_day(value: object) -> bool:
    if isinstance(value, date):
        return True
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", str(value))) and holds(date.fromisoformat, value)


def holds(parse, value: object) -> bool:
    try:
        parse(value)
    except (TypeError, ValueError, InvalidOperation):
        return False
    return True


def count(value: object) -> bool:
    return bool(re.fullmatch(r"\d+", str(value)))


def within(part: object, whole: object) -> bool:
    return not (count(part) and count(whole)) or int(str(part)) <= int(str(whole))


def money(value: object) -> bool:
    return bool(re.fullmatch(r"\d+(\.\d+)?", str(value)))


def campaign(value: object, letters: str) -> bool:
    return bool(re.fullmatch(letters + r"-\d{4}", str(value)))


def search_rules(row: dict) -> dict:
    return {
        "date": is_day(row["date"]),
        "campaign_id": campaign(row["campaign_id"], "SA"),
        "impressions": count(row["impressions"]),
        "clicks": count(row["clicks"]) and within(row["clicks"], row["impressions"]),
        "cost_micros": count(row["cost_micros"]),
    }


def social_rules(row: dict) -> dict:
    if not isinstance(row["insights"], dict):
        return {None: False}
    numbers = row["insights"]
    return {
        "day": is_day(row["date_start"]),
        "campaign_id": row["campaign"] is not None and campaign(row["campaign"]["id"], "SO"),
        "impressions": count(numbers["impressions"]),
        "clicks": within(numbers["clicks"], numbers["impressions"]),
        "cost": money(numbers["spend"]),
    }


def display_rules(row: dict) -> dict:
    return {
        "day": row["day"] is not None,
        "campaign_id": campaign(row["line_item"], "DI"),
        "impressions": row["imps"] >= 0,
        "clicks": row["clicks"] < 0 or row["clicks"] <= row["imps"],
        "cost": row["media_cost"] >= 0,
    }


def click_rules(row: dict) -> dict:
    return {
        "event_id": bool(re.fullmatch(r"E\d{8,}", str(row["event_id"]))),
        "occurred_at": holds(datetime.fromisoformat, row["ts"]) and datetime.fromisoformat(row["ts"]) <= NOW,
        "user_id": bool(re.fullmatch(r"U\d{6}", str(row["user_id"]))),
        "type": row["type"] in {"impression", "click", "page_view"},
    }


def conversion_rules(row: dict) -> dict:
    is_number = holds(Decimal, row["value"])
    fits = not is_number or (Decimal(row["value"]) < 0) == (row["type"] == "refund")
    return {
        "conversion_id": bool(re.fullmatch(r"C\d{8}", row["conversion_id"])),
        "user_id": bool(re.fullmatch(r"U\d{6,}", row["user_id"])),
        "converted_at": holds(parse_time, row.get("converted_at", "2024-01-01 00:00:00")),
        "converted_at_local": "converted_at_local" not in row or is_shown(parse_time(row["converted_at_local"])),
        "type": row["type"] in {"purchase", "lead", "refund"},
        "value": is_number and (fits or row["type"] not in {"purchase", "lead", "refund"}),
        "currency": bool(re.fullmatch(r"[A-Z]{3}", row["currency"])),
    }


def parse_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BERLIN)


def is_shown(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(BERLIN).replace(tzinfo=None) == local.replace(tzinfo=None)


def reference_rules(row: dict) -> dict:
    if "rate" in row:
        return {
            "currency": bool(re.fullmatch(r"[A-Z]{3}", row["currency"])),
            "valid_from": is_day(row["valid_from"]),
            "rate": money(row["rate"]) and Decimal(row["rate"]) > 0,
        }
    if "channel" in row:
        known = {"paid_search", "organic_search", "paid_social", "display", "email", "referral"}
        return {"channel": row["channel"] in known}
    return {
        "country": bool(re.fullmatch(r"[A-Z]{2}", row["country"])),
        "first": ":" in row["first"] or row["first"].count(".") == 3,
    }


RULES = {
    "search_ads": search_rules,
    "social_ads": social_rules,
    "display_ads": display_rules,
    "clicks": click_rules,
    "conversions": conversion_rules,
    "reference": reference_rules,
}


def test_a_restated_or_corrected_row_says_something_else_than_before(sample):
    values = {"search_ads": ("campaign_id", "date", "cost_micros"), "reference": ("currency", "valid_from", "rate")}
    for source, (name, day, value) in values.items():
        seen: dict[tuple, str] = {}
        updated = 0
        for file, line, record in sample.records(source):
            if not isinstance(record, dict) or name not in record or wrong_columns(source, record):
                continue
            verdict = sample.verdicts.get((file, line))
            if verdict in {"updated", "duplicate"}:
                assert (seen[record[name], record[day]] != record[value]) == (verdict == "updated")
            updated += verdict == "updated"
            seen[record[name], record[day]] = record[value]
        assert updated


# --- what plots of it would show ----------------------------------------------------------------------------


def test_campaigns_differ_in_what_they_return(sample):
    last = {
        (row["channel"], row["campaign_id"]): row["roi_28d"]
        for row in sample.key("roi")
        if row["level"] == "campaign" and row["day"] == "2024-04-07"
    }
    assert last["paid_search", "SA-1001"] > 1
    assert last["display", "DI-3003"] < 0
    assert last["email", None] is None


def test_people_come_by_day_and_more_of_them_in_the_evening(sample):
    hours = Counter(
        datetime.fromisoformat(record["ts"]).astimezone(BERLIN).hour
        for _, _, record in sample.records("clicks")
        if isinstance(record, dict) and holds(datetime.fromisoformat, record["ts"])
    )
    assert sum(hours[hour] for hour in (19, 20)) > 4 * sum(hours[hour] for hour in (3, 4))


def test_the_silent_platform_holds_what_was_last_known_for_three_days_and_nothing_on_the_fourth(sample):
    mine = [row for row in sample.key("ad_days") if row["campaign_id"] == "DI-3001"]
    told = {row["day"]: (row["is_fallback"], row["spend_eur"]) for row in mine}
    assert [day for day, (is_fallback, _) in told.items() if is_fallback] == [
        "2024-03-19", "2024-03-27", "2024-03-31", "2024-04-01", "2024-04-02",
    ]  # fmt: skip
    assert told["2024-03-19"][1] == told["2024-03-18"][1]
    assert told["2024-04-03"] == (False, None)


def test_a_sale_in_the_hour_that_clocks_show_twice_is_in_the_files_of_autumn(tmp_path):
    generate(tmp_path, days=10, rows=300, start=date(2024, 10, 20))
    times = [
        row["converted_at_local"] for _, _, row in Sample(tmp_path).records("conversions") if "U999999" in str(row)
    ]
    assert times == ["2024-10-27 02:30:00"]
