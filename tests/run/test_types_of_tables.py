"""Columns that Delta cannot hold go through real tables and come back as declared."""

# ruff: noqa: DTZ001, PIE800 - naive on purpose; rows and schemas are laid out in lines

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import LazyFrame, Pipeline, delta_table, parquet_files, scan_table, step, table
from framework.errors import SchemaError
from framework.lake import as_declared, open_table, to_storable
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

KIND = pl.Enum(["small", "large"])
BERLIN = "Europe/Berlin"
HIGH = 10**38 - 1


class Thing(pa.DataFrameModel):
    id: str
    tiny: pl.UInt8
    short: pl.UInt16
    count: pl.UInt32
    large: pl.UInt64
    huge: pl.Int128
    kind: Annotated[pl.Enum, ["small", "large"]]
    brand: pl.Categorical
    opens: pl.Time = pa.Field(nullable=True)
    lasts: Annotated[pl.Duration, "us"] = pa.Field(nullable=True)
    waits: Annotated[pl.Duration, "ms"] = pa.Field(nullable=True)
    starts: Annotated[pl.Datetime, "us", BERLIN]
    sampled: Annotated[pl.Datetime, "ms", None]
    pair: Annotated[pl.Array, pl.UInt16, 2] = pa.Field(nullable=True)
    times: Annotated[pl.List, pl.Time] = pa.Field(nullable=True)
    part: Annotated[pl.Struct, {"kind": KIND, "at": pl.List(pl.Time), "n": pl.UInt32}] = pa.Field(nullable=True)
    parts: Annotated[pl.List, pl.Struct({"n": pl.UInt8})] = pa.Field(nullable=True)


ROWS = [
    {
        "id": "a",
        "tiny": 255,
        "short": 65535,
        "count": 2**32 - 1,
        "large": 2**64 - 1,
        "huge": HIGH,
        "kind": "large",
        "brand": "Acme",
        "opens": time(9, 30, 0, 5),
        "lasts": timedelta(days=1, microseconds=1),
        "waits": timedelta(milliseconds=-5),
        "starts": datetime(2024, 7, 1, 10, tzinfo=UTC),
        "sampled": datetime(2024, 1, 1, 1, 1, 1, 5000),
        "pair": [1, 65535],
        "times": [time(23, 59, 59, 999999), None],
        "part": {"kind": "small", "at": [time(1)], "n": 7},
        "parts": [{"n": 255}, None, {"n": None}],
    },
    {
        **dict.fromkeys(["tiny", "short", "count", "large"], 0),
        "id": "b",
        "huge": -HIGH,
        "kind": "small",
        "brand": "",
        "starts": datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
        "sampled": datetime(1970, 1, 1),
        "part": {"kind": None, "at": None, "n": None},
    },
]
DECLARED = pl.Schema(
    {
        **{"id": pl.String(), "tiny": pl.UInt8(), "short": pl.UInt16(), "count": pl.UInt32(), "large": pl.UInt64()},
        **{"huge": pl.Int128(), "kind": KIND, "brand": pl.Categorical(), "opens": pl.Time()},
        **{"lasts": pl.Duration("us"), "waits": pl.Duration("ms"), "starts": pl.Datetime("us", BERLIN)},
        **{"sampled": pl.Datetime("ms"), "pair": pl.Array(pl.UInt16, 2), "times": pl.List(pl.Time)},
        "part": pl.Struct({"kind": KIND, "at": pl.List(pl.Time), "n": pl.UInt32}),
        "parts": pl.List(pl.Struct({"n": pl.UInt8})),
    }
)
STORED = {
    **{"tiny": pl.Int16(), "short": pl.Int32(), "count": pl.Int64(), "large": pl.Decimal(20, 0)},
    **{"huge": pl.Decimal(38, 0), "kind": pl.String(), "brand": pl.String(), "opens": pl.String()},
    **{"lasts": pl.Int64(), "waits": pl.Int64(), "starts": pl.Datetime("us", "UTC"), "sampled": pl.Datetime("us")},
    **{"pair": pl.List(pl.Int32), "times": pl.List(pl.String)},
    "part": pl.Struct({"kind": pl.String, "at": pl.List(pl.String), "n": pl.Int64}),
    "parts": pl.List(pl.Struct({"n": pl.Int16})),
}
SEEN: list[pl.Schema] = []


@step(returns=Thing)
def things() -> pl.LazyFrame:
    return pl.LazyFrame(ROWS, schema=DECLARED)


@step(returns=Thing)
def copies(stored: LazyFrame[Thing]) -> pl.LazyFrame:
    SEEN.append(stored.collect_schema())
    return stored.filter(pl.col("kind") == "large", pl.col("lasts") > timedelta(hours=1), pl.col("count") > 0)


class Key(pa.DataFrameModel):
    id: str


@step(returns=Thing)
def made(keys: LazyFrame[Key]) -> pl.LazyFrame:
    return keys.select("id").join(things(), on="id").select(*DECLARED)


WRITER = Pipeline("t.writer", sources={"keys": parquet_files("*.parquet")}, steps=[made], outputs=[
    table("t/things", of="made", mode="merge", key="id", newest_by="starts", partition_by="kind")
])  # fmt: skip
READER = Pipeline(
    "t.reader",
    sources={"stored": delta_table("t/things", schema=Thing)},
    steps=[copies],
    outputs=[table("t/copies", of="copies")],
)


