"""Measures in one unit. Factors come from pint's registry and are worked out once, exactly, when the plan is built."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import TransformError, did_you_mean
from framework.transforms.arguments import require_columns, require_type
from framework.transforms.clean.columns import Target, add_found, add_marks, library, require_new, require_text

if TYPE_CHECKING:
    from collections.abc import Sequence

WHERE = "convert_units"


def convert_units(
    rows: pl.LazyFrame,
    value: str,
    unit: str,
    *,
    to: str,
    units: Sequence[str],
    into: str,
    mark: str | None = None,
) -> pl.LazyFrame:
    """Add measures in the unit `to` (Float64), from a column of numbers and a column of unit names.

    One row per row given, in the same order; lazy, streaming. `units` declares the names that are read (pint's: `kg`,
    `lb`, `degF`, `km/h`), compared to the letter but for white space at the ends, for `mW` is not `MW`. A unit that is
    not declared, or declared but of another dimension than `to`, gives null, as do null values and units. Scales
    with a zero of their own (degC, degF) are shifted. `mark` is true where there was a value and `into` is null.
    Numbers of every type go through float: money belongs into `convert_currency`.

    Raises:
        TransformError: at definition, when a column is not there or of another type, pint does not know a unit or can
            not convert it by a factor and a shift (decibels), or pint is not installed.

    >>> parcels = pl.LazyFrame({"weight": [2.0, 2.0, 2.0], "unit": ["lb", "kg", "l"]})
    >>> to_kg = {"to": "kg", "units": ["kg", "lb", "l"], "into": "weight_kg"}
    >>> parcels.pipe(convert_units, "weight", "unit", **to_kg).collect()["weight_kg"].to_list()
    [0.90718474, 2.0, None]
    """
    schema = require_columns(rows, WHERE, [value, unit])
    require_new(schema, WHERE, [into, mark])
    require_text(schema, WHERE, unit)
    require_type(schema, WHERE, value, lambda dtype: dtype.is_numeric(), "a number")
    lines = {name: line for name in sorted(set(units)) if (line := _line(name, to)) is not None}
    factor, shift = f"{into}\0factor", f"{into}\0shift"
    kind = {"unit": pl.String, factor: pl.Float64, shift: pl.Float64}
    known = pl.DataFrame([(name.strip(), *line) for name, line in lines.items()], schema=kind, orient="row")
    found = add_found(rows, pl.col(unit).str.strip_chars(), known)
    converted = pl.col(value).cast(pl.Float64) * pl.col(factor) + pl.col(shift)
    return found.with_columns(converted.alias(into)).drop(factor, shift).pipe(add_marks, [Target(value, into, mark)])


def _line(name: str, to: str) -> tuple[float, float] | None:
    """Factor and shift from a unit to another; None when they measure different things."""
    source, target = _unit(name), _unit(to)
    if source.dimensionality != target.dimensionality:
        return None
    quantity = _registry().Quantity
    try:
        zero, one, two = (Fraction(quantity(Fraction(n), source).to(target).magnitude) for n in range(3))
    except (TypeError, ValueError, ArithmeticError, library("pint", WHERE).errors.PintError) as error:
        raise TransformError(_no_line(name, to)) from error
    if two - one != one - zero:
        raise TransformError(_no_line(name, to))
    return float(one - zero), float(zero)


def _unit(name: str) -> Any:
    """A unit of the registry, which must know it."""
    pint = library("pint", WHERE)
    try:
        return _registry().parse_units(name.strip())
    except (pint.errors.PintError, ValueError, TypeError, SyntaxError) as error:
        words = did_you_mean(name, dir(_registry()))
        raise TransformError(f"{WHERE}: pint knows no unit '{name}'; {words}") from error


def _no_line(name: str, to: str) -> str:
    return (
        f"{WHERE}: '{name}' does not turn into '{to}' by a factor and a shift; convert it by an expression of your own"
    )


@cache
def _registry() -> Any:
    """Pint's own units, with exact numbers."""
    return library("pint", WHERE).UnitRegistry(non_int_type=Fraction)
