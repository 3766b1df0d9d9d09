"""The measured programs: `python -m benchmarks.cases NAME DATA SCRATCH`, each in a process of its own.

Imports stand inside the cases, so that each process loads what it needs and nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from framework.boundary import Tally


def year_by_hand(data: Path, scratch: Path) -> None:
    """A year of sale lines from Parquet into a Delta table, written by hand."""
    import polars as pl

    from benchmarks.by_hand import sales_to_delta
    from benchmarks.data import PRODUCTS

    pl.DataFrame({"product_id": [f"PRD{n:04d}" for n in range(PRODUCTS)]}).write_parquet(scratch / "products.parquet")
    sales_to_delta(data, scratch)


def year(data: Path, scratch: Path) -> None:
    """The same with Sluice: full run of `retail.sales`."""
    from benchmarks.pipelines import products, sales_from_parquet
    from framework.run.flow import run_in
    from framework.run.request import RunRequest

    space = _space(data, scratch)
    run_in(products, space, RunRequest())
    run_in(sales_from_parquet, space, RunRequest(full=True))


def full_daily(data: Path, scratch: Path) -> None:
    """Sum up the sales that are there."""
    from benchmarks.pipelines import daily_sales
    from framework.run.flow import run_in
    from framework.run.request import RunRequest

    run_in(daily_sales, _space(data, scratch), RunRequest())


def copy(data: Path, scratch: Path) -> None:
    """Read sale lines from Parquet and write them again, unchecked."""
    import polars as pl

    rows = pl.scan_parquet(sorted((data / "sales").glob("*.parquet")))
    rows.sink_parquet(scratch / "copy.parquet", compression_level=1, maintain_order=False)


def checked_copy(data: Path, scratch: Path) -> None:
    """The same, with every line checked, accepted and refused apart, and counted."""

    from benchmarks.pipelines import sales_from_parquet
    from framework.boundary import QUARANTINE_SCHEMA, check, compile_contract
    from framework.lake import StagingArea
    from framework.sources import scan_files

    space = _space(data, scratch)
    source = sales_from_parquet.sources["sales"]
    contract = compile_contract(sales_from_parquet.schema_of("sales"))
    refused = StagingArea(space.lake, QUARANTINE_SCHEMA, ("state",))
    scanned = scan_files(source, _files(space.raw, "sales/*.parquet"), space.raw, _expected(contract))
    checked = check(scanned.parts, contract, source="sales", quarantine=refused.add)
    checked.accepted.sink_parquet(scratch / "copy.parquet", compression_level=1, maintain_order=False)
    _require_all(checked.tally, refused.files())


def orders_copied(data: Path, scratch: Path) -> None:
    """Orders written apart by their number alone, and counted: two sinks, statistics, no rule.

    What the checked ones import is imported here as well: the work is compared, not half a second of imports.
    """
    from benchmarks.rules import scanned, schema, split_unchecked
    from framework.boundary import compile_contract
    from framework.run import flow

    if not (compile_contract(schema(10)).rules and flow.run_in):
        raise SystemExit("nothing was imported")

    split_unchecked(scanned(data), scratch)


def orders_by_10(data: Path, scratch: Path) -> None:
    """Orders from files through the boundary of a source, held against ten rules."""
    _check_orders(data, scratch, 10)


def orders_by_40(data: Path, scratch: Path) -> None:
    """The same with forty rules."""
    _check_orders(data, scratch, 40)


def orders_unique(data: Path, scratch: Path) -> None:
    """The same with ten rules and a unique number, counted ahead as runs do it."""
    _check_orders(data, scratch, 10, unique=True)


def _check_orders(data: Path, scratch: Path, rules: int, *, unique: bool = False) -> None:

    from benchmarks.rules import schema, write
    from framework import parquet_files
    from framework.boundary import QUARANTINE_SCHEMA, Known, check, compile_contract
    from framework.lake import StagingArea
    from framework.run.execution import execute
    from framework.run.intake import look_ahead
    from framework.sources import scan_files

    space = _space(data, scratch)
    asked = schema(rules)
    asked.columns["order_id"].unique = unique
    contract = compile_contract(asked)
    refused = StagingArea(space.lake, QUARANTINE_SCHEMA, ("state",))
    files = _files(space.raw, "orders/*.parquet")
    parts = scan_files(parquet_files("orders/*.parquet"), files, space.raw, _expected(contract)).parts
    known = Known(repeated=look_ahead(parts, contract))
    checked = check(parts, contract, source="orders", quarantine=refused.add, known=known)
    execute([write(checked.accepted.select(list(contract.columns)), scratch / "good.parquet")])
    _require_all(checked.tally, refused.files())


def orders_in_dataframely(data: Path, scratch: Path) -> None:
    """The same with dataframely."""
    from benchmarks.rules import scanned
    from benchmarks.rules_by_peers import in_dataframely

    in_dataframely(scanned(data), scratch)


def orders_in_pandera(data: Path, scratch: Path) -> None:
    """The same with Pandera, which keeps no refused row."""
    from benchmarks.rules import scanned
    from benchmarks.rules_by_peers import in_pandera

    in_pandera(scanned(data), scratch)


def join_in_pandera(data: Path, scratch: Path) -> None:
    """Orders joined with their customers, and what comes out held against ten rules by Pandera."""
    from benchmarks.rules import joined
    from benchmarks.rules_by_peers import in_pandera

    in_pandera(joined(data), scratch)


def orders_typed(data: Path, scratch: Path) -> None:
    """Orders through `framework.check`, accepted and refused apart."""
    from benchmarks.rules import scanned

    _check_frame(scanned(data), scratch)


def join_typed(data: Path, scratch: Path) -> None:
    """Orders joined with their customers through `framework.check`."""
    from benchmarks.rules import joined

    _check_frame(joined(data), scratch)


def _check_frame(rows: pl.LazyFrame, scratch: Path) -> None:
    import polars as pl

    from benchmarks.rules import schema, write
    from framework import check

    refused: list[pl.DataFrame] = []
    kept = check(rows, schema(10), refused=refused.append)  # type: ignore[type-var]
    pl.collect_all([write(kept, scratch / "good.parquet")], engine="streaming")
    pl.concat(refused).write_parquet(scratch / "bad.parquet", compression_level=1)


def _require_all(tally: Tally, files: Sequence[object]) -> None:
    if tally.rows_in != tally.accepted + tally.refused or bool(files) != bool(tally.refused):
        raise SystemExit("rows were lost")


def bare_csv(data: Path, scratch: Path) -> None:
    """Scan a CSV with every column as text, parse it in the plan, and write it: nothing else."""
    import os

    import polars as pl

    os.environ["POLARS_CSV_CHUNK_SIZE"] = str(2**20)
    rows = pl.scan_csv(data / "sales" / "sales.csv", infer_schema=False)
    parsed = rows.with_columns(
        pl.col("quantity").cast(pl.Int64, strict=False),
        pl.col("unit_price").cast(pl.Decimal(12, 4), strict=False),
        pl.col("discount_percent").cast(pl.Decimal(7, 4), strict=False),
        pl.col("transaction_timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, cache=False),
    )
    parsed.sink_parquet(scratch / "copy.parquet", compression_level=1, maintain_order=False)


def read_csv(data: Path, scratch: Path) -> None:
    """The same through Sluice's reader: lines located, layout judged, casts as in `bare_csv`."""
    import os

    import polars as pl

    from benchmarks.pipelines import sales_from_csv
    from framework.boundary import compile_contract
    from framework.sources import scan_files

    os.environ["POLARS_CSV_CHUNK_SIZE"] = str(2**20)
    space = _space(data, scratch)
    source = sales_from_csv.sources["sales"]
    contract = compile_contract(sales_from_csv.schema_of("sales"))
    part = scan_files(source, _files(space.raw, "sales/*.csv"), space.raw, _expected(contract)).parts[0]
    parsed = part.with_columns(
        pl.col("quantity").cast(pl.Int64, strict=False),
        pl.col("unit_price").cast(pl.Decimal(12, 4), strict=False),
        pl.col("discount_percent").cast(pl.Decimal(7, 4), strict=False),
        pl.col("transaction_timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, cache=False),
    )
    parsed.sink_parquet(scratch / "copy.parquet", compression_level=1, maintain_order=False)


def gigabyte(data: Path, scratch: Path) -> None:
    """One CSV of sale lines through the whole of `retail.sales`: checked, valued, merged, published by day."""
    from benchmarks.pipelines import products, sales_from_csv
    from framework.run.flow import run_in
    from framework.run.request import RunRequest

    space = _space(data, scratch)
    run_in(products, space, RunRequest())
    run_in(sales_from_csv, space, RunRequest())


def idle(_data: Path, _scratch: Path) -> None:
    """What a process takes that has imported everything a run needs, and does nothing."""
    from benchmarks import pipelines
    from framework.run import flow

    if not (pipelines.__all__ and flow.run_in):
        raise SystemExit("nothing was imported")


def full_year(data: Path, scratch: Path) -> None:
    """Rebuild sales and daily sales from scratch, a year and a day."""
    from benchmarks.pipelines import daily_sales, sales_from_parquet
    from framework.run.flow import run_in
    from framework.run.request import RunRequest

    space = _space(data, scratch)
    for pipeline in (sales_from_parquet, daily_sales):
        run_in(pipeline, space, RunRequest(full=True))


def one_day(data: Path, scratch: Path) -> None:
    """The day after the year, with 2% late lines, on the tables of the year."""
    from benchmarks.pipelines import daily_sales, sales_from_parquet
    from framework.run.flow import run_in
    from framework.run.request import RunRequest

    space = _space(data, scratch)
    for pipeline in (sales_from_parquet, daily_sales):
        report = run_in(pipeline, space, RunRequest())
        if report.mode != "incremental" or report.state != "SUCCESS":
            raise SystemExit(f"expected an incremental run, got {report}")


def journeys(data: Path, scratch: Path) -> None:
    """Cut events into sessions, find the journeys of a week before each conversion, share its value linearly."""
    import polars as pl

    from framework.transforms import attribute, find_journeys, sessionize

    events = pl.scan_parquet(data / "events" / "*.parquet")
    touches = (
        events.select("event_id", "user_id", "at", "channel", "is_conversion")
        .pipe(sessionize, by="user_id", time="at", gap="30m")
        .filter(~pl.col("is_conversion"))
        .select("event_id", "user_id", "at", "channel", "session_start")
    )
    orders = events.filter("is_conversion").select("user_id", "value", order_id="event_id", bought_at="at")
    columns = {"by": "user_id", "conversion_time": "bought_at", "conversion": "order_id"}
    found = touches.pipe(find_journeys, orders, **columns, touch_time=("at", "event_id"), lookback="7d")
    credited = found.pipe(attribute, model="linear", value="value", conversion="order_id").drop("age_s", "value")
    credited.sink_parquet(scratch / "journeys.parquet", compression_level=1, maintain_order=False)


def journeys_by_hand(data: Path, scratch: Path) -> None:
    """The same written by hand in Polars."""
    from benchmarks.attribution_by_hand import attribute_polars

    attribute_polars(data, scratch / "journeys.parquet")


def journeys_in_pandas(data: Path, scratch: Path) -> None:
    """The same in pandas."""
    from benchmarks.attribution_by_hand import attribute_pandas

    attribute_pandas(data, scratch / "journeys.parquet")


def journeys_in_pandas_by_user(data: Path, scratch: Path) -> None:
    """The same in pandas, user by user."""
    from benchmarks.attribution_by_hand import attribute_pandas_by_user

    attribute_pandas_by_user(data, scratch / "journeys.parquet")


def sessions(data: Path, scratch: Path) -> None:
    """Mark every event with its session."""
    import polars as pl

    from framework.transforms import sessionize

    marked = pl.scan_parquet(data / "events" / "*.parquet").pipe(sessionize, by="user_id", time="at", gap="30m")
    marked.sink_parquet(scratch / "sessions.parquet", compression_level=1, row_group_size=250_000)


def sessions_by_hand(data: Path, scratch: Path) -> None:
    """The same written by hand in Polars."""
    from benchmarks.windows_by_hand import sessionize_polars

    sessionize_polars(data / "events" / "*.parquet", scratch / "sessions.parquet")


def sessions_in_pandas(data: Path, scratch: Path) -> None:
    """The same in pandas."""
    from benchmarks.windows_by_hand import sessionize_pandas

    sessionize_pandas(data / "events", scratch / "sessions.parquet")


def sliding_long(data: Path, scratch: Path) -> None:
    """Sum up the last 700 minutes at every minute, per channel."""
    _slide(data, scratch, "700m")


def sliding_short(data: Path, scratch: Path) -> None:
    """Sum up the last 7 minutes at every minute, per channel."""
    _slide(data, scratch, "7m")


def _slide(data: Path, scratch: Path, length: str) -> None:
    import polars as pl

    from framework.transforms import sliding

    sums = {"value": ("value", "sum"), "events": ("event_id", "count"), "highest": ("value", "max")}
    events = pl.scan_parquet(data / "events" / "*.parquet")
    windows = events.pipe(sliding, sums, time="at", every="1m", length=length, by="channel")
    windows.sink_parquet(scratch / "sliding.parquet", compression_level=1, maintain_order=False)


def wide_run(data: Path, scratch: Path) -> None:
    """Append rows of twenty columns, checked, nothing more."""
    _run_wide(data, scratch, is_profiled=False)


def wide_profiled(data: Path, scratch: Path) -> None:
    """The same, profiled on the way, held against an earlier run, judged and recorded."""
    _run_wide(data, scratch, is_profiled=True)


def _run_wide(data: Path, scratch: Path, *, is_profiled: bool) -> None:
    from benchmarks.wide import wide_pipeline
    from framework import Quality
    from framework.run.flow import run_in
    from framework.run.request import RunRequest

    report = run_in(wide_pipeline(Quality() if is_profiled else None), _space(data, scratch), RunRequest())
    if report.state != "SUCCESS" or bool(report.quality) != is_profiled:
        raise SystemExit(f"expected a run that went well, got {report}")


def refused_held(data: Path, scratch: Path) -> None:
    """Take in sale lines all of which a rule refuses."""
    from benchmarks.refused import load

    load(_space(data, scratch), strict=True)


def two_at_once(data: Path, scratch: Path) -> None:  # noqa: ARG001 - the project is all there is
    """Two pipelines that keep one core busy each, by two workers."""
    from benchmarks.side_by_side import BUSY, run_command, write_project

    write_project(scratch / "project", count=2, turns=BUSY)
    run_command(scratch / "project", workers=2)


def two_in_turn(data: Path, scratch: Path) -> None:  # noqa: ARG001
    """The same by one worker."""
    from benchmarks.side_by_side import BUSY, run_command, write_project

    write_project(scratch / "project", count=2, turns=BUSY)
    run_command(scratch / "project", workers=1)


def many_by_command(data: Path, scratch: Path) -> None:  # noqa: ARG001
    """Twenty pipelines that do next to nothing, by `sluice run`."""
    from benchmarks.side_by_side import MANY, run_command, write_project

    write_project(scratch / "project", count=MANY, turns=1)
    run_command(scratch / "project", workers=1)


def many_in_place(data: Path, scratch: Path) -> None:  # noqa: ARG001
    """The same in one process, without a supervisor and a ledger."""
    from benchmarks.side_by_side import MANY, run_in_place, write_project

    write_project(scratch / "project", count=MANY, turns=1)
    run_in_place(scratch / "project")


def refused_loaded(data: Path, scratch: Path) -> None:
    """Take in the same lines where no rule refuses them, into tables of their own."""
    from benchmarks.refused import load

    load(_space(data, scratch / "empty"), strict=False)


def refused_replayed(data: Path, scratch: Path) -> None:
    """Queue and replay the refused lines, by the rules that refuse none."""
    from benchmarks.refused import replay

    replay(_space(data, scratch))


def quality_of_a_year(data: Path, _scratch: Path) -> None:
    """A page on the quality of a table of twenty columns with a year of daily runs behind it."""
    from benchmarks.history import report_on

    if "<svg" not in report_on(data):
        raise SystemExit("the page shows no history")


def imports(_data: Path, _scratch: Path) -> None:
    """Import what a run stands on: polars, pandera.polars, deltalake."""
    import deltalake
    import pandera.polars
    import polars as pl

    if not (deltalake.DeltaTable and pandera.polars.Field and pl.LazyFrame):
        raise SystemExit("nothing was imported")


def _space(data: Path, scratch: Path):  # noqa: ANN202 - its type would be imported by every case
    from framework.run.workspace import Workspace
    from framework.storage import StorageLocation

    return Workspace(StorageLocation(str(data)), StorageLocation(str(scratch / "lake")))


def _files(location, pattern: str):  # noqa: ANN001, ANN202
    from framework.core.plan import FileInput

    return [FileInput(f.modified, f.path, f.size) for f in location.files(pattern)]


def _expected(contract):  # noqa: ANN001, ANN202
    from framework.core.source import Expected

    return Expected(contract.schema, frozenset(contract.columns), contract.is_strict)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
