"""The audit trail: whole as long as nobody touches it, and what was touched is named, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from framework.ledger.audit import entries, note, verify
from framework.ledger.chain import START, append
from framework.ledger.processes import actor

ROOT = Path(__file__).parents[2]


@pytest.fixture
def trail(ledger):
    """A ledger whose trail has five entries: that it was made, and four acts."""
    with ledger.engine.begin() as connection:
        append(connection, "quarantine.mended", "shop.orders", {"rows": 2})
        append(connection, "quality.pinned", "shop/orders", {"before": None, "after": {"low": 0.25}})
        append(connection, "run.ended", "shop.orders", {"before": "RUNNING", "after": "SUCCESS"})
        append(connection, "run.ended", "shopping.list", {"after": "FAILED"})
    return ledger


def tamper(ledger, *statements):
    """Write as somebody who gets around the triggers."""
    with ledger.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE sluice_audit DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER sluice_audit_no_update"))
            connection.execute(text("DROP TRIGGER sluice_audit_no_delete"))
        for statement in statements:
            connection.execute(text(statement))


def test_an_entry_says_who_did_what_to_what_and_follows_the_one_before(trail):
    made, mended, *_ = entries(trail)
    assert (made.id, made.action, made.previous, json.loads(made.details)) == (1, "ledger.created", START, {"after": 2})
    assert (mended.id, mended.actor, mended.action, mended.subject) == (2, actor(), "quarantine.mended", "shop.orders")
    assert (mended.details, mended.previous) == ('{"rows":2}', made.hash)
    assert verify(trail).breaks == ()
    assert verify(trail).entries == 5
    assert verify(trail).head == entries(trail)[-1].hash


def test_entries_are_found_by_subject_and_action_and_what_begins_with_them(trail):
    def found(**wanted):
        return [entry.id for entry in entries(trail, **wanted)]

    assert found(subject="shop") == found(subject="shop.orders") == [2, 4]
    assert found(action="run") == found(action="run.ended") == [4, 5]
    assert found(subject="shopping", action="run") == [5]
    assert found(limit=2) == [4, 5]


@pytest.mark.parametrize("act", ["UPDATE sluice_audit SET actor = 'me'", "DELETE FROM sluice_audit WHERE id = 3"])
def test_the_database_refuses_changes(trail, act):
    with pytest.raises(DBAPIError, match="the audit trail is append-only"), trail.engine.begin() as connection:
        connection.execute(text(act))
    assert verify(trail).breaks == ()


def test_the_database_refuses_to_empty_it(trail):
    is_postgres = trail.engine.dialect.name == "postgresql"
    with pytest.raises(DBAPIError, match="the audit trail is append-only"), trail.engine.begin() as connection:
        connection.execute(text("TRUNCATE sluice_audit" if is_postgres else "DELETE FROM sluice_audit"))


@pytest.mark.parametrize(
    ("statements", "breaks"),
    [
        (
            ["UPDATE sluice_audit SET actor = 'x' WHERE id = 3"],
            ["entry 3 was changed: what it says does not have its hash"],
        ),
        (
            ["UPDATE sluice_audit SET details = '{}' WHERE id = 2"],
            ["entry 2 was changed: what it says does not have its hash"],
        ),
        (["DELETE FROM sluice_audit WHERE id = 3"], ["entry 3 is missing"]),
        (["DELETE FROM sluice_audit WHERE id IN (1, 2)"], ["entries 1 to 2 are missing"]),
    ],
)
def test_what_was_changed_or_removed_is_named(trail, statements, breaks):
    tamper(trail, *statements)
    assert list(verify(trail).breaks) == breaks


def test_entries_that_changed_places_are_named(trail):
    tamper(trail, *(f"UPDATE sluice_audit SET id = {to} WHERE id = {at}" for at, to in ((2, 9), (3, 2), (9, 3))))
    breaks = verify(trail).breaks
    assert [line.partition(":")[0] for line in breaks] == [
        "entry 2 does not follow the one before it",
        "entry 2 was changed",
        "entry 3 does not follow the one before it",
        "entry 3 was changed",
        "entry 4 does not follow the one before it",
    ]


def test_an_end_that_was_cut_off_is_noticed_by_whoever_knows_the_head(trail):
    head = verify(trail).head
    assert verify(trail, head=head[:12]).breaks == ()
    tamper(trail, "DELETE FROM sluice_audit WHERE id = 5")
    assert verify(trail).breaks == ()
    assert verify(trail, head=head).breaks == (
        f"no entry has the hash {head}: the trail was cut off before it, or written anew",
    )


APPENDER = """
import sys
from framework.ledger.audit import note
sys.stdin.readline()
for number in range(15):
    note(sys.argv[1], "test.noted", f"process {sys.argv[2]}", {"number": number}, warn=sys.exit)
"""


def test_processes_that_append_at_once_make_one_chain(ledger, address):
    pipe = subprocess.PIPE
    call = [sys.executable, "-c", APPENDER, address]
    writers = [
        subprocess.Popen([*call, str(n)], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for n in range(3)
    ]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.communicate(timeout=120)[1] for writer in writers] == ["", "", ""]
    assert verify(ledger).breaks == ()
    noted = entries(ledger, action="test")
    assert len(noted) == 45
    assert [entry.id for entry in noted] == list(range(2, 47))


def test_a_trail_that_cannot_be_written_warns_and_no_more(tmp_path):
    (tmp_path / "file").touch()
    said = []
    note(f"sqlite:///{tmp_path}/file/ledger.db", "quality.pinned", "shop/orders", warn=said.append)
    assert len(said) == 1
    assert said[0].startswith("the audit trail cannot be written, so it will not show 'quality.pinned': ")


def test_odd_texts_are_kept_as_far_as_databases_can(ledger):
    with ledger.engine.begin() as connection:
        append(connection, "test.noted", "null\0 and half \udcff" + "x" * 400, {"odd": "\0 \udcff ü", "at": ROOT})
    kept = entries(ledger)[-1]
    assert (kept.subject[:20], len(kept.subject)) == (r"null and half \udcff", 300)
    assert json.loads(kept.details) == {"odd": "\0 \udcff ü", "at": str(ROOT)}
    assert verify(ledger).breaks == ()
