"""`sluice schema diff`, `check`, `history`, `migrate`, and what `plan` and `run` say of a schema that changed."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from framework.lake import open_table
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = "shop/orders"
TIGHTER = ("quantity: int = pa.Field(gt=0)", "quantity: int = pa.Field(gt=1)")
REFUSAL = (
    "error: table 'shop/orders' (version 1, compatibility 'backward') cannot change its schema as shop.orders declares"
    " it:\n"
    "  - quantity: constraint tightened (was > 0, is > 1): rows that are there may not hold\n"
    "  nothing was read or written; bring its rows along with `sluice schema migrate shop/orders`; compute them again"
    " with `sluice run shop.orders --full`; keep what was there, or say compatibility= on the table\n"
)


def edit(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def rename(project: Path) -> None:
    """Call a column of the orders otherwise, and change its type; the totals still read the old one."""
    schemas = project / "schemas/shop.py"
    schemas.write_text(
        schemas.read_text() + "\n\nclass TotalledOrder(Order):\n"
        '    total: pl.Float64 = pa.Field(ge=0, metadata={"renamed_from": "amount"})\n'
    )
    value = '(pl.col("quantity") * pl.col("unit_price")).cast('
    edit(
        project / "pipelines/shop/orders.py",
        ("ValuedOrder", "TotalledOrder"),
        (f"amount={value}Amount)", f"total={value}pl.Float64)"),
        ('partition_by="day")', 'partition_by="day", migration=Migration(cast=["total"]))'),
        ("import LazyFrame,", "import LazyFrame, Migration,"),
    )


def adapt(project: Path) -> None:
    """Have the totals read what the orders are called now."""
    edit(
        project / "pipelines/shop/daily_totals.py",
        ("ValuedOrder", "TotalledOrder"),
        ('amount=pl.col("amount").sum()', 'amount=pl.col("total").sum()'),
    )


def deliver(project: Path) -> None:
    text = "order_id,day,product,quantity,unit_price\nO900,2024-01-03,apples,5,1.00\n"
    (project / "data/raw/orders/2024-01-03.csv").write_text(text)


def test_a_breaking_change_stops_plan_and_run_before_data_moves(ran, sluice):
    edit(ran / "schemas/shop.py", TIGHTER)
    deliver(ran)
    before = sorted(str(path) for path in (ran / "data/lake").rglob("*"))
    done = sluice("-C", ran, "run", "shop.orders")
    assert done.returncode == 2
    assert REFUSAL.removeprefix("error: ").splitlines()[1] in done.stdout
    assert sorted(str(path) for path in (ran / "data/lake").rglob("*")) == before
    planned = sluice("-C", ran, "--json", "plan", "shop.orders")
    assert (planned.returncode, planned.stderr) == (2, REFUSAL)
    document = json.loads(planned.stdout)
    assert document["error"]["error"] == "CompatibilityError"
    (schema,) = document["pipelines"][0]["schemas"]
    assert (schema["table"], schema["is_held"], schema["version"]) == (ORDERS, True, 1)
    assert [change["kind"] for change in schema["changes"]] == ["constraint tightened"]


def test_a_table_whose_rows_all_hold_is_migrated_without_a_file_written(ran, sluice):
    edit(ran / "schemas/shop.py", TIGHTER)
    diff = sluice("-C", ran, "schema", "diff", ORDERS)
    assert diff.stdout == (
        "shop/orders: version 1 -> as shop.orders declares it\n"
        "column    change                what             old rows  old readers\n"
        "quantity  constraint tightened  was > 0, is > 1  no        yes\n"
    )
    before = set((ran / "data/lake/shop/orders").rglob("*.parquet"))
    done = sluice("-C", ran, "schema", "migrate", ORDERS)
    assert (done.returncode, done.stdout) == (0, "shop/orders: schema version 2, table version 2, 4 rows\n")
    assert set((ran / "data/lake/shop/orders").rglob("*.parquet")) == before
    listed = json.loads(sluice("-C", ran, "--json", "schema", "history", ORDERS).stdout)["versions"]
    assert [(one["version"], one["table_version"]) for one in listed] == [(2, 2), (1, 1)]
    assert listed[0]["changes"] == ["quantity: constraint tightened (was > 0, is > 1)"]
    both = sluice("-C", ran, "schema", "diff", ORDERS, "--since", "2", "--until", "1")
    assert both.stdout.splitlines()[2] == "quantity  constraint loosened  was > 1, is > 0  yes       no"
    shown = sluice("-C", ran, "schema", "history", ORDERS, "--version", "2").stdout
    assert "quantity      Int64                                      no    -        must be > 1" in shown
    assert shown.endswith("key: order_id\npartitioned by: day\n")


def test_who_reads_what_is_said_and_a_migration_waits_for_them(ran, sluice):
    rename(ran)
    checked = sluice("-C", ran, "schema", "check", "shop.orders")
    assert checked.returncode == 2
    assert checked.stdout.splitlines()[:2] == [
        "shop/orders: version 1, backward, 2 changes",
        "    read by shop.daily_totals, source 'orders': day, product, amount",
    ]
    assert "    breaks  shop.daily_totals, source 'orders', amount: column renamed (was amount): step" in checked.stdout
    adapt(ran)
    planned = sluice("-C", ran, "schema", "migrate", ORDERS, "--plan")
    assert planned.stdout == (
        "shop/orders: rewrites 4 rows in 2 files\n"
        "    total: column renamed (was amount): by itself\n"
        "    total: type changed (was Decimal(precision=18, scale=2), is Float64): values are cast, and one that does"
        " not fit fails it\n"
    )


@pytest.mark.parametrize("point", ["commit.before", "commit.after"])
def test_killed_at_any_point_a_migration_leaves_the_old_table_or_the_new(ran, sluice, point):
    rename(ran)
    adapt(ran)
    lake = StorageLocation(str(ran / "data/lake"))
    killed = sluice("-C", ran, "schema", "migrate", ORDERS, SLUICE_FAULT=f"{point}:kill")
    assert killed.returncode == -signal.SIGKILL
    handle = open_table(lake, ORDERS)
    assert handle.schema_version == (2 if point == "commit.after" else 1)
    assert ("total" in handle.schema) == (point == "commit.after")
    assert sluice("-C", ran, "schema", "migrate", ORDERS).returncode == 0
    handle = open_table(lake, ORDERS)
    assert (handle.version, handle.schema_version) == (2, 2)
    assert sorted(handle.scan().select("total").collect().to_series().to_list()) == [3.5, 3.6, 5.0, 10.0]
    assert handle.sequence("sluice/shop.orders/shop/orders") == 1


def test_what_is_not_there_is_named(ran, sluice):
    done = sluice("-C", ran, "schema", "history", ORDERS, "--version", "9")
    assert (done.returncode, done.stderr) == (4, "error: the schema of 'shop/orders' has no version 9; registered: 1\n")
