"""Columns of the rows that pass, set aside for a second look once the one execution is over."""

from __future__ import annotations

import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

AT_ONCE = 32 * 2**20
"""Bytes that are held in memory, as Polars estimates them, before they go to a file."""
FILES_AT_A_SIZE = 64
"""After so many files of one size the next ones are larger: a process may have only so many open."""
OPEN_FILES = next((folder for folder in ("/proc/self/fd", "/dev/fd") if Path(folder).is_dir()), "/dev/fd")


class Aside:
    """Rows of a few columns: the last ones in memory, those before them in files. Safe to share by threads.

    The files have no name and belong to this process: they are gone with it, however it ends. They lie in the
    temporary folder of the system (`TMPDIR`).
    """

    def __init__(self, schema: Iterable[tuple[str, pl.DataType]]) -> None:
        self._schema = pl.Schema(schema)
        self._files: list[IO[bytes]] = []
        self._held: list[pl.DataFrame] = []
        self._bytes = 0
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._files)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was set aside."""
        return not self._files and not self._held

    def add(self, rows: pl.DataFrame) -> None:
        """Set the columns of some rows aside."""
        own = rows.select(self._schema.names())
        full: list[pl.DataFrame] = []
        with self._lock:
            self._held.append(own)
            self._bytes += int(own.estimated_size())
            if self._bytes >= AT_ONCE * (1 + len(self._files) // FILES_AT_A_SIZE):
                full, self._held, self._bytes = self._held, [], 0
        if full:
            # NOTE: never under a lock, and IPC: `write_parquet` in a batch function waits for other threads of the
            # streaming engine, which may be waiting for the lock (polars 2.1).
            file = _written(pl.concat(full))
            with self._lock:
                self._files.append(file)

    def scan(self) -> pl.LazyFrame:
        """Give all rows that were set aside, lazy, in no order. Valid while this object is there."""
        with self._lock:
            paths = [f"{OPEN_FILES}/{file.fileno()}" for file in self._files]
            rest = pl.concat([pl.DataFrame(schema=self._schema), *self._held]).lazy()
        return pl.concat([pl.scan_ipc(paths), rest]) if paths else rest


def _written(rows: pl.DataFrame) -> IO[bytes]:
    file = tempfile.TemporaryFile(prefix="sluice-")  # noqa: SIM115 - open until nobody looks at it any more
    try:
        rows.write_ipc(file, compression="lz4")
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _close(files: list[IO[bytes]]) -> None:
    for file in files:
        file.close()
