"""What is known before rows are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from framework.boundary.repeated import Repeated
    from framework.boundary.windows import Keys
    from framework.core.source import Reference


@dataclass(frozen=True)
class Known:
    """What other tables and a look ahead have told.

    `values`: per foreign key the values that are known, one row per value, in a column named like the key. `repeated`:
    per unique key the values that more than one of the rows has (`unique_keys`); without it rows are counted per key in
    the plan, which holds them all. `last`: per column and number of its fallback, from 1, the last known values.
    """

    values: Mapping[Reference, pl.DataFrame] = field(default_factory=dict)
    repeated: Mapping[Keys, Repeated] = field(default_factory=dict)
    last: Mapping[tuple[str, int], pl.DataFrame] = field(default_factory=dict)


NOTHING = Known()
