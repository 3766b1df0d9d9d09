"""Schemas that change: what a run carries out with its commit, and what it refuses before data moves."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from datetime import date  # noqa: TC003 - a step asks for one
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, step, table
from framework.core import faults
from framework.errors import CompatibilityError, ConfigurationError
from framework.lake import Reshape, as_declared, open_or_create, schema_app, stored_type, to_storable
from framework.registry import Column, Registry, holds
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.schemas.evolution import examine
from tests.registry.reading import as_type
from tests.registry.schemas import TYPES, candidates
from tests.run.schemas_of_shops import TABLE, deliver, everything, opened, reader, rows, run, shops, workspace


class Shop(pa.DataFrameModel):
    shop: str
    visitors: pl.Int32 = pa.Field(ge=0)


class Noted(Shop):
    note: str = pa.Field(nullable=True)


class Wider(Shop):
    visitors: pl.Int64 = pa.Field(ge=0)


class Rated(Shop):
    rating: str = pa.Field(default="none")


class Renamed(pa.DataFrameModel):
    shop: str
    guests: pl.Int32 = pa.Field(ge=0, metadata={"renamed_from": "visitors"})


class Named(pa.DataFrameModel):
    shop: str


class Strict(Shop):
    visitors: pl.Int32 = pa.Field(ge=1)


class Required(Shop):
    city: str


@pytest.fixture
def space(tmp_path):
    made = workspace(tmp_path)
    deliver(made, "a.csv", "shop,visitors", "A,1", "B,2")
    return made


def files(space):
    return {file.path for file in opened(space).files()}


CHANGES = [
    (Noted, ["shop,visitors,note", "C,3,x"], {"note": None}),
    (Wider, ["shop,visitors", "C,3"], {}),
    (Rated, ["shop,visitors,rating", "C,3,good"], {"rating": "none"}),
    (Renamed, ["shop,guests", "C,3"], {}),
    (Named, ["shop", "C"], {}),
]


@pytest.mark.parametrize(("schema", "second", "added"), CHANGES, ids=lambda v: getattr(v, "__name__", ""))
def test_rows_of_before_are_read_as_the_new_schema_and_the_old_version_stays(space, schema, second, added):
    mode = "append" if schema in {Wider, Named} else "merge"
    run(shops(Shop, mode), space)
    before = opened(space).version
    deliver(space, "b.csv", *second)
    run(shops(schema, mode), space)
    names = list(schema.to_schema().columns)
    old = [{"shop": "A", "visitors": 1}, {"shop": "B", "visitors": 2}]
    now = [{**row, **({"guests": row["visitors"]} if schema is Renamed else {}), **added} for row in old]
    assert [{name: row[name] for name in names} for row in now] == rows(space)[:2]
    assert rows(space)[2]["shop"] == "C"
    assert opened(space).scan().collect_schema()[names[-1]] == schema.to_schema().columns[names[-1]].dtype.type
    assert rows(space, before) == old
    assert opened(space).schema_version == 2
    assert opened(space).sequence("sluice/t.shops/shops") == 2


def test_a_column_that_may_be_null_is_added_without_a_file_written_again(space):
    run(shops(Shop), space)
    before = files(space)
    deliver(space, "b.csv", "shop,visitors,note", "C,3,x")
    run(shops(Noted), space)
    assert before < files(space)


def test_a_rebuild_that_adds_a_column_may_meet_a_key_twice(space):
    run(shops(Shop, "merge"), space)
    deliver(space, "a.csv", "shop,visitors,note", "A,1,x", "A,3,y")
    run(shops(Noted, "merge"), space, full=True)
    assert rows(space) == [{"shop": "A", "visitors": 3, "note": "y"}]


def test_a_row_that_meets_one_of_before_by_a_key_that_was_widened_and_renamed_takes_its_place(space):
    class First(pa.DataFrameModel):
        number: pl.Int32
        shop: str

    class Second(pa.DataFrameModel):
        id: pl.Int64 = pa.Field(metadata={"aliases": ["number"]})
        shop: str

    deliver(space, "a.csv", "number,shop", "1,A", "2,B")
    run(shops(First, "merge", key="number"), space)
    deliver(space, "b.csv", "id,shop", "2,C")
    run(shops(Second, "merge", key="id"), space)
    assert rows(space) == [{"id": 1, "shop": "A"}, {"id": 2, "shop": "C"}]
    assert Registry(space.lake).require(TABLE, 2).key == ("id",)


def test_partitions_that_a_run_does_not_replace_are_brought_along(space):
    options = {"partition_by": "shop"}
    run(shops(Shop, "replace_partitions", **options), space)
    deliver(space, "b.csv", "shop,visitors,rating", "B,9,good")
    run(shops(Rated, "replace_partitions", **options), space)
    assert rows(space) == [
        {"shop": "A", "visitors": 1, "rating": "none"},
        {"shop": "B", "visitors": 9, "rating": "good"},
    ]


def test_a_table_that_is_replaced_as_a_whole_takes_any_schema_but_one_that_its_readers_cannot(space):
    run(shops(Shop, "overwrite"), space)
    deliver(space, "b.csv", "shop,visitors,city", "C,3,Rome")
    run(shops(Required, "overwrite"), space)
    assert rows(space) == [{"shop": "C", "visitors": 3, "city": "Rome"}]
    deliver(space, "c.csv", "shop", "D")
    with pytest.raises(CompatibilityError, match="readers of before may not stand it"):
        run(shops(Named, "overwrite", compatibility="forward"), space)


REFUSED = [
    (Strict, "visitors: constraint tightened (was >= 0, is >= 1): rows that are there may not hold"),
    (Required, "city: column added (String, required): rows that are there cannot be read as the new schema"),
]


@pytest.mark.parametrize(("schema", "words"), REFUSED, ids=["tightened", "required"])
def test_a_change_that_rows_do_not_stand_is_refused_and_nothing_is_written(space, schema, words):
    run(shops(Shop), space)
    before = everything(space)
    deliver(space, "b.csv", "shop,visitors,city", "C,3,Rome")
    with pytest.raises(CompatibilityError) as caught:
        run(shops(schema), space)
    assert str(caught.value) == (
        "table 'shops' (version 1, compatibility 'backward') cannot change its schema as t.shops declares it:\n"
        f"  - {words}\n"
        "  nothing was read or written; bring its rows along with `sluice schema migrate shops`; compute them again"
        " with `sluice run t.shops --full`; keep what was there, or say compatibility= on the table"
    )
    assert everything(space) == before
    deliver(space, "a.csv", "shop,visitors,city", "A,1,Rome")
    run(shops(schema), space, full=True)
    assert [row["shop"] for row in rows(space)] == ["A", "C"]
    assert opened(space).schema_version == 2


LEVELS = [
    # schema, backward, forward, full, none
    (Noted, "carried", "carried", "carried", "carried"),
    (Wider, "carried", "refused", "refused", "carried"),
    (Renamed, "carried", "refused", "refused", "carried"),
    (Named, "carried", "refused", "refused", "carried"),
    (Strict, "refused", "carried", "refused", "carried"),
    (Required, "refused", "refused", "refused", "refused"),
]


def test_a_level_says_which_changes_a_run_carries_out(space):
    run(shops(Shop), space)
    for schema, *expected in LEVELS:
        found = []
        for level in ("backward", "forward", "full", "none"):
            (one,) = examine(shops(schema, compatibility=level), space, "incremental", {}, {})
            found.append("refused" if one.is_held else "carried")
        assert found == expected, schema


def test_many_rows_without_a_value_are_not_unique(space):
    class Coded(Shop):
        code: str = pa.Field(nullable=True, unique=True)

    run(shops(Shop), space)
    deliver(space, "b.csv", "shop,visitors,code", "C,3,x")
    with pytest.raises(CompatibilityError, match=r"code: column added \(String, may be null, which breaks 'must be"):
        run(shops(Coded), space)


def test_a_partitioning_that_changed_is_refused_even_by_a_rebuild(space):
    run(shops(Shop), space)
    for full in (False, True):
        deliver(space, "b.csv", "shop,visitors", "C,3")
        with pytest.raises(CompatibilityError, match="a table keeps the partitions it was made with"):
            run(shops(Shop, partition_by="shop", compatibility="none"), space, full=full)


def test_columns_in_another_order_are_no_change(space):
    class Turned(pa.DataFrameModel):
        visitors: pl.Int32 = pa.Field(ge=0)
        shop: str

    run(shops(Shop, "merge"), space)
    deliver(space, "b.csv", "shop,visitors", "B,5")
    run(shops(Turned, "merge"), space)
    assert rows(space) == [{"shop": "A", "visitors": 1}, {"shop": "B", "visitors": 5}]
    assert opened(space).schema_version == 1


def test_what_does_not_change_is_registered_once(space):
    run(shops(Shop), space)
    for number in range(3):
        deliver(space, f"b{number}.csv", "shop,visitors", f"C{number},3")
        run(shops(Shop), space)
    assert list(Registry(space.lake).versions(TABLE)) == [1]
    assert opened(space).schema_version == 1


def test_every_value_of_a_type_is_kept_in_one_that_holds_it():
    for narrow in TYPES:
        values = [v for v in candidates(Column("a", narrow), []) if v is not None]
        before = to_storable(pl.LazyFrame({"a": pl.Series(values, dtype=narrow)}))
        for wide in (one for one in TYPES if holds(one, narrow)):
            now = as_declared(Reshape(pl.Schema({"a": stored_type(wide)})).apply(before), {"a": wide}).collect()["a"]
            assert now.dtype == wide
            assert now.to_list() == [as_type(value, wide) for value in values], (narrow, wide)


# --- readers ----------------------------------------------------------------------------------------------------


class Visits(pa.DataFrameModel):
    visitors: pl.Int64


def visits(frame):
    return frame.select(pl.col("visitors").sum().cast(pl.Int64))


@pytest.mark.parametrize("level", ["backward", "none"])
def test_a_reader_that_does_not_stand_a_change_is_named_with_the_column(tmp_path, level):
    space = workspace(tmp_path, reader(Shop, Visits, visits))
    deliver(space, "a.csv", "shop,visitors", "A,1")
    run(shops(Shop), space)
    before = everything(space)
    deliver(space, "b.csv", "shop", "C")
    named = shops(Named, compatibility=level)
    if level == "none":  # it is said by `sluice plan`, and not held
        assert run(named, space).state == "SUCCESS"
        return
    with pytest.raises(CompatibilityError) as caught:
        run(named, space)
    assert str(caught.value).splitlines()[1:] == [
        (
            "  - breaks t.reader, source 'shops', visitors: column dropped (Int32, required): step 'summary' gives a"
            ' plan that cannot be resolved: unable to find column "visitors"'
        ),
        (
            "  nothing was read or written; change the pipelines that read it along with it; keep what was there, or"
            " say compatibility= on the table"
        ),
    ]
    assert everything(space) == before


def test_a_reader_that_does_not_look_at_a_column_stands_its_loss_and_one_that_changed_along_a_rename(tmp_path):
    def names(frame):
        return frame.select("shop")

    space = workspace(tmp_path, reader(Named, Named, names), shops(Shop))
    deliver(space, "a.csv", "shop,visitors", "A,1")
    run(shops(Shop), space)
    deliver(space, "b.csv", "shop", "C")
    assert run(shops(Named), space).state == "SUCCESS"


def test_a_reader_whose_declared_schema_no_longer_holds_is_named(tmp_path):
    class Loose(Shop):
        visitors: pl.Int32 = pa.Field(ge=0, nullable=True)

    space = workspace(tmp_path, reader(Shop, Visits, visits))
    deliver(space, "a.csv", "shop,visitors", "A,1")
    run(shops(Shop), space)
    deliver(space, "b.csv", "shop,visitors", "C,")
    with pytest.raises(CompatibilityError) as caught:
        run(shops(Loose), space)
    assert str(caught.value).splitlines()[1] == (
        "  - breaks t.reader, source 'shops', visitors: Shop, which it declares for the table, would not hold: nulls"
        " refused (must not be null now)"
    )


def test_what_a_reader_declares_and_never_held_is_not_laid_to_a_change(tmp_path):
    class Busy(Shop):
        visitors: pl.Int32 = pa.Field(ge=9)

    space = workspace(tmp_path, reader(Busy, Visits, visits))
    deliver(space, "a.csv", "shop,visitors", "A,1")
    run(shops(Shop), space)
    deliver(space, "b.csv", "shop,visitors,note", "C,2,x")
    assert run(shops(Noted), space).state == "SUCCESS"


def test_a_key_and_a_reference_to_a_column_are_readings_too(tmp_path):
    from framework import delta_table

    class Sale(pa.DataFrameModel):
        shop: str

    sales = Pipeline(
        "t.sales",
        sources={"sales": csv_files("s/*.csv", schema=Sale, references={"shop": "shops"}), "shops": delta_table(TABLE)},
        outputs=[table("sales", of="sales", mode="append")],
    )
    space = workspace(tmp_path, sales)
    deliver(space, "a.csv", "shop,visitors", "A,1")
    run(shops(Shop), space)

    class Store(pa.DataFrameModel):
        store: str = pa.Field(metadata={"renamed_from": "shop"})
        visitors: pl.Int32 = pa.Field(ge=0)

    deliver(space, "b.csv", "store,visitors", "C,1")
    with pytest.raises(
        CompatibilityError, match=r"shop: column renamed .*source 'sales' refers to it, and shop is not"
    ):
        run(shops(Store), space)


# --- the registry -----------------------------------------------------------------------------------------------


def test_a_registry_written_by_a_newer_version_stops_everything_before_it_writes(space):
    run(shops(Shop), space)
    path = Path(space.lake.uri(Registry(space.lake).path(TABLE, 1)))
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 7}))
    before = everything(space)
    deliver(space, "b.csv", "shop,visitors", "C,3")
    with pytest.raises(ConfigurationError) as caught:
        run(shops(Shop), space)
    assert str(caught.value) == (
        "_sluice/_schemas/shops/000001.json was written by a newer Sluice: its schema_version is 7, this one knows up"
        " to 1; nothing was changed; use the newer Sluice for this lake"
    )
    assert everything(space) == before


def test_a_table_that_nobody_registered_is_known_by_what_can_be_seen_of_it(space):
    schema = pl.Schema({"shop": pl.String(), "visitors": pl.Int32()})
    provenance = {"_source_time": pl.Datetime("us", "UTC"), "_source_file": pl.String(), "_source_line": pl.Int64()}
    open_or_create(space.lake, TABLE, pl.Schema({**schema, **provenance}), (), "before")
    assert opened(space).schema_version == 0
    run(shops(Strict), space)
    assert (opened(space).schema_version, len(rows(space))) == (1, 2)
    assert Registry(space.lake).require(TABLE, 1).by_name["visitors"].nullable is False


# The quarantine is the first table of a run: its commit is the first that is passed.
POINTS = [
    (Noted, "commit.before:2"),
    (Noted, "commit.after:2"),
    (Noted, "commit.before:3"),
    (Noted, "commit.after:3"),
    (Rated, "sync.before:2"),
    (Rated, "commit.before:2"),
    (Rated, "commit.after:2"),
]


@pytest.mark.parametrize(("schema", "point"), POINTS, ids=lambda v: getattr(v, "__name__", v))
def test_a_run_that_broke_while_the_schema_changed_is_made_good_by_the_next(space, monkeypatch, schema, point):
    line = "shop,visitors,note" if schema is Noted else "shop,visitors,rating"
    run(shops(Shop, "merge"), space)
    deliver(space, "b.csv", line, "B,5,x", "C,3,y")
    faults._hits.clear()
    name, hit = point.split(":")
    monkeypatch.setenv("SLUICE_FAULT", f"{name}:raise:{hit}")
    # Whether a commit happened is told by the log alone, so that a run goes on after it.
    with nullcontext() if name == "commit.after" else pytest.raises(OSError, match="fault injected"):
        run(shops(schema, "merge"), space)
    assert faults._hits[name] >= int(hit)
    monkeypatch.delenv("SLUICE_FAULT")
    last = line.split(",")[2]
    run(shops(schema, "merge"), space)
    filled = None if schema is Noted else "none"
    assert rows(space) == [
        {"shop": "A", "visitors": 1, last: filled},
        {"shop": "B", "visitors": 5, last: "x"},
        {"shop": "C", "visitors": 3, last: "y"},
    ]
    assert opened(space).schema_version == 2
    assert list(Registry(space.lake).versions(TABLE)) == [1, 2]


def test_an_author_who_changes_their_mind_after_a_crash_gets_the_next_number(space, monkeypatch):
    run(shops(Shop), space)
    deliver(space, "b.csv", "shop,visitors,rating,note", "C,3,x,y")
    faults._hits.clear()
    monkeypatch.setenv("SLUICE_FAULT", "sync.before:raise:2")
    with pytest.raises(OSError, match="fault injected"):
        run(shops(Rated), space)
    monkeypatch.delenv("SLUICE_FAULT")
    assert opened(space).schema_version == 1
    run(shops(Noted), space)
    assert (opened(space).schema_version, rows(space)[2]) == (3, {"shop": "C", "visitors": 3, "note": "y"})
    assert list(Registry(space.lake).versions(TABLE)) == [1, 2, 3]


def test_two_runners_that_change_the_schema_at_once_change_it_once(space):
    run(shops(Shop, "merge"), space)
    deliver(space, "b.csv", "shop,visitors,rating", "B,5,x", "C,3,y")
    together, failures = threading.Barrier(2), []

    def racer():
        together.wait()
        try:
            run(shops(Rated, "merge"), space)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    racers = [threading.Thread(target=racer) for _ in range(2)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert failures == []
    assert [(row["shop"], row["rating"]) for row in rows(space)] == [("A", "none"), ("B", "x"), ("C", "y")]
    assert list(Registry(space.lake).versions(TABLE)) == [1, 2]
    numbers = []
    for path in sorted(Path(space.lake.uri("shops/_delta_log")).glob("*.json")):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        numbers += [a["txn"]["version"] for a in actions if a.get("txn", {}).get("appId") == schema_app(TABLE)]
    assert numbers == [1, 2]


def test_rules_that_look_at_the_time_and_steps_with_parameters_are_no_change(space):
    from framework import run_time

    class Dated(pa.DataFrameModel):
        shop: str
        day: pl.Date

        @pa.check("day")
        def not_in_future(cls, data: pa.PolarsData):  # noqa: N805
            return data.lazyframe.select(pl.col(data.key) <= pl.lit(run_time()).dt.date())

    @step(returns=Dated)
    def dated(rows: LazyFrame[Named], day: date) -> pl.LazyFrame:
        return rows.with_columns(day=pl.lit(day))

    made = Pipeline(
        "t.shops",
        sources={"rows": csv_files("*.csv", schema=Named)},
        steps=[dated],
        outputs=[table(TABLE, of=dated, mode="append")],
    )
    for name in ("a.csv", "b.csv"):
        deliver(space, name, "shop", "A")
        run_in(made, space, RunRequest(parameters={"day": "2024-01-01"}))
    assert list(Registry(space.lake).versions(TABLE)) == [1]
    assert "_source_file" in Registry(space.lake).require(TABLE, 1).by_name
