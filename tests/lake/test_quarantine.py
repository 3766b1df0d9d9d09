"""The quarantine table itself: tables of earlier days, changes of two people at once, what is kept and for how long."""

import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from importlib import import_module

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import CommitError, ConfigurationError
from framework.lake import open_or_create, open_table, publish, quarantine
from framework.lake.merge import Staged
from framework.lake.quarantine import SCHEMA, Selection, change, co_occurrence, entry_of, prune, rows, rows_at, with_id
from framework.lake.stage import StagingArea
from framework.storage import StorageLocation

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
OLD = pl.Schema(
    {
        "source": pl.String(),
        "file": pl.String(),
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64(),
        "reasons": pl.List(pl.String()),
        "raw": pl.String(),
        "run_id": pl.String(),
        "seq": pl.Int64(),
        "quarantined_at": pl.Datetime("us", "UTC"),
        "state": pl.String(),
    }
)
"""The columns of the first quarantine tables."""


def row(line, state="open", **more):
    return {
        "source": "sales",
        "file": "a.csv",
        "file_time": NOW,
        "line": line,
        "reasons": ["quantity: must be > 0"],
        "raw": '{"quantity":"0"}',
        "run_id": "r1",
        "seq": 1,
        "quarantined_at": NOW,
        "state": state,
        **more,
    }


def fill(lake, *held, schema=SCHEMA):
    """Publish rows as the first sequence of the pipeline `p`."""
    handle = open_or_create(lake, "_quarantine/p", schema, ("state",), "p")
    area = StagingArea(handle.location, schema, ("state",))
    area.add(pl.DataFrame(list(held), schema=schema))
    staged = Staged(handle, area.files())
    return publish(staged, pipeline="p", seq=1, metadata={}, rebase=lambda found: Staged(found, area.files()))


@pytest.fixture
def lake(tmp_path):
    return StorageLocation(str(tmp_path))


def held(lake, **selection):
    return rows(lake, "p", Selection(**selection))


def move(lake, seen, state, by="ann", at=NOW):
    """What every command does: rows as they were seen, in another state."""
    after = seen.with_columns(
        pl.concat_list("trail", pl.lit(entry_of(state, by=by, at=at))).alias("trail"),
        pl.lit(by).alias("changed_by"),
        pl.lit(at).cast(SCHEMA["changed_at"]).alias("changed_at"),
        pl.lit(state).alias("state"),
    )
    return change(lake, "p", seen.select(SCHEMA.names()), after.select(SCHEMA.names()), did=state)


def test_a_table_of_earlier_days_is_read_as_it_is(lake):
    fill(lake, row(2), row(3, "waiting"), row(None, reasons=["file: no CSV"], raw=None), schema=OLD)
    found = held(lake)
    assert found.select("line", "state", "failure", "attempts", "mended").rows() == [
        (None, "open", "file", 0, None),
        (2, "open", None, 0, None),
        (3, "waiting", "reference", 0, None),
    ]
    assert found["trail"].to_list() == [[], [], []]
    assert open_table(lake, "_quarantine/p").version == 1


def test_a_line_of_earlier_days_that_could_not_be_split_is_known_by_its_reason(lake):
    malformed = row(2, reasons=["the line has 5 fields, the header 4"], raw='{"quantity":"1","_surplus":"x"}')
    whole = row(4, reasons=["quantity: must be > 0", "must be unique"])
    fill(lake, malformed, row(3), whole, schema=OLD)
    assert held(lake).select("line", "failure").rows() == [(2, "parse"), (3, None), (4, None)]


def test_a_table_of_earlier_days_is_widened_by_the_first_change(lake):
    fill(lake, row(2), row(3), schema=OLD)
    before = {f.path for f in open_table(lake, "_quarantine/p").files()}
    moved = move(lake, held(lake).filter(pl.col("line") == 2), "mended")
    handle = open_table(lake, "_quarantine/p")
    assert (moved.rows, moved.version, handle.version) == (1, 3, 3)
    assert set(handle.schema) == set(SCHEMA)
    assert not before & {f.path for f in handle.files()}
    assert held(lake).select("line", "state").rows() == [(2, "mended"), (3, "open")]
    assert sorted(pl.read_delta(lake.uri("_quarantine/p"))["state"]) == ["mended", "open"]


