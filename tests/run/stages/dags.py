"""Pipelines of any shape: steps that add a column to what they take, checkpoints where one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
from hypothesis import strategies as st

from framework import LazyFrame, Pipeline, csv_files, step, table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Row(pa.DataFrameModel):
    key: int = pa.Field(ge=0)
    value: int = pa.Field(lt=10**9)


def made_pipeline(
    takes: Mapping[str, Sequence[str]], outputs: Sequence[str], cuts: Collection[str] = (), name: str = "t.any"
) -> Pipeline:
    """A pipeline by what each step takes; what is no step is a source of files."""
    sources = {taken for every in takes.values() for taken in every} | set(outputs)
    steps = [made_step(name, inputs, is_cut=name in cuts) for name, inputs in takes.items()]
    return Pipeline(
        name,
        sources={one: csv_files(f"{one}/*.csv", schema=Row) for one in sorted(sources - takes.keys())},
        steps=steps,
        outputs=[table(f"t/{of}", of=of, mode="overwrite") for of in outputs],
    )


def made_step(name: str, inputs: Sequence[str], *, is_cut: bool):
    """A step that puts the rows of its inputs together, each with a value of its own."""

    def function(**frames: pl.LazyFrame) -> pl.LazyFrame:
        own = [frames[one].select("key", pl.col("value") * (n + 2) % 9973) for n, one in enumerate(inputs)]
        return pl.concat(own).unique().with_columns(pl.col("value") + len(name))

    arguments = ", ".join(f"{one}: LazyFrame[Row]" for one in inputs)
    given = ", ".join(f"{one}={one}" for one in inputs)
    made: dict = {"LazyFrame": LazyFrame, "Row": Row, "pl": pl, "function": function}
    exec(f"def {name}({arguments}) -> pl.LazyFrame:\n    return function({given})\n", made)
    return step(returns=Row, checkpoint=is_cut)(made[name])


@st.composite
def drawn_pipelines(draw: st.DrawFn) -> Pipeline:
    """Up to seven steps over up to three sources; whatever leads nowhere is an output."""
    sources = [f"s{n}" for n in range(draw(st.integers(1, 3)))]
    takes: dict[str, list[str]] = {}
    for n in range(draw(st.integers(1, 7))):
        nodes = [*sources, *takes]
        takes[f"n{n}"] = draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3, unique=True))
    taken = {one for every in takes.values() for one in every}
    cuts = draw(st.sets(st.sampled_from(sorted(takes))))
    more = draw(st.sets(st.sampled_from([*sources, *takes])))
    outputs = [node for node in [*sources, *takes] if node in more or (node not in taken and node in takes)]
    return made_pipeline(takes, outputs, cuts)
