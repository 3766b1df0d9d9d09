"""Profiles of frames, as a watch sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.quality import Look, Profile, Watch, profile

if TYPE_CHECKING:
    import polars as pl


def profiled(frame: pl.DataFrame, look: Look, *, batch: int = 0, **options: Any) -> Profile:
    """Profile a frame that is shown in batches, or as one."""
    watch = Watch(frame.schema, **options)
    for first in range(0, frame.height, batch or max(frame.height, 1)):
        watch.see(frame.slice(first, batch or None))
    return profile(watch, look)
