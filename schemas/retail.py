"""The retail domain: what the sources must look like, and what the tables made of them hold.

Campaigns stand in `campaign.yaml`.

Money is decimal: prices and costs to four places, amounts to the cent. Times are UTC.
"""

from __future__ import annotations

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from framework import rule, run_time

AMOUNT = pl.Decimal(18, 2)
Amount = Annotated[pl.Decimal, 18, 2]
Price = Annotated[pl.Decimal, 12, 4]
Percent = Annotated[pl.Decimal, 7, 4]
Moment = Annotated[pl.Datetime, "us", "UTC"]
Names = Annotated[pl.List, pl.String]

LOCAL = "%Y-%m-%d %H:%M:%S"
"""How stores write times."""
TRANSACTION = r"TXN[0-9]{3,}$"
STORE = r"ST[0-9]{3,}$"
CUSTOMER = r"CUST[0-9]{3,}$"
PRODUCT = r"PRD[0-9]{3,}$"
UPDATE = r"UPD[0-9]{3,}$"
EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+$"
TIERS = ["bronze", "silver", "gold", "platinum"]
UPDATE_TYPES = ["restock", "sale", "adjustment", "return"]


def _not_in_future(data: PolarsData) -> pl.LazyFrame:
    moment = pl.col(data.key)
    return data.lazyframe.select(moment <= pl.lit(run_time()))


class Sale(pa.DataFrameModel):
    """One row per sale line as a store reports it."""

    transaction_id: str = pa.Field(str_matches=TRANSACTION)
    store_id: str = pa.Field(str_matches=STORE)
    customer_id: str = pa.Field(str_matches=CUSTOMER)
    product_id: str = pa.Field(str_matches=PRODUCT)
    quantity: int = pa.Field(gt=0)
    unit_price: Price = pa.Field(ge=0)
    discount_percent: Percent = pa.Field(in_range={"min_value": 0, "max_value": 100})
    transaction_timestamp: Moment = pa.Field(metadata={"formats": LOCAL})

    @pa.check("transaction_timestamp", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """A sale has happened."""
        return _not_in_future(data)


class ValuedSale(Sale):
    """One row per sale line, with its day and its value."""

    day: pl.Date
    gross_amount: Amount = pa.Field(ge=0)
    net_amount: Amount = pa.Field(ge=0)

    net_within_gross = rule(
        "net_within_gross",
        pl.col("net_amount") <= pl.col("gross_amount"),
        message="net_amount: must not exceed gross_amount",
        owner="finance",
        description="A discount takes off; nothing is sold for more than its price.",
        holds=[{"gross_amount": "20.00", "net_amount": "18.50"}, {"gross_amount": 20, "net_amount": 20}],
        breaks=[{"gross_amount": "20.00", "net_amount": "20.01"}],
    )


class Product(pa.DataFrameModel):
    """One row per product as the catalogue describes it."""

    product_id: str = pa.Field(str_matches=PRODUCT)
    name: str = pa.Field(str_length={"min_value": 1, "max_value": 200})
    category: str = pa.Field(str_length={"min_value": 1, "max_value": 100})
    brand: str = pa.Field(nullable=True)
    cost_price: Price = pa.Field(ge=0)
    retail_price: Price = pa.Field(ge=0)
    last_updated: Moment

    @pa.check("last_updated", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """A product cannot have been updated later than now."""
        return _not_in_future(data)


class Customer(pa.DataFrameModel):
    """One row per customer profile."""

    customer_id: str = pa.Field(str_matches=CUSTOMER)
    first_name: str = pa.Field(nullable=True)
    last_name: str = pa.Field(nullable=True)
    email: str = pa.Field(nullable=True, str_matches=EMAIL, metadata={"sensitive": True})
    phone: str = pa.Field(nullable=True, metadata={"sensitive": True})
    registration_date: pl.Date
    customer_tier: str = pa.Field(isin=TIERS)
    preferred_categories: Names = pa.Field(nullable=True)

    @pa.check("registration_date", error="must not be in the future")
    def registered_already(cls, data: PolarsData) -> pl.LazyFrame:
        """A customer has registered already."""
        return data.lazyframe.select(pl.col(data.key) <= pl.lit(run_time().date()))


class InventoryUpdate(pa.DataFrameModel):
    """One row per change of a store's stock of a product, in units."""

    update_id: str = pa.Field(str_matches=UPDATE)
    store_id: str = pa.Field(str_matches=STORE)
    product_id: str = pa.Field(str_matches=PRODUCT)
    quantity_change: int = pa.Field(ne=0)
    update_timestamp: Moment = pa.Field(metadata={"formats": LOCAL})
    update_type: str = pa.Field(isin=UPDATE_TYPES)

    @pa.check("update_timestamp", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """An update has happened."""
        return _not_in_future(data)

    @pa.dataframe_check(error="quantity_change: a sale takes from stock, a restock or return adds to it")
    def sign_fits_type(cls, data: PolarsData) -> pl.LazyFrame:
        """The sign of the change follows from its type; an adjustment may go either way."""
        change, kind = pl.col("quantity_change"), pl.col("update_type")
        return data.lazyframe.select(
            pl.when(kind == "sale").then(change < 0).when(kind.is_in(["restock", "return"])).then(change > 0)
        )


class DailySale(pa.DataFrameModel):
    """One row per day, store and category."""

    day: pl.Date
    store_id: str
    category: str
    transactions: int = pa.Field(gt=0)
    units: int = pa.Field(gt=0)
    gross_amount: Amount
    net_amount: Amount
    margin: Amount

    unit_for_each_transaction = rule(
        "unit_for_each_transaction",
        "units >= transactions",
        message="units: must be at least one for each transaction",
        owner="finance",
        description="A sale line sells one unit or more.",
        holds=[{"transactions": 2, "units": 2}],
        breaks=[{"transactions": 2, "units": 1}],
    )
    margin_within_net = rule(
        "margin_within_net",
        "margin <= net_amount",
        message="margin: must not exceed net_amount",
        owner="finance",
        description="Units cost nothing at best.",
        holds=[{"net_amount": "10.00", "margin": "2.50"}, {"net_amount": "10.00", "margin": "-3.00"}],
        breaks=[{"net_amount": "10.00", "margin": "10.01"}],
    )


class Stock(pa.DataFrameModel):
    """One row per store and product: units on hand, and when that last changed."""

    store_id: str
    product_id: str
    on_hand: int
    last_update: Moment


class CustomerValue(pa.DataFrameModel):
    """One row per customer who has a profile or has bought; `days_between` is the mean over consecutive orders."""

    customer_id: str
    tier: str = pa.Field(nullable=True)
    orders: int = pa.Field(ge=0)
    net_amount: Amount
    first_purchase: Moment = pa.Field(nullable=True)
    last_purchase: Moment = pa.Field(nullable=True)
    days_between: float = pa.Field(nullable=True)


class CampaignPerformance(pa.DataFrameModel):
    """One row per campaign; a rate is null where nothing was shown or clicked."""

    campaign_id: str
    ctr: float = pa.Field(nullable=True, ge=0)
    conversion_rate: float = pa.Field(nullable=True, ge=0)
    revenue_per_click: float = pa.Field(nullable=True, ge=0)
    net_amount: Amount
