"""`sluice debug`: any step of a past run, on the inputs that the run pinned."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.frames import frame_lines, plain_rows
from framework.cli.options import Exit, current, settings
from framework.cli.output import complain, hint, plural, show
from framework.core.frames import PROVENANCE
from framework.errors import ConfigurationError, did_you_mean
from framework.supervise.process import limit_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from framework.run.debug import Opened

NEWLINE = "\n"
Flag = Annotated[bool, Parameter(negative="")]


def debug(  # noqa: PLR0913 - one flag per thing that can be asked
    run: str,
    step: str,
    *,
    limit: int = 10,
    sample: float | None = None,
    where: str | None = None,
    inputs: Flag = False,
    open_: Annotated[bool, Parameter(name="--open", negative="")] = False,
    script: Flag = False,
) -> int:
    """Open a step of a past run, a failed one too, on the inputs that the run pinned. Writes nothing.

    Args:
        run: The run's id, or the beginning of it.
        step: A step or a source of its pipeline.
        limit: How many rows.
        sample: Compute from this fraction of the input: of sources that name a column in `sample_by`, whole values.
        where: Only rows for which this holds, in SQL, such as "amount > 100".
        inputs: Show rows of the step's inputs too.
        open_: Start Python with the inputs and the function as variables.
        script: Print the lines that do the same in a notebook.
    """
    if limit < 1:
        raise ConfigurationError(f"--limit {limit}: expected 1 or more")
    here = settings()
    limit_memory(here.memory_mb)  # before Polars is imported
    from framework.run.debug import open_step

    chosen = _condition(where)
    opened = open_step(run, step, here, sample=sample)
    if script:
        show({"script": _script(opened, sample)}, lambda: _script(opened, sample))
        return Exit.OK
    hint(*opened.notes)
    if open_:
        return _prompt(opened)
    return _show(opened, limit=limit, chosen=chosen, is_whole=inputs)


def _condition(where: str | None) -> pl.Expr | None:
    if where is None:
        return None
    import polars as pl

    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as error:
        text = f'--where {where}: cannot be read as SQL: {error}; expected a condition such as "amount > 100"'
        raise ConfigurationError(text) from error


def _show(opened: Opened, *, limit: int, chosen: pl.Expr | None, is_whole: bool) -> int:
    """Show what a step gives; where it fails, its error and what it was given."""
    given = {name: _facts(frame, limit if is_whole else 0) for name, frame in opened.inputs.items()}
    made, error = _computed(opened, limit, chosen)
    document = {
        "run_id": opened.run_id,
        "pipeline": opened.pipeline,
        "step": opened.step,
        "state": opened.state,
        "notes": list(opened.notes),
        "parameters": opened.parameters,
        "inputs": {name: _document(facts) for name, facts in given.items()} if opened.function else {},
        "output": _document(made) if made else None,
        "error": error,
    }
    show(document, lambda: _lines(opened, given if opened.function else {}, made))
    if error:
        complain(error)
        hint(f"next: sluice debug {opened.run_id} {opened.step} --open")
        return Exit.FAILED
    return Exit.OK


def _facts(frame: pl.LazyFrame, limit: int, chosen: pl.Expr | None = None) -> dict[str, Any]:
    """Rows and schema of a frame: how many there are, and the first of them."""
    import polars as pl

    schema = frame.collect_schema()
    wanted = frame if chosen is None else frame.filter(chosen)
    plans = [wanted.select(pl.len()), wanted.head(limit)]
    counted, rows = pl.collect_all(plans, engine="streaming")
    return {"count": counted.item(), "schema": schema, "rows": rows if limit else None}


def _computed(opened: Opened, limit: int, chosen: pl.Expr | None) -> tuple[dict[str, Any] | None, str]:
    from framework.core.clock import at_run_time

    try:
        with at_run_time(opened.planned_at):
            made = opened.output()
            _require_columns(made.collect_schema(), chosen)
            return _facts(made, limit, chosen), ""
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the author's code raises is what is asked for here
        return None, f"step '{opened.step}': {type(error).__name__}: {error}".rstrip()


def _require_columns(schema: pl.Schema, chosen: pl.Expr | None) -> None:
    """Refuse a condition on columns that are not there.

    Raises:
        ConfigurationError: naming the first of them.
    """
    for name in chosen.meta.root_names() if chosen is not None else ():
        if name not in schema:
            text = f"--where names '{name}', which is no column; {did_you_mean(name, schema.names())}"
            raise ConfigurationError(text)


def _document(facts: Mapping[str, Any]) -> dict[str, Any]:
    rows = {"rows": plain_rows(facts["rows"])} if facts["rows"] is not None else {}
    return {"count": facts["count"], "columns": {name: str(t) for name, t in facts["schema"].items()}, **rows}


def _lines(opened: Opened, given: Mapping[str, Mapping[str, Any]], made: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"run {opened.run_id} of {opened.pipeline}: {opened.state}"
    if opened.failure:
        yield f"    {opened.failure.partition(NEWLINE)[0]}"
    if opened.parameters:
        yield f"    with {', '.join(f'{name}={value}' for name, value in opened.parameters.items())}"
    for name, facts in given.items():
        yield f"input {name}: {plural(facts['count'], 'row')}"
        yield f"    {_columns(facts)}"
        yield from frame_lines(facts["rows"]) if facts["rows"] is not None else ()
    if made is not None:
        shown = made["rows"].height
        more = f", {shown} of them here" if shown < made["count"] else ""
        yield f"{'step' if opened.function else 'source'} {opened.step}: {plural(made['count'], 'row')}{more}"
        yield f"    {_columns(made)}"
        yield from frame_lines(made["rows"]) if shown else ()


def _columns(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} ({dtype})" for name, dtype in facts["schema"].items() if name not in PROVENANCE)


def _script(opened: Opened, sample: float | None) -> list[str]:
    """The lines that open a step in a notebook."""
    fraction = f", sample={sample}" if sample is not None else ""
    project = "" if str(current().project) == "." else f", project={str(current().project)!r}"
    lines = ["from framework import debug", ""]
    lines.append(f"opened = debug({opened.run_id!r}, {opened.step!r}{fraction}{project})")
    lines += [f"{name} = opened.inputs[{name!r}]" for name in opened.inputs]
    if opened.function is None:
        return [*lines, f"{opened.step}.head(10).collect()"]
    arguments = ", ".join(
        [*(f"{name}={name}" for name in opened.inputs), *(["**opened.parameters"] * bool(opened.parameters))]
    )
    return [*lines, f"{opened.step} = opened.function", f"{opened.step}({arguments}).head(10).collect()"]


def _prompt(opened: Opened) -> int:
    """Start Python with what the step was given."""
    import code

    import polars as pl

    from framework.core.clock import at_run_time

    names = {**opened.inputs, **opened.parameters, "pl": pl, "opened": opened}
    if opened.function is not None:
        names[opened.step] = opened.function
    told = ", ".join(sorted(names.keys() - {"pl", "opened"}))
    banner = f"step {opened.step} of run {opened.run_id}: {told}, pl, and opened.output(). Frames are lazy: .collect()"
    console = code.InteractiveConsole(names)
    with at_run_time(opened.planned_at):
        console.interact(banner=banner, exitmsg="")
    sys.stdout.flush()
    return Exit.OK
