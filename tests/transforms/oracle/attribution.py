"""What touches and channels are worth by definition: plain Python, fractions, one journey at a time."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise


def shares(model: str, ages_s: list[float], half_life_s: float, weights: tuple[float, float, float]) -> list[Fraction]:
    """The share of each touch of a journey, in order; `ages_s` are the seconds from each to the conversion."""
    count = len(ages_s)
    if model in ("first", "last"):
        taker = 0 if model == "first" else count - 1
        return [Fraction(n == taker) for n in range(count)]
    if model == "linear":
        return [Fraction(1, count)] * count
    if model == "time_decay":
        weighed = [Fraction(0.5 ** ((age - min(ages_s)) / half_life_s)) for age in ages_s]
        return [w / sum(weighed) for w in weighed]
    first, between, last = (Fraction(str(w)) for w in weights)
    if count <= 2:
        return [Fraction(1)] if count == 1 else [first / (first + last), last / (first + last)]
    return [first, *[between / (count - 2)] * (count - 2), last]


def credits_of(value: Decimal, parts: list[Fraction]) -> list[Decimal]:
    """A value split to cents: after each touch, what is due so far, rounded half away from zero."""
    given, due, credited = 0, Fraction(0), []
    for part in parts:
        due += part
        total = abs(Fraction(value)) * 100 * due
        rounded = int(total + Fraction(1, 2))
        credited.append(Decimal(rounded - given).scaleb(-2) * (1 if value >= 0 else -1))
        given = rounded
    return credited


def shapley(journeys: list[tuple[set, Fraction]]) -> dict:
    """The Shapley value of each channel, over all coalitions: a coalition wins the journeys that need no one else."""
    players = sorted(set().union(*(channels for channels, _ in journeys)))

    def won(coalition: set) -> Fraction:
        return sum((value for channels, value in journeys if channels <= coalition), Fraction(0))

    credit = {}
    for player in players:
        others = [p for p in players if p != player]
        credit[player] = Fraction(0)
        for size in range(len(others) + 1):
            weight = Fraction(1, len(players) * _choose(len(others), size))
            for chosen in combinations(others, size):
                credit[player] += weight * (won({*chosen, player}) - won(set(chosen)))
    return credit


def _choose(n: int, k: int) -> int:
    return sum(1 for _ in combinations(range(n), k))


def reached(paths: list[tuple[list, bool]], without: str | None = None, steps: int = 4000) -> float:
    """The chance to convert in the chain of these paths: walk it step by step; a removed channel leads nowhere."""
    moves: dict = {}
    for channels, converts in paths:
        states = ["start", *(("at", c) for c in channels), "conversion" if converts else "null"]
        for here, there in pairwise(states):
            moves.setdefault(here, []).append(there)
    chance = {"start": 1.0}
    arrived = 0.0
    for _ in range(steps):
        after: dict = {}
        for here, p in chance.items():
            for there in moves[here]:
                after[there] = after.get(there, 0.0) + p / len(moves[here])
        arrived += after.pop("conversion", 0.0)
        after.pop("null", None)
        after.pop(("at", without), None)
        chance = after
        if sum(chance.values()) < 1e-13:
            break
    return arrived


def removal_effects(paths: list[tuple[list, bool]]) -> dict:
    """The share of conversions that is lost when a channel is removed."""
    whole = reached(paths)
    channels = {c for path, _ in paths for c in path}
    return {c: 1 - reached(paths, without=c) / whole for c in channels}
