"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

TEXT_KINDS = {"csv": "CSV", "json": "JSON"}
_STARTS = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"PK\x03\x04", "a ZIP archive (or a spreadsheet)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"%PDF-", "a PDF document"),
)
LONGEST = max(len(start) for start, _ in _STARTS)


def wrong_kind(head: bytes, kind: str) -> str:
    """Say what a file is, judged by its first bytes, when that is not text; empty when nothing speaks against it.

    >>> wrong_kind(b"PAR1....", "csv")
    'no CSV file: it is a Parquet file'
    >>> wrong_kind(b"id,name", "csv")
    ''
    """
    found = next((what for start, what in _STARTS if head.startswith(start)), "")
    if found:
        return f"no {TEXT_KINDS[kind]} file: it is {found}"
    if head and not head.strip(b"\0"):
        return f"no {TEXT_KINDS[kind]} file: it begins with NUL bytes"
    return ""
