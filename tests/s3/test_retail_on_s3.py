"""The same pipelines on an object store: the same tables as on local disk, full, incremental, and with nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.retail.sample import generate
from tests.s3.conftest import SECRET
from tests.torture.deliveries import deliver
from tests.torture.history import check_history, read_table, state_of
from tests.torture.runners import Runner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3.conftest import Bucket
    from tests.torture.runners import Crew

RETAIL = [
    "retail.products",
    "retail.customers",
    "retail.inventory",
    "retail.campaigns",
    "retail.sales",
    "retail.daily_sales",
    "retail.stock",
    "retail.customer_value",
    "retail.campaign_performance",
]
SMALL = {"seed": 5, "days": 4, "rows": 120}


def tables(lake: Path) -> list[str]:
    """The names of all tables below a folder."""
    return sorted(str(log.parent.relative_to(lake)) for log in lake.rglob("_delta_log"))


def test_all_retail_pipelines_give_the_same_tables_as_on_local_disk(bucket: Bucket, crew: Crew, tmp_path: Path):
    local = {"raw": str(tmp_path / "raw"), "lake": str(tmp_path / "lake"), "pipelines": RETAIL}
    remote = {**bucket.job, "pipelines": RETAIL}
    for days in ((1, 3), (4, 4)):
        generate(tmp_path / "raw", **SMALL, deliver=days)
        bucket.upload(tmp_path / "raw")
        ours, theirs = crew.do(**remote), crew.do(**local)
        assert ours["error"] is theirs["error"] is None
        assert ours["states"] == theirs["states"]
    assert set(crew.do(**remote)["states"].values()) == {"UNCHANGED"}
    copy = bucket.download(tmp_path / "copy")
    assert tables(copy) == tables(tmp_path / "lake")
    for name in tables(copy):
        if name.startswith("_quality/"):  # it holds when the tables changed
            continue
        ours, theirs = read_table(copy, name).states(), read_table(tmp_path / "lake", name).states()
        assert ours == theirs, name


@pytest.mark.drawn(3)
def test_every_version_on_s3_is_sound(bucket: Bucket, crew: Crew, tmp_path: Path):
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    grid = [state_of(lake)]
    for number in (1, 2):
        deliver(raw, number)
        bucket.upload(raw)
        assert crew.do(raw=str(raw), lake=str(lake))["error"] is None
        grid.append(state_of(lake))
        assert crew.do(**bucket.job)["error"] is None
    assert check_history(bucket.download(tmp_path / "copy"), grid, is_finished=True) == []


@pytest.mark.drawn(3)
def test_a_run_with_nothing_new_writes_no_object(bucket: Bucket, crew: Crew, tmp_path: Path):
    deliver(tmp_path, 1)
    bucket.upload(tmp_path)
    crew.do(**bucket.job)
    before = bucket.lake.filesystem().find(bucket.lake.uri(), detail=True)
    assert set(crew.do(**bucket.job)["states"].values()) == {"UNCHANGED"}
    assert bucket.lake.filesystem().find(bucket.lake.uri(), detail=True) == before


@pytest.mark.drawn(3)
def test_secrets_appear_in_no_object_no_event_and_no_error(
    bucket: Bucket, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    deliver(tmp_path, 1)
    bucket.upload(tmp_path)
    runner = Runner()
    done = runner.do(**bucket.job)
    failed = [
        runner.do(**{**bucket.job, "lake": "s3://no-such-bucket/lake"}),
        runner.do(**{**bucket.job, "raw": "s3://no-such-bucket/raw"}),
        runner.do(**{**bucket.job, "s3": {**bucket.server.settings, "endpoint_url": "http://127.0.0.1:1"}}),
    ]
    runner.kill()
    runner.bury()
    assert done["error"] is None
    assert all(answer["error"] for answer in failed), failed
    objects = bucket.lake.filesystem().find(bucket.lake.uri())
    held = b"".join(bucket.lake.filesystem().cat_file(name) for name in objects).decode(errors="replace")
    rows = str(state_of(bucket.download(tmp_path / "copy")))
    printed = capfd.readouterr()
    for text in (held, rows, str(done), str(failed), printed.out, printed.err, "".join(bucket.server.log)):
        assert SECRET not in text
        assert SECRET[:12] not in text
    assert "table.published" in str(done["events"])
