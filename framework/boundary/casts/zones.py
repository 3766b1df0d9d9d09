"""Local times: moments of a zone, whose clocks are set forward and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from framework.boundary.casts.reading import Ambiguous


def in_zone(local: pl.Expr, zone: str, target: str, ambiguous: Ambiguous) -> pl.Expr:
    """Give local times of a zone as moments in the target zone.

    A time that the clocks skip is no moment and becomes null. One that they show twice is null as well, unless
    `ambiguous` says which of the two is meant.
    """
    how = "null" if ambiguous == "refuse" else ambiguous
    placed = local.dt.replace_time_zone(zone, ambiguous=how, non_existent="null")
    return placed if zone == target else placed.dt.convert_time_zone(target)
