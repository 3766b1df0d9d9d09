"""The raw folder of the features domain read and judged in plain Python: the newest good row of every key."""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Place:
    """Where a record stands. The order of places is the order of age: by file time, then by name, then by line."""

    time: datetime
    file: str
    line: int


@dataclass(frozen=True)
class Rows:
    """What a source comes to: typed rows by key, the places of bad rows, and the files that cannot be read."""

    good: dict[tuple, Row]
    bad: set[tuple[str, int]]
    refused: set[str]


def read_rows(raw: Path, source: str) -> Rows:
    """Read and judge all files of a source."""
    good: dict[tuple, tuple[Place, Row]] = {}
    bad, refused = set(), set()
    folder = raw / "features" / source
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        name = f"features/{source}/{path.name}"
        time = EPOCH + timedelta(microseconds=path.stat().st_mtime_ns // 1000)
        records = read_file(path, KEYS[source])
        if records is None:
            refused.add(name)
            continue
        for line, record in records:
            try:
                row = JUDGES[source](record or {})
            except (ValueError, KeyError, TypeError, AttributeError):
                bad.add((name, line))
                continue
            key, place = tuple(row[column] for column in KEYS[source]), Place(time, name, line)
            if key not in good or good[key][0] < place:
                good[key] = (place, row)
    return Rows({key: row for key, (_, row) in good.items()}, bad, refused)


def read_file(path: Path, wanted: tuple[str, ...]) -> list[tuple[int, Row | None]] | None:
    """The records of a file with their lines; None where it cannot be read."""
    if path.suffix == ".parquet":
        try:
            return list(enumerate(pl.read_parquet(path).to_dicts(), 1))
        except pl.exceptions.PolarsError:
            return None
    content = path.read_bytes()
    try:
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (EOFError, zlib.error):
        return None
    if path.suffix == ".csv":
        rows = list(csv.DictReader(text.splitlines()))
        return list(enumerate(rows, 2)) if set(wanted) <= set(text.splitlines()[0].split(",")) else None
    return [(number, _record(line)) for number, line in enumerate(text.split("\n"), 1) if line]


def _record(line: str) -> Row | None:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def need(condition: object) -> None:
    """Refuse the record unless the condition holds."""
    if not condition:
        raise ValueError


def identity(value: object, letters: str, digits: int) -> str:
    """An id of the documented shape."""
    need(isinstance(value, str) and re.fullmatch(rf"{letters}[0-9]{{{digits},}}", value))
    return str(value)


def moment(value: object) -> datetime:
    """A time that is not in the future."""
    layout = "%Y-%m-%dT%H:%M:%SZ"
    found = value if isinstance(value, datetime) else datetime.strptime(str(value), layout).replace(tzinfo=UTC)
    need(found <= NOW)
    return found


def amount(value: object) -> Decimal:
    """An amount of money that is not negative."""
    need(re.fullmatch(r"[0-9]+(\.[0-9]{1,2})?", str(value)))
    return Decimal(str(value))


def event(given: Row) -> Row:
    """A known kind, a past time, a duration that is a whole number of seconds or unknown."""
    duration = given["duration_s"]
    need(duration is None or (isinstance(duration, int) and duration >= 0))
    need(given["kind"] in {"view", "search", "add_to_cart", "checkout"})
    at = moment(given["at"])
    ids = {"event_id": identity(given["event_id"], "EV", 8), "user_id": identity(given["user_id"], "US", 6)}
    rest = {name: given[name] for name in ("kind", "device", "category", "duration_s")}
    return {**ids, "at": at, **rest, "day": at.date()}


def transaction(given: Row) -> Row:
    """A past time and an amount."""
    ids = {
        "transaction_id": identity(given["transaction_id"], "TR", 8),
        "user_id": identity(given["user_id"], "US", 6),
    }
    return {**ids, "at": moment(given["at"]), "amount": amount(given["amount"]), "category": given["category"]}


def user(given: Row) -> Row:
    """Signed up before the export, on a known plan."""
    signed_up, exported = date.fromisoformat(given["signed_up"]), date.fromisoformat(given["exported"])
    need(signed_up <= exported)
    need(given["plan"] in {"free", "plus", "pro"})
    need(len(given["country"]) in {0, 2})
    key = identity(given["user_id"], "US", 6)
    profile = {"signed_up": signed_up, "country": given["country"] or None, "plan": given["plan"]}
    return {"user_id": key, **profile, "exported": exported}


def label(given: Row) -> Row:
    """0 or 1 and an amount; either may be unknown."""
    need(given["churned"] in {"", "0", "1"})
    return {
        "user_id": identity(given["user_id"], "US", 6),
        "as_of": date.fromisoformat(given["as_of"]),
        "churned": int(given["churned"]) if given["churned"] else None,
        "spend_next_14d": amount(given["spend_next_14d"]) if given["spend_next_14d"] else None,
    }


JUDGES: dict[str, Callable[[Row], Row]] = {
    "events": event,
    "transactions": transaction,
    "users": user,
    "labels": label,
}
KEYS: dict[str, tuple[str, ...]] = {
    "events": ("event_id",),
    "transactions": ("transaction_id",),
    "users": ("user_id", "exported"),
    "labels": ("user_id", "as_of"),
}
