"""Every ledger is brought to the present form and keeps what it holds, on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from framework.errors import ConfigurationError
from framework.ledger.engine import connect
from framework.ledger.form import HEAD, REVISION_TABLE
from framework.ledger.migrations import scripts, upgrade
from framework.ledger.runs import get, open_existing, open_ledger
from framework.ledger.tables import metadata

pytestmark = pytest.mark.drawn(2)

ROOT = Path(__file__).parents[2]
# As the first Sluice wrote it, by hand and without migrations.
VERSION_1 = [
    """CREATE TABLE sluice_runs (
        run_id VARCHAR(64) NOT NULL PRIMARY KEY, invocation_id VARCHAR(64) NOT NULL, pipeline VARCHAR(200) NOT NULL,
        seq INTEGER, mode VARCHAR(20), state VARCHAR(20) NOT NULL, reason TEXT, started_at {moment} NOT NULL,
        finished_at {moment}, duration_s FLOAT, attempts INTEGER, failure_kind VARCHAR(40),
        failure_error VARCHAR(200), failure_message TEXT, peak_memory_mb FLOAT, report JSON,
        owner_host VARCHAR(255), owner_pid INTEGER, owner_start VARCHAR(100))""",
    "CREATE INDEX sluice_runs_by_start ON sluice_runs (started_at)",
    "CREATE INDEX sluice_runs_by_pipeline ON sluice_runs (pipeline, started_at)",
    "CREATE INDEX sluice_runs_by_state ON sluice_runs (state)",
    "CREATE TABLE sluice_ledger (version INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO sluice_ledger VALUES (1)",
    """INSERT INTO sluice_runs (run_id, invocation_id, pipeline, seq, state, started_at, report)
       VALUES ('ab12cd', 'inv-1', 'shop.orders', 3, 'SUCCESS', '2026-11-20 08:15:00.000000', '{{"rows": 7}}')""",
]


def make_version_1(address):
    engine = connect(address)
    moment = "TIMESTAMP WITH TIME ZONE" if engine.dialect.name == "postgresql" else "DATETIME"
    with engine.begin() as connection:
        for statement in VERSION_1:
            connection.execute(
                text(statement.format(moment=moment).replace(":15:00", r"\:15\:00").replace('": 7', r'"\: 7'))
            )


def differences(ledger):
    with ledger.engine.connect() as connection:
        options = {"version_table": REVISION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_a_new_ledger_has_the_tables_that_the_code_speaks_of(ledger):
    assert differences(ledger) == []


def shape(address):
    """What a database says of its own form: the statements that made it, or columns, indexes and triggers."""
    engine = connect(address)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            names = "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
            return sorted(map(tuple, connection.execute(text(names))))
        triggers = "SELECT trigger_name, event_manipulation FROM information_schema.triggers"
        indexes = "SELECT tablename, indexname FROM pg_indexes WHERE tablename LIKE 'sluice%'"
        return sorted(tuple(row) for query in (triggers, indexes) for row in connection.execute(text(query)))


def test_a_new_ledger_has_the_form_that_migrations_lead_to(address):
    open_ledger(address)
    made = shape(address)
    assert any("sluice_audit_no_update" in row for row in made)
    with connect(address).begin() as connection:
        for table in [*metadata.tables, REVISION_TABLE]:
            connection.execute(text(f"DROP TABLE {table}"))
        upgrade(connection, "", version_table=REVISION_TABLE)
    assert shape(address) == made


def test_the_form_that_the_code_knows_is_that_of_the_last_script():
    assert scripts().get_heads() == [HEAD]


def test_a_ledger_of_version_1_is_migrated_in_place_and_keeps_its_rows(address):
    make_version_1(address)
    ledger = open_ledger(address)
    assert differences(ledger) == []
    row = get(ledger, "ab12cd")
    assert (row["pipeline"], row["seq"], row["report"]) == ("shop.orders", 3, {"rows": 7})
    assert open_existing(address) is not None


def test_a_sluice_without_migrations_refuses_a_migrated_ledger(ledger):
    with ledger.engine.connect() as connection:
        assert connection.scalar(text("SELECT max(version) FROM sluice_ledger")) == 2


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(ledger, address):
    with ledger.engine.begin() as connection:
        connection.execute(text(f"UPDATE {REVISION_TABLE} SET version_num = '0099'"))
    with pytest.raises(ConfigurationError) as caught:
        open_ledger(address)
    assert str(caught.value) == ("the ledger has version 99, this Sluice knows 2: upgrade Sluice, or set SLUICE_LEDGER")
    with ledger.engine.connect() as connection:
        assert connection.scalar(text(f"SELECT version_num FROM {REVISION_TABLE}")) == "0099"


OPENER = """
import sys
from framework.ledger.runs import open_ledger
sys.stdin.readline()
open_ledger(sys.argv[1])
print("alembic" in sys.modules)
"""


def open_in_processes(address, count):
    pipe = subprocess.PIPE
    call = [sys.executable, "-c", OPENER, address]
    openers = [subprocess.Popen(call, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(count)]
    for opener in openers:
        opener.stdin.write("go\n")
        opener.stdin.flush()
    said = [opener.communicate(timeout=120) for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * count, said
    return [out.strip() for out, _ in said]


@pytest.mark.parametrize("is_there", [False, True])
def test_first_users_at_once_do_not_collide(address, is_there):
    if is_there:
        make_version_1(address)
    assert ("True" in open_in_processes(address, 4)) is is_there  # whether alembic was imported
    ledger = open_ledger(address)
    assert differences(ledger) == []
    with ledger.engine.connect() as connection:
        versions = connection.execute(text("SELECT version FROM sluice_ledger ORDER BY version")).scalars().all()
        assert versions == [1, 2]
        assert REVISION_TABLE in inspect(connection).get_table_names()


def test_a_ledger_in_the_present_form_is_opened_without_alembic(ledger, address):
    assert open_in_processes(address, 1) == ["False"]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(address):
    make_version_1(address)
    engine = connect(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE sluice_breakers (oddity INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        open_ledger(address)
    with engine.begin() as connection:
        assert REVISION_TABLE not in inspect(connection).get_table_names()
        connection.execute(text("DROP TABLE sluice_breakers"))
    assert get(open_ledger(address), "ab12cd")["state"] == "SUCCESS"
