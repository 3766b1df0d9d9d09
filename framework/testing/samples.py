"""Sample input for pipelines: files as they are delivered, and the key of what is wrong with them.

A domain's generator draws its data from a [`SampleRequest`][framework.testing.SampleRequest] and yields the files of
every day as [`Delivered`][framework.testing.Delivered]; `deliver_sample` writes those asked for, gives each the time of
its delivery, and writes the key. Same arguments, same bytes, same file times.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

KEY_FOLDER = "_truth"
LAST_SECOND = 86_399
FAULT_BLOCK_DAYS = 28
MIN_FAULT_DAYS = 7


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One sample as asked for; everything written is a function of these values.

    Attributes:
        seed: Start of every stream of random numbers.
        days: Length of the simulated period.
        rows: Approximate number of rows of the main source in the whole period.
        start: Date of day 1.
    """

    seed: int
    days: int
    rows: int
    start: date

    def __post_init__(self) -> None:
        """Refuse a period or volume that holds nothing."""
        for name, value in (("days", self.days), ("rows", self.rows)):
            if value < 1:
                raise ValueError(f"Cannot generate a sample: {name} is {value}, expected at least 1.")

    def dice(self, *topic: object) -> Random:
        """Return the random stream of one topic, independent of the order in which topics are asked."""
        return Random(":".join(str(part) for part in (self.seed, *topic)))  # noqa: S311 - data, not secrets

    def date_of(self, day: int) -> date:
        """Return the date of a 1-based day."""
        return self.start + timedelta(days=day - 1)

    def moment(self, day: int, second: int) -> datetime:
        """Return the UTC moment that many seconds after the midnight with which a day begins."""
        midnight = datetime.combine(self.date_of(day), datetime.min.time(), tzinfo=UTC)
        return midnight + timedelta(seconds=second)

    def fault_days(self, fraction: float) -> list[int]:
        """Return the days on which one kind of broken file is delivered.

        Args:
            fraction: How far into each block of four weeks, 0 to below 1.

        Returns:
            One day per block; none for a block of less than a week.
        """
        found = []
        for begin in range(1, self.days + 1, FAULT_BLOCK_DAYS):
            length = min(FAULT_BLOCK_DAYS, self.days - begin + 1)
            if length >= MIN_FAULT_DAYS:
                found.append(begin + int(fraction * length))
        return found


@dataclass(frozen=True, slots=True)
class Mark:
    """The one trouble of one row.

    Attributes:
        kind: What was done to it, in snake_case.
        verdict: What a correct run says about it, such as `quarantined`, `waiting`, `duplicate`, `updated`, `late`.
        column: The column that is wrong or changed, null where it is the row as a whole.
        details: What else the key says of it.
    """

    kind: str
    verdict: str = "quarantined"
    column: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """A mark at its place: line or record number in the file, and the row's key."""

    line: int
    key: str | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file as it arrives.

    Attributes:
        source: The folder it arrives in.
        name: File name in that folder.
        day: 1-based day of delivery.
        second: Second of that day (UTC).
        content: The bytes.
        rows: Data lines or records in it, good and bad; null when it cannot be read at all.
        fault: Why the file as a whole is rejected, null when it is not.
        details: What else the key says of it, such as its encoding.
        notes: Its spoiled and special rows, by line.
    """

    source: str
    name: str
    day: int
    second: int
    content: bytes
    rows: int | None
    fault: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def path(self) -> str:
        """Path relative to the raw folder."""
        return f"{self.source}/{self.name}"


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """Totals of one source: files, rejected files among them, and rows in the files that can be read."""

    source: str
    files: int
    rejected_files: int
    rows: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What lies in the raw folder from day 1 to the last day delivered.

    Attributes:
        start: Date of day 1.
        through_day: Last day delivered.
        seed: The seed it was made from.
        files_written: Files written by this call, without the key.
        sources: Totals per source.
        kinds: Source to kind of trouble to count, rows and files alike.
        verdicts: Source to verdict to count of rows.
    """

    start: date
    through_day: int
    seed: int
    files_written: int
    sources: tuple[SourceTotal, ...]
    kinds: Mapping[str, Mapping[str, int]]
    verdicts: Mapping[str, Mapping[str, int]]

    def render(self) -> str:
        """Return a few lines for a terminal."""
        period = f"days 1 to {self.through_day} from {self.start}, seed {self.seed}"
        width = max(10, *(len(total.source) for total in self.sources))
        lines = [
            f"{self.files_written} files written; {period}",
            f"{'source':<{width}} {'files':>6} {'rejected':>8} {'rows':>10}  spoiled and special rows",
        ]
        for total in self.sources:
            verdicts = ", ".join(f"{count:,} {name}" for name, count in self.verdicts[total.source].items())
            counts = f"{total.files:>6,} {total.rejected_files:>8,} {total.rows:>10,}"
            lines.append(f"{total.source:<{width}} {counts}  {verdicts or '-'}")
        return "\n".join(lines)


