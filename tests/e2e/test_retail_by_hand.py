"""A handful of sale lines, valued by hand: the five tables of the retail case before and after a late product."""

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.oracle.lake import House, assert_same_rows
from tests.oracle.truth import KEYS

pytestmark = pytest.mark.drawn(3, by="completed")

NOW = datetime(2024, 2, 1, tzinfo=UTC)
HEADER = "transaction_id,store_id,customer_id,product_id,quantity,unit_price,discount_percent,transaction_timestamp"
FIRST_DAY, SECOND_DAY = date(2024, 1, 1), date(2024, 1, 2)

SALES = f"""\
{HEADER}
TXN001,ST001,CUST001,PRD001,3,0.335,0,2024-01-01 10:00:00
TXN002,ST001,CUST001,PRD001,1,0.04,12.5,2024-01-01 11:00:00
TXN003,ST002,CUST002,PRD002,1,4.85,10,2024-01-02 09:00:00
TXN004,ST001,CUST002,PRD002,2,5.00,0,2024-01-02 12:00:00
TXN005,ST001,CUST001,PRD001,0,1.00,0,2024-01-02 12:30:00
TXN006,ST001,CUST002,PRD003,1,2.50,0,2024-01-02 13:00:00
"""
SALES_AGAIN = f"""\
{HEADER}
TXN001,ST001,CUST001,PRD001,3,0.335,0,2024-01-01 10:00:00
TXN004,ST001,CUST002,PRD002,2,5.00,0,2024-01-01 12:00:00
"""
INVENTORY = """\
update_id,store_id,product_id,quantity_change,update_timestamp,update_type
UPD001,ST001,PRD001,50,2024-01-01 08:00:00,restock
UPD002,ST001,PRD001,-3,2024-01-01 20:00:00,sale
UPD003,ST001,PRD002,10,2024-01-01 08:30:00,restock
UPD004,ST001,PRD002,-5,2024-01-01 09:00:00,restock
"""
CAMPAIGN = {
    "campaign_id": "CMP001",
    "name": "Second day",
    "start_date": "2024-01-02",
    "end_date": "2024-01-03",
    "target_categories": ["Toys", "Home"],
    "performance": {"impressions": 1000, "clicks": 50, "conversions": 5, "revenue": 125.50},
}


def product(number: int, category: str, cost: float, updated: str) -> dict:
    return {
        "product_id": f"PRD{number:03d}",
        "name": f"Product {number}",
        "category": category,
        "brand": "Atlas",
        "cost_price": cost,
        "retail_price": 5.0,
        "last_updated": f"{updated}T00:00:00Z",
    }


def at(day: int, hour: int) -> datetime:
    return datetime(2024, 1, day, hour, tzinfo=UTC)


def deliver(house: House, path: str, content: str | bytes, moment: datetime) -> None:
    target = house.raw / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(target, (moment.timestamp(), moment.timestamp()))


def deliver_opening(house: House) -> None:
    toy, kettle = product(1, "Toys", 0.10, "2023-12-01"), product(2, "Home", 2.005, "2023-12-01")
    deliver(house, "products/opening.json", json.dumps({"products": [toy, kettle]}), at(1, 0))
    deliver(house, "sales/monday.csv", SALES, at(2, 23))
    deliver(house, "sales/tuesday.csv", SALES_AGAIN, at(3, 23))
    deliver(house, "inventory/monday.csv", INVENTORY, at(2, 23))
    deliver(house, "campaigns/second_day.json", json.dumps(CAMPAIGN), at(2, 23))
    path = house.raw / "customers/profiles.parquet"
    path.parent.mkdir(parents=True)
    profiles = {
        "customer_id": ["CUST001", "CUST003"],
        "first_name": ["Ada", "Noah"],
        "last_name": ["Smith", "Müller"],
        "email": ["ada@example.com", None],
        "phone": [None, "+49 30 1234567"],
        "registration_date": [date(2023, 5, 1), date(2023, 6, 1)],
        "customer_tier": ["gold", "bronze"],
        "preferred_categories": [["Toys"], []],
    }
    pl.DataFrame(profiles, schema_overrides={"preferred_categories": pl.List(pl.String)}).write_parquet(path)


def deliver_late_product(house: House) -> None:
    """The missing product, and a higher cost of the toy."""
    records = [product(3, "Toys", 1.00, "2024-01-04"), product(1, "Toys", 0.20, "2024-01-04")]
    deliver(house, "products/late.json", json.dumps({"products": records}), at(4, 0))


def rows(names: str, *lines: tuple) -> list[dict]:
    return [dict(zip(names.split(), line, strict=True)) for line in lines]


