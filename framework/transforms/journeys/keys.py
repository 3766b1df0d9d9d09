"""Whose events they are: the columns of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.errors import TransformError
from framework.transforms.arguments import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def key_of(by: str | Sequence[str], where: str) -> list[str]:
    """Give the columns of a key, which must be some.

    Raises:
        TransformError: at definition, when there are none.
    """
    names = names_of(by)
    if not names:
        raise TransformError(f"{where}: by={by!r} names no column; name those that tell one user from another")
    return names
