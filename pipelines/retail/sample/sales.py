"""Honest sales: who buys what, where and when, before anything is spoiled."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from framework.testing import SampleRequest
from pipelines.retail.sample.campaigns import Campaign, promoted_on
from pipelines.retail.sample.catalogue import Catalogue
from pipelines.retail.sample.customers import customers_known_on

FIELDS = (
    "transaction_id",
    "store_id",
    "customer_id",
    "product_id",
    "quantity",
    "unit_price",
    "discount_percent",
    "transaction_timestamp",
)
STORES = tuple(f"ST{n:03d}" for n in range(1, 13))
STORE_WEIGHTS = (12, 9, 8, 7, 6, 5, 11, 8, 7, 5, 4, 3)
REGIONS = ("north", "south")
REGION_OF = {store: REGIONS[place * len(REGIONS) // len(STORES)] for place, store in enumerate(STORES)}
HOURS = range(8, 22)
WEEKDAY_HOUR_WEIGHTS = (2, 3, 4, 5, 8, 7, 4, 4, 5, 8, 10, 8, 5, 2)
WEEKEND_HOUR_WEIGHTS = (1, 3, 6, 9, 10, 10, 10, 9, 8, 7, 5, 4, 2, 1)
FIRST_WEEKEND_DAY = 5
QUANTITIES, QUANTITY_WEIGHTS = ("1", "2", "3", "4", "5", "6", "12"), (60, 20, 8, 5, 3, 2, 1)
DISCOUNTS, DISCOUNT_WEIGHTS = ("0.0", "2.5", "5.0", "10.0", "33.3"), (80, 4, 8, 6, 2)
PROMOTIONS, PROMOTION_WEIGHTS = ("0.0", "10.0", "12.5", "15.0", "20.0", "50.0"), (30, 20, 10, 20, 18, 2)
POPULARITY_SKEW = 0.8
LOYALTY_SKEW = 2.2
PROMOTED_FACTOR = 1.7

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayOfSales:
    """What was sold on one day: rows per region in order of time, and units per (store, product)."""

    rows: dict[str, list[Row]]
    units: Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Market:
    """What is on offer on one day, by product: weight, price as text, promoted or not."""

    weights: dict[str, float]
    prices: dict[str, str]
    promoted: frozenset[str]


@cache
def clock(second: int) -> str:
    """Return the time of a second of the day as text."""
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def market_on(catalogue: Catalogue, campaigns: list[Campaign], day: int) -> Market:
    """Return the offer of a day: the products known by then, popular ones first, promoted ones favoured."""
    known = catalogue.known_on(day)
    categories = promoted_on(campaigns, day)
    promoted = frozenset(product_id for product_id, product in known.items() if product.category in categories)
    ranked = enumerate(sorted(known), start=1)
    return Market(
        weights={
            product_id: rank**-POPULARITY_SKEW * (PROMOTED_FACTOR if product_id in promoted else 1.0)
            for rank, product_id in ranked
        },
        prices={product_id: price_text(product.retail_cents) for product_id, product in known.items()},
        promoted=promoted,
    )


def price_text(cents: int) -> str:
    """Return a price as it stands in a sales file."""
    return f"{cents // 100}.{cents % 100:02d}"


def sell(request: SampleRequest, market: Market, day: int, first_number: int, count: int) -> DayOfSales:
    """Draw one day's sales.

    Args:
        request: The sample asked for.
        market: What is on offer.
        day: The day.
        first_number: Number of the day's first transaction; numbers increase with time.
        count: How many lines to draw.

    Returns:
        The rows of the day, split by region.
    """
    dice = request.dice("sales", day)
    seconds = _seconds(request, day, count)
    products = dice.choices(tuple(market.weights), cum_weights=tuple(accumulate(market.weights.values())), k=count)
    stores = dice.choices(STORES, STORE_WEIGHTS, k=count)
    quantities = dice.choices(QUANTITIES, QUANTITY_WEIGHTS, k=count)
    regular = dice.choices(DISCOUNTS, DISCOUNT_WEIGHTS, k=count)
    reduced = dice.choices(PROMOTIONS, PROMOTION_WEIGHTS, k=count)
    customers = _customers(request, day, count)
    rows: dict[str, list[Row]] = {region: [] for region in REGIONS}
    date = f"{request.date_of(day)} "
    for place, (store, product) in enumerate(zip(stores, products, strict=True)):
        discounts = reduced if product in market.promoted else regular
        rows[REGION_OF[store]].append(
            (
                f"TXN{first_number + place:08d}",
                store,
                customers[place],
                product,
                quantities[place],
                market.prices[product],
                discounts[place],
                date + clock(seconds[place]),
            )
        )
    return DayOfSales(rows=rows, units=_units(stores, products, quantities))


def _seconds(request: SampleRequest, day: int, count: int) -> list[int]:
    dice = request.dice("hours", day)
    weekend = request.date_of(day).weekday() >= FIRST_WEEKEND_DAY
    hours = dice.choices(HOURS, WEEKEND_HOUR_WEIGHTS if weekend else WEEKDAY_HOUR_WEIGHTS, k=count)
    return sorted(3600 * hour + int(3600 * dice.random()) for hour in hours)


def _customers(request: SampleRequest, day: int, count: int) -> list[str]:
    dice = request.dice("buyers", day)
    known = customers_known_on(request, day)
    return [f"CUST{1 + int(known * dice.random() ** LOYALTY_SKEW):06d}" for _ in range(count)]


def _units(stores: list[str], products: list[str], quantities: list[str]) -> Counter[tuple[str, str]]:
    """Add up pieces per (store, product), counting equal lines first."""
    units: Counter[tuple[str, str]] = Counter()
    for (store, product, quantity), lines in Counter(zip(stores, products, quantities, strict=True)).items():
        units[store, product] += int(quantity) * lines
    return units
