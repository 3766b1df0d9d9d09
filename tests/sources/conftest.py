"""Raw files in a folder, scanned as a source: `scan({"a.csv": b"..."})`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.reading import Read, read_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def scan(tmp_path: Path) -> Callable[..., Read]:
    def run(contents: dict[str, bytes], **asked: Any) -> Read:
        return read_files(tmp_path, contents, **asked)

    return run
