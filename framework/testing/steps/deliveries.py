"""Made-up rows as raw files, in the form in which a source reads them, and tables as their writers would leave them."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import CARRIED
from framework.definition import Pipeline, table
from framework.sources import parquet_files
from framework.testing.ties import MOMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from framework.boundary import Contract
    from framework.boundary.contract import ColumnSpec
    from framework.core.source import FileSource, TableSource
    from framework.definition import Output

ISO = "%Y-%m-%d %H:%M:%S%.f"
FEEDS = "_tables"
"""The folder of the raw folder from which tables are fed."""


def write_file(source: FileSource, contract: Contract, rows: pl.DataFrame, raw: Path, number: int) -> None:
    """Write rows as the file of a delivery, dated after those of the deliveries before."""
    path = raw / _name(source.patterns[0], number)
    path.parent.mkdir(parents=True, exist_ok=True)
    bare = rows.drop(CARRIED, strict=False)
    if source.format == "parquet":
        bare.write_parquet(path)
    else:
        content = _csv(source, contract, bare) if source.format == "csv" else _json(source, contract, bare, path.name)
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    _date(path, number)


def is_single(source: FileSource) -> bool:
    """Whether a source is one file, which a later delivery would replace."""
    return not set(source.patterns[0]) & set("*?[")


def _name(pattern: str, number: int) -> str:
    """A path that a pattern matches."""
    plain = re.sub(r"\[[^\]]*\]", "1", pattern.replace("**/", "").replace("?", str(number % 10)))
    return plain.replace("*", f"delivery_{number}")


def _date(path: Path, number: int) -> None:
    seconds = (MOMENT - timedelta(days=1) + timedelta(hours=number)).timestamp()
    os.utime(path, (seconds, seconds))


def _csv(source: FileSource, contract: Contract, rows: pl.DataFrame) -> bytes:
    text = rows.select(_told(pl.col(name), contract.columns[name]).alias(name) for name in rows.columns)
    return text.write_csv(separator=source.options.get("delimiter", ",")).encode()


def _told(value: pl.Expr, spec: ColumnSpec) -> pl.Expr:  # noqa: PLR0911 - one way per family of types
    """A column as text, as the schema reads it."""
    dtype, reading = spec.dtype, spec.reading
    if isinstance(dtype, pl.Datetime):
        local = value.dt.convert_time_zone(reading.zone or "UTC") if dtype.time_zone else value
        return local.dt.replace_time_zone(None).dt.to_string(reading.formats[0] if reading.formats else ISO)
    if isinstance(dtype, pl.Date | pl.Time):
        return value.dt.to_string(reading.formats[0] if reading.formats else "iso")
    if isinstance(dtype, pl.Duration):
        return value.dt.to_string("iso")
    if dtype == pl.Boolean and reading.true_words and reading.false_words:
        return pl.when(value).then(pl.lit(reading.true_words[0])).when(~value).then(pl.lit(reading.false_words[0]))
    if dtype == pl.Binary:
        return value.bin.encode("hex" if reading.encoding == "hex" else "base64")
    if dtype.is_nested():
        return pl.struct(value.alias("_")).struct.json_encode().str.slice(5).str.head(-1)
    text = value.cast(pl.String)
    return text.str.replace(".", ",", literal=True) if reading.decimal_comma else text


def _json(source: FileSource, contract: Contract, rows: pl.DataFrame, name: str) -> bytes:
    fields = source.options.get("fields", {})
    nested = {n for n in rows.columns if contract.columns[n].dtype.is_nested()}
    text = rows.select(
        pl.col(n) if n in nested else _told(pl.col(n), contract.columns[n]).alias(n) for n in rows.columns
    )
    records = [_record(row, fields) for row in text.iter_rows(named=True)]
    if ".ndjson" in name or ".jsonl" in name:
        return "".join(json.dumps(record, default=str) + "\n" for record in records).encode()
    key = source.options.get("records")
    return json.dumps({key: records} if key else records, default=str).encode()


def _record(row: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in row.items():
        *folders, last = fields.get(name, name).split(".")
        place = record
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return record


def feeder(source: TableSource, model: Any, writer: Output | None) -> Pipeline:
    """A pipeline that makes a table as its writer does: by the same mode, key and partitions."""
    name = source.table.replace("/", ".")
    columns = set(model.to_schema().columns)
    partitions = tuple(writer.partition_by) if writer and set(writer.partition_by) <= columns else ()
    is_merged = writer is not None and writer.mode == "merge" and set(writer.key) <= columns
    output = table(
        source.table,
        of="rows",
        mode="merge" if is_merged else "overwrite",
        key=writer.key if writer and is_merged else (),
        partition_by=partitions if is_merged else (),
    )
    rows = parquet_files(f"{FEEDS}/{source.table}/*.parquet", schema=model)
    return Pipeline(f"made_up.{name}", sources={"rows": rows}, outputs=[output])


def write_feed(feed: Pipeline, parts: Iterable[pl.DataFrame], raw: Path, number: int) -> None:
    """Deliver the rows of a table: of a merged one those that are new or other, of any other one all so far."""
    (output,) = feed.outputs
    every = list(parts)
    folder = raw / FEEDS / output.table
    folder.mkdir(parents=True, exist_ok=True)
    is_merged = output.mode == "merge"
    path = folder / (f"delivery_{number}.parquet" if is_merged else "all.parquet")
    (every[-1] if is_merged else pl.concat(every)).write_parquet(path)
    _date(path, number)
