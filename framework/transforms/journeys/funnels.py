"""Funnels: how many get from each step to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, require_columns, require_type
from framework.transforms.journeys.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

WHERE = "funnel"
AT, STEP, WHO = "__at", "__step", "__who"
PER_SECOND = 1_000_000


def funnel(
    events: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    time: str,
    kind: str,
    steps: Sequence[str],
    within: str | timedelta | None = None,
    strict_order: bool = True,
) -> pl.LazyFrame:
    """Count the entities that reach each step of a funnel. One row per step, in order, also where nobody came.

    Lazy, streaming. `steps` are values of `kind`, each once. An entity (what `by` names) reaches a step by an event of
    that kind at or after the one by which it reached the step before; other events may come between. With `within`,
    the chain must take no longer from its first event on; any event of the first step may begin one, not only the
    earliest, and an entity reaches what the best of its chains reaches (as ClickHouse's windowFunnel has it). With
    `strict_order=False`, a step counts as reached when it and all before it in the list were done at any time.

    Has `step` (from 1), the step's name in the column `kind` names, `entities` (Int64), `from_previous` and
    `from_first` (shares of the entities of the step before, and of the first; null where there are none), and `mean_s`
    (seconds from the first step to this one, in each entity's quickest chain, or between the first times of all done
    so far without order; the mean over the entities that reached it). Events with a null key, time or kind count
    nowhere.

    Raises:
        TransformError: at definition, when a column is not there or of the wrong type, steps are none or repeat, or
            `within` is given without an order.

    >>> from datetime import date
    >>> events = pl.LazyFrame({
    ...     "user": ["ann", "ann", "bob"], "day": [date(2024, 1, d) for d in (1, 2, 3)], "did": ["view", "buy", "view"],
    ... })
    >>> steps = events.pipe(funnel, by="user", time="day", kind="did", steps=["view", "buy"])
    >>> steps.select("did", "entities", "from_first", "mean_s").collect().rows()
    [('view', 2, 1.0, 0.0), ('buy', 1, 0.5, 86400.0)]
    """
    keys = key_of(by, WHERE)
    _check(events, [*keys, time, kind], (time, kind), steps)
    if within is not None and not strict_order:
        raise TransformError(f"{WHERE}: within={within!r} needs an order of steps; leave it out, or strict_order=False")
    # NOTE: replace_strict leaves the streaming engine (polars 2.1), conditions do not.
    text = pl.col(kind).cast(pl.String)
    number = pl.coalesce(pl.when(text == step).then(pl.lit(n, pl.Int64)) for n, step in enumerate(steps, start=1))
    wanted = events.select(*keys, pl.col(time).dt.epoch("us").alias(AT), number.alias(STEP))
    known = wanted.filter(pl.all_horizontal(pl.col(n).is_not_null() for n in (*keys, AT, STEP)))
    if strict_order:
        longest = None if within is None else duration_of(within, WHERE, "within")
        reached = _in_order(known, keys, len(steps), longest)
    else:
        reached = _in_any_order(known, keys, len(steps))
    return _summed(reached, kind, steps)


def _check(events: pl.LazyFrame, names: list[str], typed: tuple[str, str], steps: Sequence[str]) -> None:
    time, kind = typed
    schema = require_columns(events, WHERE, names)
    require_type(schema, WHERE, time, lambda t: isinstance(t, (pl.Datetime, pl.Date)), "a Datetime or a Date")
    textual = (pl.String, pl.Categorical, pl.Enum)
    require_type(schema, WHERE, kind, lambda t: isinstance(t, textual), "a text")
    if not steps or isinstance(steps, str) or len(set(steps)) < len(steps):
        raise TransformError(f"{WHERE}: steps={steps!r}: expected a list of different values of '{kind}', in order")


def _in_order(known: pl.LazyFrame, keys: list[str], count: int, longest: timedelta | None) -> pl.LazyFrame:
    """The time each entity's quickest chain to each step took, null where none came so far. One row per entity.

    Going through an entity's events in order of time, the chain that began last is the best to go on with. So each
    event of a step takes over the beginning that the latest reached event of the step before has.
    """
    line = known.sort(*keys, AT, STEP)
    changes = pl.any_horizontal((pl.col(key) != pl.col(key).shift(1)).fill_null(value=True) for key in keys)
    chained = line.with_columns(changes.cast(pl.Int64).cum_sum().alias(WHO))
    chained = chained.with_columns(pl.when(pl.col(STEP) == 1).then(pl.col(AT)).alias(_begun(1)))
    for step in range(2, count + 1):
        before = pl.col(_begun(step - 1))
        begun, who = before.forward_fill(), pl.when(before.is_not_null()).then(pl.col(WHO)).forward_fill()
        follows = (pl.col(STEP) == step) & (who == pl.col(WHO))
        if longest is not None:
            follows &= pl.col(AT) - begun <= longest.total_seconds() * PER_SECOND
        chained = chained.with_columns(pl.when(follows).then(begun).alias(_begun(step)))
    took = {_took(step): (pl.col(AT) - pl.col(_begun(step))).min() for step in range(1, count + 1)}
    return chained.group_by(keys).agg(**took)


def _in_any_order(known: pl.LazyFrame, keys: list[str], count: int) -> pl.LazyFrame:
    """The time between the first times of each entity's steps so far, null where one is missing. One row per entity."""
    first = {_begun(step): pl.col(AT).filter(pl.col(STEP) == step).min() for step in range(1, count + 1)}
    took = {}
    for step in range(1, count + 1):
        done = [_begun(n) for n in range(1, step + 1)]
        is_reached = pl.all_horizontal(pl.col(n).is_not_null() for n in done)
        took[_took(step)] = pl.when(is_reached).then(pl.max_horizontal(done) - pl.min_horizontal(done))
    return known.group_by(keys).agg(**first).select(*keys, **took)


def _begun(step: int) -> str:
    return f"__begun_{step}"


def _took(step: int) -> str:
    return f"__took_{step}"


def _summed(reached: pl.LazyFrame, kind: str, steps: Sequence[str]) -> pl.LazyFrame:
    """Count and average over entities, and put the steps below each other."""
    took = [pl.col(_took(number)) for number in range(1, len(steps) + 1)]
    counts = [c.count().cast(pl.Int64) for c in took]
    lists = {
        "step": [pl.lit(number, pl.Int64) for number in range(1, len(steps) + 1)],
        kind: [pl.lit(step, pl.String) for step in steps],
        "entities": counts,
        "from_previous": [pl.lit(None, pl.Float64), *map(_share, counts[1:], counts[:-1])],
        "from_first": [_share(count, counts[0]) for count in counts],
        "mean_s": [c.mean() / PER_SECOND for c in took],
    }
    totals = reached.select(pl.concat_list(values).alias(name) for name, values in lists.items())
    return totals.explode(*lists)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole)
