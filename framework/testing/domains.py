"""What values a column may have: built from its checks where these say so, from what rules mention elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.trace import schema_of
from framework.testing.extra import st
from framework.testing.patterns import matching
from framework.testing.values import (
    NO_LIMITS,
    Limits,
    Reach,
    cell_of,
    cells,
    has_ordinals,
    is_within,
    one_day,
    texts,
    to_ordinal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from framework.boundary import Contract, Rule
    from framework.core.typed import DataFrameModel, DataFrameSchema

EXAMPLES = "examples"
"""The key of a column's metadata under which its author gives values to draw from."""
LOWER = {"greater_than", "greater_than_or_equal_to"}
UPPER = {"less_than", "less_than_or_equal_to"}


@dataclass(frozen=True)
class Domain:
    """The values of one column: those listed (None: not listed), the limits, what texts are made of, and mentions.

    `mentioned`: values and patterns that stand in rules which nothing is built from.
    """

    dtype: pl.DataType
    listed: tuple[Any, ...] | None = None
    limits: Limits = NO_LIMITS
    makers: tuple[SearchStrategy[str], ...] = ()
    mentioned: tuple[Any, ...] = ()
    given: SearchStrategy[Any] | None = None

    def strategy(self, reach: Reach) -> SearchStrategy[Any]:
        """Give a strategy for the column's cells; most of them keep to its checks, and rules say which do."""
        if self.given is not None:
            return self.given
        if self.listed is not None:
            return st.sampled_from(self.listed) if self.listed else st.nothing()
        if self.makers:
            return st.one_of(*self.makers)
        made = cells(self.dtype, reach, self.limits)
        return made | st.sampled_from(self.mentioned) if self.mentioned else made

    @property
    def is_open(self) -> bool:
        """Whether the checks say little: values of columns that say more are rather shared."""
        return self.listed is None and not self.makers and self.given is None

    @property
    def size(self) -> int | None:
        """How many values there are, where that is known."""
        if self.listed is not None and self.given is None:
            return len(self.listed)
        least, most = self.limits.least, self.limits.most
        if least is None or most is None or not has_ordinals(self.dtype) or self.given is not None:
            return None
        return max(0, int(most) - int(least) + 1)

    def any_value(self, reach: Reach) -> SearchStrategy[Any]:
        """Give a strategy for cells of the type that keep to nothing."""
        return cells(self.dtype, reach)


@dataclass
class _Said:
    """What the checks of a column say, while they are read."""

    dtype: pl.DataType
    listed: list[Any] | None = None
    least: list[Any] = field(default_factory=list)
    most: list[Any] = field(default_factory=list)
    makers: list[SearchStrategy[str]] = field(default_factory=list)
    prefix: str = ""
    suffix: str = ""
    lengths: list[tuple[int, int | None]] = field(default_factory=list)


def domains(
    model: type[DataFrameModel] | DataFrameSchema, contract: Contract, overrides: Mapping[str, SearchStrategy[Any]]
) -> dict[str, Domain]:
    """Find the values that each column of a schema may have."""
    declared = schema_of(model, contract.name, None)
    return {name: _domain(name, declared.columns[name], contract, overrides.get(name)) for name in contract.columns}


def _domain(name: str, column: Any, contract: Contract, given: SearchStrategy[Any] | None) -> Domain:
    dtype = contract.columns[name].dtype
    examples = (column.metadata or {}).get(EXAMPLES)
    if given is None and examples is not None:
        given = st.sampled_from(list(examples))
    if given is not None:
        return Domain(dtype, given=given.map(lambda value: None if value is None else cell_of(value, dtype)))
    said = _Said(dtype)
    for check in column.checks:
        _read(check, said)
    makers = [*said.makers, *_texts(said)]
    mentioned = tuple(dict.fromkeys(_mentioned(name, contract))) if not dtype.is_nested() else ()
    if dtype == pl.String and not makers:
        patterns = [maker for text in mentioned if (maker := _pattern(text)) is not None]
        makers = [*patterns, texts("usual") | st.sampled_from(mentioned)] if patterns else []
    limits = Limits(max(said.least, default=None), min(said.most, default=None))
    listed = None if said.listed is None else tuple(said.listed)
    return Domain(dtype, listed, limits, tuple(makers), mentioned)


