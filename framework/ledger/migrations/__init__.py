"""The way of a ledger from any earlier form to the present one, by alembic: a script per form in `versions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCRIPTS = Path(__file__).parent


def scripts() -> ScriptDirectory:
    """The migration scripts of this package.

    >>> scripts().get_current_head()
    '0002'
    """
    return ScriptDirectory(SCRIPTS)


def upgrade(connection: Connection, revision: str, *, version_table: str, to: str = "head") -> None:
    """Bring a ledger from a revision to a later one, in the transaction of its connection.

    NOTE: without `env.py`, which alembic would run as a file of its own: what it configures is said here.
    """
    directory = scripts()

    def steps(_heads: object, _context: object) -> object:
        return directory._upgrade_revs(to, revision or "base")  # noqa: SLF001 - what alembic's own `upgrade` calls

    with EnvironmentContext(Config(), directory, fn=steps, destination_rev=to) as environment:
        environment.configure(connection=connection, version_table=version_table, render_as_batch=True)
        environment.run_migrations()
