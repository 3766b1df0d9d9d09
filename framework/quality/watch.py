"""Look at rows as they pass by, batch by batch: what is kept of them takes the same memory however many they are."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import CARRIED, PROVENANCE, SOURCE_FILE, SOURCE_LINE
from framework.quality.kinds import kind_of
from framework.quality.looks import Totals, hash_of, hashed_together, kept_of, totals_of
from framework.quality.sketch import DifferentValues, KeyCounts, RowSample

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

SAMPLE = 131_072
CELLS = 2_000_000
"""A sample has fewer rows where there are many columns, so that it takes the same memory."""
FEWEST = 1_000
PIECE = 131_072
"""Rows that are looked at together: what is computed of them for a moment takes memory as well."""
_NONE: Mapping[str, tuple[Any, Any]] = {}


@dataclass(frozen=True)
class Seen:
    """What was seen of rows. `different`: values by column; `sample`: see `kept_of`; `keys`: how often keys came."""

    rows: int
    totals: Mapping[str, Totals]
    different: Mapping[str, float]
    sample: pl.DataFrame
    keys: pl.DataFrame


class Watch:
    """Looks at the rows that it is shown. Safe to call from several threads; nothing it meets stops who shows them.

    Args:
        schema: The columns of the rows.
        columns: Those to look at; None: all.
        sensitive: Columns of whose values nothing may be kept: of them only rates are.
        key: The columns that identify a row.
        sample: How many rows the sample has at most, and how many different values are counted exactly.
    """

    def __init__(
        self,
        schema: pl.Schema,
        *,
        columns: Collection[str] | None = None,
        sensitive: Collection[str] = (),
        key: Sequence[str] = (),
        sample: int = SAMPLE,
    ) -> None:
        self.schema = pl.Schema({name: dtype for name, dtype in schema.items() if name not in CARRIED})
        self.columns = [name for name in self.schema if columns is None or name in columns]
        self.sensitive = frozenset(sensitive)
        self.plain = [name for name in self.columns if name not in sensitive]
        self.key = tuple(key)
        most = sample_size(len(self.plain), sample)
        self._sample = RowSample(most)
        self._keys = KeyCounts(most)
        counted = [name for name in self.columns if kind_of(schema[name]) != "other"]
        most = sample_size(len(self.columns), sample)
        self._values = {name: DifferentValues(most, without=_hash_of_null(schema[name])) for name in counted}
        self._totals: dict[str, Totals] = {}
        self._rows = 0
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self.see(pl.DataFrame(schema=schema))

    def see(self, rows: pl.DataFrame, ranges: Mapping[str, tuple[Any, Any]] = _NONE) -> None:
        """Look at a batch, one at a time. `ranges`: the least and greatest values of columns that are known already.

        What goes wrong is kept, and `seen` raises it: nobody's rows depend on a look at them.
        """
        with self._lock:
            if self._error is not None:
                return
            try:
                for piece in rows.iter_slices(PIECE) if rows.height else (rows,):
                    self._see(piece, ranges)
            except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - raised by `seen`
                self._error = error

    def seen(self) -> Seen:
        """Give what was seen; valid after the last batch.

        Raises:
            Exception: what went wrong at a look.
        """
        if self._error is not None:
            raise self._error
        different = {name: values.count() for name, values in self._values.items()}
        return Seen(self._rows, self._totals, different, self._sample.rows(), self._keys.counts())

    def _see(self, rows: pl.DataFrame, ranges: Mapping[str, tuple[Any, Any]]) -> None:
        totals = totals_of(rows, self.columns, self.plain, ranges)
        hashes = rows.select(hash_of(name, self.schema[name]) for name in dict.fromkeys([*self._values, *self.key]))
        if self.key:
            self._keys.add(hashed_together([hashes[name] for name in self.key]))
        new = hashes.select(values.new(pl.col(name)).implode() for name, values in self._values.items())
        for name, values in self._values.items():
            values.take(new[name][0], rows.height)
        self._sample.add(rows, _order(rows, hashes, self._rows), kept_of(self.schema, self.plain))
        self._totals = {n: self._totals[n].plus(t) if n in self._totals else t for n, t in totals.items()}
        self._rows += rows.height


def sample_size(columns: int, most: int = SAMPLE) -> int:
    """How many rows a sample of so many columns has at most."""
    return min(most, max(FEWEST, CELLS // max(columns, 1)))


def _order(rows: pl.DataFrame, hashes: pl.DataFrame, first: int) -> pl.Series:
    """Hash where rows came from and what they hold, so that every run draws the same; or else their number of arrival.

    What they hold tells rows of one line apart: drawn together, they would be no sample.
    """
    if set(PROVENANCE) <= set(rows.columns) and not rows[SOURCE_LINE].null_count():
        held = [hashes.select(pl.sum_horizontal(pl.all())).to_series()] if hashes.width else []
        return hashed_together([rows[SOURCE_FILE].hash(seed=0), rows[SOURCE_LINE].hash(seed=0), *held])
    return pl.int_range(first, first + rows.height, dtype=pl.UInt64, eager=True).hash(seed=0)


def _hash_of_null(dtype: pl.DataType) -> int:
    return int(pl.DataFrame({"": [None]}, schema={"": dtype}).select(hash_of("", dtype)).item())
