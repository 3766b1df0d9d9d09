"""Asking the ledger, for commands that go on without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from framework.cli.options import settings
from framework.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.ledger.opening import Ledger

Answer = TypeVar("Answer")


def with_ledger(read: Callable[[Ledger], Answer]) -> Answer | None:
    """Ask the ledger; None when there is none yet.

    Raises:
        StorageError: when it cannot be reached.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from framework.ledger.opening import open_existing

    try:
        ledger = open_existing(settings().ledger_url)
        return None if ledger is None else read(ledger)
    except SQLAlchemyError as error:
        raise StorageError(f"the ledger cannot be read: {str(error).partition(chr(10))[0]}") from error
