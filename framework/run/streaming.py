"""Which operations of a pipeline's steps hold their whole input in memory instead of passing rows on.

Polars' streaming engine says so itself, in the graph of its physical plan: nodes that fall back to the engine in
memory. The graph is a text for drawing (Polars 2.1): what cannot be read in it is left out, as this is advice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.run.fingerprints.texts import expressions_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

NODE = re.compile(r'^\d+ \[label="((?:[^"\\]|\\.)*)"', re.MULTILINE)
COLUMNAR = re.compile(r"= (\w+)\(\.\.\.\)")
WORDS = {
    "AGGREGATE": "group_by",
    "UNIQUE": "unique",
    "SELECT": "select",
    "WITH_COLUMNS": "with_columns",
    "OPAQUE_PYTHON": "a Python function over the whole frame (map_batches)",
    "python_udf": "a Python function over a whole column (map_batches)",
}
WHOLE = (".median()", ".quantile(", ".implode()", ".mode()", ".python_udf()", ".rank(", ".qcut(", ".over(")
"""What makes an aggregation or a selection fall back, where it stands among others that do not."""


@dataclass(frozen=True)
class InMemory:
    """An operation of a step that holds its input in memory: what it is, and the expression where one is known."""

    step: str
    operation: str
    expression: str = ""

    def __str__(self) -> str:
        shown = f": {self.expression}" if self.expression else ""
        return f"step '{self.step}': {self.operation} is held in memory{shown}"


def in_memory(frames: Mapping[str, pl.LazyFrame]) -> list[InMemory]:
    """Find what the steps of a pipeline hold in memory. Reads no data.

    Args:
        frames: Per step its plan, lazy.

    >>> import polars as pl
    >>> from framework.run.fingerprints.plans import StandIn
    >>> rows = StandIn("rows", pl.Schema({"a": pl.Int64, "b": pl.Int64})).frame()
    >>> for one in in_memory({"typical": rows.group_by("a").agg(pl.col("b").median())}):
    ...     print(one)
    step 'typical': group_by is held in memory: col("b").median()
    """
    return list(dict.fromkeys(one for name, frame in frames.items() for one in _of_step(name, frame)))


def _of_step(name: str, frame: pl.LazyFrame) -> Iterator[InMemory]:
    graph = frame.show_graph(engine="streaming", plan_stage="physical", raw_output=True) or ""
    for label in NODE.findall(graph):
        kind, _, rest = label.replace("\\n", "\n").replace('\\"', '"').partition("\n")
        if kind == "columnar-function":
            found = COLUMNAR.search(rest)
            yield _columnar(name, found.group(1) if found else rest.strip(), frame)
        elif kind == "in-memory-map":
            yield from _mapped(name, rest)


def _columnar(name: str, function: str, frame: pl.LazyFrame) -> InMemory:
    written = [one for one in expressions_in(frame.explain(optimized=False)) if f".{function}(" in one]
    return InMemory(name, WORDS.get(function, function), written[0] if written else "")


def _mapped(name: str, text: str) -> Iterator[InMemory]:
    word = re.split(r"[\[\s]", text.strip(), maxsplit=1)[0]
    operation = WORDS.get(word, word.lower())
    found = [re.sub(r"^_POLARS_TMP_\w+ = ", "", one) for one in expressions_in(text)]
    culprits = [one for one in found if any(part in one for part in WHOLE)]
    yield from (InMemory(name, operation, one) for one in culprits)
    if not culprits:
        yield InMemory(name, operation)
