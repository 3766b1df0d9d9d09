"""How a pipeline is run, as its author declares it: what is tried again and how often, within what limits.

Nothing here computes rows: a policy is no part of a pipeline's fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from framework.core.durations import read_duration
from framework.errors import DefinitionError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OnFailure = Literal["skip", "stop"]
ON_FAILURE: tuple[OnFailure, ...] = ("skip", "stop")
RETRY_LENGTHS = ("within", "first", "longest")
LENGTHS = ("deadline", "expected")
Duration = str | timedelta
"""A length of time as authors write it: `30m`, or a timedelta."""


@dataclass(frozen=True)
class Retry:
    """How often what fails for a reason that may pass is tried, and how long to wait between.

    The wait is drawn between `first` and three times the wait before it, up to `longest` (decorrelated jitter: M.
    Brooker, Exponential backoff and jitter, AWS Architecture Blog, 2015), so that what failed together does not come
    back together.

    Args:
        attempts: How often at most, the first time included.
        within: How long at most from the first attempt to the start of the last (None: no limit).
        first: The shortest wait.
        longest: The longest wait. Whoever asks for a longer one (`Retry-After`) is not waited for.
        budget: For a source: how often at most in a run all calls to it together are tried again, so that a store that
            struggles is not pressed further.

    Raises:
        DefinitionError: when one of them cannot be meant.
    """

    attempts: int = 2
    within: Duration | None = None
    first: Duration = timedelta(seconds=1)
    longest: Duration = timedelta(seconds=60)
    budget: int = 10

    def __post_init__(self) -> None:
        problems = list(_read_lengths(self, RETRY_LENGTHS))
        if self.attempts < 1:
            problems.append(Problem("Retry", f"attempts={self.attempts} is too few", "1 never tries again"))
        if self.budget < 0:
            problems.append(Problem("Retry", f"budget={self.budget} is below zero", "0 never tries again"))
        if not problems and seconds_of(self.first) > seconds_of(self.longest):
            problems.append(Problem("Retry", f"first={self.first} is longer than longest={self.longest}", "swap them"))
        if problems:
            raise DefinitionError(problems)

    def wait_s(self, before_s: float, drawn: float) -> float:
        """How long to wait, in seconds; `before_s` is the wait before it (0: none), `drawn` from 0 to 1 is chance.

        >>> Retry().wait_s(0, 0.5), Retry().wait_s(10, 1.0), Retry().wait_s(50, 1.0)
        (2.0, 30.0, 60.0)
        """
        first, longest = seconds_of(self.first), seconds_of(self.longest)
        return min(longest, first + drawn * (3 * max(before_s, first) - first))

    def allows(self, attempts: int, passed_s: float) -> bool:
        """Whether another attempt may follow so many, the first of which began so many seconds ago.

        >>> Retry(attempts=3).allows(2, 0), Retry(attempts=3, within="1m").allows(2, 61)
        (True, False)
        """
        return attempts < self.attempts and (self.within is None or passed_s <= seconds_of(self.within))


@dataclass(frozen=True)
class Breaker:
    """When a source that keeps failing is left alone for a while, by all runs in all containers.

    Closed, every call is let through. When too many of the last calls have failed, it opens: nothing is tried until
    `open_for` has passed. Then it is half open: a few calls may probe the source; if all succeed it closes, if one
    fails it opens again (M. Nygard, Release It!, 2007). Only failures that may pass count: a source that refuses what
    it is asked has answered.

    Args:
        name: What is shared under it, such as `crm`: sources with one name have one circuit, which the ledger keeps.
        failures: From which share of failed calls on it opens.
        of_last: Of how many calls, the last ones.
        at_least: How many calls there must be to tell.
        open_for: How long nothing is tried.
        probes: How many calls may try it then, and must succeed.

    Raises:
        DefinitionError: when one of them cannot be meant.
    """

    name: str
    failures: float = 0.5
    of_last: int = 10
    at_least: int = 5
    open_for: Duration = timedelta(minutes=1)
    probes: int = 1

    def __post_init__(self) -> None:
        problems = list(_read_lengths(self, ("open_for",)))
        where = f"Breaker '{self.name}'"
        if not self.name:
            problems.append(Problem("Breaker", "has no name", "name it after what it protects, such as 'crm'"))
        if not 0 < self.failures <= 1:
            fix = "a share above 0 and up to 1, such as 0.5"
            problems.append(Problem(where, f"failures={self.failures} is no share", fix))
        if not 1 <= self.at_least <= self.of_last:
            fix = "at least 1, and no more than of_last"
            problems.append(Problem(where, f"at_least={self.at_least} of of_last={self.of_last} calls", fix))
        if self.probes < 1:
            problems.append(Problem(where, f"probes={self.probes} never closes it again", "at least 1"))
        if problems:
            raise DefinitionError(problems)


@dataclass(frozen=True)
class Policy:
    """How a pipeline is run: retries, limits, and what its failure means for others.

    Args:
        retry: How often a run that fails for a reason that may pass is tried (None: as `sluice run --attempts` says).
        pools: Named resources of which a run takes a slot each while it works, such as the connections of an API. How
            many slots a pool has is set for the project (`[pools]` in sluice.toml); without a word it is one.
        deadline: How long a run may take, all its attempts together; beyond it is stopped, and has failed.
        expected: How long a run should take; beyond that there is a warning, and the report says so.
        on_failure: `skip` skips what depends on it; `stop` starts nothing else of the invocation either.

    Raises:
        DefinitionError: when one of them cannot be meant.
    """

    retry: Retry | None = None
    pools: tuple[str, ...] = ()
    deadline: Duration | None = None
    expected: Duration | None = None
    on_failure: OnFailure = "skip"

    def __post_init__(self) -> None:
        problems = list(_read_lengths(self, LENGTHS))
        if self.on_failure not in ON_FAILURE:
            hint = did_you_mean(str(self.on_failure), ON_FAILURE)
            problems.append(Problem("Policy", f"on_failure='{self.on_failure}' is unknown", hint))
        if isinstance(self.pools, str):
            object.__setattr__(self, "pools", (self.pools,))
        if problems:
            raise DefinitionError(problems)

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data; lengths of time in seconds."""
        return {name: _plain(value) for name, value in vars(self).items()}

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Policy:
        """Read what `to_dict` wrote."""
        found = {**document, "pools": tuple(document["pools"])}
        retry = document["retry"]
        found["retry"] = None if retry is None else Retry(**_with_lengths(retry, RETRY_LENGTHS))
        return Policy(**_with_lengths(found, LENGTHS))


def _plain(value: Any) -> Any:
    if isinstance(value, Retry):
        return {name: _plain(one) for name, one in vars(value).items()}
    return value.total_seconds() if isinstance(value, timedelta) else value


def _with_lengths(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    given = {name: document[name] for name in names if document[name] is not None}
    return {**document, **{name: timedelta(seconds=seconds) for name, seconds in given.items()}}


def seconds_of(length: Duration) -> float:
    """A length of time that was read, in seconds."""
    return cast("timedelta", length).total_seconds()


def _read_lengths(owner: Retry | Breaker | Policy, names: tuple[str, ...]) -> Iterator[Problem]:
    """Put what was read in the place of lengths of time that were written; says which cannot be read."""
    for name in names:
        given = getattr(owner, name)
        read = None if given is None else read_duration(given)
        if given is not None and (read is None or read <= timedelta()):
            yield Problem(type(owner).__name__, f"{name}={given!r} is no length of time", "write 90s, 30m or 2h")
        object.__setattr__(owner, name, read)


AS_USUAL = Policy()
"""How a pipeline is run that says nothing of it."""
