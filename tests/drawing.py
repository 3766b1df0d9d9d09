"""Families of tests of which `make test` draws a part, another part with each seed; all of them otherwise.

`pytest.mark.drawn(3)` on tests lets a run take one in three of them, and three seeds in a row all. `by="stops"` draws
by the parameter of that name: all tests with one value, or none. Tests without the parameter are always taken.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

MARK = "drawn(of, by=''): a run with SLUICE_TESTS=drawn takes one in so many of these tests, by the seed of their order"


def is_drawing() -> bool:
    """Whether this run takes only a part."""
    return os.environ.get("SLUICE_TESTS") == "drawn"


def seed_of(config: pytest.Config) -> int:
    """The seed of this session: the same in all of its processes, and printed by pytest."""
    return int(config.getoption("randomly_seed", 0))


def left_out(items: Iterable[pytest.Item], seed: int) -> list[pytest.Item]:
    """The tests that a run with a seed does not take."""
    families: dict[tuple[str, int, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        mark = item.get_closest_marker("drawn")
        if mark is not None:
            families[str(item.path), mark.args[0], mark.kwargs.get("by", "")].append(item)
    return [item for (_, of, by), family in families.items() for item in _left_out(family, of, by, seed)]


def _left_out(family: list[pytest.Item], of: int, by: str, seed: int) -> Iterable[pytest.Item]:
    keys = {item: _key(item, by) for item in family}
    known = sorted({key for key in keys.values() if key is not None})
    taken = {key for at, key in enumerate(known) if (at + seed) % of == 0}
    return [item for item, key in keys.items() if key is not None and key not in taken]


def _key(item: pytest.Item, by: str) -> str | None:
    """What a test is drawn by: itself, or the value of a parameter; None where it has no such one."""
    if not by:
        return item.nodeid
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return str(parameters[by]) if by in parameters else None
