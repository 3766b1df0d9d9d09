"""Strategies for tests: frames of any schema, frames that code forgets, frames with one broken rule each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.errors import ConfigurationError
from framework.testing.drawing import MOST_ROWS, draw_frame
from framework.testing.extra import st
from framework.testing.recipes import EDGE, EXTREME, FLAVOURS, USUAL, read_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from hypothesis.strategies import DrawFn, SearchStrategy

    from framework.core.typed import DataFrameModel, DataFrameSchema

    Schema = type[DataFrameModel] | DataFrameSchema
    Overrides = Mapping[str, SearchStrategy[Any]]


def frames(
    schema: Schema,
    *,
    rows: tuple[int, int] = (0, MOST_ROWS),
    valid: bool = True,
    overrides: Overrides | None = None,
) -> SearchStrategy[pl.DataFrame]:
    """Give a strategy for frames of a schema: its columns in their order and types, every row keeps to every rule.

    Grain and order: whatever the schema allows; values are few, so that they repeat. `.lazy()` gives a step its input.

    Args:
        schema: The Pandera schema, as a model or as an object.
        rows: The least and the largest number of rows.
        valid: With False only the types hold: values may break any rule.
        overrides: Strategies for columns by name, which give Python values of the column's type, or None. For checks
            that nothing can be built from. `pa.Field(metadata={"examples": [...]})` says the same in the schema.

    Raises:
        ConfigurationError: when hypothesis is not installed.
        DefinitionError: when the schema cannot be compiled.
        SchemaError: when drawing, if no row keeps to the schema: names the rule that most rows break.

    >>> import pandera.polars as pa
    >>> from hypothesis import given, settings
    >>> class Order(pa.DataFrameModel):
    ...     amount: int = pa.Field(ge=1, le=9)
    ...     note: str = pa.Field(nullable=True)
    >>> @settings(database=None, max_examples=5)
    ... @given(frames(Order, rows=(1, 4)))
    ... def test_amounts_are_within_their_limits(orders):
    ...     assert orders["amount"].is_between(1, 9).all()
    >>> test_amounts_are_within_their_limits()
    """
    _require_rows(rows)
    recipe = read_recipe(schema, overrides)

    @st.composite
    def drawn(draw: DrawFn) -> pl.DataFrame:
        flavour = draw(st.sampled_from((USUAL, EDGE)))
        return draw_frame(draw, recipe, flavour, rows=rows)

    @st.composite
    def anything(draw: DrawFn) -> pl.DataFrame:
        reach = draw(st.sampled_from((USUAL.reach, EDGE.reach, EXTREME.reach)))
        row = st.tuples(*(st.none() | domain.any_value(reach) for domain in recipe.domains.values()))
        return recipe.frame(draw(st.lists(row, min_size=rows[0], max_size=rows[1])))

    return drawn() if valid else anything()


def adversarial(
    schema: Schema, *, rows: tuple[int, int] = (0, MOST_ROWS), overrides: Overrides | None = None
) -> SearchStrategy[pl.DataFrame]:
    """Give a strategy for frames that keep to a schema and that code forgets.

    No rows, one row, nothing but nulls where they are allowed, one value per column (a single group, equal times), many
    values, texts such as the empty one and combining characters, times at which clocks change, -0.0, NaN and infinity
    where the schema lets them pass, and the largest numbers of a type. Arguments and errors: see `frames`.

    >>> import pandera.polars as pa
    >>> from hypothesis import find, settings
    >>> class Order(pa.DataFrameModel):
    ...     amount: int
    >>> is_largest = lambda orders: orders["amount"].max() == 2**63 - 1
    >>> find(adversarial(Order), is_largest, settings=settings(database=None, max_examples=900))["amount"].max()
    9223372036854775807
    """
    _require_rows(rows)
    recipe = read_recipe(schema, overrides)

    @st.composite
    def drawn(draw: DrawFn) -> pl.DataFrame:
        return draw_frame(draw, recipe, draw(st.sampled_from((*FLAVOURS, EXTREME))), rows=rows)

    return drawn()


def _require_rows(rows: tuple[int, int]) -> None:
    if not 0 <= rows[0] <= rows[1]:
        raise ConfigurationError(f"rows={rows}: expected the least and the largest number of rows, such as (0, 30)")
