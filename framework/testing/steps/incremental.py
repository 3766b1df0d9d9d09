"""A pipeline fed in several deliveries must leave the tables that one full run over all of them leaves."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.clock import at_run_time
from framework.core.frames import PROVENANCE
from framework.core.source import FileSource
from framework.errors import SluiceError
from framework.lake import open_table
from framework.run.compiled import contracts
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation
from framework.testing.compare import difference
from framework.testing.extra import st
from framework.testing.steps.deliveries import feeder, is_single, write_feed, write_file
from framework.testing.steps.finding import Broken, Finding
from framework.testing.steps.hunt import Unusable, with_a_row_less
from framework.testing.ties import MOMENT, Inputs, draw_inputs, flavours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

    from framework.boundary import Contract
    from framework.definition import Pipeline

    Frames = dict[str, pl.DataFrame]
    Deliveries = list[Frames]

EXPECTED = "the tables that one full run over all deliveries leaves"
DELIVERY = "delivery"
FAILURES = (SluiceError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
LEAST, MOST = 2, 3
"""The number of deliveries."""


@dataclass(frozen=True)
class Fed:
    """A pipeline with what feeds its sources: files, and a pipeline per table that it reads."""

    pipeline: Pipeline
    feeders: dict[str, Pipeline]
    known: dict[str, Contract]
    parameters: dict[str, Any]


def read_fed(pipeline: Pipeline, pipelines: Iterable[Pipeline], parameters: dict[str, Any]) -> Fed:
    """Make a pipeline ready for deliveries."""
    writers = {output.table: output for one in pipelines for output in one.outputs}
    feeders = {
        name: feeder(source, pipeline.schema_of(name), writers.get(source.table))
        for name, source in pipeline.table_sources.items()
    }
    with at_run_time(MOMENT):
        return Fed(pipeline.without_rules(), feeders, contracts(pipeline), parameters)


def deliveries(fed: Fed, inputs: Inputs, *, extremes: bool) -> SearchStrategy[Deliveries]:
    """Give a strategy for two or three deliveries of all sources; later ones may bring rows of known keys anew."""

    @st.composite
    def drawn(draw: DrawFn) -> Deliveries:
        frames = draw_inputs(draw, inputs, draw(flavours(extremes=extremes)))
        count = draw(st.integers(LEAST, MOST))
        parts: Deliveries = [{} for _ in range(count)]
        for name, frame in frames.items():
            size = frame.height
            places = pl.Series(draw(st.lists(st.integers(0, count - 1), min_size=size, max_size=size)), dtype=pl.Int64)
            for number in range(count):
                parts[number][name] = frame.filter(places == number)
            if name in fed.feeders and draw(st.booleans()):
                (output,) = fed.feeders[name].outputs
                parts[-1][name] = _brought_anew(parts[0][name], parts[-1][name], output.key)
        return parts

    return drawn()


def _brought_anew(before: pl.DataFrame, now: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Rows of a delivery, the first of them with the key of a row delivered before."""
    if not key or not before.height or not now.height:
        return now
    first = now.head(1).with_columns(before[0].select(key))
    return pl.concat([first, now[1:]])


def require_same_tables(fed: Fed, parts: Deliveries) -> None:
    """Run a pipeline after each delivery, and another one once over all of them; hold their tables together.

    Raises:
        Broken: when they differ.
    """
    with TemporaryDirectory(prefix="sluice-test-") as folder:
        root = Path(folder)
        for number, _ in enumerate(parts, 1):
            _deliver(fed, parts[:number], root / "raw", number)
        try:
            _run(fed, root, "full", full=True)
        except FAILURES as error:  # what a step cannot work with is found where the step is tried
            raise Unusable from error
        _deliver_and_run(fed, parts, root)
        for output in fed.pipeline.outputs:
            rows = [_rows(root / lake, output.table) for lake in ("full", "incremental")]
            found = difference(*rows, names=("full", "incremental"))
            if found is not None:
                told = f"table {output.table} has other rows after {len(parts)} incremental runs"
                raise Broken(Finding("incremental", EXPECTED, told, _told(parts), found))


def shorter(parts: Deliveries) -> Iterator[Deliveries]:
    """Give the deliveries without one of them, and with a row less."""
    for number in range(len(parts)):
        if len(parts) > LEAST:
            yield [*parts[:number], *parts[number + 1 :]]
        for frames in with_a_row_less(parts[number]):
            yield [*parts[:number], frames, *parts[number + 1 :]]


def _deliver_and_run(fed: Fed, parts: Deliveries, root: Path) -> None:
    for file in sorted((root / "raw").rglob("*"), reverse=True):
        if file.is_file():
            file.unlink()
    for number, _ in enumerate(parts, 1):
        _deliver(fed, parts[:number], root / "raw", number)
        try:
            _run(fed, root, "incremental", full=False)
        except FAILURES as error:
            told = f"the run after delivery {number} fails, a full run does not: {error}"
            raise Broken(Finding("incremental", EXPECTED, told, _told(parts))) from error


def _deliver(fed: Fed, parts: Deliveries, raw: Path, number: int) -> None:
    raw.mkdir(parents=True, exist_ok=True)
    for name, source in fed.pipeline.sources.items():
        if name not in parts[-1]:
            continue
        if isinstance(source, FileSource):
            if number == 1 or not is_single(source):
                write_file(source, fed.known[name], parts[-1][name], raw, number)
        else:
            write_feed(fed.feeders[name], [part[name] for part in parts], raw, number)


def _run(fed: Fed, root: Path, lake: str, *, full: bool) -> None:
    space = Workspace(StorageLocation(str(root / "raw")), StorageLocation(str(root / lake)), now=MOMENT)
    for one in fed.feeders.values():
        run_in(one, space, RunRequest())
    run_in(fed.pipeline, space, RunRequest(full=full, parameters=fed.parameters))


def _rows(lake: Path, table: str) -> pl.DataFrame:
    handle = open_table(StorageLocation(str(lake)), table)
    if handle is None:
        return pl.DataFrame()
    return handle.scan().collect(engine="in-memory").drop(PROVENANCE, strict=False)


def _told(parts: Deliveries) -> Frames:
    """The rows of all deliveries, source by source, with the number of the delivery; empty ones are left out."""
    names = dict.fromkeys(name for part in parts for name in part)
    told = {}
    for name in names:
        numbered = [part[name].with_columns(pl.lit(n).alias(DELIVERY)) for n, part in enumerate(parts, 1)]
        whole = pl.concat(numbered).drop(PROVENANCE, strict=False)
        with suppress(pl.exceptions.ColumnNotFoundError):
            told[name] = whole.select(DELIVERY, pl.exclude(DELIVERY))
    return told
