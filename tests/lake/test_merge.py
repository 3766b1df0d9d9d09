"""Merging: the newest row of a key stays, whatever the order of arrival, and no file is rewritten without need."""

from collections import Counter
from datetime import UTC, date, datetime

import polars as pl
import pytest

from framework.core.frames import SOURCE_FILE, SOURCE_LINE, SOURCE_TIME
from framework.lake import merge, merge_newest, open_or_create, open_table, publish
from framework.lake.stage import StagingArea
from framework.storage import StorageLocation

SCHEMA = pl.Schema(
    {
        "key": pl.String,
        "value": pl.Int64,
        "day": pl.Date,
        SOURCE_TIME: pl.Datetime("us", "UTC"),
        SOURCE_FILE: pl.String,
        SOURCE_LINE: pl.Int64,
    }
)
ORDER = (SOURCE_TIME, SOURCE_FILE, SOURCE_LINE)


def row(key, value, day, hour, line=1, file=None):
    at = datetime(2024, 1, 1, hour, tzinfo=UTC)
    return (key, value, date(2024, 1, day), at, file or f"f{hour}", line)


class Table:
    """A table on disk that takes batches of rows, one publish each."""

    def __init__(self, root):
        self.lake = StorageLocation(str(root))
        self.seq = 0

    def take(self, *rows):
        self.seq += 1
        handle = open_or_create(self.lake, "t", SCHEMA, ("day",), "p")
        area = StagingArea(self.lake.below("t"), SCHEMA, ("day",))
        area.add(pl.DataFrame(list(rows), schema=SCHEMA, orient="row"))

        def reconcile(current):
            return merge_newest(current, area, ("key",), ORDER)

        staged = reconcile(handle)
        publish(staged, pipeline="p", seq=self.seq, metadata={}, rebase=reconcile)
        return staged

    @property
    def values(self):
        found = open_table(self.lake, "t").scan().select("key", "value").collect()
        assert found["key"].is_unique().all()
        return dict(found.iter_rows())

    @property
    def files(self):
        return {f.path for f in open_table(self.lake, "t").files()}


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path)


def dropped(staged):
    return dict(sum((Counter(counts) for counts in staged.dropped.values()), Counter()))


def test_the_newest_file_wins_whichever_arrives_first(table):
    table.take(row("a", 2, 1, hour=9))
    staged = table.take(row("a", 1, 1, hour=8))
    assert table.values == {"a": 2}
    assert dropped(staged) == {"superseded": 1}


def test_a_row_that_moves_to_another_partition_leaves_the_old_one(table):
    table.take(row("a", 1, 1, hour=8), row("b", 1, 1, hour=8))
    table.take(row("a", 2, 2, hour=9))
    assert table.values == {"a": 2, "b": 1}


def test_a_copy_is_dropped_but_its_time_still_counts(table):
    table.take(row("a", 1, 1, hour=7))
    assert dropped(table.take(row("a", 1, 1, hour=9))) == {"duplicate": 1}
    table.take(row("a", 5, 1, hour=8))
    assert table.values == {"a": 1}


def test_copies_and_updates_within_one_batch_are_told_apart(table):
    staged = table.take(
        row("a", 1, 1, hour=8, line=1),
        row("a", 1, 1, hour=8, line=2),
        row("b", 1, 1, hour=8, line=3),
        row("b", 2, 1, hour=8, line=4),
    )
    assert table.values == {"a": 1, "b": 2}
    assert dropped(staged) == {"duplicate": 1, "superseded": 1}


def test_only_files_that_hold_a_losing_row_are_rewritten(table):
    table.take(*(row(f"k{n:03d}", n, 1 + n // 10, hour=8, line=n) for n in range(50)))
    before = table.files
    table.take(row("k015", -1, 2, hour=9), row("k999", 0, 3, hour=9, line=2))
    kept = before & table.files
    assert len(before - kept) == 1
    assert all("day=2024-01-02" in path for path in before - kept)


def test_small_files_of_a_touched_partition_are_put_together(table):
    for n in range(merge.FRAGMENTS + 1):
        table.take(row(f"k{n}", n, 1, hour=n))
    assert len(table.files) == 1
    assert len(table.values) == merge.FRAGMENTS + 1


def test_keys_are_compared_in_parts_when_there_are_many(table, monkeypatch):
    monkeypatch.setattr(merge, "ROWS_AT_ONCE", 40)
    staged = table.take(*(row(f"k{n % 150:03d}", n, 1, hour=8, line=n) for n in range(300)))
    assert len(table.values) == 150
    assert dropped(staged) == {"superseded": 150}
    assert all(value >= 150 for value in table.values.values())


def test_null_keys_are_one_key_and_are_not_added_again(table):
    table.take(row(None, 1, 1, hour=8))
    table.take(row(None, 2, 1, hour=9))
    assert table.values == {None: 2}


def test_a_hash_that_collides_loses_nothing(table, monkeypatch):
    monkeypatch.setattr(merge, "_hashed", lambda rows, _key: rows.with_columns(pl.lit(1).alias(merge.HASH)))
    table.take(row("a", 1, 1, hour=8), row("b", 2, 2, hour=8))
    table.take(row("a", 3, 1, hour=9), row("c", 4, 3, hour=9))
    assert table.values == {"a": 3, "b": 2, "c": 4}
