"""The verdict on one file, given before its rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from framework.core.plan import FileInput

NEAREST = 0.5
GONE = "the file is gone since the run was planned"


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be read as what it should be, as a whole."""

    file: FileInput
    reason: str


@dataclass(frozen=True)
class Scanned:
    """What scanning a source's files gives: lazy raw rows with provenance, and the files refused as a whole."""

    parts: list[pl.LazyFrame]
    rejected: list[Rejected]
    extra_columns: frozenset[str] = frozenset()


def missing_columns(found: list[str], required: frozenset[str]) -> str:
    """Describe a header that lacks columns, with the nearest names it has; empty when nothing is missing."""
    from difflib import get_close_matches

    missing = sorted(required - set(found))
    if not missing:
        return ""
    spare = [name for name in found if name not in required]
    words = []
    for name in missing:
        near = get_close_matches(name, spare, n=1, cutoff=NEAREST)
        words.append(f"{name} (is '{near[0]}' meant?)" if near else name)
    return f"wrong header: missing {', '.join(words)}; found {', '.join(found) or 'nothing'}"
