"""Sessions and journeys written by hand, in Polars and in pandas. No Sluice is imported.

Both read events (`benchmarks.events`), cut them into sessions of 30 minutes, find the touches in the week before each
conversion, and write one row per touch with its linear part of the value, to the cent. A conversion without touches
stays as a row.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

GAP = timedelta(minutes=30)
WEEK = timedelta(days=7)


def attribute_polars(data: Path, target: Path) -> None:
    """One sort for the sessions, a hash join by user for the journeys, windows over what the join left.

    The fastest of four plans: an anti-join for conversions without touches reads the journeys twice, looking sessions
    up afterwards and sorting journeys cost more. It pays for touches times conversions of a user.
    """
    import polars as pl

    events = pl.scan_parquet(data / "events" / "*.parquet")
    ordered = events.select("event_id", "user_id", "at", "channel", "is_conversion").sort("user_id", "at")
    opens = (pl.col("user_id") != pl.col("user_id").shift(1)) | (pl.col("at") - pl.col("at").shift(1) > GAP)
    started = pl.when(opens.fill_null(value=True)).then("at").forward_fill()
    touches = ordered.with_columns(session_start=started).filter(~pl.col("is_conversion")).drop("is_conversion")
    cents = pl.col("value").to_physical().cast(pl.Int64)
    orders = events.filter("is_conversion").select("user_id", order_id="event_id", bought_at="at", cents=cents)
    is_near = pl.col("at").is_between(pl.col("bought_at") - WEEK, pl.col("bought_at"))
    near = touches.join(orders, on="user_id").filter(is_near)
    placed = pl.concat([near, orders], how="diagonal").with_columns(
        position=pl.col("at").rank("ordinal").over("order_id").cast(pl.Int64),
        touches=pl.col("at").count().over("order_id").cast(pl.Int64),
    )
    journeys = placed.filter(pl.col("at").is_not_null() | (pl.col("touches") == 0))
    place, count = pl.col("position"), pl.col("touches")
    due = [(2 * pl.col("cents") * n + count) // (2 * count) for n in (place, place - 1)]
    credit = pl.when(count == 0).then("cents").otherwise(due[0] - due[1]) * pl.lit("0.01").cast(pl.Decimal(18, 2))
    journeys.with_columns(credit=credit).drop("cents").sink_parquet(target, compression_level=1, maintain_order=False)


def attribute_pandas(data: Path, target: Path) -> None:
    """The same with sorting, shifting, merging and grouping in pandas."""
    import pandas as pd

    events = pd.read_parquet(
        data / "events", columns=["event_id", "user_id", "at", "channel", "is_conversion", "value"]
    )
    events = events.sort_values(["user_id", "at"])
    silence = events.groupby("user_id")["at"].diff()
    events["session"] = (silence.isna() | (silence > GAP)).cumsum()
    events["session_start"] = events.groupby("session")["at"].transform("min")
    is_conversion = events["is_conversion"]
    touches = events.loc[~is_conversion, ["event_id", "user_id", "at", "channel", "session_start"]]
    orders = events.loc[is_conversion, ["event_id", "user_id", "at", "value"]].rename(
        columns={"event_id": "order_id", "at": "bought_at"}
    )
    orders["cents"] = (orders.pop("value").astype("float64") * 100).round().astype("int64")
    pairs = touches.merge(orders, on="user_id")
    pairs = pairs[(pairs["at"] <= pairs["bought_at"]) & (pairs["at"] >= pairs["bought_at"] - WEEK)]
    by_order = pairs.groupby("order_id")["at"]
    pairs = pairs.assign(position=by_order.rank("first").astype("int64"), touches=by_order.transform("size"))
    before, upto = (
        (2 * pairs["cents"] * place + pairs["touches"]) // (2 * pairs["touches"])
        for place in (pairs["position"] - 1, pairs["position"])
    )
    pairs["credit"] = upto - before
    alone = orders[~orders["order_id"].isin(pairs["order_id"])].assign(touches=0, credit=lambda rows: rows["cents"])
    journeys = pd.concat([pairs, alone])
    journeys["credit"] /= 100  # pandas has no exact decimals of its own
    journeys.drop(columns="cents").to_parquet(target)


def attribute_pandas_by_user(data: Path, target: Path) -> None:
    """The same user by user, as such code is mostly written: a group per user, a loop over its conversions."""
    import pandas as pd

    events = pd.read_parquet(
        data / "events", columns=["event_id", "user_id", "at", "channel", "is_conversion", "value"]
    )
    events["cents"] = (events.pop("value").astype("float64") * 100).round().astype("int64")
    found = []
    for _, mine in events.sort_values("at").groupby("user_id"):
        opens = mine["at"].diff().isna() | (mine["at"].diff() > GAP)
        mine = mine.assign(session_start=mine["at"].where(opens).ffill())  # noqa: PLW2901 - as it is written
        touches = mine[~mine["is_conversion"]]
        for order in mine[mine["is_conversion"]].itertuples():
            led = touches[(touches["at"] <= order.at) & (touches["at"] >= order.at - WEEK)]
            count = len(led)
            due = [(2 * order.cents * place + count) // (2 * count) for place in range(count + 1)] if count else []
            credit = [upto - before for before, upto in pairwise(due)] or [order.cents]
            rows = led if count else led.reindex([0])
            found.append(
                rows.assign(
                    order_id=order.event_id,
                    bought_at=order.at,
                    position=range(1, count + 1) if count else None,
                    touches=count,
                    credit=[cents / 100 for cents in credit],
                )
            )
    pd.concat(found).drop(columns="cents").to_parquet(target)
