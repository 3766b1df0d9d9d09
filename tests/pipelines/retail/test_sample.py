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
from pathlib import Path
from statistics import mean

import polars as pl
import pytest

from pipelines.retail.sample import generate

pytestmark = pytest.mark.drawn(2)

COLUMNS = [
    "transaction_id",
    "store_id",
    "customer_id",
    "product_id",
    "quantity",
    "unit_price",
    "discount_percent",
    "transaction_timestamp",
]
SALES_ROW_KINDS = {
    "quantity_zero", "quantity_negative", "quantity_not_a_number", "quantity_fractional",
    "unit_price_negative", "unit_price_not_a_number", "discount_above_100", "discount_negative",
    "required_empty", "transaction_id_malformed", "store_id_malformed", "store_id_accented",
    "customer_id_malformed", "timestamp_unparsable", "timestamp_future", "unknown_product", "late_product",
    "too_many_fields", "too_few_fields", "duplicate_same_file", "duplicate_resent", "update",
    "update_moves_day", "late",
}  # fmt: skip
OTHER_ROW_KINDS = {
    "products": {"cost_price_negative", "last_updated_unparsable", "retail_price_missing"},
    "customers": {"email_malformed", "tier_unknown", "registration_date_missing", "registration_date_future"},
    "inventory": {"update_type_unknown", "quantity_change_zero", "quantity_sign_mismatch"},
    "campaigns": {"clicks_exceed_impressions", "end_before_start", "revenue_negative"},
}
FILE_KINDS = {
    "sales": {"truncated_gzip", "wrong_header", "empty", "cut_line"},
    "products": {"malformed_json"},
    "customers": {"truncated_parquet"},
    "inventory": set(),
    "campaigns": {"not_json"},
}
PATTERNS = {
    "transaction_id": r"TXN\d{8,}",
    "store_id": r"ST[0-9]{3}",
    "customer_id": r"CUST\d{6}",
    "product_id": r"PRD\d{4}",
    "quantity": r"-?\d+",
    "unit_price": r"-?\d+(\.\d+)?",
    "discount_percent": r"-?\d+(\.\d+)?",
}
ROOT = Path(__file__).parents[3]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Sample:
    """A generated folder and its key, read back without any of the generator's code."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.files = read_ndjson(out / "_truth/files.ndjson")
        self.notes = read_ndjson(out / "_truth/rows.ndjson")
        self.by_name = {file["file"]: file for file in self.files}
        self.marks = {(note["file"], note["line"]): note for note in self.notes}
        self._records = {}

    def of(self, source: str) -> list[dict]:
        return [file for file in self.files if file["source"] == source and file["verdict"] == "ok"]

    def kinds(self, source: str) -> set[str]:
        rows = {note["kind"] for note in self.notes if note["source"] == source}
        return rows | {file["kind"] for file in self.files if file["source"] == source and file["kind"]}

    def records(self, file: dict) -> list[tuple[int, object]]:
        """(line, record) pairs; a CSV line is a dict when it has all its fields, else the list of them."""
        if file["file"] not in self._records:
            self._records[file["file"]] = read_records(self.out, file)
        return self._records[file["file"]]

    def good(self, source: str) -> list[tuple[dict, dict]]:
        """(file, record) of every row a run accepts in its first place: neither bad nor seen before."""
        return [
            (file, record)
            for file in self.of(source)
            for line, record in self.records(file)
            if self.marks.get((file["file"], line), {"verdict": "late"})["verdict"] == "late"
        ]


def read_ndjson(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def read_text(path: Path, encoding: str) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode(encoding)


def read_records(out: Path, file: dict) -> list[tuple[int, object]]:
    path = out / file["file"]
    if path.suffix == ".parquet":
        return list(enumerate(pl.read_parquet(path).to_dicts(), 1))
    text = read_text(path, file["encoding"])
    if path.suffix == ".json":
        return list(enumerate(read_documents(text), 1))
    rows = [next(csv.reader([line], delimiter=file["delimiter"])) for line in text.splitlines()]
    return [
        (line, dict(zip(rows[0], row, strict=True)) if len(row) == len(rows[0]) else row)
        for line, row in enumerate(rows[1:], 2)
    ]


def read_documents(text: str) -> list[dict]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]
    if isinstance(document, list):
        return document
    return document.get("products", [document])


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Sample:
    out = tmp_path_factory.mktemp("retail")
    generate(out)
    return Sample(out)


# --- same arguments, same files -----------------------------------------------------------------------------


def test_same_arguments_give_the_same_bytes_and_times_and_another_seed_does_not(tmp_path, sample):
    generate(tmp_path / "again")
    generate(tmp_path / "other", seed=8)
    assert files_in(tmp_path / "again") == files_in(sample.out)
    assert files_in(tmp_path / "other") != files_in(sample.out)


def test_another_process_zone_and_hash_seed_give_the_same_sample(tmp_path, sample):
    code = "import sys, pathlib, pipelines.retail.sample as sample; sample.generate(pathlib.Path(sys.argv[1]))"
    changed = {"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=os.environ | changed)
    assert files_in(tmp_path) == files_in(sample.out)


def test_a_sample_delivered_in_two_parts_equals_one_delivered_at_once(tmp_path, sample):
    first = generate(tmp_path, deliver=(1, 21))
    assert {file["delivered_day"] for file in Sample(tmp_path).files} == set(range(1, 22))
    assert first.files_written == len(files_in(tmp_path)) - 3
    second = generate(tmp_path, deliver=(22, 28))
    assert second.files_written == len(sample.files) - first.files_written
    assert files_in(tmp_path) == files_in(sample.out)


def test_files_carry_the_time_of_their_delivery(sample):
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
    assert sample.kinds("sales") == SALES_ROW_KINDS | FILE_KINDS["sales"]
    for source, kinds in OTHER_ROW_KINDS.items():
        assert sample.kinds(source) == kinds | FILE_KINDS[source]


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_week_of_2000_lines_holds_every_kind_of_trouble_too(tmp_path, seed):
    generate(tmp_path, seed=seed, days=7, rows=2000)
    week = Sample(tmp_path)
    assert week.kinds("sales") == SALES_ROW_KINDS | FILE_KINDS["sales"]
    for source, kinds in OTHER_ROW_KINDS.items():
        assert week.kinds(source) == kinds | FILE_KINDS[source]
    assert_key_is_right(week)


def test_three_days_of_200_lines_hold_the_row_troubles_and_no_broken_file(tmp_path):
    generate(tmp_path, days=3, rows=200)
    few = Sample(tmp_path)
    assert few.kinds("sales") == SALES_ROW_KINDS
    assert {file["verdict"] for file in few.files} == {"ok"}
    assert_key_is_right(few)


@pytest.mark.parametrize(("days", "rows"), [(1, 1), (2, 10), (9, 5), (40, 300)])
def test_odd_sizes_work_and_their_key_is_right(tmp_path, days, rows):
    generate(tmp_path, seed=3, days=days, rows=rows)
    assert_key_is_right(Sample(tmp_path))


def test_about_two_percent_of_the_sale_lines_are_bad_and_about_one_percent_late(sample):
    lines = sum(file["rows"] for file in sample.of("sales"))
    verdicts = Counter(note["verdict"] for note in sample.notes if note["source"] == "sales")
    assert 19_000 <= lines <= 20_500
    assert 0.01 <= (verdicts["quarantined"] + verdicts["waiting"]) / lines <= 0.03
    assert 0.005 <= verdicts["late"] / lines <= 0.02


def test_summary_counts_what_the_key_lists(tmp_path):
    summary = generate(tmp_path, days=8, rows=1000)
    key = Sample(tmp_path)
    written = json.loads((tmp_path / "_truth/summary.json").read_text("utf-8"))
    for total in summary.sources:
        files = [file for file in key.files if file["source"] == total.source]
        rejected = [file["kind"] for file in files if file["verdict"] == "rejected"]
        counted = Counter([note["kind"] for note in key.notes if note["source"] == total.source] + rejected)
        assert (total.files, total.rejected_files) == (len(files), len(rejected))
        assert total.rows == sum(file["rows"] or 0 for file in files)
        assert summary.kinds[total.source] == counted == written["kinds"][total.source]
    assert re.search(r"^sales +16 +3 ", summary.render(), re.MULTILINE)


# --- the key against the files ------------------------------------------------------------------------------


def test_every_row_is_what_the_key_says_of_it(sample):
    assert_key_is_right(sample)


def assert_key_is_right(sample: Sample) -> None:
    """Judge every record by the rules below, and find the key's verdict, kind and key on exactly its line."""
    assert len(sample.marks) == len(sample.notes)
    products = known_products(sample)
    earlier: dict[str, dict] = {}
    seen = 0
    for file in sample.files:
        if file["verdict"] == "rejected":
            continue
        records = sample.records(file)
        assert len(records) == file["rows"]
        for line, record in records:
            note = sample.marks.get((file["file"], line))
            seen += note is not None
            if file["source"] == "sales":
                check_sale(file, record, note, products, earlier)
            else:
                expected = {note["kind"]} if note else set()
                assert OTHER_DEFECTS[file["source"]](record) == expected, (file["file"], line)
                assert note is None or note["key"] == next(iter(record.values()))
    assert seen == len(sample.notes)


