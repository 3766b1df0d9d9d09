"""Text files as blocks of whole lines in UTF-8, whatever their compression, encoding and line ends."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from framework.sources.expansion import ExpansionError, Guarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.storage import StorageLocation

BLOCK = 2 * 1024 * 1024
MAX_LINE = 64 * 1024 * 1024
UNREADABLE = (EOFError, zlib.error, gzip.BadGzipFile)
"""What broken compressed data raises."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class UnreadableTextError(Exception):
    """The file's bytes are not text of any encoding that is expected, or its compression is broken."""


@dataclass(frozen=True)
class Block:
    """Whole lines of one file: their bytes in UTF-8 and the number of the first one, from 1."""

    content: bytes
    first_line: int


@contextmanager
def open_bytes(location: StorageLocation, path: str) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressed when its name or its first bytes say so."""
    with location.filesystem().open(location.uri(path), "rb") as file:
        magic = file.read(4)
        file.seek(0)
        size = file.seek(0, os.SEEK_END) if is_compressed(magic) else 0
        file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            with gzip.open(file, "rb") as plain:
                yield cast("IO[bytes]", Guarded(cast("IO[bytes]", plain), size))
        elif magic == b"\x28\xb5\x2f\xfd":
            import pyarrow as pa

            with pa.input_stream(pa.PythonFile(file), compression="zstd") as plain:
                yield cast("IO[bytes]", Guarded(plain, size))
        else:
            yield file


def is_compressed(head: bytes) -> bool:
    """Whether a file's first bytes are those of gzip or zstd."""
    return head[:2] == b"\x1f\x8b" or head[:4] == b"\x28\xb5\x2f\xfd"


def bom(head: bytes) -> tuple[bytes, str] | None:
    """The byte order mark that a file starts with, and the encoding it stands for."""
    return next(((mark, name) for mark, name in _BOMS if head.startswith(mark)), None)


def blocks(file: IO[bytes], fallbacks: tuple[str, ...] = ()) -> Iterator[Block]:
    """Cut a file into blocks of whole lines.

    Encodings: a byte order mark decides; else UTF-8, unless the first lines beyond ASCII are no UTF-8 and a fallback
    encoding is given. Lone carriage returns count as line ends where the file has no line feed. Bytes that are no text
    stay as they are: the line that holds them is judged on its own.

    Raises:
        UnreadableTextError: when the compressed data is broken, or one line exceeds `MAX_LINE`.
    """
    head = _read(file, BLOCK)
    mark = bom(head)
    decoder = _decoder(mark[1]) if mark and mark[1] != "utf-8" else None
    rest = head[len(mark[0]) :] if mark else head
    start = rest.decode(mark[1], errors="ignore").encode() if mark else rest
    has_bare_cr = b"\r" in start and b"\n" not in start
    encoding: str | None = None
    tail, line = b"", 1
    while rest or tail:
        at_end = not rest
        content = tail + (decoder.decode(rest).encode(errors="surrogatepass") if decoder else rest)
        if has_bare_cr:
            content = content.replace(b"\r", b"\n")
        cut = len(content) if at_end else content.rfind(b"\n") + 1
        whole, tail = content[:cut], content[cut:]
        if len(tail) > MAX_LINE:
            raise UnreadableTextError(f"line {line} is longer than {MAX_LINE // 2**20} MiB")
        if whole:
            if encoding is None and not whole.isascii():
                encoding = _encoding(whole, fallbacks)
            yield Block(whole if encoding in {None, "utf-8"} else _recoded(whole, str(encoding)), line)
            line += whole.count(b"\n")
        if at_end:
            return
        rest = _read(file, BLOCK)


def with_last(found: Iterable[Block]) -> Iterator[tuple[Block, bool]]:
    """Give blocks with a word on whether each is the last one."""
    waiting = None
    for block in found:
        if waiting is not None:
            yield waiting, False
        waiting = block
    if waiting is not None:
        yield waiting, True


def _read(file: IO[bytes], size: int) -> bytes:
    try:
        return file.read(size)
    except ExpansionError as error:
        raise UnreadableTextError(str(error)) from error
    except UNREADABLE as error:
        raise UnreadableTextError(f"the compressed data is broken: {error}") from error
    except OSError as error:
        if error.errno is not None:  # storage speaks in error numbers, zstd does not
            raise
        raise UnreadableTextError(f"the compressed data is broken: {error}") from error


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder of UTF-16 or UTF-32; half a pair of UTF-16 goes through and is no UTF-8 afterwards."""
    return codecs.getincrementaldecoder(encoding)(errors="surrogatepass" if "16" in encoding else "replace")


def _recoded(lines: bytes, encoding: str) -> bytes:
    """Bring lines into UTF-8; one that is no text of the encoding stays as it is."""
    try:
        return lines.decode(encoding).encode()
    except UnicodeDecodeError:
        each = lines.split(b"\n")
        return b"\n".join(line.decode(encoding).encode() if _decodes(line, encoding) else line for line in each)


def _encoding(lines: bytes, fallbacks: tuple[str, ...]) -> str:
    """Decide on the first lines beyond ASCII: UTF-8 if any of them is, else the first fallback that reads them all."""
    beyond = [line for line in lines.split(b"\n") if not line.isascii()]
    if any(_decodes(line, "utf-8") for line in beyond):
        return "utf-8"
    return next((name for name in fallbacks if _decodes(lines, name)), "utf-8")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
