"""How often rows pass a point of a plan."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


class Passages:
    """Rows by the name of a point. Whatever was counted, it is the same to who asks what a function has captured."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __reduce__(self) -> str:
        return "passed"

    def see(self, name: str, rows: int) -> None:
        with self._lock:
            self.rows[name] += rows

    def taken(self) -> dict[str, int]:
        """What was counted since it was last asked."""
        found, self.rows = dict(self.rows), Counter()
        return found


passed = Passages()


def counted(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """The same rows, lazy; as they pass, they are counted under a name."""

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        passed.see(name, batch.height)
        return batch

    return rows.map_batches(count, schema=rows.collect_schema(), streamable=True)
