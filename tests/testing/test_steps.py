"""A project with a mistake of each kind: each is found, with the smallest input; mended, nothing is."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.definition.load import load_pipelines
from framework.settings import load_settings
from framework.testing import related
from framework.testing.compare import difference
from framework.testing.steps import INCREMENTAL, Trial, try_pipelines
from framework.testing.steps.finding import Broken, Finding, as_python
from framework.testing.steps.hunt import Caught, Effort, Unusable, hunt, with_a_row_less
from tests.testing.planted import FED, STEPS, write_project

pytestmark = pytest.mark.drawn(3)

SEEDS = range(6)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Let a slow machine make failing input as small as a fast one does: what ends it here is the count of tries."""
    monkeypatch.setattr("framework.testing.steps.hunt.LONGEST_S", float("inf"))


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """The pipelines of the project with mistakes and of the mended one, by name."""
    found = {}
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in {"pipelines", "schemas"}}
    path = list(sys.path)
    for mended in (False, True):
        _forget()
        folder = tmp_path_factory.mktemp("mended" if mended else "planted")
        write_project(folder, mended=mended)
        found[mended] = load_pipelines(load_settings(folder))
    _forget()
    sys.modules.update(kept)
    sys.path[:] = path
    return found


def _forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in {"pipelines", "schemas"}]:
        del sys.modules[name]


@pytest.mark.parametrize("step", STEPS)
def test_a_mistake_in_a_step_is_found_and_none_where_it_is_mended(projects, step):
    check = STEPS[step][0]
    planted, mended = (only_step(projects[kind], step) for kind in (False, True))
    for seed in SEEDS:
        one = planted(Trial(examples=40, seed=seed, shrinks=30))
        if one.state == "failed":
            break
    assert one.state == "failed"
    assert one.finding.check == check or {one.finding.check, check} == {"order", "engines"}
    assert all(frame.height <= 12 for frame in one.finding.inputs.values())
    other = mended(Trial(examples=8))
    assert (other.state, other.examples, other.finding) == ("passed", 8, None)


def only_step(pipelines, step):
    """The trial of one step of `shop.steps`, without the others."""
    from framework.testing.steps.project import _tasks, _try

    def run(trial):
        tasks = _tasks(pipelines["shop.steps"], list(pipelines.values()), trial, set())
        return _try(next(task for task in tasks if task.step == step), trial, float("inf"), 1)

    return run


@pytest.mark.parametrize("name", FED)
def test_an_increment_that_differs_from_a_full_run_is_found(projects, name):
    for mended in (False, True):
        pipelines = projects[mended]
        trial = Trial(examples=5 if mended else 40, shrinks=80)
        found = {one.step: one for one in try_pipelines([pipelines[f"shop.{name}"]], pipelines.values(), trial)}
        one = found[INCREMENTAL]
        assert one.state == ("passed" if mended else "failed")
        if not mended:
            assert one.finding.check == "incremental"
            assert one.finding.found.startswith(f"table shop/{name} has other rows after ")
            assert set(one.finding.difference["in"]) <= {"full", "incremental"}
            assert one.finding.inputs["orders"].columns[0] == "delivery"
            assert one.finding.inputs["orders"].height <= 12


def test_a_seed_gives_the_same_findings(projects):
    run = only_step(projects[False], "quantities")
    first, second = (run(Trial(examples=20, seed=3, shrinks=20)) for _ in range(2))
    assert first.finding.to_dict() == second.finding.to_dict()
    assert first.examples == second.examples


def test_when_time_is_up_the_rest_is_skipped(projects):
    pipelines = projects[True]
    trial = Trial(seconds=1e-9)
    found = list(try_pipelines([pipelines["shop.running"]], pipelines.values(), trial))
    assert {(one.state, one.reason) for one in found} == {("skipped", "time is up: give it more --seconds")}


def test_nothing_of_hypothesis_is_left_in_the_project(projects, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipelines = projects[True]
    assert list(try_pipelines([pipelines["shop.running"]], pipelines.values(), Trial(examples=3)))
    assert list(Path(tmp_path).iterdir()) == []


def test_the_input_in_python_makes_the_input():
    from datetime import UTC, date, datetime, time, timedelta
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    frame = pl.DataFrame(
        {
            "n": pl.Series([1, None], dtype=pl.UInt8),
            "f": [float("nan"), float("-inf")],
            "d": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(9, 2)),
            "t": ["a'b\n", ""],
            "day": [date(2024, 2, 29), None],
            "at": pl.Series([datetime(2024, 5, 1, 1, tzinfo=UTC), None], dtype=pl.Datetime("ms", "UTC")),
            "zoned": pl.Series(
                [datetime(2024, 5, 1, 1, tzinfo=berlin), None], dtype=pl.Datetime("us", "Europe/Berlin")
            ),
            "naive": pl.Series([datetime(2024, 5, 1, 1), None], dtype=pl.Datetime("us")),  # noqa: DTZ001
            "clock": [time(1, 2), None],
            "took": pl.Series([timedelta(hours=1), None], dtype=pl.Duration("us")),
            "kind": pl.Series(["x", None], dtype=pl.Enum(["x", "y"])),
            "bytes": [b"\x00", None],
            "list": pl.Series([[1.5, float("inf")], None], dtype=pl.List(pl.Float64)),
            "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
            "struct": pl.Series([{"x": 1, "y": [date(2024, 1, 1)]}, None]),
        }
    )
    made: dict = {}
    exec(as_python({"rows": frame, "none": frame.clear()}), made)
    assert_frame_equal(made["rows"].collect(), frame)
    assert_frame_equal(made["none"].collect(), frame.clear())


