"""The generated sample against its own key, judged by rules written here a second time."""

import csv
import gzip
import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipelines.features.sample import generate

pytestmark = pytest.mark.drawn(2)

ROOT = Path(__file__).parents[3]
NOW = datetime(2030, 1, 1, tzinfo=UTC)
ROW_KINDS = {
    "features/events": {
        "at_unparsable", "at_missing", "at_future", "kind_unknown", "duration_negative", "duration_fractional",
        "duration_not_a_number", "user_id_missing", "user_id_malformed", "event_id_missing", "corrupt_line",
        "late", "duplicate_same_file", "duplicate_resent",
    },
    "features/transactions": {
        "amount_negative", "amount_missing", "at_missing", "at_future", "user_id_missing",
        "transaction_id_malformed", "late", "duplicate_same_file", "duplicate_resent", "amount_corrected",
    },
    "features/users": {
        "plan_unknown", "signed_up_unparsable", "signed_up_after_exported", "user_id_malformed",
        "country_malformed", "exported_missing",
    },
    "features/labels": {
        "as_of_unparsable", "as_of_missing", "churned_unknown", "churned_not_a_number", "spend_negative",
        "spend_not_a_number", "label_missing", "late", "spend_corrected",
    },
}  # fmt: skip
FILE_KINDS = {
    "features/events": {"truncated_gzip"},
    "features/transactions": {"truncated_parquet"},
    "features/users": {"wrong_header"},
    "features/labels": set(),
}
KEYS = {
    "features/events": ("event_id",),
    "features/transactions": ("transaction_id",),
    "features/users": ("user_id", "exported"),
    "features/labels": ("user_id", "as_of"),
}


