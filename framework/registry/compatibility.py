"""Which changes a table's compatibility level allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framework.registry.changes import Change

Level = Literal["backward", "forward", "full", "none"]
LEVELS: tuple[Level, ...] = get_args(Level)


def forbidden(changes: Iterable[Change], level: Level, *, rows_stay: bool = True) -> list[Change]:
    """Give the changes that a level forbids.

    Args:
        changes: What changes.
        level: `backward`: rows of before can be read as the new schema. `forward`: rows of now can be read as the old
            one. `full`: both. `none`: anything goes.
        rows_stay: Whether any row of before stays in the table. Of a table that is replaced as a whole, none does, and
            nothing has to be read backward.
    """
    asks_backward = level in {"backward", "full"} and rows_stay
    asks_forward = level in {"forward", "full"}
    return [c for c in changes if (asks_backward and not c.backward) or (asks_forward and not c.forward)]
