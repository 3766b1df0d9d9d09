"""What each touch of a journey is worth: the rules of multi-touch attribution."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import (
    duration_of,
    names_of,
    require_absent,
    require_columns,
    require_one_of,
    require_type,
)
from framework.transforms.journeys.shares import is_value, share_between

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

WHERE = "attribute"
MODELS = ("first", "last", "linear", "time_decay", "position")
FULL_WEIGHT = 2**40
"""The weight of the newest touch under time decay. Whole weights sum up alike in any order."""
HALVES_AT_MOST = 41
"""A touch this many half-lives older than the newest weighs nothing."""
FINEST_WEIGHT = 10_000
"""Weights by position are fractions with a denominator up to this."""
MODEL, WEIGHT = "model", "__weight"


class Share(NamedTuple):
    """What part of the value a touch takes: from `before / whole` to `upto / whole` of it, all integers."""

    before: pl.Expr
    upto: pl.Expr
    whole: pl.Expr


def attribute(
    journeys: pl.LazyFrame,
    *,
    model: str | Sequence[str],
    value: str,
    conversion: str,
    half_life: str | timedelta | None = None,
    weights: tuple[float, float, float] = (0.4, 0.2, 0.4),
    into: str = "credit",
) -> pl.LazyFrame:
    """Add to each touch its part of the conversion's value. One row per row of `find_journeys`, all of them wanted.

    Lazy, streaming; the order of rows is not kept. Rules (`model`):

    - `first`, `last`: one touch takes all. `linear`: every touch takes the same.
    - `time_decay`: a touch weighs half as much as one that is `half_life` younger, 2 ** (-age / half_life), as in
      Google Analytics. Ages count from the journey's newest touch, so that old journeys are split like young ones.
    - `position`: `weights` say what the first touch, those between (in equal parts) and the last one take; of two
      touches, the first and the last take it all in their proportion (0.5 and 0.5), and a single touch takes all.

    The parts of a conversion sum up to its value: exactly for Decimal and integers, whose parts keep the value's unit
    (after each touch, what has been given is the share due so far, rounded half away from zero); to the last bits for
    floats. A negative value (a refund) is split like a positive one. A null value gives null. The row of a conversion
    without touches keeps the whole value, so that no revenue is lost: its touch columns are null.

    Adds `into`. With several models, given as a list, each row comes once per model, with its name in `model`.

    Raises:
        TransformError: at definition, when a column is not there or of the wrong type, a model is unknown, weights are
            negative or do not sum up to 1, or `time_decay` has no half-life.

    >>> from decimal import Decimal
    >>> journeys = pl.LazyFrame({
    ...     "order": [7, 7, 7], "value": [Decimal("10.00")] * 3, "ad": ["a", "b", "c"],
    ...     "position": [1, 2, 3], "touches": [3, 3, 3], "age_s": [86400.0, 3600.0, 0.0],
    ... })
    >>> credits = journeys.pipe(attribute, model=["linear", "position"], value="value", conversion="order")
    >>> by_ad = credits.group_by("model", "ad").agg(pl.col("credit").sum()).sort("model", "ad").collect()
    >>> [str(amount) for amount in by_ad["credit"]]
    ['3.33', '3.34', '3.33', '4.00', '2.00', '4.00']
    """
    models = names_of(model)
    if not models:
        raise TransformError(f"{WHERE}: model is empty; name at least one of {', '.join(MODELS)}")
    for name in models:
        require_one_of(WHERE, "model", name, MODELS)
    needed = ["age_s"] if "time_decay" in models else []
    schema = require_columns(journeys, WHERE, [conversion, value, "position", "touches", *needed])
    dtype = require_type(schema, WHERE, value, is_value, "a Decimal, an integer or a float")
    several = not isinstance(model, str)
    require_absent(schema, WHERE, [into, *([MODEL] if several else [])])
    weighed = _weighed(journeys, conversion, half_life) if "time_decay" in models else journeys
    shares = _shares(models, conversion, weights)
    credits_ = {name: _credit(pl.col(value), dtype, share) for name, share in shares.items()}
    if not several:
        return weighed.with_columns(credits_[models[0]].alias(into)).select(*schema, into)
    wide = weighed.with_columns(expr.alias(_apart(name)) for name, expr in credits_.items())
    long = wide.unpivot(on=[_apart(name) for name in credits_], index=[*schema], variable_name=MODEL, value_name=into)
    return long.with_columns(pl.col(MODEL).str.strip_prefix(_apart("")))


def _apart(model: str) -> str:
    """The name of a model's column before the models are put below each other."""
    return f"__{model}"


