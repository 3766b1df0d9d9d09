"""Hooks: functions of a project that are called at points of a run, and what each of them is told.

A hook takes one record and gives nothing, unless it says that it gives rows. What a hook that gives rows does is part
of the pipeline's plan, like a step; all others watch, and are called in runs only.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

F = TypeVar("F", bound="Callable[..., Any]")

OnError = Literal["fail", "warn"]
ON_ERROR: tuple[OnError, ...] = ("fail", "warn")
Level = Literal["project", "pipeline", "source"]
MARK = "__sluice_hook__"


@dataclass(frozen=True)
class Moment:
    """What every hook is told.

    `place`: the source, step or table; empty for a failure. `run_id`, `seq`: empty and 0 where there is none, as when a
    plan is only looked at. `attempt`: the how manyth at this run.
    """

    point: str
    pipeline: str
    place: str = ""
    run_id: str = ""
    seq: int = 0
    attempt: int = 1

    @property
    def key(self) -> str:
        """The same in all attempts at a sequence: what a hook has done once under it need not be done again.

        >>> Moment("after_publish", "retail.sales", "retail/sales", seq=7).key
        'retail.sales/7/after_publish/retail/sales'
        """
        return f"{self.pipeline}/{self.seq}/{self.point}/{self.place}"


@dataclass(frozen=True)
class ReadMoment(Moment):
    """A source is about to be reached, or its rows are about to be read.

    `files`, `bytes`: what is read of files, 0 before they are listed. `rows`: after it, the rows as they are, lazy and
    not read yet; those of files as text, once per `part` of the `parts` in which files of the same columns come.
    `table`, `version`: of a table of the lake.
    """

    files: int = 0
    bytes: int = 0
    rows: pl.LazyFrame | None = None
    part: int = 1
    parts: int = 1
    table: str = ""
    version: int | None = None

    @property
    def key(self) -> str:
        """See `Moment`; with the part, where there are several."""
        return super().key + (f"/{self.part}" if self.part > 1 else "")


@dataclass(frozen=True)
class CheckMoment(Moment):
    """The rows of a source of files are held against its schema. The counts are those of a report, 0 before.

    `reasons`: rows by the rule that they break. `warned`: those of rules that only warn.
    """

    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    dropped: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warned: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StepMoment(Moment):
    """A step builds its part of the plan: nothing is computed yet. `inputs`, `rows`: lazy; `rows` is what it gives."""

    inputs: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    rows: pl.LazyFrame | None = None


@dataclass(frozen=True)
class PublishMoment(Moment):
    """A table of the pipeline is about to be published, or all of them are. `version`: as it was, or is now (after)."""

    version: int = 0
    rows_added: int = 0
    rows_removed: int = 0


@dataclass(frozen=True)
class FailureMoment(Moment):
    """An attempt has failed; `retryable`: another one may follow. `kind`: the failure class that the run records."""

    kind: str = ""
    error: str = ""
    message: str = ""
    retryable: bool = False


def before_read(moment: ReadMoment) -> None:
    """Before a source is reached for the first time, by a run or by a look at it: to sign in, to wake up, to wait."""


def after_read(moment: ReadMoment) -> pl.LazyFrame | None:
    """When the rows of a source are known and before they are checked. May give changed rows."""


def before_check(moment: CheckMoment) -> None:
    """Before the rows of a source of files are held against its schema."""


def after_check(moment: CheckMoment) -> None:
    """When all rows of a source are checked and counted, and nothing is visible. To fail here publishes nothing."""


def before_step(moment: StepMoment) -> Mapping[str, pl.LazyFrame] | None:
    """Before a step builds its plan. May give changed inputs, by name."""


def after_step(moment: StepMoment) -> pl.LazyFrame | None:
    """When a step has built its plan. May give changed rows, which are then held against what the step declares."""


def before_publish(moment: PublishMoment) -> None:
    """Once per table, before the first of them is published. To fail here publishes nothing."""


def after_publish(moment: PublishMoment) -> None:
    """Once per table, when all of them are published. To fail here fails the run, which is then taken up again."""


def on_failure(moment: FailureMoment) -> None:
    """When an attempt has failed in a way that its process has survived."""


POINTS: dict[str, tuple[Callable[..., Any], type[Moment]]] = {
    function.__name__: (function, moment)
    for function, moment in (
        (before_read, ReadMoment),
        (after_read, ReadMoment),
        (before_check, CheckMoment),
        (after_check, CheckMoment),
        (before_step, StepMoment),
        (after_step, StepMoment),
        (before_publish, PublishMoment),
        (after_publish, PublishMoment),
        (on_failure, FailureMoment),
    )
}
"""Every point: its specification, a function that does nothing, and what its hooks are told."""
OF_SOURCES = ("before_read", "after_read", "before_check", "after_check")
CHANGING = ("after_read", "before_step", "after_step")


@dataclass(frozen=True)
class Hook:
    """A function that is called at a point; see `hook`. `changes`: it gives rows. `level`: where it is declared."""

    name: str
    point: str
    function: Callable[..., Any]
    on_error: OnError = "fail"
    changes: bool = False
    level: Level = "pipeline"

    @property
    def is_after(self) -> bool:
        """Whether hooks of its point are called in reverse order."""
        return not self.point.startswith("before")


def hook(point: str, *, on_error: OnError = "fail") -> Callable[[F], F]:
    """Declare at which point of a run a function is called. The function stays a plain function.

    It takes one record, such as `moment: PublishMoment`, and gives nothing. At `after_read`, `before_step` and
    `after_step` it may be annotated to give rows (`-> pl.LazyFrame`): then it is part of the plan, as a step is.

    Args:
        point: One of `before_read`, `after_read`, `before_check`, `after_check`, `before_step`, `after_step`,
            `before_publish`, `after_publish`, `on_failure`.
        on_error: What happens when it raises: `fail` the run, or `warn` and go on.

    >>> @hook("after_publish", on_error="warn")
    ... def tell(moment: PublishMoment) -> None:
    ...     print(moment.place, moment.version)
    >>> tell(PublishMoment("after_publish", "retail.sales", "retail/sales", version=3))
    retail/sales 3
    """

    def mark(function: F) -> F:
        setattr(function, MARK, (point, on_error))
        return function

    return mark


def read_hook(given: Any, level: Level, where: str) -> tuple[Hook | None, list[Problem]]:
    """Read a hook from its function; problems are returned, not raised, so that all can be reported at once."""
    name = name_of(given)
    at = f"{where}, hook '{name}'" if where else f"hook '{name}'"
    if not callable(given):
        return None, [Problem(f"{where}, hooks" if where else "hooks", f"{given!r} is no function", "name a function")]
    marked = getattr(given, MARK, None)
    if marked is None:
        return None, [Problem(at, "does not say when it is called", "put @hook('after_publish') or the like above it")]
    point, on_error = marked
    if point not in POINTS:
        return None, [Problem(at, f"there is no point '{point}'", did_you_mean(str(point), POINTS))]
    problems = [Problem(at, what, fix) for what, fix in _wrong_terms(point, on_error, level)]
    changes, wrong = _read_signature(given, point)
    problems += [Problem(at, what, fix) for what, fix in wrong]
    if changes and on_error == "warn":
        fix = "without its rows the run would give others: leave out on_error"
        problems.append(Problem(at, "gives rows, and goes on without them when it fails", fix))
    return Hook(name, point, given, on_error, changes, level), problems


def name_of(given: Any) -> str:
    """The name of a hook: `module:function`."""
    name = getattr(given, "__qualname__", None)
    return f"{given.__module__}:{name}" if name else repr(given)


def _wrong_terms(point: str, on_error: str, level: Level) -> list[tuple[str, str]]:
    wrong = []
    if on_error not in ON_ERROR:
        wrong.append((f"on_error='{on_error}' is unknown", did_you_mean(str(on_error), ON_ERROR)))
    if level == "source" and point not in OF_SOURCES:
        wrong.append((f"'{point}' is no point of a source", "give it to the pipeline: Pipeline(..., hooks=[...])"))
    return wrong


def _read_signature(function: Callable[..., Any], point: str) -> tuple[bool, list[tuple[str, str]]]:
    """Whether a hook gives rows, by its annotations; and what is wrong with its signature."""
    told = POINTS[point][1]
    fix = f"write it as (moment: {told.__name__})"
    if inspect.iscoroutinefunction(function):
        return False, [("is a coroutine, which nobody awaits", "write it without async")]
    try:
        parameters = list(inspect.signature(function).parameters.values())
        hints = typing.get_type_hints(function)
    except Exception as error:  # noqa: BLE001 - any annotation may be wrong in any way, and is reported
        return False, [(f"its signature cannot be read: {error}", "import the names of its annotations at run time")]
    needed = [p for p in parameters if p.default is p.empty and p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    if len(needed) != 1 or needed[0].kind is inspect.Parameter.KEYWORD_ONLY:
        names = ", ".join(p.name for p in needed) or "nothing"
        return False, [(f"takes {names}, not one record", fix)]
    asked = hints.get(needed[0].name, told)
    if isinstance(asked, type) and asked is not object and not issubclass(told, asked):
        return False, [(f"takes a {asked.__name__}, but '{point}' tells a {told.__name__}", fix)]
    return _read_return(hints.get("return"), point)


def _read_return(given: Any, point: str) -> tuple[bool, list[tuple[str, str]]]:
    if given in {None, type(None), Any}:
        return False, []
    import polars as pl

    kinds: tuple[Any, ...] = typing.get_args(given) if type(None) in typing.get_args(given) else (given,)
    wanted: Any = Mapping if point == "before_step" else pl.LazyFrame
    origins = [typing.get_origin(kind) or kind for kind in kinds if kind is not type(None)]
    fits = all(isinstance(origin, type) and issubclass(origin, wanted) for origin in origins)
    if point in CHANGING and fits:
        return True, []
    word = {"before_step": "Mapping[str, pl.LazyFrame]"}.get(point, "pl.LazyFrame")
    fix = f"annotate it with -> {word}, or -> None" if point in CHANGING else "annotate it with -> None"
    return False, [(f"gives {getattr(given, '__name__', given)}, which nobody takes at '{point}'", fix)]
