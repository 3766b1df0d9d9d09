"""Conversions as the CRM and the shops report them: one row per conversion, the newest file's holds.

A conversion whose currency has no rate at all waits in quarantine until there is one.
"""

import polars as pl

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from schemas.marketing import ZONE, Conversion, CrmConversion, Rate, ShopConversion


@step(returns=Conversion)
def conversions(crm: LazyFrame[CrmConversion], shop: LazyFrame[ShopConversion]) -> pl.LazyFrame:
    """Put both reports together, in UTC. One row per conversion as reported. Lazy.

    The shops' times are those of clocks in Berlin; of the two moments at which a clock shows the same in autumn the
    earlier is meant. The day is Berlin's.
    """
    local = pl.col("converted_at_local").dt.replace_time_zone(ZONE, ambiguous="earliest")
    at_the_counter = shop.with_columns(converted_at=local.dt.convert_time_zone("UTC"), origin=pl.lit("shop")).drop(
        "converted_at_local"
    )
    together = pl.concat([crm.with_columns(origin=pl.lit("crm")), at_the_counter], how="diagonal")
    return together.with_columns(day=pl.col("converted_at").dt.convert_time_zone(ZONE).dt.date())


pipeline = Pipeline(
    "marketing.conversions",
    sources={
        "crm": csv_files(
            "marketing/conversions/crm_*.csv",
            delimiter=";",
            encodings=["latin-1"],
            references={"currency": "rates"},
            sample_by="user_id",
        ),
        "shop": csv_files(
            "marketing/conversions/shop_*.csv",
            delimiter=";",
            encodings=["latin-1"],
            references={"currency": "rates"},
            sample_by="user_id",
        ),
        "rates": delta_table("marketing/rates", schema=Rate),
    },
    steps=[conversions],
    outputs=[table("marketing/conversions", of=conversions, mode="merge", key="conversion_id")],
)
