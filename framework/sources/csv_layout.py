"""How one CSV file is written, found before its rows are read: header, delimiter, and whether every line is a row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.sources.text import BLOCK, UnreadableTextError, blocks, bom, is_compressed, open_bytes
from framework.sources.verdict import GONE, Rejected, missing_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.core.plan import FileInput
    from framework.core.source import Expected, FileSource
    from framework.sources.text import Block
    from framework.storage import StorageLocation

DELIMITERS = (",", ";", "\t", "|")
LONGEST_CHARACTER = 4


@dataclass(frozen=True)
class Layout:
    """How one file is written. `lines` counts the lines below the header of a plain file (None: it is not plain).

    A plain file is local, uncompressed, UTF-8 and without quotes: there each line is a row, as it stands.
    """

    header: tuple[str, ...]
    delimiter: str
    lines: int | None = None


def find_layout(
    source: FileSource, file: FileInput, location: StorageLocation, expected: Expected
) -> Layout | Rejected:
    """Look at a file: at all bytes of a local one, at all that a compressed one holds, at the start of a remote one."""
    try:
        return _find_layout(source, file, location, expected)
    except UnreadableTextError as error:
        return Rejected(file, str(error))
    except FileNotFoundError:
        return Rejected(file, GONE)


def _find_layout(
    source: FileSource, file: FileInput, location: StorageLocation, expected: Expected
) -> Layout | Rejected:
    plain_lines = _plain_lines(Path(location.uri(file.path))) if location.is_local else None
    with open_bytes(location, file.path) as opened:
        found = blocks(opened, tuple(source.options.get("encodings", ())))
        first = next(found, None)
        if first is None:
            return Rejected(file, "the file is empty")
        if plain_lines is None:
            _exhaust(found, file, location)
    line = first.content.split(b"\n", 1)[0].rstrip(b"\r").decode(errors="replace")
    delimiter = source.options.get("delimiter") or _delimiter(line, expected)
    header = [name.strip().strip('"') for name in line.split(delimiter)]
    wrong = _wrong_header(header, expected)
    return Rejected(file, wrong) if wrong else Layout(tuple(header), delimiter, plain_lines)


def _exhaust(found: Iterator[Block], file: FileInput, location: StorageLocation) -> None:
    """Read a compressed file to its end: only there it shows whether it is whole."""
    with location.filesystem().open(location.uri(file.path), "rb") as raw:
        head = raw.read(4)
    if is_compressed(head):
        for _ in found:
            continue


def _wrong_header(header: list[str], expected: Expected) -> str:
    wrong = missing_columns(header, expected.required)
    if not wrong and len(set(header)) != len(header):
        wrong = f"wrong header: a column occurs twice in {', '.join(header)}"
    surplus = sorted(set(header) - set(expected.schema))
    if not wrong and surplus and expected.is_strict:
        wrong = f"wrong header: unknown columns {', '.join(surplus)}"
    return wrong


def _delimiter(line: str, expected: Expected) -> str:
    """The delimiter under which the header has most of the expected columns."""

    def hits(delimiter: str) -> int:
        return len({name.strip().strip('"') for name in line.split(delimiter)} & set(expected.schema))

    return max(DELIMITERS, key=hits)


def _plain_lines(path: Path) -> int | None:
    """Count the lines below the header of a plain file; None when it is not plain."""
    with path.open("rb", buffering=0) as file:
        block = file.read(BLOCK)
        if is_compressed(block) or (bom(block) or (b"", "utf-8"))[1] != "utf-8":
            return None
        if b"\r" in block and b"\n" not in block:
            return None
        count, rest, last = -1, b"", b"\n"
        while block:
            if b'"' in block or b"\0" in block:
                return None
            rest = _undecoded(rest + block)
            if len(rest) >= LONGEST_CHARACTER:
                return None
            count += block.count(b"\n")
            last = block[-1:]
            block = file.read(BLOCK)
    return None if rest else count + (last != b"\n")


def _undecoded(content: bytes) -> bytes:
    """What is left of a block after its valid UTF-8: an unfinished last character, or all from the first wrong byte."""
    if content.isascii():
        return b""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return content[error.start :]
    return b""
