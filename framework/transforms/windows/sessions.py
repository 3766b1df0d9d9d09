"""Sessions: a key's events cut where it was silent for longer than a gap."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, names_of, require_absent, require_columns, require_type
from framework.transforms.windows.aggregating import MOMENTS, is_datetime, summed_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START = "session_start"
NUMBER = "session_number"


def sessionize(
    events: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    time: str,
    gap: str | timedelta,
    max_length: str | timedelta | None = None,
) -> pl.LazyFrame:
    """Say which session each event belongs to. One row per event given, sorted by key and time.

    A session of a key ends where the next event is more than `gap` later; an event exactly `gap` later still belongs
    to it. With `max_length` a session is cut further, into consecutive stretches of that length counted from its first
    event: an event `max_length` after the first opens the second stretch. Both are elapsed time, so a change of clocks
    neither ends a session nor prolongs one.

    Adds `session_start`, the time of the session's first event, and `session_number`, which counts a key's sessions
    from 1 in order of time (Int64). Key and `session_start` together name a session. Events of one key at the same
    time are in the same session, in no certain order among each other. An event whose key (one of its columns) or
    time is null is kept, and both its new columns are null.

    Lazy, streaming: one sort, which spills to disk within `POLARS_OOC_MEMORY_BUDGET_MB`, and shifts over what is
    sorted; time and memory do not depend on how the events are spread over keys.

    Source: the time-oriented heuristics h2 (gap) and h1 (length) of Spiliopoulou, Mobasher, Berendt and Nakagawa
    (INFORMS Journal on Computing 15(2), 2003). Session windows of Apache Flink keep an event exactly a gap later, as
    here; those of Apache Beam do not.

    Raises:
        TransformError: at definition, when a column is not there, time is no Datetime, or a length cannot be read.

    >>> from datetime import datetime
    >>> times = [datetime(2024, 1, 1, 9, 0), datetime(2024, 1, 1, 9, 30), datetime(2024, 1, 1, 10, 1)]
    >>> events = pl.LazyFrame({"user": ["ann", "ann", "ann"], "at": times})
    >>> events.pipe(sessionize, by="user", time="at", gap="30m").collect()["session_number"].to_list()
    [1, 1, 2]
    """
    keys = names_of(by)
    schema = _checked(events, "sessionize", keys, time)
    require_absent(schema, "sessionize", [START, NUMBER])
    silence = _length(duration_of(gap, "sessionize", "gap"), schema[time])
    moment = pl.col(time)
    is_placed = pl.all_horizontal(pl.col(name).is_not_null() for name in [*keys, time])
    opens_key = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in keys)
    # Nulls sort first: the first event with a time has no time before it to compare with.
    opens = is_placed & (opens_key | (moment - moment.shift(1) > silence).fill_null(value=True))
    if max_length is not None:
        opens = opens | (is_placed & _opens_stretch(moment, opens, max_length))
    count = opens.cast(pl.Int64).cum_sum()
    before_key = pl.when(opens_key).then(count - opens.cast(pl.Int64)).forward_fill()
    return events.sort(*keys, time).with_columns(
        pl.when(is_placed).then(pl.when(opens).then(moment).forward_fill()).alias(START),
        pl.when(is_placed).then(count - before_key).alias(NUMBER),
    )


def summarize_sessions(
    events: pl.LazyFrame,
    aggregates: Mapping[str, pl.Expr],
    *,
    by: str | Sequence[str],
    time: str,
    gap: str | timedelta,
    max_length: str | timedelta | None = None,
) -> pl.LazyFrame:
    """Sum up each session in one row. Order is not kept.

    Sessions are those of `sessionize`. Gives the key, `session_start` and `session_end` (the times of its first and
    last event), `session_number`, `duration_s` (the seconds between the two, Float64; 0 for a single event), `events`
    (how many, Int64), and the aggregates asked for, whose unsigned counts become Int64. Whether a session is a bounce
    depends on the business: give it as an aggregate, such as `is_bounce=pl.len() == 1`.

    Events that are in no session (key or time null) are summed up too, in one row per key whose session is null.

    Lazy; streaming where the aggregates are (medians and lists are not).

    Raises:
        TransformError: at definition, as `sessionize` does, or when an aggregate has the name of another column.

    >>> from datetime import datetime
    >>> times = [datetime(2024, 1, 1, 9, 0), datetime(2024, 1, 1, 9, 30), datetime(2024, 1, 1, 10, 1)]
    >>> events = pl.LazyFrame({"user": ["ann", "ann", "ann"], "at": times, "page": ["a", "b", "c"]})
    >>> options = {"by": "user", "time": "at", "gap": "30m"}
    >>> sessions = events.pipe(summarize_sessions, {"pages": pl.col("page").n_unique()}, **options)
    >>> sessions.select("session_number", "duration_s", "events", "pages").sort("session_number").collect().rows()
    [(1, 1800.0, 2, 2), (2, 0.0, 1, 1)]
    """
    keys = names_of(by)
    _checked(events, "summarize_sessions", keys, time)
    moment = pl.col(time)
    own = {
        "session_end": moment.max(),
        "duration_s": (moment.max() - moment.min()).dt.total_seconds(fractional=True),
        "events": pl.len(),
    }
    marked = sessionize(events, by=keys, time=time, gap=gap, max_length=max_length)
    return summed_up(marked, [*keys, START, NUMBER], own, aggregates, "summarize_sessions")


def _checked(events: pl.LazyFrame, where: str, keys: Sequence[str], time: str) -> pl.Schema:
    """The schema of events that have the key and a time."""
    schema = require_columns(events, where, [*keys, time])
    require_type(schema, where, time, is_datetime, MOMENTS)
    if not keys:
        raise TransformError(f"{where}: by={keys!r} names no column; name the columns whose sessions are asked for")
    return schema


def _opens_stretch(moment: pl.Expr, opens: pl.Expr, max_length: str | timedelta) -> pl.Expr:
    """Whether an event is the first of a stretch of `max_length` in a session that goes on."""
    length = duration_of(max_length, "sessionize", "max_length") // timedelta(microseconds=1)
    since = moment - pl.when(opens).then(moment).forward_fill()
    stretch = since.dt.total_microseconds() // length
    return stretch.ne_missing(stretch.shift(1))


def _length(length: timedelta, dtype: pl.DataType) -> pl.Expr:
    """A length in the unit of the times: compared in a coarser one, it would lose what they tell apart."""
    return pl.lit(length, dtype=pl.Duration(dtype.time_unit if isinstance(dtype, pl.Datetime) else "us"))
