"""The flags of a run as the request that runs, plans and previews share."""

from __future__ import annotations

from typing import Any

from framework.errors import ConfigurationError
from framework.run.request import RunRequest


def make_request(*, full: bool, sample: float | None, param: tuple[str, ...]) -> RunRequest:
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
    return RunRequest(full=full, parameters=parameters, sample=sample)