class Sample:
    """A generated folder and its key, read back without any of the generator's code."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.truth = out / "features/_truth"
        self.files = read_ndjson(self.truth / "files.ndjson")
        self.notes = read_ndjson(self.truth / "rows.ndjson")
        self.marks = {(note["file"], note["line"]): note for note in self.notes}

    def kinds(self, source: str) -> set[str]:
        rows = {note["kind"] for note in self.notes if note["source"] == source}
        return rows | {file["kind"] for file in self.files if file["source"] == source and file["kind"]}

    def records(self, source: str) -> list[tuple[dict, int, dict | str]]:
        """(file, line, record) of all readable files in order of delivery; a broken line is its text."""
        files = [file for file in self.files if file["source"] == source and file["verdict"] == "ok"]
        return [(file, line, record) for file in files for line, record in read_records(self.out / file["file"])]

    def accepted(self, source: str) -> list[dict]:
        """The newest row of every key that no mark calls bad."""
        rows = {
            tuple(record[name] for name in KEYS[source]): record
            for file, line, record in self.records(source)
            if self.marks.get((file["file"], line), {}).get("verdict") != "quarantined"
        }
        return list(rows.values())


def read_ndjson(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def read_records(path: Path) -> list[tuple[int, dict | str]]:
    if path.suffix == ".parquet":
        return list(enumerate(pl.read_parquet(path).to_dicts(), 1))
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    if path.suffix == ".csv":
        return list(enumerate(csv.DictReader(text.splitlines()), 2))
    return [(line, parsed(one)) for line, one in enumerate(text.split("\n")[:-1], 1)]


def parsed(text: str) -> dict | str:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Sample:
    out = tmp_path_factory.mktemp("features")
    generate(out)
    return Sample(out)


# --- same arguments, same files -----------------------------------------------------------------------------


def test_same_arguments_give_the_same_bytes_and_times_and_another_seed_does_not(tmp_path, sample):
    generate(tmp_path / "again")
    generate(tmp_path / "other", seed=8)
    assert files_in(tmp_path / "again") == files_in(sample.out)
    assert files_in(tmp_path / "other") != files_in(sample.out)


def test_another_process_zone_and_hash_seed_give_the_same_sample(tmp_path, sample):
    code = "import sys, pathlib, pipelines.features.sample as sample; sample.generate(pathlib.Path(sys.argv[1]))"
    changed = {"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=os.environ | changed)
    assert files_in(tmp_path) == files_in(sample.out)


def test_a_sample_delivered_in_two_parts_equals_one_delivered_at_once(tmp_path, sample):
    first = generate(tmp_path, deliver=(1, 22))
    assert {file["delivered_day"] for file in Sample(tmp_path).files} == set(range(1, 23))
    second = generate(tmp_path, deliver=(23, 28))
    assert second.files_written == len(sample.files) - first.files_written
    assert files_in(tmp_path) == files_in(sample.out)


def test_everything_lies_below_the_domain_and_carries_the_time_of_its_delivery(sample):
    assert [path.name for path in sample.out.iterdir()] == ["features"]
    for file in sample.files:
        delivered = datetime.fromtimestamp((sample.out / file["file"]).stat().st_mtime, tz=UTC)
        day = date(2024, 1, 1) + timedelta(days=file["delivered_day"] - 1)
        assert delivered.date() == day
        assert str(day) in file["file"]


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


@pytest.mark.parametrize("seed", range(1, 7))
def test_four_weeks_of_4000_events_hold_every_kind_of_trouble_too(tmp_path, seed):
    generate(tmp_path, seed=seed, rows=4000)
    few = Sample(tmp_path)
    for source, kinds in ROW_KINDS.items():
        assert few.kinds(source) == kinds | FILE_KINDS[source]
    assert_key_is_right(few)


@pytest.mark.parametrize(("days", "rows"), [(1, 1), (2, 10), (9, 5), (40, 300)])
def test_odd_sizes_work_and_their_key_is_right(tmp_path, days, rows):
    generate(tmp_path, seed=3, days=days, rows=rows)
    assert_key_is_right(Sample(tmp_path))


def test_about_two_percent_of_the_events_are_bad_and_one_percent_late(sample):
    verdicts = Counter(note["verdict"] for note in sample.notes if note["source"] == "features/events")
    lines = len(sample.records("features/events"))
    assert 18_000 <= lines <= 22_500
    assert 0.01 <= verdicts["quarantined"] / lines <= 0.03
    assert 0.005 <= verdicts["late"] / lines <= 0.02


def test_summary_counts_what_the_key_lists(tmp_path):
    summary = generate(tmp_path, rows=1000)
    key = Sample(tmp_path)
    for total in summary.sources:
        files = [file for file in key.files if file["source"] == total.source]
        rejected = [file["kind"] for file in files if file["verdict"] == "rejected"]
        counted = Counter([note["kind"] for note in key.notes if note["source"] == total.source] + rejected)
        assert (total.files, total.rejected_files) == (len(files), len(rejected))
        assert summary.kinds[total.source] == counted
    assert re.search(r"^features/events +85 +1 ", summary.render(), re.MULTILINE)


# --- the key against the files ------------------------------------------------------------------------------


def test_every_row_is_what_the_key_says_of_it(sample):
    assert_key_is_right(sample)


def assert_key_is_right(sample: Sample) -> None:
    """Judge every record by the rules below, and find the key's verdict, column and key on exactly its line."""
    assert len(sample.marks) == len(sample.notes)
    lines = Counter(file["file"] for source in KEYS for file, _, _ in sample.records(source))
    assert all(lines[file["file"]] == file["rows"] for file in sample.files if file["verdict"] == "ok")
    places = {(file["file"], line) for source in KEYS for file, line, _ in sample.records(source)}
    assert set(sample.marks) <= places
    for source in KEYS:
        earlier: dict[tuple, tuple[dict, str]] = {}
        for file, line, record in sample.records(source):
            check(source, file, record, sample.marks.get((file["file"], line)), earlier)


def check(source: str, file: dict, record: dict | str, note: dict | None, earlier: dict) -> None:
    where = (file["file"], note, record)
    verdict = note["verdict"] if note else None
    if not isinstance(record, dict):
        assert (note["kind"], note["key"]) == ("corrupt_line", None), where
        return
    defects = DEFECTS[source](record)
    if verdict == "quarantined":
        assert defects == {note["column"]}, where
        return
    assert not defects, where
    key = tuple(record[name] for name in KEYS[source])
    before = earlier.get(key)
    assert note is None or note["key"] == key[0], where
    if verdict == "duplicate":
        assert before[0] == record, where
        assert (note["kind"] == "duplicate_same_file") == (before[1] == file["file"]), where
    elif verdict == "updated":
        assert {name for name in record if before[0][name] != record[name]} == {note["column"]}, where
        assert before[1] < file["file"], where
    else:
        assert before is None, where
        assert (verdict == "unlabelled") == ("" in (record.get("churned"), record.get("spend_next_14d"))), where
        assert (verdict == "late") == is_late(source, file, record), where
    earlier[key] = (record, file["file"])