def test_rows_are_compared_as_often_as_they_occur_whatever_their_order():
    one = pl.DataFrame({"a": [1, 1, 2], "f": [0.1 + 0.2, float("nan"), -0.0]})
    other = pl.DataFrame({"f": [0.0, 0.3, float("nan")], "a": [2, 1, 1]})
    assert difference(one, other, names=("x", "y")) is None
    found = difference(one, other.with_columns(a=pl.lit(1)), names=("x", "y"))
    assert found.select("in", "a").rows() == [("x", 2), ("y", 1)]
    assert difference(one, one[[0, 1, 2, 2]], names=("x", "y")).rows() == [("y", 2, -0.0)]
    missing = difference(one, one.drop("f"), names=("x", "y"))
    assert missing.rows() == [("x", "f"), ("y", "")]
    assert difference(one, one.with_columns(f=pl.col("f") + 1e-6), names=("x", "y")).height == 4


def test_a_finding_is_told_to_people_and_to_machines():
    rows = pl.DataFrame({"a": [1]})
    finding = Finding(
        "order", "the same rows", "other rows", {"orders": rows}, rows.select(pl.lit("x").alias("in"), "a")
    )
    assert list(finding.render()) == [
        "expected: the same rows",
        "found:    other rows",
        "input 'orders', 1 row:",
        "     a",
        "     1",
        "rows that only one result has:",
        "     in  a",
        "     x   1",
        "the input in Python:",
        "    import polars as pl",
        "    ",
        "    orders = pl.LazyFrame(",
        "        [",
        "            (1,),",
        "        ],",
        "        schema={'a': pl.Int64()},",
        '        orient="row",',
        "    )",
    ]
    assert finding.to_dict()["inputs"] == {"orders": {"columns": {"a": "Int64"}, "rows": [{"a": 1}]}}


def test_a_failing_input_is_made_as_small_as_it_gets():
    schema = {"a": pl.Int64}
    numbers = st.lists(st.integers(0, 9), max_size=12).map(lambda found: {"x": pl.DataFrame({"a": found}, schema)})

    def expect(frames):
        if (frames["x"]["a"] > 5).sum() > 1:
            raise Broken(Finding("order", "few", "many", frames))

    caught = hunt(numbers, expect, Effort(200, 1, shrinks=60), smaller=with_a_row_less)
    assert caught.finding.inputs["x"]["a"].to_list() == [6, 6]
    assert 0 < caught.examples < 200


def test_what_fails_only_sometimes_is_not_lost():
    calls = []

    def expect(number):
        calls.append(number)
        if len(calls) == 3:
            raise Broken(Finding("repeat", "always", "once"))

    caught = hunt(st.integers(), expect, Effort(20, 1, shrinks=5), smaller=lambda _: ())
    assert (caught.examples, caught.finding.check) == (3, "repeat")


def test_examples_that_tell_nothing_are_not_counted_and_do_not_go_on_for_ever():
    calls = []

    def expect(number):
        calls.append(number)
        raise Unusable

    assert hunt(st.integers(), expect, Effort(10, 1), smaller=lambda _: ()) == Caught(0)
    assert len(calls) <= 30


def test_rows_are_left_out_by_halves_and_one_by_one_but_for_frames_that_are_kept():
    frames = {"x": pl.DataFrame({"a": [1, 2, 3, 4]}), "y": pl.DataFrame({"a": [1]})}
    found = [(f["x"]["a"].to_list(), f["y"].height) for f in with_a_row_less(frames)]
    halves, ones = [[3, 4], [1, 2]], [[2, 3, 4], [1, 3, 4], [1, 2, 4], [1, 2, 3]]
    assert found == [*((rows, 1) for rows in [*halves, *ones]), ([1, 2, 3, 4], 0)]
    assert [f["x"].height for f in with_a_row_less(frames, {"x"})] == [4]


def test_references_are_known_and_tables_have_the_key_by_which_they_are_merged():
    known = load_pipelines(load_settings(Path(__file__).parents[2]))
    seen = []

    every = list(HealthCheck)

    @settings(database=None, max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=every)
    @given(related(known["retail.sales"], pipelines=known.values()))
    def collect(frames):
        sales, products = frames["sales"], frames["products"]
        assert set(sales["product_id"]) <= set(products["product_id"])
        assert products["product_id"].is_unique().all()
        assert sales.columns[-3:] == ["_source_time", "_source_file", "_source_line"]
        seen.append(sales.height)

    collect()
    assert max(seen) > 3


def test_rows_are_left_out_where_hypothesis_has_no_tries_left():
    numbers = st.just({"x": pl.DataFrame({"a": [1, 7, 2, 8, 3, 9]})})

    def expect(frames):
        if (frames["x"]["a"] > 5).sum() > 1:
            raise Broken(Finding("order", "few", "many", frames))

    caught = hunt(numbers, expect, Effort(5, 1, shrinks=20), smaller=with_a_row_less)
    assert caught.finding.inputs["x"]["a"].to_list() == [8, 9]
    once = hunt(numbers, expect, Effort(5, 1, shrinks=0), smaller=with_a_row_less)
    assert once.finding.inputs["x"].height == 6
