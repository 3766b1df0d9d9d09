"""Hooks that cannot be meant: each is found when the pipeline is defined, with what to do."""

from __future__ import annotations

import polars as pl  # noqa: TC002 - annotations of hooks are read at run time
import pytest

from framework import PublishMoment, ReadMoment, StepMoment, csv_files, delta_table, hook
from framework.core.typed import DataFrameModel
from framework.definition import Pipeline, table
from framework.definition.project_hooks import project_hooks
from framework.errors import DefinitionError


class Sale(DataFrameModel):
    id: int


def problems_of(*hooks, source_hooks=(), table_hooks=None) -> list[str]:
    sources = {"sales": csv_files("sales/*.csv", schema=Sale, hooks=source_hooks)}
    if table_hooks is not None:
        sources = {"sales": delta_table("raw/sales", schema=Sale, hooks=table_hooks)}
    with pytest.raises(DefinitionError) as caught:
        Pipeline("t.sales", sources=sources, outputs=[table("sales", of="sales")], hooks=hooks)
    return [str(problem).replace(f"{__name__}:", "") for problem in caught.value.problems]


@hook("after_publsh")
def misspelt(moment: PublishMoment) -> None: ...


@hook("after_publish", on_error="ignore")
def careless(moment: PublishMoment) -> None: ...


@hook("after_publish")
def other(moment: ReadMoment) -> None: ...


@hook("after_publish")
def two(moment: PublishMoment, more: str) -> None: ...


@hook("after_publish")
def none() -> None: ...


@hook("after_publish")
async def later(moment: PublishMoment) -> None: ...


@hook("after_publish")
def giving(moment: PublishMoment) -> pl.LazyFrame: ...


@hook("before_step")
def one_frame(moment: StepMoment) -> pl.LazyFrame: ...


@hook("after_read", on_error="warn")
def wavering(moment: ReadMoment) -> pl.LazyFrame: ...


@hook("after_publish")
def unreadable(moment: Nowhere) -> None: ...  # noqa: F821


@hook("after_publish")
def published(moment: PublishMoment) -> None: ...


@hook("after_check")
def checked(moment) -> None: ...


def plain(moment: PublishMoment) -> None: ...


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            misspelt,
            "hook 'misspelt': there is no point 'after_publsh' (did you mean 'after_publish' or 'before_publish'?)",
        ),
        (careless, "hook 'careless': on_error='ignore' is unknown (known: fail, warn)"),
        (
            other,
            (
                "hook 'other': takes a ReadMoment, but 'after_publish' tells a PublishMoment"
                " (write it as (moment: PublishMoment))"
            ),
        ),
        (two, "hook 'two': takes moment, more, not one record (write it as (moment: PublishMoment))"),
        (none, "hook 'none': takes nothing, not one record (write it as (moment: PublishMoment))"),
        (later, "hook 'later': is a coroutine, which nobody awaits (write it without async)"),
        (
            giving,
            "hook 'giving': gives LazyFrame, which nobody takes at 'after_publish' (annotate it with -> None)",
        ),
        (
            one_frame,
            (
                "hook 'one_frame': gives LazyFrame, which nobody takes at 'before_step'"
                " (annotate it with -> Mapping[str, pl.LazyFrame], or -> None)"
            ),
        ),
        (
            wavering,
            (
                "hook 'wavering': gives rows, and goes on without them when it fails"
                " (without its rows the run would give others: leave out on_error)"
            ),
        ),
        (
            unreadable,
            (
                "hook 'unreadable': its signature cannot be read: name 'Nowhere' is not defined"
                " (import the names of its annotations at run time)"
            ),
        ),
        (
            plain,
            "hook 'plain': does not say when it is called (put @hook('after_publish') or the like above it)",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_hook_that_cannot_be_meant_is_refused(given, said):
    assert problems_of(given) == [f"t.sales, {said}"]


def test_what_is_no_function_is_no_hook():
    assert problems_of("hooks:tell") == ["t.sales, hooks: 'hooks:tell' is no function (name a function)"]


def test_all_problems_are_told_at_once():
    assert len(problems_of(misspelt, careless, source_hooks=[plain, published])) == 4


def test_a_source_has_no_points_of_tables_and_steps():
    assert problems_of(source_hooks=[published]) == [
        (
            "t.sales, source 'sales', hook 'published': 'after_publish' is no point of a source"
            " (give it to the pipeline: Pipeline(..., hooks=[...]))"
        )
    ]


def test_a_table_is_not_checked_when_it_is_read():
    assert problems_of(table_hooks=[checked]) == [
        (
            "t.sales, source 'sales': hook 'checked': a table is not checked when it is read"
            " (its rows were checked when it was written)"
        )
    ]


def test_hooks_are_a_list():
    with pytest.raises(DefinitionError, match=r"write hooks=\[...\]"):
        Pipeline(
            "t.sales",
            sources={"sales": csv_files("*.csv", schema=Sale)},
            outputs=[table("sales", of="sales")],
            hooks=published,
        )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tell", "is no name of a function (write it as module:function, such as hooks:tell)"),
        (
            "nowhere_at_all:tell",
            "there is no module 'nowhere_at_all' (name one that lies in the project's folder or is",
        ),
        ("json:dmps", "json has no 'dmps' (did you mean 'dumps' or 'dump'?)"),
    ],
)
def test_a_hook_of_the_project_that_is_not_there_is_named(name, said):
    found, (problem,) = project_hooks([name])
    assert found == ()
    assert str(problem).startswith(f"sluice.toml, hook '{name}': {said}")


def test_a_module_that_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken_hooks.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    _, (problem,) = project_hooks(["broken_hooks:tell"])
    assert problem.what == "broken_hooks cannot be imported: ZeroDivisionError: division by zero"
