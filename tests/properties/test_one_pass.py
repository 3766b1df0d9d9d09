"""One pass: casts, rules, split, counts and all sinks of a stage read their source once, in the streaming engine."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.io.plugins import register_io_source

from framework.boundary import Checked, Known, check, compile_contract
from framework.core.frames import PROVENANCE
from framework.core.source import Reference
from framework.run import flow
from pipelines.retail.sample import generate
from schemas.retail import Sale
from tests.oracle.lake import House
from tests.oracle.reading import COLUMNS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FALLBACK = 'fillcolor="0.0 0.3 1.0"'
"""How Polars 2.1 paints the nodes of a physical plan that leave the streaming engine."""
PRODUCT = Reference("product_id", "products", "product_id")


class CountingSource:
    """Raw sale lines in frames of a few rows each, as a source that counts how often it is opened."""

    def __init__(self, rows: list[tuple[str, ...]]) -> None:
        self.openings = 0
        self.rows = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS["sales"], pl.String), orient="row").with_columns(
            pl.lit(NOW).dt.cast_time_unit("us").alias(PROVENANCE[0]),
            pl.lit("sales/counted.csv").alias(PROVENANCE[1]),
            pl.int_range(pl.len(), dtype=pl.Int64).alias(PROVENANCE[2]),
        )

    def scan(self) -> pl.LazyFrame:
        """The rows, lazy."""
        return register_io_source(self._read, schema=self.rows.schema, is_pure=True)

    def _read(
        self, columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        self.openings += 1
        for part in self.rows.head(self.rows.height if n_rows is None else n_rows).iter_slices(3):
            kept = part if predicate is None else part.filter(predicate)
            yield kept.select(columns) if columns is not None else kept


def checked(source: CountingSource, refused: list[pl.DataFrame], *, with_reference: bool = True) -> Checked:
    known = Known({PRODUCT: pl.DataFrame({"product_id": ["PRD001"]})} if with_reference else {})
    contract = compile_contract(Sale)
    return check([source.scan()], contract, source="sales", quarantine=refused.append, known=known)


def outputs(rows: pl.LazyFrame, folder: Path) -> list[pl.LazyFrame]:
    """Three tables made of the same rows, as the sinks of one execution."""
    tables = {
        "all": rows,
        "dear": rows.filter(pl.col("unit_price") > 1),
        "units": rows.group_by("store_id").agg(pl.col("quantity").sum()),
    }
    return [frame.sink_parquet(folder / f"{name}.parquet", lazy=True) for name, frame in tables.items()]


def line(number: int, quantity: str = "1", product: str = "PRD001") -> tuple[str, ...]:
    return f"TXN{number:03d}", "ST001", "CUST001", product, quantity, "1.50", "0", "2024-01-01 09:00:00"


LINES = st.builds(
    line, st.integers(0, 9), st.sampled_from(["1", "0", "x"]), st.sampled_from(["PRD001", "PRD002", "nothing"])
)


@settings(max_examples=20)
@given(st.lists(LINES, max_size=12), st.booleans())
def test_the_boundary_opens_its_source_once_for_all_that_becomes_of_its_rows(tmp_path_factory, rows, with_reference):
    folder = tmp_path_factory.mktemp("sinks")
    source, refused = CountingSource(rows), []
    found = checked(source, refused, with_reference=with_reference)
    pl.collect_all(outputs(found.accepted, folder), engine="streaming")
    assert source.openings == 1
    tally = found.tally  # to be asked before the refused rows are: the last of them are handed over now
    accepted, quarantined = pl.read_parquet(folder / "all.parquet").height, sum(batch.height for batch in refused)
    assert accepted + quarantined == len(rows)
    assert (tally.rows_in, tally.accepted, tally.refused) == (len(rows), accepted, quarantined)
    assert tally.waiting == sum(batch.filter(state="waiting").height for batch in refused)


def test_what_is_checked_twice_would_be_counted_twice(tmp_path):
    source, refused = CountingSource([line(1), line(2, "0")]), []
    found = checked(source, refused)
    for sink in outputs(found.accepted, tmp_path):
        sink.collect(engine="streaming")
    assert source.openings == 3
    assert (found.tally.rows_in, found.tally.accepted, sum(batch.height for batch in refused)) == (6, 3, 3)


class Watch:
    """What a run of the house does: the frames of each stage, and the raw files it opens before, in and after it."""

    def __init__(self, house: House, patch: pytest.MonkeyPatch) -> None:
        self.house = house
        self.at = "scan"
        self.openings: dict[str, Counter[str]] = {"scan": Counter(), "stage": Counter(), "publish": Counter()}
        self.stages: list[list[pl.LazyFrame]] = []
        self._take_in, self._stage, self._collect = flow.take_in_all, flow.stage, pl.collect_all
        patch.setattr(flow, "take_in_all", self._taken_in)
        patch.setattr(flow, "stage", self._staged)
        patch.setattr(pl, "collect_all", self._collected)
        patch.setattr(LocalFileSystem, "_open", self._counting(LocalFileSystem._open))

    def _taken_in(self, *args):
        self.at = "scan"
        return self._take_in(*args)

    def _staged(self, *args):
        self.at = "stage"
        try:
            return self._stage(*args)
        finally:
            self.at = "publish"

    def _collected(self, frames, **options):
        taken = list(frames)
        if self.at == "stage":
            self.stages.append(taken)
        return self._collect(taken, **options)

    def _counting(self, open_file):
        def counted(system, path, *args, **options):
            if Path(path).is_relative_to(self.house.raw):
                self.openings[self.at][str(Path(path).relative_to(self.house.raw))] += 1
            return open_file(system, path, *args, **options)

        return counted


@pytest.fixture
def watch(tmp_path, monkeypatch) -> Watch:
    house = House(tmp_path, NOW)
    generate(house.raw, days=7, rows=2000, deliver=(1, 4))
    return Watch(house, monkeypatch)


def deliver_the_rest(house: House) -> None:
    """Days 5 to 7: late rows, updates, and products for which rows wait."""
    generate(house.raw, days=7, rows=2000, deliver=(5, 7))


def test_a_stage_opens_each_file_at_most_once_and_nothing_is_read_after_it(watch):
    watch.house.run()
    deliver_the_rest(watch.house)
    watch.house.run()
    assert set(watch.openings["stage"].values()) == {1}
    assert not watch.openings["publish"]
    in_blocks = {name for name in watch.openings["stage"] if name.startswith("sales/")}
    assert any(name.endswith(".gz") for name in in_blocks)
    assert len(in_blocks) >= 4, "UTF-16, Latin-1, quoted and compressed files are read through Python"


def test_each_file_that_polars_reads_itself_stands_once_in_the_plan(watch):
    watch.house.run()
    plan = pl.explain_all(watch.stages[sales_stage(watch)])
    scanned = [name for files in re.findall(r"Csv SCAN \[(.*?)\]", plan) for name in files.split(", ")]
    assert len(scanned) == len(set(scanned)) > 0
    assert plan.count("PYTHON SCAN") <= 1


def sales_stage(watch: Watch) -> int:
    plans = [pl.explain_all(frames) for frames in watch.stages]
    return next(number for number, plan in enumerate(plans) if "/raw/sales/" in plan)


def physical_plan(frame: pl.LazyFrame) -> str:
    return str(frame.show_graph(engine="streaming", plan_stage="physical", raw_output=True))


def test_no_node_of_any_retail_stage_leaves_the_streaming_engine(watch):
    watch.house.run()
    deliver_the_rest(watch.house)
    watch.house.run()
    assert len(watch.stages) > 9
    for frames in watch.stages:
        for frame in frames:
            plan = physical_plan(frame)
            assert FALLBACK not in plan, re.findall(r'.*label="([^"]*)".*' + re.escape(FALLBACK), plan)


def test_a_node_that_leaves_the_streaming_engine_would_be_seen():
    assert FALLBACK in physical_plan(pl.LazyFrame({"a": [1, 2]}).group_by("a").agg(pl.col("a").median().alias("m")))
