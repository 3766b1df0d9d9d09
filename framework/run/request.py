"""What is asked of a run, apart from which pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RunRequest:
    """Options of one run: rebuild from scratch, run parameters, and the fraction of rows to sample (None: all)."""

    full: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    sample: float | None = None
