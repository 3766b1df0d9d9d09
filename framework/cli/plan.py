"""`sluice plan`: what a run would do, and why."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.options import Exit, settings
from framework.cli.output import complain, error_of, hint, show
from framework.cli.request import EXCLUDE, make_request, selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from framework.run.request import RunRequest


def plan(
    *selection: str,
    exclude: EXCLUDE = (),
    full: Annotated[bool, Parameter(negative="")] = False,
    sample: float | None = None,
    param: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    exit_code: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Show what a run would do, and why. Reads no data and writes nothing.

    Args:
        selection: Names, domains, patterns, `tag:...`, with `+` for what stands before or behind. Default: all.
        exclude: What of that is left out; the same words. Can be repeated.
        full: As for a run from scratch.
        sample: As for a run on this fraction of the rows.
        param: A run parameter as `name=value`; can be repeated.
        exit_code: Exit with 3 when there is something to do.
    """
    code = show_plan(selected(selection, exclude), make_request(full=full, sample=sample, param=param))
    return code if exit_code or code != Exit.CHANGES else Exit.OK


def show_plan(selection: Iterable[str], request: RunRequest) -> int:
    """Show the plan of a selection; `Exit.CHANGES` when there is something to do, `USAGE` when it would be refused."""
    from framework.definition.load import load_pipelines
    from framework.definition.selection import select
    from framework.run.preview import preview
    from framework.run.schemas.evolution import refusal

    here = settings()
    previews = [preview(pipeline, here, request) for pipeline in select(load_pipelines(here), selection)]
    has_work = any(found.has_work for found in previews)

    def text() -> Sequence[str]:
        return [line for found in previews for line in found.render()]

    refused = refusal([one for found in previews if found.has_work for one in found.schemas])
    document = {"has_work": has_work, "pipelines": [found.to_dict() for found in previews]}
    show(document if refused is None else {**document, "error": error_of(refused)}, text)
    if refused is not None:
        complain(str(refused))
        return Exit.USAGE
    if has_work:
        hint(f"next: sluice run {shlex.join(selection)}".rstrip())
    return Exit.CHANGES if has_work else Exit.OK
