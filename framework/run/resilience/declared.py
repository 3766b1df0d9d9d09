"""How a pipeline is run, as its author has declared it, as lines to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from framework.core.durations import say_duration
from framework.core.source import FileSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from framework.core.policy import Breaker, Duration, Policy, Retry
    from framework.core.source import Source
    from framework.definition import Pipeline


def policy_lines(pipeline: Pipeline) -> list[str]:
    """Say what a pipeline declares of retries, limits, breakers and alternates; nothing where it declares nothing."""
    own = list(_of_pipeline(pipeline.policy))
    return own + [line for name, source in pipeline.sources.items() for line in _of_source(name, source)]


def _of_pipeline(policy: Policy) -> Iterator[str]:
    if policy.retry is not None:
        yield f"retry of a run: {_retry(policy.retry)}"
    if policy.pools:
        yield f"pools: {', '.join(policy.pools)}"
    if policy.deadline is not None:
        yield f"deadline: {_length(policy.deadline)}"
    if policy.expected is not None:
        yield f"expected: {_length(policy.expected)}"
    if policy.on_failure == "stop":
        yield "on failure: nothing else of the invocation is started"


def _of_source(name: str, source: Source) -> Iterator[str]:
    if source.retry is not None:
        yield f"retry of {name}: {_retry(source.retry)}, {source.retry.budget} retries per run"
    if source.breaker is not None:
        yield f"breaker of {name}: {_breaker(source.breaker)}"
    other = source.otherwise if isinstance(source, FileSource) else None
    if other is not None:
        age = f" for {say_duration(other.after)}" if other.after is not None else ""
        yield f"alternate of {name}: {other.source}, when {', '.join(other.when)}{age}"


def _retry(retry: Retry) -> str:
    within = f" within {_length(retry.within)}" if retry.within is not None else ""
    attempts = f"{retry.attempts} attempt{'s' * (retry.attempts != 1)}"
    return f"{attempts}{within}, waits from {_length(retry.first)} to {_length(retry.longest)}"


def _breaker(breaker: Breaker) -> str:
    share = f"{breaker.failures:.0%} of the last {breaker.of_last} calls (at least {breaker.at_least})"
    return f"'{breaker.name}', opens for {_length(breaker.open_for)} when {share} fail"


def _length(length: Duration) -> str:
    """Say a length of time that was read, in its largest whole unit."""
    seconds = cast("timedelta", length).total_seconds()
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