def check_sale(file, record, note, products, earlier) -> None:
    kind, verdict = (note["kind"], note["verdict"]) if note else (None, None)
    where = (file["file"], note, record)
    if isinstance(record, list):
        few, many = kind in {"too_few_fields", "cut_line"}, kind == "too_many_fields"
        assert (few, many) == (len(record) < 8, len(record) > 8), where
        assert note["key"] in record
        return
    defects = sale_defects(record)
    if verdict == "quarantined":
        assert defects == {note["column"]}, where
        assert note["key"] == (record["transaction_id"] or None)
        assert kind != "required_empty" or record[note["column"]] == ""
        assert kind != "store_id_accented" or not record["store_id"].isascii()
        return
    assert not defects, where
    arrival = products.get(record["product_id"])
    is_known = arrival is not None and arrival[0] <= file["delivered_day"]
    assert is_known == (verdict != "waiting"), where
    if verdict == "waiting":
        assert (note["product_id"], note["known_from"]) == (record["product_id"], arrival and arrival[1])
    is_late = record["transaction_timestamp"][:10] < file["file"][len("sales/sales_") :][:10]
    before = earlier.get(record["transaction_id"])
    if verdict == "duplicate":
        assert before == (record, file["file"]) if kind == "duplicate_same_file" else before[0] == record, where
        assert (kind == "duplicate_same_file") == (before[1] == file["file"])
    elif verdict == "updated":
        assert {name for name in COLUMNS if before[0][name] != record[name]} == {note["column"]}, where
        assert before[1] < file["file"]
    else:
        assert before is None, where
        assert is_late == (verdict == "late"), where
        assert not is_late or days_late(file, record) <= 5, where
    assert note is None or note["key"] == record["transaction_id"]
    earlier[record["transaction_id"]] = (record, file["file"])


