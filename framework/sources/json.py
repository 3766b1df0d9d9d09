"""JSON files as rows of text: a document with an array in it, an array, one record, or one record per line.

Numbers keep the text they have in the file, so that `15.10` becomes the decimal 15.10 and never the float next to it.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import MALFORMED, SOURCE_LINE
from framework.sources.provenance import PROVENANCE_TYPES, file_frame
from framework.sources.pulled import pulled
from framework.sources.text import UnreadableTextError, blocks, open_bytes
from framework.sources.verdict import GONE, Rejected, Scanned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.storage import StorageLocation

TEXT = "_text"
"""The record as it stands in the file, kept where it cannot be put into columns."""
MAX_DOCUMENT = 512 * 1024 * 1024
SAMPLED_LINES = 20


def scan_json(source: FileSource, files: Sequence[FileInput], location: StorageLocation, expected: Expected) -> Scanned:
    """Scan JSON files: all leaves as text, with provenance.

    Options: `records` (the key of the array in a document; default: the document is the record), `fields` (a mapping of
    column to the dotted path of its value).

    Files with a record per line are lazy and streamed in blocks; any other document is parsed here, as a whole.
    """
    reader = _Reader(textual(expected), source.options.get("fields", {}), source.options.get("records"))
    documents: list[pl.DataFrame] = []
    by_line: list[FileInput] = []
    rejected: list[Rejected] = []
    for file in files:
        try:
            rows = reader.read_document(location, file)
        except (ValueError, UnreadableTextError, RecursionError) as error:
            rejected.append(Rejected(file, _why(error)))
        except FileNotFoundError:
            rejected.append(Rejected(file, GONE))
        else:
            if rows is None:
                by_line.append(file)
            else:
                documents.append(file_frame(rows, file))
    parts = [pl.concat(documents).lazy()] if documents else []
    if by_line:
        parts.append(reader.scan_lines(location, by_line))
    return Scanned(parts, rejected)


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "not readable JSON: nested too deeply"
    return str(error)


def textual(expected: Expected) -> dict[str, pl.DataType]:
    """The raw type of every column: text, or lists and structs of text."""
    return {name: _textual(dtype) for name, dtype in expected.schema.items()}


def _textual(dtype: Any) -> pl.DataType:
    if isinstance(dtype, pl.List):
        return pl.List(_textual(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _textual(field.dtype) for field in dtype.fields})
    return pl.String()


def loads(text: str | bytes) -> Any:
    """Parse JSON strictly, with numbers as text and duplicate keys and NaN refused."""
    return json.loads(
        text, parse_float=str, parse_int=str, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"not valid JSON: {name} is no JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"not usable JSON: key '{next(n for n in names if names.count(n) > 1)}' occurs twice")
    return found


class _Reader:
    """Reads the files of one source: knows the raw columns and where their values stand in a record."""

    def __init__(self, columns: dict[str, pl.DataType], fields: dict[str, str], records: str | None) -> None:
        self.columns = columns
        self.paths = {name: tuple(fields.get(name, name).split(".")) for name in columns}
        self.records = records
        self.schema = pl.Schema({**columns, TEXT: pl.String(), MALFORMED: pl.String(), SOURCE_LINE: pl.Int64()})

    def read_document(self, location: StorageLocation, file: FileInput) -> pl.DataFrame | None:
        """Read a file that is one document; None when it has a record per line."""
        with open_bytes(location, file.path) as opened:
            found = blocks(opened)
            start = b"".join(block.content for block in islice(found, 2))  # a last line without end is its own block
            if not start.strip():
                raise ValueError("the file is empty")
            if _has_record_per_line(start):
                for _ in found:  # a broken end of compressed data must show before any row is used
                    continue
                return None
            content = bytearray(start)
            for block in found:
                content += block.content
                if len(content) > MAX_DOCUMENT:
                    raise ValueError(f"the document exceeds {MAX_DOCUMENT // 2**20} MiB; write one record per line")
        records = self._records(loads(bytes(content)))
        return self._frame((number, record, None) for number, record in enumerate(records, 1))

    def scan_lines(self, location: StorageLocation, files: Sequence[FileInput]) -> pl.LazyFrame:
        """Scan files with a record per line, lazy, in blocks."""

        def frames() -> Iterator[pl.DataFrame]:
            for file in files:
                with open_bytes(location, file.path) as opened:
                    for block in blocks(opened):
                        rows = self._frame(_lines(block.content, block.first_line))
                        yield file_frame(rows, file).select(schema.names())

        schema = pl.Schema({**self.schema, **PROVENANCE_TYPES})
        return pulled(frames, schema)

    def _records(self, document: Any) -> list[Any]:
        if self.records and isinstance(document, dict):
            if not isinstance(document.get(self.records), list):
                raise ValueError(
                    f"the document has no array '{self.records}'; found {', '.join(document) or 'nothing'}"
                )
            return list(document[self.records])
        return document if isinstance(document, list) else [document]

    def _frame(self, records: Iterator[tuple[int, Any, str | None]]) -> pl.DataFrame:
        """Build rows from (line, record, what is wrong with the line)."""
        every = list(records)
        rows = [self._row(*record) for record in every]
        try:
            return pl.DataFrame(rows, schema=self.schema, orient="row")
        except UnicodeEncodeError:
            whole = [self._row(*record) if _is_text(record[1]) else self._no_text(*record) for record in every]
            return pl.DataFrame(whole, schema=self.schema, orient="row")

    def _no_text(self, line: int, record: Any, _wrong: str | None) -> tuple[Any, ...]:
        wrong = "not usable JSON: half of a surrogate pair is no text"
        return (*[None] * len(self.columns), json.dumps(record), wrong, line)

    def _row(self, line: int, record: Any, wrong: str | None) -> tuple[Any, ...]:
        if wrong is None and not isinstance(record, dict):
            wrong = "the record is no JSON object"
        if wrong is not None:
            text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
            return (*[None] * len(self.columns), text, wrong, line)
        try:
            values = [_shape(_at(record, self.paths[name]), dtype) for name, dtype in self.columns.items()]
        except TypeError as error:
            return (*[None] * len(self.columns), json.dumps(record, ensure_ascii=False), str(error), line)
        return (*values, None, None, line)


def _has_record_per_line(content: bytes) -> bool:
    """Whether lines are records: the first one is, or, as it may be broken, at least half of the first ones are.

    In a document with a record per line, all of them but the last are followed by a comma.
    """
    lines = [line for line in content.split(b"\n", 64)[:64] if line.strip()][:SAMPLED_LINES]
    if len(lines) < 2 or lines[0].lstrip().startswith(b"["):  # noqa: PLR2004 - one line is a document
        return False
    return _is_object(lines[0]) or 2 * sum(map(_is_object, lines)) >= len(lines)


def _is_text(record: Any) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_object(line: bytes) -> bool:
    try:
        return line.strip().startswith(b"{") and isinstance(loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(content: bytes, first_line: int) -> Iterator[tuple[int, Any, str | None]]:
    for number, line in enumerate(content.split(b"\n"), first_line):
        if not line.strip():
            continue
        try:
            yield number, loads(line), None
        except (ValueError, RecursionError) as error:
            yield number, line.decode(errors="backslashreplace"), _why(error).replace(" at line 1,", " at")


def _at(record: dict[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = record
    for name in path:
        if found is None:
            return None
        if not isinstance(found, dict):
            raise TypeError(f"{'.'.join(path)} cannot be found: the value on the way is no object")
        found = found.get(name)
    return found


def _shape(value: Any, dtype: pl.DataType) -> Any:
    """Bring a parsed value into the raw type of its column.

    Raises:
        TypeError: when it is of another shape (a list where a value should be, say).
    """
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        if not isinstance(value, list):
            raise TypeError(f"expected a list, got {json.dumps(value)[:60]}")
        inner: Callable[[Any], Any] = lambda item: _shape(item, dtype.inner)  # type: ignore[arg-type]  # noqa: E731
        return [inner(item) for item in value]
    if isinstance(dtype, pl.Struct):
        if not isinstance(value, dict):
            raise TypeError(f"expected an object, got {json.dumps(value)[:60]}")
        return {field.name: _shape(value.get(field.name), field.dtype) for field in dtype.fields}  # type: ignore[arg-type]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
