"""Samples that a seed decides and nothing else: not the order of rows, not how they are cut into parts.

Each key is drawn by its hash (see `framework.transforms.hashing`), so two tables sampled by the same key, fraction and
seed keep the same keys, whatever their other columns: a join of two samples is the sample of the join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.errors import TransformError
from framework.transforms.arguments import require_columns, require_some
from framework.transforms.hashing import hash_fraction, stable_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


def sample_fraction(rows: pl.LazyFrame, fraction: float, *, key: str | Sequence[str], seed: int = 0) -> pl.LazyFrame:
    """Keep all rows of about a fraction of the keys. One row per row of a drawn key, in the order given.

    Lazy, streaming, row by row. A key (a user, a session, an event) is drawn when its hash, as a number from 0 to below
    1, is below the fraction: so groups stay whole, the draw is the same in every table that has the key, and a smaller
    fraction keeps a part of what a larger one keeps (of the same seed). The number of keys kept is binomial; that of
    `sample_stratified` is exact. Null is a key like any other: its rows are kept or dropped together.

    Raises:
        TransformError: at definition, when the fraction is not from 0 to 1, or a key is not there or cannot be hashed.

    >>> import polars as pl
    >>> events = pl.LazyFrame({"user": ["ann", "bob", "ann", "cid"], "event": [1, 2, 3, 4]})
    >>> events.pipe(sample_fraction, 0.5, key="user").collect()["event"].to_list()
    [1, 3]
    """
    where = "sample_fraction"
    _require_fraction(where, fraction)
    keys = require_some(where, "key", key)
    schema = require_columns(rows, where, keys)
    return rows.filter(hash_fraction(schema, keys, seed=seed, where=where) < fraction)


def sample_stratified(
    rows: pl.LazyFrame,
    *,
    strata: str | Sequence[str],
    key: str | Sequence[str],
    fraction: float | None = None,
    size: int | None = None,
    seed: int = 0,
) -> pl.LazyFrame:
    """Keep an exact number of keys in each stratum. One row per row of a drawn key there, in the order given.

    With `fraction` the sample is proportional: of the n keys of a stratum it keeps n * fraction, rounded to the nearest
    (halves up; a small stratum may so lose all its keys). With `size` it is equal: that many keys of each stratum, or
    all where there are fewer. The keys of lowest hash are drawn. A key with rows in several strata is drawn in each of
    them for itself. Null is a key, and a stratum, like any other. Lazy, streaming; holds the rows until their stratum
    is complete. Cutting the rows into parts changes nothing as long as each stratum is whole in one part.
    (Allocation: W. G. Cochran, Sampling Techniques, 1977, chapter 5.)

    Raises:
        TransformError: at definition, unless exactly one of fraction and size is given and in range, or when a column
            is not there or a key cannot be hashed.

    >>> import polars as pl
    >>> users = pl.LazyFrame({"user": range(100), "plan": ["free"] * 90 + ["paid"] * 10})
    >>> proportional = users.pipe(sample_stratified, strata="plan", key="user", fraction=0.2)
    >>> proportional.group_by("plan").len().sort("plan").collect().rows()
    [('free', 18), ('paid', 2)]
    >>> equal = users.pipe(sample_stratified, strata="plan", key="user", size=5)
    >>> equal.group_by("plan").len().sort("plan").collect().rows()
    [('free', 5), ('paid', 5)]
    """
    where = "sample_stratified"
    if (fraction is None) == (size is None):
        given = "neither" if size is None else "both"
        raise TransformError(f"{where}: got {given} of fraction and size, expected one of them")
    keys, layers = require_some(where, "key", key), require_some(where, "strata", strata)
    schema = require_columns(rows, where, [*keys, *layers])
    drawn = stable_hash(schema, keys, seed=seed, where=where)
    place = drawn.rank("dense").over(layers)
    if size is not None:
        _require_size(where, size)
        return rows.filter(place <= size)
    _require_fraction(where, fraction or 0.0)
    return rows.filter(place <= (drawn.n_unique().over(layers) * fraction + 0.5).floor())


def sample_reservoir(rows: pl.LazyFrame, size: int, *, key: str | Sequence[str], seed: int = 0) -> pl.LazyFrame:
    """Keep exactly `size` rows, or all where there are fewer. Does not keep the order.

    Lazy, streaming, in memory for `size` rows only. The rows of lowest hash are kept, so every set of keys is equally
    likely, as in a reservoir (J. Vitter, Random Sampling with a Reservoir, 1985), and samples can be merged: the sample
    of the samples of parts is the sample of the whole. The key should tell rows apart; where it does not, rows of one
    key are taken in order of their other columns, from left to right, nulls last. Null is a key like any other.

    Raises:
        TransformError: at definition, when size is negative, or a key is not there or cannot be hashed.

    >>> import polars as pl
    >>> events = pl.LazyFrame({"event": range(1000)})
    >>> events.pipe(sample_reservoir, 3, key="event").sort("event").collect()["event"].to_list()
    [363, 489, 884]
    """
    where = "sample_reservoir"
    _require_size(where, size)
    keys = require_some(where, "key", key)
    schema = require_columns(rows, where, keys)
    return rows.bottom_k(size, by=[stable_hash(schema, keys, seed=seed, where=where), *schema.names()])


def _require_fraction(where: str, fraction: float) -> None:
    if not 0 <= fraction <= 1:
        raise TransformError(f"{where}: fraction={fraction} must be from 0 to 1")


def _require_size(where: str, size: int) -> None:
    if size < 0:
        raise TransformError(f"{where}: size={size} must not be negative")
