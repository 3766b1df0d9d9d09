"""Exports: files that a pipeline makes of its tables, for programs that read no Delta tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layout = Literal["records", "document", "lines"]
LAYOUTS: tuple[Layout, ...] = ("records", "document", "lines")


@dataclass(frozen=True)
class Export:
    """A JSON file that shows what the table of a step holds after each run."""

    path: str
    of: str
    layout: Layout = "records"
    order_by: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
