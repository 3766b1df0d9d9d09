"""Everything that can be wrong with a definition: the exact words, all at once."""

# ruff: noqa: E501, TC002 - messages are compared literally; annotations of steps are read at run time

from __future__ import annotations

from itertools import pairwise

import pandera.polars as pa
import polars as pl
import pytest

from framework.core.source import FileSource
from framework.core.typed import LazyFrame
from framework.definition import Pipeline, step, table
from framework.errors import DefinitionError
from framework.sources import csv_files, delta_table


class Sale(pa.DataFrameModel):
    id: int


class Other(pa.DataFrameModel):
    id: int


@step(returns=Sale)
def clean(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales


@step(returns=Other)
def total(clean: LazyFrame[Sale]) -> pl.LazyFrame:
    return clean


SALES = {"sales": csv_files("sales/*.csv", schema=Sale)}
OUT = [table("retail/sales", of="clean")]


def problems(name="retail.sales", *, sources=None, steps=(clean,), outputs=OUT) -> list[str]:
    try:
        Pipeline(name, sources=SALES if sources is None else sources, steps=steps, outputs=outputs)
    except DefinitionError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_sound_definition_has_no_problems():
    assert problems() == []


def made(name, returns=Sale, **annotations):
    """A step of a name with annotated parameters, returning its first one."""

    def body(**frames):
        return next(iter(frames.values()))

    source = f"def {name}({', '.join(annotations)}): return body({', '.join(f'{a}={a}' for a in annotations)})"
    scope = {"body": body}
    exec(source, scope)
    function = scope[name]
    function.__annotations__ = annotations
    return step(returns=returns)(function)


FRAME = LazyFrame[Sale]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"name": "Retail Sales"}, "Retail Sales: 'Retail Sales' is no pipeline name (lower case words with dots, such as retail.daily_sales)"),
        ({"steps": (clean, clean)}, "retail.sales, step 'clean': is given 2 times (give each step once)"),
        ({"outputs": []}, "retail.sales: has no output (add outputs=[table(...)])"),
        ({"sources": {**SALES, "my-sales": delta_table("retail/x")}}, "retail.sales, source 'my-sales': is no argument name (use letters, digits and underscores)"),
        ({"sources": {"sales": FileSource("csv", (), Sale)}}, "retail.sales, source 'sales': names no files (give a pattern such as 'sales/*.csv')"),
        ({"sources": {"sales": csv_files("x", schema=Sale, on_invalid="quarantin")}}, "retail.sales, source 'sales': on_invalid='quarantin' is unknown (did you mean 'quarantine'?)"),
        ({"sources": {"sale": csv_files("x", schema=Sale)}}, "retail.sales, step 'clean': takes 'sales', which is no source or step (did you mean 'sale'?)"),
        ({"sources": {**SALES, "unused": delta_table("retail/x")}}, "retail.sales, source 'unused': is used by no step or output (drop it)"),
        ({"steps": (clean, total)}, "retail.sales, step 'total': leads to no output (add an output of it or drop it)"),
        ({"sources": {"sales": csv_files("x", schema=Other)}}, "retail.sales, step 'clean': takes 'sales' as Sale, but it is Other (use one schema on both sides)"),
        ({"outputs": [*OUT, *OUT]}, "retail.sales, table 'retail/sales': is written 2 times (one output per table)"),
        ({"outputs": [table("Retail/Sales", of=clean)]}, "retail.sales, table 'Retail/Sales': is no table name (lower case words with slashes, such as retail/sales)"),
        ({"outputs": [*OUT, table("retail/x", of="cleen")]}, "retail.sales, table 'retail/x': is of 'cleen', which is no source or step (did you mean 'clean'?)"),
        ({"outputs": [table("retail/x", of=clean, mode="mrege")]}, "retail.sales, table 'retail/x': mode 'mrege' is unknown (did you mean 'merge'?)"),
        ({"outputs": [table("retail/x", of=clean, mode="merge")]}, "retail.sales, table 'retail/x': merge needs a key (add key=)"),
        ({"outputs": [table("retail/x", of=clean, mode="replace_partitions")]}, "retail.sales, table 'retail/x': replace_partitions needs partitions (add partition_by=)"),
        ({"sources": {"sales": csv_files("x", schema=Sale, references={"id": "sales"})}}, "retail.sales, source 'sales': 'id' refers to the source itself (refer to a table)"),
        ({"sources": {"sales": csv_files("x", schema=Sale, references={"id": "products"})}}, "retail.sales, source 'sales': 'id' refers to 'products', which is no source (known: sales)"),
        ({"sources": {"sales": csv_files("x", schema=Sale, references={"id": "products"}), "products": csv_files("p", schema=Sale)}}, "retail.sales, source 'sales': 'id' refers to files ('products') (publish them as a table and refer to it with delta_table())"),
        ({"sources": {"sales": delta_table("retail/sales")}}, "retail.sales, table 'retail/sales': is both read and written (write another table)"),
        ({"sources": {"sales": csv_files("x")}, "steps": (), "outputs": [table("retail/x", of="sales")]}, "retail.sales, source 'sales': has no schema, so its rows cannot be checked (annotate the input with LazyFrame[Schema] or give schema=)"),
        ({"steps": (made("clean", sales=FRAME), made("sales", sales=FRAME))}, "retail.sales, step 'sales': has the name of a source (rename one of them)"),
    ],
    ids=lambda value: value.split(": ", 1)[1][:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_problem_says_where_what_and_what_to_do(asked, expected):
    assert expected in problems(**asked)


RECOMPUTED = {"mode": "merge", "key": ["id", "day"]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mode": "append", "recompute_by": "id"}, "recompute_by does not go with append (use merge or replace_partitions)"),
        ({"mode": "overwrite", "recompute_by": "id"}, "recompute_by does not go with overwrite (use merge or replace_partitions)"),
        ({"mode": "replace_partitions", "partition_by": "day", "recompute_by": "id"}, "recompute_by differs from partition_by (recompute whole partitions, or use merge)"),
        ({**RECOMPUTED, "recompute_by": "other"}, "recompute_by is not part of the key (recompute by columns of the key)"),
        ({**RECOMPUTED, "recompute_by": "id"}, "recomputes by id, but 'sales' gives only what is new (publish its rows as a table and read that with delta_table())"),
    ],
)  # fmt: skip
def test_options_of_an_output_that_contradict_each_other(options, expected):
    assert f"retail.sales, table 'retail/x': {expected}" in problems(outputs=[table("retail/x", of=clean, **options)])


