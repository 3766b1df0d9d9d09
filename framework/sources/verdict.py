"""The verdict on one file, given before its rows are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framework.core.frames import ABSENT, MALFORMED, PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from framework.core.plan import FileInput
    from framework.core.source import Expected

NEAREST = 0.5
RESERVED = {ABSENT, MALFORMED, "_surplus", "_text", *PROVENANCE}
GONE = "the file is gone since the run was planned"


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be read as what it should be, as a whole."""

    file: FileInput
    reason: str


@dataclass(frozen=True)
class Scanned:
    """What scanning a source's files gives: lazy raw rows with provenance, and the files refused as a whole.

    `renamed`: how many files call a column by an older name (older name, name).
    """

    parts: list[pl.LazyFrame]
    rejected: list[Rejected]
    extra_columns: frozenset[str] = frozenset()
    renamed: Mapping[tuple[str, str], int] = field(default_factory=dict)


def misplaced_columns(found: list[str], expected: Expected) -> str:
    """Describe columns that are not in the order of the schema, where it asks for one; empty when they are."""
    known = [name for name in found if name in expected.schema]
    declared = [name for name in expected.schema if name in known]
    if not expected.is_ordered or known == declared:
        return ""
    return f"wrong header: columns in the order {', '.join(known)}, must be {', '.join(declared)}"


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


def unusable_name(names: Iterable[str]) -> str:
    """Describe a column's name that no plan can use; empty when all can be used.

    >>> unusable_name(["id", "^a.*$"])
    "'^a.*$' is a name that Polars takes for a pattern"
    """
    for name in names:
        if name in RESERVED:
            return f"'{name}' is a name that Sluice itself uses"
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            return f"'{name}' is a name that Polars takes for a pattern"
        if "\0" in name:
            return "a name holds NUL bytes"
    return ""
