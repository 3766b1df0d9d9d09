"""Values of every type a schema can declare: usual ones, those at the edges, and those at the very ends.

Values stand as cells: what Polars keeps inside (a time is a number of its units), so that no instant is lost on the
way. `to_series` makes a column of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.errors import ConfigurationError
from framework.testing.extra import st

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

Reach = Literal["usual", "edge", "extreme"]
"""How far values go: ordinary ones, those that code forgets, those that leave no room to calculate."""

DAY_0, DAYS = 19_723, 120
"""Usual days: the first months of 2024, in which a leap day lies and clocks change (31 March in Europe)."""
LEAP_DAY, SPRING = 19_782, 19_813
EDGE_DAYS = (LEAP_DAY, SPRING, 0, -1, 20_087, 20_088, 24_855)
SECONDS_PER_DAY = 86_400
GAP_HOURS = (0, 3_599, 3_600, 7_200, 10_800)
"""Seconds around the change of clocks in Europe on the morning of `SPRING`."""
UNITS = {"ms": 10**3, "us": 10**6, "ns": 10**9}
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
"""The years 1 and 9999."""
FIRST_NS_DAY, LAST_NS_DAY = -106_750, 106_750
FAR_DAYS = (-25_567, 106_750)
"""From 1900 to 2262, the last year that nanoseconds reach."""
WIDEST = 1_000
LONGEST = 4
LARGEST: dict[type[pl.DataType], float] = {
    pl.Float16: 65_504.0,
    pl.Float32: 3.4028234663852886e38,
    pl.Float64: 1.7976931348623157e308,
}
WORDS = ("a", "b", "ab", "A", "x1", "10", "new york", "ä", "Zoë")
LETTERS = "abAB01 -_äßé日"
EDGE_WORDS = (
    "",
    " ",
    " a",
    "a ",
    "0",
    "NULL",
    "nan",
    "ﬁ",
    "e\u0301",
    "é",
    "İ",
    "ß",
    "👩‍👩‍👧",
    "a,b",
    '"',
    "'",
    "x" * 300,
)
EXTREME_WORDS = ("\n", "a\nb", "\t", "\u200b", "\u202eab", "\ufeff", "=1+1")


@dataclass(frozen=True)
class Limits:
    """The ordinals (see `to_ordinal`) between which values must lie, both included; None: no limit."""

    least: int | float | None = None
    most: int | float | None = None


NO_LIMITS = Limits()


def cells(dtype: pl.DataType, reach: Reach, limits: Limits = NO_LIMITS) -> SearchStrategy[Any]:
    """Give a strategy for the cells of a type."""
    if dtype.is_float():
        return _floats(dtype, reach, limits)
    if has_ordinals(dtype):
        return _ordinals(dtype, reach, limits).map(lambda number: _from_ordinal(number, dtype))
    if dtype == pl.Boolean:
        return st.booleans()
    if isinstance(dtype, pl.Enum):
        return st.sampled_from(dtype.categories.to_list()) if len(dtype.categories) else st.none()
    if dtype == pl.Binary:
        return st.binary(max_size=LONGEST)
    return _nested(dtype, reach) if dtype.is_nested() else texts(reach)


def texts(reach: Reach) -> SearchStrategy[str]:
    """Give a strategy for texts; usual ones are few, so that they meet."""
    usual = st.sampled_from(WORDS) | st.text(LETTERS, max_size=LONGEST)
    if reach == "usual":
        return usual
    words = EDGE_WORDS if reach == "edge" else (*EDGE_WORDS, *EXTREME_WORDS)
    return st.sampled_from(words) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=LONGEST)


def _nested(dtype: pl.DataType, reach: Reach) -> SearchStrategy[Any]:
    if isinstance(dtype, pl.List):
        return st.lists(_item(dtype.inner, reach), max_size=LONGEST)
    if isinstance(dtype, pl.Array):
        return st.lists(_item(dtype.inner, reach), min_size=dtype.size, max_size=dtype.size)
    if isinstance(dtype, pl.Struct):
        return st.fixed_dictionaries({field.name: _item(field.dtype, reach) for field in dtype.fields})
    raise ConfigurationError(f"no values of type {dtype} can be made; give them: overrides={{'column': strategy}}")


def _item(dtype: Any, reach: Reach) -> SearchStrategy[Any]:
    inner = dtype() if isinstance(dtype, type) else dtype
    return cells(inner, reach) if reach == "usual" else st.none() | cells(inner, reach)


def has_ordinals(dtype: pl.DataType) -> bool:
    """Whether values of a type can be counted, so that each but the last has a next one."""
    return dtype.is_integer() or isinstance(dtype, pl.Decimal | pl.Date | pl.Datetime | pl.Time | pl.Duration)


def to_ordinal(value: Any, dtype: pl.DataType, *, up: bool) -> int | float | None:
    """Give a limit of a check as an ordinal of a type, moved `up` or down to the next one it has; None: it has none."""
    try:
        if dtype.is_float():
            return None if math.isnan(value) else float(value)
        if not has_ordinals(dtype):
            return None
        if dtype.is_integer() or isinstance(dtype, pl.Decimal):
            exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
            scaled = exact.scaleb(dtype.scale if isinstance(dtype, pl.Decimal) else 0)
            return math.ceil(scaled) if up else math.floor(scaled)
        found = pl.select(pl.lit(value).cast(dtype)).to_series().to_physical()[0]
    except (TypeError, ValueError, ArithmeticError, pl.exceptions.PolarsError):
        return None
    return None if found is None else int(found)


def to_series(name: str, found: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Make a column of cells."""
    inside = _inside(dtype)
    made = pl.Series(name, list(found), dtype=inside, strict=True)
    return made if inside == dtype else made.cast(dtype)