def assert_holds(house: House, table: str, expected: list[dict]) -> None:
    keyed = {tuple(row[name] for name in KEYS[table]): row for row in expected}
    assert_same_rows(table, house.table(table), keyed)


MONDAY, TUESDAY = (at(2, 23), "sales/monday.csv"), (at(3, 23), "sales/tuesday.csv")


def sold(line: str, moment: datetime, gross: str, net: str, came: tuple[datetime, str, int]) -> dict:
    transaction, store, customer, product_id, quantity, price, discount = line.split()
    return {
        "transaction_id": transaction,
        "store_id": store,
        "customer_id": customer,
        "product_id": product_id,
        "quantity": int(quantity),
        "unit_price": Decimal(price),
        "discount_percent": Decimal(discount),
        "transaction_timestamp": moment,
        "day": moment.date(),
        "gross_amount": Decimal(gross),
        "net_amount": Decimal(net),
        **dict(zip(("_source_time", "_source_file", "_source_line"), came, strict=True)),
    }


# 3 x 0.335 = 1.005; 0.04 less 12.5% = 0.035; 4.85 less 10% = 4.365: each is rounded away from zero.
# TXN001 came again unchanged, TXN004 came again a day earlier: both are now the newer file's.
SALES_BEFORE = [
    sold("TXN001 ST001 CUST001 PRD001 3 0.335 0", at(1, 10), "1.01", "1.01", (*TUESDAY, 2)),
    sold("TXN002 ST001 CUST001 PRD001 1 0.04 12.5", at(1, 11), "0.04", "0.04", (*MONDAY, 3)),
    sold("TXN003 ST002 CUST002 PRD002 1 4.85 10", at(2, 9), "4.85", "4.37", (*MONDAY, 4)),
    sold("TXN004 ST001 CUST002 PRD002 2 5 0", at(1, 12), "10.00", "10.00", (*TUESDAY, 3)),
]
SALES_AFTER = [
    *SALES_BEFORE,
    sold("TXN006 ST001 CUST002 PRD003 1 2.5 0", at(2, 13), "2.50", "2.50", (*MONDAY, 7)),
]

DAILY = "day store_id category transactions units gross_amount net_amount margin"
# Margins of the toys: 1.01 - 3 x 0.10 and 0.04 - 0.10; of the kettles: 10 - 2 x 2.005 and 4.37 - 2.005 (as 2.01).
DAILY_BEFORE = rows(
    DAILY,
    (FIRST_DAY, "ST001", "Toys", 2, 4, Decimal("1.05"), Decimal("1.05"), Decimal("0.65")),
    (FIRST_DAY, "ST001", "Home", 1, 2, Decimal("10.00"), Decimal("10.00"), Decimal("5.99")),
    (SECOND_DAY, "ST002", "Home", 1, 1, Decimal("4.85"), Decimal("4.37"), Decimal("2.36")),
)
# The toys now cost 0.20 each: 1.01 - 0.60 and 0.04 - 0.20.
DAILY_AFTER = rows(
    DAILY,
    (FIRST_DAY, "ST001", "Toys", 2, 4, Decimal("1.05"), Decimal("1.05"), Decimal("0.25")),
    (FIRST_DAY, "ST001", "Home", 1, 2, Decimal("10.00"), Decimal("10.00"), Decimal("5.99")),
    (SECOND_DAY, "ST002", "Home", 1, 1, Decimal("4.85"), Decimal("4.37"), Decimal("2.36")),
    (SECOND_DAY, "ST001", "Toys", 1, 1, Decimal("2.50"), Decimal("2.50"), Decimal("1.50")),
)

STOCK = rows(
    "store_id product_id on_hand last_update",
    ("ST001", "PRD001", 47, at(1, 20)),
    ("ST001", "PRD002", 10, datetime(2024, 1, 1, 8, 30, tzinfo=UTC)),
)

VALUE = "customer_id tier orders net_amount first_purchase last_purchase days_between"
# CUST001 bought twice within an hour, CUST002 twice within 21 hours and then 4 hours later, CUST003 never.
VALUE_BEFORE = rows(
    VALUE,
    ("CUST001", "gold", 2, Decimal("1.05"), at(1, 10), at(1, 11), 1 / 24),
    ("CUST002", None, 2, Decimal("14.37"), at(1, 12), at(2, 9), 0.875),
    ("CUST003", "bronze", 0, Decimal("0.00"), None, None, None),
)
VALUE_AFTER = rows(
    VALUE,
    ("CUST001", "gold", 2, Decimal("1.05"), at(1, 10), at(1, 11), 1 / 24),
    ("CUST002", None, 3, Decimal("16.87"), at(1, 12), at(2, 13), 12.5 / 24),
    ("CUST003", "bronze", 0, Decimal("0.00"), None, None, None),
)