def is_late(source: str, file: dict, record: dict) -> bool:
    """Whether a row tells of a time that the file before it was for; a label, of more than 14 days ago."""
    delivered = date(2024, 1, 1) + timedelta(days=file["delivered_day"] - 1)
    if source == "features/labels":
        return delivered > date.fromisoformat(record["as_of"]) + timedelta(days=14)
    if source == "features/users":
        return False
    at = record["at"] if isinstance(record["at"], datetime) else parse(record["at"])
    part = file["file"].split(".")[0].rpartition("_")[2]
    midnight = datetime.combine(delivered, datetime.min.time(), tzinfo=UTC)
    return at < midnight + BEFORE.get(part, timedelta(minutes=-8))


BEFORE = {"early": timedelta(minutes=-10), "noon": timedelta(hours=8), "night": timedelta(hours=16)}
"""When the file before was cut, from the midnight of the day; of payments, at 23:52 of the day before."""


def parse(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def event_defects(record: dict) -> set[str]:
    """Names of the columns whose value breaks a rule."""
    bad = set()
    if not re.fullmatch(r"EV\d{8,}", record["event_id"] or ""):
        bad.add("event_id")
    if not re.fullmatch(r"US\d{6,}", record["user_id"] or ""):
        bad.add("user_id")
    if record["kind"] not in {"view", "search", "add_to_cart", "checkout"}:
        bad.add("kind")
    if not (record["duration_s"] is None or (isinstance(record["duration_s"], int) and record["duration_s"] >= 0)):
        bad.add("duration_s")
    try:
        if parse(record["at"] or "") > NOW:
            bad.add("at")
    except ValueError:
        bad.add("at")
    return bad


def payment_defects(record: dict) -> set[str]:
    checks = {
        "transaction_id": re.fullmatch(r"TR\d{8,}", record["transaction_id"]),
        "user_id": record["user_id"],
        "at": record["at"] is not None and record["at"] < NOW,
        "amount": record["amount"] is not None and record["amount"] >= 0,
    }
    return {name for name, holds in checks.items() if not holds}


def is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def profile_defects(record: dict) -> set[str]:
    checks = {
        "user_id": re.fullmatch(r"US\d{6,}", record["user_id"]),
        "signed_up": is_date(record["signed_up"])
        and (not record["exported"] or record["signed_up"] <= record["exported"]),
        "country": re.fullmatch(r"([A-Z]{2})?", record["country"]),
        "plan": record["plan"] in {"free", "plus", "pro"},
        "exported": is_date(record["exported"]),
    }
    return {name for name, holds in checks.items() if not holds}


def label_defects(record: dict) -> set[str]:
    checks = {
        "as_of": is_date(record["as_of"]),
        "churned": record["churned"] in {"0", "1", ""},
        "spend_next_14d": re.fullmatch(r"(\d+\.\d\d)?", record["spend_next_14d"]),
    }
    return {name for name, holds in checks.items() if not holds}


DEFECTS = {
    "features/events": event_defects,
    "features/transactions": payment_defects,
    "features/users": profile_defects,
    "features/labels": label_defects,
}


def test_rejected_files_cannot_be_read(sample):
    broken = {file["kind"]: sample.out / file["file"] for file in sample.files if file["verdict"] == "rejected"}
    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(broken["truncated_gzip"].read_bytes())
    with pytest.raises(pl.exceptions.PolarsError):
        pl.read_parquet(broken["truncated_parquet"])
    assert broken["wrong_header"].read_text().startswith("client,signed_up,")


# --- the truth ----------------------------------------------------------------------------------------------


def test_the_sessions_of_the_key_are_those_of_the_rows_that_are_taken(sample):
    times = defaultdict(list)
    for record in sample.accepted("features/events"):
        times[record["user_id"]].append(parse(record["at"]))
    found = set()
    for user, moments in times.items():
        moments.sort()
        starts = [0] + [n for n in range(1, len(moments)) if moments[n] - moments[n - 1] > timedelta(minutes=30)]
        for first, end in zip(starts, [*starts[1:], len(moments)], strict=True):
            found.add((user, moments[first], moments[end - 1], end - first))
    told = [
        (s["user_id"], *(datetime.fromisoformat(s[name]) for name in ("session_start", "session_end")), s["events"])
        for s in read_ndjson(sample.truth / "sessions.ndjson")
    ]
    assert len(told) == len(found)
    assert set(told) == found


def test_some_pauses_within_a_session_are_exactly_as_long_as_they_may_be(sample):
    times = defaultdict(list)
    for record in sample.accepted("features/events"):
        times[record["user_id"]].append(parse(record["at"]))
    pauses = Counter(
        (after - before).total_seconds()
        for moments in times.values()
        for before, after in zip(sorted(moments), sorted(moments)[1:], strict=False)
    )
    assert pauses[1800] > 20
    assert pauses[1801] > 20
    assert pauses[0] > 20


def test_features_of_the_key_count_only_what_was_before_the_cut_off(sample):
    events, payments = sample.accepted("features/events"), sample.accepted("features/transactions")
    entries = read_ndjson(sample.truth / "features.ndjson")
    assert {entry["as_of"] for entry in entries} == {f"2024-01-{day:02d}" for day in (8, 10, 12, 14, 29)}
    for entry in entries:
        end = datetime.fromisoformat(entry["as_of"]).replace(tzinfo=UTC)
        begin = end - timedelta(days=7)
        mine = [e for e in events if e["user_id"] == entry["user_id"] and begin <= parse(e["at"]) < end]
        paid = [p["amount"] for p in payments if p["user_id"] == entry["user_id"] and begin <= p["at"] < end]
        assert entry["events_7d"] == len(mine)
        assert entry["phone_events_7d"] == sum(e["device"] == "phone" for e in mine)
        assert Decimal(entry["spend_7d"]) == sum(paid)


def test_labels_tell_the_future_of_those_seen_in_the_week_before(sample):
    """Held against the accepted events, of which a few are missing; so nearly all labels must agree, not all."""
    times = defaultdict(list)
    for record in sample.accepted("features/events"):
        times[record["user_id"]].append(parse(record["at"]))
    agreeing = total = 0
    for label in sample.accepted("features/labels"):
        begin = datetime.fromisoformat(label["as_of"]).replace(tzinfo=UTC)
        ahead = [at for at in times[label["user_id"]] if begin <= at < begin + timedelta(days=14)]
        if label["churned"]:
            total += 1
            agreeing += label["churned"] == str(int(not ahead))
    assert total > 1000
    assert agreeing / total > 0.98


def test_who_pays_for_a_better_plan_stays_and_spends_more(sample):
    plans = {record["user_id"]: record["plan"] for record in sample.accepted("features/users")}
    left, spent = defaultdict(list), defaultdict(list)
    for label in sample.accepted("features/labels"):
        if label["churned"] and label["spend_next_14d"]:
            left[plans[label["user_id"]]].append(int(label["churned"]))
            spent[plans[label["user_id"]]].append(float(label["spend_next_14d"]))
    shares = {plan: sum(found) / len(found) for plan, found in left.items()}
    means = {plan: sum(found) / len(found) for plan, found in spent.items()}
    assert shares["free"] > 1.5 * shares["plus"] > 1.5 * shares["pro"]
    assert means["free"] < means["plus"] < means["pro"]


def test_phones_take_over_in_the_last_week_and_nothing_else_changes(sample):
    assert read_ndjson(sample.truth / "drift.json") == [{"feature": "phone_share_7d", "from": "2024-01-22"}]
    shares, counts = {}, {}
    for week in range(4):
        begin = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=7 * week)
        mine = [e for e in sample.accepted("features/events") if begin <= parse(e["at"]) < begin + timedelta(days=7)]
        shares[week] = sum(e["device"] == "phone" for e in mine) / len(mine)
        counts[week] = len(mine)
    assert max(shares[week] for week in range(3)) < 0.55
    assert shares[3] > 0.8
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_a_short_period_has_no_labels_and_no_drift(tmp_path):
    generate(tmp_path, days=20, rows=500)
    short = Sample(tmp_path)
    assert not short.records("features/labels")
    assert (short.truth / "drift.json").read_text() == ""
