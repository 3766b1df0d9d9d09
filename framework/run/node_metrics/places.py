"""Names for the files that a plan reads: the source they belong to, or the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.plan import FilesInput, TableInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.plan import RunPlan
    from framework.run.workspace import Workspace


def source_names(plan: RunPlan, space: Workspace) -> Callable[[str], str]:
    """Give a way to tell which source of a plan a file belongs to; a file of none is called by its own name.

    The empty path is that of rows which our own readers hand over: they are those of the one source of files, if it is
    one.
    """
    files = {
        space.raw.uri(file.path): name
        for name, given in plan.inputs.items()
        if isinstance(given, FilesInput)
        for file in given.files
    }
    tables = {
        f"{space.lake.uri(given.table)}/": name for name, given in plan.inputs.items() if isinstance(given, TableInput)
    }

    readers = {name for name, given in plan.inputs.items() if isinstance(given, FilesInput) and given.files}

    def place(path: str) -> str:
        if not path:
            return next(iter(readers)) if len(readers) == 1 else ""
        plain = path.removeprefix("file://")
        if plain in files:
            return files[plain]
        return next((name for start, name in tables.items() if plain.startswith(start)), plain.rpartition("/")[2])

    return place
