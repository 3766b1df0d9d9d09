"""Joins that know only what was known: the latest features of an entity before each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, require_absent
from framework.transforms.features.running import require_entities, where_known

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

SIDE, KNOWN, KNOWN_AT = "__as_of_side", "__as_of_known", "__as_of_known_at"
"""Columns while the plan runs: which frame a row is of, the features known, and since when."""
ROW, BEFORE, AFTER = 1, 0, 2


def as_of(
    rows: pl.LazyFrame,
    features: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    time: str,
    features_time: str,
    max_age: str | timedelta | None = None,
    same_instant: bool = False,
) -> pl.LazyFrame:
    """Add to each row the features of its entity that were known before it. One row per row given, in the same order.

    Of the entity's feature rows with a `features_time` before the row's time the last one counts, as a whole: a null in
    it stays null. So `features_time` must be when the features became *known* (loaded, computed), not what they are
    about: a figure for May that was loaded on June 3 is not known on June 2. A feature of the row's own instant does
    not count unless `same_instant`, since the row itself may be in it. Of several feature rows of one instant the one
    with the greatest values counts (compared column by column in the order of their names, nulls lowest); to decide
    otherwise, leave one per instant. A null in a key or time matches nothing. Without features, all are null.

    Adds all columns of `features` but the keys: `features_time` too (how old is what is used?), unless it has the name
    of `time`. Lazy, streaming (Polars' own `join_asof` by a key is not); holds the rows of an entity.

    Args:
        rows: What to add to.
        features: One row per entity and time at which something became known.
        by: The key, which has the same name and type in both.
        time: When a row happens.
        features_time: When a feature row became known; of the type of `time`.
        max_age: How old features may be (exact hours, this age included); without it, of any age.
        same_instant: Whether features known at the instant of the row count.

    Raises:
        TransformError: at definition, when a column is missing, of another type in the two frames, or in both of them.

    >>> from datetime import date
    >>> orders = pl.LazyFrame({"user": ["ann", "ann"], "day": [date(2024, 6, 2), date(2024, 6, 4)]})
    >>> scores = pl.LazyFrame({"user": ["ann"], "loaded": [date(2024, 6, 3)], "score": [7]})
    >>> orders.pipe(as_of, scores, by="user", time="day", features_time="loaded").collect()["score"].to_list()
    [None, 7]
    """
    schema, keys = require_entities(rows, "as_of", by, time, reads=(), adds=())
    theirs, _ = require_entities(features, "as_of, features", by, features_time, reads=(), adds=())
    for name, other in [*zip(keys, keys, strict=True), (time, features_time)]:
        _require_same_type(schema, name, theirs, other)
    adds = [name for name in theirs if name not in keys and not name == features_time == time]
    require_absent(schema, "as_of", [*adds, SIDE, KNOWN])

    known = pl.struct(pl.col(features_time).alias(KNOWN_AT), *sorted(adds)).alias(KNOWN)
    side = pl.lit(BEFORE if same_instant else AFTER, pl.Int8).alias(SIDE)
    marked = features.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in [*keys, features_time]))
    both = pl.concat(
        [
            rows.with_columns(pl.lit(ROW, pl.Int8).alias(SIDE)),
            marked.select(*keys, pl.col(features_time).alias(time), side, known),
        ],
        how="diagonal",
    )
    last = where_known(pl.col(KNOWN).forward_fill().over(keys, order_by=[time, SIDE, KNOWN]), [*keys, time])
    found = both.with_columns(last).filter(pl.col(SIDE) == ROW)
    if max_age is not None:
        age = pl.col(time) - pl.col(KNOWN).struct.field(KNOWN_AT)
        found = found.with_columns(pl.when(age <= duration_of(max_age, "as_of", "max_age")).then(KNOWN))
    return found.with_columns(pl.col(KNOWN).struct.field(name) for name in adds).drop(SIDE, KNOWN)


def _require_same_type(schema: pl.Schema, name: str, theirs: pl.Schema, other: str) -> None:
    """Refuse keys or times that cannot be compared."""
    if schema[name] != theirs[other]:
        what = f"'{name}' is {schema[name]}, '{other}' of the features is {theirs[other]}"
        raise TransformError(f"as_of: {what}, expected the same type; cast one of them")
