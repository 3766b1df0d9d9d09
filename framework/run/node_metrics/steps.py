"""Which step a node of a plan comes from, as far as that can be told: by what the step joins on, groups by, computes.

Polars optimises all steps of a run as one plan, in which no node says who asked for it. So the plan of each step alone,
over empty inputs, is asked what it does, and a node that does the same as one step, and no other, is that step's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.run.node_metrics.wording import keys_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

_JOIN = re.compile(r"(\w+) JOIN:\s+LEFT PLAN ON: \[(.*)\]")
_KEYED = ((re.compile(r"\] BY \[(.*)\]"), "group by"), (re.compile(r"SORT BY \[(.*)\]"), "sort by"))
_FILTER = re.compile(r"^\s*FILTER (.*)$", re.MULTILINE)
_MADE = re.compile(r'\.alias\("((?:[^"\\]|\\.)*)"\)')
_AS_OF = "as-of"


@dataclass(frozen=True)
class Does:
    """What a step does: its operations in words, and the columns that it makes."""

    operations: frozenset[str]
    columns: frozenset[str]

    @staticmethod
    def of(frame: pl.LazyFrame) -> Does:
        """Read it off the plan of a step.

        >>> import polars as pl
        >>> sales = pl.LazyFrame(schema={"day": pl.Date, "net": pl.Int64})
        >>> found = Does.of(sales.group_by("day").agg(total=pl.col("net").sum()))
        >>> sorted(found.operations), sorted(found.columns)
        (['group by day'], ['total'])
        """
        text = frame.explain(optimized=False)
        said = [f"{_how(how)} join on {keys_in([keys])}" for how, keys in _JOIN.findall(text)]
        said += [f"{word} {keys_in([keys])}" for pattern, word in _KEYED for keys in pattern.findall(text)]
        said += [f"filter by {keys_in([condition])}" for condition in _FILTER.findall(text)]
        return Does(frozenset(said), frozenset(_MADE.findall(text)))


def _how(word: str) -> str:
    return _AS_OF if word == "ASOF" else word.lower()


def step_of(words: str, columns: Collection[str], steps: Mapping[str, Does]) -> str:
    """The step that a node comes from; empty where it is none's, or several do the same."""
    if columns:
        able = [name for name, does in steps.items() if set(columns) <= does.columns]
    else:
        able = [name for name, does in steps.items() if words in does.operations]
    return able[0] if len(able) == 1 else ""
