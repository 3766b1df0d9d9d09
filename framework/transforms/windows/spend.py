"""Money by day: what was spent, and what came back for it over the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_absent, require_columns, require_type
from framework.transforms.windows.panes import PANE, dense_panes, rolled_sum
from framework.transforms.windows.tumbling import START, tumbling

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = "day"


def daily_spend(
    rows: pl.LazyFrame, *, spend: str, time: str, by: str | Sequence[str] = (), zone: str | None = None
) -> pl.LazyFrame:
    """Sum up spend by local day. One row per key and day that has rows; order is not kept.

    Days are those of `zone`, or else of the zone that the times carry (see `tumbling`); dates are taken as they are.
    Gives the key, `day` (Date), the sum under the name of the column (exact for decimals), and three counts (Int64):
    `entries`, how many rows there are; `refunds`, how many of them are negative, which is money given back and lowers
    the sum; `unpriced`, how many are null, which the sum leaves out. Rows without a time are summed up under a null
    day, one row per key.

    Lazy, streaming.

    Raises:
        TransformError: at definition, when a column is not there, spend is no number, or the time is none.

    >>> from datetime import date
    >>> costs = pl.LazyFrame({"on": [date(2024, 1, 1)] * 3, "cost": [10, -4, None]})
    >>> costs.pipe(daily_spend, spend="cost", time="on").collect().rows()
    [(datetime.date(2024, 1, 1), 6, 3, 1, 1)]
    """
    keys = names_of(by)
    schema = require_columns(rows, "daily_spend", [*keys, spend, time])
    _require_money(schema, "daily_spend", spend)
    require_absent(pl.Schema({n: schema[n] for n in (*keys, spend)}), "daily_spend", [DAY, *_COUNTS])
    amount = pl.col(spend)
    counts = {"entries": pl.len(), "refunds": (amount < 0).sum(), "unpriced": amount.null_count()}
    daily = tumbling(rows, {spend: amount.sum(), **counts}, time=time, every="1d", by=keys, zone=zone)
    return daily.select(*keys, pl.col(START).dt.date().alias(DAY), spend, *counts)


def rolling_roi(
    daily: pl.LazyFrame,
    *,
    spend: str,
    revenue: str,
    day: str,
    by: str | Sequence[str],
    days: Sequence[int] = (7, 28),
) -> pl.LazyFrame:
    """Give the return on investment over the last days. One row per key and calendar day; order is not kept.

    Days run from a key's first to its last, and one without rows counts as zero; so does a null amount. Several rows of
    one day are summed up. Gives the key, the day, the day's spend and revenue, and for each `n` of `days` their sums
    over the last n calendar days, that one included (`<spend>_7d`, `<revenue>_7d`; exact for integers and decimals),
    and `roi_7d` = (revenue - spend) / spend, Float64: 0 is break-even, 1 is twice the money back. It is null where the
    spend of those days is not above zero. In the first days of a key the sums hold what there is.

    Rows without a day are one row per key with a null day, whose last days are null; a null key is a key of its own.

    Lazy, streaming; what is held in memory are the days.

    Source: return on investment as commonly defined, (gain - cost) / cost; ROAS, revenue / spend, is 1 above it
    (Farris, Bendle, Pfeifer and Reibstein, Marketing Metrics, on return on marketing investment).

    Raises:
        TransformError: at definition, when a column is not there, the day is no Date, an amount no number, a count of
            days is not above zero, or a column to be added is there already.

    >>> from datetime import date
    >>> days = [date(2024, 1, 1), date(2024, 1, 3)]
    >>> daily = pl.LazyFrame({"ad": ["a", "a"], "day": days, "cost": [10, 10], "won": [5, 25]})
    >>> roi = daily.pipe(rolling_roi, spend="cost", revenue="won", day="day", by="ad", days=[2]).sort("day")
    >>> roi.select("cost", "cost_2d", "won_2d", "roi_2d").collect().rows()
    [(10, 10, 5, -0.5), (0, 10, 5, -0.5), (10, 10, 25, 1.5)]
    """
    names = names_of(by)
    keys = names or [_ALL]
    schema = require_columns(daily, "rolling_roi", [*names, spend, revenue, day])
    require_type(schema, "rolling_roi", day, lambda dtype: isinstance(dtype, pl.Date), "Date (dt.date() in its zone)")
    for amount in (spend, revenue):
        _require_money(schema, "rolling_roi", amount)
    if not days or min(days) < 1:
        raise TransformError(f"rolling_roi: days={list(days)} must be counts of days above zero")
    added = [name for n in days for name in (f"{spend}_{n}d", f"{revenue}_{n}d", f"roi_{n}d")]
    require_absent(pl.Schema({n: schema[n] for n in (*names, spend, revenue, day)}), "rolling_roi", added)
    placed = daily.with_columns(pl.col(day).to_physical().cast(pl.Int64).alias(PANE), pl.lit(0).alias(_ALL))
    sums = {amount: _exact(schema[amount], amount).sum() for amount in (spend, revenue)}
    dense = dense_panes(placed, keys, sums)
    rolled = [
        pl.when(pl.col(PANE).is_not_null()).then(rolled_sum(schema[amount], amount, n, keys)).alias(f"{amount}_{n}d")
        for n in days
        for amount in (spend, revenue)
    ]
    shown = dense.with_columns(rolled).with_columns(_roi(f"{spend}_{n}d", f"{revenue}_{n}d", f"roi_{n}d") for n in days)
    date = pl.col(PANE).cast(pl.Int32).cast(pl.Date).alias(day)
    return shown.select(*names, date, pl.col(spend, revenue).fill_null(0), *added)


_ALL = "__all"
_COUNTS = ("entries", "refunds", "unpriced")


def _roi(spend: str, revenue: str, into: str) -> pl.Expr:
    cost, gain = pl.col(spend), pl.col(revenue) - pl.col(spend)
    return pl.when(cost > 0).then(gain.cast(pl.Float64) / cost.cast(pl.Float64)).alias(into)


def _exact(dtype: pl.DataType, name: str) -> pl.Expr:
    return pl.col(name) if dtype.is_float() or dtype.is_decimal() else pl.col(name).cast(pl.Int64)


def _require_money(schema: pl.Schema, where: str, name: str) -> None:
    require_type(schema, where, name, lambda dtype: dtype.is_numeric(), "a number (Decimal for money)")
