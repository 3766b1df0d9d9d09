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
EXPORTS = "_exports"


@dataclass(frozen=True)
class Workspace:
    """The folders a run knows: input, lake, and files made of the lake's tables (default: a hidden folder of the lake).

    `now` fixes the time of planning (tests; default: the clock).
    """

    raw: StorageLocation
    lake: StorageLocation
    now: datetime | None = None
    exports: StorageLocation | None = None

    @property
    def files(self) -> StorageLocation:
        """Where exports go."""
        return self.exports or self.lake.below(EXPORTS)


def open_workspace(settings: Settings, request: RunRequest | None = None) -> Workspace:
    """Open the folders of the settings; a run on a sample works in a lake of its own below the real one."""
    raw = StorageLocation(settings.path(settings.raw), settings.s3)
    lake = StorageLocation(settings.path(settings.lake), settings.s3)
    if request is not None and request.sample is not None:
        return Workspace(raw, lake.below(SAMPLE))
    return Workspace(raw, lake, exports=StorageLocation(settings.path(settings.exports), settings.s3))
