"""The raw folder read in plain Python: every record of every file with its place, and the files that cannot be read."""

import csv
import gzip
import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PERFORMANCE = ("impressions", "clicks", "conversions", "revenue")
COLUMNS = {
    "sales": (
        "transaction_id",
        "store_id",
        "customer_id",
        "product_id",
        "quantity",
        "unit_price",
        "discount_percent",
        "transaction_timestamp",
    ),
    "inventory": ("update_id", "store_id", "product_id", "quantity_change", "update_timestamp", "update_type"),
}


class UnreadableError(Exception):
    """The file as a whole is of no use."""


@dataclass(frozen=True, order=True)
class Place:
    """Where a record stands. The order of places is the order of age: by file time, then by name, then by line."""

    time: datetime
    file: str
    line: int


@dataclass(frozen=True)
class Found:
    """One record as read; `values` is null where the line cannot be split into the fields of the header."""

    place: Place
    values: dict[str, Any] | None


def read_source(raw: Path, source: str) -> tuple[list[Found], list[str]]:
    """All records of a source, oldest first, and the paths of the files that cannot be read."""
    found: list[Found] = []
    refused: list[str] = []
    for path in sorted((raw / source).iterdir()) if (raw / source).is_dir() else []:
        name = f"{source}/{path.name}"
        time = EPOCH + timedelta(microseconds=path.stat().st_mtime_ns // 1000)
        try:
            records = READERS[source](path, source)
        except UnreadableError:
            refused.append(name)
            continue
        found += [Found(Place(time, name, line), values) for line, values in records]
    return sorted(found, key=lambda one: one.place), refused


def _csv(path: Path, source: str) -> list[tuple[int, dict[str, Any] | None]]:
    lines = _text(path).split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    wanted = set(COLUMNS[source])
    for delimiter in ",;\t|":
        header = _fields(lines[0], delimiter)
        if wanted <= set(header):
            break
    else:
        raise UnreadableError
    records: list[tuple[int, dict[str, Any] | None]] = []
    for number, line in enumerate(lines[1:], 2):
        if line:
            fields = _fields(line, delimiter)
            values = dict(zip(header, fields, strict=True)) if len(fields) == len(header) else None
            records.append((number, values))
    return records


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _text(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableError from error
    if not content:
        raise UnreadableError
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _json(path: Path, source: str) -> list[tuple[int, dict[str, Any] | None]]:
    text = _text(path)
    try:
        document = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        return _ndjson(text)
    if source == "products":
        if not isinstance(document, dict) or not isinstance(document.get("products"), list):
            raise UnreadableError
        document = document["products"]
    return list(enumerate(document if isinstance(document, list) else [document], 1))


def _ndjson(text: str) -> list[tuple[int, dict[str, Any] | None]]:
    try:
        lines = enumerate(text.split("\n"), 1)
        return [(number, json.loads(line, parse_float=Decimal)) for number, line in lines if line.strip()]
    except json.JSONDecodeError as error:
        raise UnreadableError from error


def _campaigns(path: Path, source: str) -> list[tuple[int, dict[str, Any] | None]]:
    found = []
    for line, record in _json(path, source):
        performance = (record or {}).get("performance") or {}
        flat = {name: value for name, value in (record or {}).items() if name != "performance"}
        found.append((line, {**flat, **{name: performance.get(name) for name in PERFORMANCE}}))
    return found


def _parquet(path: Path, _source: str) -> list[tuple[int, dict[str, Any] | None]]:
    try:
        return list(enumerate(pl.read_parquet(path).to_dicts(), 1))
    except pl.exceptions.PolarsError as error:
        raise UnreadableError from error


READERS = {"sales": _csv, "inventory": _csv, "products": _json, "campaigns": _campaigns, "customers": _parquet}
