"""Migrations: all rows of a table brought to its declared schema as one version, exactly once."""

from __future__ import annotations

import threading
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import Migration
from framework.core import faults
from framework.errors import AuthorError, CompatibilityError, SelectionError, StepError
from framework.registry import Registry
from framework.run.schemas.migration import migrate, owner_of, plan_migration
from tests.run.schemas_of_shops import TABLE, deliver, everything, opened, reader, run, shops, workspace


class Shop(pa.DataFrameModel):
    shop: str
    price: pl.Float64 = pa.Field(ge=0)
    note: str = pa.Field(nullable=True)


class Store(pa.DataFrameModel):
    store: str
    price: pl.Decimal(9, 2) = pa.Field(ge=0)
    note: str
    city: str


MOVES = Migration(rename={"shop": "store"}, cast=["price"], fill={"note": "-", "city": "unknown"})


@pytest.fixture
def space(tmp_path):
    made = workspace(tmp_path)
    deliver(made, "a.csv", "shop,price,note", "A,1.25,x", "B,2.5,")
    run(shops(Shop, "merge"), made)
    return made


def data_files(space):
    return sorted(Path(space.lake.uri(TABLE)).rglob("*.parquet"))


def stores(migration=MOVES, schema=Store, **options):
    return shops(schema, "merge", **{"key": "store", "migration": migration, **options})


def shown(space, version=None):
    found = opened(space, version).scan().collect()
    return sorted(found.select(n for n in found.columns if not n.startswith("_source")).rows())


def cents(old: pl.LazyFrame) -> pl.LazyFrame:
    return old.with_columns(pl.col("price").cast(pl.Decimal(9, 2)))


MOVED = [("A", "1.25", "x", "unknown"), ("B", "2.50", "-", "unknown")]


def moved(space):
    return [(store, str(price), note, city) for store, price, note, city in shown(space)]


def test_a_mapping_brings_all_rows_along_as_one_version_with_positions_and_history_kept(space):
    before = opened(space).version
    done = migrate(stores(), TABLE, space)
    assert (done.schema_version, done.version, done.rows, done.by_us) == (2, before + 1, 2, True)
    assert moved(space) == MOVED
    assert shown(space, before) == [("A", 1.25, "x"), ("B", 2.5, None)]
    assert opened(space).sequence("sluice/t.shops/shops") == 1
    assert run(stores(), space).state == "UNCHANGED"


def test_a_run_after_it_meets_the_migrated_rows(space):
    migrate(stores(), TABLE, space)
    deliver(space, "b.csv", "store,price,note,city", "B,3.00,y,Rome")
    run(stores(), space)
    assert moved(space) == [MOVED[0], ("B", "3.00", "y", "Rome")]


def test_a_second_one_changes_nothing(space):
    migrate(stores(), TABLE, space)
    before = everything(space)
    assert migrate(stores(), TABLE, space).by_us is False
    assert everything(space) == before


def test_a_backfill_gives_rows_what_no_mapping_can(space):
    def cities(old: pl.LazyFrame) -> pl.LazyFrame:
        price = (pl.col("price") * 2).cast(pl.Decimal(9, 2))
        return old.with_columns(city=pl.concat_str("store", pl.lit("-ville")), price=price, note=pl.lit("n"))

    migrate(stores(Migration(rename={"shop": "store"}, backfill=cities)), TABLE, space)
    assert moved(space) == [("A", "2.50", "n", "A-ville"), ("B", "5.00", "n", "B-ville")]


def test_a_backfill_is_given_cast_columns_in_their_new_type(space):
    def twice(old: pl.LazyFrame) -> pl.LazyFrame:
        assert old.collect_schema()["price"] == pl.Decimal(9, 2)
        return old.with_columns((pl.col("price") + pl.col("price")).cast(pl.Decimal(9, 2)))

    migrate(stores(Migration(**{**vars(MOVES), "backfill": twice})), TABLE, space)
    assert moved(space) == [("A", "2.50", "x", "unknown"), ("B", "5.00", "-", "unknown")]


