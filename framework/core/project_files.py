"""Files of a project by their path from its folder, found like its modules: along the path of imports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import DefinitionError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


def read_file(path: str | Path, endings: Sequence[str], what: str) -> tuple[Path, bytes]:
    """Find and read a file of the project whose name has one of some endings; `what` says of what it is a file.

    Raises:
        DefinitionError: when it is none such, is not there, or cannot be read.
    """
    file = Path(path).as_posix()
    if Path(path).suffix not in endings:
        raise DefinitionError([Problem(file, f"is no file of {what}", f"one that ends in {', '.join(endings)}")])
    found = find_file(path)
    try:
        return found, found.read_bytes()
    except OSError as error:
        raise DefinitionError([Problem(file, f"cannot be read: {error.strerror or error}")]) from error


def find_file(path: str | Path) -> Path:
    """Find a file of the project.

    A relative path begins at the project's folder, which loading its pipelines puts first on the path of imports; the
    current folder comes last. So a file is found wherever the modules beside it can be imported.

    Raises:
        DefinitionError: when there is none; suggests the nearest of its folder.
    """
    wanted = Path(path)
    folders = list(dict.fromkeys(Path(folder).absolute() for folder in [*sys.path, "."]))
    found = next((folder / wanted for folder in folders if (folder / wanted).is_file()), None)
    if found is not None:
        return found
    beside = next((folder / wanted.parent for folder in folders if (folder / wanted.parent).is_dir()), None)
    names = [(wanted.parent / one.name).as_posix() for one in beside.iterdir() if one.is_file()] if beside else []
    near = [name for name in names if Path(name).suffix == wanted.suffix]
    fix = did_you_mean(wanted.as_posix(), near) or "give its path from the project's folder, such as schemas/sale.yaml"
    raise DefinitionError([Problem(wanted.as_posix(), "there is no such file", fix)])