def _credit(value: pl.Expr, dtype: pl.DataType, share: Share) -> pl.Expr:
    """The part of a touch; all for the row of a conversion without touches."""
    return pl.when(pl.col("touches") == 0).then(value).otherwise(share_between(value, dtype, *share))


def _shares(models: Sequence[str], conversion: str, weights: tuple[float, float, float]) -> dict[str, Share]:
    """The shares of each model asked for."""
    position, count = pl.col("position"), pl.col("touches")
    is_last = (position == count).cast(pl.Int64)
    one, none = pl.lit(1, pl.Int64), pl.lit(0, pl.Int64)
    shares = {
        "first": Share((position > 1).cast(pl.Int64), one, one),
        "last": Share(none, is_last, one),
        "linear": Share(position - 1, position, pl.max_horizontal(count, one)),
    }
    if "time_decay" in models:
        shares["time_decay"] = _decay(conversion)
    if "position" in models:
        shares["position"] = _by_position(weights)
    return {name: shares[name] for name in models}


def _weighed(journeys: pl.LazyFrame, conversion: str, half_life: str | timedelta | None) -> pl.LazyFrame:
    """Add the weight of each touch under time decay: a column, since a window over a window would not stream."""
    if half_life is None:
        raise TransformError(f"{WHERE}: model='time_decay' needs a half_life, such as '7d'")
    seconds = duration_of(half_life, WHERE, "half_life").total_seconds()
    older = (pl.col("age_s") - pl.col("age_s").min().over(conversion)) / seconds
    weight = (FULL_WEIGHT * (0.5 ** older.clip(0, HALVES_AT_MOST))).floor().cast(pl.Int64)
    return journeys.with_columns(weight.alias(WEIGHT))


def _decay(conversion: str) -> Share:
    """Shares by weights that halve with every half-life of age."""
    upto = pl.col(WEIGHT).cum_sum().over(conversion, order_by="position")
    return Share(upto - pl.col(WEIGHT), upto, pl.max_horizontal(pl.col(WEIGHT).sum().over(conversion), 1))


def _by_position(weights: tuple[float, float, float]) -> Share:
    """Shares of the first touch, those between and the last, in whole numbers over a common denominator."""
    first, between, last = exact = [Fraction(str(w)).limit_denominator(FINEST_WEIGHT) for w in weights]
    if min(exact) < 0 or sum(exact) != 1 or first + last == 0:
        words = "expected three numbers from 0 that sum up to 1, of which the first or the last is above 0"
        raise TransformError(f"{WHERE}: weights={weights}: {words}")
    of_two = first / (first + last)
    scale = lcm(first.denominator, between.denominator, of_two.denominator)
    count = pl.col("touches")
    gaps = pl.max_horizontal(count - 2, 1)

    def upto(place: pl.Expr) -> pl.Expr:
        """The share of the touches up to a place."""
        many = gaps * int(first * scale) + (place - 1) * int(between * scale)
        some = pl.when(gaps == count - 2).then(many).otherwise(gaps * int(of_two * scale))
        return pl.when(place < 1).then(0).when(place >= count).then(gaps * scale).otherwise(some)

    position = pl.col("position")
    return Share(upto(position - 1), upto(position), gaps * scale)
