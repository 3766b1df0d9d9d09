"""JSON files as rows of text: a document with an array in it, an array, one record, or one record per line.

Numbers keep the text they have in the file, so that `15.10` becomes the decimal 15.10 and never the float next to it.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import ABSENT, MALFORMED, SOURCE_LINE
from framework.core.reaching import reach
from framework.sources.json_layouts import LINE, Layouts
from framework.sources.json_values import is_absent, is_text, loads, path_in, shape, value_at, why
from framework.sources.magic import LONGEST, wrong_kind
from framework.sources.older_names import counted, older_names
from framework.sources.provenance import PROVENANCE_TYPES, file_frame
from framework.sources.pulled import pulled
from framework.sources.text import UnreadableTextError, blocks, open_bytes
from framework.sources.verdict import GONE, Rejected, Scanned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.sources.text import Block
    from framework.storage import StorageLocation

TEXT = "_text"
"""The record as it stands in the file, kept where it cannot be put into columns."""
MAX_DOCUMENT = 512 * 1024 * 1024
NO_TEXT = "not usable JSON: half of a surrogate pair is no text"
SAMPLED_LINES = 20
SAMPLED_KEYS = 200


def scan_json(source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected) -> Scanned:
    """Scan JSON files: all leaves as text, with provenance.

    Options: `records` (the key of the array in a document; default: the document is the record), `fields` (a mapping of
    column to the dotted path of its value).

    Files with a record per line are lazy and streamed in blocks; any other document is parsed here, as a whole.
    """
    fields, records = source.options.get("fields", {}), source.options.get("records")
    told = expected.told_absent
    reader = _Reader(textual(expected), fields, records, expected.older, is_strict=expected.is_strict, told=told)
    renamed: list[dict[str, str]] = []
    documents: list[pl.DataFrame] = []
    by_line: list[FileInput] = []
    rejected: list[Rejected] = []
    for file in files:
        try:
            rows = reach(f"look at {file.path}", partial(reader.read_document, location, file))
        except (ValueError, UnreadableTextError, RecursionError) as error:
            rejected.append(Rejected(file, why(error)))
        except FileNotFoundError:
            rejected.append(Rejected(file, GONE))
        else:
            if expected.older:
                renamed.append(older_names(keys_of(source, file, location), expected))
            if rows is None:
                by_line.append(file)
            else:
                documents.append(file_frame(rows, file))
    parts = [pl.concat(documents).lazy()] if documents else []
    if by_line:
        parts.append(reader.scan_lines(location, by_line))
    return Scanned(parts, rejected, renamed=counted(renamed))


def keys_of(source: FileSource, file: FileInput, location: StorageLocation) -> list[str]:
    """List the keys that the first records of a file have.

    Raises:
        ValueError: when a document cannot be read.
        UnreadableTextError: when the file holds no text.
    """
    reader = _Reader({}, {}, source.options.get("records"))
    with open_bytes(location, file.path) as opened:
        start = b"".join(block.content for block in islice(blocks(opened), 2))
    if _has_record_per_line(start):
        lines = start.split(b"\n", SAMPLED_KEYS)[:SAMPLED_KEYS]
        records = [loads(line) for line in lines if _is_object(line)]
    else:
        records = [r for r in reader.records_in(location, file) or () if isinstance(r, dict)][:SAMPLED_KEYS]
    keys = list(dict.fromkeys(key for record in records for key in record))
    if not is_text(keys):
        raise ValueError(NO_TEXT)
    return keys


def textual(expected: Expected) -> dict[str, pl.DataType]:
    """The raw type of every column: text, or lists and structs of text."""
    return {name: _textual(dtype) for name, dtype in expected.schema.items()}


def _textual(dtype: Any) -> pl.DataType:
    if isinstance(dtype, pl.List):
        return pl.List(_textual(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _textual(field.dtype) for field in dtype.fields})
    return pl.String()


@dataclass(frozen=True)
class _Record:
    """A record as it was parsed, or what is wrong with it; `raw` are its bytes where it has a line of its own."""

    line: int
    record: Any
    wrong: str | None = None
    raw: bytes | None = None

    def as_text(self) -> str:
        if self.raw is not None:
            return self.raw.decode(errors="backslashreplace")
        return json.dumps(self.record, ensure_ascii=False)


class _Reader:
    """Reads the files of one source: knows the raw columns and where their values stand in a record."""

    def __init__(
        self,
        columns: dict[str, pl.DataType],
        fields: dict[str, str],
        records: str | None,
        older: Mapping[str, tuple[str, ...]] | None = None,
        *,
        is_strict: bool = False,
        told: Collection[str] = (),
    ) -> None:
        self.columns = columns
        self.older = {name: tuple(tuple(one.split(".")) for one in names) for name, names in (older or {}).items()}
        self.paths = {name: tuple(fields.get(name, name).split(".")) for name in columns}
        self.only = frozenset(path[0] for path in self.paths.values()) if is_strict else None
        self.records = records
        self.told = {name: path for name, path in self.paths.items() if name in told}
        absent = {ABSENT: pl.Struct(dict.fromkeys(self.told, pl.Boolean))} if self.told else {}
        rest = {TEXT: pl.String(), MALFORMED: pl.String(), SOURCE_LINE: pl.Int64()}
        self.schema = pl.Schema({**columns, **rest, **absent})

    def read_document(self, location: StorageLocation, file: FileInput) -> pl.DataFrame | None:
        """Read a file that is one document; None when it has a record per line."""
        records = self.records_in(location, file)
        if records is None:
            return None
        return self._frame(_Record(number, record) for number, record in enumerate(records, 1))

    def records_in(self, location: StorageLocation, file: FileInput) -> list[Any] | None:
        """Parse a file that is one document; None when it has a record per line.

        Raises:
            ValueError: when it is no JSON, or not of the form that is declared.
        """
        with open_bytes(location, file.path) as opened:
            found = blocks(opened)
            start = b"".join(block.content for block in islice(found, 2))  # a last line without end is its own block
            if not start.strip():
                raise ValueError("the file is empty")
            wrong = wrong_kind(start[:LONGEST], "json")
            if wrong:
                raise ValueError(wrong)
            if _has_record_per_line(start):
                for _ in found:  # a broken end of compressed data must show before any row is used
                    continue
                return None
            content = bytearray(start)
            for block in found:
                content += block.content
                if len(content) > MAX_DOCUMENT:
                    raise ValueError(f"the document exceeds {MAX_DOCUMENT // 2**20} MiB; write one record per line")
        return self._records(loads(bytes(content)))

    def scan_lines(self, location: StorageLocation, files: Sequence[FileInput]) -> pl.LazyFrame:
        """Scan files with a record per line, lazy, in blocks."""

        def frames() -> Iterator[pl.DataFrame]:
            layouts = Layouts(self.columns, self.paths, self.only, self.told, older=self.older)
            for file in files:
                with open_bytes(location, file.path) as opened:
                    for block in blocks(opened):
                        yield file_frame(self._rows(block, layouts), file).select(schema.names())

        schema = pl.Schema({**self.schema, **PROVENANCE_TYPES})
        return pulled(frames, schema)

    def _rows(self, block: Block, layouts: Layouts) -> pl.DataFrame:
        """Read a block of lines: those of a layout at once, the others one by one; in the order of the lines."""
        try:
            texts = pl.scan_lines(io.BytesIO(block.content), name=LINE).collect()
        except pl.exceptions.ComputeError:  # some line is no UTF-8
            each = block.content.removesuffix(b"\n").split(b"\n")
            texts = pl.DataFrame({LINE: [_decoded(line) for line in each]}, schema={LINE: pl.String})
        lines = texts.select(pl.int_range(pl.len()).alias(SOURCE_LINE) + block.first_line, LINE)
        parts, rest = layouts.read(lines)
        if rest.height:
            numbers = rest[SOURCE_LINE].to_list()
            parts.append(self._frame(_lines(block, numbers)))
        rows = pl.concat(parts, how="diagonal") if parts else self.schema.to_frame()
        rows = rows.select(pl.col(n) if n in rows.columns else pl.lit(None, t).alias(n) for n, t in self.schema.items())
        return rows.sort(SOURCE_LINE) if len(parts) > 1 else rows

    def _records(self, document: Any) -> list[Any]:
        if self.records and isinstance(document, dict):
            if not isinstance(document.get(self.records), list):
                raise ValueError(
                    f"the document has no array '{self.records}'; found {', '.join(document) or 'nothing'}"
                )
            return list(document[self.records])
        return document if isinstance(document, list) else [document]

    def _frame(self, records: Iterator[_Record]) -> pl.DataFrame:
        rows = [self._row(record) for record in records]
        try:
            return pl.DataFrame(rows, schema=self.schema, orient="row")
        except UnicodeEncodeError:
            whole = [row if is_text(row) else self._no_text(row) for row in rows]
            return pl.DataFrame(whole, schema=self.schema, orient="row")

    def _no_text(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        count = len(self.columns)
        kept = json.dumps(row[count] or dict(zip(self.columns, row[:count], strict=True)))
        return (*[None] * count, kept, NO_TEXT, *row[count + 2 :])

    def _row(self, found: _Record) -> tuple[Any, ...]:
        wrong = found.wrong
        if wrong is None and not isinstance(found.record, dict):
            wrong = "the record is no JSON object"
        if wrong is None and self.only is not None and not self.only.issuperset(found.record):
            wrong = f"unknown keys {', '.join(key for key in found.record if key not in self.only)}"
        if wrong is None:
            try:
                values = [
                    shape(value_at(found.record, self._path(found.record, name)), dtype)
                    for name, dtype in self.columns.items()
                ]
            except TypeError as error:
                wrong = str(error)
            else:
                return (*values, None, None, found.line, *self._absent(found.record))
        return (*[None] * len(self.columns), found.as_text(), wrong, found.line, *self._absent({}, is_known=False))

    def _absent(self, record: dict[str, Any], *, is_known: bool = True) -> list[dict[str, bool]]:
        """Say of the columns of which it must be told whether a record lacks them; nothing where there are none."""
        return [{name: is_known and is_absent(record, path) for name, path in self.told.items()}] if self.told else []

    def _path(self, record: dict[str, Any], name: str) -> tuple[str, ...]:
        older = self.older.get(name, ())
        return path_in(record, self.paths[name], older) if older else self.paths[name]


def _has_record_per_line(content: bytes) -> bool:
    """Whether lines are records: the first one is, or, as it may be broken, at least half of the first ones are.

    In a document with a record per line, all of them but the last are followed by a comma.
    """
    lines = [line for line in content.split(b"\n", 64)[:64] if line.strip()][:SAMPLED_LINES]
    if len(lines) < 2 or lines[0].lstrip().startswith(b"["):  # noqa: PLR2004 - one line is a document
        return False
    return _is_object(lines[0]) or 2 * sum(map(_is_object, lines)) >= len(lines)


def _is_object(line: bytes) -> bool:
    try:
        return line.strip().startswith(b"{") and isinstance(loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _lines(block: Block, numbers: Sequence[int]) -> Iterator[_Record]:
    every = block.content.split(b"\n")
    for number in numbers:
        line = every[number - block.first_line]
        if not line.strip():
            continue
        try:
            yield _Record(number, loads(line), None, line)
        except (ValueError, RecursionError) as error:
            yield _Record(number, None, why(error).replace(" at line 1,", " at"), line)
