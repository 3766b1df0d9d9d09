"""Changes between versions: exactly the values whose rows differ, however files were rewritten."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from framework.lake import changed_values, open_or_create, open_table, publish, replace_all
from framework.lake.stage import StagingArea
from framework.storage import StorageLocation

SCHEMA = pl.Schema({"day": pl.Int64, "value": pl.Int64, "note": pl.String, "_source_line": pl.Int64})


def write(lake: StorageLocation, seq: int, rows) -> int:
    handle = open_or_create(lake, "t", SCHEMA, (), "p")
    area = StagingArea(lake.below("t"), SCHEMA, ())
    area.add(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    return publish(
        replace_all(handle, area), pipeline="p", seq=seq, metadata={}, rebase=lambda h: replace_all(h, area)
    ).version


def changed(lake, since, version):
    found = changed_values(lake, "t", since=since, version=version, columns=["day"])
    return None if found is None else set(found["day"])


cells = st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from(["x", "y", None]))


@given(st.lists(cells, max_size=12), st.lists(cells, max_size=12))
def test_the_changed_days_are_those_whose_rows_differ_as_a_multiset(tmp_path_factory, before, after):
    lake = StorageLocation(str(tmp_path_factory.mktemp("lake")))
    first = write(lake, 1, [(*row, n) for n, row in enumerate(before)])
    second = write(lake, 2, [(*row, n + 100) for n, row in enumerate(after)])
    by_day = [{day: sorted(str(r) for r in rows if r[0] == day) for day in range(5)} for rows in (before, after)]
    assert changed(lake, first, second) == {day for day in range(5) if by_day[0][day] != by_day[1][day]}


def test_without_an_earlier_version_everything_counts_as_changed(tmp_path):
    lake = StorageLocation(str(tmp_path))
    version = write(lake, 1, [(1, 1, "x", 1)])
    assert changed(lake, None, version) is None


def test_an_earlier_version_that_was_vacuumed_counts_as_changed(tmp_path):
    lake = StorageLocation(str(tmp_path))
    first = write(lake, 1, [(1, 1, "x", 1)])
    second = write(lake, 2, [(1, 2, "x", 1)])
    for file in open_table(lake, "t", first).files():
        (tmp_path / "t" / file.path).unlink()
    assert changed(lake, first, second) is None
