"""The ledger's tables, the same on SQLite and PostgreSQL, and their version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
    text,
)
from sqlalchemy.exc import NoSuchTableError, OperationalError, ProgrammingError

from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LEDGER_VERSION = 1
_LOCK = 0x51_1C_E0
"""Key of the PostgreSQL advisory lock under which tables are created."""

metadata = MetaData()

runs = Table(
    "sluice_runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("invocation_id", String(64), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("seq", Integer),
    Column("mode", String(20)),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("duration_s", Float),
    Column("attempts", Integer),
    Column("failure_kind", String(40)),
    Column("failure_error", String(200)),
    Column("failure_message", Text),
    Column("peak_memory_mb", Float),
    Column("report", JSON),
    Column("owner_host", String(255)),
    Column("owner_pid", Integer),
    Column("owner_start", String(100)),
    Index("sluice_runs_by_start", "started_at"),
    Index("sluice_runs_by_pipeline", "pipeline", "started_at"),
    Index("sluice_runs_by_state", "state"),
)
"""One row per run; `owner_*` is the supervisor that keeps it going."""

version = Table("sluice_ledger", metadata, Column("version", Integer, primary_key=True))


def prepare(engine: Engine) -> None:
    """Create what is missing and check the version.

    Raises:
        ConfigurationError: when a newer Sluice wrote this ledger.
    """
    try:
        with engine.connect() as connection:
            found = _version(connection)
    except (
        OperationalError,
        ProgrammingError,
        NoSuchTableError,
    ):  # no tables yet, or nobody there: the next says which
        found = None
    if found is None:
        with engine.begin() as connection:
            _create(connection)
            found = _version(connection)
    if found is not None and found > LEDGER_VERSION:
        raise ConfigurationError(
            f"the ledger has version {found}, this Sluice knows {LEDGER_VERSION}: upgrade Sluice, or set SLUICE_LEDGER"
        )


def _version(connection: Connection) -> int | None:
    return connection.scalar(select(version.c.version).order_by(version.c.version.desc()).limit(1))


def _create(connection: Connection) -> None:
    """Create the tables; the lock keeps two first users apart (SQLite's transactions do that by themselves)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    metadata.create_all(connection)
    if _version(connection) is None:
        connection.execute(insert(version).values(version=LEDGER_VERSION))
