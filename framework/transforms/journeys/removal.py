"""Credit of channels by their removal effect in a Markov chain of touches."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_type
from framework.transforms.journeys.shares import is_value, of_units, round_together, units_of, units_type

WHERE = "markov_credit"
ADDED = ("removal_effect", "credit")
MOST_CHANNELS = 300
"""The chain is solved in Python, in the cube of the number of channels."""
BEFORE, STARTS, ENDS, ALONE, LOST, COUNT, UNITS, ASTRAY = (
    f"__{name}" for name in ("before", "starts", "ends", "alone", "lost", "count", "units", "astray")
)
MOVE = (BEFORE, STARTS, ENDS, ALONE, LOST)


def markov_credit(
    journeys: pl.LazyFrame,
    *,
    channel: str,
    value: str,
    conversion: str,
    non_converting: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """Credit channels with the share of conversions that would be lost without them. One row per channel, null last.

    Journeys are walks in a first-order Markov chain from a start through channels to a conversion, or to nothing. The
    chance of each step is how often journeys took it. Without a channel, whoever would come to it is lost: its
    `removal_effect` (0 to 1) is the share of conversions that so are lost. The value of all conversions with touches
    is shared out in proportion to the effects. (Anderl, Becker, von Wangenheim, Schumann, "Mapping the customer
    journey: Lessons learned from graph-based online attribution modeling", 2016.)

    Takes the rows of `find_journeys`. `non_converting` are journeys that led to nothing, in the same form (of
    `find_journeys` with the ends of those users' visits as conversions; a value is not needed); without them the
    effects only tell in how many conversions a channel takes part on the way. The credits sum up to the value of all
    conversions: exactly for Decimal (as wide as Decimal gets) and integers, the largest remainders rounded up; to the
    last bits for floats. The row of the null channel holds touches without a channel, which are a state of their own,
    and the value of conversions without touches. Null values count as nothing, but their journeys do.

    Lazy. Counting steps streams; solving the chain, over one row per kind of step, is Python and leaves the engine.

    Raises:
        TransformError: at definition, when a column is not there or of the wrong type; when run, for more than 300
            channels, or journeys whose positions are not 1, 2 and so on up to their `touches`.

    >>> journeys = pl.LazyFrame({
    ...     "order": [1, 1, 2], "ad": ["search", "mail", "mail"], "value": [60, 60, 30],
    ...     "position": [1, 2, 1], "touches": [2, 2, 1],
    ... })
    >>> journeys.pipe(markov_credit, channel="ad", value="value", conversion="order").collect().rows()
    [('mail', 1.0, 60), ('search', 0.5, 30)]
    """
    schema = require_columns(journeys, WHERE, [channel, value, conversion, "position", "touches"])
    dtype = require_type(schema, WHERE, value, is_value, "a Decimal, an integer or a float")
    require_type(schema, WHERE, channel, lambda t: not t.is_nested(), "a text or another single value")
    require_absent(pl.Schema({channel: schema[channel]}), WHERE, ADDED)
    moves = _moves(journeys, channel, conversion, units_of(pl.col(value), dtype), is_lost=False)
    if non_converting is not None:
        require_columns(non_converting, f"{WHERE}: non_converting", [channel, conversion, "position", "touches"])
        nothing = pl.lit(0, units_type(dtype))
        moves = pl.concat([moves, _moves(non_converting, channel, conversion, nothing, is_lost=True)])
    types = pl.Schema({channel: schema[channel], ADDED[0]: pl.Float64(), ADDED[1]: units_type(dtype)})
    # No filter, column or slice may move into the solution, which needs all rows.
    solved = moves.map_batches(lambda rows: _solve(rows, channel, types), schema=types)
    return solved.with_columns(of_units(pl.col(ADDED[1]), dtype))


def _moves(journeys: pl.LazyFrame, channel: str, conversion: str, units: pl.Expr, *, is_lost: bool) -> pl.LazyFrame:
    """How often journeys took each step, and what they were worth at the end. One row per kind of step."""
    placed = journeys.select(
        channel,
        pl.col(channel).shift(1).over(conversion, order_by="position").alias(BEFORE),
        (pl.col("position") == 1).alias(STARTS),
        (pl.col("position") == pl.col("touches")).alias(ENDS),
        (pl.col("touches") == 0).alias(ALONE),
        pl.lit(is_lost).alias(LOST),
        units.alias(UNITS),
        _is_astray(conversion).alias(ASTRAY),
    )
    worth = pl.when(pl.col(ENDS) | pl.col(ALONE)).then(pl.col(UNITS)).sum()
    return placed.group_by(channel, *MOVE).agg(pl.len().cast(pl.Int64).alias(COUNT), worth, pl.col(ASTRAY).sum())


def _is_astray(conversion: str) -> pl.Expr:
    """True for touches of which the chain cannot tell what came before, or whether anything comes after."""
    place = pl.col("position").cum_count().over(conversion, order_by="position")
    is_in_step = (pl.col("position") == place) & (pl.col("touches") == pl.len().over(conversion))
    return (pl.col("touches") != 0) & ~is_in_step


def _solve(moves: pl.DataFrame, channel: str, types: pl.Schema) -> pl.DataFrame:
    """Share out the value of all conversions by the removal effects of the chain."""
    touched = moves.filter(~pl.col(ALONE))
    astray = touched[ASTRAY].sum()
    if astray:
        what = f"{astray:,} touches are in journeys whose positions are not 1, 2 and so on up to their touches"
        raise TransformError(f"{WHERE}: {what}; give the rows of find_journeys, whole")
    names = sorted(set(touched[channel].to_list()), key=lambda name: (name is None, name))
    if len(names) > MOST_CHANNELS:
        what = f"column '{channel}' has {len(names)} values, expected at most {MOST_CHANNELS}"
        raise TransformError(f"{WHERE}: {what}; put rare channels together first")
    is_exact = types[ADDED[1]].is_integer()
    effects = _removal_effects(touched, channel, names)
    whole = sum((Fraction(effect) for effect in effects), Fraction(0))
    shares = [Fraction(effect) / whole if whole else Fraction(0) for effect in effects]
    total: Any = touched[UNITS].sum()
    credit: list[Any] = round_together([total * s for s in shares]) if is_exact else [total * float(s) for s in shares]
    alone = moves.filter(pl.col(ALONE) & ~pl.col(LOST))
    if alone.height and None in names:
        credit[-1] += alone[UNITS].sum()
    elif alone.height:
        names, effects, credit = [*names, None], [*effects, None], [*credit, alone[UNITS].sum()]
    return pl.DataFrame([names, effects, credit], schema=types)


def _removal_effects(touched: pl.DataFrame, channel: str, names: list[Any]) -> list[Any]:
    """The share of conversions lost without each channel.

    With N the expected visits of the chain (its fundamental matrix), the chance to come to a channel is the visits from
    the start over the visits from itself; whoever comes converts with that channel's own chance.
    """
    index = {name: n + 1 for n, name in enumerate(names)}
    size = len(names) + 1
    steps = [[0.0] * size for _ in range(size)]
    converts, leaves = [0.0] * size, [0.0] * size
    for here, before, starts, ends, lost, count in touched.select(channel, BEFORE, STARTS, ENDS, LOST, COUNT).rows():
        origin = 0 if starts else index[before]
        steps[origin][index[here]] += count
        leaves[origin] += count
        if ends:
            leaves[index[here]] += count
            converts[index[here]] += 0 if lost else count
    chances = [[count / leaves[n] if leaves[n] else 0.0 for count in row] for n, row in enumerate(steps)]
    visits = _inverse([[(n == m) - p for m, p in enumerate(row)] for n, row in enumerate(chances)])
    ending = [c / leaves[n] if leaves[n] else 0.0 for n, c in enumerate(converts)]
    chance = [sum(v * e for v, e in zip(row, ending, strict=True)) for row in visits]
    if not chance[0]:
        return [0.0] * len(names)
    return [visits[0][n] / visits[n][n] * chance[n] / chance[0] for n in range(1, size)]


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """Invert I - Q of an absorbing chain, whose diagonal outweighs its rows: no pivoting is needed."""
    size = len(matrix)
    rows = [row + [float(n == m) for m in range(size)] for n, row in enumerate(matrix)]
    for n in range(size):
        pivot = rows[n][n]
        rows[n] = lead = [v / pivot for v in rows[n]]
        for m in range(size):
            factor = rows[m][n]
            if m != n and factor:
                rows[m] = [v - factor * w for v, w in zip(rows[m], lead, strict=True)]
    return [row[size:] for row in rows]
