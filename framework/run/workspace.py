"""Where a run works: the raw folder and the lake, opened from the settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from framework.definition.load import load_pipelines
from framework.run.resilience.calls import Calls, calls_of
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from framework.definition import Pipeline
    from framework.run.request import RunRequest
    from framework.settings import Settings

SAMPLE = "_sample"
EXPORTS = "_exports"
CACHE = "_sluice/_cache"


@dataclass(frozen=True)
class Keep:
    """What is kept of the rows of checkpoints: for so many days, and so many MiB of them (None: no limit)."""

    days: float | None = None
    mb: int | None = None


DEFAULT_KEEP = Keep()


@dataclass(frozen=True)
class Workspace:
    """The folders a run knows: input, lake, and files made of the lake's tables (default: a hidden folder of the lake).

    `now` fixes the time of planning (tests; default: the clock). `memory_mb`: what a run may take (None: no limit).
    `cache`: where the rows of checkpoints are kept (default: a hidden folder of the lake); `keep`: what of them is
    (None: checkpoints are passed over). `nodes`: whether what each physical node of a plan does is counted. `pipelines`
    gives those of the project: a table that changes its schema may be a source of them. `calls`: how the calls to
    sources are made, and counted.
    """

    raw: StorageLocation
    lake: StorageLocation
    now: datetime | None = None
    exports: StorageLocation | None = None
    memory_mb: int | None = None
    cache: StorageLocation | None = None
    keep: Keep | None = DEFAULT_KEEP
    nodes: bool = True
    pipelines: Callable[[], Iterable[Pipeline]] = field(default=tuple, compare=False)
    calls: Calls = field(default_factory=Calls, compare=False)

    def of_a_run(self) -> Workspace:
        """The same place for one run, which counts its own calls."""
        return replace(self, calls=self.calls.of_a_run())

    @property
    def kept(self) -> StorageLocation:
        """Where the rows of checkpoints are kept."""
        return self.cache or self.lake.below(CACHE)

    @property
    def files(self) -> StorageLocation:
        """Where exports go."""
        return self.exports or self.lake.below(EXPORTS)


def open_workspace(settings: Settings, request: RunRequest | None = None) -> Workspace:
    """Open the folders of the settings; a run on a sample works in a lake of its own below the real one."""
    raw = StorageLocation(settings.path(settings.raw), settings.s3)
    lake = StorageLocation(settings.path(settings.lake), settings.s3)
    options: dict[str, Any] = {"memory_mb": settings.memory_mb, "pipelines": partial(_pipelines, settings)}
    options |= {"calls": calls_of(settings), "nodes": settings.nodes}
    if settings.cache:
        options["cache"] = StorageLocation(settings.path(settings.cache), settings.s3)
    is_kept = request is None or not request.no_cache
    options["keep"] = Keep(settings.cache_days, settings.cache_mb) if is_kept else None
    if request is not None and request.sample is not None:
        return Workspace(raw, lake.below(SAMPLE), **options)
    exports = StorageLocation(settings.path(settings.exports), settings.s3)
    return Workspace(raw, lake, exports=exports, **options)


def _pipelines(settings: Settings) -> Iterable[Pipeline]:
    return load_pipelines(settings).values()