def _read(check: Any, said: _Said) -> None:
    name, values = str(check.registry_name), check.statistics or {}
    if name in LOWER or name == "in_range":
        is_open = name == "greater_than" or not values.get("include_min", True)
        said.least.extend(_limit(values["min_value"], said.dtype, up=True, is_open=is_open))
    if name in UPPER or name == "in_range":
        is_open = name == "less_than" or not values.get("include_max", True)
        said.most.extend(_limit(values["max_value"], said.dtype, up=False, is_open=is_open))
    if name in {"isin", "equal_to", "unique_values_eq"}:
        told = values.get("allowed_values", values.get("values", [values.get("value")]))
        found = [cell for value in told if (cell := _cell(value, said.dtype)) is not None]
        said.listed = found if said.listed is None else [value for value in said.listed if value in found]
    if name in {"str_matches", "str_contains"}:
        pattern = getattr(values["pattern"], "pattern", values["pattern"])
        maker = matching(pattern, bound=name == "str_matches")
        said.makers.extend([maker] if maker is not None else [])
    said.prefix = values["string"] if name == "str_startswith" else said.prefix
    said.suffix = values["string"] if name == "str_endswith" else said.suffix
    if name == "str_length":
        exact = values.get("exact_value")
        bounds = (values.get("min_value") or 0, values.get("max_value")) if exact is None else (exact, exact)
        said.lengths.append(bounds)


def _limit(value: Any, dtype: pl.DataType, *, up: bool, is_open: bool) -> Iterator[int | float]:
    found = to_ordinal(value, dtype, up=up)
    if found is None:
        return
    if is_open and has_ordinals(dtype) and to_ordinal(value, dtype, up=not up) == found:
        found += 1 if up else -1
    yield found


def _texts(said: _Said) -> Iterator[SearchStrategy[str]]:
    """Texts with a beginning, an end and a length."""
    if not (said.prefix or said.suffix or said.lengths):
        return
    least = max((low for low, _ in said.lengths), default=0)
    most = min((high for _, high in said.lengths if high is not None), default=None)
    fixed = len(said.prefix) + len(said.suffix)
    low = max(0, least - fixed)
    high = max(low, min(low + 4, (most if most is not None else low + 4) - fixed))
    middle = st.text("abcXY019ä é", min_size=low, max_size=high)
    ends = (
        [middle]
        if most is None
        else [middle, st.text("xyä", min_size=max(0, most - fixed), max_size=max(0, most - fixed))]
    )
    for one in ends[: 1 if most is None or most > fixed + 300 else 2]:
        yield one.map(lambda text: f"{said.prefix}{text}{said.suffix}")


def _mentioned(column: str, contract: Contract) -> Iterator[Any]:
    """Values that stand in rules which look at a column, as its cells, each with its neighbours."""
    dtype = contract.columns[column].dtype
    for rule in contract.rules:
        if column not in _roots(rule):
            continue
        for value in literals(rule.holds):
            cell = _cell(value, dtype)
            if cell is None:
                continue
            yield cell
            if has_ordinals(dtype) and not isinstance(dtype, pl.Decimal):
                step = one_day(dtype) if isinstance(dtype, pl.Datetime) else 1  # a rule may mention now, which moves on
                yield from (number for number in (cell - step, cell + step) if is_within(number, dtype))


def _roots(rule: Rule) -> list[str]:
    return list(rule.holds.meta.root_names())


def _cell(value: Any, dtype: pl.DataType) -> Any:
    try:
        return cell_of(value, dtype)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return None


def literals(expression: pl.Expr) -> Iterator[Any]:
    """Find the values that stand in an expression; those of a list one by one.

    >>> list(literals((pl.col("amount") < 0) == (pl.col("kind") == "refund")))
    ['refund', 0]
    """
    if expression.meta.is_literal():
        for value in pl.select(expression).to_series().to_list():
            yield from value if isinstance(value, list) else [value]
        return
    try:
        parts: Sequence[pl.Expr] = expression.meta.pop()
    except pl.exceptions.PolarsError:  # NOTE: polars asks a Python function for its type without a schema (polars 2.1)
        return
    for part in parts:
        yield from literals(part)


def _pattern(text: str) -> SearchStrategy[str] | None:
    """Take a text for a pattern, if it looks like one."""
    if not set(text) & set("^$[]*+?{}|\\"):
        return None
    return matching(text.removeprefix("^"), bound=text.startswith("^"))
