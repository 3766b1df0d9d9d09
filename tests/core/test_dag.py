"""Order, levels, reach and critical path of graphs, held against every path there is."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core.dag import critical_path, levels, ordered, reach, turned


@st.composite
def graphs(draw) -> dict[str, list[str]]:
    size = draw(st.integers(0, 8))
    names = [f"n{number}" for number in range(size)]
    needs = {}
    for number, name in enumerate(names):
        needs[name] = draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else []
    return dict(draw(st.permutations(list(needs.items()))))


def chains(needs: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """Every path from any node along what needs it, in no order."""
    behind = {name: [other for other in needs if name in needs[other]] for name in needs}

    def onward(path: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [path, *(longer for name in behind[path[-1]] for longer in onward((*path, name)))]

    return [path for name in needs for path in onward((name,))]


@given(graphs())
def test_nodes_come_after_what_they_need_in_one_order_however_they_are_written_down(needs):
    order = ordered(needs)
    assert sorted(order) == sorted(needs)
    assert all(order.index(needed) < order.index(name) for name in needs for needed in needs[name])
    assert ordered(dict(reversed(needs.items()))) == order


@given(graphs())
def test_levels_are_the_longest_ways_there(needs):
    found = levels(needs)
    assert found == {name: max(len(path) for path in chains(needs) if path[-1] == name) - 1 for name in needs}


@given(graphs(), st.integers(0, 4) | st.none())
def test_reach_is_what_paths_of_so_many_hops_come_to(needs, hops):
    behind = turned(needs)
    for name in needs:
        paths = [path for path in chains(needs) if path[0] == name and (hops is None or len(path) <= hops + 1)]
        assert reach(behind, [name], hops) == {path[-1] for path in paths}
        assert all(name in reach(needs, [other], hops) for other in reach(behind, [name], hops))


@given(graphs(), st.data())
def test_no_path_takes_longer_than_the_critical_one_and_slack_is_what_is_left_to_it(needs, data):
    seconds = {name: data.draw(st.integers(0, 9)) for name in needs}
    found = critical_path(needs, seconds)
    lengths = {path: sum(seconds[name] for name in path) for path in chains(needs)}
    assert found.length == max(lengths.values(), default=0)
    assert lengths.get(found.path, 0) == found.length
    for name in needs:
        longest = max(length for path, length in lengths.items() if name in path)
        assert found.slack[name] == found.length - longest


def test_nodes_whose_time_nobody_knows_take_none():
    assert critical_path({"a": [], "b": ["a"]}, {"b": 2}).length == 2


@pytest.mark.parametrize("shape", ["chain", "fan", "random"])
def test_ten_thousand_nodes_are_no_burden_to_the_stack(shape):
    chance = Random(1)
    names = [f"n{number}" for number in range(10_000)]
    needs = {
        "chain": lambda n: names[max(n - 1, 0) : n],
        "fan": lambda n: names[:1] if n else [],
        "random": lambda n: [names[chance.randrange(n)] for _ in range(min(n, 3))],
    }
    graph = {name: list(dict.fromkeys(needs[shape](number))) for number, name in enumerate(names)}
    found = critical_path(graph, dict.fromkeys(names, 1.0))
    assert found.length == 1 + max(levels(graph).values())
    assert reach(turned(graph), ["n0"]) == set(names)
