"""A ledger of each kind: a SQLite file, and a schema of its own on PostgreSQL."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from framework.ledger.engine import connect
from framework.ledger.runs import open_ledger

POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path, require_service):
    """An empty ledger of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/deep/ledger.db"
        return
    pytest.importorskip("psycopg")
    url = require_service("PostgreSQL", "SLUICE_TEST_POSTGRES_URL", POSTGRES)
    schema = f"sluice_{uuid.uuid4().hex[:12]}"
    server = connect(url)
    with server.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
    with server.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


@pytest.fixture
def ledger(address):
    return open_ledger(address)