def _inside(dtype: Any) -> pl.DataType:
    """The type in which Polars takes the cells of another."""
    whole: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    if isinstance(whole, pl.Datetime | pl.Duration | pl.Time):
        return pl.Int64()
    if isinstance(whole, pl.Date):
        return pl.Int32()
    if isinstance(whole, pl.List):
        return pl.List(_inside(whole.inner))
    if isinstance(whole, pl.Array):
        return pl.Array(_inside(whole.inner), whole.size)
    if isinstance(whole, pl.Struct):
        return pl.Struct({field.name: _inside(field.dtype) for field in whole.fields})
    return whole


def cell_of(value: Any, dtype: pl.DataType) -> Any:
    """Give a Python value as a cell of a type.

    Raises:
        TypeError, ValueError, PolarsError: when it is no value of the type.
    """
    made = pl.Series([value], dtype=dtype, strict=True)
    inside = _inside(dtype)
    return (made if inside == dtype else made.cast(inside)).to_list()[0]


def _from_ordinal(number: int, dtype: pl.DataType) -> Any:
    if not isinstance(dtype, pl.Decimal):
        return number
    digits = tuple(int(digit) for digit in str(abs(number)))
    return Decimal((int(number < 0), digits, -dtype.scale))  # exact, whatever the context's precision


def _ends(dtype: pl.DataType) -> tuple[int, int]:
    """The first and the last ordinal of a type."""
    if dtype.is_integer():
        size = int(str(dtype).lstrip("UInt"))
        return (0, 2**size - 1) if dtype.is_unsigned_integer() else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)
    if isinstance(dtype, pl.Decimal):
        most = 10 ** (dtype.precision or 38) - 1
        return -most, most
    if isinstance(dtype, pl.Date):
        return FIRST_DAY, LAST_DAY
    if isinstance(dtype, pl.Time):
        return 0, SECONDS_PER_DAY * 10**9 - 1
    unit = UNITS[dtype.time_unit]  # type: ignore[attr-defined]
    first, last = (FIRST_NS_DAY, LAST_NS_DAY) if unit == UNITS["ns"] else (FIRST_DAY, LAST_DAY)
    return first * SECONDS_PER_DAY * unit, (last + 1) * SECONDS_PER_DAY * unit - 1


def _ordinals(dtype: pl.DataType, reach: Reach, limits: Limits) -> SearchStrategy[int]:
    first, last = _ends(dtype)
    least = first if limits.least is None else max(first, int(limits.least))
    most = last if limits.most is None else min(last, int(limits.most))
    if least > most:
        return st.nothing()
    near = _usual(dtype, least, most)
    if reach == "usual":
        return near
    ends = {limits.least, limits.most} if reach == "edge" else set(_far(dtype, least, most))
    steps = {int(end) + step for end in ends if end is not None for step in (-1, 0, 1)}
    at_edge = sorted(n for n in {*steps, *_special(dtype)} if least <= n <= most)
    return st.sampled_from(at_edge) | near if at_edge else near


def _far(dtype: pl.DataType, least: int, most: int) -> tuple[int, int]:
    """The first and the last ordinal between two ends; of days and times those of a few centuries.

    Steps fill calendars: from the year 1 to 9999 one would not come to an end.
    """
    if not isinstance(dtype, pl.Date | pl.Datetime):
        return least, most
    unit = one_day(dtype) if isinstance(dtype, pl.Datetime) else 1
    first, last = FAR_DAYS[0] * unit, FAR_DAYS[1] * unit
    return max(least, min(first, most)), min(most, max(last, least))


