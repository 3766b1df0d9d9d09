"""What runs, plans and previews are asked for: the flags of a run, and which pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.errors import ConfigurationError
from framework.run.request import RunRequest

if TYPE_CHECKING:
    from collections.abc import Iterable


EXCLUDE = Annotated[tuple[str, ...], Parameter(negative="")]
"""The flag of commands that take a selection."""


def selected(selection: Iterable[str], exclude: Iterable[str]) -> tuple[str, ...]:
    """One selection out of what is wanted and what `--exclude` takes away."""
    return (*selection, *(f"!{one}" for one in exclude))


def make_request(*, full: bool, sample: float | None, param: tuple[str, ...], no_cache: bool = False) -> RunRequest:
    """Build the request out of the flags.

    Raises:
        ConfigurationError: when a flag has a value that means nothing.
    """
    if sample is not None and not 0 < sample <= 1:
        raise ConfigurationError(f"--sample {sample}: expected a fraction above 0 and up to 1, such as 0.1")
    parameters: dict[str, Any] = {}
    for given in param:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--param {given}: expected name=value")
        parameters[name] = value
    return RunRequest(full=full, parameters=parameters, sample=sample, no_cache=no_cache)
