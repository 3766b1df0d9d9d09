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
        longest: The longest wait.

    Raises:
        DefinitionError: when one of them cannot be meant.
    """

    attempts: int = 2
    within: Duration | None = None
    first: Duration = timedelta(seconds=1)
    longest: Duration = timedelta(seconds=60)

    def __post_init__(self) -> None:
        problems = list(_read_lengths(self, RETRY_LENGTHS))
        if self.attempts < 1:
            problems.append(Problem("Retry", f"attempts={self.attempts} is too few", "1 never tries again"))
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


def _read_lengths(owner: Retry | Policy, names: tuple[str, ...]) -> Iterator[Problem]:
    """Put what was read in the place of lengths of time that were written; says which cannot be read."""
    for name in names:
        given = getattr(owner, name)
        read = None if given is None else read_duration(given)
        if given is not None and (read is None or read <= timedelta()):
            yield Problem(type(owner).__name__, f"{name}={given!r} is no length of time", "write 90s, 30m or 2h")
        object.__setattr__(owner, name, read)


AS_USUAL = Policy()
"""How a pipeline is run that says nothing of it."""
