"""Hold a transform to what all of them promise: it collects nothing, streams, and gives the same on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source
from polars.testing import assert_frame_equal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Transform = Callable[[pl.LazyFrame], pl.LazyFrame]

FALLBACK = 'fillcolor="0.0 0.3 1.0"'
"""How the physical plan's drawing marks a node that leaves the streaming engine (polars 2.1)."""


def unreadable(schema: pl.Schema | dict) -> pl.LazyFrame:
    """A frame whose rows cannot be read: whoever collects it fails."""

    def rows(*_: object) -> Iterator[pl.DataFrame]:
        raise AssertionError("a transform has read rows while its plan was built")
        yield

    return register_io_source(rows, schema=pl.Schema(schema), is_pure=True)


def assert_lazy(transform: Transform, schema: pl.Schema | dict) -> None:
    """Build the plan, and resolve its columns, over rows that cannot be read."""
    plan = transform(unreadable(schema))
    assert isinstance(plan, pl.LazyFrame)
    assert plan.collect_schema().names()


def fallbacks(plan: pl.LazyFrame) -> list[str]:
    """The nodes of a plan that leave the streaming engine, as its physical drawing labels them."""
    drawn = plan.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    return [
        line.split('label="')[1].split("\\n")[0] for line in drawn.splitlines() if FALLBACK in line and "label=" in line
    ]


def same_everywhere(transform: Transform, rows: pl.DataFrame, *, sort_by: Sequence[str] = ()) -> pl.DataFrame:
    """Give the result, which must be the same on both engines, in whatever pieces and order the rows come.

    The order of result rows counts for nothing, unless `sort_by` is empty and the result is to be compared as it is.
    """
    half = rows.height // 2
    pieces = pl.concat([rows[half:], rows[:half]], rechunk=False)
    results = [
        transform(rows.lazy()).collect(engine="streaming"),
        transform(rows.lazy()).collect(engine="in-memory"),
        transform(pieces.lazy()).collect(engine="streaming"),
        transform(rows.reverse().lazy()).collect(engine="in-memory"),
    ]
    keys = list(sort_by) or results[0].columns
    first, *others = [result.sort(keys) for result in results]
    for other in others:
        assert_frame_equal(first, other, check_exact=False)
    return first


def by_parts(transform: Transform, rows: pl.DataFrame, key: str, parts: int = 3) -> pl.DataFrame:
    """Run a transform on parts of the rows, cut by the value of a key, and put the results together."""
    part = rows[key].cast(pl.String).fill_null("").hash() % parts
    done = [transform(rows.filter(part == number).lazy()).collect() for number in range(parts)]
    return pl.concat(done)
