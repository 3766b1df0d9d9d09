"""A table as it was at a version, in another place: its log up to there, and the data files that readers of it need.

On local disk the files are linked, as nobody ever writes a data file twice; in an object store its own copy is used.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import StorageError
from framework.lake.delta import open_table
from framework.lake.tables import LOG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framework.lake.delta import TableHandle
    from framework.storage import StorageLocation

DIGITS = 20
"""Of a version in the names of the log's files."""


def copy_table(
    lake: StorageLocation, target: StorageLocation, name: str, version: int, *, also: Iterable[int] = ()
) -> None:
    """Copy a table as it was at a version; `also`: earlier versions of it that can be read there as well.

    Raises:
        StorageError: when one of the versions cannot be opened any more, or a file of it is gone.
    """
    paths: set[str] = set()
    for wanted in sorted({version, *also}):
        handle = _open(lake, name, wanted)
        paths |= {file.path for file in handle.files()}
    logged = [info.path for info in lake.files(f"{name}/{LOG}/*")]
    kept = [path for path in logged if (number := _version(path)) is not None and number <= version]
    for path in [*kept, *(f"{name}/{path}" for path in sorted(paths))]:
        copy_file(lake, target, path)


def _open(lake: StorageLocation, name: str, version: int) -> TableHandle:
    try:
        handle = open_table(lake, name, version)
    except Exception as error:  # deltalake raises plain Exception for a version that is not there any more
        raise StorageError(f"table '{name}' at version {version} cannot be opened any more: {error}") from error
    if handle is None:
        raise StorageError(f"table '{name}' at version {version} cannot be opened any more")
    return handle


def _version(path: str) -> int | None:
    number = path.rpartition("/")[2][:DIGITS]
    return int(number) if len(number) == DIGITS and number.isdigit() else None


def copy_file(source: StorageLocation, target: StorageLocation, path: str) -> None:
    """Copy a file to the same path of another place in the same storage.

    Raises:
        StorageError: when it is not there any more.
    """
    try:
        if not source.is_local:
            source.filesystem().copy(source.uri(path), target.uri(path))
            return
        to = Path(target.uri(path))
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.uri(path), to)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without links
            shutil.copyfile(source.uri(path), to)
    except OSError as error:
        raise StorageError(f"{source.uri(path)} cannot be copied: {error}") from error


def remove_all(place: StorageLocation) -> None:
    """Delete a folder with everything in it; one that is not there is fine."""
    if place.is_local:
        shutil.rmtree(place.uri(), ignore_errors=not Path(place.uri()).exists())
        return
    files = place.filesystem()
    if files.exists(place.uri()):
        files.rm(place.uri(), recursive=True)
