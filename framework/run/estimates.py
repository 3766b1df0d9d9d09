"""About how much a run will read and write: from the log of the tables and from earlier runs, without reading data."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from framework.core.plan import FilesInput
from framework.lake import open_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.plan import Input, Mode
    from framework.definition import Output, Pipeline
    from framework.lake import PlanStore
    from framework.run.workspace import Workspace

LOOKED_AT = 5
"""Earlier runs that are looked at."""


@dataclass(frozen=True)
class Amount:
    """Rows and bytes, None where nothing tells; `bytes` are those of files as they are stored."""

    rows: int | None
    bytes: int | None


@dataclass(frozen=True)
class Estimate:
    """About how much a run reads, by source, and writes, by table."""

    reads: dict[str, Amount]
    writes: dict[str, Amount]


@dataclass(frozen=True)
class _Earlier:
    """What an earlier run read and wrote."""

    mode: str
    bytes_in: dict[str, int]
    rows_in: dict[str, int]
    added: dict[str, int]


def estimate(
    pipeline: Pipeline, space: Workspace, store: PlanStore, finished: int, mode: Mode, inputs: Mapping[str, Input]
) -> Estimate:
    """Estimate how much a run over these inputs reads and writes.

    What is in tables is known; rows of files are told from the bytes of earlier ones, and rows written from what
    earlier runs in the same mode wrote per row that they read. `finished`: the last sequence that is.
    """
    earlier = _earlier(store, finished)
    reads = {name: _read(name, given, space, earlier) for name, given in inputs.items()}
    return Estimate(reads, {o.table: _written(pipeline, o, space, mode, reads, earlier) for o in pipeline.outputs})


def _earlier(store: PlanStore, finished: int) -> list[_Earlier]:
    found = []
    for seq in range(finished, max(0, finished - LOOKED_AT), -1):
        plan, manifest = store.plan(seq), store.manifest(seq)
        if plan is None or manifest is None:
            continue
        report: dict[str, Any] = manifest["report"]
        files = {name: given.files for name, given in plan.inputs.items() if isinstance(given, FilesInput)}
        found.append(
            _Earlier(
                plan.mode,
                {name: sum(file.size for file in given) for name, given in files.items()},
                {name: one["rows_in"] for name, one in report["sources"].items()},
                {name: one["rows_added"] for name, one in report["outputs"].items()},
            )
        )
    return found


def _read(name: str, given: Input, space: Workspace, earlier: list[_Earlier]) -> Amount:
    if not isinstance(given, FilesInput):
        handle = open_table(space.lake, given.table, given.version)
        files = handle.files() if handle is not None else []
        return Amount(sum(file.rows for file in files), sum(file.size for file in files))
    size = sum(file.size for file in given.files)
    known = [
        (one.rows_in[name], one.bytes_in[name]) for one in earlier if one.bytes_in.get(name) and name in one.rows_in
    ]
    total = sum(count for _, count in known)
    if not size or not total:
        return Amount(None if size else 0, size)
    return Amount(round(size * sum(rows for rows, _ in known) / total), size)


def _written(
    pipeline: Pipeline,
    output: Output,
    space: Workspace,
    mode: Mode,
    reads: Mapping[str, Amount],
    earlier: list[_Earlier],
) -> Amount:
    """Rows from the share of what was read that earlier runs wrote; bytes from what a row of the table takes now."""
    sources = sorted(pipeline.upstream(output.of) & pipeline.sources.keys())
    rows = [reads[name].rows for name in sources if name in reads]
    wanted = sum(count for count in rows if count is not None)
    from_files = [name for name in sources if name in pipeline.file_sources]
    alike = [one for one in earlier if one.mode == mode and output.table in one.added]
    ratios = [(one.added[output.table], sum(one.rows_in.get(name, 0) for name in from_files)) for one in alike]
    told = [added / read for added, read in ratios if read]
    handle = open_table(space.lake, output.table)
    files = handle.files() if handle is not None else []
    there = sum(file.rows for file in files)
    per_row = sum(file.size for file in files) / there if there else None
    count = round(wanted * median(told)) if told and None not in rows else None
    if count is None and not from_files:
        before = [one.added[output.table] for one in earlier if one.added.get(output.table)]
        count = round(median(before)) if before else None
    return Amount(count, None if count is None or per_row is None else round(count * per_row))
