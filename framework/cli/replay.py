"""`sluice replay`: a past run once more on its pinned inputs, held against what it published."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.options import Exit, settings
from framework.cli.output import hint, plural, show
from framework.supervise.process import limit_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework.run.replayed import Replayed
    from framework.run.rows_compared import Difference


def replay(run: str, *, keep: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Run a past run again on the inputs that it pinned, and compare what comes out with what it published.

    It works in a lake of its own, which begins as the tables were before the run, and changes nothing else. Exit code
    0: equal; 1: something differs, or the replay failed. Rows in quarantine: `sluice quarantine replay`.

    Args:
        run: Its id, or the beginning of it.
        keep: Keep the tables of the replay, in `_replay` below the lake.
    """
    here = settings()
    limit_memory(here.memory_mb)  # before Polars is imported
    from framework.run.replayed import replay_run

    done = replay_run(run, here, keep=keep)
    show({"replay": _document(done)}, lambda: _lines(done))
    hint(*_next(done))
    return Exit.OK if done.outcome in {"equal", "nothing to compare with"} else Exit.FAILED


def _document(done: Replayed) -> dict[str, Any]:
    tables = {name: {**asdict(one), "is_equal": one.is_equal} for name, one in done.tables.items()}
    return {**asdict(done), "tables": tables, "outcome": done.outcome}


def _lines(done: Replayed) -> Iterator[str]:
    yield f"run {done.run_id} of {done.pipeline}, sequence {done.seq}: {done.outcome}"
    yield from (f"    {note}" for note in done.notes)
    if done.failure:
        yield f"    then it failed: {_first(done.failure)}"
    if done.error:
        yield f"    the replay failed: {_first(done.error)}"
    elif not done.tables:
        yield "    the replay went to its end; the run itself published nothing"
    for name, one in done.tables.items():
        yield from _table(name, one)
    if done.lake:
        yield f"    the tables of the replay are in {done.lake}"


def _first(message: str) -> str:
    return message.partition("\n")[0]


def _table(name: str, one: Difference) -> Iterator[str]:
    if one.is_equal:
        yield f"    same    {name}: {plural(one.rows, 'row')}"
        return
    counts = [f"{count:,} {word}" for word in ("changed", "missing", "extra") if (count := getattr(one, word))]
    sizes = f"{one.rows:,} rows published, {one.other_rows:,} now"
    yield f"    differs {name}: {', '.join(counts) or 'its columns'} ({sizes})"
    yield from (f"            column {said}" for said in one.schema)
    if one.columns:
        yield f"            in {', '.join(f'{column} ({count:,})' for column, count in one.columns.items())}"
    yield from (f"            {_example(example)}" for example in one.examples)


def _example(example: Mapping[str, Any]) -> str:
    """A row that differs, in one line: `changed day=mon: amount 3 -> 4`."""
    key = ", ".join(f"{name}={value}" for name, value in example["key"].items())
    pairs = ", ".join(f"{name} {then} -> {now}" for name, (then, now) in example.get("columns", {}).items())
    return f"{example['what']} {key}" + (f": {pairs}" if pairs else "")


def _next(done: Replayed) -> list[str]:
    if done.outcome == "failed":
        return [f"next: sluice debug {done.run_id} STEP"]
    if done.state == "FAILED" and not done.tables:
        return [f"next: sluice run {done.pipeline}"]
    return []