def test_two_that_widen_a_table_at_once_both_go_on(lake):
    fill(lake, row(2), schema=OLD)
    handles, go = [], threading.Barrier(2)

    def open_it():
        go.wait()
        handles.append(quarantine.open_quarantine(lake, "p"))

    threads = [threading.Thread(target=open_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(h.schema) for h in handles] == [set(SCHEMA)] * 2


def test_who_changes_a_row_second_is_told_who_was_first(lake):
    fill(lake, row(2), row(3))
    seen = held(lake)
    move(lake, seen.head(1), "mended", by="bob")
    with pytest.raises(ConfigurationError) as caught:
        move(lake, seen, "discarded", by="ann")
    row_id = seen["id"][0]
    assert str(caught.value) == (
        "1 row changed while this was under way, so nothing was done; look at them and try again:\n"
        f"  - row {row_id} (a.csv:2): it was mended by bob at 2026-03-01 10:00 UTC"
    )
    assert sorted(held(lake)["state"]) == ["mended", "open"]


def between(monkeypatch, act):
    changes = import_module("framework.lake.quarantine.changes")
    todo = [act]

    def passing(point):
        if point == "commit.before" and todo:
            todo.pop()()

    monkeypatch.setattr(changes, "fault", passing)


def test_a_change_that_meets_another_of_the_same_row_at_the_commit_is_refused(lake, monkeypatch):
    fill(lake, row(2), row(3))
    seen = held(lake)
    between(monkeypatch, lambda: move(lake, seen.head(1), "discarded", by="bob"))
    with pytest.raises(ConfigurationError, match="it was discarded by bob"):
        move(lake, seen.head(1), "mended", by="ann")
    assert held(lake).select("line", "state", "changed_by").rows() == [(2, "discarded", "bob"), (3, "open", None)]


def test_a_change_that_meets_one_of_another_row_at_the_commit_is_made_after_it(lake, monkeypatch):
    fill(lake, row(2), row(3))
    seen = held(lake)
    between(monkeypatch, lambda: move(lake, seen.tail(1), "discarded", by="bob"))
    assert move(lake, seen.head(1), "mended", by="ann").version == 3
    assert held(lake).select("line", "state", "changed_by").rows() == [(2, "mended", "ann"), (3, "discarded", "bob")]


def test_a_row_that_is_gone_meanwhile_is_named(lake):
    fill(lake, row(2), row(3, "released"))
    seen = held(lake)
    other = seen.with_columns(pl.lit(9, dtype=pl.Int64).alias("line"))
    with pytest.raises(ConfigurationError, match="it is no longer in the quarantine"):
        move(lake, other.head(1), "mended")
    with pytest.raises(ConfigurationError, match=r"\(a.csv:3\): it is released"):
        move(lake, seen.tail(1), "mended")


def test_a_change_whose_answer_was_lost_is_not_made_twice(lake, monkeypatch):
    fill(lake, row(2))
    commit = DeltaTable.create_write_transaction

    def lands_then_raises(self, *args, **options):
        commit(self, *args, **options)
        raise OSError("the answer to the commit was lost")

    seen = held(lake)
    monkeypatch.setattr(DeltaTable, "create_write_transaction", lands_then_raises)
    assert move(lake, seen, "mended").version == 2
    assert open_table(lake, "_quarantine/p").version == 2
    assert [json.loads(e)["did"] for e in held(lake)["trail"][0]] == ["mended"]


def test_a_change_whose_answer_was_lost_is_known_for_its_own_though_another_followed(lake, monkeypatch):
    fill(lake, row(2))
    commit = DeltaTable.create_write_transaction
    seen = held(lake)

    def lands_and_is_followed(self, *args, **options):
        monkeypatch.undo()
        commit(self, *args, **options)
        move(lake, held(lake), "discarded", by="bob")
        raise OSError("the answer to the commit was lost")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", lands_and_is_followed)
    assert move(lake, seen, "mended").version == 2
    assert held(lake)["state"].to_list() == ["discarded"]


def test_a_change_that_cannot_be_committed_says_so_and_changes_nothing(lake, monkeypatch):
    fill(lake, row(2))
    seen = held(lake)

    def fails(self, *args, **options):
        raise OSError("the disk is full")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", fails)
    with pytest.raises(CommitError) as caught:
        move(lake, seen, "mended")
    assert str(caught.value) == (
        "the quarantine of p could not be changed in 10 attempts; the last said: the disk is full"
    )
    assert held(lake)["state"].to_list() == ["open"]


def test_pruning_removes_what_was_closed_long_ago_and_nothing_else(lake):
    old, young = NOW - timedelta(days=91), NOW - timedelta(days=89)
    fill(
        lake,
        row(2, quarantined_at=old),
        row(3, "waiting", quarantined_at=old),
        row(4, "released", quarantined_at=old),
        row(5, "released", quarantined_at=old, changed_at=young),
        row(6, "superseded", quarantined_at=old, changed_at=old),
        row(7, "superseded", quarantined_at=young),
        row(8, "discarded", quarantined_at=old, changed_at=old),
        row(9, "released", quarantined_at=old, changed_at=old, mended='{"quantity":"1"}'),
        row(10, "mended", quarantined_at=old, changed_at=old, mended='{"quantity":"1"}'),
        row(11, "queued", quarantined_at=old, changed_at=old),
    )
    assert prune(lake, "p", before=NOW - timedelta(days=90)).rows == 2
    assert sorted(held(lake)["line"]) == [2, 3, 5, 7, 8, 9, 10, 11]
    assert prune(lake, "p", before=NOW - timedelta(days=90)).version is None
    assert prune(lake, "p", before=NOW - timedelta(days=90), decided=True).rows == 2
    assert sorted(held(lake)["line"]) == [2, 3, 5, 7, 10, 11]
    assert open_table(lake, "_quarantine/p").sequence("sluice/p/_quarantine/p") == 1


def test_ids_are_short_and_name_rows_and_files():
    told = [
        row(2), row(3), row(2, file="b.csv"), row(2, source="other"), row(2, file_time=NOW + timedelta(microseconds=1)),
        row(None), row(2, state="waiting"),
    ]  # fmt: skip
    ids = with_id(pl.LazyFrame(told, schema=SCHEMA)).collect()["id"].to_list()
    assert len(set(ids[:6])) == 6
    assert ids[0] == ids[6]
    assert all(len(one) == 13 and one.startswith("q") for one in ids)
    text = "\x1f".join(["sales", "a.csv", str(int(NOW.timestamp()) * 1_000_000), "2"])
    assert ids[0] == "q" + hashlib.sha256(text.encode()).hexdigest()[:12]


@given(st.lists(st.sets(st.sampled_from("abcd"), max_size=4), max_size=12))
def test_reasons_are_counted_together_as_a_loop_would(tmp_path_factory, broken):
    lake = StorageLocation(str(tmp_path_factory.mktemp("lake")))
    fill(lake, *(row(n, reasons=sorted(reasons)) for n, reasons in enumerate(broken)))
    found = co_occurrence(lake, "p")
    told = {(one["first"], one["second"]): (one["rows"], one["of_first"], one["of_second"]) for one in found}
    expected = {
        (a, b): (sum({a, b} <= r for r in broken), sum(a in r for r in broken), sum(b in r for r in broken))
        for a in "abcd" for b in "abcd" if a < b and any({a, b} <= r for r in broken)
    }  # fmt: skip
    assert told == expected
    assert [one["rows"] for one in found] == sorted((one["rows"] for one in found), reverse=True)


def test_the_rows_of_some_states_are_read_from_their_files_alone(lake):
    fill(lake, row(2), row(3, "released"))
    handle = open_table(lake, "_quarantine/p")
    for file in quarantine.table.files_in(handle, ["released"]):
        handle.location.delete(file.path)
    assert rows_at(lake, "p", states=["open"]).collect()["line"].to_list() == [2]
