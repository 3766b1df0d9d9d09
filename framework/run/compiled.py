"""A pipeline as a plan over empty inputs: proves that it fits together, without data."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import (
    Contract,
    Rule,
    Violations,
    as_check,
    compile_contract,
    conform,
    resolve_schema,
    settled_rules,
    untouched_columns,
    with_fallbacks,
    with_nulls,
)
from framework.core.clock import at_run_time, run_time
from framework.core.frames import FILLED
from framework.core.source import FileSource
from framework.definition.fanned import fanned_in
from framework.errors import AuthorError, DefinitionError, Problem, SchemaError, SluiceError, StepError
from framework.lake import to_storable
from framework.run.budgets import budget_problems
from framework.run.hooks.points import table_read
from framework.run.hooks.raw import changed_raw_rows
from framework.run.last_known import look_up_problems
from framework.run.sensitive import sensitive_columns
from framework.sources import PROVENANCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from framework.core.typed import DataFrameModel
    from framework.definition import Output, Pipeline, Step

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
TABLE_OPTIONS = ("key", "partition_by", "newest_by", "recompute_by")
FILE_OPTIONS = ("columns", "order_by")


def contracts(pipeline: Pipeline) -> dict[str, Contract]:
    """Compile the schemas of a pipeline's sources and steps.

    Raises:
        DefinitionError: naming every schema problem of every node.
    """
    found: dict[str, Contract] = {}
    problems: list[Problem] = []
    for node in [*pipeline.sources, *(step.name for step in pipeline.steps)]:
        model = pipeline.schema_of(node)
        if model is None:
            continue
        try:
            source = pipeline.file_sources.get(node)
            own = [as_check(one) for one in pipeline.rules_of(node)]
            schema = resolve_schema(model)
            contract = compile_contract(schema, checks=own) if own else _compile(schema)
            found[node] = _of_source(contract, pipeline, node) if source else contract
            problems.extend(budget_problems(node, source, found[node]) if source else ())
        except DefinitionError as error:
            problems.extend(error.problems)
    if problems:
        raise DefinitionError(sorted(set(problems)))
    return found


def _compile(model: Any) -> Contract:
    """Compile a schema, a model once for each time that its rules are fixed to: a run looks at it several times."""
    return _compiled(model, run_time()) if isinstance(model, type) else compile_contract(model)


@lru_cache(maxsize=256)
def _compiled(model: type[DataFrameModel], _moment: datetime) -> Contract:
    return compile_contract(model)


def _of_source(contract: Contract, pipeline: Pipeline, name: str) -> Contract:
    """The contract of a file source, with its nulls and fallbacks."""
    source = pipeline.file_sources[name]
    has_alternate = source.otherwise is not None or name in pipeline.primaries
    known = with_nulls(contract, source.nulls, source=name)
    return with_fallbacks(known, source.fallback, source=name, has_alternate=has_alternate)


def wire(
    pipeline: Pipeline,
    inputs: Mapping[str, pl.LazyFrame],
    parameters: Mapping[str, Any],
    known: Mapping[str, Contract],
    checks: Mapping[str, Violations] | None = None,
) -> dict[str, pl.LazyFrame]:
    """Run the steps on lazy inputs, each by its argument names; gives the frame of every node.

    Lazy: steps build plans. Each output is held against the names and types its step declares. Where there are
    `checks`, only the steps that have one are run, and their rows are watched for what they break.

    Raises:
        StepError: when a step raises or returns something else than a lazy frame.
        SchemaError: when its columns are not those it declares.
    """
    tables = pipeline.table_sources
    frames = {name: table_read(pipeline, name, rows) if name in tables else rows for name, rows in inputs.items()}
    for step in pipeline.steps:
        if any(name not in frames for name in step.inputs) or (checks is not None and step.name not in checks):
            continue
        if any(p.is_required and p.name not in parameters for p in step.parameters):
            # Without a run there is no value to call it with: what it declares stands for what it gives.
            frames[step.name] = pl.LazyFrame(schema=known[step.name].schema)
            continue
        arguments = {name: frames[name] for name in step.inputs}
        arguments.update({p.name: parameters[p.name] for p in step.parameters if p.name in parameters})
        with planning(f"step '{step.name}'", step.name) as ask:
            conforming = conform(ask(step.function, **arguments), known[step.name], step.name)
            frames[step.name] = checks[step.name].watch(conforming) if checks is not None else conforming
    return frames


@contextmanager
def planning(what: str, step: str = "") -> Iterator[Callable[..., pl.LazyFrame]]:
    """Build a plan with a function of an author: gives a way to call it. `what` says in messages what it is.

    `step`: the step that it is, for whoever has something that stands in for that.

    Raises:
        StepError: when it raises or returns something else than a lazy frame, or its plan cannot be resolved.
    """

    def ask(function: Callable[..., Any], *frames: pl.LazyFrame, **arguments: Any) -> pl.LazyFrame:
        try:
            given = function(*frames, **arguments)
        except SluiceError:
            raise
        except Exception as error:
            raise StepError(f"{what} raised {type(error).__name__}: {error}") from error
        if not isinstance(given, pl.LazyFrame):
            raise StepError(f"{what} returned {type(given).__name__}; return the lazy frame, uncollected")
        return given

    try:
        yield ask
    except pl.exceptions.PolarsError as error:
        wrong = StepError(f"{what} gives a plan that cannot be resolved: {str(error).splitlines()[0]}")
        wrong.step = step
        raise wrong from error
    except AuthorError as error:
        error.step = error.step or step
        raise


def empty_inputs(pipeline: Pipeline, known: Mapping[str, Contract]) -> dict[str, pl.LazyFrame]:
    """Every source as a frame without rows, with the columns that its contract gives."""
    frames = {}
    for name, source in pipeline.sources.items():
        if name not in known:
            continue
        provenance = PROVENANCE_TYPES if isinstance(source, FileSource) else {}
        frames[name] = pl.LazyFrame(schema={**known[name].schema, **provenance, **known[name].marks})
    return frames


def verify(pipeline: Pipeline) -> list[Problem]:
    """Build the pipeline's plan over empty inputs and report what does not fit. Reads nothing."""
    try:
        with at_run_time(EPOCH):
            known = contracts(pipeline)
            changed_raw_rows(pipeline, known)
            frames = wire(pipeline, empty_inputs(pipeline, known), defaults(pipeline), known)
    except DefinitionError as error:
        return list(error.problems)
    except AuthorError as error:
        return [Problem(pipeline.name, str(error))]
    found = [*unknown_columns(pipeline, frames), *look_up_problems(pipeline, known), *_unmarked(pipeline, frames)]
    found += rule_misfits(pipeline, frames)
    found += [*_condition_misfits(pipeline, frames), *_standby_problems(pipeline, known)]
    found += [p for o in pipeline.outputs if o.of in frames for p in _unstorable(o, frames[o.of])]
    found += [p for o in pipeline.outputs if o.quality and o.of in frames for p in _misfits(pipeline, o, known, frames)]
    return [Problem(f"{pipeline.name}, {problem.where}", problem.what, problem.fix) for problem in found]


