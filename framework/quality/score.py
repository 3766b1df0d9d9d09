"""The quality score: a weighted mean of parts that a report shows, so that it can be computed again by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.quality import Finding
    from framework.quality.profile import Profile

WEIGHTS = {"completeness": 0.30, "validity": 0.25, "uniqueness": 0.20, "freshness": 0.10, "stability": 0.15}
"""What each part weighs. A part that is not known has no weight, and the others share it."""


def score(parts: Mapping[str, float]) -> float | None:
    """Score from 0 to 100: `100 * sum(weight * part) / sum(weight)` over the parts that are known; None without any.

    >>> score({"completeness": 0.9, "stability": 1.0})
    93.3
    """
    weight = sum(WEIGHTS[name] for name in parts)
    return round(100 * sum(WEIGHTS[name] * part for name, part in parts.items()) / weight, 1) if weight else None


def parts_of(
    profile: Profile,
    findings: Sequence[Finding],
    *,
    accepted: int = 0,
    quarantined: int = 0,
    time: str = "",
) -> dict[str, float]:
    """Give the parts that are known, each from 0 to 1, rounded to what a report shows.

    `completeness`: one less the mean null rate of the columns. `validity`: accepted rows of all that were not dropped.
    `uniqueness`: one less the duplicate rate. `freshness`: the age allowed by the age, at most one. `stability`: the
    share of the checks that hold, of those that could be held.
    """
    parts: dict[str, float] = {}
    nulls = [c.metrics["null_rate"] for c in profile.columns if "null_rate" in c.metrics]
    if nulls:
        parts["completeness"] = 1 - sum(nulls) / len(nulls)
    if accepted + quarantined:
        parts["validity"] = accepted / (accepted + quarantined)
    if "duplicate_rate" in profile.metrics:
        parts["uniqueness"] = 1 - profile.metrics["duplicate_rate"]
    age = next(
        (f for f in findings if f.metric == "age_h" and f.column == time and f.high and f.value is not None), None
    )
    if age is not None and age.value is not None and age.high is not None:
        parts["freshness"] = min(1.0, age.high / age.value) if age.value > 0 else 1.0
    held = [f.state for f in findings if f.state != "unknown"]
    if held:
        parts["stability"] = held.count("holds") / len(held)
    return {name: round(part, 4) for name, part in parts.items()}
