"""Calls to sources: which are made again, after which waits, how often, and what is counted and told."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import pytest

from framework import Breaker, Pipeline, Retry, csv_files, delta_table, table
from framework.core.events import listening
from framework.core.reaching import reach
from framework.errors import CircuitError, ConfigurationError, StorageError
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.resilience.calls import AT_SOURCES, Calls, calls_of, retry_of
from framework.run.resilience.circuits import Circuits, InMemory, KeeperLostError
from framework.settings import Settings
from tests.run.quarantine_shop import Product, Shop
from tests.run.resilience.fake_time import FakeTime


class Source:
    """A source that fails some times before it answers, and the calls to it."""

    def __init__(self, *errors: BaseException, drawn: float = 0.5, **declared: Any) -> None:
        self.time, self.errors, self.asked = FakeTime(drawn=drawn), list(errors), 0
        self.events: list[Any] = []
        circuits = Circuits(InMemory(self.time.timing.now), self.time.timing)
        self.calls = Calls(circuits=circuits, timing=self.time.timing)
        self.declared = csv_files("sales/*.csv", **declared)

    def answer(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "here"

    def ask(self) -> str:
        with listening(self.events.append), self.calls.to("sales", self.declared):
            return reach("list sales/*.csv", self.answer)

    def told(self, name: str) -> list[str]:
        return [event.message for event in self.events if event.name == name]


def refused(after: str | None = None, code: str = "SlowDown", status: int = 503) -> OSError:
    """What s3fs raises where the store has answered with a refusal."""
    headers = {} if after is None else {"Retry-After": after}
    error, answer = OSError(errno.EBUSY, "Please reduce your request rate"), Exception("refused")
    answer.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}
    error.__cause__ = answer
    return error


def test_a_call_is_made_until_it_succeeds_and_every_other_one_is_counted():
    source = Source(ConnectionResetError("reset"), TimeoutError("slow"), retry=Retry(attempts=3, first="1s"))
    assert source.ask() == "here"
    counts = source.calls.counted("sales")
    assert (counts.calls, counts.retries, counts.waited_s) == (1, 2, sum(source.time.waits))
    assert source.told("source.retry") == [
        "sales: cannot list sales/*.csv; once more in 2.0 s (1 of 3): reset",
        "sales: cannot list sales/*.csv; once more in 3.5 s (2 of 3): slow",
    ]


def test_the_last_error_stands_and_the_log_says_why_nothing_more_is_tried():
    source = Source(*(ConnectionResetError(f"{n}") for n in range(9)), retry=Retry(attempts=3))
    with pytest.raises(ConnectionResetError, match="2"):
        source.ask()
    assert source.told("source.given_up") == ["sales: cannot list sales/*.csv, given up: tried 3 times"]


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("no folder"),
        PermissionError(errno.EACCES, "no"),
        FileNotFoundError("gone"),
        refused(code="AccessDenied", status=403),
        ValueError("a bug"),
    ],
    ids=repr,
)
def test_what_another_moment_does_not_mend_is_not_tried_again(error):
    source = Source(error)
    with pytest.raises(type(error)):
        source.ask()
    assert (source.asked, source.time.waits) == (1, [])


def test_a_store_that_names_a_time_is_asked_again_no_sooner():
    source = Source(refused("7"), refused("0"), retry=Retry(attempts=3, first="1s", longest="10s"), drawn=0.0)
    assert source.ask() == "here"
    assert source.time.waits == [7.0, 1.0]


def test_a_store_that_names_a_time_beyond_the_longest_wait_is_not_waited_for():
    source = Source(refused("3600"), retry=Retry(attempts=3, longest="10s"))
    with pytest.raises(OSError, match="request rate"):
        source.ask()
    assert source.time.waits == []
    assert source.told("source.given_up") == [
        "sales: cannot list sales/*.csv, given up: asked to wait for 3600 s, longer than 0:00:10"
    ]


def test_no_call_begins_after_the_time_that_is_given():
    source = Source(*(TimeoutError() for _ in range(99)), retry=Retry(attempts=99, within="10s", first="4s"), drawn=0.0)
    with pytest.raises(TimeoutError):
        source.ask()
    assert (source.asked, source.time.waits) == (3, [4.0, 4.0])


def test_calls_of_one_source_share_a_budget():
    source = Source(retry=Retry(attempts=3, budget=3))
    for fails in (1, 1, 1):
        source.errors = [TimeoutError() for _ in range(fails)]
        assert source.ask() == "here"
    source.errors = [TimeoutError()]
    with pytest.raises(TimeoutError):
        source.ask()
    assert source.told("source.given_up") == [
        "sales: cannot list sales/*.csv, given up: the budget of 3 retries for this source is spent"
    ]
    assert source.calls.of_a_run().counted("sales").retries == 0


def test_the_source_goes_before_the_project():
    source = Source(TimeoutError(), retry=Retry(attempts=1))
    with pytest.raises(TimeoutError):
        source.ask()
    source = Source(TimeoutError())
    source.calls = replace(source.calls, retry=Retry(attempts=1))
    with pytest.raises(TimeoutError):
        source.ask()
    assert source.asked == 1


def test_the_project_says_it_in_its_settings(tmp_path):
    (tmp_path / "sluice.toml").write_text('[retry]\nattempts = 5\nwithin = "2m"\n')
    found = retry_of(Settings(project=tmp_path))
    assert (found.attempts, found.within.total_seconds()) == (5, 120)


def test_a_project_that_says_nothing_tries_as_calls_without_a_project_do(tmp_path):
    assert retry_of(Settings(project=tmp_path)) == AT_SOURCES


def test_a_setting_that_cannot_be_meant_is_named(tmp_path):
    (tmp_path / "sluice.toml").write_text('[retry]\nattempts = 0\nfirst = "soon"\n')
    with pytest.raises(ConfigurationError) as caught:
        retry_of(Settings(project=tmp_path))
    assert str(caught.value) == (
        "[retry] in sluice.toml (or SLUICE_RETRY__*) cannot be used:\n"
        "  - Retry: first='soon' is no length of time (write 90s, 30m or 2h)\n"
        "  - Retry: attempts=0 is too few (1 never tries again)"
    )


BREAKER = Breaker("crm", of_last=4, at_least=2, open_for="1m")


def test_a_source_that_keeps_failing_is_not_touched_until_its_time_is_up():
    source = Source(
        *(TimeoutError("timed out") for _ in range(9)), breaker=BREAKER, retry=Retry(attempts=5, first="1s")
    )
    with pytest.raises(CircuitError) as caught:
        source.ask()
    assert source.asked == 2
    assert str(caught.value) == (
        "the circuit of 'crm' is open since 1970-01-12 13:46:42 until 13:47:42 UTC;"
        " 2 of the last 2 calls failed: timed out"
    )
    with pytest.raises(CircuitError):
        source.ask()
    assert source.asked == 2


def test_a_probe_that_succeeds_closes_the_circuit():
    source = Source(TimeoutError("1"), TimeoutError("2"), breaker=BREAKER, retry=Retry(attempts=1))
    for _ in range(2):
        with pytest.raises(TimeoutError):
            source.ask()
    with pytest.raises(CircuitError):
        source.ask()
    source.time.wait(60.0)
    assert [source.ask(), source.ask()] == ["here", "here"]
    assert source.calls.circuits.phase("crm") == "closed"


def test_a_probe_that_fails_opens_it_again():
    source = Source(*(TimeoutError() for _ in range(3)), breaker=BREAKER, retry=Retry(attempts=1))
    for _ in range(2):
        with pytest.raises(TimeoutError):
            source.ask()
    source.time.wait(60.0)
    with pytest.raises(TimeoutError):
        source.ask()
    with pytest.raises(CircuitError):
        source.ask()
    assert source.asked == 3


def test_a_refusal_of_what_was_asked_is_an_answer_and_opens_nothing():
    source = Source(*(PermissionError("no") for _ in range(9)), breaker=BREAKER)
    for _ in range(9):
        with pytest.raises(PermissionError):
            source.ask()
    assert source.calls.circuits.phase("crm") == "closed"


class Lost:
    """A ledger that is gone."""

    def read(self, name):
        raise KeeperLostError("no such host")

    def write(self, name, seen, circuit):
        raise KeeperLostError("no such host")


def test_without_a_ledger_a_process_keeps_its_own_circuits_and_says_so_once():
    source = Source(*(TimeoutError() for _ in range(9)), breaker=BREAKER, retry=Retry(attempts=1))
    source.calls.circuits.keeper = Lost()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            source.ask()
    with pytest.raises(CircuitError):
        source.ask()
    assert source.told("breaker.alone") == [
        "circuit breakers are this process' own from here on, as the ledger cannot be used: no such host"
    ]


def test_a_secret_in_an_error_is_not_kept_by_a_circuit():
    settings = Settings(s3={"secret_access_key": "canary-0123456789"})
    source = Source(TimeoutError("said canary-0123456789"), breaker=BREAKER, retry=Retry(attempts=1))
    source.calls = replace(source.calls, mask=calls_of(settings).mask)
    with pytest.raises(TimeoutError):
        source.ask()
    assert source.calls.circuits.keeper.read("crm").circuit.last_error == "said ***"


def test_an_interrupted_probe_is_no_answer():
    source = Source(TimeoutError(), KeyboardInterrupt(), breaker=replace(BREAKER, of_last=1, at_least=1))
    source.calls = replace(source.calls, retry=Retry(attempts=1))
    with pytest.raises(TimeoutError):
        source.ask()
    source.time.wait(60.0)
    with pytest.raises(KeyboardInterrupt):
        source.ask()
    assert source.calls.circuits.phase("crm") == "half-open"
    with pytest.raises(CircuitError, match="another call probes it now"):
        source.ask()
    source.time.wait(60.0)
    assert source.ask() == "here"


def test_an_error_of_storage_says_how_often_it_was_tried():
    source = Source(*(StorageError("cannot list s3://raw/sales: busy") for _ in range(2)), retry=Retry(attempts=2))
    with pytest.raises(StorageError) as caught:
        source.ask()
    assert str(caught.value) == "cannot list s3://raw/sales: busy; tried 2 times"


def test_an_error_of_storage_is_tried_again_as_what_it_was_raised_from_says():
    source = Source(retry=Retry(attempts=2))
    passing, lasting = StorageError("cannot list"), StorageError("cannot list")
    passing.__cause__, lasting.__cause__ = refused(), refused(code="ExpiredToken", status=400)
    source.errors = [passing]
    assert source.ask() == "here"
    source.errors = [lasting]
    with pytest.raises(StorageError):
        source.ask()
    assert len(source.time.waits) == 1


def test_a_table_of_the_lake_is_left_alone_as_well(tmp_path):
    shop = Shop(tmp_path)
    shop.know("apple")
    reads = Pipeline(
        "t.copies",
        sources={"products": delta_table("products", schema=Product, breaker=BREAKER)},
        outputs=[table("copies", of="products", mode="overwrite")],
    )
    for _ in range(2):
        shop.space.calls.circuits.settle(BREAKER, "timed out")
    with pytest.raises(CircuitError):
        run_in(reads, shop.space, RunRequest())
    assert open_table(shop.space.lake, "copies") is None
