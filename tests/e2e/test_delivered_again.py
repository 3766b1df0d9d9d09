"""A file that is delivered again counts as it stands now: what only its earlier content said is no longer there."""

from dataclasses import replace

import pytest

from tests.oracle.histories import NOW, Version
from tests.oracle.lake import House, assert_true
from tests.oracle.truth import find_truth

pytestmark = pytest.mark.drawn(3)


def sale(number: int, quantity: str = "1", product: str = "PRD001", day: int = 1) -> dict:
    return {
        "transaction_id": f"TXN{number:03d}",
        "store_id": "ST001",
        "customer_id": "CUST001",
        "product_id": product,
        "quantity": quantity,
        "unit_price": "1.50",
        "discount_percent": "0",
        "transaction_timestamp": f"2024-01-0{day} 09:00:00",
    }


def thing(number: int, cost: float = 0.5, updated: str = "2024-01-02") -> dict:
    return {
        "product_id": f"PRD{number:03d}",
        "name": "Thing",
        "category": "Toys",
        "brand": None,
        "cost_price": cost,
        "retail_price": 1.5,
        "last_updated": f"{updated}T00:00:00Z",
    }


PRODUCTS = Version(0, "products/all.json", 1, (thing(1), thing(2)))
EARLIER = Version(0, "sales/earlier.csv", 2, (sale(1, "7"), sale(3, "7", day=2)))
SALES = Version(0, "sales/week.csv", 5, (sale(1), sale(2)))
CORRECTIONS = {
    "a_value_is_corrected": replace(SALES, hour=6, records=(sale(1), sale(2, "3"))),
    "a_row_is_added": replace(SALES, hour=6, records=(sale(1), sale(2), sale(4))),
    "a_row_moves_to_another_day": replace(SALES, hour=6, records=(sale(1), sale(2, day=3))),
    "rows_change_places_within_a_tick_of_the_clock": replace(SALES, records=(sale(2, "30"), sale(1))),
    "a_row_is_withdrawn": replace(SALES, hour=6, records=(sale(1),)),
    "a_row_that_had_replaced_another_is_withdrawn": replace(SALES, hour=6, records=(sale(2),)),
    "a_row_is_bad_now": replace(SALES, hour=6, records=(sale(1), sale(2, "0"))),
    "a_row_waits_now": replace(SALES, hour=6, records=(sale(1), sale(2, product="PRD003"))),
    "the_new_content_has_an_older_time": replace(SALES, hour=4, records=(sale(1), sale(2, "3"))),
    "a_product_is_withdrawn_and_its_sales_wait_again": replace(PRODUCTS, hour=6, records=(thing(2),)),
    "a_product_is_set_back": replace(PRODUCTS, hour=6, records=(thing(1, 0.75, "2024-01-01"), thing(2))),
}


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_after_a_file_was_delivered_again_the_lake_is_that_of_a_full_run(tmp_path, correction):
    house = House(tmp_path, NOW)
    for version in (PRODUCTS, EARLIER, SALES):
        version.write(house.raw)
    house.run()
    assert_true(house, find_truth(house.raw, NOW))
    CORRECTIONS[correction].write(house.raw)
    house.run()
    assert_true(house, find_truth(house.raw, NOW))


def test_what_was_pending_of_the_earlier_content_is_superseded(tmp_path):
    house = House(tmp_path, NOW)
    spoiled = replace(SALES, records=(sale(1, "0"), sale(2, product="PRD003"), sale(4, "x")))
    mended = replace(SALES, hour=6, records=(sale(1), sale(2, product="PRD003"), sale(4)))
    for version in (PRODUCTS, spoiled):
        version.write(house.raw)
        house.run()
    mended.write(house.raw)
    house.run()
    states = house.quarantine().sort("line", "seq").select("line", "state").rows()
    assert states == [(2, "superseded"), (3, "superseded"), (3, "waiting"), (4, "superseded")]
    assert_true(house, find_truth(house.raw, NOW))


def test_a_line_taken_up_from_waiting_stays_behind_a_later_line_of_its_file(tmp_path):
    house = House(tmp_path, NOW)
    twice = replace(SALES, records=(sale(1, "5", product="PRD003"), sale(1)))
    late = replace(PRODUCTS, path="products/late.json", hour=6, records=(thing(3),))
    for version in (PRODUCTS, twice):
        version.write(house.raw)
    house.run()
    late.write(house.raw)
    house.run()
    assert house.table("retail/sales")["TXN001",]["quantity"] == 1
    assert_true(house, find_truth(house.raw, NOW))
