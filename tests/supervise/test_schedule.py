"""What may start next: on random graphs all is run, within all limits, and nothing urgent is overtaken for ever."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from framework.core.dag import tails
from framework.supervise.schedule import Limits, Unit, startable

POOLS = ("api", "db", "gpu")


@st.composite
def graphs(draw):
    """A random graph of units that need pools and memory, how long each takes, and limits."""
    count = draw(st.integers(1, 14))
    names = [f"u{number}" for number in range(count)]
    needs = {
        name: draw(st.sets(st.sampled_from(names[:at]), max_size=3)) if at else set() for at, name in enumerate(names)
    }
    units = {
        name: Unit(name, tuple(draw(st.sets(st.sampled_from(POOLS)))), draw(st.sampled_from([0, 10, 60, 100, 150])))
        for name in names
    }
    seconds = {name: draw(st.integers(1, 9)) for name in names}
    pools = {name: draw(st.integers(1, 3)) for name in draw(st.sets(st.sampled_from(POOLS)))}
    return needs, units, seconds, Limits(draw(st.integers(1, 4)), pools, draw(st.sampled_from([None, 100, 120])))


def simulate(needs, units, seconds, limits):
    """Run the units as the supervisor would; gives the order in which they start, with who waited at each start."""
    urgent = tails(needs, seconds)
    done, running, started, clock = set(), {}, [], 0
    while len(done) < len(units):
        while True:
            free = [n for n in units if n not in done and n not in running and needs[n] <= done]
            ready = [units[n] for n in sorted(free, key=lambda n: (-urgent[n], n))]
            unit, held = startable(ready, [units[n] for n in running], limits)
            if unit is None:
                break
            started.append((unit, held, [units[n] for n in running]))
            running[unit.name] = clock + seconds[unit.name]
            hold_limits([units[n] for n in running], limits)
        assert running, f"nothing runs and nothing may start: {ready} {limits}"
        clock = min(running.values())
        ended = {name for name, end in running.items() if end == clock}
        done |= ended
        running = {name: end for name, end in running.items() if name not in ended}
    return started


def hold_limits(running, limits):
    assert len(running) <= limits.slots
    for pool, taken in Counter(pool for unit in running for pool in unit.pools).items():
        assert taken <= limits.of_pool(pool)
    if limits.memory_mb is not None and len(running) > 1:
        assert sum(unit.memory_mb for unit in running) <= limits.memory_mb


@given(graphs())
def test_every_unit_is_run_once_and_no_limit_is_passed(graph):
    started = simulate(*graph)
    assert sorted(unit.name for unit, _, _ in started) == sorted(graph[1])


@given(graphs())
def test_what_starts_before_something_more_urgent_does_not_take_what_that_waits_for(graph):
    limits = graph[3]
    for unit, held, running in simulate(*graph):
        waiting = [one.unit for one in held]
        busy = Counter(pool for one in [*running, *waiting] for pool in one.pools)
        assert all(busy[pool] < limits.of_pool(pool) for one in waiting for pool in set(unit.pools) & set(one.pools))
        for one in held:
            if one.waits_for == "memory":
                assert unit.memory_mb + one.unit.memory_mb <= limits.memory_mb


def test_a_unit_larger_than_all_memory_runs_alone():
    huge, small = Unit("huge", memory_mb=500), Unit("small", memory_mb=10)
    limits = Limits(slots=2, memory_mb=100)
    assert startable([huge, small], [], limits)[0] == huge
    assert startable([small], [huge], limits)[0] is None
    unit, held = startable([huge, small], [Unit("other", memory_mb=10)], limits)
    assert (unit, [(one.unit.name, one.waits_for) for one in held]) == (None, [("huge", "memory"), ("small", "memory")])


def test_a_pool_that_nothing_is_set_for_has_one_slot():
    first, second = Unit("first", pools=("api",)), Unit("second", pools=("api",))
    assert startable([second], [first], Limits(slots=2))[0] is None
    assert startable([second], [first], Limits(slots=2, pools={"api": 2}))[0] == second


def test_a_less_urgent_unit_leaves_the_pools_to_one_that_waits_for_another_of_its_pools():
    both, late = Unit("both", pools=("api", "db")), Unit("late", pools=("db",))
    unit, held = startable([both, late], [Unit("busy", pools=("api",))], Limits(slots=3))
    assert (unit, [one.waits_for for one in held]) == (None, ["api", "db"])