def _standby_problems(pipeline: Pipeline, known: Mapping[str, Contract]) -> Iterator[Problem]:
    """Find what stands in for a step and does not fit in its place."""
    for step in pipeline.steps:
        if step.otherwise is not None:
            try:
                with at_run_time(EPOCH):
                    other = pipeline.with_standby(step.name)
                    wire(other, empty_inputs(other, known), defaults(other), known)
            except AuthorError as error:
                yield Problem(step.where, f"its otherwise '{step.otherwise.name}' does not fit: {error}")


def _condition_misfits(pipeline: Pipeline, frames: Mapping[str, pl.LazyFrame]) -> list[Problem]:
    if all(step.when is None for step in pipeline.steps):
        return []
    from framework.run.branches import condition_misfits  # most pipelines have no conditions

    with at_run_time(EPOCH):
        return condition_misfits(pipeline, frames, defaults(pipeline))


def rule_misfits(pipeline: Pipeline, frames: Mapping[str, pl.LazyFrame]) -> list[Problem]:
    """Find the rules across tables that do not fit the columns of their sources and steps, as far as those are known.

    `frames`: the sources and steps, lazy.
    """
    if not pipeline.rules:
        return []
    from framework.boundary.across import across_misfits  # most pipelines have no rules across tables

    schemas = {node: frame.collect_schema() for node, frame in frames.items()}
    return [
        Problem(f"rule '{rule.name}'", what, fix)
        for rule in pipeline.rules
        for what, fix in across_misfits(rule, schemas)
    ]


