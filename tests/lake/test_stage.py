"""Staging: files under unique names, in little memory, with statistics that can be trusted."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from framework.lake import stage
from framework.lake.stage import StagingArea
from framework.storage import StorageLocation

SCHEMA = pl.Schema({"key": pl.String, "amount": pl.Int64, "day": pl.Date})


def rows(days: int, per_day: int) -> pl.DataFrame:
    first = date(2024, 1, 1)
    return pl.DataFrame(
        [(f"K{day:03d}{n:06d}", n, first + timedelta(day)) for day in range(days) for n in range(per_day)],
        schema=SCHEMA,
        orient="row",
    )


def area(tmp_path, partition_by=("day",)) -> StagingArea:
    return StagingArea(StorageLocation(str(tmp_path / "table")), SCHEMA, partition_by)


def read(place: StagingArea, files) -> pl.DataFrame:
    paths = [place.location.uri(f.path) for f in files]
    return pl.read_parquet(paths, hive_partitioning=True, hive_schema={"day": pl.Date}).select(SCHEMA.names())


def test_rows_in_order_give_one_file_per_partition_and_all_rows_arrive(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "BUDGET", 10_000)
    given = rows(days=20, per_day=500)
    place = area(tmp_path)
    for batch in given.iter_slices(300):
        place.add(batch)
    files = place.files()
    assert sum(f.rows for f in files) == given.height
    assert read(place, files).sort("key").equals(given.sort("key"))
    assert len(files) == 20
    assert {f.partition for f in files} == {(("day", str(date(2024, 1, 1) + timedelta(n))),) for n in range(20)}


def test_a_small_budget_writes_the_partition_that_has_not_grown_for_longest(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "BUDGET", 1)
    place = area(tmp_path)
    given = rows(days=2, per_day=10)
    place.add(given.head(10))
    place.add(given.tail(10))
    place.add(given.head(10))
    files = place.files()
    assert sorted(f.rows for f in files) == [10, 10, 10]
    assert len({f.path for f in files}) == 3


def test_a_plan_runs_into_an_area_and_the_statistics_are_those_of_its_rows(tmp_path):
    place = area(tmp_path, partition_by=())
    (file,) = place.write(
        pl.LazyFrame({"key": ["b", "a", None], "amount": [3, 1, 2], "day": [None, None, None]}, schema=SCHEMA)
    ).files()
    stats = json.loads(file.stats)
    assert stats["numRecords"] == 3
    assert stats["nullCount"] == {"key": 1, "amount": 0, "day": 3}
    assert stats["minValues"] == {"key": "a", "amount": 1}
    assert stats["maxValues"] == {"key": "b", "amount": 3}
    assert file.ranges["key"] == ("a", "b")
    assert file.size == (tmp_path / "table" / file.path).stat().st_size


def test_a_failing_writer_fails_the_stage(tmp_path, monkeypatch):
    place = area(tmp_path)

    def refuse(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", refuse)
    place.add(rows(days=1, per_day=3))
    with pytest.raises(OSError, match="No space left"):
        place.files()


def test_partition_values_with_odd_characters_come_back(tmp_path):
    schema = pl.Schema({"n": pl.Int64, "name": pl.String})
    place = StagingArea(StorageLocation(str(tmp_path / "t")), schema, ("name",))
    names = ["a b", "c/d", "e=f", "ü%20", None]
    place.add(pl.DataFrame({"n": range(5), "name": names}, schema=schema))
    files = place.files()
    assert {dict(f.partition)["name"] for f in files} == set(names)
    found = pl.read_parquet([place.location.uri(f.path) for f in files], hive_schema={"name": pl.String})
    assert set(found["name"]) == set(names)


def test_rows_are_shown_as_they_are_written_with_their_partition_and_the_ranges_known(tmp_path):
    place, shown = area(tmp_path), []
    place.show_to(lambda rows, ranges: shown.append((rows, ranges)))
    given = rows(days=3, per_day=10)
    place.add(given)
    place.files()
    assert pl.concat(part.select(SCHEMA.names()) for part, _ in shown).sort("key").equals(given.sort("key"))
    assert all(ranges["amount"] == (0, 9) for _, ranges in shown)
