"""`sluice test`: every step on input made from its schemas."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.options import Exit, current, settings
from framework.cli.output import hint, plural, show
from framework.cli.request import EXCLUDE, make_request, selected
from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework.testing.steps import Tried


def test(
    *selection: str,
    exclude: EXCLUDE = (),  # noqa: PT028 - a command, no test
    examples: int = 10,  # noqa: PT028 - a command, no test
    seed: int = 0,  # noqa: PT028 - a command, no test
    seconds: float = 120.0,  # noqa: PT028 - a command, no test
    extremes: bool = False,  # noqa: PT028 - a command, no test
    param: Annotated[tuple[str, ...], Parameter(negative="")] = (),  # noqa: PT028
) -> int:
    """Try every step on input made from its schemas: nothing is read or written but temporary files.

    Args:
        selection: Names, domains, patterns, `tag:...`, with `+` for what stands before or behind. Default: all.
        exclude: What of that is left out; the same words. Can be repeated.
        examples: How many inputs each step is tried on; each pipeline as a whole on a fifth of them.
        seed: Start of all random numbers: the same seed, the same input.
        seconds: How long to try at most; making a failing input smaller takes its own time.
        extremes: Try the largest numbers of each type and times far away too.
        param: A run parameter as `name=value`; can be repeated.
    """
    from framework.definition.load import load_pipelines
    from framework.definition.selection import select
    from framework.testing.steps import Trial, try_pipelines

    if examples < 1 or seconds <= 0:
        text = f"--examples {examples} --seconds {seconds:g}: expected 1 or more, and more than 0"
        raise ConfigurationError(text)
    parameters = make_request(full=False, sample=None, param=param).parameters
    known = load_pipelines(settings())
    trial = Trial(examples=examples, seed=seed, seconds=seconds, parameters=parameters, extremes=extremes)
    flags = [f"--seed {seed} --examples {examples}", "--extremes" if extremes else "", *(f"--param {p}" for p in param)]
    again = " ".join(filter(None, flags))
    done = []
    for tried in try_pipelines(select(known, selected(selection, exclude)), list(known.values()), trial):
        done.append(tried)
        if not current().json:
            sys.stdout.writelines(f"{line}\n" for line in _lines(tried, again))
            sys.stdout.flush()
    counts: Counter[str] = Counter(tried.state for tried in done)
    document = {"seed": seed, "examples": examples, "counts": dict(counts), "tried": [one.to_dict() for one in done]}
    show(document, lambda: [_sum(len(done), counts)])
    late = sum(one.state == "skipped" and "time" in one.reason for one in done)
    if late:
        hint(f"{late} of them were not tried, as the time was up: give it more --seconds, or name fewer pipelines")
    if counts["failed"]:
        hint("next: paste the input into a test, mend the step, and run `sluice test` again")
    return Exit.FAILED if counts["failed"] else Exit.OK


def _lines(tried: Tried, again: str) -> Iterator[str]:
    word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[tried.state]
    told = tried.reason or f"{plural(tried.examples, 'example')}, {tried.seconds:.1f} s"
    yield f"{word:<8}{tried.pipeline}: {tried.step} ({told})"
    if tried.finding is not None:
        yield from (f"    {line}".rstrip() for line in tried.finding.render())
        yield f"    again with: sluice test {tried.pipeline} {again}"


def _sum(count: int, counts: Mapping[str, int]) -> str:
    if not count:
        return "there is nothing to try"
    words = {"passed": "passed", "failed": "failed", "skipped": "skipped"}
    told = ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state])
    return f"{count} {'step or pipeline' if count == 1 else 'steps and pipelines'} tried: {told}"
