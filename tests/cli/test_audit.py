"""`sluice audit`: what commands and runs did is listed, and a trail that was touched is noticed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest


def listed(sluice, at, *flags):
    return json.loads(sluice("audit", "list", "--json", *flags, cwd=at).stdout)["entries"]


def test_what_was_done_to_the_quarantine_is_noted(sluice, ran):
    shown = sluice("quarantine", "show", "shop.orders", "--json", cwd=ran).stdout
    first, second = (row["id"] for row in json.loads(shown)["rows"])
    sluice("quarantine", "mend", "shop.orders", "--row", first, "--set", "quantity=2", cwd=ran)
    sluice("quarantine", "replay", "shop.orders", "--row", first, "--no-run", cwd=ran)
    sluice("quarantine", "discard", "shop.orders", "--row", second, cwd=ran)
    sluice("quarantine", "prune", "--older-than", "0h", "--decided", cwd=ran)
    found = listed(sluice, ran, "--action", "quarantine", "--subject", "shop")
    assert [(entry["action"], entry["subject"], entry["details"]["rows"]) for entry in found] == [
        ("quarantine.mended", "shop.orders", 1),
        ("quarantine.replayed", "shop.orders", 1),
        ("quarantine.discarded", "shop.orders", 1),
        ("quarantine.pruned", "shop.orders", 1),
    ]
    assert found[2]["details"]["ids"] == [second]


def test_what_changes_nothing_is_not_noted(sluice, ran):
    before = len(listed(sluice, ran))
    sluice("quarantine", "prune", "--older-than", "900d", cwd=ran)
    sluice("quality", "pin", "shop/orders", cwd=ran)
    assert len(listed(sluice, ran)) == before


def test_a_pin_is_noted_with_what_held_before(sluice, ran):
    pin = ("quality", "pin", "shop/orders", "rows", "--at-least")
    for low in ("1", "2"):
        assert sluice(*pin, low, cwd=ran).returncode == 0
    assert sluice("quality", "pin", "shop/orders", "rows", "--remove", cwd=ran).returncode == 0
    first, second, third = (entry["details"] for entry in listed(sluice, ran, "--action", "quality"))
    assert "before" not in first
    assert second["before"] == first["after"]
    said = sluice("audit", "list", "--action", "quality.pinned", "--limit", "1", cwd=ran).stdout.splitlines()[1]
    pinned = "low: {low}, {at}metric: rows, {at}severity: warn"
    assert said.endswith(f"after.{pinned.format(low=2.0, at='after.')}, before.{pinned.format(low=1.0, at='before.')}")
    assert (second["after"]["low"], third) == (2.0, {"before": second["after"]})


def test_runs_are_noted_and_listed_for_people(sluice, ran):
    done = sluice("audit", "list", "--action", "run.ended", "--subject", "shop.orders", cwd=ran)
    head, line = done.stdout.splitlines()
    assert head.split() == ["id", "at", "by", "action", "subject", "details"]
    assert "run.ended  shop.orders  after: SUCCESS, before: RUNNING, run_id: " in line
    assert line.endswith(", seq: 1")
    assert sluice("audit", "list", "--action", "nothing", cwd=ran).stdout == "no entries\n"


def test_a_whole_trail_gives_its_head_and_a_changed_one_says_where(sluice, ran):
    done = sluice("audit", "verify", cwd=ran)
    whole, head = done.stdout.splitlines()
    entries = len(listed(sluice, ran))
    assert (done.returncode, whole) == (0, f"the audit trail is whole: {entries} entries")
    assert done.stderr == "keep the head elsewhere; later: sluice audit verify --head HASH\n"
    known = head.removeprefix("head ")
    assert sluice("audit", "verify", "--head", known, cwd=ran).returncode == 0
    done = sluice("audit", "verify", "--head", "0123456789", cwd=ran)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "no entry has the hash 0123456789: the trail was cut off before it, or written anew\n"
    )
    with closing(sqlite3.connect(ran / "data/ledger.db")) as connection:
        connection.execute("DROP TRIGGER sluice_audit_no_update")
        connection.execute("UPDATE sluice_audit SET subject = 'shop.other' WHERE id = 2")
        connection.commit()
    done = sluice("audit", "verify", cwd=ran)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "entry 2 was changed: what it says does not have its hash"
    assert done.stderr == "error: the audit trail is not as it was written\n"
    document = json.loads(sluice("audit", "verify", "--json", cwd=ran).stdout)
    assert (document["entries"], document["head"], len(document["breaks"])) == (entries, known, 1)


@pytest.mark.parametrize(("head", "code"), [("", 0), ("0123456789", 1), ("012", 2)])
def test_without_a_ledger_there_is_nothing_to_verify(sluice, project, head, code):
    flags = ("--head", head) if head else ()
    done = sluice("audit", "verify", *flags, cwd=project)
    assert done.returncode == code
    assert not (project / "data/ledger.db").exists()


def test_an_act_that_cannot_be_noted_is_done_and_warned_of(sluice, ran):
    (ran / "data/ledger.db").unlink()
    (ran / "data/ledger.db").mkdir()
    done = sluice("quality", "pin", "shop/orders", "rows", "--at-least", "1", cwd=ran)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: the audit trail cannot be written, so it will not show 'quality.pinned': ")
    assert "rows" in sluice("quality", "pin", "shop/orders", cwd=ran).stdout
