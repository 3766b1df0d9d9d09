"""Which quarantine a command is about, by the name that was given, and what its definitions say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.options import settings
from framework.cli.output import hint
from framework.errors import AuthorError, ConfigurationError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from framework.definition import Pipeline
    from framework.lake.quarantine import Selection
    from framework.run.quarantine.rows import Desk
    from framework.storage import StorageLocation


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """The flags that say which rows a command is about; without any, all that it can be about."""

    source: Annotated[str | None, Parameter(help="Only rows of this source.")] = None
    reason: Annotated[str | None, Parameter(help="Only rows one of whose reasons contains this text.")] = None
    state: Annotated[
        str | None,
        Parameter(
            help="Only rows in this state: `open`, `waiting`, `mended`, `queued`, `released`, `superseded` or"
            " `discarded` (without it, in all that the command can be about)."
        ),
    ] = None
    failure: Annotated[
        str | None,
        Parameter(help="Only rows that this stopped: `cast`, `rule`, `reference`, `parse`, `udf` or `file`."),
    ] = None
    row: Annotated[tuple[str, ...], Parameter(negative="", help="Only the row of this id; can be repeated.")] = ()

    def selection(self, file: Path | None = None) -> Selection:
        """The rows that are meant; `file`: an exported one that names more of them.

        Raises:
            ConfigurationError: when a state or a kind of failure is unknown, or the file of ids cannot be read.
            SelectionError: when the file names no row.
        """
        from framework.lake.quarantine import FAILURES, STATES, Selection

        for flag, value, known in (("state", self.state, STATES), ("failure", self.failure, FAILURES)):
            if value is not None and value not in known:
                raise ConfigurationError(f"--{flag} {value}: {did_you_mean(value, known)}")
        ids = (*self.row, *(_ids_in(file) if file is not None else ()))
        return Selection(self.source, self.reason, (self.state,) if self.state else (), self.failure, ids=ids)


EVERY = Which()


def _ids_in(file: Path) -> list[str]:
    from framework.run.quarantine.files import read_corrections

    found = [correction.row for correction in read_corrections(file)]
    if not found:
        raise SelectionError(f"{file} names no row")
    return found


def lake() -> StorageLocation:
    """The lake of the project."""
    from framework.run.workspace import open_workspace

    return open_workspace(settings()).lake


def held(name: str | None) -> list[str]:
    """The pipelines with a quarantine that a name stands for.

    Raises:
        SelectionError: when it is the name of none, and of no pipeline of the project either.
    """
    from framework.definition.load import load_pipelines
    from framework.definition.selection import select
    from framework.lake.quarantine import pipelines

    found = pipelines(lake())
    if name is None:
        return found
    matching = [p for p in found if p == name or p.startswith(f"{name}.")]
    if matching:
        return matching
    defined = load_pipelines(settings())
    if not any(p == name or p.startswith(f"{name}.") for p in defined):
        raise SelectionError(
            f"no pipeline is called '{name}'; {did_you_mean(name, {*defined, *found}) or 'there are none'}"
        )
    return [p.name for p in select(defined, [name]) if p.name in found]


def one(name: str) -> str:
    """The one pipeline that a name stands for.

    Raises:
        SelectionError: when it stands for several.
    """
    found = held(name)
    if len(found) > 1:
        raise SelectionError(f"'{name}' is several pipelines, name one of them: {', '.join(found)}")
    return found[0] if found else name


def desk(name: str, *, is_changed: bool) -> Desk:
    """The quarantine of a pipeline with what its definitions say of it.

    Broken definitions must not stand between people and their data: then all values are masked. Rows that are to be
    changed need them.

    Raises:
        AuthorError: when rows are to be changed and the definitions cannot be read.
    """
    from framework.definition.load import load_pipelines
    from framework.run.quarantine.masking import schemas_of
    from framework.run.quarantine.rows import Desk
    from framework.run.workspace import open_workspace

    name_of = one(name)
    pipeline: Pipeline | None = None
    try:
        pipeline = load_pipelines(settings()).get(name_of)
    except (AuthorError, ConfigurationError) as error:
        if is_changed:
            raise
        hint(f"all values are masked, as the definitions cannot be read; --reveal shows them: {error}")
    return Desk(name_of, open_workspace(settings()), pipeline, schemas_of(pipeline))