def deliver_sample(
    out: Path,
    request: SampleRequest,
    deliveries: Iterable[Delivered],
    *,
    sources: Iterable[str],
    days: tuple[int, int] | None = None,
    key: Mapping[str, str] | None = None,
    key_folder: str = KEY_FOLDER,
) -> Summary:
    """Write the files of some days, each with the time of its delivery, and the key of all days up to the last.

    Files already in the folder stay, so a sample delivered in parts is the same as one delivered at once.

    Args:
        out: The raw folder; created when missing.
        request: What was asked for.
        deliveries: The files of day 1 to the last day to deliver at least, in order of delivery.
        sources: The folders, in the order in which the summary lists them.
        days: First and last day (from 1, inclusive) whose files are written; all of them when null.
        key: Further files of the key, by name, with their text.
        key_folder: Where the key is written, relative to the raw folder.

    Returns:
        Totals of everything delivered from day 1 to the last of these days.

    Raises:
        ValueError: When the period does not hold the days to deliver.
    """
    first, last = days or (1, request.days)
    if not 1 <= first <= last <= request.days:
        raise ValueError(f"Cannot deliver days {first} to {last}: expected 1 <= first <= last <= {request.days}.")
    delivered, written = [], 0
    for file in deliveries:
        if file.day > last:
            continue
        if file.day >= first:
            _write(out / file.path, file.content, request, file.day, file.second)
            written += 1
        delivered.append(replace(file, content=b""))
    summary = _summarize(request, list(sources), delivered, last, written)
    _write_key(out / key_folder, request, delivered, summary, key or {})
    return summary


def _summarize(
    request: SampleRequest, sources: list[str], files: list[Delivered], through_day: int, files_written: int
) -> Summary:
    kinds: dict[str, Counter[str]] = {source: Counter() for source in sources}
    verdicts: dict[str, Counter[str]] = {source: Counter() for source in sources}
    for file in files:
        kinds[file.source].update(note.mark.kind for note in file.notes)
        verdicts[file.source].update(note.mark.verdict for note in file.notes)
        if file.fault:
            kinds[file.source][file.fault] += 1
    return Summary(
        start=request.start,
        through_day=through_day,
        seed=request.seed,
        files_written=files_written,
        sources=tuple(_total(source, files) for source in sources),
        kinds={source: dict(sorted(counts.items())) for source, counts in kinds.items()},
        verdicts={source: dict(sorted(counts.items())) for source, counts in verdicts.items()},
    )


def _total(source: str, files: list[Delivered]) -> SourceTotal:
    mine = [file for file in files if file.source == source]
    return SourceTotal(
        source=source,
        files=len(mine),
        rejected_files=sum(file.fault is not None for file in mine),
        rows=sum(file.rows or 0 for file in mine),
    )


def _write_key(
    folder: Path, request: SampleRequest, delivered: list[Delivered], summary: Summary, further: Mapping[str, str]
) -> None:
    """Write `rows.ndjson`, `files.ndjson`, `summary.json` and what else a domain has to say."""
    totals = {name: value for name, value in asdict(summary).items() if name != "files_written"}
    texts = {
        "rows.ndjson": "".join(_dump(_row_entry(file, note)) for file in delivered for note in file.notes),
        "files.ndjson": "".join(_dump(_file_entry(file)) for file in delivered),
        "summary.json": json.dumps(totals, indent=2, ensure_ascii=False, default=str) + "\n",
        **further,
    }
    for name, text in texts.items():
        _write(folder / name, text.encode(), request, summary.through_day, LAST_SECOND)


def _write(path: Path, content: bytes, request: SampleRequest, day: int, second: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seconds = int(request.moment(day, second).timestamp())
    os.utime(path, (seconds, seconds))


def _dump(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _row_entry(file: Delivered, note: Note) -> dict[str, Any]:
    mark = note.mark
    entry = {"source": file.source, "file": file.path, "line": note.line, "key": note.key}
    return {**entry, "kind": mark.kind, "verdict": mark.verdict, "column": mark.column, **mark.details}


def _file_entry(file: Delivered) -> dict[str, Any]:
    return {
        "source": file.source,
        "file": file.path,
        "rows": file.rows,
        "verdict": "rejected" if file.fault else "ok",
        "kind": file.fault,
        **file.details,
        "delivered_day": file.day,
    }