@pytest.fixture
def space(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    pl.DataFrame({"id": ["a", "b"]}).write_parquet(tmp_path / "data/raw/a.parquet")
    place = Workspace(StorageLocation(str(tmp_path / "data/raw")), StorageLocation(str(tmp_path / "data/lake")))
    run_in(WRITER, place, RunRequest())
    return place


def test_types_that_delta_lacks_are_stored_as_what_stands_for_them(space):
    stored = open_table(space.lake, "t/things").scan().sort("id").collect()
    assert {name: stored.schema[name] for name in STORED} == STORED
    row = stored.row(0, named=True)
    assert (row["opens"], row["lasts"], row["waits"]) == ("09:30:00.000005", 86_400_000_001, -5)
    assert (row["large"], row["huge"]) == (Decimal(2**64 - 1), Decimal(HIGH))
    assert (row["times"], row["pair"]) == (["23:59:59.999999", None], [1, 65535])


def test_steps_get_them_back_as_declared(space):
    SEEN.clear()
    run_in(READER, space, RunRequest())
    assert all({n: s[n] for n in DECLARED} == DECLARED for s in SEEN)
    copied = as_declared(open_table(space.lake, "t/copies").scan(), DECLARED).select(*DECLARED).collect()
    assert copied.equals(pl.DataFrame(ROWS[:1], schema=DECLARED))


def test_second_delivery_merges_with_what_is_stored(space, tmp_path):
    pl.DataFrame({"id": ["b"]}).write_parquet(tmp_path / "data/raw/b.parquet")
    run_in(WRITER, space, RunRequest())
    assert [file.rows for file in open_table(space.lake, "t/things").files()] == [1, 1]
    back = as_declared(open_table(space.lake, "t/things").scan(), DECLARED).select(*DECLARED).sort("id").collect()
    assert back.equals(pl.DataFrame(ROWS, schema=DECLARED))


def test_table_is_scanned_as_a_schema_declares(space, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = scan_table("t/things", schema=Thing).select(*DECLARED).sort("id").collect()
    assert rows.equals(pl.DataFrame(ROWS, schema=DECLARED))
    assert scan_table("t/things").collect_schema()["kind"] == pl.String


def test_text_that_is_no_category_of_the_declared_enum_is_an_error(space):
    class Other(pa.DataFrameModel):
        kind: Annotated[pl.Enum, ["small"]]

    rows = as_declared(open_table(space.lake, "t/things").scan(), {"kind": pl.Enum(["small"])})
    with pytest.raises(pl.exceptions.InvalidOperationError, match="large"):
        rows.collect()


def test_what_would_lose_something_is_refused_by_name():
    with pytest.raises(SchemaError) as caught:
        to_storable(pl.LazyFrame(schema={"at": pl.Datetime("ns"), "nothing": pl.Null, "id": pl.Int64}))
    assert str(caught.value) == (
        "Delta cannot hold these columns: at is in nanoseconds, and Delta keeps microseconds: cut them off with "
        ".dt.cast_time_unit('us'); nothing has no type, as all of it is null: cast it"
    )


def test_128_bit_integer_beyond_38_digits_is_never_cut():
    with pytest.raises(pl.exceptions.InvalidOperationError, match="failed in column 'n'"):
        to_storable(pl.LazyFrame({"n": [10**38]}, schema={"n": pl.Int128})).collect()


def test_output_that_cannot_be_stored_is_a_problem_of_the_definition():
    class Fine(pa.DataFrameModel):
        at: Annotated[pl.Datetime, "ns", None]

    pipeline = Pipeline("t.ns", sources={"a": parquet_files("*", schema=Fine)}, outputs=[table("t/ns", of="a")])
    (problem,) = verify(pipeline)
    assert problem.where == "t.ns, table 't/ns'"
    assert "at is in nanoseconds" in problem.what


VALUES = {
    pl.UInt64(): st.integers(0, 2**64 - 1),
    pl.Int128(): st.integers(-HIGH, HIGH),
    pl.Enum(["a", "", "ä b"]): st.sampled_from(["a", "", "ä b"]),
    pl.Categorical(): st.text(max_size=5),
    pl.Time(): st.times(),
    pl.Duration("ms"): st.integers(-(10**15), 10**15).map(
        lambda n: timedelta(milliseconds=n) if abs(n) < 10**13 else None
    ),
    pl.Duration("us"): st.timedeltas(timedelta(-(10**6)), timedelta(10**6)),
    pl.Datetime("us", BERLIN): st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)).map(
        lambda d: d.replace(tzinfo=UTC)
    ),
    pl.Float16(): st.sampled_from([0.5, -2.0, float("inf")]),
    pl.Date(): st.dates(date(1, 1, 1)),
}


@pytest.mark.parametrize("dtype", VALUES, ids=str)
@pytest.mark.parametrize("nest", ["plain", "list", "array", "struct"])
@given(data=st.data())
def test_every_value_is_the_same_after_storing(nest, dtype, data):
    values = data.draw(st.lists(st.one_of(st.none(), VALUES[dtype]), min_size=50, max_size=80))
    plain = pl.Series("v", values, dtype=dtype)
    column = {
        "plain": lambda: plain,
        "list": lambda: plain.to_frame().select(pl.concat_list("v", "v")).to_series(),
        "array": lambda: plain.to_frame().select(pl.concat_arr("v", "v")).to_series(),
        "struct": lambda: plain.to_frame().select(pl.struct("v").alias("v")).to_series(),
    }[nest]()
    rows = column.to_frame().lazy()
    back = as_declared(to_storable(rows), {"v": column.dtype}).collect()["v"]
    assert back.dtype == column.dtype
    assert back.equals(column, null_equal=True)
