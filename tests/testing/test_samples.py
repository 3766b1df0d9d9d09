"""The kit that sample generators stand on: same arguments, same bytes; deliveries in parts are the same as at once."""

import json
from datetime import UTC, date, datetime

import pytest

from framework.testing import Delivered, Mark, Note, SampleRequest, deliver_sample

REQUEST = SampleRequest(seed=7, days=3, rows=10, start=date(2024, 3, 30))


def files():
    for day in (1, 2, 3):
        content = f"{day},{REQUEST.dice('sales', day).random()}\n".encode()
        note = Note(1, f"k{day}", Mark("quantity_zero", column="quantity", details={"product_id": "p"}))
        yield Delivered("shop/sales", f"{day}.csv", day, 3_600, content, rows=1, notes=(note,))
    yield Delivered(
        "shop/stock", "x.csv", 3, 7_200, b"\xff", rows=None, fault="not_readable", details={"encoding": "?"}
    )


def generate(out, days=None):
    return deliver_sample(
        out, REQUEST, files(), sources=["shop/sales", "shop/stock"], days=days, key_folder="shop/_truth"
    )


def content(folder):
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime) for p in folder.rglob("*") if p.is_file()}


def test_a_sample_delivered_in_parts_is_the_one_delivered_at_once(tmp_path):
    generate(tmp_path / "at_once")
    for days in ((1, 1), (2, 3)):
        generate(tmp_path / "in_parts", days)
    assert content(tmp_path / "at_once") == content(tmp_path / "in_parts")


def test_a_file_has_the_time_of_its_delivery_also_on_the_day_the_clocks_change(tmp_path):
    generate(tmp_path)
    delivered = datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp()
    assert (tmp_path / "shop/sales/2.csv").stat().st_mtime == delivered


def test_the_key_covers_the_first_day_to_the_last_delivered_and_nothing_later(tmp_path):
    summary = generate(tmp_path, (2, 2))
    key = tmp_path / "shop/_truth"
    rows = [json.loads(line) for line in (key / "rows.ndjson").read_text().splitlines()]
    assert [(row["file"], row["kind"], row["product_id"]) for row in rows] == [
        ("shop/sales/1.csv", "quantity_zero", "p"),
        ("shop/sales/2.csv", "quantity_zero", "p"),
    ]
    assert (summary.files_written, summary.through_day) == (1, 2)
    assert not (tmp_path / "shop/sales/1.csv").exists()


def test_the_summary_counts_files_rows_and_troubles(tmp_path):
    summary = generate(tmp_path)
    assert [(t.source, t.files, t.rejected_files, t.rows) for t in summary.sources] == [
        ("shop/sales", 3, 0, 3),
        ("shop/stock", 1, 1, 0),
    ]
    assert summary.kinds == {"shop/sales": {"quantity_zero": 3}, "shop/stock": {"not_readable": 1}}
    assert summary.render().splitlines() == [
        "4 files written; days 1 to 3 from 2024-03-30, seed 7",
        "source      files rejected       rows  spoiled and special rows",
        "shop/sales      3        0          3  3 quarantined",
        "shop/stock      1        1          0  -",
    ]


@pytest.mark.parametrize("days", [(0, 1), (2, 1), (1, 4)])
def test_days_that_the_period_does_not_hold_are_refused(tmp_path, days):
    with pytest.raises(ValueError, match=rf"Cannot deliver days {days[0]} to {days[1]}: expected 1 <= first <= last"):
        generate(tmp_path, days)


@pytest.mark.parametrize(("field", "value"), [("days", 0), ("rows", -1)])
def test_a_sample_of_nothing_is_refused(field, value):
    values = {"seed": 1, "days": 1, "rows": 1, "start": date(2024, 1, 1), field: value}
    with pytest.raises(ValueError, match=f"Cannot generate a sample: {field} is {value}, expected at least 1"):
        SampleRequest(**values)


def test_dice_of_a_topic_do_not_depend_on_other_topics():
    first = REQUEST.dice("a").random()
    REQUEST.dice("b").random()
    assert REQUEST.dice("a").random() == first != REQUEST.dice("b").random()


def test_faults_are_spread_over_blocks_of_four_weeks():
    long = SampleRequest(seed=1, days=60, rows=1, start=date(2024, 1, 1))
    assert long.fault_days(0.5) == [15, 43]
    assert REQUEST.fault_days(0.5) == []
