"""Samples and splits, slowly and from their definitions: plain Python, rows are dicts."""

from __future__ import annotations

from math import floor

import xxhash

SPLIT = 0x73706C6974
"""The bytes of the word split: what sets the seed of splits apart."""


def digest(values: tuple, seed: int = 0) -> int:
    """XXH64 of a key of texts or integers: one as itself, several each with its length before it."""
    if len(values) == 1:
        text = "\0" if values[0] is None else str(values[0])
    else:
        text = "".join("\0" if v is None else f"{len(str(v).encode())}:{v}" for v in values)
    return xxhash.xxh64_intdigest(text.encode(), seed=seed)


def share(values: tuple, seed: int = 0) -> float:
    """The hash as a number from 0 to below 1: its upper 53 bits."""
    return (digest(values, seed) >> 11) / 2**53


def fraction(rows: list[dict], part: float, key: list[str], seed: int) -> list[dict]:
    return [row for row in rows if share(tuple(row[name] for name in key), seed) < part]


def stratified(rows: list[dict], strata: str, key: str, seed: int, part: float | None, size: int | None) -> list[dict]:
    drawn = set()
    for layer in {row[strata] for row in rows}:
        keys = sorted({row[key] for row in rows if row[strata] == layer}, key=lambda value: digest((value,), seed))
        wanted = size if size is not None else floor(len(keys) * part + 0.5)
        drawn |= {(layer, value) for value in keys[:wanted]}
    return [row for row in rows if (row[strata], row[key]) in drawn]


def reservoir(rows: list[dict], size: int, key: str, seed: int, columns: list[str]) -> list[dict]:
    def order(row: dict) -> tuple:
        rest = [(row[name] is None, "" if row[name] is None else str(row[name])) for name in columns]
        return digest((row[key],), seed), rest

    return sorted(rows, key=order)[:size]


def split_of(place: float, fractions: dict[str, float]) -> str:
    end = 0.0
    names = list(fractions)
    for name in names[:-1]:
        end += fractions[name]
        if place < end:
            return name
    return names[-1]


def by_key(rows: list[dict], fractions: dict[str, float], key: str, seed: int) -> list[str]:
    return [split_of(share((row[key],), seed ^ SPLIT), fractions) for row in rows]


def by_key_in_strata(rows: list[dict], fractions: dict[str, float], key: str, strata: str, seed: int) -> list[str]:
    layer_of = {}
    for row in rows:
        other = layer_of.get(row[key], row[strata])
        layer_of[row[key]] = min(row[strata], other, key=lambda value: digest((value,)))
    splits = {}
    for layer in set(layer_of.values()):
        keys = sorted((k for k in layer_of if layer_of[k] == layer), key=lambda value: digest((value,), seed ^ SPLIT))
        for rank, value in enumerate(keys, start=1):
            splits[value] = split_of((rank - 0.5) / len(keys), fractions)
    return [splits[row[key]] for row in rows]


def by_time(rows: list[dict], until: dict, time: str) -> list[str | None]:
    found = []
    for row in rows:
        begun = [name for name, end in until.items() if row[time] is not None and (end is None or row[time] < end)]
        found.append(begun[0] if begun else None)
    return found
