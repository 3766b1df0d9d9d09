"""The click-stream as unified events: one row per event id, with channel, country, and whether it counts.

What a machine or the house itself does stays in the table, marked. When the taxonomy or the address ranges change, all
events are looked up again.
"""

from datetime import timedelta

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, json_files, step, table
from framework.transforms import look_up, look_up_ip, mark_bots, mark_internal
from schemas.marketing import ZONE, AddressRange, Channel, Click, Event

FIELDS = {
    "occurred_at": "ts",
    "utm_source": "utm.source",
    "utm_medium": "utm.medium",
    "utm_campaign": "utm.campaign",
}
OWN_NETWORKS = ("10.0.0.0/8", "192.168.0.0/16", "2001:db8:ff::/48")
"""The house's addresses: private ones, and the office's."""
OLDEST = timedelta(days=365)
"""Address ranges and channels that have not changed for longer are warned of."""


@step(returns=Event)
def events(clicks: LazyFrame[Click], channels: LazyFrame[Channel], ranges: LazyFrame[AddressRange]) -> pl.LazyFrame:
    """Say of each event where it came from and whether it counts. One row per line of the click-stream. Lazy."""
    has_origin = pl.col("utm_source").is_not_null() | pl.col("utm_medium").is_not_null()
    known = pl.coalesce("channel", pl.lit("other"))
    return (
        clicks.pipe(mark_internal, "ip", networks=OWN_NETWORKS)
        .pipe(mark_bots, "user_agent", into="is_bot_agent")
        .pipe(look_up, channels, on={"utm_source": "source", "utm_medium": "medium"}, columns="channel")
        .pipe(look_up_ip, ranges, ip="ip", span=("first", "last"), columns="country")
        .with_columns(
            day=pl.col("occurred_at").dt.convert_time_zone(ZONE).dt.date(),
            channel=pl.when(has_origin).then(known).otherwise(pl.lit("direct")),
        )
        .rename({"utm_campaign": "campaign_id"})
        .drop("ip", "user_agent", "utm_source", "utm_medium")
    )


pipeline = Pipeline(
    "marketing.events",
    sources={
        "clicks": json_files("marketing/clicks/*.ndjson.gz", fields=FIELDS, sample_by="user_id"),
        "channels": delta_table("marketing/channels", max_age=OLDEST),
        "ranges": delta_table("marketing/geo", max_age=OLDEST),
    },
    steps=[events],
    outputs=[table("marketing/events", of=events, mode="merge", key="event_id", partition_by="day")],
)
