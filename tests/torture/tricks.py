"""What a job may play on the libraries underneath for the length of one run; each tells what it saw."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from deltalake import DeltaTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def _commits(play: Callable[[Callable[[], None], int], None]) -> Iterator[dict[str, Any]]:
    """Put `play(commit, number)` in place of the real commit, and tell which data files were part of any."""
    told: dict[str, Any] = {"tried": []}
    original = DeltaTable.create_write_transaction

    def played(self: DeltaTable, actions: list[Any], *args: Any, **options: Any) -> None:
        root = self.table_uri.removeprefix("file://").rstrip("/")
        told["tried"] += [f"{root}/{a.path}" for a in actions if type(a).__name__ == "AddAction"]
        told["commits"] = told.get("commits", 0) + 1
        play(lambda: original(self, actions, *args, **options), told["commits"])

    with patch.object(DeltaTable, "create_write_transaction", played):
        yield told


def _lands_then_raises(commit: Callable[[], None], number: int) -> None:
    commit()
    raise OSError("the answer to the commit was lost")


def _raises_first(commit: Callable[[], None], number: int) -> None:
    """Every table's first try fails before anything landed."""
    if number % 2:
        raise OSError("the commit never left")
    commit()


def _never_lands(commit: Callable[[], None], number: int) -> None:
    raise OSError("the commit never left")


@contextmanager
def records_syncs() -> Iterator[dict[str, Any]]:
    """Record what is forced to the disk, by inode (a file keeps it when it gets its final name), in order.

    A commit is recorded as well: `commit <path of the table>`.
    """
    told: dict[str, Any] = {"synced": []}
    fsync = os.fsync

    def recorded(handle: int) -> None:
        fsync(handle)
        status = os.fstat(handle)
        told["synced"].append(f"{status.st_dev}:{status.st_ino}")

    original = DeltaTable.create_write_transaction

    def committed(self: DeltaTable, *args: Any, **options: Any) -> None:
        told["synced"].append(f"commit {self.table_uri.removeprefix('file://').rstrip('/')}")
        original(self, *args, **options)

    with patch("os.fsync", recorded), patch.object(DeltaTable, "create_write_transaction", committed):
        yield told


@contextmanager
def counts_refusals() -> Iterator[dict[str, Any]]:
    """Count the commits that the log refused because somebody else was first."""
    told: dict[str, Any] = {"refused": 0}
    original = DeltaTable.create_write_transaction

    def counted(self: DeltaTable, *args: Any, **options: Any) -> None:
        try:
            original(self, *args, **options)
        except Exception:
            told["refused"] += 1
            raise

    with patch.object(DeltaTable, "create_write_transaction", counted):
        yield told


TRICKS: dict[str, Callable[[], Any]] = {
    "lands_then_raises": lambda: _commits(_lands_then_raises),
    "raises_first": lambda: _commits(_raises_first),
    "never_lands": lambda: _commits(_never_lands),
    "records_syncs": records_syncs,
    "counts_refusals": counts_refusals,
}
