"""Calls to sources before rows move: listing folders, looking at files, opening tables. Made again when it may help."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from framework.core.events import emit
from framework.core.failures import classify, retry_after_s
from framework.core.policy import Retry, seconds_of
from framework.core.reaching import reaching
from framework.errors import CircuitError, ConfigurationError, DefinitionError, StorageError
from framework.observe.redact import Redactor, secrets_of
from framework.run.resilience.circuits import Circuits, InLedger, InMemory
from framework.run.resilience.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from framework.core.source import Source
    from framework.settings import Settings

AT_SOURCES = Retry(attempts=5, first="500ms", longest="10s")
"""How calls are tried again where neither the source nor the project says."""
LIVE = Timing()


@dataclass
class Counts:
    """What became of the calls to one source in a run: how many were made again, and the time waited for that."""

    calls: int = 0
    retries: int = 0
    waited_s: float = 0.0


@dataclass(frozen=True)
class Calls:
    """How the calls of one run are made, and what is counted of them by source.

    `mask` hides secrets in what a circuit remembers of an error: it is kept where the logs' own mask does not reach.
    """

    retry: Retry = AT_SOURCES
    circuits: Circuits = field(default_factory=lambda: Circuits(InMemory(LIVE.now)), compare=False)
    timing: Timing = LIVE
    mask: Callable[[str], str] = str
    counts: dict[str, Counts] = field(default_factory=dict, compare=False)

    def of_a_run(self) -> Calls:
        """The same, with nothing counted yet."""
        return replace(self, counts={})

    @contextmanager
    def to(self, name: str, source: Source) -> Iterator[None]:
        """Make the calls of the block (`reach`) as calls to a source.

        Raises:
            CircuitError: when the circuit of the source is open: then it is not touched.
        """
        with reaching(partial(self._make, name, source)):
            yield

    def counted(self, name: str) -> Counts:
        """What is counted of a source."""
        return self.counts.setdefault(name, Counts())

    def _make(self, name: str, source: Source, what: str, call: Callable[[], Any]) -> Any:
        """Make a call, again and again as far as that is allowed."""
        retry, counts, began, waited = source.retry or self.retry, self.counted(name), self.timing.passed(), 0.0
        counts.calls += 1
        for attempt in count(1):
            try:
                return self._through_circuit(source, call)
            except Exception as error:
                passed = self.timing.passed() - began
                wait = self._next_wait(retry, counts, error, (attempt, passed, waited))
                if isinstance(wait, str):
                    self._give_up(name, what, error, attempt, wait)
                    raise
                waited = wait
                text = f"{name}: cannot {what}; once more in {wait:.1f} s ({attempt} of {retry.attempts}): {error}"
                emit("source.retry", text, level="WARNING", source=name, attempt=attempt, wait_s=wait)
            counts.retries += 1
            counts.waited_s += waited
            self.timing.wait(waited)
        raise AssertionError("counting never ends")

    def _through_circuit(self, source: Source, call: Callable[[], Any]) -> Any:
        """Make a call once, if the circuit of the source allows it; what does not pass by itself is an answer, too."""
        if source.breaker is None:
            return call()
        self.circuits.admit(source.breaker)
        try:
            given = call()
        except Exception as error:
            said = self.mask(str(error) or type(error).__name__)
            self.circuits.settle(source.breaker, said if _may_pass(error) else None)
            raise
        self.circuits.settle(source.breaker, None)
        return given

    def _next_wait(
        self, retry: Retry, counts: Counts, error: Exception, so_far: tuple[int, float, float]
    ) -> float | str:
        """How long to wait before a call is made again, in seconds, or why it is not.

        `so_far`: the attempts, the seconds since the first, and the wait before the last.
        """
        attempts, passed, waited = so_far
        if isinstance(error, CircuitError) or not _may_pass(error):
            return ""  # the error says it all
        if attempts >= retry.attempts:
            return f"tried {attempts} times"
        if counts.retries >= retry.budget:
            return f"the budget of {retry.budget} retries for this source is spent"
        asked = retry_after_s(error) or 0.0
        if asked > seconds_of(retry.longest):
            return f"asked to wait for {asked:.0f} s, longer than {retry.longest}"
        wait = max(asked, retry.wait_s(waited, self.timing.drawn()))
        return wait if retry.allows(attempts, passed + wait) else f"tried for {passed:.1f} s, at most {retry.within}"

    def _give_up(self, name: str, what: str, error: Exception, attempts: int, why: str) -> None:
        """Say why a call is not made again, in the error itself where it is one of ours."""
        if why:
            text = f"{name}: cannot {what}, given up: {why}"
            emit("source.given_up", text, level="WARNING", source=name, attempts=attempts, error=str(error))
        if why and isinstance(error, StorageError):
            raise StorageError(f"{error}; {why}") from error


def _may_pass(error: BaseException) -> bool:
    """Whether the next moment may bring another answer; a file that is gone does not come back within it."""
    return classify(error).kind == "transient" and not isinstance(error, FileNotFoundError)


def calls_of(settings: Settings) -> Calls:
    """How a project makes calls to its sources; its circuits are kept in the ledger, which is opened when needed."""
    mask = Redactor(secrets_of(settings)).text
    return Calls(retry_of(settings), Circuits(InLedger(settings.ledger_url), LIVE), LIVE, mask)


def retry_of(settings: Settings) -> Retry:
    """How the project says that calls to sources are tried again.

    Raises:
        ConfigurationError: when it cannot be meant.
    """
    try:
        return Retry(**settings.retry.model_dump())
    except DefinitionError as error:
        lines = "\n".join(f"  - {problem}" for problem in error.problems)
        raise ConfigurationError(f"[retry] in sluice.toml (or SLUICE_RETRY__*) cannot be used:\n{lines}") from error
