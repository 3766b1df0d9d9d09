"""Conversions in euros, by the rate that held on their day. Only new ones, and those of changed rates, are computed."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import Rates, convert_currency
from schemas.marketing import AMOUNT, Conversion, ConversionValue, Rate


@step(returns=ConversionValue)
def conversion_values(conversions: LazyFrame[Conversion], rates: LazyFrame[Rate]) -> pl.LazyFrame:
    """Value each conversion in euros, rounded half away from zero to the cent. One row per conversion. Lazy.

    Null where the currency has no rate yet on that day.
    """
    return conversions.pipe(
        convert_currency, Rates(rates), amount="value", currency="currency", date="day", into="value_eur"
    ).select("conversion_id", "user_id", "converted_at", "day", "type", value_eur=pl.col("value_eur").cast(AMOUNT))


pipeline = Pipeline(
    "marketing.conversion_values",
    sources={
        "conversions": delta_table("marketing/conversions", sample_by="user_id"),
        "rates": delta_table("marketing/rates", key="currency"),
    },
    steps=[conversion_values],
    outputs=[
        table(
            "marketing/conversion_values",
            of=conversion_values,
            mode="merge",
            key="conversion_id",
            recompute_by="conversion_id",
        ),
    ],
)
