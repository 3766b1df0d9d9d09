"""Opening a ledger, for writing or only to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.ledger.engine import connect, sqlite_file
from framework.ledger.form import prepare

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class Ledger:
    """An open ledger."""

    engine: Engine


def open_ledger(address: str) -> Ledger:
    """Open a ledger; the first use creates its tables, and an older one is brought to the present form.

    Raises:
        ConfigurationError: when the address cannot be used or the ledger is of a newer version.
    """
    engine = connect(address)
    prepare(engine)
    return Ledger(engine)


def open_existing(address: str) -> Ledger | None:
    """Open a ledger for reading; None where a SQLite file was never written."""
    file = sqlite_file(address)
    return None if file is not None and not file.is_file() else open_ledger(address)