def test_rows_that_are_written_again_are_held_against_the_schema_too(space):
    class DearStore(Store):
        price: pl.Decimal(9, 2) = pa.Field(ge=2)

    before, files = opened(space).version, data_files(space)
    with pytest.raises(CompatibilityError, match=r"nothing was changed:\n  - 1 x price: must be >= 2"):
        migrate(stores(schema=DearStore), TABLE, space)
    assert (opened(space).version, opened(space).schema_version) == (before, 1)
    assert data_files(space) == files


def test_everything_that_stands_in_its_way_is_said_at_once_and_nothing_changes(space):
    before = everything(space)
    lacking = Migration(rename={"shop": "storre"}, fill={"town": "x"})
    with pytest.raises(CompatibilityError) as caught:
        migrate(stores(lacking, partition_by="city"), TABLE, space)
    assert str(caught.value) == (
        "table 'shops' cannot be migrated; nothing was changed:\n"
        "  - store: column added (String, required): give fill={'store': ...} or a backfill in the table's migration=\n"
        "  - price: type changed (was Float64, is Decimal(precision=9, scale=2)): give cast=['price'] or a backfill in"
        " the table's migration=\n"
        "  - note: nulls refused (must not be null now): give fill={'note': ...} or a backfill in the table's"
        " migration=\n"
        "  - city: column added (String, required): give fill={'city': ...} or a backfill in the table's migration=\n"
        "  - rows: partitioning changed (was none, is city): a table keeps the partitions it was made with; write"
        " another table\n"
        "  - rename names 'storre', which is not declared; did you mean 'store'?\n"
        "  - fill names 'town', which is not declared; known: _source_file, _source_line, _source_time, city, note,"
        " price, store"
    )
    assert everything(space) == before


def test_rows_that_break_the_schema_are_counted_and_nothing_is_visible(space):
    class Dear(Shop):
        price: pl.Float64 = pa.Field(ge=2)

    before = opened(space).version
    with pytest.raises(CompatibilityError) as caught:
        migrate(shops(Dear, "merge"), TABLE, space)
    assert str(caught.value) == (
        "rows of table 'shops' break the schema that it is migrated to; nothing was changed:\n"
        "  - 1 x price: must be >= 2\n"
        "  give the table's migration= a backfill that mends them, or compute them again with `sluice run t.shops"
        " --full`"
    )
    assert opened(space).version == before

    class Cheap(Shop):
        price: pl.Float64 = pa.Field(ge=1)

    files = {file.path for file in opened(space).files()}
    done = migrate(shops(Cheap, "merge"), TABLE, space)
    assert (done.schema_version, opened(space).schema_version) == (3, 3)
    assert {file.path for file in opened(space).files()} == files


def test_a_key_that_rows_share_is_refused(space):
    deliver(space, "b.csv", "shop,price,note", "C,1.25,x")
    run(shops(Shop, "merge"), space)
    with pytest.raises(CompatibilityError, match="1 x more than one row with the same price"):
        migrate(shops(Shop, "merge", key="price"), TABLE, space)


@pytest.mark.parametrize(
    ("backfill", "words"),
    [
        (lambda _: 3, "the backfill of 'shops' returned int; return the lazy frame, uncollected"),
        (lambda old: old.nope(), "the backfill of 'shops' raised AttributeError: 'LazyFrame' object has no attribute"),
        (
            lambda old: old.drop("nope"),
            "the backfill of 'shops' gives a plan that cannot be resolved: \"nope\" not found",
        ),
        (lambda old: old, "step 'backfill of shops' does not give what Store declares: price is Float64, declared Dec"),
        (lambda old: old.drop("_source_file").pipe(cents), "the backfill of 'shops' does not give _source_file"),
    ],
)
def test_a_backfill_that_does_not_work_is_named(space, backfill, words):
    with pytest.raises(AuthorError, match=words):
        migrate(stores(Migration(rename={"shop": "store"}, fill={"city": "x"}, backfill=backfill)), TABLE, space)
    assert opened(space).schema_version == 1


