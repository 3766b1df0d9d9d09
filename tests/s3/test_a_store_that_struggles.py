"""Listing a real S3 server through a proxy that refuses: what is tried again, how often, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
import pytest
from deltalake import DeltaTable

from framework import Breaker, Pipeline, ReadMoment, Retry, csv_files, hook, table
from framework.cli.run_summary import render
from framework.core.failures import classify
from framework.core.typed import DataFrameModel
from framework.errors import CircuitError, StorageError
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.resilience.calls import Calls
from framework.run.resilience.circuits import Circuits, InMemory
from framework.run.workspace import Workspace
from framework.storage import StorageLocation
from tests.run.resilience.fake_time import FakeTime
from tests.s3.struggling import Script, struggling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.s3.conftest import Bucket

BUSY = (503, "SlowDown", {"Retry-After": "7"})
FORBIDDEN = (403, "AccessDenied", {})


class Sale(DataFrameModel):
    id: int = pa.Field(ge=0)


def sales(**more) -> Pipeline:
    source = csv_files("sales/*.csv", schema=Sale, **more)
    return Pipeline("t.sales", sources={"sales": source}, outputs=[table("sales", of="sales", mode="append")])


class Far:
    """A shop whose raw folder is behind the proxy, and whose waits are not waited for."""

    def __init__(self, bucket: Bucket, folder: Path, address: str, script: Script) -> None:
        bucket.raw.create("sales/1.csv", b"id\n1\n2\n")
        self.script, self.time = script, FakeTime(drawn=0.0)
        settings = bucket.raw.s3.model_copy(update={"endpoint_url": address})
        circuits = Circuits(InMemory(self.time.timing.now), self.time.timing)
        calls = Calls(circuits=circuits, timing=self.time.timing)
        lake = StorageLocation(str(folder / "lake"))
        self.raw = replace(bucket.raw, s3=settings)
        self.space = Workspace(self.raw, lake, calls=calls)

    def run(self, **more):
        return run_in(sales(**more), self.space, RunRequest())


@pytest.fixture
def far(bucket: Bucket, tmp_path: Path) -> Iterator[Far]:
    with struggling(bucket.server.endpoint) as (address, script):
        yield Far(bucket, tmp_path, address, script)


def test_a_listing_that_is_refused_twice_succeeds_on_the_third_try(far: Far):
    far.script.on, far.script.refusals = "list-type", [BUSY, BUSY]
    report = far.run(retry=Retry(attempts=3, first="1s", longest="10s"))
    assert (report.state, report.sources["sales"].accepted) == ("SUCCESS", 2)
    assert (report.sources["sales"].retries, report.sources["sales"].waited_s) == (2, 14.0)
    assert (far.time.waits, len(far.script.seen)) == ([7.0, 7.0], 3)
    assert "          2 calls made again, 14.0 s waited" in render([report])


def test_a_store_without_rights_for_us_is_asked_once(far: Far):
    far.script.on, far.script.refusals = "list-type", [FORBIDDEN] * 9
    with pytest.raises(StorageError) as caught:
        far.run(retry=Retry(attempts=5))
    assert (classify(caught.value).kind, len(far.script.seen)) == ("configuration", 1)


def test_a_hook_may_sign_in_before_the_store_is_asked(far: Far, monkeypatch: pytest.MonkeyPatch):
    @hook("before_read")
    def sign_in(moment: ReadMoment) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMTHEHOOK")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")

    chain = far.raw.s3.model_copy(update={"access_key_id": None, "secret_access_key": None})
    far.space = replace(far.space, raw=replace(far.raw, s3=chain))
    assert far.run(hooks=[sign_in]).sources["sales"].accepted == 2
    assert far.script.signed
    assert all("Credential=AKIAFROMTHEHOOK/" in signed for signed in far.script.signed)


def test_an_open_circuit_spares_the_store(far: Far):
    breaker = Breaker("store", of_last=4, at_least=3, open_for="1m")
    far.script.on, far.script.refusals = "list-type", [BUSY] * 99
    with pytest.raises(CircuitError, match=r"3 of the last 3 calls failed: cannot list s3://.*/raw/sales"):
        far.run(retry=Retry(attempts=9, first="1s", longest="10s"), breaker=breaker)
    asked = len(far.script.seen)
    with pytest.raises(CircuitError):
        far.run(breaker=breaker)
    assert len(far.script.seen) == asked == 3
    far.script.refusals = []
    far.time.wait(60.0)
    assert far.run(breaker=breaker).sources["sales"].breaker == "closed"


def test_a_file_that_cannot_be_looked_at_now_is_looked_at_again(far: Far):
    far.script.on, far.script.refusals = "sales/1.csv", [BUSY] * 5  # as often as the client of the store tries itself
    far.space = replace(far.space, raw=replace(far.raw, tries_again=False))
    report = far.run(retry=Retry(attempts=7, first="1s", longest="10s"))
    assert (report.sources["sales"].accepted, report.sources["sales"].retries) == (2, 5)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(BUSY, "transient"), (FORBIDDEN, "configuration"), ((400, "ExpiredToken", {}), "configuration")],
)
def test_what_polars_and_deltalake_say_of_a_refusal_has_its_class(far: Far, answer, kind):
    options = {**far.raw.options(), "max_retries": 0}
    far.script.refusals = [answer] * 99
    errors = []
    for read in (
        lambda: pl.scan_parquet(far.raw.uri("a.parquet"), storage_options=options).collect(),
        lambda: DeltaTable(far.raw.uri("table"), storage_options={**far.raw.options(), "max_retries": "0"}),
    ):
        with pytest.raises(OSError, match=r".") as caught:
            read()
        errors.append(classify(caught.value))
    # A refusal with a status and no body is all that Polars hears of 400 to a HEAD.
    assert {failure.kind for failure in errors} == {kind}
