"""The form of a ledger: which one it has, and how it is brought to the one this Sluice knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, text
from sqlalchemy.exc import NoSuchTableError, OperationalError, ProgrammingError

from framework.errors import ConfigurationError
from framework.ledger.chain import append
from framework.ledger.tables import audit_refusals, metadata, version

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

HEAD = "0002"
"""The form this Sluice knows: the last script in `migrations/versions`."""
REVISION_TABLE = "sluice_alembic_version"
"""Not alembic's own name: the database may be shared with an application that uses alembic too."""
_LOCK = 0x51_1C_E0
"""Key of the PostgreSQL advisory lock under which tables are made."""


def prepare(engine: Engine) -> None:
    """Bring a ledger to the present form; one that has it costs one short query, and alembic is not imported.

    Raises:
        ConfigurationError: when a newer Sluice wrote this ledger.
    """
    try:
        with engine.connect() as connection:
            found = _revision(connection)
    except (OperationalError, ProgrammingError, NoSuchTableError):
        found = ""  # no tables yet, or nobody there: the next says which
    if found == HEAD:
        return
    with engine.begin() as connection:
        _upgrade(connection)


def _revision(connection: Connection) -> str:
    return connection.scalar(text(f"SELECT version_num FROM {REVISION_TABLE}")) or ""  # noqa: S608 - our own name


def _upgrade(connection: Connection) -> None:
    """Migrate; the lock keeps two first users apart (SQLite's transactions do that by themselves)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    names = connection.dialect.get_table_names(connection)
    found = _revision(connection) if REVISION_TABLE in names else ""
    if found == HEAD:  # somebody was first
        return
    if found > HEAD:
        known = f"this Sluice knows {int(HEAD)}: upgrade Sluice, or set SLUICE_LEDGER"
        raise ConfigurationError(f"the ledger has version {int(found)}, {known}")
    before = found or ("0001" if "sluice_runs" in names else "")
    if not before:
        _create(connection)
        append(connection, "ledger.created", "ledger", {"after": int(HEAD)})
        return
    from framework.ledger.migrations import upgrade

    upgrade(connection, found, version_table=REVISION_TABLE)
    append(connection, "ledger.migrated", "ledger", {"before": int(before), "after": int(HEAD)})


def _create(connection: Connection) -> None:
    """Make a new ledger in the present form at once: importing alembic takes longer than most first runs."""
    metadata.create_all(connection)
    for statement in audit_refusals(connection.dialect.name):
        connection.execute(text(statement))
    connection.execute(insert(version), [{"version": number + 1} for number in range(int(HEAD))])
    key = f"CONSTRAINT {REVISION_TABLE}_pkc PRIMARY KEY (version_num)"  # as alembic would make it
    connection.execute(text(f"CREATE TABLE {REVISION_TABLE} (version_num VARCHAR(32) NOT NULL, {key})"))
    connection.execute(text(f"INSERT INTO {REVISION_TABLE} VALUES (:head)"), {"head": HEAD})  # noqa: S608
