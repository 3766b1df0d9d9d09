"""Budgets that hold within each value of a column, in real runs on real files."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from framework import Pipeline, Settings, csv_files, delta_table, run_pipeline, table
from framework import RunRequest as Request
from framework.core.budget import Limit, limits_of
from framework.errors import BoundaryError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.storage import StorageLocation
from tests.run.test_verdicts import run, space_of


class Sale(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    store: str = pa.Field(nullable=True)
    day: pl.Date = pa.Field(nullable=True)
    price: float = pa.Field(ge=0)


class Private(Sale):
    store: str = pa.Field(nullable=True, metadata={"sensitive": True})


def reading(budget: object, schema: object = Sale, **options: object) -> Pipeline:
    source = csv_files("*.csv", schema=schema, budget=budget, **options)
    return Pipeline("t.sales", sources={"sales": source}, outputs=[table("t/sales", of="sales")])


def sales(*stores: tuple[str, int, int], first: int = 0) -> str:
    """Lines of a store: so many, of which so many have a price below zero."""
    prices = [(store, -1 if n < wrong else 1) for store, count, wrong in stores for n in range(count)]
    lines = [f"{n},{store},2024-01-05,{price}" for n, (store, price) in enumerate(prices, first)]
    return "\n".join(["id,store,day,price", *lines, ""])


HALF_OF_A_SMALL_ONE = sales(("north", 100, 1), ("south", 4, 2))


@pytest.mark.parametrize(
    "budget",
    [
        "3%",
        {"* per store": "50%"},
        {"* per store": 2},
        {"* per store": "2% of at least 100"},
        {"price.ge per store": ["50%", 2]},
        {"price per day": "3%"},
        {"store per store": 0},
    ],
)
def test_run_within_its_budget_per_value_is_published(tmp_path, budget):
    report = run(tmp_path, reading(budget), a=HALF_OF_A_SMALL_ONE)
    assert (report.sources["sales"].accepted, report.sources["sales"].quarantined) == (101, 3)


@pytest.mark.parametrize(
    "budget",
    [
        {"* per store": "49.9%"},
        {"* per store": 1},
        {"* per store": "1.9% of at least 100"},
        {"* per store": "2% of at least 99"},
        {"price.ge per store": ["50%", 1]},
        {"price per day": 2},
    ],
)
def test_run_over_its_budget_per_value_publishes_nothing(tmp_path, budget):
    with pytest.raises(BoundaryError, match="is over its budget"):
        run(tmp_path, reading(budget), a=HALF_OF_A_SMALL_ONE)
    assert open_table(space_of(tmp_path).lake, "t/sales").scan().collect().height == 0


def test_message_names_the_worst_values_with_their_counts(tmp_path):
    text = sales(("north", 100, 1), ("south", 4, 2), ("west", 10, 10), ("", 8, 4), ("east", 20, 5))
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, reading({"price.ge per store": "10%", "* per store": 3}), a=text)
    head, broken, by_rule, *values = str(caught.value).splitlines()[:7]
    assert (head, broken) == (
        "source 'sales' is over its budget:",
        "  price.greater_than_or_equal_to per store: too much refused within 4 values, at most 10% may be:",
    )
    assert [by_rule, *values] == [
        "    'west': 10 of 10 rows",
        "    no value, or none that can be read: 4 of 8 rows",
        "    'south': 2 of 4 rows",
        "    'east': 5 of 20 rows",
        "  all rules per store: too much refused within 3 values, at most 3 may be:",
    ]
    assert str(caught.value).splitlines()[7:10] == [
        "    'west': 10 of 10 rows",
        "    'east': 5 of 20 rows",
        "    no value, or none that can be read: 4 of 8 rows",
    ]
    assert str(caught.value).splitlines()[-1] == (
        "nothing of this run is published; "
        "correct the rows and deliver the files again, or raise the budget of the source"
    )


def test_message_names_ten_values_and_counts_the_rest(tmp_path):
    text = sales(*((f"s{n:02}", 2, 1) for n in range(12)))
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, reading({"* per store": 0}), a=text)
    lines = str(caught.value).splitlines()
    assert lines[1] == "  all rules per store: too much refused within 12 values, at most 0 may be:"
    assert lines[2:13] == [*(f"    's{n:02}': 1 of 2 rows" for n in range(10)), "    and 2 more"]


def test_values_of_a_sensitive_column_are_not_told(tmp_path):
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, reading({"* per store": 0}, Private), a=sales(("south", 4, 2)))
    assert "    ***: 2 of 4 rows" in str(caught.value).splitlines()
    assert "south" not in str(caught.value)


def test_value_is_the_typed_one_and_one_that_cannot_be_read_is_none(tmp_path):
    text = "id,store,day,price\n1,a,2024-01-05,1\n2,a,2024-13-05,1\n3,a,,1\n4,a,2024-01-05,-1\nx,a,2024-01-05,1\n"
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, reading({"* per day": 0}), a=text)
    assert str(caught.value).splitlines()[2:4] == [
        "    2024-01-05: 2 of 3 rows",
        "    no value, or none that can be read: 1 of 2 rows",
    ]


def test_column_with_too_many_values_is_an_error_that_says_so(tmp_path):
    text = sales(("north", 10_001, 0))
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, reading({"* per id": 0}), a=text)
    assert str(caught.value) == (
        "source 'sales': its budget '* per id' is per value of a column with more than 10,000 values\n"
        "nothing of this run is published; take a column with fewer values, or give the budget without 'per id'"
    )


def test_column_with_as_many_values_as_are_counted_is_counted(tmp_path):
    text = sales(("north", 10_000, 1))
    with pytest.raises(BoundaryError, match="all rules per id: too much refused within 1 value"):
        run(tmp_path, reading({"* per id": 0}), a=text)


def test_waiting_rows_are_not_charged_to_a_budget_per_value(tmp_path):
    known = Pipeline("t.known", sources={"k": csv_files("k*.csv", schema=Sale)}, outputs=[table("t/known", of="k")])
    run(tmp_path, known, k=sales(("north", 1, 0)))
    orders = Pipeline(
        "t.orders",
        sources={
            "rows": csv_files("a*.csv", schema=Sale, references={"id": "known"}, budget={"* per store": 0}),
            "known": delta_table("t/known"),
        },
        outputs=[table("t/orders", of="rows")],
    )
    report = run(tmp_path, orders, a=sales(("north", 3, 0)))
    assert (report.sources["rows"].accepted, report.sources["rows"].quarantined) == (1, 2)


def test_mistakes_in_a_budget_per_value_are_found_when_the_pipeline_is_checked():
    budget = {"* per price": 1, "* per stroe": 1, "pric per day": 1, "* per ": 1, "id per day": "5% of at last 3"}
    columns, fix = "known: day, id, price, store", "take a column of text, whole numbers, dates or true and false"
    assert [str(p) for p in verify(reading(budget))] == [
        f"source 'sales': its budget '* per ' is per '', which is no column ({columns})",
        f"source 'sales': its budget '* per price' is per value of a column of type Float64 ({fix})",
        "source 'sales': its budget '* per stroe' is per 'stroe', which is no column (did you mean 'store'?)",
        "source 'sales': its budget for 'id per day' is no limit (give a number of rows, or a share such as '1%')",
        "source 'sales': its budget names 'pric', which is no column or rule (did you mean 'price'?)",
    ]


def test_column_whose_name_reads_like_a_budget_per_value_is_a_column(tmp_path):
    schema = pa.DataFrameSchema({"price per unit": pa.Column(int, pa.Check.ge(0)), "unit": pa.Column(int)}, name="S")
    pipeline = reading({"price per unit": 0, "price per unit per unit": 1}, schema)
    assert verify(pipeline) == []
    with pytest.raises(BoundaryError, match=r"price per unit: 1 of 2 rows refused, at most 0 may be\nwhat broke"):
        run(tmp_path, pipeline, a="price per unit,unit\n1,1\n-1,1\n")


def test_budget_per_value_is_no_part_of_what_a_pipeline_means():
    assert fingerprint(reading({"* per store": "1%"})) == fingerprint(reading(None))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5%of at least 10", Limit("*", percent=5.0, at_least=10)),
        (" 5 % of  at least 10 ", Limit("*", percent=5.0, at_least=10)),
        ("5% of 10", Limit("*")),
        ("5 of at least 10", Limit("*")),
    ],
)
def test_floor_of_a_share_is_read(text, limit):
    assert limits_of({"*": text}) == (limit,)


def test_row_that_is_refused_and_warned_of_counts_once(tmp_path):
    class Warned(Sale):
        size: int = pa.Field(le=10, raise_warning=True)

    text = "id,store,day,price,size\n1,a,,-1,11\n2,a,,1,11\n3,a,,1,1\n"
    assert run(tmp_path, reading({"size": 2, "size.le": 2, "size per store": 2}, Warned), a=text).state == "SUCCESS"
    for budget in ({"size": 1}, {"size.le": 1}, {"size per store": 1}):
        with pytest.raises(BoundaryError, match="2 of 3 rows"):
            run(tmp_path, reading(budget, Warned), b=text.replace("\n1,", "\n4,"))


def test_run_on_real_files_fails_for_one_store_and_goes_on_once_it_is_mended(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    file = tmp_path / "data/raw/a.csv"
    file.write_text(sales(("north", 500, 5), ("south", 50, 5)))
    pipeline = reading({"*": "5%", "* per store": "5%"})
    with pytest.raises(BoundaryError, match="within 1 value, at most 5% may be:\n    'south': 5 of 50 rows"):
        run_pipeline(pipeline, Settings(project=tmp_path), Request())
    file.write_text(sales(("north", 500, 5), ("south", 50, 2)))
    assert run_pipeline(pipeline, Settings(project=tmp_path), Request()).state == "SUCCESS"
    lake = StorageLocation(str(tmp_path / "data/lake"))
    assert open_table(lake, "_quarantine/t.sales").scan().filter(state="open").collect().height == 7
    assert open_table(lake, "t/sales").scan().select("id").unique().collect().height == 543
