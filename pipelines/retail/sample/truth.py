"""The key: what was delivered, what was spoiled in it, and the verdict a correct run comes to."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias

from pipelines.retail.sample.request import Request

SOURCES = ("sales", "products", "customers", "inventory", "campaigns")
KEY_FOLDER = "_truth"
LAST_SECOND = 86_399

Verdict: TypeAlias = Literal["quarantined", "waiting", "duplicate", "updated", "late"]


@dataclass(frozen=True, slots=True)
class Mark:
    """The one trouble of one row.

    Attributes:
        kind: What was done to it, in snake_case.
        verdict: What a correct run says about it.
        column: The column that is wrong or changed, null where it is the row as a whole.
        product_id: The product a waiting row waits for.
        known_from: The file that brings that product, null when none ever does. It may be a file that is
            delivered after the last day written so far.
    """

    kind: str
    verdict: Verdict = "quarantined"
    column: str | None = None
    product_id: str | None = None
    known_from: str | None = None


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
        encoding: Of a text file.
        delimiter: Of a CSV file.
        notes: Its spoiled and special rows, by line.
    """

    source: str
    name: str
    day: int
    second: int
    content: bytes
    rows: int | None
    fault: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def path(self) -> str:
        """Path relative to the raw folder."""
        return f"{self.source}/{self.name}"

    def without_content(self) -> "Delivered":
        """Return what the key needs of it."""
        return replace(self, content=b"")


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
        lines = [
            f"{self.files_written} files written; {period}",
            f"{'source':<10} {'files':>6} {'rejected':>8} {'rows':>10}  spoiled and special rows",
        ]
        for total in self.sources:
            verdicts = ", ".join(f"{count:,} {name}" for name, count in self.verdicts[total.source].items())
            counts = f"{total.files:>6,} {total.rejected_files:>8,} {total.rows:>10,}"
            lines.append(f"{total.source:<10} {counts}  {verdicts or '-'}")
        return "\n".join(lines)


def summarize(request: Request, delivered: Iterable[Delivered], through_day: int, files_written: int) -> Summary:
    """Count files, rows, kinds and verdicts of everything delivered so far."""
    files = list(delivered)
    kinds: dict[str, Counter[str]] = {source: Counter() for source in SOURCES}
    verdicts: dict[str, Counter[str]] = {source: Counter() for source in SOURCES}
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
        sources=tuple(_total(source, files) for source in SOURCES),
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


def write_file(out: Path, request: Request, file: Delivered) -> None:
    """Write a delivered file and give it the time of its delivery."""
    _write(out / file.path, file.content, request, file.day, file.second)


def write_key(out: Path, request: Request, delivered: list[Delivered], summary: Summary) -> None:
    """Write `rows.ndjson`, `files.ndjson` and `summary.json` of everything delivered so far."""
    totals = {name: value for name, value in asdict(summary).items() if name != "files_written"}
    texts = {
        "rows.ndjson": "".join(_dump(_row_entry(file, note)) for file in delivered for note in file.notes),
        "files.ndjson": "".join(_dump(_file_entry(file)) for file in delivered),
        "summary.json": json.dumps(totals, indent=2, ensure_ascii=False, default=str) + "\n",
    }
    for name, text in texts.items():
        _write(out / KEY_FOLDER / name, text.encode(), request, summary.through_day, LAST_SECOND)


def _write(path: Path, content: bytes, request: Request, day: int, second: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seconds = int(request.moment(day, second).timestamp())
    os.utime(path, (seconds, seconds))


def _dump(entry: dict[str, object]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _row_entry(file: Delivered, note: Note) -> dict[str, object]:
    mark = note.mark
    entry: dict[str, object] = {
        "source": file.source,
        "file": file.path,
        "line": note.line,
        "key": note.key,
        "kind": mark.kind,
        "verdict": mark.verdict,
        "column": mark.column,
    }
    waiting = {"product_id": mark.product_id, "known_from": mark.known_from}
    return entry | waiting if mark.verdict == "waiting" else entry


def _file_entry(file: Delivered) -> dict[str, object]:
    return {
        "source": file.source,
        "file": file.path,
        "rows": file.rows,
        "verdict": "rejected" if file.fault else "ok",
        "kind": file.fault,
        "encoding": file.encoding,
        "delimiter": file.delimiter,
        "delivered_day": file.day,
    }
