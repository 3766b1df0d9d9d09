"""What the sender of a file promises of it, in a small file beside it: its size, its checksum, its rows.

Two forms: `<file>.sha256` as `sha256sum` writes it, and `<file>.manifest`, a JSON object with any of `bytes`, `sha256`
and `rows` (blank lines are no rows).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from framework.sources.verdict import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framework.core.plan import FileInput
    from framework.storage import StorageLocation

Kind = Literal["sha256", "manifest"]
KINDS: tuple[Kind, ...] = ("sha256", "manifest")
_LINE = re.compile(r"\\?([0-9a-fA-F]{64})(?:[ \t]+\*?(.*))?")
_KNOWN: dict[str, type] = {"bytes": int, "sha256": str, "rows": int}


class BrokenPromiseError(Exception):
    """A file is not what its sender promises, or the promise cannot be read."""


@dataclass(frozen=True)
class Promise:
    """What is promised of a file; None: nothing."""

    bytes: int | None = None
    sha256: str | None = None
    rows: int | None = None


def broken_promise(
    location: StorageLocation, file: FileInput, kinds: Sequence[Kind], count: Callable[[FileInput], int | None]
) -> str:
    """Hold a file against what its sender promises of it; gives what is wrong, or nothing.

    `count` counts its rows, and is called only where rows are promised; None: they cannot be read anyway.
    """
    try:
        for kind in kinds:
            promise = read_promise(location, file, kind)
            hold_bytes(location, file, promise)
            rows = count(file) if promise.rows is not None else None
            if rows is not None and rows != promise.rows:
                return f"it has {rows:,} rows, and {promise.rows:,} were promised"
    except FileNotFoundError:
        return GONE
    except BrokenPromiseError as error:
        return str(error)
    return ""


def read_promise(location: StorageLocation, file: FileInput, kind: Kind) -> Promise:
    """Read the promise beside a file.

    Raises:
        BrokenPromiseError: when there is none, or it cannot be read as one.
    """
    name = f"{file.path}.{kind}"
    content = location.read(name)
    if content is None:
        raise BrokenPromiseError(f"there is no {name} beside it")
    try:
        return _checksum(content) if kind == "sha256" else _manifest(content)
    except ValueError as error:
        raise BrokenPromiseError(f"{name} cannot be read: {error}") from error


def _checksum(content: bytes) -> Promise:
    lines = [line for line in content.decode().splitlines() if line.strip()]
    found = _LINE.fullmatch(lines[0].strip()) if len(lines) == 1 else None
    if found is None:
        raise ValueError("expected one line as sha256sum writes it")
    return Promise(sha256=found[1].lower())


def _manifest(content: bytes) -> Promise:
    document: Any = json.loads(content)
    if not isinstance(document, dict) or not document or set(document) - set(_KNOWN):
        raise ValueError(f"expected a JSON object with {', '.join(_KNOWN)}")
    wrong = [name for name, value in document.items() if type(value) is not _KNOWN[name]]
    if wrong:
        raise ValueError(f"{wrong[0]} is {json.dumps(document[wrong[0]])[:80]}")
    return Promise(document.get("bytes"), document.get("sha256", "").lower() or None, document.get("rows"))


def hold_bytes(location: StorageLocation, file: FileInput, promise: Promise) -> None:
    """Hold a file's bytes against a promise. With a checksum, reads all of them.

    Raises:
        BrokenPromiseError: when they differ.
    """
    uri = location.uri(file.path)
    size = location.filesystem().size(uri)
    if promise.bytes is not None and size != promise.bytes:
        raise BrokenPromiseError(f"it has {size:,} bytes, and {promise.bytes:,} were promised")
    if promise.sha256 is None:
        return
    digest = hashlib.sha256()
    with location.filesystem().open(uri, "rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != promise.sha256:
        raise BrokenPromiseError(f"its SHA-256 is {digest.hexdigest()[:12]}..., promised is {promise.sha256[:12]}...")
