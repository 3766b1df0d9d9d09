"""Encodings, hashed features and drift, slowly and from their definitions: plain Python over lists of values."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from hashlib import blake2b
from math import floor, isnan, log

import xxhash

FOLDS = 0x666F6C6473
"""The bytes of the word folds: the seed of the hash that puts keys in folds."""


def text(value) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def teaches(target) -> bool:
    return target is not None and not (isinstance(target, float) and isnan(target))


def target_encoding(pairs: list[tuple], m: float) -> tuple[dict, float | None]:
    """The m-estimate of each category, and the mean of all, from pairs of category and target."""
    known = [(text(value), float(target)) for value, target in pairs if teaches(target)]
    if not known:
        return {}, None
    prior = sum(target for _, target in known) / len(known)
    learned = {}
    for value in {value for value, _ in known}:
        targets = [target for other, target in known if other == value]
        learned[value] = (sum(targets) + m * prior) / (len(targets) + m)
    return learned, prior


def frequency_encoding(values: list) -> dict:
    return {value: count / len(values) for value, count in Counter(text(value) for value in values).items()}


def fold_of(key, folds: int) -> int:
    hashed = xxhash.xxh64_intdigest(("\0" if key is None else str(key)).encode(), seed=FOLDS)
    return floor((hashed >> 11) / 2**53 * folds)


def out_of_fold(triples: list[tuple], m: float, folds: int) -> list[float | None]:
    """For each (key, category, target) what is learned from the rows whose key is in another fold."""
    found = []
    for key, value, _ in triples:
        others = [(v, t) for other, v, t in triples if fold_of(other, folds) != fold_of(key, folds)]
        learned, prior = target_encoding(others, m)
        found.append(learned.get(text(value), prior))
    return found


def hashed(row: dict, size: int, seed: int) -> list[int]:
    numbers = [0] * size
    for name, value in row.items():
        if value is not None:
            of_name = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
            bits = xxhash.xxh64_intdigest(str(value).encode(), seed=(seed + of_name) % 2**64)
            numbers[bits % 2**63 % size] += 1 if bits >= 2**63 else -1
    return numbers


def psi(expected: list, actual: list) -> float | None:
    """The population stability index of two lists of bins."""
    if not expected or not actual:
        return None
    total = 0.0
    for name in set(expected) | set(actual):
        e = max(expected.count(name) / len(expected), 0.0001)
        a = max(actual.count(name) / len(actual), 0.0001)
        total += (a - e) * log(a / e)
    return total


def bins_of(values: list, reference: list, bins: int) -> list:
    """The bin of each value: how much of the reference lies below it."""
    known = sorted(value for value in reference if teaches(value))

    def bin_of(value):
        if not teaches(value):
            return "missing"
        return min(bisect_left(known, value) * bins // len(known), bins - 1) if known else 0

    return [bin_of(value) for value in values]


def ks(expected: list, actual: list) -> float | None:
    """The largest distance of two empirical distribution functions."""
    e, a = (sorted(value for value in side if teaches(value)) for side in (expected, actual))
    if not e or not a:
        return None
    return max(abs(bisect_right(e, value) / len(e) - bisect_right(a, value) / len(a)) for value in e + a)
