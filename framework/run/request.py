"""What is asked of a run, apart from which pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RunRequest:
    """Options of one run: rebuild from scratch, run parameters, and the fraction of rows to sample (None: all).

    `no_cache`: the rows of checkpoints are neither looked for nor kept. `apart`: an earlier attempt died while it read,
    so each file of what it left unfinished is first read apart. `takes_up`: what an earlier run left unfinished is
    finished, even where a rebuild is asked for.
    """

    full: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    sample: float | None = None
    apart: bool = False
    takes_up: bool = False
    no_cache: bool = False
