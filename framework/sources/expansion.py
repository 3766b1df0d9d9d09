"""A guard against compressed files that grow without end: decompression bombs."""

from __future__ import annotations

import io
from typing import IO

MAX_RATIO = 200
"""A file may grow to this many times its compressed size; text usually grows five to twenty times."""
ALWAYS_ALLOWED = 256 * 1024 * 1024
MAX_EXPANDED = 1024**4


class ExpansionError(Exception):
    """A compressed file grows beyond all measure."""


class Guarded(io.RawIOBase):
    """Decompressed bytes, as long as there are not absurdly many of them."""

    def __init__(self, plain: IO[bytes], compressed_size: int) -> None:
        self._plain = plain
        self._compressed = compressed_size
        self._seen = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read.

        Raises:
            ExpansionError: when the file has grown beyond the limits.
        """
        content = self._plain.read(size)
        self._seen += len(content)
        if self._seen > MAX_EXPANDED:
            raise ExpansionError(f"it decompresses to more than {MAX_EXPANDED // 1024**3} GiB")
        if self._seen > max(ALWAYS_ALLOWED, MAX_RATIO * self._compressed):
            raise ExpansionError(
                f"its {self._compressed} bytes decompress to more than {self._seen // 1024**2} MiB,"
                f" over {MAX_RATIO} times as many: a decompression bomb?"
            )
        return content
