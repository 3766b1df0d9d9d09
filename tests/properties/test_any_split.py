"""Any split of any input into any sequence of runs gives the tables of one full run, and touches only what it must."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import Phase, given, note, settings

from tests.oracle.histories import NOW, STEPS, History, histories
from tests.oracle.judging import Row
from tests.oracle.lake import House, assert_same_rows, assert_true, retail
from tests.oracle.truth import Truth, find_truth

EXAMPLES = int(os.environ.get("SLUICE_SPLIT_EXAMPLES", "5"))
"""An example costs a second or two, and is another one in each run; a nightly run asks for hundreds."""
PHASES = tuple(phase for phase in Phase if phase is not Phase.shrink or "SLUICE_SPLIT_SHRINK" in os.environ)
"""Shrinking takes minutes at this price: only on request."""
PROVENANCE = ("_source_time", "_source_file", "_source_line")


@contextmanager
def a_house() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), NOW)
        house.raw.mkdir()
        yield house


def arrive(house: House, history: History, step: int) -> None:
    for version in history.arriving(step):
        note(f"before run {step}: {version}")
        version.write(house.raw)


@settings(max_examples=EXAMPLES, phases=PHASES)
@given(histories(withdrawing=True))
def test_any_sequence_of_runs_gives_what_one_full_run_gives(history):
    with a_house() as house:
        for step in range(STEPS):
            arrive(house, history, step)
            house.run()
            note(f"after run {step}")
            assert_true(house, find_truth(house.raw, NOW))
        grown, pending = house.tables(), house.pending()

        at_once = House(house.root, NOW, lake_name="another_lake")
        at_once.run(full=True)
        for rebuilt in (at_once, house):
            if rebuilt is house:
                house.run(full=True)
            assert rebuilt.pending() == pending
            for name, rows in rebuilt.tables().items():
                assert_same_rows(name, grown[name], rows)


@settings(max_examples=max(2, EXAMPLES // 3), phases=PHASES)
@given(histories(withdrawing=True))
def test_a_run_with_nothing_new_writes_nothing(history):
    with a_house() as house:
        for step in range(STEPS):
            arrive(house, history, step)
            house.run()
            before = house.everything()
            reports = house.run()
            assert {report.state for report in reports.values()} == {"UNCHANGED"}
            assert house.everything() == before


@settings(max_examples=max(2, EXAMPLES // 3), phases=PHASES)
@given(histories())
def test_a_run_leaves_the_files_of_untouched_days_where_they_are(history):
    with a_house() as house:
        arrive(house, history, 0)
        house.run()
        truth = find_truth(house.raw, NOW)
        for step in range(1, STEPS):
            files = {table: house.data_files(table) for table in ("retail/sales", "retail/daily_sales")}
            arrive(house, history, step)
            house.run()
            before, truth = truth, find_truth(house.raw, NOW)
            untouched = {
                "retail/sales": same_days(sales_by_day(before), sales_by_day(truth)),
                "retail/daily_sales": same_days(inputs_by_day(before), inputs_by_day(truth)),
            }
            for table, days in untouched.items():
                now = house.data_files(table)
                for day in days:
                    assert now.get((day,)) == files[table].get((day,)), f"{table}, {day}"


def same_days(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> set[str]:
    return {day for day, rows in before.items() if rows == after.get(day)}


def sales_by_day(truth: Truth) -> dict[str, list[Row]]:
    """The rows of each day, with where they came from."""
    days: dict[str, list[Row]] = {}
    for key in sorted(truth.tables["retail/sales"]):
        sale = truth.tables["retail/sales"][key]
        days.setdefault(str(sale["day"]), []).append(sale)
    return days


def inputs_by_day(truth: Truth) -> dict[str, list[Row]]:
    """What the daily sums of each day are made of: its sales and their products, wherever they came from."""
    products = truth.tables["retail/products"]
    return {
        day: [bare(sale) | {"product": bare(products[sale["product_id"],])} for sale in sales]
        for day, sales in sales_by_day(truth).items()
    }


def bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in PROVENANCE}


def test_all_nine_pipelines_take_part():
    assert len(retail()) == 9
