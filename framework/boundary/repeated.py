"""Which keys occur more than once, in bounded memory: hashes of them, spooled to disk and sorted bucket by bucket.

Counting rows per key in the plan (`len().over(key)`) holds every row of the batch, and spills far beyond its budget
(polars 2.1). A look ahead at the key columns alone holds sixteen bytes a key, on disk; behind it every row is judged by
itself. Two keys are taken for one where 128 bits of their hashes are equal.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEDS = {"_hash_a": 0x9E3779B97F4A7C15, "_hash_b": 0xC2B2AE3D27D4EB4F}
"""The hashes of a key, by the names of their columns. They hold within one process."""
A, B = SEEDS
BUCKETS = 32
AT_ONCE = 2**20
"""Keys that are held before they are spooled to disk."""
IS_REPEATED = "_is_repeated"
BYTES = 8


def key_hashes(keys: Sequence[str]) -> list[pl.Expr]:
    """Give the two columns that stand for a key, which may be null."""
    whole = pl.col(keys[0]) if len(keys) == 1 else pl.struct(keys)
    return [whole.hash(seed).alias(name) for name, seed in SEEDS.items()]


@dataclass(frozen=True)
class Repeated:
    """The keys that more than one row has: one row per key, its hashes and how many rows have it (`rows`)."""

    keys: pl.DataFrame

    @property
    def rows(self) -> int:
        """How many rows have a key that another row has as well."""
        return int(self.keys["rows"].sum())

    def mark(self, rows: pl.LazyFrame, keys: Sequence[str], name: str) -> pl.LazyFrame:
        """Add a column that says whether a row's key is one of these. Lazy; the order of rows is kept."""
        if self.keys.is_empty():
            return rows.with_columns(pl.lit(value=False).alias(name))
        known = self.keys.lazy().select(*SEEDS, pl.lit(value=True).alias(name))
        joined = rows.with_columns(key_hashes(keys)).join(known, on=list(SEEDS), how="left", maintain_order="left")
        return joined.drop(*SEEDS).with_columns(pl.col(name).fill_null(value=False))


class KeySpool:
    """Takes the hashes of keys, batch by batch and from several threads; `repeated` says which came more than once.

    What does not fit into memory is in files that have no name, so nothing is left behind however the process ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[pl.DataFrame] = []
        self._buckets: list[_Bucket] = []

    def add(self, hashes: pl.DataFrame) -> None:
        """Take the columns of `key_hashes`."""
        with self._lock:
            self._held.append(hashes)
            if sum(frame.height for frame in self._held) >= AT_ONCE:
                self._spool()

    def repeated(self) -> Repeated:
        """Give the keys that came more than once; the spool is empty afterwards."""
        with self._lock:
            if not self._buckets:
                whole = pl.concat(self._held) if self._held else pl.DataFrame(schema=dict.fromkeys(SEEDS, pl.UInt64))
                self._held = []
                return Repeated(_repeated(whole))
            self._spool()
            buckets, self._buckets = self._buckets, []
        return Repeated(pl.concat(_repeated(bucket.read()) for bucket in buckets))

    def _spool(self) -> None:
        """Write what is held into the files of its bucket, one per hash."""
        if not self._held:
            return
        every, self._held = pl.concat(self._held), []
        self._buckets = self._buckets or [_Bucket() for _ in range(BUCKETS)]
        bucket = (pl.col(A) // (2**64 // BUCKETS)).cast(pl.UInt8).alias("bucket")
        for (number,), part in every.with_columns(bucket).partition_by("bucket", as_dict=True).items():
            self._buckets[number].write(part)


class _Bucket:
    """The keys whose first hash is in a range, in two files without a name: the numbers of one hash each."""

    def __init__(self) -> None:
        self._files = {name: tempfile.TemporaryFile() for name in SEEDS}  # noqa: SIM115 - closed once read

    def write(self, hashes: pl.DataFrame) -> None:
        for name, file in self._files.items():
            numbers = hashes[name].rechunk().to_arrow()
            start = numbers.offset * BYTES
            file.write(memoryview(numbers.buffers()[1])[start : start + len(numbers) * BYTES])

    def read(self) -> pl.DataFrame:
        """Give what was written; the files are gone afterwards."""
        return pl.DataFrame({name: _numbers(file) for name, file in self._files.items()})


def _numbers(file: IO[bytes]) -> pl.Series:
    with file:
        file.seek(0)
        content = pa.py_buffer(file.read())
    return pl.Series(pa.Array.from_buffers(pa.uint64(), content.size // BYTES, [None, content]))


def _repeated(hashes: pl.DataFrame) -> pl.DataFrame:
    """The pairs that occur more than once, and how often; most often there are none, and one sort says so."""
    ordered = hashes[A].sort()
    again = ordered.filter(ordered == ordered.shift(1)).unique()
    pairs = hashes.filter(pl.col(A).is_in(again.implode())) if again.len() else hashes.clear()
    return pairs.group_by(*SEEDS).agg(rows=pl.len().cast(pl.Int64)).filter(pl.col("rows") > 1)
