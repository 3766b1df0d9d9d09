"""Credit of channels by the Shapley value: what each adds, over all orders in which channels could have joined."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import polars as pl

from framework.transforms.arguments import require_absent, require_columns, require_type
from framework.transforms.journeys.shares import is_value, of_units, round_together, units_of, units_type

WHERE = "shapley_credit"
ADDED = ("conversions", "credit")
ALONE, SIZE, UNITS = "__alone", "__size", "__units"


def shapley_credit(journeys: pl.LazyFrame, *, channel: str, value: str, conversion: str) -> pl.LazyFrame:
    """Credit channels with their Shapley value. One row per channel, in order, null last.

    A coalition of channels is worth what the journeys whose channels all lie within it are worth. In this game each
    conversion's value belongs in equal parts to the distinct channels of its journey, however often and in whatever
    order they came, so that no coalition needs to be formed. (Zhao, Mahboobi, Bagheri, "Shapley Value Methods for
    Attribution Modeling in Online Advertising", 2018, simplified method; Shapley, "A value for n-person games", 1953.)

    Takes the rows of `find_journeys`. `conversions` counts those whose journey has the channel. The credits sum up to
    the value of all conversions: exactly for Decimal (as wide as Decimal gets) and integers, where only the totals of
    channels are rounded, the largest remainders up; to the last bits for floats. The row of the null channel holds
    touches without a channel, and conversions without touches. Null values count as nothing.

    Lazy. All counting streams; the last step, over one row per channel and length, is Python and leaves the engine.

    Raises:
        TransformError: at definition, when a column is not there or of the wrong type.

    >>> journeys = pl.LazyFrame({
    ...     "order": [1, 1, 2], "ad": ["mail", "search", "mail"], "value": [30, 30, 50], "touches": [2, 2, 1],
    ... })
    >>> journeys.pipe(shapley_credit, channel="ad", value="value", conversion="order").collect().rows()
    [('mail', 2, 65), ('search', 1, 15)]
    """
    schema = require_columns(journeys, WHERE, [channel, value, conversion, "touches"])
    dtype = require_type(schema, WHERE, value, is_value, "a Decimal, an integer or a float")
    require_type(schema, WHERE, channel, lambda t: not t.is_nested(), "a text or another single value")
    require_absent(pl.Schema({channel: schema[channel]}), WHERE, ADDED)
    exact = journeys.with_columns(units_of(pl.col(value), dtype).alias(UNITS), (pl.col("touches") == 0).alias(ALONE))
    # Conversions without an id have no touches: they are all one group here, so their values are summed up.
    once = exact.group_by(conversion, channel, ALONE).agg(
        pl.when(pl.col(ALONE).first()).then(pl.col(UNITS).sum()).otherwise(pl.col(UNITS).max()).fill_null(0),
        pl.when(pl.col(ALONE).first()).then(pl.len()).otherwise(1).cast(pl.Int64).alias(ADDED[0]),
    )
    sized = once.with_columns(pl.len().over(conversion).cast(pl.Int64).alias(SIZE))
    totals = sized.group_by(channel, SIZE).agg(pl.col(UNITS, ADDED[0]).sum())
    types = pl.Schema({channel: schema[channel], ADDED[0]: pl.Int64(), ADDED[1]: units_type(dtype)})
    # No filter, column or slice may move into the split, which needs all rows.
    split = totals.map_batches(lambda rows: _split(rows, channel, types), schema=types)
    return split.with_columns(of_units(pl.col(ADDED[1]), dtype))


def _split(totals: pl.DataFrame, channel: str, types: pl.Schema) -> pl.DataFrame:
    """Share out the totals of journeys of one length among their channels; round what each gets over all lengths."""
    shares: dict[Any, Any] = {}
    counts: dict[Any, int] = {}
    is_exact = types[ADDED[1]].is_integer()
    for name, size, units, conversions in totals.select(channel, SIZE, UNITS, ADDED[0]).sort(channel, SIZE).rows():
        shares[name] = shares.get(name, 0) + (Fraction(units, size) if is_exact else units / size)
        counts[name] = counts.get(name, 0) + conversions
    names = sorted(shares, key=lambda name: (name is None, name))
    dues = [shares[name] for name in names]
    credit = round_together(dues) if is_exact else dues
    return pl.DataFrame([names, [counts[name] for name in names], credit], schema=types)
