"""`sluice run`: the supervisor's caller. Imports nothing heavy: a run with nothing new must cost next to nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.options import Exit, current
from framework.cli.output import complain, give_up_output, hint, show
from framework.cli.request import EXCLUDE, make_request, selected
from framework.cli.run_summary import next_steps, render, render_brief
from framework.errors import ConfigurationError
from framework.supervise.audience import Audience
from framework.supervise.current import Tries, new_id
from framework.supervise.messages import Job
from framework.supervise.supervisor import supervise

if TYPE_CHECKING:
    from framework.run.request import RunRequest
    from framework.supervise.supervisor import Invocation

_NOTHING_RAN = {"SelectionError": Exit.NO_MATCH}
_MISTAKES = {"configuration", "definition"}
_REFUSED = {"configuration": Exit.USAGE, "definition": Exit.USAGE, "transient": Exit.UNREACHABLE, "bug": Exit.BUG}


def run(  # noqa: PLR0913 - one per flag
    *selection: str,
    exclude: EXCLUDE = (),
    full: Annotated[bool, Parameter(negative="")] = False,
    sample: float | None = None,
    param: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    attempts: int | None = None,
    workers: int | None = None,
    fail_fast: Annotated[bool, Parameter(name=("--fail-fast", "-x"), negative="")] = False,
    brief: Annotated[bool, Parameter(negative="")] = False,
    no_cache: Annotated[bool, Parameter(name="--no-cache", negative="")] = False,
) -> int:
    """Run pipelines: all of them, or a selection.

    Args:
        selection: Names, domains, patterns, `tag:...`, with `+` for what stands before or behind. Default: all.
        exclude: What of that is left out; the same words. Can be repeated.
        full: Rebuild from scratch instead of taking in what is new.
        sample: Run on this fraction of the rows, in a lake of its own.
        param: A run parameter as `name=value`; can be repeated.
        dry_run: Show what would be done instead, like `sluice plan`.
        attempts: How often to try what fails for a reason that may pass. Default: as each pipeline says, else 2.
        workers: How many processes work side by side at most. Default: as set, else one per core, up to 4.
        fail_fast: Start nothing else once a pipeline has failed.
        brief: One line per pipeline.
        no_cache: Pass over checkpoints: nothing is taken from the cache, and nothing kept in it.
    """
    request = make_request(full=full, sample=sample, param=param, no_cache=no_cache)
    wanted = selected(selection, exclude)
    way = Way(attempts, workers, fail_fast, brief)
    if dry_run:
        from framework.cli.plan import show_plan

        show_plan(wanted, request)
        return Exit.OK
    return carry_out(wanted, request, way)


@dataclass(frozen=True)
class Way:
    """How an invocation runs and reports: attempts and workers (None: as set), and see `run`."""

    attempts: int | None = None
    workers: int | None = None
    fail_fast: bool = False
    brief: bool = False

    def __post_init__(self) -> None:
        for flag, number in (("--attempts", self.attempts), ("--workers", self.workers)):
            if number is not None and number < 1:
                raise ConfigurationError(f"{flag} {number}: expected 1 or more")


def carry_out(selection: tuple[str, ...], request: RunRequest, way: Way) -> int:
    """Run a selection under the supervisor, report, and give the exit code."""
    options = current()
    audience = Audience(new_id(), options.quiet, options.verbose, options.color, options.log_format)
    job = Job(str(options.project.absolute()), selection, request, workers=way.workers)
    tries = Tries(asked=way.attempts)
    try:
        done = supervise(
            job,
            audience=audience,
            invocation=audience.invocation_id,
            tries=tries,
            past=audience,
            fail_fast=way.fail_fast,
        )
    finally:
        audience.close()
    try:
        _report(done, audience, is_brief=way.brief)
        sys.stdout.flush()
    except BrokenPipeError:  # the run is over all the same, and its exit code stands
        give_up_output()
    return exit_code(done)


def exit_code(done: Invocation) -> int:
    """What the exit code says about an invocation: a signal, a bug, a mistake, storage that is gone, a failure."""
    if done.signal is not None or done.cancelled_by:
        return Exit.FAILED if done.signal is None else 128 + done.signal
    failures = [report.failure for report in done.reports if report.failure]
    if any(failure.kind == "bug" and failure.error != "PanicException" for failure in failures):
        return Exit.BUG
    if done.refusal:
        return _NOTHING_RAN.get(done.refusal.error) or _REFUSED.get(done.refusal.kind, Exit.FAILED)
    kinds = {failure.kind for failure in failures}
    if kinds <= _MISTAKES and not any(report.outputs for report in done.reports):
        return Exit.USAGE if kinds else Exit.OK
    if kinds == {"transient"}:
        return Exit.UNREACHABLE
    return Exit.FAILED if kinds else Exit.OK


def _report(done: Invocation, audience: Audience, *, is_brief: bool) -> None:
    document: dict[str, Any] = {
        "invocation_id": done.id,
        "state": done.state,
        "runs": [report.to_dict() for report in done.reports],
    }
    if done.refusal:
        document["error"] = {"kind": done.refusal.kind, "error": done.refusal.error, "message": done.refusal.message}
    clean: dict[str, Any] = audience.redactor.data(document)
    lines = render_brief(done.reports) if is_brief else render(done.reports, is_verbose=current().verbose > 0)
    show(clean, lambda: map(audience.redactor.text, lines))
    if done.refusal:
        complain(audience.redactor.text(done.refusal.message))
    _show_tracebacks(done, audience)
    hint(*next_steps(done))


def _show_tracebacks(done: Invocation, audience: Audience) -> None:
    """Keep the traceback of each bug in a file and say where; with --debug show those of all failures."""
    failed = {report.pipeline: (report.run_id, report.failure) for report in done.reports if report.failure}
    if done.refusal:
        failed[""] = (f"crash-{done.id}", done.refusal)
    folder = Path(audience.ready.logs) if audience.ready else current().project / "data/logs"
    for name, text in done.tracebacks.items():
        run_id, failure = failed.get(name, ("", None))
        clean = audience.redactor.text(text)
        if current().debug:
            print(clean, file=sys.stderr, end="")
        if failure is not None and failure.kind == "bug":
            from framework.cli.crash import save_traceback

            path = save_traceback(clean, folder, run_id)
            complain(f"{name or 'sluice'}: {failure.error} is a bug; traceback: {path}")
