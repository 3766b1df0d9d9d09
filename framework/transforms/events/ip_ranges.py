"""Where addresses are: look-ups in ranges of addresses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_columns, require_type
from framework.transforms.events.addresses import END, bounds_of, number_of
from framework.transforms.events.matched import looked_up, renames, spare_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from framework.transforms.events.matched import Names


def look_up_ip(
    rows: pl.LazyFrame,
    ranges: pl.LazyFrame,
    *,
    ip: str,
    span: str | tuple[str, str],
    columns: Names,
    default: Mapping[str, Any] | None = None,
    found: str | None = None,
) -> pl.LazyFrame:
    """Add columns of the range that an address is in: country, network, owner. One row per row given; it never grows.

    `span` names the column of `ranges` with networks (CIDR text), or the two with the first and the last address (both
    within the range), IPv4 and IPv6 alike; a mapped address (`::ffff:a.b.c.d`) counts as IPv4. Where ranges overlap,
    the one that starts last holds, of those the one that ends first: of nested networks the most specific. Of equal
    ranges the row holds that sorts first by the columns looked up (ascending, nulls last). Ranges that cannot be read
    (text that is no address, bits beyond the prefix, a last address before the first) hold nothing. An address that is
    null, cannot be read or is in no range gets null, or what `default` says per new column; `found` names a mark.

    Lazy. Rows stream and come out in no promised order: they are sorted by address (spilling where there is a budget)
    and joined as of the start of a range. The ranges are made ready in memory (one `in-memory-map` in the plan). Adds
    the new columns and `found`. How old the ranges may be is said where they are read.

    Raises:
        TransformError: at definition, when a column is not there, is no text, or would be written over, or a default
            does not fit its column.

    >>> visits = pl.LazyFrame({"ip": ["10.1.2.3", "10.2.0.1", "8.8.8.8"]})
    >>> offices = pl.LazyFrame({"network": ["10.0.0.0/8", "10.2.0.0/16"], "office": ["Wien", "Graz"]})
    >>> found = visits.pipe(look_up_ip, offices, ip="ip", span="network", columns="office")
    >>> found.sort("ip").collect().rows()
    [('10.1.2.3', 'Wien'), ('10.2.0.1', 'Graz'), ('8.8.8.8', None)]
    """
    wanted = renames(columns)
    bounds = [span] if isinstance(span, str) else list(span)
    schema = require_columns(rows, "look_up_ip", [ip])
    there = require_columns(ranges, "look_up_ip (the ranges)", [*bounds, *wanted.values()])
    added = looked_up("look_up_ip", schema, there, wanted, default=default, found=found)
    require_type(schema, "look_up_ip", ip, _is_text, "String")
    for bound in bounds:
        require_type(there, "look_up_ip (the ranges)", bound, _is_text, "String")
    if len(bounds) not in {1, 2}:
        raise TransformError(f"look_up_ip: span={span!r} must name one column of networks, or two of addresses")
    taken = [*schema.names(), *wanted, added.mark]
    number, first, last = (spare_name(stem, taken) for stem in ("number", "first", "last"))
    known = _disjoint(ranges, bounds, wanted, (first, last))
    numbered = rows.with_columns(number_of(pl.col(ip)).alias(number)).sort(number)
    joined = numbered.join_asof(known, left_on=number, right_on=first)
    return added.finish(joined.with_columns((pl.col(number) <= pl.col(last)).alias(added.mark)))


def _disjoint(
    ranges: pl.LazyFrame, bounds: Sequence[str], wanted: Mapping[str, str], names: tuple[str, str]
) -> pl.LazyFrame:
    """The ranges as numbers from first to last, in order, so that the one that starts last holds."""
    first, last = names
    span = pl.struct(number_of(pl.col(bound)).alias(name) for bound, name in zip(bounds, names, strict=False))
    whole = bounds_of(pl.col(bounds[0]), names) if len(bounds) == 1 else span
    named = ranges.select(whole.alias(first), *(pl.col(old).alias(new) for new, old in wanted.items())).unnest(first)
    readable = named.filter(pl.col(first) <= pl.col(last))
    ordered = readable.sort([*names, *wanted], descending=[False, True, *([False] * len(wanted))], nulls_last=True)
    distinct = ordered.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in names))
    cut = partial(_cut, first=first, last=last)
    whole_rows = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}
    return distinct.map_batches(cut, schema=named.collect_schema(), **whole_rows)


def _cut(ranges: pl.DataFrame, *, first: str, last: str) -> pl.DataFrame:
    """Cut the ranges (by start, the wider one before) where another one holds within, so that they go on after it."""
    nested = (ranges[last] < ranges[last].cum_max().shift()).any()
    if not nested:  # the last start is then the answer everywhere
        return ranges
    pieces = list(_pieces(zip(ranges[first], ranges[last], strict=True)))
    starts, ends, places = zip(*pieces, strict=True)
    bounds = (pl.Series(first, starts, dtype=pl.UInt128), pl.Series(last, ends, dtype=pl.UInt128))
    return ranges[list(places)].with_columns(*bounds)


def _pieces(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Give (first, last, place of the range that holds there), in order; the range that came last lies on top.

    >>> list(_pieces([(0, 9), (2, 5), (4, 6)]))
    [(0, 1, 0), (2, 3, 1), (4, 6, 2), (7, 9, 0)]
    """
    begun: list[tuple[int, int]] = []
    number = 0
    for place, (first, last) in enumerate([*ranges, (END, END)]):
        while begun and number < first:
            end, holder = begun[-1]
            if end < number:
                begun.pop()
                continue
            upto = min(end, first - 1)
            yield number, upto, holder
            number = upto + 1
        number = first
        begun.append((last, place))


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String)
