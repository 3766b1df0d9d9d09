"""Columns of every type, from every format, through a whole run into a table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated

import pandera.polars as pa
import polars as pl
import pytest

from framework import Pipeline, csv_files, json_files, parquet_files, table
from framework.lake import as_declared, open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

MOMENT = datetime(2024, 7, 1, 12, tzinfo=UTC)


class Every(pa.DataFrameModel):
    i: pl.UInt32
    n: Annotated[pl.Decimal, 30, 10]
    f: float
    flag: bool
    kind: Annotated[pl.Enum, ["a", "b"]]
    brand: pl.Categorical
    day: pl.Date
    at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(metadata={"zone": "Europe/Berlin"})
    opens: pl.Time
    lasts: Annotated[pl.Duration, "us"]
    raw: pl.Binary = pa.Field(metadata={"encoding": "base64"})
    tags: Annotated[pl.List, pl.Int64]
    pair: Annotated[pl.Array, pl.Int8, 2]
    gone: Annotated[pl.Struct, {"x": pl.Int64}] = pa.Field(nullable=True)


VALUES = {
    "i": 7,
    "n": Decimal("12345678901234567890.0123456789"),
    "f": 0.1,
    "flag": True,
    "kind": "b",
    "brand": "Acme",
    "day": date(2024, 7, 1),
    "at": MOMENT,
    "opens": time(9, 30),
    "lasts": timedelta(hours=26, minutes=30),
    "raw": b"\xff\x00",
    "tags": [1, 2],
    "pair": [3, 4],
    "gone": None,
}
CSV = """i;n;f;flag;kind;brand;day;at;opens;lasts;raw;tags;pair;gone
7;12345678901234567890.0123456789;0.1;yes;b;Acme;2024-07-01;2024-07-01 14:00:00;09:30;26:30:00;/wA=;[1, 2];[3,4];
"""
JSON = (
    '{"i": 7, "n": 12345678901234567890.0123456789, "f": 0.1, "flag": true, "kind": "b", "brand": "Acme", '
    '"day": "2024-07-01", "at": "2024-07-01T14:00:00", "opens": "09:30:00", "lasts": "P1DT2H30M", "raw": "/wA=", '
    '"tags": [1, 2], "pair": [3, 4], "gone": null}\n'
)
TYPED = {
    "i": pl.Int64(),
    "n": pl.Decimal(38, 10),
    "f": pl.Float64(),
    "flag": pl.Boolean(),
    "kind": pl.String(),
    "brand": pl.Categorical(),
    "day": pl.Date(),
    "at": pl.Datetime("ms"),
    "opens": pl.Time(),
    "lasts": pl.Duration("ns"),
    "raw": pl.Binary(),
    "tags": pl.List(pl.Int32),
    "pair": pl.List(pl.Int64),
    "gone": pl.Struct({"x": pl.Int32}),
}


@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "parquet"])
def test_values_come_out_of_every_format_the_same(tmp_path, kind):
    class Row(Every):
        if kind == "csv":  # there is no struct in text
            gone: str = pa.Field(nullable=True)

    raw = tmp_path / "raw"
    raw.mkdir()
    source = {"csv": csv_files, "parquet": parquet_files}.get(kind, json_files)
    if kind == "parquet":
        local = {**VALUES, "at": datetime(2024, 7, 1, 14)}  # noqa: DTZ001 - local time of the zone
        pl.DataFrame([local], schema=TYPED).write_parquet(raw / "a.parquet")
    else:
        (raw / f"a.{kind}").write_text({"csv": CSV, "json": f"[{JSON}]", "ndjson": JSON * 2}[kind])
    space = Workspace(StorageLocation(str(raw)), StorageLocation(str(tmp_path / "lake")))
    pipeline = Pipeline("t.p", sources={"r": source("*", schema=Row)}, outputs=[table("t/r", of="r")])
    report = run_in(pipeline, space, RunRequest())
    assert report.sources["r"].reasons == {}
    declared = pl.Schema({name: column.dtype.type for name, column in Row.to_schema().columns.items()})
    rows = as_declared(open_table(space.lake, "t/r").scan(), declared).select(*VALUES).collect()
    assert rows.head(1).to_dicts() == [VALUES]
    assert rows.schema == declared
