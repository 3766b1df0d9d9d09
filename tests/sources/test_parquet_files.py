"""Parquet files as they come, and through the boundary: other types than declared lose nothing silently."""

from __future__ import annotations

import errno
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pandera.polars as pa
import polars as pl
import pytest
from fsspec.implementations.local import LocalFileSystem

from framework.boundary import compile_contract
from framework.core.plan import FileInput
from framework.core.source import FileSource
from framework.sources.judging import judge_file
from framework.sources.pages import damaged_pages
from framework.sources.parquet import read_footer
from framework.storage import StorageLocation
from tests.boundary.checking import hold

FRAME = pl.DataFrame({"a": ["1", "4"], "b": ["x", None], "c": ["3", "6"]})


def parquet(frame: pl.DataFrame, **options) -> bytes:
    target = io.BytesIO()
    frame.write_parquet(target, **options)
    return target.getvalue()


def test_rows_are_read_with_their_number(scan):
    read = scan({"f.parquet": parquet(FRAME)})
    assert read.cells() == FRAME.rows()
    assert read.lines == [1, 2]


def test_files_of_one_and_of_other_types_keep_their_numbers(scan):
    typed = FRAME.with_columns(pl.col("a").cast(pl.Int32))
    contents = {"1.parquet": FRAME, "2.parquet": typed, "3.parquet": FRAME.clear(), "4.parquet": FRAME.head(1)}
    read = scan({name: parquet(frame) for name, frame in contents.items()})
    assert read.rows.select("_source_file", "_source_line").rows() == [
        ("1.parquet", 1),
        ("1.parquet", 2),
        ("2.parquet", 1),
        ("2.parquet", 2),
        ("4.parquet", 1),
    ]
    assert read.rows["_source_time"].dt.minute().to_list() == [0, 0, 1, 1, 3]
    assert len(read.parts) == 2


def test_many_small_row_groups_keep_their_numbers(scan):
    frame = pl.DataFrame({"a": [str(n) for n in range(1000)]}).with_columns(b=pl.col("a"), c=pl.col("a"))
    read = scan({f"{i}.parquet": parquet(frame, row_group_size=7) for i in range(3)})
    assert read.lines == [*range(1, 1001)] * 3
    assert [int(a) for (a,) in read.cells("a")] == [*range(1000)] * 3


def test_order_and_surplus_of_columns_do_not_matter(scan):
    content = parquet(FRAME.select("c", pl.lit(1).alias("d"), "a", "b"))
    read = scan({"f.parquet": content})
    assert (read.cells(), read.extra) == (FRAME.rows(), {"d"})
    assert scan({"f.parquet": content}, is_strict=True).rejected == {"f.parquet": "wrong columns: unknown d"}


def test_missing_columns_are_named(scan):
    content = parquet(FRAME.rename({"c": "cc"}))
    reason = "wrong header: missing c (is 'cc' meant?); found a, b, cc"
    assert scan({"f.parquet": content}).rejected == {"f.parquet": reason}
    assert "c" not in scan({"f.parquet": content}, required={"a"}).rows.columns


def test_zero_rows_are_a_file_without_rows(scan):
    read = scan({"f.parquet": parquet(FRAME.clear())})
    assert (read.rejected, read.rows.height) == ({}, 0)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all", parquet(FRAME)[:-20], parquet(FRAME)[:30]])
def test_file_that_is_no_parquet_is_rejected(scan, content):
    read = scan({"cut.parquet": content, "f.parquet": parquet(FRAME)})
    assert list(read.rejected) == ["cut.parquet"]
    assert read.rejected["cut.parquet"].startswith("no readable Parquet file: ")
    assert read.cells() == FRAME.rows()


class Order(pa.DataFrameModel):
    id: int
    price: pl.Decimal(9, 2)
    day: pl.Date
    tags: pl.List(pl.String) = pa.Field(nullable=True)


TYPED = pl.DataFrame(
    {"id": [1, 2], "price": [Decimal("1.50"), Decimal("2.00")], "day": [date(2024, 1, 5)] * 2, "tags": [["a"], None]},
    schema={"id": pl.Int64, "price": pl.Decimal(9, 2), "day": pl.Date, "tags": pl.List(pl.String)},
)
NOON = datetime(2024, 1, 5, 12)  # noqa: DTZ001 - files often have no zone


@pytest.mark.parametrize(
    "change",
    [
        pl.col("id").cast(pl.Int32),
        pl.col("id").cast(pl.UInt8),
        pl.col("id").cast(pl.String),
        pl.col("id").cast(pl.Float64),
        pl.col("price").cast(pl.Float64),
        pl.col("price").cast(pl.String),
        pl.col("price").cast(pl.Decimal(20, 4)),
        pl.col("price").cast(pl.Float32),
        pl.col("day").cast(pl.Datetime("us")),
        pl.col("day").cast(pl.String),
        pl.col("tags").cast(pl.List(pl.Categorical)),
    ],
    ids=str,
)
def test_value_of_another_type_that_fits_goes_through_unchanged(scan, change):
    read = scan({"f.parquet": parquet(TYPED.with_columns(change))}, schema=compile_contract(Order).schema)
    outcome = hold(Order, *read.parts)
    assert outcome.accepted.select(TYPED.columns).rows() == TYPED.rows()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (pl.lit(1.5).alias("id"), "id: must be a whole number"),
        (pl.lit("one").alias("id"), "id: must be a whole number"),
        (pl.lit(2**64 - 1, dtype=pl.UInt64).alias("id"), "id: must be a whole number"),
        (pl.lit(1.005).alias("price"), "price: must be a number with at most 7 digits before the point and 2 after it"),
        (pl.lit(1e8).alias("price"), "price: must be a number with at most 7 digits before the point and 2 after it"),
        (
            pl.lit(float("nan")).alias("price"),
            "price: must be a number with at most 7 digits before the point and 2 after it",
        ),
        (pl.lit(NOON).alias("day"), "day: must be a date like 2024-12-31"),
        (pl.lit("5.1.2024").alias("day"), "day: must be a date like 2024-12-31"),
        (pl.lit(None, dtype=pl.Null).alias("id"), "id: must not be empty"),
    ],
    ids=str,
)
def test_value_of_another_type_that_does_not_fit_is_quarantined(scan, change, reason):
    read = scan({"f.parquet": parquet(TYPED.with_columns(change))}, schema=compile_contract(Order).schema)
    outcome = hold(Order, *read.parts)
    assert outcome.reasons == {1: [reason], 2: [reason]}


def test_storage_that_fails_refuses_no_file(tmp_path, monkeypatch):
    def failing(self, path, *args, **options):
        raise TimeoutError(errno.ETIMEDOUT, "timed out")

    (tmp_path / "a.parquet").write_bytes(b"")
    monkeypatch.setattr(LocalFileSystem, "_open", failing)
    file, location = FileInput(datetime.now(UTC), "a.parquet", 0), StorageLocation(str(tmp_path))
    with pytest.raises(TimeoutError):
        read_footer(location, file)
    with pytest.raises(TimeoutError):
        damaged_pages(location, file, [])
    assert judge_file(FileSource("parquet", ("*",)), file, location).is_storage
