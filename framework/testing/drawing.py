"""Frames drawn from a recipe: a few values per column, rows of them, mended where rules tie columns together.

A cell is a choice among few values, so values repeat, keys meet, and hypothesis shrinks rows and values apart.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.testing.extra import st
from framework.testing.recipes import USUAL, Flavour, Luck, Recipe, broken_totals, holds, hopeless, verdicts
from framework.testing.values import to_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hypothesis.strategies import DataObject, SearchStrategy

    Draw = Callable[[SearchStrategy[Any]], Any]
    Row = list[Any]

ATTEMPTS = 6
MOST_ROWS = 30
TRIES = 40
MOST_COMBINATIONS = 400
TIED = 4
"""So many columns may be tied together by rules to have their values exchanged."""


class _Enough(BaseException):
    """Ends a trial: hypothesis lets pass what is no `Exception`."""


def draw_frame(
    draw: Draw,
    recipe: Recipe,
    flavour: Flavour,
    *,
    rows: tuple[int, int] = (0, MOST_ROWS),
    shared: Mapping[str, Sequence[Any]] | None = None,
) -> pl.DataFrame:
    """Draw a frame that keeps to its schema: at least and at most so many rows, in no order.

    Args:
        draw: Hypothesis' own.
        recipe: The schema, made ready.
        flavour: How to draw.
        rows: The least and the largest number of rows.
        shared: Per column, cells that columns of other frames are drawn from as well.

    Raises:
        SchemaError: when no row keeps to the schema.
    """
    from hypothesis import reject

    least, most = _within(flavour.rows, rows)
    luck = trial(recipe, max(1, rows[0]))
    if not luck.kept:
        raise hopeless(recipe, luck)
    for attempt in range(ATTEMPTS):
        tried = max(least, min(most, 4 * attempt)) if recipe.contract.dataset_rules else least
        found, is_lucky = _attempt(draw, recipe, flavour, (tried, most), shared or {})
        if found is not None and is_lucky and found.height >= least and not broken_totals(found, recipe.contract):
            return found
    return recipe.frame([]) if not least else reject()


def trial(recipe: Recipe, least: int) -> Luck:
    """Find out whether so many rows of a schema can be made at all: the same whatever has been drawn before."""
    if least not in recipe.trials:
        # Hypothesis refuses a run within another one; it knows of those of its own thread.
        with ThreadPoolExecutor(1) as apart:
            recipe.trials[least] = apart.submit(_try, recipe, least).result()
    return recipe.trials[least]


def _try(recipe: Recipe, least: int) -> Luck:
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import Unsatisfiable

    tried = replace(recipe, luck=(luck := Luck()))
    every = list(HealthCheck)

    @seed(0)
    @settings(max_examples=TRIES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=every)
    @given(st.data())
    def attempt(data: DataObject) -> None:
        found, is_lucky = _attempt(data.draw, tried, USUAL, (least, max(least, TRIES)), {})
        wrong = broken_totals(found, recipe.contract) if found is not None else []
        for reason in wrong:
            luck.note(reason, tried=1, held=0)
        if found is not None and is_lucky and not wrong:
            luck.kept += found.height
            raise _Enough

    with suppress(Unsatisfiable, _Enough):
        attempt()
    return luck


def _within(wanted: tuple[int, int] | None, allowed: tuple[int, int]) -> tuple[int, int]:
    if wanted is None:
        return allowed
    least = min(max(wanted[0], allowed[0]), allowed[1])
    return least, max(least, min(wanted[1], allowed[1]))


def _attempt(
    draw: Draw, recipe: Recipe, flavour: Flavour, rows: tuple[int, int], shared: Mapping[str, Sequence[Any]]
) -> tuple[pl.DataFrame | None, bool]:
    """Draw a frame, and say whether any of its rows were kept; no frame where a column has no values."""
    least, most = rows
    if most == 0:
        return recipe.frame([]), True
    choices = {}
    for name in recipe.domains:
        fewest = least if name in recipe.unique else 1
        choices[name] = draw_choices(draw, recipe, name, flavour, fewest=fewest, shared=shared.get(name, ()))
    most = min([most, *(len(choices[name]) for name in recipe.unique)])
    if most < least or any(not found for found in choices.values()):
        return None, False
    drawn = _draw_rows(draw, recipe, choices, (least, most))
    for key in recipe.keys:
        drawn = list(_apart(drawn, [list(recipe.domains).index(name) for name in key], list(choices.values())))
    found = _settle(recipe, _mend(recipe, drawn, choices))
    is_lucky = not drawn or found.height > 0
    if found.height and found.height < least and not (recipe.unique or recipe.keys):
        return pl.concat([found] * -(-least // found.height)).head(least), is_lucky
    return found, is_lucky


def draw_choices(
    draw: Draw, recipe: Recipe, name: str, flavour: Flavour, *, fewest: int = 1, shared: Sequence[Any] = ()
) -> list[Any]:
    """Draw the cells among which those of a column are chosen; all keep to the rules on the column alone."""
    domain, spec = recipe.domains[name], recipe.contract.columns[name]
    size = MOST_ROWS if name in recipe.unique else flavour.values
    nulls: list[Any] = [None] if spec.nullable else []
    if spec.nullable and flavour.nulls == "all":
        return _kept(recipe, name, nulls) or _drawn(draw, recipe, name, flavour, (1, size))
    if spec.nullable and domain.dtype.is_float() and spec.reading.nan in {None, "keep"} and domain.given is None:
        nulls.append(float("nan"))
    known = _kept(recipe, name, list(shared))[:size]
    more = (max(1, fewest - len(known)), max(1, fewest, size - len(known)))
    drawn = [] if known and size == 1 else _drawn(draw, recipe, name, flavour, more)
    found = list({repr(cell): cell for cell in [*known, *drawn]}.values())
    return found if size == 1 and found else [*_kept(recipe, name, nulls), *found]


def _drawn(draw: Draw, recipe: Recipe, name: str, flavour: Flavour, count: tuple[int, int]) -> list[Any]:
    """Draw distinct cells of a column that keep to its rules; none where there are none to be found."""
    domain = recipe.domains[name]
    strategy = domain.strategy(flavour.reach)
    if strategy.is_empty or (domain.size is not None and domain.size < count[0]):
        if recipe.luck is not None:
            what = "must be unique" if domain.size else "all its checks together"
            recipe.luck.note(f"{name}: {what}", tried=count[0], held=0)
        return []
    if domain.listed is not None and domain.given is None and 1 < len(domain.listed) <= count[1]:
        return list(domain.listed)
    several = st.lists(strategy, min_size=count[0], max_size=count[1], unique_by=repr)
    for _ in range(ATTEMPTS):
        found = _kept(recipe, name, draw(several))
        if found:
            return found
    return []


def _kept(recipe: Recipe, name: str, cells: list[Any]) -> list[Any]:
    """The cells that keep to all rules on a column alone."""
    rules = recipe.of_column(name)
    if not rules or not cells:
        return cells
    frame = pl.DataFrame([to_series(name, cells, recipe.domains[name].dtype)])
    verdict = holds(frame, rules, recipe.luck)
    return [cell for cell, is_good in zip(cells, verdict, strict=True) if is_good]


def _draw_rows(draw: Draw, recipe: Recipe, choices: Mapping[str, list[Any]], rows: tuple[int, int]) -> list[Row]:
    free = [name for name in choices if name not in recipe.unique]
    row = st.tuples(*(st.sampled_from(choices[name]) for name in free))
    drawn = draw(st.lists(row, min_size=rows[0], max_size=rows[1]))
    found = []
    for number, cells in enumerate(drawn):
        by_name = dict(zip(free, cells, strict=True))
        found.append([choices[name][number] if name in recipe.unique else by_name[name] for name in choices])
    return found


def _apart(rows: list[Row], key: list[int], choices: list[list[Any]]) -> Iterator[Row]:
    """Give rows whose key is taken another one; those for which none is left are dropped."""
    taken: set[str] = set()
    for row in rows:
        cells = [row[n] for n in key]
        if repr(cells) in taken:
            free = next((c for c in product(*(choices[n] for n in key)) if repr(list(c)) not in taken), None)
            if free is None:
                continue
            cells = list(free)
        taken.add(repr(cells))
        yield [cells[key.index(n)] if n in key else cell for n, cell in enumerate(row)]


def _mend(recipe: Recipe, rows: list[Row], choices: Mapping[str, list[Any]]) -> list[Row]:
    """Change rows that break rules over several columns: exchange their values, or take others."""
    rules = recipe.of_rows
    if not rows or not rules:
        return rows
    found = verdicts(recipe.frame(rows), rules)
    mended = list(rows)
    changed: list[tuple[int, Row]] = []
    for number, verdict in enumerate(found.iter_rows()):
        broken = [rule for rule, is_held in zip(rules, verdict, strict=True) if not is_held]
        if broken:
            names = dict.fromkeys(name for rule in broken for name in rule.holds.meta.root_names())
            changed.extend((number, row) for row in _variants(recipe, rows[number], list(names), choices))
    if not changed:
        return mended
    verdict_on = holds(recipe.frame([row for _, row in changed]), rules, recipe.luck)
    for (number, row), is_good in reversed(list(zip(changed, verdict_on, strict=True))):
        if is_good:
            mended[number] = row
    return mended


def _variants(recipe: Recipe, row: Row, names: list[str], choices: Mapping[str, list[Any]]) -> Iterator[Row]:
    """A row with the values of some columns exchanged, or one or two of them replaced."""
    places = list(recipe.domains)
    free = [places.index(name) for name in names if name in choices and name not in recipe.unique]
    of_type: dict[str, list[int]] = {}
    for place in free:
        of_type.setdefault(str(recipe.domains[places[place]].dtype), []).append(place)
    for same in of_type.values():
        for order in permutations(same) if len(same) <= TIED else ():
            yield _with(row, dict(zip(same, (row[place] for place in order), strict=True)))
    for place in free:
        for cell in choices[places[place]]:
            yield _with(row, {place: cell})
    options = [choices[places[place]] for place in free]
    for count, cells in enumerate(product(*options)):
        if count >= MOST_COMBINATIONS:
            return
        yield _with(row, dict(zip(free, cells, strict=True)))


def _with(row: Row, cells: Mapping[int, Any]) -> Row:
    return [cells.get(place, cell) for place, cell in enumerate(row)]


def _settle(recipe: Recipe, rows: list[Row]) -> pl.DataFrame:
    """Drop the rows that still break a rule, until none does; of rows with one key the first stays."""
    found = recipe.frame(rows)
    found = found.filter(holds(found, recipe.of_rows, recipe.luck))
    for key in (*((name,) for name in recipe.unique), *recipe.keys):
        found = found.unique(key, keep="first", maintain_order=True)
    while found.height:
        good = holds(found, recipe.rules, recipe.luck)
        if good.all():
            break
        found = found.filter(good)
    return found
