"""What a run draws of a family of tests, and that a few runs draw all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from tests.drawing import left_out


@dataclass(frozen=True)
class Item:
    nodeid: str
    path: str = "a.py"
    mark: pytest.Mark | None = field(default=None, hash=False)
    callspec: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(params={}), hash=False)

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.mark if name == "drawn" else None


def drawn(of: int, **options: str) -> pytest.Mark:
    return pytest.mark.drawn(of, **options).mark


def taken(items: list[Item], seed: int) -> set[str]:
    gone = left_out(items, seed)
    return {item.nodeid for item in items if item not in gone}


def test_tests_without_the_mark_are_always_taken():
    assert taken([Item("a"), Item("b")], seed=7) == {"a", "b"}


@pytest.mark.parametrize("of", [2, 3])
def test_so_many_seeds_in_a_row_take_every_test_once(of: int):
    items = [Item(f"test_{n}", path, drawn(of)) for n in range(7) for path in ("a.py", "b.py")]
    found = [taken(items, seed) for seed in range(4, 4 + of)]
    assert set.union(*found) == {item.nodeid for item in items}
    assert sum(map(len, found)) == len({item.nodeid for item in items})


def test_tests_are_drawn_by_a_parameter_and_stay_together():
    def item(name: str, **params: str) -> Item:
        return Item(name, mark=drawn(2, by="way"), callspec=SimpleNamespace(params=params))

    items = [item("a1", way="at once"), item("a2", way="in three"), item("b1", way="at once"), item("both")]
    assert [taken(items, seed) for seed in (0, 1)] == [{"a1", "b1", "both"}, {"a2", "both"}]
