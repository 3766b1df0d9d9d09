"""Hooks in runs: when each is called, what it is told, what it may change, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - annotations of hooks are read at run time
from dataclasses import replace

import pandera.polars as pa
import polars as pl
import pytest

from framework import (
    CheckMoment,
    FailureMoment,
    LazyFrame,
    Pipeline,
    PublishMoment,
    ReadMoment,
    StepMoment,
    csv_files,
    delta_table,
    hook,
    step,
    table,
)
from framework.cli.run_summary import render
from framework.core.events import context, listening
from framework.core.hooks import read_hook
from framework.core.typed import DataFrameModel
from framework.errors import BoundaryError, HookError, StepError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.run.news import find_news
from framework.run.position import find_position
from framework.run.request import RunRequest
from tests.run.quarantine_shop import Shop as Folders

POINTS = ["before_read", "after_read", "before_check", "before_step", "after_step", "after_check"]
POINTS += ["before_publish", "after_publish"]


class Sale(DataFrameModel):
    id: int
    quantity: int = pa.Field(gt=0, lt=1000)


class Value(DataFrameModel):
    id: int
    quantity: int = pa.Field(gt=0, lt=1000)


@step(returns=Value)
def valued(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales.select("id", "quantity")


def shop_of(hooks=(), source_hooks=(), **more) -> Pipeline:
    sales = csv_files("sales/*.csv", hooks=source_hooks, **more)
    outputs = [table("sales", of="sales", mode="append"), table("values", of=valued, mode="append")]
    return Pipeline("t.sales", sources={"sales": sales}, steps=[valued], outputs=outputs, hooks=hooks)


class Shop(Folders):
    """A shop of which hooks watch the sales."""

    def sell(self, name: str, *lines: str) -> None:
        self.put(f"sales/{name}.csv", "\n".join(["id,quantity", *lines]) + "\n")

    def rows(self, name: str = "sales") -> list[tuple]:
        handle = open_table(self.space.lake, name)
        return sorted(handle.scan().select("id", "quantity").collect().rows()) if handle else []

    def run_with(self, *hooks, source_hooks=(), **more):
        return self.run(pipeline=shop_of(hooks, source_hooks, **more))


@pytest.fixture
def shop(tmp_path) -> Shop:
    found = Shop(tmp_path, shop_of())
    found.sell("a", "1,10", "2,20", "3,-1")
    return found


class Log:
    """Hooks at every point that keep what they are told."""

    def __init__(self) -> None:
        self.told = []

    def at(self, point: str, word: str = "", **options):
        def keep(moment) -> None:
            self.told.append((word, moment) if word else moment)

        return hook(point, **options)(keep)

    def of(self, point: str):
        return [moment for moment in self.told if moment.point == point]


def test_hooks_are_called_once_each_in_the_order_of_a_run(shop):
    log = Log()
    report = shop.run_with(*(log.at(point) for point in POINTS))
    told = [(m.point, m.place) for m in log.told]
    assert told == [
        ("before_read", "sales"),
        ("after_read", "sales"),
        ("before_check", "sales"),
        ("before_step", "valued"),
        ("after_step", "valued"),
        ("after_check", "sales"),
        ("before_publish", "sales"),
        ("before_publish", "values"),
        ("after_publish", "sales"),
        ("after_publish", "values"),
    ]
    assert {(m.pipeline, m.seq, m.attempt) for m in log.told} == {("t.sales", 1, 1)}
    assert {m.run_id for m in log.told[1:]} == {report.run_id}
    assert sum(one.calls for one in report.hooks.values()) == 10


def test_each_is_told_what_is_known_then(shop):
    log = Log()
    shop.run_with(*(log.at(point) for point in POINTS))
    (read,) = log.of("after_read")
    assert (read.files, read.parts, read.rows.collect()["quantity"].to_list()) == (1, 1, ["10", "20", "-1"])
    (checked,) = log.of("after_check")
    assert (checked.rows_in, checked.accepted, checked.quarantined) == (3, 2, 1)
    assert dict(checked.reasons) == {"quantity: must be > 0": 1}
    (stepped,) = log.of("after_step")
    assert (list(stepped.inputs), stepped.rows.collect_schema().names()) == (["sales"], ["id", "quantity"])
    published = log.of("after_publish")[0]
    assert (published.version, published.rows_added) == (1, 2)
    assert published.key == "t.sales/1/after_publish/sales"


def test_the_project_comes_before_the_pipeline_before_the_source_and_last_afterwards(shop):
    log = Log()

    def levels(point: str):
        return [log.at(point, word) for word in ("project 1", "project 2", "pipeline 1", "pipeline 2", "source")]

    chosen = {point: levels(point) for point in ("before_read", "after_read")}
    pipeline = shop_of(
        [one for hooks in chosen.values() for one in hooks[2:4]],
        [one for hooks in chosen.values() for one in hooks[4:]],
    )
    own = [read_hook(one, "project", "")[0] for hooks in chosen.values() for one in hooks[:2]]
    shop.run(pipeline=pipeline.with_project_hooks(own))
    words = [word for word, moment in log.told if moment.point == "before_read"]
    assert words == ["project 1", "project 2", "pipeline 1", "pipeline 2", "source"]
    assert [word for word, moment in log.told if moment.point == "after_read"] == words[::-1]


def test_steps_are_hooked_from_the_project_inwards_and_back(shop):
    log = Log()
    own = [log.at(point, "pipeline") for point in ("before_step", "after_step")]
    outer = [read_hook(log.at(point, "project"), "project", "")[0] for point in ("before_step", "after_step")]
    shop.run(pipeline=shop_of(own).with_project_hooks(outer))
    assert [word for word, _ in log.told] == ["project", "pipeline", "pipeline", "project"]


@hook("after_read")
def without_signs(moment: ReadMoment) -> pl.LazyFrame:
    return moment.rows.with_columns(pl.col("quantity").str.strip_prefix("-"))


@hook("before_step")
def tenfold(moment: StepMoment) -> Mapping[str, pl.LazyFrame]:
    return {"sales": moment.inputs["sales"].with_columns(pl.col("quantity") * 10)}


@hook("after_step")
def one_less(moment: StepMoment) -> pl.LazyFrame | None:
    return moment.rows.with_columns(pl.col("quantity") - 1)


def test_a_hook_may_change_raw_rows_before_they_are_checked(shop):
    shop.run_with(source_hooks=[without_signs])
    assert shop.rows() == [(1, 10), (2, 20), (3, 1)]


def test_a_hook_may_change_what_a_step_takes_and_gives(shop):
    shop.run_with(tenfold, one_less)
    assert (shop.rows(), shop.rows("values")) == ([(1, 10), (2, 20)], [(1, 99), (2, 199)])


def test_a_hook_may_change_the_rows_of_a_table(shop):
    shop.run_with()

    @hook("after_read")
    def halved(moment: ReadMoment) -> pl.LazyFrame:
        assert (moment.place, moment.table) == ("sales", "sales")
        return moment.rows.with_columns(pl.col("quantity") // 2)

    halves = Pipeline(
        "t.halves",
        sources={"sales": delta_table("sales", schema=Sale, hooks=[halved])},
        outputs=[table("halves", of="sales", mode="overwrite")],
    )
    shop.run(pipeline=halves)
    assert shop.rows("halves") == [(1, 5), (2, 10)]


def test_what_hooks_give_is_held_against_the_rules_of_the_step(shop):
    @hook("before_step")
    def spoil(moment: StepMoment) -> Mapping[str, pl.LazyFrame]:
        return {"sales": moment.inputs["sales"].with_columns(pl.col("quantity") - 15)}

    with pytest.raises(StepError, match="quantity"):
        shop.run_with(spoil)
    assert shop.rows("values") == []


def test_a_hook_that_changes_rows_is_part_of_the_fingerprint_and_one_that_watches_is_not():
    plain = fingerprint(shop_of())
    assert fingerprint(shop_of([Log().at(point) for point in POINTS])) == plain
    changed = [
        fingerprint(shop_of([], [without_signs])),
        fingerprint(shop_of([tenfold])),
        fingerprint(shop_of([one_less])),
    ]
    assert len({plain, *changed}) == 4


def test_a_hook_that_changes_rows_is_told_nothing_of_the_run(shop):
    told = []

    @hook("after_step")
    def marked(moment: StepMoment) -> pl.LazyFrame:
        told.append((moment.run_id, moment.seq, moment.attempt))
        return moment.rows

    with context(attempt=2):
        shop.run_with(marked)
    assert set(told) == {("", 0, 1)}


@hook("after_read")
def drops(moment: ReadMoment) -> pl.LazyFrame:
    return moment.rows.drop("quantity").with_columns(_line=pl.lit("x"), colour=pl.lit("red"))


@hook("before_step")
def strange(moment: StepMoment) -> Mapping[str, pl.LazyFrame]:
    return {"products": moment.inputs["sales"]}


@hook("after_step")
def collected(moment: StepMoment) -> pl.LazyFrame:
    return moment.rows.collect()


@hook("after_step")
def breaks(moment: StepMoment) -> pl.LazyFrame:
    return moment.rows.with_columns(pl.col("nothing"))


@hook("after_step")
def raises(moment: StepMoment) -> pl.LazyFrame:
    raise KeyError("what")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (drops, "at after_read of 'sales' gave other columns: quantity is missing, _line is new, colour is new"),
        (strange, "at before_step of 'valued' gave products; give changed frames by the name of an input: sales"),
        (collected, "at after_step of 'valued' gave DataFrame; give the lazy frame, uncollected"),
        (breaks, "at after_step of 'valued' gave a plan that cannot be resolved"),
        (raises, "at after_step of 'valued' raised KeyError: 'what'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_hook_must_not_give_is_found_without_any_data(wrong, said):
    (problem,) = verify(shop_of([wrong]))
    assert f"hook '{wrong.__module__}:{wrong.__qualname__}' {said}" in problem.what


def test_hooks_that_watch_are_not_called_by_a_look_but_before_a_source_is_reached(shop):
    log = Log()
    pipeline = shop_of([log.at(point) for point in POINTS])
    assert verify(pipeline) == []
    find_news(pipeline, shop.space, find_position(pipeline, shop.space), RunRequest())
    assert [(m.point, m.run_id, m.seq) for m in log.told] == [("before_read", "", 0)]


def test_to_fail_before_publishing_leaves_nothing_to_be_seen(shop):
    @hook("before_publish")
    def refuse(moment: PublishMoment) -> None:
        if moment.place == "values":
            raise ValueError("not on a Sunday")

    with pytest.raises(HookError) as caught:
        shop.run_with(refuse)
    assert str(caught.value).endswith("refuse' at before_publish of 'values' raised ValueError: not on a Sunday")
    assert (shop.rows(), shop.rows("values")) == ([], [])
    shop.run_with()
    assert shop.rows() == [(1, 10), (2, 20)]


def test_a_hook_that_fails_afterwards_is_called_again_under_the_same_key_and_no_row_comes_twice(shop):
    keys, fails = [], [True]

    @hook("after_publish")
    def tell(moment: PublishMoment) -> None:
        keys.append(moment.key)
        if fails:
            fails.clear()
            raise TimeoutError("nobody listens")

    with pytest.raises(HookError):
        shop.run_with(tell)
    assert shop.run_with(tell).state == "SUCCESS"
    first, second = "t.sales/1/after_publish/sales", "t.sales/1/after_publish/values"
    assert keys == [first, first, second]
    assert shop.rows() == [(1, 10), (2, 20)]


def test_a_hook_that_only_warns_is_told_of_and_counted_and_the_run_goes_on(shop):
    @hook("after_publish", on_error="warn")
    def tell(moment: PublishMoment) -> None:
        raise TimeoutError("nobody listens")

    events = []
    with listening(events.append):
        report = shop.run_with(tell)
    (counted,) = report.hooks.values()
    assert (report.state, counted.calls, counted.failed) == ("SUCCESS", 2, 2)
    told = [event.message for event in events if event.name == "hook.failed"]
    assert told[1].endswith("at after_publish of 'values' raised TimeoutError: nobody listens; the run goes on")
    assert len(told) == 2
    assert f"    hook  {__name__}:{tell.__qualname__}: failed 2 of 2 times" in render([report])


def test_the_hooks_of_a_failure_are_told_its_class(shop):
    log = Log()
    with context(attempt=3), pytest.raises(BoundaryError):
        shop.run_with(log.at("on_failure"), on_invalid="fail")
    (told,) = log.told
    assert (told.kind, told.error, told.retryable, told.attempt, told.seq) == ("data", "BoundaryError", False, 3, 1)
    assert "quantity" in told.message


def test_a_hook_of_a_failure_that_fails_does_not_hide_it(shop):
    @hook("on_failure")
    def worse(moment: FailureMoment) -> None:
        raise ValueError("worse")

    events = []
    with listening(events.append), pytest.raises(BoundaryError):
        shop.run_with(worse, on_invalid="fail")
    (told,) = [event.message for event in events if event.name == "hook.failed"]
    assert told.endswith("worse' at on_failure raised ValueError: worse")


def test_a_hook_of_a_check_can_stop_what_it_does_not_like(shop):
    @hook("after_check")
    def doubt(moment: CheckMoment) -> None:
        if moment.quarantined * 10 > moment.rows_in:
            raise ValueError(f"{moment.quarantined} of {moment.rows_in} rows are bad")

    with pytest.raises(HookError, match="1 of 3 rows are bad"):
        shop.run_with(doubt)
    assert shop.rows() == []


def test_what_gives_rows_without_saying_so_is_refused(shop):
    @hook("after_read")
    def quiet(moment: ReadMoment):
        return moment.rows

    with pytest.raises(HookError, match="gave LazyFrame, and does not say so; annotate it with what it gives"):
        shop.run_with(quiet)


def test_raw_rows_come_in_as_many_parts_as_there_are_layouts(shop):
    shop.put("sales/b.csv", "quantity,id\n30,4\n")
    log = Log()
    shop.run_with(log.at("after_read"))
    assert sorted((m.part, m.parts, m.files) for m in log.told) == [(1, 2, 2), (2, 2, 2)]
    assert len({moment.key for moment in log.told}) == 2


def test_a_pipeline_keeps_the_hooks_of_its_project_once():
    own = [read_hook(Log().at("on_failure"), "project", "")[0]]
    once = shop_of().with_project_hooks(own)
    assert once.with_project_hooks(own).hooks == once.hooks == tuple(own)
    assert replace(own[0], level="pipeline") not in once.hooks
