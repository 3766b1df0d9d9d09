"""Values and checks of every type, from which frames and schemas are drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandera.polars as pa
import polars as pl
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

Check = pa.Check
BERLIN = ZoneInfo("Europe/Berlin")
LEAST_ROWS, MOST_ROWS = 10, 120
NULLS = 0.1


@dataclass(frozen=True)
class Kind:
    """A type with values of it: few, so that they repeat and meet the limits of checks."""

    dtype: pl.DataType
    values: tuple[Any, ...]
    is_ordered: bool = True
    is_listed: bool = True


def _decimals(*texts: str) -> tuple[Any, ...]:
    return tuple(pl.Series(texts).cast(pl.Decimal(9, 2)).to_list())


INTEGERS = (0, 1, 2, 3, 5, 100)
SIGNED = (-7, -1, *INTEGERS)
FLOATS = (-1.5, -0.0, 0.0, 0.5, 1.0, 2.0, float("nan"), float("inf"), float("-inf"))
MOMENTS = tuple(datetime(2024, 3, 31, hour, 30) for hour in (0, 1, 4, 5, 9))  # noqa: DTZ001 - naive on purpose
KINDS = {
    **{t.__name__: Kind(t(), SIGNED) for t in (pl.Int8, pl.Int16, pl.Int32, pl.Int64)},
    **{t.__name__: Kind(t(), INTEGERS) for t in (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)},
    **{t.__name__: Kind(t(), FLOATS) for t in (pl.Float32, pl.Float64)},
    "Decimal": Kind(pl.Decimal(9, 2), _decimals("-1.50", "0.00", "0.01", "1.00", "2.50", "99.99")),
    "Boolean": Kind(pl.Boolean(), (True, False)),
    "String": Kind(pl.String(), ("", "a", "b", "ab", "ba", "zb", "ä", "a\nb", " a", "aaa", "10")),
    "Date": Kind(pl.Date(), tuple(date(2024, 2, day) for day in (1, 27, 28, 29))),
    "Datetime": Kind(pl.Datetime("us"), MOMENTS),
    "Zoned": Kind(pl.Datetime("ms", "Europe/Berlin"), tuple(m.replace(tzinfo=BERLIN) for m in MOMENTS)),
    "Time": Kind(pl.Time(), (time(0), time(9, 30), time(23, 59, 59))),
    "Enum": Kind(pl.Enum(["low", "mid", "high"]), ("low", "mid", "high"), is_ordered=False),
    "Categorical": Kind(pl.Categorical(), ("low", "mid", "high"), is_ordered=False),
}
NUMBERS = [name for name, kind in KINDS.items() if kind.dtype.is_numeric()]
OTHERS = [name for name in KINDS if name not in NUMBERS]
TWINS = {
    "Int128": (Kind(pl.Int128(), SIGNED), "Int64", lambda value: value),
    "UInt128": (Kind(pl.UInt128(), INTEGERS), "UInt64", lambda value: value),
    "Float16": (Kind(pl.Float16(), FLOATS), "Float32", lambda value: value),
    "Duration": (
        Kind(pl.Duration("us"), tuple(timedelta(hours=h) for h in (-1, 0, 1, 30))),
        "Int64",
        lambda value: value // timedelta(hours=1),
    ),
    "Binary": (Kind(pl.Binary(), (b"", b"a", b"\x00", b"ab")), "String", lambda value: value.hex()),
}
"""Types that Pandera does not know or whose failures it cannot report, with a type of the same order that it can."""
NESTED = {
    "List": Kind(pl.List(pl.Int64()), ([], [1], [1, 2], [None], [2, 1])),
    "Names": Kind(pl.List(pl.String()), ([], ["a"], ["a", "b"], [None])),
    "Struct": Kind(pl.Struct({"x": pl.Int64(), "y": pl.String()}), tuple({"x": x, "y": "a"} for x in (None, 1, 2))),
    "Array": Kind(pl.Array(pl.Int64(), 2), ([1, 2], [2, 1], [0, None])),
    "Listed": Kind(pl.List(pl.Struct({"x": pl.Float64()})), ([], [{"x": 1.0}], [{"x": None}, {"x": 2.0}])),
}


def column(kind: Kind, size: int, chance: Random) -> pl.Series:
    """A column of a kind, some of it null."""
    drawn = [None if chance.random() < NULLS else chance.choice(kind.values) for _ in range(size)]
    return pl.Series(drawn, dtype=kind.dtype, strict=True)


def declared_type(kind: Kind) -> Any:
    """The type as Pandera takes it. NOTE: it knows types such as Int128 as a class only (0.35)."""
    return kind.dtype.base_type() if kind.dtype.is_integer() or kind.dtype.is_float() else kind.dtype


@st.composite
def checks(draw, kind: Kind) -> pa.Check:
    """One built-in check that fits a kind, with its options."""
    options = {"ignore_na": draw(st.booleans())}
    value, other = draw(st.sampled_from(kind.values)), draw(st.sampled_from(kind.values))
    made: list[Callable[[], pa.Check]] = [
        lambda: Check.equal_to(value, **options),
        lambda: Check.not_equal_to(value, **options),
    ]
    if kind.is_listed:
        some = draw(st.lists(st.sampled_from(kind.values), max_size=4, unique_by=repr))
        made += [lambda: Check.isin(some, **options), lambda: Check.notin(some, **options)]
    if kind.is_ordered:
        made += [_ordered(name, value, options) for name in ("greater_than", "greater_than_or_equal_to")]
        made += [_ordered(name, value, options) for name in ("less_than", "less_than_or_equal_to")]
        low, high = (value, other) if value <= other else (other, value)
        ends = {"include_min": draw(st.booleans()), "include_max": draw(st.booleans())}
        if low < high or (low == high and all(ends.values())):
            made.append(lambda: Check.in_range(low, high, **ends, **options))
    if kind.dtype == pl.String:
        made += draw(st.sampled_from([_text_checks(options)]))
    return draw(st.sampled_from(made))()


def _ordered(name: str, value: Any, options: dict[str, Any]) -> Callable[[], pa.Check]:
    return lambda: getattr(Check, name)(value, **options)


def _text_checks(options: dict[str, Any]) -> list[Callable[[], pa.Check]]:
    patterns = ["a", "^a", "a$", "[ab]{2}", "(a|b)+$", "", ".b", "a.b", r"\d+", re.compile("b$")]
    return [
        *(lambda p=pattern: Check.str_matches(p, **options) for pattern in patterns),
        *(lambda p=pattern: Check.str_contains(p, **options) for pattern in [*patterns, "a|b"]),
        *(lambda t=text: Check.str_startswith(t, **options) for text in ("a", "", ".")),
        *(lambda t=text: Check.str_endswith(t, **options) for text in ("b", "", "\n")),
        lambda: Check.str_length(1, 2, **options),
        lambda: Check.str_length(min_value=2, **options),
        lambda: Check.str_length(max_value=1, **options),
        lambda: Check.str_length(exact_value=1, **options),
    ]


@st.composite
def tables(draw, kind: Kind) -> tuple[pa.DataFrameSchema, pl.DataFrame]:
    """A frame of three columns of a kind, and a schema with checks on them: several per column, nulls, uniqueness."""
    size, chance = draw(st.integers(LEAST_ROWS, MOST_ROWS)), Random(draw(st.integers(0, 2**32)))
    frame = pl.DataFrame([column(kind, size, chance).alias(name) for name in "abc"])
    declared = {}
    for name in "abc":
        declared[name] = pa.Column(
            declared_type(kind),
            checks=draw(st.lists(checks(kind), max_size=3)),
            nullable=draw(st.booleans()),
            unique=draw(st.sampled_from([False, False, False, True])),
        )
    keys = draw(st.sampled_from([None, None, None, ["a", "b"], ["c", "a", "b"], "c"]))
    return pa.DataFrameSchema(declared, unique=keys), frame