PERFORMANCE = "campaign_id ctr conversion_rate revenue_per_click net_amount"
PERFORMANCE_BEFORE = rows(PERFORMANCE, ("CMP001", 0.05, 0.1, 2.51, Decimal("4.37")))
PERFORMANCE_AFTER = rows(PERFORMANCE, ("CMP001", 0.05, 0.1, 2.51, Decimal("6.87")))

BEFORE = {
    "retail/sales": SALES_BEFORE,
    "retail/daily_sales": DAILY_BEFORE,
    "retail/stock": STOCK,
    "retail/customer_value": VALUE_BEFORE,
    "retail/campaign_performance": PERFORMANCE_BEFORE,
}
AFTER = {
    "retail/sales": SALES_AFTER,
    "retail/daily_sales": DAILY_AFTER,
    "retail/stock": STOCK,
    "retail/customer_value": VALUE_AFTER,
    "retail/campaign_performance": PERFORMANCE_AFTER,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> House:
    house = House(tmp_path_factory.mktemp("opened"), NOW)
    deliver_opening(house)
    house.run()
    return house


@pytest.fixture(scope="module")
def then(opened, tmp_path_factory) -> House:
    house = opened.copy(tmp_path_factory.mktemp("then"))
    deliver_late_product(house)
    house.run()
    return house


@pytest.fixture(scope="module")
def at_once(tmp_path_factory) -> House:
    house = House(tmp_path_factory.mktemp("at_once"), NOW)
    deliver_opening(house)
    deliver_late_product(house)
    house.run()
    return house


@pytest.fixture(scope="module")
def rebuilt(then, tmp_path_factory) -> House:
    house = then.copy(tmp_path_factory.mktemp("rebuilt"))
    house.run(full=True)
    return house


@pytest.fixture(scope="module", params=["then", "at_once", "rebuilt"])
def completed(request) -> House:
    """The late product came in a second run, or with all the rest, or a rebuild came last."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("table", BEFORE)
def test_the_opening_gives_the_table_worked_out_by_hand(opened, table):
    assert_holds(opened, table, BEFORE[table])


@pytest.mark.parametrize("table", AFTER)
def test_the_late_product_gives_the_table_worked_out_by_hand(completed, table):
    assert_holds(completed, table, AFTER[table])


def test_the_bad_rows_are_open_and_the_sale_of_the_unknown_product_waits(opened):
    assert opened.pending() == [
        ("retail.inventory", "inventory/monday.csv", 5, "open"),
        ("retail.sales", "sales/monday.csv", 6, "open"),
        ("retail.sales", "sales/monday.csv", 7, "waiting"),
    ]


def test_with_the_late_product_nothing_waits_any_more(completed):
    assert completed.pending() == [
        ("retail.inventory", "inventory/monday.csv", 5, "open"),
        ("retail.sales", "sales/monday.csv", 6, "open"),
    ]


def test_the_duplicate_and_the_updated_line_are_dropped_with_a_count(tmp_path):
    house = House(tmp_path, NOW)
    deliver_opening(house)
    report = house.run()["retail.sales"].sources["sales"]
    assert (report.rows_in, report.accepted, report.quarantined) == (8, 4, 2)
    assert report.dropped == {"duplicate": 1, "superseded": 1}


ROUNDED = [
    ("3", "0.335", "0", "1.01", "1.01"),  # 1.005
    ("1", "0.04", "12.5", "0.04", "0.04"),  # 0.035
    ("1", "0.0049", "0", "0.00", "0.00"),
    ("7", "1.99", "100", "13.93", "0.00"),
    ("1", "4.85", "33.3", "4.85", "3.23"),  # 3.23495: rounded in two goes it would become 3.235 and then 3.24
    ("1", "661.54", "43.3481", "661.54", "374.77"),  # 374.774979...
]


def test_an_amount_is_rounded_once_half_away_from_zero(opened, tmp_path):
    house = opened.copy(tmp_path)
    lines = [
        f"TXN9{n:02},ST001,CUST001,PRD001,{quantity},{price},{discount},2024-01-01 10:00:00"
        for n, (quantity, price, discount, _, _) in enumerate(ROUNDED)
    ]
    deliver(house, "sales/more.csv", "\n".join([HEADER, *lines, ""]), at(5, 0))
    house.run()
    sales = house.table("retail/sales")
    found = [sales[f"TXN9{n:02}",] for n in range(len(ROUNDED))]
    wanted = [(Decimal(gross), Decimal(net)) for *_, gross, net in ROUNDED]
    assert [(sale["gross_amount"], sale["net_amount"]) for sale in found] == wanted
