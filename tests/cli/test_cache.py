"""Checkpoints on the command line: what a run says of them, what is listed, and what is removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.calling import in_a_process

pytestmark = pytest.mark.drawn(3)

STEP = "pipelines/shop/daily_totals.py"


@pytest.fixture(scope="module")
def checkpointed(new_project, tmp_path_factory):
    """A project with a checkpoint that has run once. Copied, never changed."""
    folder = Path(shutil.copytree(new_project, tmp_path_factory.mktemp("checkpointed") / "shop"))
    path = folder / STEP
    path.write_text(path.read_text().replace("@step(returns=DailyTotal)", "@step(returns=DailyTotal, checkpoint=True)"))
    done = in_a_process("-C", folder, "run")
    assert "kept  daily_totals: " in done.stdout, done.stdout + done.stderr
    return folder


@pytest.fixture
def shop(checkpointed, tmp_path):
    return Path(shutil.copytree(checkpointed, tmp_path / "shop"))


def kept(sluice, shop) -> list[dict]:
    return json.loads(sluice("cache", "list", "--json", cwd=shop).stdout)["stages"]


def test_run_says_which_rows_it_kept_and_which_it_found(sluice, shop):
    done = sluice("run", "shop.daily_totals", "--full", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "    found daily_totals: " in done.stdout
    assert " ago in " in done.stdout
    stages = json.loads(sluice("run", "shop.daily_totals", "--full", "--json", cwd=shop).stdout)["runs"][-1]["stages"]
    assert stages["daily_totals"]["state"] == "reused"


def test_run_without_the_cache_neither_reads_nor_keeps_anything(sluice, shop):
    sluice("cache", "clear", "--yes", cwd=shop)
    done = sluice("run", "shop.daily_totals", "--full", "--no-cache", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "kept " not in done.stdout
    assert "found " not in done.stdout
    assert kept(sluice, shop) == []


def test_list_says_what_is_kept_and_whether_a_run_would_find_it(sluice, shop):
    (stage,) = kept(sluice, shop)
    told = {name: stage[name] for name in ("pipeline", "step", "found_again", "unfit")}
    assert told == {"pipeline": "shop.daily_totals", "step": "daily_totals", "found_again": True, "unfit": ""}
    assert stage["rows"] > 0
    assert sluice("cache", "list", cwd=shop).stdout.splitlines()[0].split() == [
        *("pipeline", "step", "rows", "size", "seconds", "computed", "last", "used", "found", "again")
    ]
    path = shop / STEP
    path.write_text(path.read_text().replace("orders=pl.len()", "orders=(pl.len() * 2)"))
    (stage,) = kept(sluice, shop)
    assert (stage["found_again"], stage["unfit"]) == (False, "daily_totals changed")
    listed = sluice("cache", "list", cwd=shop)
    assert "no: daily_totals changed" in listed.stdout
    assert "next: sluice cache clear" in listed.stderr
    path.write_text(path.read_text().replace(", checkpoint=True", ""))
    assert kept(sluice, shop)[0]["unfit"] == "its checkpoint is gone"
    path.unlink()
    assert kept(sluice, shop)[0]["unfit"] == "its pipeline is gone"


def test_clear_shows_what_it_would_remove_and_removes_it_when_told_so(sluice, shop):
    shown = sluice("cache", "clear", cwd=shop)
    assert "to be removed: 1 stage" in shown.stdout
    assert "--yes" in shown.stderr
    assert len(kept(sluice, shop)) == 1
    assert "\nremoved: 1 stage" in sluice("cache", "clear", "shop", "--yes", cwd=shop).stdout
    assert kept(sluice, shop) == []
    assert sluice("cache", "list", cwd=shop).stdout == "nothing is kept\n"
    assert sluice("run", "shop.daily_totals", "--full", cwd=shop).returncode == 0
    assert len(kept(sluice, shop)) == 1


@pytest.mark.parametrize("word", ["shop.daily_totals", "shop", "*.daily_*", "shop.daily_totals:daily_totals"])
def test_clear_takes_names_domains_patterns_and_steps(sluice, shop, word):
    assert "to be removed: 1 stage" in sluice("cache", "clear", word, cwd=shop).stdout


def test_clear_of_what_is_not_kept_names_the_nearest(sluice, shop):
    done = sluice("cache", "clear", "shop.daily_total", "--yes", cwd=shop)
    assert done.returncode == 4
    assert "nothing is kept of 'shop.daily_total'; did you mean 'shop.daily_totals" in done.stderr
    assert len(kept(sluice, shop)) == 1


def test_clear_leaves_what_was_used_since(sluice, shop):
    assert "removed: 0 stages" in sluice("cache", "clear", "--older-than", "7d", "--yes", cwd=shop).stdout
    assert len(kept(sluice, shop)) == 1
    assert sluice("cache", "clear", "--older-than", "soon", cwd=shop).returncode == 2
    assert "removed: 1 stage" in sluice("cache", "clear", "--older-than", "1us", "--yes", cwd=shop).stdout


def test_cache_may_stand_outside_the_lake(sluice, shop, tmp_path):
    elsewhere = tmp_path / "cache"
    done = sluice("run", "shop.daily_totals", "--full", cwd=shop, SLUICE_CACHE=str(elsewhere))
    assert "kept  daily_totals" in done.stdout
    assert len(list(elsewhere.glob("*/stage.json"))) == 1


def test_doctor_finds_nothing_wrong_with_a_cache(sluice, shop):
    found = json.loads(sluice("doctor", "--json", cwd=shop).stdout)
    assert "_cache" not in json.dumps(found)
    assert {one["state"] for one in found["findings"] if one["subject"].startswith(("table", "pipeline"))} <= {"ok"}