def days_late(file: dict, record: dict) -> int:
    delivered = date(2024, 1, 1) + timedelta(days=file["delivered_day"] - 1)
    return (delivered - date.fromisoformat(record["transaction_timestamp"][:10])).days


def parse(text: str, pattern: str) -> datetime:
    return datetime.strptime(text, pattern).replace(tzinfo=UTC)


def sale_defects(record: dict) -> set[str]:
    """Names of the columns whose value breaks a rule."""
    bad = {name for name, pattern in PATTERNS.items() if not re.fullmatch(pattern, record[name])}
    if "quantity" not in bad and int(record["quantity"]) <= 0:
        bad.add("quantity")
    if "unit_price" not in bad and float(record["unit_price"]) < 0:
        bad.add("unit_price")
    if "discount_percent" not in bad and not 0 <= float(record["discount_percent"]) <= 100:
        bad.add("discount_percent")
    try:
        if parse(record["transaction_timestamp"], "%Y-%m-%d %H:%M:%S") > NOW:
            bad.add("transaction_timestamp")
    except ValueError:
        bad.add("transaction_timestamp")
    return bad


def product_defects(record: dict) -> set[str]:
    found = {"retail_price_missing"} if record.get("retail_price") is None else set()
    found |= {"cost_price_negative"} if record["cost_price"] < 0 else set()
    try:
        parse(record["last_updated"], "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        found.add("last_updated_unparsable")
    return found


def customer_defects(record: dict) -> set[str]:
    registered = record["registration_date"]
    checks = {
        "email_malformed": not re.fullmatch(r"[a-z0-9.]+@example\.com", record["email"]),
        "tier_unknown": record["customer_tier"] not in {"bronze", "silver", "gold", "platinum"},
        "registration_date_missing": registered is None,
        "registration_date_future": registered is not None and registered > NOW.date(),
    }
    return {kind for kind, is_broken in checks.items() if is_broken}


def inventory_defects(record: dict) -> set[str]:
    change, kind = int(record["quantity_change"]), record["update_type"]
    if change == 0:
        return {"quantity_change_zero"}
    if kind not in {"restock", "sale", "adjustment", "return"}:
        return {"update_type_unknown"}
    expected_sign = {"restock": 1, "return": 1, "sale": -1}.get(kind, change)
    return set() if change * expected_sign > 0 else {"quantity_sign_mismatch"}


def campaign_defects(record: dict) -> set[str]:
    performance = record["performance"]
    checks = {
        "clicks_exceed_impressions": performance["clicks"] > performance["impressions"],
        "end_before_start": record["end_date"] < record["start_date"],
        "revenue_negative": performance["revenue"] < 0,
    }
    assert performance["conversions"] <= performance["clicks"]
    return {kind for kind, is_broken in checks.items() if is_broken}


OTHER_DEFECTS = {
    "products": product_defects,
    "customers": customer_defects,
    "inventory": inventory_defects,
    "campaigns": campaign_defects,
}


def known_products(sample: Sample) -> dict[str, tuple[int, str]]:
    """Product to the (day, file) of its first good record."""
    known = {}
    for file, record in sample.good("products"):
        known.setdefault(record["product_id"], (file["delivered_day"], file["file"]))
    return known


# --- shapes of files ----------------------------------------------------------------------------------------


def test_sales_files_are_really_in_the_shapes_the_key_states(sample):
    shapes = Counter()
    for file in sample.of("sales"):
        path = sample.out / file["file"]
        content = path.read_bytes()
        raw = gzip.decompress(content) if path.suffix == ".gz" else content
        header = raw.decode(file["encoding"]).splitlines()[0]
        assert sorted(header.replace('"', "").split(file["delimiter"])) == sorted(COLUMNS)
        shapes.update(
            {
                file["delimiter"]: True,
                file["encoding"]: encoding_of(raw) == file["encoding"],
                "gzip": content[:2] == b"\x1f\x8b",
                "crlf": "\r\n" in raw.decode(file["encoding"]),
                "quoted": header.startswith('"'),
                "reordered": header.startswith("store_id"),
            }
        )
        assert encoding_of(raw) == file["encoding"] or raw.isascii()
    wanted = {
        ",",
        ";",
        "\t",
        "utf-8",
        "latin-1",
        "utf-16",
        "utf-8-sig",
        "gzip",
        "crlf",
        "quoted",
        "reordered",
    }
    assert {shape for shape, count in shapes.items() if count} == wanted
    assert shapes["latin-1"] == sum(file["encoding"] == "latin-1" for file in sample.of("sales"))


def encoding_of(raw: bytes) -> str:
    if raw.startswith(b"\xff\xfe"):
        return "utf-16"
    if raw.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def test_campaigns_come_as_array_document_and_ndjson(sample):
    texts = [(sample.out / file["file"]).read_text("utf-8") for file in sample.of("campaigns")]
    shapes = {
        "array" if text[0] == "[" else "ndjson" if text.splitlines()[0][-1] == "}" else "document" for text in texts
    }
    assert shapes == {"array", "ndjson", "document"}


def test_customers_are_typed_parquet_and_product_names_are_awkward(sample):
    frame = pl.read_parquet(sample.out / sample.of("customers")[0]["file"])
    assert frame.schema["registration_date"] == pl.Date
    assert frame.schema["preferred_categories"] == pl.List(pl.String)
    names = "".join(record["name"] for _, record in sample.good("products"))
    assert set("é\"'🤖") <= set(names)


def test_rejected_files_cannot_be_read_and_nothing_depends_on_their_rows(sample):
    rejected = {file["kind"]: sample.out / file["file"] for file in sample.files if file["verdict"] == "rejected"}
    assert not {note["file"] for note in sample.notes} & {
        file["file"] for file in sample.files if file["verdict"] == "rejected"
    }
    with pytest.raises(EOFError):
        gzip.decompress(rejected["truncated_gzip"].read_bytes())
    for kind in ("malformed_json", "not_json"):
        with pytest.raises(json.JSONDecodeError):
            read_documents(rejected[kind].read_text("utf-8"))
    with pytest.raises(pl.exceptions.ComputeError):
        pl.read_parquet(rejected["truncated_parquet"])
    assert rejected["empty"].read_bytes() == b""
    wrong = rejected["wrong_header"].read_text("utf-8")
    assert wrong.splitlines()[0] == ",".join(COLUMNS).replace("quantity", "qty")
    cut = zlib.decompressobj(wbits=31).decompress(rejected["truncated_gzip"].read_bytes()).decode()
    lost = set(re.findall(r"TXN\d{8}", wrong + cut))
    assert len(lost) > 300
    delivered = {record["transaction_id"] for _, record in sample.good("sales")}
    assert not lost & (delivered | {note["key"] for note in sample.notes})


def test_the_cut_line_ends_its_file_in_the_middle(sample):
    note = next(note for note in sample.notes if note["kind"] == "cut_line")
    text = (sample.out / note["file"]).read_text("utf-8")
    assert len(text.splitlines()) == note["line"]
    assert text.splitlines()[-1].startswith(note["key"])
    assert not text.endswith("\n")


# --- sources hang together ----------------------------------------------------------------------------------


def test_good_rows_refer_to_what_has_been_delivered_by_then(sample):
    products = {product: day for product, (day, _) in known_products(sample).items()}
    customers = {}
    for file, record in sample.good("customers"):
        customers.setdefault(record["customer_id"], file["delivered_day"])
    stores = {record["store_id"] for _, record in sample.good("inventory")}
    for file, record in sample.good("sales"):
        assert products[record["product_id"]] <= file["delivered_day"]
        assert customers[record["customer_id"]] <= file["delivered_day"]
        assert record["store_id"] in stores
    for file, record in sample.good("inventory"):
        assert products[record["product_id"]] <= file["delivered_day"]


def test_prices_of_sales_are_the_catalogue_s_of_their_day(sample):
    newest, prices = {}, {}
    for file, record in sample.good("products"):
        if newest.get(record["product_id"], "") < record["last_updated"]:
            newest[record["product_id"]] = record["last_updated"]
            prices.setdefault(record["product_id"], []).append((file["delivered_day"], record["retail_price"]))
    for _, record in sample.good("sales"):
        day = (date.fromisoformat(record["transaction_timestamp"][:10]) - date(2023, 12, 31)).days
        current = [price for since, price in prices[record["product_id"]] if since <= day][-1]
        assert float(record["unit_price"]) == current
    assert sum(len(steps) > 1 for steps in prices.values()) > 50


def test_reference_data_changes_on_the_way(sample):
    records = [record for _, record in sample.good("products")]
    categories = {(record["product_id"], record["category"]) for record in records}
    assert len(categories) > len({record["product_id"] for record in records})
    newest, stale = {}, 0
    for record in records:
        stale += newest.get(record["product_id"], "") > record["last_updated"]
        newest[record["product_id"]] = max(newest.get(record["product_id"], ""), record["last_updated"])
    assert stale > 0
    assert max(Counter(record["customer_id"] for _, record in sample.good("customers")).values()) > 1
    assert len({json.dumps(r["performance"]) for _, r in sample.good("campaigns") if r["campaign_id"] == "CMP002"}) > 2


def test_stock_leaves_the_shelves_as_it_is_sold_and_ids_grow_with_time(sample):
    moved = [(r["update_id"], r["update_timestamp"]) for _, r in sample.good("inventory")]
    assert moved == sorted(moved)
    assert [moment for _, moment in moved] == sorted(moment for _, moment in moved)
    sold = -sum(int(r["quantity_change"]) for _, r in sample.good("inventory") if r["update_type"] == "sale")
    pieces = sum(int(record["quantity"]) for _, record in sample.good("sales"))
    assert 0.9 < pieces / sold < 1.1
    on_hand = Counter()
    for _, record in sample.good("inventory"):
        on_hand[record["store_id"], record["product_id"]] += int(record["quantity_change"])
    assert mean(left > 0 for left in on_hand.values()) > 0.95


def test_sales_follow_the_hour_the_weekday_the_promotion_and_habit(sample):
    sales = [record for _, record in sample.good("sales")]
    hours = Counter(record["transaction_timestamp"][11:13] for record in sales)
    assert hours["18"] > 2 * hours["21"]
    by_day = Counter(date.fromisoformat(record["transaction_timestamp"][:10]) for record in sales)
    best = {weekday: max(n for day, n in by_day.items() if day.weekday() == weekday) for weekday in range(7)}
    assert best[5] > 1.2 * best[1]
    products = Counter(record["product_id"] for record in sales)
    assert sum(count for _, count in products.most_common(40)) > len(sales) / 3
    assert max(Counter(record["customer_id"] for record in sales).values()) > 50
    assert mean(promotion_effects(sample, sales)) > 1.15


def promotion_effects(sample: Sample, sales: list[dict]) -> list[float]:
    """Per campaign: its categories' share of the sales while it runs over their share at other times."""
    categories = {record["product_id"]: record["category"] for _, record in sample.good("products")}
    effects = []
    for campaign in {record["campaign_id"]: record for _, record in sample.good("campaigns")}.values():
        hits = {True: [], False: []}
        for record in sales:
            is_running = campaign["start_date"] <= record["transaction_timestamp"][:10] <= campaign["end_date"]
            hits[is_running].append(categories[record["product_id"]] in campaign["target_categories"])
        effects.append(mean(hits[True]) / mean(hits[False]))
    return effects


def test_more_is_sold_while_a_campaign_runs(sample):
    campaigns = {record["campaign_id"]: record for _, record in sample.good("campaigns")}.values()
    lines = {}
    for file in sample.of("sales"):
        day, region = file["file"].removeprefix("sales/sales_").split(".")[0].split("_")
        is_running = any(campaign["start_date"] <= day <= campaign["end_date"] for campaign in campaigns)
        weekday = date.fromisoformat(day).weekday()
        lines.setdefault((weekday, region), {True: [], False: []})[is_running].append(file["rows"])
    effects = [mean(found[True]) / mean(found[False]) for found in lines.values() if all(found.values())]
    assert mean(effects) > 1.12


def test_transaction_numbers_grow_with_time(sample):
    moments = {record["transaction_id"]: record["transaction_timestamp"] for _, record in sample.good("sales")}
    ordered = [moments[number] for number in sorted(moments)]
    assert ordered == sorted(ordered)
