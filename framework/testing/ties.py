"""Frames for all sources of a pipeline at once: keys meet, references hold, tables have the keys they are merged by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.clock import at_run_time
from framework.core.frames import SOURCE_FILE, SOURCE_LINE, SOURCE_TIME
from framework.core.source import FileSource
from framework.run.compiled import contracts
from framework.sources import PROVENANCE_TYPES
from framework.testing.drawing import MOST_ROWS, draw_choices, draw_frame
from framework.testing.extra import st
from framework.testing.recipes import EXTREME, FLAVOURS, Flavour, Recipe, holds, read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from framework.core.source import Reference
    from framework.definition import Pipeline
    from framework.testing.drawing import Draw

MOMENT = datetime(2024, 6, 1, tzinfo=UTC)
"""The time of all runs on made-up input, after all usual times."""
FEW, FILLED = Flavour("usual", rows=(0, 6)), Flavour("many usual rows", rows=(6, 12))
"""What steps are mostly tried on. The first is what others are made smaller to."""
APART = (pl.Boolean, pl.Float16, pl.Float32, pl.Float64, pl.List, pl.Array, pl.Struct)
"""Types of columns that no join meets by."""


@dataclass(frozen=True)
class Inputs:
    """The sources of a pipeline made ready for drawing.

    `ties`: groups of columns (source, column) that are drawn from the same values, the most particular first. `marks`:
    per source the columns that say which cells a fallback filled; in what is drawn none was.
    """

    recipes: dict[str, Recipe]
    ties: tuple[tuple[tuple[str, str], ...], ...]
    references: tuple[tuple[str, Reference], ...]
    files: frozenset[str]
    marks: Mapping[str, Mapping[str, pl.DataType]] = field(default_factory=dict)


def related(
    pipeline: Pipeline, *, pipelines: Iterable[Pipeline] = (), extremes: bool = False
) -> SearchStrategy[dict[str, pl.DataFrame]]:
    """Give a strategy for the sources of a pipeline: a frame by each source's name, as its steps get them.

    Columns of one name and type share values, so that joins meet. Values of references are known. What code forgets is
    among the frames, as in `adversarial`.

    Args:
        pipeline: Whose sources.
        pipelines: Where the writers of its tables are looked up: a table that is merged by a key has it once.
        extremes: Whether the largest numbers and earliest times of each type are among the values.

    Raises:
        ConfigurationError: when hypothesis is not installed.
        DefinitionError: when a schema cannot be compiled.
    """
    inputs = read_inputs(pipeline, pipelines)

    @st.composite
    def drawn(draw: DrawFn) -> dict[str, pl.DataFrame]:
        return draw_inputs(draw, inputs, draw(flavours(extremes=extremes)))

    return drawn()


def flavours(*, extremes: bool) -> SearchStrategy[Flavour]:
    """Give a strategy for flavours: two thirds of the frames are ordinary ones."""
    others = (*FLAVOURS, EXTREME) if extremes else FLAVOURS
    return st.just(FEW) | st.just(FILLED) | st.sampled_from(others)


def read_inputs(pipeline: Pipeline, pipelines: Iterable[Pipeline] = ()) -> Inputs:
    """Make the sources of a pipeline ready; those without a schema are left out."""
    keys = {output.table: output.key for one in pipelines for output in one.outputs if output.mode == "merge"}
    with at_run_time(MOMENT):
        known = contracts(pipeline)
        recipes = {}
        for name, source in pipeline.sources.items():
            model = pipeline.schema_of(name)
            if model is None:
                continue
            key = () if isinstance(source, FileSource) else keys.get(source.table, ())
            recipes[name] = read_recipe(model, keys=[key] if key else [], contract=known[name])
    files = frozenset(pipeline.file_sources)
    references = tuple(
        (name, reference)
        for name, source in pipeline.file_sources.items()
        for reference in source.references
        if reference.source in recipes
    )
    marks = {name: known[name].marks for name in recipes if known[name].marks}
    return Inputs(recipes, tuple(_ties(recipes, references)), references, files, marks)


def only(inputs: Inputs, names: Sequence[str]) -> Inputs:
    """Keep some of the sources, and those that these refer to."""
    kept = {*names, *(r.source for name, r in inputs.references if name in names)}
    recipes = {name: recipe for name, recipe in inputs.recipes.items() if name in kept}
    references = tuple((name, r) for name, r in inputs.references if name in kept)
    ties = (tuple(place for place in group if place[0] in kept) for group in inputs.ties)
    return Inputs(recipes, tuple(group for group in ties if len(group) > 1), references, inputs.files, inputs.marks)


def _ties(
    recipes: Mapping[str, Recipe], references: Sequence[tuple[str, Reference]]
) -> Iterator[tuple[tuple[str, str], ...]]:
    """Find the columns that are drawn from the same values: those of one name and type, and those that refer."""
    leads = {(source, r.column): (r.source, r.key) for source, r in references}
    groups: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for source, recipe in recipes.items():
        for column, domain in recipe.domains.items():
            if not isinstance(domain.dtype, APART):
                _, name = leads.get((source, column), (source, column))
                groups[name, str(domain.dtype)].append((source, column))
    for group in groups.values():
        if len(group) > 1:
            yield tuple(sorted(group, key=lambda place: recipes[place[0]].domains[place[1]].is_open))


def draw_inputs(draw: Draw, inputs: Inputs, flavour: Flavour) -> dict[str, pl.DataFrame]:
    """Draw a frame for every source."""
    shared: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for group in inputs.ties:
        (source, column), *_ = group
        found = draw_choices(draw, inputs.recipes[source], column, flavour)
        for place, name in group:
            shared[place][name] = [cell for cell in found if cell is not None]
    rows = (0, MOST_ROWS)
    frames = {
        name: draw_frame(draw, recipe, flavour, rows=rows, shared=shared[name])
        for name, recipe in inputs.recipes.items()
    }
    for name, reference in inputs.references:
        known = frames[reference.source][reference.key]
        frames[name] = _referring(frames[name], reference.column, known, inputs.recipes[name])
    placed = {name: _placed(frame) if name in inputs.files else frame for name, frame in frames.items()}
    return {name: frame.with_columns(_unmarked(inputs.marks.get(name, {}))) for name, frame in placed.items()}


def _unmarked(marks: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    return [pl.lit(None, dtype=dtype).alias(name) for name, dtype in marks.items()]


def _referring(rows: pl.DataFrame, column: str, known: pl.Series, recipe: Recipe) -> pl.DataFrame:
    """Let the values of a column be known ones, or nothing; rows that this makes break a rule are left out."""
    value = pl.col(column)
    is_fine = value.is_null() | value.is_in(known.implode())
    if known.is_empty():
        return rows.filter(value.is_null())
    other = known.gather((pl.Series(range(rows.height), dtype=pl.UInt32) % known.len()).cast(pl.UInt32))
    found = rows.with_columns(pl.when(is_fine).then(value).otherwise(other).alias(column)).filter(is_fine)
    return found.filter(holds(found, recipe.rules))


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of a file, with the provenance that readers add."""
    return rows.with_columns(
        pl.lit(MOMENT).alias(SOURCE_TIME),
        pl.lit("made-up").alias(SOURCE_FILE),
        pl.int_range(1, pl.len() + 1).alias(SOURCE_LINE),
    ).cast(dict(PROVENANCE_TYPES))  # type: ignore[arg-type]