def _usual(dtype: pl.DataType, least: int, most: int) -> SearchStrategy[int]:
    """Ordinary numbers and times between two ends; where none lie there, the nearest."""
    if isinstance(dtype, pl.Datetime):
        unit = UNITS[dtype.time_unit]
        return _between(DAY_0 * SECONDS_PER_DAY, (DAY_0 + DAYS) * SECONDS_PER_DAY, unit, (least, most))
    if isinstance(dtype, pl.Date):
        return _between(DAY_0, DAY_0 + DAYS, 1, (least, most))
    if isinstance(dtype, pl.Time):
        return _between(0, SECONDS_PER_DAY - 1, 10**9, (least, most))
    if isinstance(dtype, pl.Duration):
        return _between(-SECONDS_PER_DAY, 3 * SECONDS_PER_DAY, UNITS[dtype.time_unit], (least, most))
    if isinstance(dtype, pl.Decimal):
        whole = 10**dtype.scale
        fine = _between(-WIDEST * whole, WIDEST * whole, 1, (least, most))
        return fine | _between(-WIDEST, WIDEST, whole, (least, most)) if whole > 1 else fine
    return st.one_of(_between(0, 9, 1, (least, most)), _between(-WIDEST, WIDEST, 1, (least, most)))


def _between(first: int, last: int, unit: int, ends: tuple[int, int]) -> SearchStrategy[int]:
    """Whole units from `first` to `last` within two ends; where these lie apart, what is nearest within the ends."""
    least, most = ends
    low, high = max(first, -(-least // unit)), min(last, most // unit)
    if low <= high:
        return st.integers(low, high).map(lambda number: number * unit)
    if first * unit > most:
        return st.integers(max(least, most - (last - first) * unit), most)
    return st.integers(least, min(most, least + (last - first) * unit))


def one_day(dtype: pl.Datetime) -> int:
    """How many units of a type of times a day has."""
    return SECONDS_PER_DAY * UNITS[dtype.time_unit]


def is_within(number: int, dtype: pl.DataType) -> bool:
    """Whether a type has an ordinal."""
    first, last = _ends(dtype)
    return first <= number <= last


def beyond(dtype: pl.DataType, limits: Limits) -> Iterator[Any]:
    """Give the cells just outside of limits, as far as the type has them."""
    if not has_ordinals(dtype):
        return
    first, last = _ends(dtype)
    for limit, step in ((limits.least, -1), (limits.most, 1)):
        if limit is not None and first <= int(limit) + step <= last:
            yield _from_ordinal(int(limit) + step, dtype)


def _special(dtype: pl.DataType) -> tuple[int, ...]:
    """Ordinals that code forgets."""
    if isinstance(dtype, pl.Date):
        return EDGE_DAYS
    if isinstance(dtype, pl.Datetime):
        unit = UNITS[dtype.time_unit]
        moments = [SPRING * SECONDS_PER_DAY + second for second in GAP_HOURS]
        moments += [day * SECONDS_PER_DAY for day in EDGE_DAYS] + [LEAP_DAY * SECONDS_PER_DAY - 1]
        return (*(moment * unit for moment in moments), DAY_0 * SECONDS_PER_DAY * unit + 1)
    if isinstance(dtype, pl.Time):
        return (0, SECONDS_PER_DAY * 10**9 - 1)
    return (0, 1, -1)


def _floats(dtype: pl.DataType, reach: Reach, limits: Limits) -> SearchStrategy[float]:
    least, most = limits.least, limits.most
    usual = _near_zero(-math.inf if least is None else least, math.inf if most is None else most)
    if reach == "usual":
        return usual
    known = [0.0, -0.0, 0.1, 0.5, 1e-9, *(float(end) for end in (least, most) if end is not None)]
    if reach == "extreme":
        largest = LARGEST.get(type(dtype), LARGEST[pl.Float64])
        known += [math.inf, -math.inf, largest, -largest, 5e-324]
    inside = [x for x in known if (least is None or x >= least) and (most is None or x <= most)]
    return usual | st.sampled_from(inside) if inside else usual


def _near_zero(least: float, most: float) -> SearchStrategy[float]:
    """Quarters between two ends and not far from zero; where none lie there, what does."""
    if least > most:
        return st.nothing()
    if math.isinf(least) and least == most:
        return st.just(least)
    low = max(least, -WIDEST) if most >= -WIDEST else max(least, most - WIDEST)
    high = min(most, WIDEST) if least <= WIDEST else min(most, least + WIDEST)
    first, last = math.ceil(low * 4), math.floor(high * 4)
    return st.integers(first, last).map(lambda number: number / 4) if first <= last else st.floats(low, high)
