"""`sluice show`: rows of any node of a pipeline, without writing."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from framework.cli.frames import show_frame
from framework.cli.options import Exit, settings
from framework.cli.output import hint
from framework.cli.request import make_request
from framework.errors import ConfigurationError


def show(
    node: str,
    *,
    limit: int = 10,
    sample: float | None = None,
    param: Annotated[tuple[str, ...], Parameter(negative="")] = (),
) -> int:
    """Show rows of a source, a step or an output, computed from the input as it is now, without writing.

    Args:
        node: `pipeline` for its output, or `pipeline:name` for a source or step, such as `retail.sales:valued_sales`.
        limit: How many rows.
        sample: Compute from this fraction of the input: of sources that name a column in `sample_by`, whole values.
        param: A run parameter as `name=value`; can be repeated.
    """
    from framework.definition.load import load_pipelines
    from framework.run.show import rows_of

    if limit < 1:
        raise ConfigurationError(f"--limit {limit}: expected 1 or more")
    here = settings()
    request = make_request(full=False, sample=sample, param=param)
    show_frame(rows_of(node, load_pipelines(here), here, limit=limit, request=request, tell=hint), node=node)
    return Exit.OK