def test_a_value_that_does_not_fit_its_new_type_fails_it(space):
    class Whole(Shop):
        price: pl.Int8 = pa.Field(ge=0)

    deliver(space, "b.csv", "shop,price,note", "C,1000,x")
    run(shops(Shop, "merge"), space)
    files = data_files(space)
    with pytest.raises(StepError, match=r"table 'shops' cannot be migrated: .*conversion from `f64` to `i8` failed"):
        migrate(shops(Whole, "merge", migration=Migration(cast=["price"])), TABLE, space)
    assert data_files(space) == files


def test_readers_that_it_would_break_are_named(tmp_path):
    class Total(pa.DataFrameModel):
        price: pl.Float64

    def total(frame):
        return frame.select(pl.col("price").sum())

    space = workspace(tmp_path, reader(Shop, Total, total))
    deliver(space, "a.csv", "shop,price,note", "A,1.25,x")
    run(shops(Shop, "merge"), space)
    with pytest.raises(CompatibilityError, match=r"breaks t\.reader, source 'shops', price: type changed"):
        migrate(stores(), TABLE, space)


@pytest.mark.parametrize("point", ["sync.before", "commit.before", "commit.after"])
def test_broken_at_any_point_it_is_old_or_new_and_done_by_the_next(space, monkeypatch, point):
    faults._hits.clear()
    old = shown(space)
    monkeypatch.setenv("SLUICE_FAULT", f"{point}:raise:1")
    if point == "commit.after":
        migrate(stores(), TABLE, space)
    else:
        with pytest.raises(OSError, match="fault injected"):
            migrate(stores(), TABLE, space)
        assert shown(space) == old
    monkeypatch.delenv("SLUICE_FAULT")
    migrate(stores(), TABLE, space)
    assert moved(space) == MOVED
    assert (opened(space).schema_version, list(Registry(space.lake).versions(TABLE))) == (2, [1, 2])
    assert opened(space).version == 2


def test_a_run_that_commits_meanwhile_loses_nothing(space, monkeypatch):
    """The table moves on between staging and commit: what came in is migrated too."""
    from framework.run.schemas import migration as module

    original, overtaken = module._Work.stage, []

    def stage(self, handle, version):
        staged = original(self, handle, version)
        if not overtaken:
            overtaken.append(True)
            deliver(space, "b.csv", "shop,price,note", "C,7.5,z")
            run(shops(Shop, "merge"), space)
        return staged

    monkeypatch.setattr(module._Work, "stage", stage)
    migrate(stores(), TABLE, space)
    assert moved(space) == [*MOVED, ("C", "7.50", "z", "unknown")]
    assert opened(space).sequence("sluice/t.shops/shops") == 2


def test_two_at_once_make_one_version(space):
    together, done = threading.Barrier(2), []

    def racer():
        together.wait()
        done.append(migrate(stores(), TABLE, space))

    racers = [threading.Thread(target=racer) for _ in range(2)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert moved(space) == MOVED
    assert [one.schema_version for one in done] == [2, 2]
    assert (opened(space).version, list(Registry(space.lake).versions(TABLE))) == (2, [1, 2])


def test_tables_that_are_not_there_are_named(space):
    with pytest.raises(SelectionError, match=r"no pipeline writes a table 'shop'; did you mean 'shops'\?"):
        owner_of([stores()], "shop")
    deliver(space, "a.csv", "shop,price,note", "A,1.25,x")
    other = workspace(Path(space.raw.root))
    with pytest.raises(SelectionError, match=r"the lake has no table 'shops' yet; `sluice run t\.shops` makes it"):
        plan_migration(stores(), TABLE, other)