def test_schemas_that_steps_ask_of_one_source_must_be_one():
    two = (made("one", sales=LazyFrame[Sale]), made("two", sales=LazyFrame[Other], one=FRAME))
    found = problems(sources={"sales": csv_files("x")}, steps=two, outputs=[table("retail/x", of="two")])
    assert found == [
        "retail.sales, source 'sales': is asked for with different schemas: Sale by 'one', Other by 'two' (use one)"
    ]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda sales: sales, "step '<lambda>': does not say what it returns (put @step(returns=Schema) above it)"),
        (made("clean", returns=int, sales=FRAME), "step 'clean': returns=<class 'int'> is no schema (give a Pandera DataFrameModel)"),
        (made("clean"), "retail.sales, step 'clean': takes no frame (annotate an input with LazyFrame[Schema])"),
        (made("clean", sales="Missing"), "step 'clean': its annotations cannot be read: name 'Missing' is not defined (import their names at run time)"),
        (made("clean", sales=FRAME, clean=FRAME), "retail.sales, step 'clean': takes itself (rename the parameter)"),
    ],
    ids=range(5),
)  # fmt: skip
def test_function_that_is_no_step(function, expected):
    assert expected in problems(steps=(function,))


def test_untyped_and_variable_parameters():
    @step(returns=Sale)
    def clean(sales: LazyFrame[Sale], limit, *more: int, **rest: int):
        return sales

    assert problems(steps=(clean,)) == [
        "step 'clean': parameter 'limit' has no type (annotate it with LazyFrame[Schema] or, for a run parameter, with its type)",
        "step 'clean': takes *more (name every input and parameter)",
        "step 'clean': takes *rest (name every input and parameter)",
    ]  # fmt: skip


def test_circle_of_steps_is_named_with_its_path():
    circle = (made("a", sales=FRAME, c=FRAME), made("b", a=FRAME), made("c", b=FRAME))
    (found,) = [p for p in problems(steps=circle, outputs=[table("retail/x", of="c")]) if "circle" in p]
    assert found.startswith("retail.sales: steps go in a circle: ")
    path = found.removeprefix("retail.sales: steps go in a circle: ").removesuffix(" (break the circle)").split(" -> ")
    takes = {"a": {"c"}, "b": {"a"}, "c": {"b"}}
    assert path[0] == path[-1]
    assert all(later in takes[earlier] or earlier in takes[later] for earlier, later in pairwise(path))


def test_all_problems_are_reported_at_once():
    with pytest.raises(DefinitionError) as caught:
        Pipeline(
            "Retail",
            sources={"sale": csv_files("x", schema=Sale, on_invalid="ignore")},
            steps=[clean],
            outputs=[table("retail/x", of="cleaned", mode="merge")],
        )
    assert str(caught.value).splitlines() == [
        "7 problems in the definition:",
        "  - Retail: 'Retail' is no pipeline name (lower case words with dots, such as retail.daily_sales)",
        "  - Retail, source 'sale': on_invalid='ignore' is unknown (known: drop, fail, quarantine, warn)",
        "  - Retail, step 'clean': takes 'sales', which is no source or step (did you mean 'sale'?)",
        "  - Retail, table 'retail/x': is of 'cleaned', which is no source or step (did you mean 'clean'?)",
        "  - Retail, table 'retail/x': merge needs a key (add key=)",
        "  - Retail, step 'clean': leads to no output (add an output of it or drop it)",
        "  - Retail, source 'sale': is used by no step or output (drop it)",
    ]


def test_definition_error_survives_pickling():
    import pickle

    with pytest.raises(DefinitionError) as caught:
        Pipeline("x", sources={}, outputs=[])
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems
