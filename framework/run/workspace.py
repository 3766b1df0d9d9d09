"""Where a run works: the raw folder and the lake, opened from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.storage import StorageLocation

if TYPE_CHECKING:
    from datetime import datetime

    from framework.run.request import RunRequest
    from framework.settings import Settings

SAMPLE = "_sample"


@dataclass(frozen=True)
class Workspace:
    """The two folders a run knows. `now` fixes the time of planning (tests; default: the clock)."""

    raw: StorageLocation
    lake: StorageLocation
    now: datetime | None = None


def open_workspace(settings: Settings, request: RunRequest | None = None) -> Workspace:
    """Open the folders of the settings; a run on a sample works in a lake of its own below the real one."""
    lake = StorageLocation(settings.path(settings.lake), settings.s3)
    if request is not None and request.sample is not None:
        lake = lake.below(SAMPLE)
    return Workspace(StorageLocation(settings.path(settings.raw), settings.s3), lake)