def unknown_columns(pipeline: Pipeline, frames: Mapping[str, pl.LazyFrame]) -> list[Problem]:
    """Find the options of outputs and files that name columns which their rows do not have."""
    tables = [p for o in pipeline.outputs for p in _unknown_columns(f"table '{o.table}'", o, TABLE_OPTIONS, frames)]
    files = [p for e in pipeline.exports for p in _unknown_columns(f"file '{e.path}'", e, FILE_OPTIONS, frames)]
    return [*tables, *files]


def _unknown_columns(
    where: str, output: Any, options: tuple[str, ...], frames: Mapping[str, pl.LazyFrame]
) -> Iterator[Problem]:
    """Find the options of an output that name columns which its rows do not have."""
    if output.of not in frames:
        return
    columns = frames[output.of].collect_schema().names()
    for option in options:
        for name in getattr(output, option):
            if name not in columns:
                fix = f"columns of '{output.of}': {', '.join(columns)}"
                yield Problem(where, f"{option} names '{name}', not there", fix)


def _unmarked(pipeline: Pipeline, frames: Mapping[str, pl.LazyFrame]) -> Iterator[Problem]:
    """Find tables whose rows may come from an alternate source and do not say so."""
    for output in pipeline.outputs:
        fed = sorted(pipeline.primaries.keys() & pipeline.upstream(output.of))
        if fed and output.of in frames and FILLED not in frames[output.of].collect_schema():
            what = f"its rows may come from the alternate source '{fed[0]}', and lack the column {FILLED} that says so"
            yield Problem(f"table '{output.table}'", what, f"let the steps keep {FILLED}: by it the primary's rows win")


def _misfits(
    pipeline: Pipeline, output: Output, known: Mapping[str, Contract], frames: Mapping[str, pl.LazyFrame]
) -> Iterator[Problem]:
    """Find what the quality of an output asks of columns that they do not have."""
    from framework.run.expected import quality_misfits

    schema = frames[output.of].collect_schema()
    yield from quality_misfits(output, schema, sensitive_columns(pipeline, output, known))


def _unstorable(output: Output, frame: pl.LazyFrame) -> Iterator[Problem]:
    """Find the columns of an output that no Delta table can hold."""
    try:
        to_storable(frame)
    except SchemaError as error:
        yield Problem(f"table '{output.table}'", str(error))


def defaults(pipeline: Pipeline) -> dict[str, Any]:
    """The run parameters that have a value without a run."""
    return {name: p.default for name, p in pipeline.parameters.items() if not p.is_required}


def expression_text(expression: pl.Expr) -> str:
    """An expression with all its literals, as text that is equal for equal ones; it holds for one version of Polars."""
    try:
        return str(expression.meta.serialize(format="json"))
    except pl.exceptions.ComputeError:
        return str(expression)


def settle(pipeline: Pipeline, known: Mapping[str, Contract]) -> dict[str, list[Rule]]:
    """Per step, the rules that its input's check has settled: those on columns that the step hands through unchanged.

    Only rows of files and of other steps were checked in the same run, and only where breaking a rule stops a row.
    """
    empty = {name: frame.collect_schema() for name, frame in empty_inputs(pipeline, known).items()}
    schemas = dict(empty)
    trusted = {n for n, source in pipeline.file_sources.items() if source.on_invalid != "warn"}
    found: dict[str, list[Rule]] = {}
    for step in pipeline.steps:
        given = {name: schemas[name] for name in step.inputs if name in schemas}
        values = {p.name: defaults(pipeline)[p.name] for p in step.parameters if not p.is_required}
        found[step.name] = []
        if all(name in given for name in step.inputs) and all(not p.is_required for p in step.parameters):
            frame = conform(step.function(**_lazy(given), **values), known[step.name], step.name)
            schemas[step.name] = frame.collect_schema()
            origin = None
            if fanned_in(step.function) is None:  # it reads what it is called for, and here there are no rows
                origin = untouched_columns(partial(_apply, step, values), given)
            if origin and origin[0] in trusted:
                found[step.name] = settled_rules(known[origin[0]], origin[1])
            trusted.add(step.name)
        else:
            schemas[step.name] = known[step.name].schema
    return found


def _lazy(schemas: Mapping[str, pl.Schema]) -> dict[str, pl.LazyFrame]:
    return {name: pl.LazyFrame(schema=schema) for name, schema in schemas.items()}


def _apply(step: Step, values: Mapping[str, Any], frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    given: pl.LazyFrame = step.function(**frames, **values)
    return given
