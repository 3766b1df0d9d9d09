"""Rules across tables in real runs: what is held before anything is published, and what stops the run."""

from __future__ import annotations

from datetime import date

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, agree, csv_files, delta_table, references, step, table
from framework.core.events import listening
from framework.errors import BoundaryError, DefinitionError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

SUM = pl.col("net").sum()


class Sale(pa.DataFrameModel):
    id: int
    day: pl.Date
    product: str
    net: int


class SaleWithShop(Sale):
    shop: str = pa.Field(nullable=True)


class Day(pa.DataFrameModel):
    day: pl.Date
    net: int


class Product(pa.DataFrameModel):
    product: str


@step(returns=Day)
def days(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.group_by("day").agg(SUM)


@step(returns=Day)
def torn_days(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.filter(pl.col("product") != "lost").group_by("day").agg(SUM)


def space_of(folder):
    (folder / "raw").mkdir(exist_ok=True)
    return Workspace(StorageLocation(str(folder / "raw")), StorageLocation(str(folder / "lake")))


def deliver(folder, name, *rows):
    space_of(folder)
    lines = [",".join(map(str, row)) for row in rows]
    (folder / "raw" / name).write_text("\n".join(["id,day,product,net", *lines, ""]))


def taking_in(*rules, mode="merge"):
    """Sales as they come, the newest of each id."""
    sources = {"sales": csv_files("sales*.csv", schema=Sale)}
    outputs = [table("t/sales", of="sales", mode=mode, key="id" if mode == "merge" else ())]
    return Pipeline("t.sales", sources=sources, outputs=outputs, rules=rules)


def summing(function, *rules):
    """Sums by day, of days with new sales only."""
    output = table("t/days", of=function, mode="replace_partitions", partition_by="day", recompute_by="day")
    sources = {"sales": delta_table("t/sales")}
    return Pipeline("t.days", sources=sources, steps=[function], outputs=[output], rules=rules)


def splitting(*rules):
    """Sales, and sums of the run's own rows, out of one pass over files."""
    outputs = [table("t/sales", of="sales", mode="merge", key="id"), table("t/days", of=torn_days, mode="overwrite")]
    sources = {"sales": csv_files("sales*.csv", schema=Sale)}
    return Pipeline("t.both", sources=sources, steps=[torn_days], outputs=outputs, rules=rules)


def run(folder, pipeline, **asked):
    assert verify(pipeline) == []
    return run_in(pipeline, space_of(folder), RunRequest(**asked))


def published(folder, name):
    handle = open_table(space_of(folder).lake, name)
    return sorted(handle.scan().collect().select(pl.exclude("^_.*$")).rows()) if handle else []


def counting(node="days", **options):
    return agree("all_is_counted", left=node, right="sales", on=SUM, by="day", owner="finance", **options)


def test_rule_that_holds_is_in_the_report_of_the_run(tmp_path):
    deliver(tmp_path, "sales.csv", (1, "2024-05-01", "a", 5), (2, "2024-05-02", "a", 7))
    run(tmp_path, taking_in())
    report = run(tmp_path, summing(days, counting()))
    assert report.rules["all_is_counted"].state == "held"
    assert published(tmp_path, "t/days") == [(date(2024, 5, 1), 5), (date(2024, 5, 2), 7)]


def test_broken_rule_fails_the_run_before_anything_is_published(tmp_path):
    deliver(tmp_path, "sales.csv", (1, "2024-05-01", "a", 5), (2, "2024-05-02", "lost", 7), (3, "2024-05-02", "a", 1))
    run(tmp_path, taking_in())
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, summing(torn_days, counting("torn_days")))
    assert str(caught.value) == (
        "t.days: 1 rule across tables is broken:\n"
        '  all_is_counted: torn_days and sales must agree on col("net").sum() for each day (owner: finance)\n'
        "    1 of 2 groups does not agree:\n"
        "      day=2024-05-02: torn_days 1, sales 8, difference -7\n"
        "nothing of this run is published; correct the rows, or change the rule"
    )
    assert published(tmp_path, "t/days") == []


def test_rule_that_warns_is_told_and_in_the_report(tmp_path):
    deliver(tmp_path, "sales.csv", (1, "2024-05-01", "lost", 5))
    run(tmp_path, taking_in())
    heard = []
    with listening(heard.append):
        report = run(tmp_path, summing(torn_days, counting("torn_days", severity="warning")))
    assert (report.state, report.rules["all_is_counted"].state) == ("SUCCESS", "broken")
    assert report.rules["all_is_counted"].lines[-1] == "  day=2024-05-01: torn_days has no rows, sales 5"
    assert [event.level for event in heard if event.name == "rule.broken"] == ["WARNING"]


def test_table_is_looked_at_as_it_would_be_published_with_the_rows_that_stay(tmp_path):
    rule = agree("totals", left="sales", right="torn_days", on=SUM, severity="warning")
    deliver(tmp_path, "sales1.csv", (1, "2024-05-01", "a", 5), (2, "2024-05-01", "a", 7))
    assert run(tmp_path, splitting(rule)).rules["totals"].state == "held"
    deliver(tmp_path, "sales2.csv", (2, "2024-05-01", "a", 8), (3, "2024-05-03", "a", 1))
    report = run(tmp_path, splitting(rule))
    # 5 stays, 7 gives way to 8, and 1 is new; the other table is overwritten by the sums of the new rows.
    assert report.rules["totals"].lines == ["the two do not agree:", "  sales 14, torn_days 9, difference 5"]
    assert [row[3] for row in published(tmp_path, "t/sales")] == [5, 8, 1]


def test_rule_over_a_run_looks_at_the_rows_of_that_run_alone(tmp_path):
    rule = agree("no_row_is_lost", left="sales", right="torn_days", on=SUM, over="run")
    deliver(tmp_path, "sales1.csv", (1, "2024-05-01", "a", 5))
    assert run(tmp_path, splitting(rule)).rules["no_row_is_lost"].state == "held"
    deliver(tmp_path, "sales2.csv", (2, "2024-05-02", "a", 8))
    assert run(tmp_path, splitting(rule)).rules["no_row_is_lost"].state == "held"
    deliver(tmp_path, "sales3.csv", (3, "2024-05-02", "lost", 8), (4, "2024-05-02", "a", 1))
    with pytest.raises(BoundaryError, match="sales 9, torn_days 1, difference 8"):
        run(tmp_path, splitting(rule))
    assert len(published(tmp_path, "t/sales")) == 2


def test_incremental_run_holds_the_groups_that_it_computes_again(tmp_path):
    deliver(tmp_path, "sales1.csv", (1, "2024-05-01", "lost", 5), (2, "2024-05-02", "a", 7))
    run(tmp_path, taking_in())
    run(tmp_path, summing(torn_days))
    deliver(tmp_path, "sales2.csv", (3, "2024-05-02", "a", 1))
    run(tmp_path, taking_in())
    ruled = summing(torn_days, counting("torn_days", severity="warning"))
    assert run(tmp_path, ruled).rules["all_is_counted"].state == "held"
    found = run(tmp_path, ruled, full=True).rules["all_is_counted"]
    assert found.lines == ["1 of 2 groups does not agree:", "  day=2024-05-01: torn_days has no rows, sales 5"]


def referring(**options):
    sources = {"sales": csv_files("sales*.csv", schema=Sale), "products": delta_table("t/products", schema=Product)}
    rule = references("sold_products", of="sales", column="product", to="products", **options)
    outputs = [table("t/sales", of="sales", mode="merge", key="id")]
    return Pipeline("t.sales", sources=sources, outputs=outputs, rules=[rule])


@pytest.fixture
def with_products(tmp_path):
    space_of(tmp_path)
    (tmp_path / "raw/products.csv").write_text("product\na\nb\n")
    catalogue = Pipeline(
        "t.products",
        sources={"products": csv_files("products.csv", schema=Product)},
        outputs=[table("t/products", of="products", mode="overwrite")],
    )
    run(tmp_path, catalogue)
    deliver(tmp_path, "sales1.csv", (1, "2024-05-01", "a", 5), (2, "2024-05-01", "c", 7))
    return tmp_path


def test_value_that_the_other_table_does_not_have_fails_the_run(with_products):
    with pytest.raises(BoundaryError, match=r"1 of 2 rows of sales have 1 value that products does not know:\n.*'c'"):
        run(with_products, referring())
    assert published(with_products, "t/sales") == []


def test_budget_lets_some_values_be_unknown(with_products):
    assert run(with_products, referring(budget=1)).rules["sold_products"].state == "broken"
    deliver(with_products, "sales2.csv", (3, "2024-05-01", "d", 7))
    assert run(with_products, referring(budget=1, over="run")).state == "SUCCESS"
    deliver(with_products, "sales3.csv", (4, "2024-05-01", "a", 7))
    with pytest.raises(BoundaryError, match=r"2 of 4 rows of sales have 2 values .*, at most 1 may"):
        run(with_products, referring(budget=1))


def selling(schema, *rules):
    """The newest sale of each id, and all that ever came; `sold` gives its rows in a schema."""

    @step(returns=schema)
    def sold(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales.with_columns(shop=pl.lit(None, dtype=pl.String)) if schema is SaleWithShop else sales

    outputs = [table("t/sold", of=sold, mode="merge", key="id"), table("t/all", of="sales", mode="append")]
    sources = {"sales": csv_files("sales*.csv", schema=Sale)}
    return Pipeline("t.sold", sources=sources, steps=[sold], outputs=outputs, rules=rules)


def test_table_that_is_to_get_a_column_stays_as_it_is_where_a_rule_is_broken(tmp_path):
    rule = agree("r", left="sold", right="sales", on=SUM)
    deliver(tmp_path, "sales1.csv", (1, "2024-05-01", "a", 5))
    run(tmp_path, selling(Sale, rule))
    before = open_table(space_of(tmp_path).lake, "t/sold")
    deliver(tmp_path, "sales2.csv", (1, "2024-05-01", "a", 6))
    with pytest.raises(BoundaryError, match="sold 6, sales 11, difference -5"):
        run(tmp_path, selling(SaleWithShop, rule))
    after = open_table(space_of(tmp_path).lake, "t/sold")
    assert (after.version, after.schema) == (before.version, before.schema)
    report = run(tmp_path, selling(SaleWithShop, agree("r", left="sold", right="sales", on=SUM, within="50%")))
    assert report.rules["r"].state == "held"
    assert "shop" in open_table(space_of(tmp_path).lake, "t/sold").schema


def test_what_does_not_fit_is_told_at_once_without_reading():
    rules = [
        agree("a", left="days", right="sales", on=pl.col("nett").sum(), by="dy"),
        agree("b", left="days", right="sales", on=pl.col("net")),
        agree("c", left="days", right="sales", on=(SUM, pl.col("day").max())),
        agree("d", left="days", right="sales", on=pl.col("day").max(), within=1),
        references("e", of="days", column="day", to="sales", key="id"),
    ]
    told = [f"{p.where.partition(', ')[2]}: {p.what} ({p.fix})" for p in verify(summing(days, *rules))]
    assert told == [
        "rule 'a': by names 'dy', which days does not have (did you mean 'day'?)",
        "rule 'a': left: it looks at column 'nett', which days does not have; did you mean 'net'? ()",
        "rule 'a': by names 'dy', which sales does not have (did you mean 'day'?)",
        "rule 'a': right: it looks at column 'nett', which sales does not have; did you mean 'net'? ()",
        "rule 'b': left: it gives a value for each row; aggregate them, such as pl.col('net_amount').sum() ()",
        "rule 'b': right: it gives a value for each row; aggregate them, such as pl.col('net_amount').sum() ()",
        "rule 'c': compares Int64 of days with Date of sales (aggregate the same kind of value on both sides)",
        "rule 'd': within='1' is said of values of type Date (only numbers can be near each other)",
        "rule 'e': day of days is Date, id of sales is Int64 (cast one of them where it is computed)",
    ]


def test_table_that_only_a_rule_looks_at_is_read_for_it_and_its_columns_are_held_in_the_run(tmp_path):
    deliver(tmp_path, "sales.csv", (1, "2024-05-01", "a", 5))
    run(tmp_path, taking_in())

    def pipeline(on):
        sources = {"sales": csv_files("sales*.csv", schema=Sale), "ledger": delta_table("t/sales")}
        rule = agree("r", left="sales", right="ledger", on=(SUM, on))
        outputs = [table("t/copy", of="sales", mode="merge", key="id")]
        return Pipeline("t.copy", sources=sources, outputs=outputs, rules=[rule])

    with pytest.raises(DefinitionError, match="right: it looks at column 'nett', which ledger does not have"):
        run(tmp_path, pipeline(pl.col("nett").sum()))
    assert published(tmp_path, "t/copy") == []
    assert run(tmp_path, pipeline(SUM)).rules["r"].state == "held"


def test_step_that_takes_a_table_of_which_no_schema_is_known_is_run(tmp_path):
    deliver(tmp_path, "sales.csv", (1, "2024-05-01", "a", 5))
    run(tmp_path, taking_in())

    @step(returns=Day)
    def loose_days(sales: pl.LazyFrame) -> pl.LazyFrame:
        return sales.group_by("day").agg(SUM)

    assert run(tmp_path, summing(loose_days, counting("loose_days"))).rules["all_is_counted"].state == "held"


def test_what_a_rule_asks_is_part_of_the_identity_and_who_answers_for_it_is_not():
    plain, ruled = fingerprint(summing(days)), fingerprint(summing(days, counting()))
    assert plain != ruled
    assert fingerprint(summing(days, counting(description="why", holds=[{"days": []}]))) == ruled
    assert fingerprint(summing(days, counting(within=1))) != ruled
