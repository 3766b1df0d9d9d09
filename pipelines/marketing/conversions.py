"""Conversions as the CRM and the shops report them: one row per conversion, the newest file's holds.

A conversion whose currency has no rate at all waits in quarantine until there is one.
"""

import polars as pl

from framework import PROVENANCE, LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.transforms import unify
from schemas.marketing import AMOUNT, ZONE, Conversion, CrmConversion, Rate, ShopConversion

MODEL = pl.Schema(
    {
        "conversion_id": pl.String(),
        "user_id": pl.String(),
        "converted_at": pl.Datetime("us", "UTC"),
        "type": pl.String(),
        "value": AMOUNT,
        "currency": pl.String(),
    }
)
"""What both reports are brought into."""


@step(returns=Conversion)
def conversions(crm: LazyFrame[CrmConversion], shop: LazyFrame[ShopConversion]) -> pl.LazyFrame:
    """Put both reports together, in UTC. One row per conversion as reported. Lazy.

    The shops' times are those of clocks in Berlin; of the two moments at which a clock shows the same in autumn the
    earlier is meant. The day is Berlin's.
    """
    local = pl.col("converted_at_local").dt.replace_time_zone(ZONE, ambiguous="earliest").dt.convert_time_zone("UTC")
    same = {name: name for name in ("conversion_id", "user_id", "type", "value", "currency")}
    together = unify(
        {"crm": (crm, {**same, "converted_at": "converted_at"}), "shop": (shop, {**same, "converted_at": local})},
        MODEL,
        into="origin",
        keep=PROVENANCE,
    )
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
