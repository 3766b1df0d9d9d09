"""Frames with exactly one broken rule each, and the reason that the boundary must give for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import SchemaError, did_you_mean
from framework.testing.drawing import MOST_ROWS, draw_frame
from framework.testing.extra import st
from framework.testing.recipes import USUAL, Recipe, read_recipe, verdicts
from framework.testing.values import beyond, cells, to_series

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from framework.boundary import Rule
    from framework.core.typed import DataFrameModel, DataFrameSchema
    from framework.testing.drawing import Draw

    Row = list[Any]

TRIED = 12
"""So many values of a column are tried to break a rule with."""
ODD_TEXTS = ("", " ", "?", "x" * 300, "\n")


@dataclass(frozen=True)
class BrokenRows:
    """A frame of which some rows break one rule, and no other.

    `frame`: all rows. `broken`: the numbers of those that break it, from 0. `reason`: what they are refused with.
    """

    frame: pl.DataFrame
    broken: tuple[int, ...]
    reason: str


def broken(
    schema: type[DataFrameModel] | DataFrameSchema,
    *,
    rule: str | None = None,
    overrides: Mapping[str, SearchStrategy[Any]] | None = None,
) -> SearchStrategy[BrokenRows]:
    """Give a strategy for frames in which exactly one rule is broken: a mirror of the boundary.

    One row breaks it, or the two of a duplicate. Rules that look at other rows in another way than `unique`, and those
    over the whole batch, are left out.

    Args:
        schema: The Pandera schema, as a model or as an object.
        rule: The reason of the one rule to break, such as `amount: must be > 0`. Default: any that can be broken alone.
        overrides: See `frames`.

    Raises:
        ConfigurationError: when hypothesis is not installed.
        DefinitionError: when the schema cannot be compiled.
        SchemaError: when there is no such rule; when drawing, if no row keeps to the schema.

    >>> import pandera.polars as pa
    >>> from hypothesis import Phase, find, settings
    >>> class Order(pa.DataFrameModel):
    ...     amount: int = pa.Field(gt=0)
    >>> below = broken(Order, rule="amount: must be > 0")
    >>> found = find(below, lambda _: True, settings=settings(database=None, phases=[Phase.generate]))
    >>> [found.frame["amount"][row] > 0 for row in found.broken], found.reason
    ([False], 'amount: must be > 0')
    """
    recipe = read_recipe(schema, overrides)
    known = [one for one in recipe.rules if one.keys or not one.is_window]
    chosen = [one for one in known if rule in {None, one.reason}]
    if not chosen:
        hint = did_you_mean(rule or "", [one.reason for one in known]) or "it has none"
        raise SchemaError(f"{recipe.contract.name} has no rule '{rule}' that a row can break; {hint}")

    @st.composite
    def drawn(draw: DrawFn) -> BrokenRows:
        from hypothesis import reject

        asked = draw(st.sampled_from(chosen))
        least = 2 if asked.keys else 1
        frame = draw_frame(draw, recipe, USUAL, rows=(least, MOST_ROWS))
        number = draw(st.integers(0, frame.height - least))
        found = _duplicated(recipe, asked, frame, number) if asked.keys else _spoilt(draw, recipe, asked, frame, number)
        return found if found is not None else reject()

    return drawn()


def _duplicated(recipe: Recipe, rule: Rule, frame: pl.DataFrame, number: int) -> BrokenRows | None:
    """Give the row after one the same key; None if that breaks another rule."""
    other = frame[number + 1].with_columns(frame[number].select(rule.keys))
    found = pl.concat([frame[: number + 1], other, frame[number + 2 :]])
    return _judged(recipe, rule, found, (number, number + 1))


def _spoilt(draw: Draw, recipe: Recipe, rule: Rule, frame: pl.DataFrame, number: int) -> BrokenRows | None:
    """Change one value of a row, so that it breaks the rule and no other; None if no value does."""
    names = [name for name in dict.fromkeys(rule.holds.meta.root_names()) if name in recipe.domains]
    tried = [one for name in names for one in _changed(draw, recipe, frame[number], name)]
    if not tried:
        return None
    rows = pl.concat(tried)
    answers = verdicts(rows, recipe.of_rows)
    own = recipe.of_rows.index(rule)
    fits = [place for place, row in enumerate(answers.iter_rows()) if not row[own] and sum(row) == len(row) - 1]
    for place in fits:
        found = pl.concat([frame[:number], rows[place], frame[number + 1 :]])
        judged = _judged(recipe, rule, found, (number,))
        if judged is not None:
            return judged
    return None


def _changed(draw: Draw, recipe: Recipe, row: pl.DataFrame, name: str) -> Iterator[pl.DataFrame]:
    """A row with other values in one column: near its limits, at the edges of its type, nothing, anything."""
    domain = recipe.domains[name]
    anything: SearchStrategy[Any] = cells(domain.dtype, "edge") | cells(domain.dtype, "usual")
    drawn = draw(st.lists(anything, min_size=1, max_size=TRIED, unique_by=repr))
    values = [*_near(recipe, name), *drawn, None]
    column = to_series(name, values, domain.dtype)
    for place in range(column.len()):
        yield row.with_columns(column[place : place + 1])


def _near(recipe: Recipe, name: str) -> Iterator[Any]:
    """Values just beyond what the checks of a column allow, and those that rules mention, with their neighbours."""
    domain = recipe.domains[name]
    if domain.dtype == pl.String:
        yield from ODD_TEXTS
    if domain.dtype.is_float():
        limits = (domain.limits.least, domain.limits.most)
        yield from (limit + step for limit in limits if limit is not None for step in (-1.0, 0.0, 1.0))
        yield float("nan")
    yield from beyond(domain.dtype, domain.limits)
    yield from recipe.mentioned[name]


def _judged(recipe: Recipe, rule: Rule, frame: pl.DataFrame, numbers: tuple[int, ...]) -> BrokenRows | None:
    """Hold a frame against all rules: only this one must be broken, and by these rows."""
    answers = verdicts(frame, recipe.rules)
    own = recipe.rules.index(rule)
    for place, row in enumerate(answers.iter_rows()):
        wrong = [number for number, is_held in enumerate(row) if not is_held]
        if wrong != ([own] if place in numbers else []):
            return None
    return BrokenRows(frame, numbers, rule.reason)
