"""What every cast gives: a typed value, whether the raw one was kept in it, and whether an allowed loss changed it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Cast:
    """A typed value, and the condition under which the raw value is kept in it.

    `kept` holds for null. `lost` says where an allowed loss changed the value, which counts as kept; None: nowhere.
    """

    value: pl.Expr
    kept: pl.Expr
    lost: pl.Expr | None = None


ALWAYS = pl.lit(value=True)


def guarded(raw: pl.Expr, typed: pl.Expr, value: pl.Expr) -> Cast:
    """A cast that gives null for what it cannot keep."""
    return Cast(value, raw.is_null() | typed.is_not_null())


def only_if(raw: pl.Expr, holds: pl.Expr) -> pl.Expr:
    """The condition `holds`, for values that are there; no answer counts as no."""
    return raw.is_null() | holds.fill_null(value=False)
