"""Slow and plain definitions of what the quality room measures, for tests to hold it against."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from statistics import mean, median, stdev


def psi(actual, expected, edges):
    """Bin raw values by a loop, then sum `(a - e) * ln(a / e)` over the bins that have any."""
    total = 0.0
    for low, high in zip([-math.inf, *edges], [*edges, math.inf], strict=True):
        one = sum(low <= value < high for value in actual)
        other = sum(low <= value < high for value in expected)
        if one or other:
            a, e = max(one / len(actual), 0.0001), max(other / len(expected), 0.0001)
            total += (a - e) * math.log(a / e)
    return total


def ks(actual, expected, edges):
    """The largest distance of the empirical distribution functions just below each edge."""
    return max(abs(share_below(actual, edge) - share_below(expected, edge)) for edge in edges)


def full_ks(actual, expected):
    """The distance over all values, as textbooks have it."""
    return max(abs(share_upto(actual, value) - share_upto(expected, value)) for value in {*actual, *expected})


def share_below(values, edge):
    return bisect.bisect_left(sorted(values), edge) / len(values)


def share_upto(values, value):
    return bisect.bisect_right(sorted(values), value) / len(values)


def quantile(values, share):
    """The linear interpolation between order statistics."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def numbers(values):
    """Measure a column of numbers that may hold None and NaN."""
    known = [value for value in values if value is not None]
    finite = [value for value in known if math.isfinite(value)]
    found = {"null_rate": (len(values) - len(known)) / len(values)}
    if finite:
        found.update(
            min=min(finite), max=max(finite), mean=mean(finite), p50=median(finite), p95=quantile(finite, 0.95)
        )
    if len(finite) > 1:
        found["std"] = stdev(finite)
    return found


def most_frequent(values):
    """The values that occur twice at least, most frequent first, then in their order."""
    counted = Counter(value for value in values if value is not None)
    return sorted(((v, n) for v, n in counted.items() if n > 1), key=lambda pair: (-pair[1], pair[0]))


def pattern(text):
    """The shape of a text, character by character."""
    shape = ""
    for letter in text[:32]:
        if letter.isnumeric():
            shape += "9"
        elif letter.isalpha():
            shape += "A" if letter.isupper() else "a"
        else:
            shape += letter
    return shape


def band(values, tolerance):
    """Median and scaled MAD, without floors."""
    middle = median(values)
    deviation = median([abs(value - middle) for value in values])
    return middle - tolerance * deviation / 0.6745, middle + tolerance * deviation / 0.6745
